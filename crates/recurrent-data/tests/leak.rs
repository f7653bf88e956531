//! Held-out data does not change anything that training uses.

use proptest::prelude::*;
use recurrent_data::{
    CalendarFeatures, ColumnSelection, Corpus, ParallelCorpus, RegisteredDataset, Scaler, ScalerKind, Split,
    SplitFractions, Table, Tokenizer, TokenizerConfig, TokenizerKind, Train, WindowShape, Windows,
};

const KINDS: [ScalerKind; 3] = [ScalerKind::Standard, ScalerKind::MinMax, ScalerKind::None];

fn weather() -> String {
    let bytes = RegisteredDataset::find("weather").unwrap().bytes.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn split(csv: &str) -> Split {
    let manifest = &RegisteredDataset::find("weather").unwrap().manifest;
    let table = Table::from_bytes("weather.csv", csv.as_bytes(), None).unwrap();
    let series = table.series(&ColumnSelection::default()).unwrap();
    series.split(&manifest.series().unwrap().split).unwrap()
}

/// The same dates, with other values from row `first` on.
fn altered(csv: &str, first: usize, value: f64) -> String {
    let alter = |(i, line): (usize, &str)| match line.split_once(',') {
        Some((date, _)) if i > first => {
            format!("{date},{value},{value},{},{value},hail\n", -value)
        }
        _ => format!("{line}\n"),
    };
    csv.lines().enumerate().map(alter).collect()
}

fn windows(split: &Split, scaler: &Scaler) -> Windows<Train> {
    let shape = WindowShape::new(30, 7, vec![0, 1, 2, 3], vec![1]).unwrap();
    Windows::new(&scaler.scale(&split.train).unwrap(), shape).unwrap()
}

/// The bits of every value that training uses.
fn bits(windows: &Windows<Train>) -> Vec<u32> {
    let mut values = vec![];
    for i in 0..windows.len() {
        windows.features_into(i, &mut values);
        windows.targets_into(i, &mut values);
        windows.future_into(i, &mut values);
    }
    values.into_iter().map(f32::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn later_rows_do_not_change_training_data(value in -1e6..1e6_f64) {
        let before = split(&weather());
        let after = split(&altered(&weather(), before.train.rows().end, value));
        prop_assert_ne!(before.test.series(), after.test.series());
        for kind in KINDS {
            let (fitted, refitted) = (
                Scaler::fit(&before.train, kind),
                Scaler::fit(&after.train, kind),
            );
            prop_assert_eq!(&fitted, &refitted);
            prop_assert_eq!(
                bits(&windows(&before, &fitted)),
                bits(&windows(&after, &refitted))
            );
        }
    }

    #[test]
    fn later_rows_of_any_series_do_not_change_training_data(value in -1e6..1e6_f64) {
        let split = |csv: &str| {
            let table = Table::from_bytes("cities.csv", csv.as_bytes(), None).unwrap();
            let selection = ColumnSelection { series: Some("city".into()), ..ColumnSelection::default() };
            table.series(&selection).unwrap().split(&SplitFractions::default()).unwrap()
        };
        // The second series begins later, so that other rows of it train.
        let text = |value: &dyn Fn(usize, usize) -> f64| {
            let day = |day: usize| format!("2020-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
            let row = |city: usize, at: usize| format!("{},{city},{},{at}\n", day(at), value(city, at));
            let rows = (0..28).flat_map(|at| (0..2).filter(move |city| at >= 12 * city).map(move |city| (city, at)));
            rows.fold("day,city,x,at\n".to_string(), |text, (city, at)| text + &row(city, at))
        };
        let plain = |_: usize, at: usize| (at * at % 17) as f64;
        let before = split(&text(&plain));
        let first = before.train.series().dates().unwrap().label(before.valid.rows().start);
        let first_valid: usize = first.rsplit('-').next().unwrap().parse::<usize>().unwrap() - 1;
        let after = split(&text(&|city, at| if at < first_valid { plain(city, at) } else { value }));
        prop_assert_ne!(before.valid.series(), after.valid.series());
        prop_assert_eq!(CalendarFeatures::fit(&before.train), CalendarFeatures::fit(&after.train));
        let windows = |split: &Split, scaler: &Scaler| {
            let shape = WindowShape::new(4, 2, vec![0, 1], vec![0]).unwrap().with_future(vec![1]);
            Windows::new(&scaler.scale(&split.train).unwrap(), shape).unwrap()
        };
        for kind in KINDS {
            let (fitted, refitted) = (Scaler::fit(&before.train, kind), Scaler::fit(&after.train, kind));
            prop_assert_eq!(&fitted, &refitted);
            prop_assert_eq!(bits(&windows(&before, &fitted)), bits(&windows(&after, &refitted)));
        }
    }

    #[test]
    fn validation_text_does_not_change_the_tokenizer(end in "\\PC{20}") {
        let song = "the cat sat on the mat, and the rat sat on the cat.\n".repeat(8);
        let fit = |kind, end: &str| {
            let corpus = Corpus::from_bytes("song", format!("{song}{end}").into_bytes()).unwrap();
            let fraction = end.chars().count() as f64 / corpus.num_chars() as f64;
            let split = corpus.split(fraction + 1e-9).unwrap();
            let config = TokenizerConfig::new(kind).with_vocab_size(300);
            Tokenizer::fit(&config, split.train.pieces()).unwrap().to_json()
        };
        for kind in TokenizerKind::ALL {
            prop_assert_eq!(fit(kind, &end), fit(kind, "01234567890123456789"));
        }
    }

    #[test]
    fn held_out_pairs_do_not_change_the_tokenizer(other in "[a-z]{1,9}") {
        let text = (0..60).fold("en\tfr\n".to_string(), |all, i| format!("{all}line {i}\tligne {i}\n"));
        let split = |text: &str| {
            let table = Table::from_bytes("pairs", text.as_bytes(), None).unwrap();
            ParallelCorpus::from_table(&table, None, None, None).unwrap().split(&SplitFractions::default()).unwrap()
        };
        let before = split(&text);
        let mut altered = text.clone();
        for pair in before.test.pairs() {
            altered = altered.replace(&format!("\t{}\n", pair.target), &format!("\t{other} {}\n", pair.line));
        }
        let fit = |text: &str| {
            let train = split(text).train;
            let config = TokenizerConfig::new(TokenizerKind::Words);
            Tokenizer::fit(&config, train.sources().concat(train.targets())).unwrap().to_json()
        };
        prop_assert_ne!(&text, &altered);
        prop_assert_eq!(fit(&text), fit(&altered));
    }
}
