//! Any input gives a result or an error, and never a panic.

use proptest::prelude::*;
use recurrent_data::{
    BpttBatches, CalendarFeatures, ColumnSelection, Corpus, DatasetManifest, Gaps, LabeledTexts, Missing,
    ParallelCorpus, Result, Scaler, ScalerKind, SplitFractions, Table, Tokenizer, TokenizerConfig, TokenizerKind,
    WindowShape, Windows, registered_datasets,
};

/// The whole pipeline for a series.
fn run_series(bytes: &[u8], (missing, gaps): (Missing, Gaps), ids: bool) -> Result<()> {
    let table = Table::from_bytes("any", bytes, None)?;
    let series = table.headers().last().filter(|_| ids).cloned();
    let selection = ColumnSelection { missing, gaps, series, ..ColumnSelection::default() };
    let series = table.series(&selection)?;
    if let Some(dates) = series.dates() {
        dates.labels_after(dates.len() - 1, 3);
    }
    series.head(2).last_segments();
    let split = series.split(&SplitFractions::default())?;
    CalendarFeatures::fit(&split.train).add_to(split.test.series().head(3))?;
    let scaler = Scaler::fit(&split.train, ScalerKind::Standard);
    let shape = WindowShape::new(1, 1, vec![0], vec![0])?.with_future(vec![0]);
    let windows = Windows::new(&scaler.scale(&split.train)?, shape)?;
    windows.features_into(windows.len() - 1, &mut vec![]);
    windows.future_into(0, &mut vec![]);
    Ok(())
}

/// The whole pipeline for a text.
fn run_corpus(bytes: &[u8], kind: TokenizerKind) -> Result<()> {
    let split = Corpus::from_bytes("any", bytes.to_vec())?.split(0.3)?;
    let config = TokenizerConfig::new(kind).with_vocab_size(270).with_min_count(1);
    let tokenizer = Tokenizer::fit(&config, split.train.pieces())?;
    let batches = BpttBatches::new(split.valid.encode(&tokenizer)?, 2, 3)?;
    batches.batch(batches.len() - 1);
    tokenizer.decode(&batches.encoded().ids(0..batches.encoded().len()));
    Ok(())
}

/// The whole pipeline for pairs.
fn run_pairs(bytes: &[u8]) -> Result<()> {
    let pairs = ParallelCorpus::from_table(&Table::from_bytes("any", bytes, None)?, None, None, None)?;
    let split = pairs.split(&SplitFractions::default())?;
    let config = TokenizerConfig::new(TokenizerKind::Words).with_min_count(1);
    let tokenizer = Tokenizer::fit(&config, split.train.sources().concat(split.train.targets()))?;
    split.test.encode(&tokenizer, &tokenizer, 5)?;
    Ok(())
}

/// The whole pipeline for labeled texts.
fn run_labeled(bytes: &[u8]) -> Result<()> {
    let labeled = LabeledTexts::from_table(&Table::from_bytes("any", bytes, None)?, None, None, None)?;
    let split = labeled.split(&SplitFractions::default())?;
    let config = TokenizerConfig::new(TokenizerKind::Chars).with_min_count(1);
    let tokenizer = Tokenizer::fit(&config, split.train.texts())?;
    split.test.encode(&tokenizer, 5)?;
    Ok(())
}

