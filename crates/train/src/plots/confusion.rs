//! Which class was taken for which.

use anyhow::Result;

use super::canvas::{LABEL, MOST, PIXEL, cut_note, text_width};
use super::heat::{Cell, GAP, HeatMap, Side};

/// The most room the cells have beside each other.
const WIDTH: i32 = 760 * PIXEL;
/// The height of a cell with a share below its count.
const TALL: i32 = 52 * PIXEL;
/// The smallest letters.
const SMALLEST: i32 = 8 * PIXEL;
/// Left and right of a count, together.
const AIR: i32 = 6 * PIXEL;

/// How often the class `truth` was said to be the class `said`: `counts[truth][said]`.
///
/// The shade of a cell is its share of the row: the diagonal of a perfect classifier is dark and all else white,
/// whatever the sizes of the classes. A cell has its count, and its share where there is room for both. A missing count
/// is 0; a row of zeros has no shares.
pub fn confusion(title: &str, labels: &[String], counts: &[Vec<usize>]) -> Result<String> {
    let shown = &labels[..labels.len().min(MOST)];
    let rows: Vec<_> = (0..shown.len()).map(|truth| row(counts, truth, labels.len())).collect();
    let most = rows.iter().flatten().copied().max().unwrap_or(0);
    let columns = Side::new("said", shown);
    let cell = cell_size(shown.len(), columns.room() + GAP, most);
    let (both, room) = (cell.1 == TALL, cell.0 - AIR);
    let letters = letters(most, room);
    let cells = rows.iter().map(|row| {
        let all = row.iter().map(|&count| count as f64).sum::<f64>();
        let cell =
            |&count: &usize| Cell { shade: Some(share(count, all)), lines: lines(count, all, both, room, letters) };
        row.iter().take(shown.len()).map(cell).collect()
    });
    let explained = if both { "In a cell: how many, and their share of the row." } else { "In a cell: how many." };
    let mut notes = vec![format!("{explained} Dark is all of the row.")];
    notes.extend(cut_note(labels.len(), "classes"));
    let picture = HeatMap {
        title,
        columns,
        rows: Side::new("truth", shown),
        cell,
        cells: cells.collect(),
        letters,
        legend: None,
        notes,
    };
    picture.svg()
}

/// What was said of `truth`, one count for each of the classes.
fn row(counts: &[Vec<usize>], truth: usize, classes: usize) -> Vec<usize> {
    let row = counts.get(truth).map_or(&[][..], Vec::as_slice);
    (0..classes).map(|said| row.get(said).copied().unwrap_or(0)).collect()
}

/// Many classes have smaller cells than few, and few have room for their names, which take `name`. Even the smallest
/// cell has room for a count of some digits.
fn cell_size(classes: usize, name: i32, most: usize) -> (i32, i32) {
    let digits = text_width(&most.to_string(), SMALLEST) + AIR;
    let width = (WIDTH / classes.max(1) as i32).min(name.max(96 * PIXEL)).max(digits.clamp(26 * PIXEL, 42 * PIXEL));
    // Whole pixels make sharp edges.
    let width = (width + PIXEL - 1) / PIXEL * PIXEL;
    if width >= 56 * PIXEL { (width, TALL) } else { (width, 26 * PIXEL) }
}

/// The size in which the greatest count has room.
fn letters(most: usize, room: i32) -> i32 {
    let width = text_width(&most.to_string(), LABEL);
    (LABEL * room / width).clamp(SMALLEST, LABEL)
}

fn share(count: usize, all: f64) -> f64 {
    if all > 0.0 { count as f64 / all } else { 0.0 }
}

fn lines(count: usize, all: f64, both: bool, room: i32, letters: i32) -> Vec<String> {
    let written = count.to_string();
    let fits = text_width(&written, letters) <= room;
    let mut lines = vec![if fits { written } else { format!("{:.0e}", count as f64) }];
    lines.extend((both && all > 0.0).then(|| percent(share(count, all))));
    lines
}

/// In whole percent. What is not nothing is not written as nothing, and what is not all, not as all.
fn percent(share: f64) -> String {
    match (share * 100.0).round() {
        0.0 if share > 0.0 => "<1%".to_owned(),
        100.0 if share < 1.0 => ">99%".to_owned(),
        rounded => format!("{rounded}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{says, sound};
    use super::*;

    fn classes(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("класс {class}")).collect()
    }

    #[test]
    fn counts_and_shares_are_written() {
        let draw = || confusion("Тональность", &classes(2), &[vec![30, 10], vec![1, 1999]]).unwrap();
        let svg = draw();
        let texts =
            ["Тональность", "truth", "said", "класс 0", "класс 1", "30", "75%", "25%", "1999", "&lt;1%", "&gt;99%"];
        for text in texts {
            assert!(says(&svg, text), "{text}");
        }
        assert!(sound(&svg) && svg == draw());
    }

    #[test]
    fn any_counts_give_a_picture() {
        for counts in [vec![], vec![vec![]], vec![vec![0; 3]; 3], vec![vec![7]], vec![vec![usize::MAX; 99]; 99]] {
            for labels in [0, 1, 2, 3, 12, 30, 60] {
                assert!(sound(&confusion("", &classes(labels), &counts).unwrap()), "{labels} {counts:?}");
            }
        }
    }

    #[test]
    fn a_row_of_zeros_has_no_shares() {
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
    fn many_classes_are_cut_and_their_shares_are_not() {
        let svg = confusion("", &classes(60), &vec![vec![3; 60]; 60]).unwrap();
        assert!(says(&svg, "Shown are the first 40 of 60 classes."));
        assert_eq!(row(&[vec![3; 60]], 0, 60).len(), 60);
    }

    #[test]
    fn a_share_is_rounded_but_never_to_nothing_or_all() {
        let written = [0.0, 0.001, 0.25, 0.996, 1.0].map(percent);
        assert_eq!(written, ["0%", "<1%", "25%", ">99%", "100%"]);
    }
}
