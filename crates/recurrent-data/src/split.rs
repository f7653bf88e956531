//! A series split by time into training, validation and test rows.

use std::{iter, marker::PhantomData, ops::Range, sync::Arc};

use jiff::civil::DateTime;

use crate::error::{DataError, Result};
use crate::fractions::SplitFractions;
use crate::role::{Role, Test, Train, Valid};
use crate::segment::Segment;
use crate::series::Series;

/// The rows of a segment that belong to a subset: consecutive ones, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubsetSegment {
    /// An index into [`Series::segments`].
    pub segment: usize,
    /// The rows, counted from the first of the series.
    pub rows: Range<usize>,
}

/// Rows of a series, with their role: consecutive ones in each segment. Only [`Series::split`] makes one.
#[derive(Debug, Clone)]
pub struct Subset<R: Role> {
    series: Arc<Series>,
    segments: Arc<[SubsetSegment]>,
    role: PhantomData<R>,
}

impl<R: Role> Subset<R> {
    fn new(series: &Arc<Series>, segments: Vec<SubsetSegment>) -> Result<Self> {
        if segments.is_empty() {
            return Err(DataError::TooFewRows {
                path: series.source().to_string(),
                subset: R::NAME,
                purpose: "each subset of the split".to_string(),
                needed: 1,
                found: 0,
            });
        }
        Ok(Self { series: Arc::clone(series), segments: segments.into(), role: PhantomData })
    }

    /// The rows of each segment that has some, at least one.
    pub fn segments(&self) -> &[SubsetSegment] {
        &self.segments
    }

    /// The number of rows.
    pub fn num_rows(&self) -> usize {
        self.segments.iter().map(|segment| segment.rows.len()).sum()
    }

    /// The rows that belong to this subset, at least one: all of them, if there is one segment. If there are several, the
    /// smallest range that has all of them, in which rows of other subsets lie too: see [`segments`](Self::segments).
    pub fn rows(&self) -> Range<usize> {
        let end = self.segments.last().map_or(0, |segment| segment.rows.end);
        self.segments.first().map_or(0, |segment| segment.rows.start)..end
    }

    /// The values of a column in these rows alone.
    ///
    /// # Panics
    /// If `column` is out of range.
    pub fn values(&self, column: usize) -> impl Iterator<Item = f64> + Clone {
        self.segments.iter().flat_map(move |segment| &self.series.columns()[column][segment.rows.clone()]).copied()
    }

    /// The whole series, the other subsets included: for dates, and to plot earlier rows.
    pub fn series(&self) -> &Arc<Series> {
        &self.series
    }
}

