//! Converts recordings that are stored as coefficients of their frames, in arrays of NumPy, to a table.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use zip::ZipArchive;

use super::archive::{Budget, invalid_zip, open_zip, read_zip};
use super::error::Result;
use super::table::write_table;

/// Coefficients of a frame.
const COEFFICIENTS: usize = 13;

/// Writes a CSV file with the columns `mfcc` and `digit`, a row for each recording: its frames one after another, each of 13
/// numbers.
pub(super) fn convert(npz: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let mut arrays = open_zip(npz)?;
    let values = array(&mut arrays, npz, "X.npy", "<f4", &[COEFFICIENTS], f32::from_le_bytes)?;
    let digits = array(&mut arrays, npz, "y.npy", "<i8", &[], i64::from_le_bytes)?;
    let lengths = array(&mut arrays, npz, "lengths.npy", "<i8", &[], i64::from_le_bytes)?;
    let lengths: Option<Vec<usize>> = lengths.into_iter().map(|length| usize::try_from(length).ok()).collect();
    let frames = |lengths: &Vec<usize>| lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length));
    let lengths = lengths
        .filter(|lengths| lengths.len() == digits.len() && frames(lengths) == Some(values.len() / COEFFICIENTS))
        .ok_or_else(|| invalid_zip(npz, "expected a digit and a length for each recording, found others"))?;
    let mut rest = &values[..];
    let rows = digits.iter().zip(lengths).map(|(digit, length)| {
        let (frames, after) = rest.split_at(length * COEFFICIENTS);
        rest = after;
        [frames.iter().map(f32::to_string).collect::<Vec<_>>().join(" "), digit.to_string()]
    });
    write_table(["mfcc", "digit"], rows, out, out_path)
}

/// The values of an array of NumPy, row by row; its first dimension has any length, `others` are the lengths of the others.
///
/// Its file has six magic bytes, a version, the length of a header, the header, which is a dictionary of Python, and the values
/// (NumPy Enhancement Proposal 1).
fn array<T, const SIZE: usize>(
    (zip, budget): &mut (ZipArchive<BufReader<File>>, Budget),
    npz: &Path,
    name: &str,
    kind: &str,
    others: &[usize],
    value: impl Fn([u8; SIZE]) -> T,
) -> Result<Vec<T>> {
    let bytes = read_zip(zip, budget, npz, name)?;
    let shape = others.iter().map(|size| format!(" {size}")).collect::<String>();
    let invalid = || {
        let expected = format!("an array of NumPy, version 1, of `{kind}`, row by row, of shape (n,{shape})");
        invalid_zip(npz, format!("{name}: expected {expected}, found another file"))
    };
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\0").ok_or_else(invalid)?;
    let (length, rest) = rest.split_first_chunk().ok_or_else(invalid)?;
    let (header, values) = rest.split_at_checked(u16::from_le_bytes(*length).into()).ok_or_else(invalid)?;
    let header = std::str::from_utf8(header).map_err(|_| invalid())?;
    let count = header
        .trim_end()
        .strip_prefix(&format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ("))
        .and_then(|header| header.strip_suffix(&format!(",{shape}), }}")))
        .and_then(|count| count.parse::<usize>().ok())
        .ok_or_else(invalid)?;
    let (values, tail) = values.as_chunks::<SIZE>();
    if !tail.is_empty()
        || Some(values.len()) != others.iter().try_fold(count, |product, size| product.checked_mul(*size))
    {
        return Err(invalid());
    }
    Ok(values.iter().map(|bytes| value(*bytes)).collect())
}
