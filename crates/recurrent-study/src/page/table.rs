//! A table of text.

/// Rows of text under a header.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The header.
    pub header: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// The table as Markdown, with aligned columns.
    pub fn to_markdown(&self) -> String {
        let length = |text: &str| text.chars().count();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).chain(self.header.get(column));
            cells.map(|cell| length(cell)).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let line = |row: &[String]| {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = row.get(column).map_or("", String::as_str);
                format!(" {cell}{} |", " ".repeat(width - length(cell)))
            });
            format!("|{}\n", cells.collect::<String>())
        };
        let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}|{rule}\n{rows}", line(&self.header))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_columns_are_aligned() {
        let row = |texts: [&str; 2]| texts.map(String::from).to_vec();
        let table =
            Table { rows: vec![row(["RNN", "10"]), row(["LSTM", "diverged"])], ..Table::new(&["ячейка", "T"]) };
        let expected = "\
| ячейка | T        |
|--------|----------|
| RNN    | 10       |
| LSTM   | diverged |
";
        assert_eq!(table.to_markdown(), expected);
    }
}
