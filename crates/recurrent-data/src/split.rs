//! A series split by time into training, validation and test rows.

use std::{marker::PhantomData, ops::Range, sync::Arc};

use crate::error::{DataError, Result};
use crate::fractions::SplitFractions;
use crate::role::{Role, Test, Train, Valid};
use crate::series::Series;

/// Consecutive rows of a series, with their role. Only [`Series::split`] makes one.
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
                subset: R::NAME,
                purpose: "each subset of the split".to_string(),
                needed: 1,
                found: 0,
            });
        }
        Ok(Self { series: Arc::clone(series), rows, role: PhantomData })
    }

    /// The rows of the series that belong to this subset, at least one.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The whole series, the other subsets included: for dates, and to plot earlier rows.
    pub fn series(&self) -> &Arc<Series> {
        &self.series
    }
}

/// A series split in three, in time order.
///
/// Data of one subset cannot be used in place of another's. A scaler is fitted on [`Subset<Train>`] only:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{Scaler, ScalerKind, Split};
/// fn leak(split: &Split) -> Scaler {
///     Scaler::fit(&split.test, ScalerKind::Standard)
/// }
/// ```
///
/// The targets of windows all lie in one subset; the rows that they are forecast from may be earlier. A function that trains names the role in
/// its arguments, and the compiler rejects the others:
///
/// ```compile_fail,E0308
/// # use recurrent_data::{Result, Scaler, Split, Train, WindowShape, Windows};
/// fn train(windows: &Windows<Train>) {}
///
/// fn leak(split: &Split, scaler: &Scaler, shape: WindowShape) -> Result<()> {
///     let windows = Windows::new(&scaler.scale(&split.test)?, shape)?;
///     train(&windows);
///     Ok(())
/// }
/// ```
///
/// A subset cannot be constructed by hand:
///
/// ```compile_fail,E0624
/// # use recurrent_data::{Subset, Split, Train};
/// fn leak(split: &Split) -> Subset<Train> {
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
    /// Splits the series in three. Each row belongs to one subset, and rows of a later subset are later in time.
    ///
    /// # Errors
    /// If a subset would be empty.
    pub fn split(self, fractions: &SplitFractions) -> Result<Split> {
        let (valid, test) = fractions.cuts(self.len());
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

    fn counting(rows: usize) -> Series {
        let mut text = "x\n".to_string();
        text.extend((0..rows).map(|x| format!("{x}\n")));
        let table = Table::from_bytes("t.csv", format!("a{text}").as_bytes(), None).unwrap();
        table.series(&ColumnSelection::default()).unwrap()
    }

    #[test]
    fn default_fractions_give_the_expected_rows() {
        let split = counting(1461).split(&SplitFractions::default()).unwrap();
        assert_eq!(split.train.rows(), 0..1023);
        assert_eq!(split.valid.rows(), 1023..1242);
        assert_eq!(split.test.rows(), 1242..1461);
    }

    #[test]
    fn empty_subset_is_rejected() {
        assert_eq!(
            counting(2).split(&SplitFractions::default()).unwrap_err().to_string(),
            "t.csv (test): expected at least 1 row for each subset of the split, found 0"
        );
    }

    proptest! {
        #[test]
        fn subsets_partition_the_rows_in_order(
            rows in 1_usize..400,
            (train, valid) in (0.05..0.9, 0.05..0.9),
        ) {
            let test = 0.05;
            let sum: f64 = train + valid + test;
            let fractions = SplitFractions::new(train / sum, valid / sum, test / sum).unwrap();
            if let Ok(split) = counting(rows).split(&fractions) {
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
