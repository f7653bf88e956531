//! Nothing about later rows reaches what a model is trained on.

use proptest::prelude::*;
use recurrent_data::{
    ColumnSelection, Corpus, DatasetManifest, ParallelCorpus, Ratios, Scaler, ScalerKind, Split, Table, Tokenizer,
    TokenizerKind, Train, WindowShape, Windows,
};

const KINDS: [ScalerKind; 3] = [ScalerKind::Standard, ScalerKind::MinMax, ScalerKind::None];

fn weather() -> String {
    let bytes = DatasetManifest::find("weather").unwrap().bytes.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn split(csv: &str) -> Split {
    let manifest = &DatasetManifest::find("weather").unwrap().manifest;
    let table = Table::from_bytes("weather.csv", csv.as_bytes(), None).unwrap();
    let series = table.series(&ColumnSelection::default()).unwrap();
    series.split(&manifest.series().unwrap().split).unwrap()
}

/// The same days, with other weather from row `first` on.
fn altered(csv: &str, first: usize, weather: f64) -> String {
    let alter = |(i, line): (usize, &str)| match line.split_once(',') {
        Some((date, _)) if i > first => {
            format!("{date},{weather},{weather},{},{weather},hail\n", -weather)
        }
        _ => format!("{line}\n"),
    };
    csv.lines().enumerate().map(alter).collect()
}

fn windows(split: &Split, scaler: &Scaler) -> Windows<Train> {
    let shape = WindowShape::new(30, 7, vec![0, 1, 2, 3], vec![1]).unwrap();
    Windows::new(&scaler.scale(&split.train).unwrap(), shape).unwrap()
}

/// Every number that training sees, down to its bits.
fn seen(windows: &Windows<Train>) -> Vec<u32> {
    let mut numbers = vec![];
    for i in 0..windows.len() {
        windows.inputs_into(i, &mut numbers);
        windows.targets_into(i, &mut numbers);
    }
    numbers.into_iter().map(f32::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn later_rows_change_nothing_in_training(weather_then in -1e6..1e6_f64) {
        let before = split(&weather());
        let after = split(&altered(&weather(), before.train.rows().end, weather_then));
        prop_assert_ne!(before.test.series(), after.test.series());
        for kind in KINDS {
            let (fitted, refitted) = (
                Scaler::fit(&before.train, kind),
                Scaler::fit(&after.train, kind),
            );
            prop_assert_eq!(&fitted, &refitted);
            prop_assert_eq!(
                seen(&windows(&before, &fitted)),
                seen(&windows(&after, &refitted))
            );
        }
    }

    #[test]
    fn later_characters_change_nothing_in_a_codec(then in "\\PC{20}") {
        let song = "the cat sat on the mat, and the rat sat on the cat.\n".repeat(8);
        let fit = |kind, then: &str| {
            let corpus = Corpus::from_bytes("song", format!("{song}{then}").into_bytes()).unwrap();
            let share = then.chars().count() as f64 / corpus.chars() as f64;
            let (train, _) = corpus.split(share + 1e-9).unwrap();
            Tokenizer::fit(kind, 300, 0, train.pieces()).unwrap().to_json()
        };
        for kind in TokenizerKind::ALL {
            prop_assert_eq!(fit(kind, &then), fit(kind, "01234567890123456789"));
        }
    }

    #[test]
    fn held_out_pairs_change_nothing_in_a_codec(then in "[a-z]{1,9}") {
        let text = (0..60).fold("en\tfr\n".to_string(), |all, i| format!("{all}line {i}\tligne {i}\n"));
        let split = |text: &str| {
            let table = Table::from_bytes("pairs", text.as_bytes(), None).unwrap();
            ParallelCorpus::from_table(&table, None, None, None).unwrap().split(&Ratios::default()).unwrap()
        };
        let before = split(&text);
        let mut altered = text.clone();
        for pair in before.test.pairs() {
            altered = altered.replace(&format!("\t{}\n", pair.target), &format!("\t{then} {}\n", pair.line));
        }
        let fit = |text: &str| {
            let train = split(text).train;
            Tokenizer::fit(TokenizerKind::Words, 0, 0, train.sources().and(train.targets())).unwrap().to_json()
        };
        prop_assert_ne!(&text, &altered);
        prop_assert_eq!(fit(&text), fit(&altered));
    }
}
