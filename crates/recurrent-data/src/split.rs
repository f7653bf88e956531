//! The past to learn from, the time after it to choose by, and the time after that to be judged on.

use std::{fmt, marker::PhantomData, ops::Range, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{DataError, Result, Series};

/// The shares of a series that train, choose and judge a model: positive, and 1 together.
///
/// Written `0.7,0.15,0.15` on a command line and `[0.7, 0.15, 0.15]` in a file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 3]", into = "[f64; 3]")]
pub struct Ratios {
    train: f64,
    valid: f64,
    test: f64,
}

impl Ratios {
    /// Shares of the whole, in the order of time.
    ///
    /// # Errors
    /// If one is not positive or they do not sum to 1.
    pub fn new(train: f64, valid: f64, test: f64) -> Result<Self> {
        let positive = [train, valid, test].iter().all(|share| *share > 0.0);
        if positive && (train + valid + test - 1.0).abs() <= 1e-6 {
            Ok(Self { train, valid, test })
        } else {
            Err(DataError::BadRatios { found: format!("{train},{valid},{test}") })
        }
    }

    /// The share to learn from.
    pub fn train(&self) -> f64 {
        self.train
    }

    /// The share to choose by.
    pub fn valid(&self) -> f64 {
        self.valid
    }

    /// The share to be judged on.
    pub fn test(&self) -> f64 {
        self.test
    }

    /// The first rows of the second and of the third part, of so many rows.
    fn cuts(&self, rows: usize) -> (usize, usize) {
        let cut = |share: f64| ((rows as f64 * share).round() as usize).min(rows);
        (cut(self.train), cut(self.train + self.valid))
    }
}

impl Default for Ratios {
    /// 70 % to learn from, 15 % to choose by, 15 % to be judged on.
    fn default() -> Self {
        Self { train: 0.70, valid: 0.15, test: 0.15 }
    }
}

impl TryFrom<[f64; 3]> for Ratios {
    type Error = DataError;

    fn try_from([train, valid, test]: [f64; 3]) -> Result<Self> {
        Self::new(train, valid, test)
    }
}

impl From<Ratios> for [f64; 3] {
    fn from(ratios: Ratios) -> Self {
        [ratios.train, ratios.valid, ratios.test]
    }
}

impl FromStr for Ratios {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || DataError::BadRatios { found: text.to_string() };
        let share = |share: &str| share.trim().parse().map_err(|_| bad());
        let shares: Vec<f64> = text.split(',').map(share).collect::<Result<_>>()?;
        let shares: [f64; 3] = shares.try_into().map_err(|_| bad())?;
        Self::try_from(shares)
    }
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.train, self.valid, self.test)
    }
}

mod sealed {
    pub trait Sealed {}
}

/// What rows are for. The roles are types, so that the compiler knows which rows go where.
pub trait Role: sealed::Sealed + Copy + fmt::Debug + Send + Sync + 'static {
    /// What errors call it.
    const NAME: &'static str;
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $role;

        impl sealed::Sealed for $role {}

        impl Role for $role {
            const NAME: &'static str = $name;
        }
    )+};
}

roles! {
    /// The earliest rows: all that is fitted is fitted on them.
    Train = "train";
    /// The rows after them: when to stop and what to keep is chosen by them.
    Valid = "valid";
    /// The latest rows: seen once, at the end.
    Test = "test";
    /// A series that was not split: what a trained model is asked about.
    Whole = "whole";
}

/// Neighbouring rows of a series, with their role. Only [`Series::split`] makes one.
#[derive(Debug, Clone)]
pub struct Subset<R: Role> {
    series: Arc<Series>,
    rows: Range<usize>,
    role: PhantomData<R>,
}

impl<R: Role> Subset<R> {
    fn new(series: &Arc<Series>, rows: Range<usize>) -> Result<Self> {
        if rows.is_empty() {
            return Err(DataError::TooFewRows {
                path: series.source().to_string(),
                part: R::NAME,
                purpose: "each part of a split".to_string(),
                needed: 1,
                there: 0,
            });
        }
        Ok(Self { series: Arc::clone(series), rows, role: PhantomData })
    }

    /// The rows of the series that belong to this part, at least one.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The whole series, the other parts included: for dates, and to draw what came before.
    pub fn series(&self) -> &Arc<Series> {
        &self.series
    }
}

