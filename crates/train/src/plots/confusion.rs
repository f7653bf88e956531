//! Confusion matrices.

use anyhow::Result;

use super::canvas::{LABEL, MAX_ITEMS, PIXEL, cut_note, text_width};
use super::heat_map::{Cell, GAP, HeatMap, Side};

/// The maximum width of all cells.
const WIDTH: i32 = 760 * PIXEL;
/// The height of a cell with a percentage below its count.
const TALL: i32 = 52 * PIXEL;
/// The smallest text size.
const MIN_TEXT_SIZE: i32 = 8 * PIXEL;
/// The padding left and right of a count, in total.
const PADDING: i32 = 6 * PIXEL;

/// The confusion matrix `counts[true class][predicted class]`.
///
/// The shade of a cell is its fraction of the row, independent of the sizes of the classes. A cell has its count, and its
/// percentage of the row if both fit. A missing count is 0; a row of zeros has no percentages.
pub fn confusion(title: &str, labels: &[String], counts: &[Vec<usize>]) -> Result<String> {
    let shown = &labels[..labels.len().min(MAX_ITEMS)];
    let rows: Vec<_> = (0..shown.len()).map(|class| row(counts, class, labels.len())).collect();
    let largest = rows.iter().flatten().copied().max().unwrap_or(0);
    let columns = Side::new("predicted label", shown);
    let cell = cell_size(shown.len(), columns.width() + GAP, largest);
    let (both, width) = (cell.1 == TALL, cell.0 - PADDING);
    let size = text_size(largest, width);
    let cells = rows.iter().map(|row| {
        let all = row.iter().map(|&count| count as f64).sum::<f64>();
        let cell =
            |&count: &usize| Cell { shade: Some(fraction(count, all)), lines: lines(count, all, both, width, size) };
        row.iter().take(shown.len()).map(cell).collect()
    });
    let content = if both { "Cells: count and percentage of the row." } else { "Cells: count." };
    let mut notes = vec![format!("{content} The darkest shade is 100% of the row.")];
    notes.extend(cut_note(labels.len(), "classes"));
    let heat_map = HeatMap {
        title,
        columns,
        rows: Side::new("true label", shown),
        cell,
        cells: cells.collect(),
        text_size: size,
        legend: None,
        notes,
    };
    heat_map.svg()
}

/// The row of a true class, with one count per predicted class.
fn row(counts: &[Vec<usize>], class: usize, classes: usize) -> Vec<usize> {
    let row = counts.get(class).map_or(&[][..], Vec::as_slice);
    (0..classes).map(|predicted| row.get(predicted).copied().unwrap_or(0)).collect()
}

/// The size of a cell: smaller for many classes, wide enough for the names (`name`) of a few, and for counts of some digits.
fn cell_size(classes: usize, name: i32, largest: usize) -> (i32, i32) {
    let digits = text_width(&largest.to_string(), MIN_TEXT_SIZE) + PADDING;
    let width = (WIDTH / classes.max(1) as i32).min(name.max(96 * PIXEL)).max(digits.clamp(26 * PIXEL, 42 * PIXEL));
    // Whole pixels have sharp edges.
    let width = (width + PIXEL - 1) / PIXEL * PIXEL;
    if width >= 56 * PIXEL { (width, TALL) } else { (width, 26 * PIXEL) }
}

/// The text size in which the largest count fits into `available`.
fn text_size(largest: usize, available: i32) -> i32 {
    let width = text_width(&largest.to_string(), LABEL);
    (LABEL * available / width).clamp(MIN_TEXT_SIZE, LABEL)
}

fn fraction(count: usize, all: f64) -> f64 {
    if all > 0.0 { count as f64 / all } else { 0.0 }
}

fn lines(count: usize, all: f64, both: bool, width: i32, text_size: i32) -> Vec<String> {
    let digits = count.to_string();
    let fits = text_width(&digits, text_size) <= width;
    let mut lines = vec![if fits { digits } else { format!("{:.0e}", count as f64) }];
    lines.extend((both && all > 0.0).then(|| percent(fraction(count, all))));
    lines
}

/// A rounded percentage; 0% and 100% only if exact.
fn percent(fraction: f64) -> String {
    match (fraction * 100.0).round() {
        0.0 if fraction > 0.0 => "<1%".to_owned(),
        100.0 if fraction < 1.0 => ">99%".to_owned(),
        rounded => format!("{rounded}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{has_text, has_valid_coordinates};
    use super::*;

    fn classes(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("класс {class}")).collect()
    }

    #[test]
    fn counts_and_percentages_are_shown() {
        let draw = || confusion("Тональность", &classes(2), &[vec![30, 10], vec![1, 1999]]).unwrap();
        let svg = draw();
        let texts = [
            "Тональность",
            "true label",
            "predicted label",
            "класс 0",
            "класс 1",
            "30",
            "75%",
            "25%",
            "1999",
            "&lt;1%",
            "&gt;99%",
        ];
        for text in texts {
            assert!(has_text(&svg, text), "{text}");
        }
        assert!(has_valid_coordinates(&svg) && svg == draw());
    }

    #[test]
    fn any_counts_can_be_plotted() {
        for counts in [vec![], vec![vec![]], vec![vec![0; 3]; 3], vec![vec![7]], vec![vec![usize::MAX; 99]; 99]] {
            for labels in [0, 1, 2, 3, 12, 30, 60] {
                assert!(
                    has_valid_coordinates(&confusion("", &classes(labels), &counts).unwrap()),
                    "{labels} {counts:?}"
                );
            }
        }
    }

    #[test]
    fn a_row_of_zeros_has_no_percentages() {
        let svg = confusion("", &classes(2), &[vec![0, 0], vec![0, 5]]).unwrap();
        assert_eq!(svg.matches("%\n").count(), 2);
    }

    #[test]
    fn text_on_a_dark_cell_is_white() {
        let svg = confusion("", &classes(1), &[vec![5]]).unwrap();
        assert!(svg.contains("fill=\"#FFFFFF\">\n5\n"));
        let svg = confusion("", &classes(1), &[vec![0]]).unwrap();
        assert!(svg.contains("fill=\"#000000\">\n0\n"));
    }

    #[test]
    fn hidden_classes_count_in_the_percentages() {
        let svg = confusion("", &classes(60), &vec![vec![3; 60]; 60]).unwrap();
        assert!(has_text(&svg, "Shown are the first 40 of 60 classes."));
        assert_eq!(row(&[vec![3; 60]], 0, 60).len(), 60);
    }

    #[test]
    fn percentages_are_not_rounded_to_0_or_100() {
        let percentages = [0.0, 0.001, 0.25, 0.996, 1.0].map(percent);
        assert_eq!(percentages, ["0%", "<1%", "25%", ">99%", "100%"]);
    }
}
