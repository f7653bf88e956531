//! Converts the archive of VADER's authors to labeled texts.
//!
//! Each line of a file has an id, a mean rating from -4 to 4, and a sentence, separated by tabs. Sentences with ratings near
//! zero are dropped. An id such as `12_3` is that of the third sentence of text 12.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use super::archive::{read_text, with_tar_entry};
use super::error::{FetchError, Result};
use super::line::single_line;
use super::table::write_table;
use crate::text::assignment::SplitAssignment;
use crate::{RegisteredDataset, SplitFractions};

/// The genres and their files.
const GENRES: [(&str, &str); 4] = [
    ("movie", "movieReviewSnippets"),
    ("product", "amazonReviewSnippets"),
    ("tweet", "tweets"),
    ("editorial", "nytEditorialSnippets"),
];

/// The smallest rating of a positive sentence; that of a negative one is its negation.
const MIN_RATING: f64 = 0.5;

/// A sentence with a clear rating.
struct Labeled {
    /// Of the text that it is taken from.
    id: String,
    text: String,
    label: &'static str,
}

/// Writes a CSV file with the columns `text` and `label` of the sentences of movie reviews. They keep their order, and
/// duplicates are dropped.
pub(super) fn convert(archive: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let rows = read(archive, GENRES[0].1)?.into_iter().map(|row| [row.text, row.label.to_string()]);
    write_table(["text", "label"], without_repeated(rows), out, out_path)
}

/// Writes a CSV file with the columns `text`, `label`, `genre` and `part` of the sentences of all genres and of the English
/// ones of the data set `reviews`, whose genre is `everyday`. They keep their order, and duplicates are dropped. The
/// sentences of one text are in one part; those of `reviews` keep theirs.
pub(super) fn convert_opinions(archive: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let mut rows = everyday().expect("`reviews` is embedded, with these columns");
    let fractions = SplitFractions::new(0.8, 0.1, 0.1).expect("they add up to 1");
    for (genre, file) in GENRES {
        let sentences = read(archive, file)?.into_iter();
        rows.extend(sentences.map(|row| {
            let part = SplitAssignment::of(&format!("{genre} {}", row.id), &fractions);
            [row.text, row.label.into(), genre.into(), part.name().into()]
        }));
    }
    write_table(["text", "label", "genre", "part"], without_repeated(rows), out, out_path)
}

/// The English rows of `reviews`.
fn everyday() -> crate::Result<Vec<[String; 4]>> {
    let table = RegisteredDataset::find("reviews")?.table()?;
    let mut indices = [0; 4];
    for (index, name) in indices.iter_mut().zip(["text", "label", "language", "part"]) {
        *index = table.index_of(name)?;
    }
    let rows = table.rows()?.map(|row| row.map(|row| indices.map(|index| row.cell(index).to_string())));
    let rows = rows.collect::<crate::Result<Vec<[String; 4]>>>()?;
    let english = rows.into_iter().filter(|[_, _, language, _]| language == "en");
    Ok(english.map(|[text, label, _, part]| [text, label, "everyday".into(), part]).collect())
}

/// The sentences of a file with a clear rating.
fn read(archive: &Path, file: &str) -> Result<Vec<Labeled>> {
    let inside = format!("hutto_ICWSM_2014/{file}_GroundTruth.txt");
    let text = with_tar_entry(archive, &inside, |entry| read_text(archive, &inside, entry))?;
    let mut sentences = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (id, rating, sentence) = read_line(line).ok_or_else(|| FetchError::Unexpected {
            path: inside.clone(),
            line: index + 1,
            expected: "an id, a rating and a sentence, separated by tabs",
            found: line.chars().take(60).collect(),
        })?;
        let text = single_line(sentence);
        if let Some(label) = label(rating).filter(|_| !text.is_empty()) {
            let id = id.split('_').next().unwrap_or(id).into();
            sentences.push(Labeled { id, text, label });
        }
    }
    Ok(sentences)
}

/// The rows whose texts, in their first column, are new.
fn without_repeated<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> impl Iterator<Item = [String; N]> {
    let mut seen = HashSet::new();
    rows.into_iter().filter(move |row| seen.insert(row[0].clone()))
}

fn read_line(line: &str) -> Option<(&str, f64, &str)> {
    let mut fields = line.splitn(3, '\t');
    let (id, rating, sentence) = (fields.next()?, fields.next()?, fields.next()?);
    Some((id, rating.trim().parse().ok()?, sentence))
}

fn label(rating: f64) -> Option<&'static str> {
    match rating {
        rating if rating >= MIN_RATING => Some("positive"),
        rating if rating <= -MIN_RATING => Some("negative"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn opinions_are_of_all_genres_and_a_text_is_in_one_part() {
        let product: String =
            (1..=40).map(|id| format!("{id}_1\t2.0\tGood {id}.\n{id}_2\t-2.0\tBad {id}.\n")).collect();
        let of_genre = ["1\t-3\tA bore.\n2\t0.1\tA film.\n", &product, "7\t2.5\tYay, sun.\n", "1_1\t-1\tA bore.\n"];
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for ((_, file), text) in GENRES.into_iter().zip(of_genre) {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            let path = format!("hutto_ICWSM_2014/{file}_GroundTruth.txt");
            archive.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raw.tar.gz");
        std::fs::write(&path, archive.into_inner().unwrap().finish().unwrap()).unwrap();

        let mut out = Vec::new();
        convert_opinions(&path, &mut out, Path::new("out.csv")).unwrap();
        let table = String::from_utf8(out).unwrap();
        assert!(table.starts_with("text,label,genre,part\n"), "{table}");
        let parts = |genre: &str| -> Vec<&str> {
            let field = format!(",{genre},");
            table.lines().filter_map(|line| line.split_once(&*field)).map(|(_, part)| part).collect()
        };
        // Neutral sentences and duplicates are dropped.
        assert_eq!(["movie", "tweet", "editorial"].map(|genre| parts(genre).len()), [1, 1, 0]);
        assert!(table.contains("\nI would buy this watch again.,positive,everyday,test\n"), "{table}");
        assert!(table.lines().any(|line| line.starts_with("\"Yay, sun.\",positive,tweet,")), "{table}");
        let product = parts("product");
        assert!(product.len() == 80 && product.chunks(2).all(|pair| pair[0] == pair[1]), "{product:?}");
        let count = |part: &str| product.iter().filter(|own| **own == part).count();
        assert!(count("train") > 48 && count("valid") > 0 && count("test") > 0, "{product:?}");
    }
}