fn any_policy() -> impl Strategy<Value = (Missing, Gaps)> {
    let missing = prop::sample::select(vec![Missing::Error, Missing::Forward, Missing::Drop]);
    (missing, prop::sample::select(vec![Gaps::Error, Gaps::Fill, Gaps::Split, Gaps::Ignore]))
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), policies in any_policy()) {
        let _ = run_series(&bytes, policies, false);
        let _ = run_series(&bytes, policies, true);
    }

    #[test]
    fn any_bytes_as_texts(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in prop::sample::select(TokenizerKind::ALL.to_vec()),
    ) {
        let _ = run_corpus(&bytes, kind);
        let _ = run_pairs(&bytes);
        let _ = run_labeled(&bytes);
        let (one, other) = bytes.split_at(bytes.len() / 2);
        let _ = ParallelCorpus::from_aligned_bytes(("any", one), ("other", other));
    }

    #[test]
    fn any_text_as_texts(
        text in "(text,label|text,label,part|a\tb)\n([ab\"\t,\u{0}-\u{40}\n]{0,80}|([a-f]{1,3}[,\t](x|y)\n){0,30})",
        any_text in "\\PC{0,80}",
        kind in prop::sample::select(TokenizerKind::ALL.to_vec()),
    ) {
        let _ = run_corpus(any_text.as_bytes(), kind);
        let _ = run_corpus(text.as_bytes(), kind);
        let _ = run_pairs(text.as_bytes());
        let _ = run_labeled(text.as_bytes());
    }

    #[test]
    fn any_saved_tokenizer(
        json in "\\PC{0,80}",
        merges in prop::collection::vec(("[a-cĠŀ]{0,2}", "[a-cĠŀ]{0,2}"), 0..6),
        pieces in prop::collection::vec(("[a-c<>]{0,3}", -9.0..9.0_f64), 0..6),
        text in "[a-e<> ]{0,20}",
    ) {
        let _ = Tokenizer::from_json("any", &json);
        let merges: Vec<String> = merges.iter().map(|(a, b)| format!("[{a:?},{b:?}]")).collect();
        let pieces: Vec<String> = pieces.iter().map(|(piece, score)| format!("[{piece:?},{score}]")).collect();
        for json in [
            format!(r#"{{"kind":"bpe","merges":[{}]}}"#, merges.join(",")),
            format!(r#"{{"kind":"unigram","pieces":[{}]}}"#, pieces.join(",")),
            format!(r#"{{"kind":"chars","alphabet":{text:?}}}"#),
        ] {
            if let Ok(tokenizer) = Tokenizer::from_json("any", &json) {
                tokenizer.decode(&tokenizer.encode(&text));
                let saved = tokenizer.to_json();
                prop_assert_eq!(Tokenizer::from_json("any", &saved).unwrap().to_json(), saved);
            }
        }
        let config = TokenizerConfig::new(TokenizerKind::Words).with_lowercase(true);
        let _ = Tokenizer::fit_strings(&config, [&text, &json]);
    }

    #[test]
    fn any_manifest(
        set in 0..registered_datasets().len(),
        at in 0.0..1.0_f64,
        put in prop::sample::select(vec!["", "0", "-1", "99999999999999999999", "1e308", "nan", "\"\"", "[]", "=", "\n[x]\n", "../"]),
        cut in 0..9_usize,
    ) {
        let text = toml::to_string(&registered_datasets()[set].manifest).unwrap();
        let at = text.floor_char_boundary((text.len() as f64 * at) as usize);
        let end = text.floor_char_boundary((at + cut).min(text.len()));
        let changed = [&text[..at], put, &text[end.max(at)..]].concat();
        let _ = DatasetManifest::from_toml("any", &changed);
        prop_assert!(DatasetManifest::from_toml("any", &text).is_ok());
    }

    #[test]
    fn any_text_of_table_characters(
        text in "(date,x|x;y|\"x\",y)\r?\n([-0-9,;.eTNa/:\" \r\n]{0,80})",
        policies in any_policy(),
    ) {
        let _ = run_series(text.as_bytes(), policies, false);
        let _ = run_series(text.as_bytes(), policies, true);
    }

    #[test]
    fn any_dates(
        days in prop::collection::vec("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", 1..8),
        ids in prop::collection::vec(0..3_u8, 8),
        policies in any_policy(),
    ) {
        let mut days = days;
        days.sort();
        days.dedup();
        let rows: String = days.iter().map(|day| format!("{day},1\n")).collect();
        let result = run_series(format!("date,x\n{rows}").as_bytes(), policies, false);
        let rows: String = days.iter().zip(&ids).map(|(day, id)| format!("{day},1,{id}\n")).collect();
        let by_series = run_series(format!("date,x,id\n{rows}").as_bytes(), policies, true);
        // Sorted and distinct dates are valid; only the split may need more rows, and the rows be unevenly spaced.
        if let Err(error) = by_series {
            prop_assert!(error.to_string().contains("row"), "{}", error);
        }
        if let Err(error) = result {
            prop_assert!(error.to_string().contains("row"), "{}", error);
        }
    }
}
