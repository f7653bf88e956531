//! Whatever a file holds, the answer is numbers or a message, never a panic.

use proptest::prelude::*;
use recurrent_data::{
    BpttBatches, ColumnSelection, Corpus, LabeledTexts, Missing, ParallelCorpus, Ratios, Result, Scaler, ScalerKind,
    Table, Tokenizer, TokenizerConfig, TokenizerKind, WindowShape, Windows,
};

/// The whole way, as far as these bytes can go.
fn go(bytes: &[u8], missing: Missing) -> Result<()> {
    let table = Table::from_bytes("any", bytes, None)?;
    let request = ColumnSelection { missing, ..ColumnSelection::default() };
    let series = table.series(&request)?;
    if let Some(dates) = series.dates() {
        dates.continue_from(dates.len() - 1, 3);
    }
    let split = series.split(&Ratios::default())?;
    let scaler = Scaler::fit(&split.train, ScalerKind::Standard);
    let shape = WindowShape::new(1, 1, vec![0], vec![0])?;
    let windows = Windows::new(&scaler.scale(&split.train)?, shape)?;
    windows.inputs_into(windows.len() - 1, &mut vec![]);
    Ok(())
}

/// The ways that texts can go.
fn go_as_corpus(bytes: &[u8], kind: TokenizerKind) -> Result<()> {
    let corpus = Corpus::from_bytes("any", bytes.to_vec())?;
    let (train, valid) = corpus.split(0.3)?;
    let codec = Tokenizer::fit(kind, 270, 1, train.pieces())?;
    let lanes = BpttBatches::new(valid.encode(&codec)?, 2, 3)?;
    lanes.window(lanes.len() - 1);
    codec.decode(&lanes.tokens().ids(0..lanes.tokens().len()));
    Ok(())
}

fn go_as_pairs(bytes: &[u8]) -> Result<()> {
    let pairs = ParallelCorpus::from_table(&Table::from_bytes("any", bytes, None)?, None, None, None)?;
    let split = pairs.split(&Ratios::default())?;
    let codec = Tokenizer::fit(TokenizerKind::Words, 0, 1, split.train.sources().and(split.train.targets()))?;
    split.test.encode(&codec, &codec, 5)?;
    Ok(())
}

fn go_as_labelled(bytes: &[u8]) -> Result<()> {
    let labeled = LabeledTexts::from_table(&Table::from_bytes("any", bytes, None)?, None, None, None)?;
    let split = labeled.split(&Ratios::default())?;
    let codec = Tokenizer::fit(TokenizerKind::Chars, 0, 1, split.train.texts())?;
    split.test.encode(&codec, 5)?;
    Ok(())
}

fn any_policy() -> impl Strategy<Value = Missing> {
    prop::sample::select(vec![Missing::Error, Missing::Forward, Missing::Drop])
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), missing in any_policy()) {
        let _ = go(&bytes, missing);
    }

    #[test]
    fn any_bytes_as_texts(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in prop::sample::select(TokenizerKind::ALL.to_vec()),
    ) {
        let _ = go_as_corpus(&bytes, kind);
        let _ = go_as_pairs(&bytes);
        let _ = go_as_labelled(&bytes);
        let (one, other) = bytes.split_at(bytes.len() / 2);
        let _ = ParallelCorpus::from_aligned_bytes(("any", one), ("other", other));
    }

    #[test]
    fn any_text_as_texts(
        text in "(text,label|text,label,part|a\tb)\n([ab\"\t,\u{0}-\u{40}\n]{0,80}|([a-f]{1,3}[,\t](x|y)\n){0,30})",
        any_text in "\\PC{0,80}",
        kind in prop::sample::select(TokenizerKind::ALL.to_vec()),
    ) {
        let _ = go_as_corpus(any_text.as_bytes(), kind);
        let _ = go_as_corpus(text.as_bytes(), kind);
        let _ = go_as_pairs(text.as_bytes());
        let _ = go_as_labelled(text.as_bytes());
    }

    #[test]
    fn any_saved_codec(
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
            if let Ok(codec) = Tokenizer::from_json("any", &json) {
                codec.decode(&codec.encode(&text));
                prop_assert_eq!(Tokenizer::from_json("any", &codec.to_json()).unwrap().to_json(), codec.to_json());
            }
        }
        let request = TokenizerConfig { lowercase: true, ..TokenizerConfig::new(TokenizerKind::Words) };
        let _ = Tokenizer::fit_texts(&request, [&text, &json]);
    }

    #[test]
    fn any_text_of_the_right_characters(
        text in "(date,x|x;y|\"x\",y)\r?\n([-0-9,;.eTNa/:\" \r\n]{0,80})",
        missing in any_policy(),
    ) {
        let _ = go(text.as_bytes(), missing);
    }

    #[test]
    fn any_dates(
        days in prop::collection::vec("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", 1..8),
        missing in any_policy(),
    ) {
        let mut days = days;
        days.sort();
        days.dedup();
        let rows: String = days.iter().map(|day| format!("{day},1\n")).collect();
        let message = go(format!("date,x\n{rows}").as_bytes(), missing);
        // Sorted and each once, they are dates; only a split may want more of them.
        if let Err(error) = message {
            prop_assert!(error.to_string().contains("row"), "{}", error);
        }
    }
}