/// A series cut in three, in the order of time.
///
/// No row of one part can reach another. A scaler is fitted on [`Subset<Train>`] and on nothing else:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{Scaler, ScalerKind, Split};
/// fn cheat(split: &Split) -> Scaler {
///     Scaler::fit(&split.test, ScalerKind::Standard)
/// }
/// ```
///
/// and windows are cut from one scaled part, so none reaches from the training rows into the test
/// rows. A function that trains says so in its arguments, and will not take the others:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{Result, Scaler, Split, Train, WindowShape, Windows};
/// fn train(windows: &Windows<Train>) {}
///
/// fn cheat(split: &Split, scaler: &Scaler, shape: WindowShape) -> Result<()> {
///     let windows = Windows::new(&scaler.scale(&split.test)?, shape)?;
///     train(&windows);
///     Ok(())
/// }
/// ```
///
/// Nor can a part be made up by hand:
///
/// ```compile_fail,E0624
/// # use recurrent_data::{Subset, Split, Train};
/// fn cheat(split: &Split) -> Subset<Train> {
///     Subset::<Train>::new(split.test.series(), split.test.rows()).unwrap()
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Split {
    /// The earliest rows.
    pub train: Subset<Train>,
    /// The rows after them.
    pub valid: Subset<Valid>,
    /// The latest rows.
    pub test: Subset<Test>,
}

impl Series {
    /// Cuts the series in three: every row belongs to one part, and every row of a later part is
    /// later in time.
    ///
    /// # Errors
    /// If there are so few rows that a part would be empty.
    pub fn split(self, ratios: &Ratios) -> Result<Split> {
        let (valid, test) = ratios.cuts(self.len());
        let series = Arc::new(self);
        Ok(Split {
            train: Subset::new(&series, 0..valid)?,
            valid: Subset::new(&series, valid..test)?,
            test: Subset::new(&series, test..series.len())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ColumnSelection, Table};

    fn count(rows: usize) -> Series {
        let mut text = "x\n".to_string();
        text.extend((0..rows).map(|x| format!("{x}\n")));
        let table = Table::from_bytes("t.csv", format!("a{text}").as_bytes(), None).unwrap();
        table.series(&ColumnSelection::default()).unwrap()
    }

    #[test]
    fn the_default_shares_are_cut_where_expected() {
        let split = count(1461).split(&Ratios::default()).unwrap();
        assert_eq!(split.train.rows(), 0..1023);
        assert_eq!(split.valid.rows(), 1023..1242);
        assert_eq!(split.test.rows(), 1242..1461);
    }

    #[test]
    fn a_part_cannot_be_empty() {
        assert_eq!(
            count(2).split(&Ratios::default()).unwrap_err().to_string(),
            "t.csv (test): expected at least 1 row for each part of a split, found 0"
        );
    }

    #[test]
    fn shares_are_positive_and_sum_to_one() {
        for [train, valid, test] in [[0.7, 0.2, 0.2], [1.0, 0.0, 0.0], [1.2, -0.1, -0.1], [f64::NAN, 0.5, 0.5]] {
            let error = Ratios::new(train, valid, test).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "expected three positive shares (train, valid, test) that sum to 1, such as \
                     0.7,0.15,0.15; found {train},{valid},{test}"
                )
            );
        }
    }

    #[test]
    fn shares_are_read_from_text_and_from_files() {
        let ratios: Ratios = "0.8, 0.1,0.1".parse().unwrap();
        assert_eq!(ratios.to_string(), "0.8,0.1,0.1");
        assert!("0.8,0.2".parse::<Ratios>().is_err());
        assert!("most,some,few".parse::<Ratios>().is_err());

        let json = serde_json::to_string(&Ratios::default()).unwrap();
        assert_eq!(json, "[0.7,0.15,0.15]");
        assert!(serde_json::from_str::<Ratios>("[0.7,0.7,0.7]").is_err());
    }

    proptest! {
        #[test]
        fn every_row_has_one_part_and_parts_follow_each_other(
            rows in 1_usize..400,
            (train, valid) in (0.05..0.9, 0.05..0.9),
        ) {
            let test = 0.05;
            let sum: f64 = train + valid + test;
            let ratios = Ratios::new(train / sum, valid / sum, test / sum).unwrap();
            if let Ok(split) = count(rows).split(&ratios) {
                prop_assert_eq!(split.train.rows().start, 0);
                prop_assert_eq!(split.train.rows().end, split.valid.rows().start);
                prop_assert_eq!(split.valid.rows().end, split.test.rows().start);
                prop_assert_eq!(split.test.rows().end, rows);
                prop_assert!(!split.train.rows().is_empty());
                prop_assert!(!split.valid.rows().is_empty());
                prop_assert!(!split.test.rows().is_empty());
            }
        }
    }
}
