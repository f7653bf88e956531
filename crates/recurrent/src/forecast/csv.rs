//! CSV text that [`Table`](recurrent_data::Table) reads.

use ::csv::Writer;

/// A header and rows as CSV; names are quoted where they have to be.
pub(super) fn text<'a>(header: impl IntoIterator<Item = &'a str>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(header).expect("memory takes all bytes");
    for row in rows {
        writer.write_record(row).expect("every row is as wide as the header");
    }
    let bytes = writer.into_inner().expect("memory takes all bytes");
    String::from_utf8(bytes).expect("text in, text out")
}
