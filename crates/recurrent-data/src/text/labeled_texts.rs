//! Texts with labels, such as reviews and whether they are positive.

use std::sync::Arc;

use super::assignment::SplitAssignment;
use crate::error::{DataError, Result};
use crate::table::Table;

/// Headers, in any case, by which the columns are found.
const TEXT_HEADERS: &[&str] = &["text", "sentence", "review"];
const LABEL_HEADERS: &[&str] = &["label", "sentiment", "class"];
const SPLIT_HEADERS: &[&str] = &["part"];
const KIND_HEADERS: &[&str] = &["kind"];

/// A text and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabeledText {
    /// The text, not empty.
    pub text: String,
    /// The label, not empty.
    pub label: String,
    /// What kind of text it is, if the table [says so](LabeledTexts::with_kinds).
    pub kind: Option<String>,
    /// The line of the file, counted from 1.
    pub line: usize,
    pub(crate) assignment: Option<SplitAssignment>,
}

/// Texts with labels. A clone shares them.
#[derive(Debug, Clone)]
pub struct LabeledTexts {
    source: String,
    label_column: String,
    texts: Arc<Vec<LabeledText>>,
}

/// The columns that [`LabeledTexts::from_table`] reads by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultColumns {
    /// The column of the texts.
    pub text: String,
    /// The column of the labels.
    pub label: String,
    /// The column that assigns texts to subsets, if there is one.
    pub split: Option<String>,
    /// The column that says what kind of text each is, if there is one.
    pub kind: Option<String>,
}

impl LabeledTexts {
    /// Reads two columns of a table. By default, the texts are in the column called text, sentence or review (in any
    /// case), else in the first one; the labels in the one called label, sentiment or class, else in the last one.
    ///
    /// A third column assigns each text to `train`, `valid` or `test`. By default, it is the one called part, if there
    /// is one.
    ///
    /// # Errors
    /// If a column does not exist, a text or label is empty, or a text is assigned to something else.
    pub fn from_table(
        table: &Table,
        text_column: Option<&str>,
        label_column: Option<&str>,
        split_column: Option<&str>,
    ) -> Result<Self> {
        let default = DefaultColumns::of(table);
        let text = table.index_of(text_column.unwrap_or(&default.text))?;
        let label = table.index_of(label_column.unwrap_or(&default.label))?;
        let split = split_column.or(default.split.as_deref()).map(|name| table.index_of(name)).transpose()?;
        if text == label {
            let expected = "a column of texts and another of labels";
            return Err(DataError::NoColumn { path: table.source().to_string(), expected });
        }
        let texts = table.rows()?.map(|row| {
            let row = &row?;
            Ok(LabeledText {
                text: table.text(row, text, "a text")?,
                label: table.text(row, label, "a label")?,
                kind: None,
                line: row.line(),
                assignment: split.map(|split| SplitAssignment::in_column(table, row, split)).transpose()?,
            })
        });
        Ok(Self {
            source: table.source().to_string(),
            label_column: table.headers()[label].clone(),
            texts: Arc::new(texts.collect::<Result<_>>()?),
        })
    }

    /// These texts with the kind of each, such as `negation` or `irony`, from another column of their table.
    ///
    /// # Errors
    /// If the column does not exist, or a kind is empty.
    pub fn with_kinds(self, table: &Table, column: &str) -> Result<Self> {
        let column = table.index_of(column)?;
        let texts = self.texts.iter().zip(table.rows()?).map(|(text, row)| {
            let kind = Some(table.text(&row?, column, "a kind")?);
            Ok(LabeledText { kind, ..text.clone() })
        });
        Ok(Self { texts: Arc::new(texts.collect::<Result<_>>()?), ..self })
    }

    /// The name of the texts in error messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The header of the label column.
    pub fn label_column(&self) -> &str {
        &self.label_column
    }

    /// The number of texts, at least one.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are no texts; always `false`.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts, in the order of their lines.
    pub fn texts(&self) -> &[LabeledText] {
        &self.texts
    }

    /// Whether a column of the table assigns the texts to subsets.
    pub fn has_split_column(&self) -> bool {
        self.texts.iter().any(|text| text.assignment.is_some())
    }
}

impl DefaultColumns {
    /// The columns of a table.
    pub fn of(table: &Table) -> Self {
        let headers = table.headers();
        let is_named = |header: &&String, name: &str| header.eq_ignore_ascii_case(name);
        let find = |names: &[&str]| names.iter().find_map(|name| headers.iter().find(|header| is_named(header, name)));
        Self {
            text: find(TEXT_HEADERS).unwrap_or(&headers[0]).clone(),
            label: find(LABEL_HEADERS).unwrap_or(&headers[headers.len() - 1]).clone(),
            split: find(SPLIT_HEADERS).cloned(),
            kind: find(KIND_HEADERS).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_from_their_column() {
        let table = |text: &str| Table::from_bytes("l.csv", text.as_bytes(), None).unwrap();
        let read =
            |text: &str| LabeledTexts::from_table(&table(text), None, None, None)?.with_kinds(&table(text), "kind");
        let texts = read("text,label,kind\nnot bad,pos,negation\n").unwrap();
        assert_eq!(texts.texts()[0].kind.as_deref(), Some("negation"));
        assert_eq!(DefaultColumns::of(&table("text,label,Kind\na,b,c\n")).kind.as_deref(), Some("Kind"));
        assert_eq!(
            read("text,label,kind\nnot bad,pos,\n").unwrap_err().to_string(),
            "l.csv, line 2, column `kind`: expected a kind, found an empty cell"
        );
    }

    #[test]
    fn columns_are_found_by_their_headers() {
        let text = |read: Result<LabeledTexts>| {
            let first = read.unwrap().texts()[0].clone();
            (first.text, first.label, first.line)
        };
        let table = |text: &str| Table::from_bytes("l.csv", text.as_bytes(), None).unwrap();
        let found = |all: &str| text(LabeledTexts::from_table(&table(all), None, None, None));
        assert_eq!(found("id,Label,Text\n7,pos,fine\n"), ("fine".into(), "pos".into(), 2));
        assert_eq!(found("a,b,c\nfine,7,pos\n"), ("fine".into(), "pos".into(), 2));
        let table = table("a,b,c\nfine,7,pos\n");
        assert_eq!(text(LabeledTexts::from_table(&table, Some("c"), Some("b"), None)), ("pos".into(), "7".into(), 2));
        assert_eq!(
            LabeledTexts::from_table(&table, Some("d"), None, None).unwrap_err().to_string(),
            "l.csv: expected one of the columns `a`, `b`, `c`, found `d`"
        );
    }
}