/// A series split in three, in time order. With several series in it, the same point in time splits all of them.
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
/// The targets of windows all lie in one subset; the rows that they are forecast from may be earlier. A function that trains
/// names the role in its arguments, and the compiler rejects the others:
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
///     Subset::<Train>::new(split.test.series(), split.test.segments().to_vec()).unwrap()
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
    /// Several series are split at the dates before which the fractions of all their rows lie, so that no training row is
    /// later than a validation row of another series. Without dates, each is split on its own.
    ///
    /// # Errors
    /// If a subset would be empty.
    pub fn split(self, fractions: &SplitFractions) -> Result<Split> {
        let [mut train, mut valid, mut test] = [const { Vec::new() }; 3];
        for (segment, (all, cuts)) in self.segments().iter().zip(self.cuts(fractions)).enumerate() {
            let Range { start, end } = all.rows;
            let [first, second] = cuts.map(|cut| cut.clamp(start, end));
            for (subset, rows) in [(&mut train, start..first), (&mut valid, first..second), (&mut test, second..end)] {
                subset.extend((!rows.is_empty()).then_some(SubsetSegment { segment, rows }));
            }
        }
        let series = Arc::new(self);
        Ok(Split {
            train: Subset::new(&series, train)?,
            valid: Subset::new(&series, valid)?,
            test: Subset::new(&series, test)?,
        })
    }

    /// The first validation row and the first test row of the series that each segment belongs to.
    fn cuts(&self, fractions: &SplitFractions) -> Vec<[usize; 2]> {
        let at_fractions = |rows: Range<usize>| {
            let (valid, test) = fractions.cuts(rows.len());
            [rows.start + valid, rows.start + test]
        };
        let of_series = |segments: &[Segment]| segments[0].rows.start..segments[segments.len() - 1].rows.end;
        let all: Vec<&[Segment]> = self.segments().chunk_by(|a, b| a.id == b.id).collect();
        let cuts: Vec<[usize; 2]> = match self.dates() {
            Some(dates) if all.len() > 1 => {
                let instants: Vec<DateTime> = (0..self.len()).map(|row| dates.instant(row)).collect();
                let mut sorted = instants.clone();
                sorted.sort_unstable();
                let cuts = at_fractions(0..self.len()).map(|cut| sorted.get(cut));
                let first_at = |rows: Range<usize>, cut: Option<&DateTime>| {
                    let before = |instant: &DateTime| cut.is_none_or(|cut| instant < cut);
                    rows.start + instants[rows].partition_point(before)
                };
                all.iter().map(|segments| cuts.map(|cut| first_at(of_series(segments), cut))).collect()
            }
            _ => all.iter().map(|segments| at_fractions(of_series(segments))).collect(),
        };
        all.iter().zip(cuts).flat_map(|(segments, cuts)| iter::repeat_n(cuts, segments.len())).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ColumnSelection, Gaps, Table};

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

    /// The rows of each segment in each subset.
    fn rows(split: &Split) -> [Vec<(usize, Range<usize>)>; 3] {
        let list = |segments: &[SubsetSegment]| segments.iter().map(|one| (one.segment, one.rows.clone())).collect();
        [list(split.train.segments()), list(split.valid.segments()), list(split.test.segments())]
    }

    fn read(text: &str, selection: &ColumnSelection) -> Series {
        Table::from_bytes("t.csv", text.as_bytes(), None).unwrap().series(selection).unwrap()
    }

    #[test]
    fn series_are_split_at_the_same_dates() {
        // `a` has the days 1 to 8, `b` 5 to 10, `c` 9 and 10: of 16 rows, 8 lie before day 7 and 12 before day 9.
        let mut text = "day,id,x\n".to_string();
        for (id, days) in [("a", 1..=8), ("b", 5..=10), ("c", 9..=10)] {
            text.extend(days.map(|day| format!("2020-01-{day:02},{id},{day}\n")));
        }
        let selection = ColumnSelection { series: Some("id".into()), ..ColumnSelection::default() };
        let halves = SplitFractions::new(0.5, 0.25, 0.25).unwrap();
        let split = read(&text, &selection).split(&halves).unwrap();
        assert_eq!(
            rows(&split),
            [vec![(0, 0..6), (1, 8..10)], vec![(0, 6..8), (1, 10..12)], vec![(1, 12..14), (2, 14..16)]]
        );
        assert_eq!((split.train.num_rows(), split.train.rows()), (8, 0..10));
        assert_eq!(split.valid.values(0).collect::<Vec<_>>(), [7.0, 8.0, 7.0, 8.0]);
        // Without dates each has its own fractions.
        let undated = ColumnSelection { columns: vec!["x".into()], ..selection };
        let split = read(&text.replace("2020-01-", "").replace("day", "n"), &undated).split(&halves).unwrap();
        assert_eq!(
            split.train.segments().iter().map(|one| one.rows.clone()).collect::<Vec<_>>(),
            [0..4, 8..11, 14..15]
        );
    }

    #[test]
    fn parts_of_a_series_are_split_as_a_whole() {
        let days = [5, 6, 7, 8, 11, 12, 13, 14].map(|day| format!("2020-01-{day:02},{day}\n")).concat();
        let selection = ColumnSelection { gaps: Gaps::Split, ..ColumnSelection::default() };
        let split = read(&format!("day,x\n{days}"), &selection).split(&SplitFractions::default()).unwrap();
        assert_eq!(rows(&split), [vec![(0, 0..4), (1, 4..6)], vec![(1, 6..7)], vec![(1, 7..8)]]);
    }

    proptest! {
        #[test]
        fn no_training_row_is_later_than_a_validation_row(
            series in prop::collection::vec((0_usize..20, 1_usize..20), 1..6),
            first in 0.1..0.8_f64,
        ) {
            let mut text = "day,id,x\n".to_string();
            for (id, (start, length)) in series.iter().enumerate() {
                text.extend((*start..start + length).map(|day| format!("2020-01-01 {:02}:{:02},{id},1\n", day / 60, day % 60)));
            }
            let selection = ColumnSelection { series: Some("id".into()), ..ColumnSelection::default() };
            let rest = (1.0 - first) / 2.0;
            let Ok(split) = read(&text, &selection).split(&SplitFractions::new(first, rest, rest).unwrap()) else {
                return Ok(());
            };
            let dates = split.train.series().dates().unwrap();
            let stamps = |segments: &[SubsetSegment]| -> Vec<DateTime> {
                segments.iter().flat_map(|one| one.rows.clone()).map(|row| dates.timestamps()[row]).collect()
            };
            let [train, valid, test] =
                [stamps(split.train.segments()), stamps(split.valid.segments()), stamps(split.test.segments())];
            prop_assert!(train.iter().max() < valid.iter().min() && valid.iter().max() < test.iter().min());
            prop_assert_eq!(train.len() + valid.len() + test.len(), split.test.series().len());
        }

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
