//! Whatever a file holds, the answer is numbers or a message, never a panic.

use proptest::prelude::*;
use recurrent_data::{Missing, Ratios, Result, Scaler, ScalerKind, SeriesRequest, Table, WindowShape, Windows};

/// The whole way, as far as these bytes can go.
fn go(bytes: &[u8], missing: Missing) -> Result<()> {
    let table = Table::from_bytes("any", bytes, None)?;
    let request = SeriesRequest { missing, ..SeriesRequest::default() };
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

fn any_policy() -> impl Strategy<Value = Missing> {
    prop::sample::select(vec![Missing::Error, Missing::Forward, Missing::Drop])
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), missing in any_policy()) {
        let _ = go(&bytes, missing);
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
