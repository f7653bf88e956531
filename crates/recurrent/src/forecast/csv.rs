//! Writes CSV that [`Table`](recurrent_data::Table) reads.

use ::csv::Writer;

/// A name for the column of row labels that none of the other columns has: `row` if possible.
pub(super) fn row_header(columns: &[String]) -> String {
    let mut name = "row".to_string();
    while columns.contains(&name) {
        name.insert(0, '_');
    }
    name
}

/// A header and rows as CSV text.
pub(super) fn text<'a>(header: impl IntoIterator<Item = &'a str>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(header).expect("writing to memory cannot fail");
    for row in rows {
        writer.write_record(row).expect("every row is as wide as the header");
    }
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("CSV of UTF-8 text is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::row_header;

    #[test]
    fn the_header_of_labels_is_no_other_column() {
        let columns = |names: &[&str]| row_header(&names.iter().map(|name| name.to_string()).collect::<Vec<_>>());
        assert_eq!(columns(&["y"]), "row");
        assert_eq!(columns(&["_row", "row"]), "__row");
    }
}
