//! A table, for a terminal and for a page.

use crate::report::Block;

/// Rows under a head.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(head: Vec<String>) -> Self {
        Self { head, rows: Vec::new() }
    }

    /// As Markdown has it, with columns as wide as their widest cell.
    pub fn to_markdown(&self) -> String {
        let length = |text: &str| text.chars().count();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).chain(self.head.get(column));
            cells.map(|cell| length(cell)).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |row: &[String]| {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = row.get(column).map_or("", String::as_str);
                format!(" {cell}{} |", " ".repeat(width - length(cell)))
            });
            format!("|{}\n", cells.collect::<String>())
        };
        let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}|{rule}\n{rows}", line(&self.head))
    }

    /// For a page.
    pub fn block(&self) -> Block {
        Block::Table { head: self.head.clone(), rows: self.rows.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let strings = |texts: [&str; 2]| texts.map(String::from).to_vec();
        let table = Table {
            head: strings(["ячейка", "T"]),
            rows: vec![strings(["RNN", "10"]), strings(["LSTM", "diverged"])],
        };
        let expected = "\
| ячейка | T        |
|--------|----------|
| RNN    | 10       |
| LSTM   | diverged |
";
        assert_eq!(table.to_markdown(), expected);
    }
}
