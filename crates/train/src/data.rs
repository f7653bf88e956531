//! The commands of data sets.

use std::borrow::Cow;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use recurrent::data::fetch::{Progress, fetch};
use recurrent::data::{
    Availability, DataError, DatasetKind, DatasetManifest, LabeledSchema, PairsSchema, RegisteredDataset, SeriesSchema,
    TextSchema, registered_datasets,
};

use crate::cli::{DataCommand, DataFetchArgs, DataFolder, DataShowArgs};
use crate::interrupt;
use crate::output::{note, print};

/// How wide a description is written.
const WIDTH: usize = 100;
/// How many lines of a data set are shown.
const LINES: usize = 8;
/// How much is read to find them.
const BEGINNING: u64 = 1 << 16;
/// How long a plain line stays alone before the next.
const PAUSE: Duration = Duration::from_secs(5);

/// `train data`.
pub fn run(command: DataCommand) -> Result<ExitCode> {
    match command {
        DataCommand::List(args) => list(&args)?,
        DataCommand::Show(args) => show(&args)?,
        DataCommand::Fetch(args) => bring(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A data set that somebody named: a known one, or one with a manifest of the user's own.
struct Named {
    manifest: Cow<'static, DatasetManifest>,
    bytes: Option<&'static [u8]>,
}

impl Named {
    fn find(name: &str) -> recurrent::Result<Self> {
        let path = Path::new(name);
        if path.extension().is_some_and(|extension| extension == "toml") {
            return Ok(Self { manifest: Cow::Owned(DatasetManifest::open(path)?), bytes: None });
        }
        let set = RegisteredDataset::find(name)?;
        Ok(Self { manifest: Cow::Borrowed(&set.manifest), bytes: set.bytes })
    }

    fn availability(&self, folder: &Path) -> recurrent::Result<Availability> {
        Ok(if self.bytes.is_some() { Availability::Embedded } else { self.manifest.availability(folder)? })
    }
}

/// `train data list`.
fn list(args: &DataFolder) -> Result<()> {
    let mut rows = vec![["name", "kind", "size", "state", "licence", "what"].map(String::from)];
    for set in registered_datasets() {
        let manifest = &set.manifest;
        rows.push([
            manifest.name.clone(),
            manifest.kind.to_string(),
            size(manifest.num_bytes),
            set.availability(&args.folder).map_err(recurrent::Error::from)?.to_string(),
            manifest.license.clone(),
            manifest.title.clone(),
        ]);
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        print(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    Ok(())
}

/// `train data show`.
fn show(args: &DataShowArgs) -> Result<()> {
    let named = Named::find(&args.name)?;
    let (manifest, folder) = (&*named.manifest, &args.folder.folder);
    let state = named.availability(folder)?;
    let place = manifest.path_in(folder);
    let state_words = match state {
        Availability::Embedded => "embedded: it comes with the program".to_string(),
        Availability::Fetched => format!("fetched: {}", place.display()),
        Availability::NotFetched => format!("not fetched: to have it, run `{}`", fetch_command(args)),
        Availability::ChecksumMismatch => {
            format!("damaged: {} has another sum; to have it again, run `{}`", place.display(), fetch_command(args))
        }
    };
    print(format!("{}: {}\n", manifest.name, manifest.title));
    print(wrapped(&manifest.description));
    print(format!("\nkind     {}, {}", manifest.kind, facts(manifest)));
    print(format!("file     {}, {}, sha256 {}", manifest.file, size(manifest.num_bytes), manifest.sha256));
    print(format!("licence  {}", manifest.license));
    if let Some(written) = &manifest.author {
        print(format!("written  {written}"));
    }
    for source in &manifest.sources {
        let bytes = source.num_bytes().map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        print(format!("source   {source}{bytes}"));
    }
    print(format!("state    {state_words}"));
    let beginning = match (named.bytes, state) {
        (Some(bytes), _) => first_lines(bytes),
        (None, Availability::Fetched) => first_lines(&beginning(&place)?),
        (None, _) => return Ok(()),
    };
    print(format!("\n{beginning}"));
    Ok(())
}

fn fetch_command(args: &DataShowArgs) -> String {
    let folder = &args.folder.folder;
    let elsewhere = if folder == Path::new(recurrent::data::RAW_FOLDER) {
        String::new()
    } else {
        format!(" --folder {}", folder.display())
    };
    format!("train data fetch {}{elsewhere}", args.name)
}

/// How much there is of what, and how it is used where nobody says otherwise.
fn facts(manifest: &DatasetManifest) -> String {
    let facts = match manifest.kind {
        DatasetKind::Series => manifest.series().map(series_facts),
        DatasetKind::Text => manifest.text().map(text_facts),
        DatasetKind::Pairs => manifest.pairs().map(pairs_facts),
        DatasetKind::Labeled => manifest.labeled().map(labelled_facts),
    };
    facts.expect("a manifest that was read has the facts of its kind")
}

fn series_facts(facts: &SeriesSchema) -> String {
    let SeriesSchema { rows, features, targets, horizon, split, .. } = facts;
    let season = facts.season.map_or_else(String::new, |season| format!(", again after {season}"));
    format!("{rows} rows: {} from {}, {horizon} ahead{season}; split {split}", targets.join(", "), features.join(", "))
}

fn text_facts(facts: &TextSchema) -> String {
    format!("the last {} of it to validate", facts.valid_fraction)
}

fn pairs_facts(facts: &PairsSchema) -> String {
    let PairsSchema { rows, source, target, split, group_column: group, .. } = facts;
    let group = group.as_ref().map_or_else(String::new, |group| format!(", equals of `{group}` together"));
    format!("{rows} rows: {} to {}; split {split}{group}", source.language, target.language)
}

fn labelled_facts(facts: &LabeledSchema) -> String {
    let LabeledSchema { rows, text_column: text, label_column: label, split, split_column: part, .. } = facts;
    let split = match part {
        Some(part) => format!("split by `{part}`"),
        None => format!("split {split}"),
    };
    format!("{rows} rows: `{label}` of `{text}`; {split}")
}

/// The beginning of a file, as much as is needed to show some lines.
fn beginning(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    file.take(BEGINNING).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    Ok(bytes)
}

/// The first lines, each as far as it fits.
fn first_lines(bytes: &[u8]) -> String {
    let beginning = &bytes[..bytes.len().min(BEGINNING as usize)];
    let text = String::from_utf8_lossy(beginning);
    let lines = text.lines().take(LINES).map(|line| match line.char_indices().nth(WIDTH - 1) {
        Some((end, last)) if end + last.len_utf8() < line.len() => format!("{}…", &line[..end]),
        _ => line.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Text in lines that end between words.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines.join("\n")
}

/// `2.5 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// `train data fetch`.
fn bring(args: &DataFetchArgs) -> Result<()> {
    let named = Named::find(&args.of.name)?;
    let (manifest, folder) = (&*named.manifest, &args.of.folder.folder);
    let place = manifest.path_in(folder);
    match named.availability(folder)? {
        Availability::Embedded => {
            print(format!("{} comes with the program: there is nothing to fetch.", manifest.name));
            return Ok(());
        }
        Availability::Fetched => {
            print(format!("{} is already there: {}", manifest.name, place.display()));
            return Ok(());
        }
        Availability::ChecksumMismatch => {
            note(format!("{} has another sum than it should, and is replaced", place.display()))
        }
        Availability::NotFetched => {}
    }
    interrupt::leave_on_ctrl_c("interrupted; to go on, run it again")?;
    note(format!("{}: {}; licence: {}", manifest.name, manifest.title, manifest.license));
    let mut watch = Watch::new();
    let place = fetch(manifest, folder, args.from.as_deref(), &mut |progress| watch.see(&progress));
    watch.end();
    let place = place.map_err(|error| recurrent::Error::from(DataError::from(error)))?;
    print(format!("{} is there: {}, {}", manifest.name, place.display(), size(manifest.num_bytes)));
    Ok(())
}

/// Shows how far a download is: a bar on a terminal, plain lines elsewhere.
struct Watch {
    bar: Option<ProgressBar>,
    on_terminal: bool,
    said: Instant,
}

impl Watch {
    fn new() -> Self {
        Self { bar: None, on_terminal: std::io::stderr().is_terminal(), said: Instant::now() }
    }

    fn see(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Connecting(source) => {
                let bytes = source.num_bytes().map_or_else(String::new, |bytes| format!(" ({})", size(bytes)));
                self.tell(format!("from {source}{bytes}"));
                self.spin();
            }
            Progress::Resuming { bytes } => self.tell(format!("going on after {}", size(*bytes))),
            Progress::Received { bytes, total } => self.came(*bytes, *total),
            Progress::Failed(error) => self.tell(format!("{error}; asking the next source")),
            Progress::Converting => {
                self.tell("preparing it");
                self.spin();
            }
            _ => {}
        }
    }

    /// A line that stays.
    fn tell(&mut self, words: impl ToString) {
        self.end();
        note(words.to_string());
    }

    /// Something moves, where nobody knows for how long.
    fn spin(&mut self) {
        if self.on_terminal {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            self.bar = Some(bar);
        }
    }

    fn came(&mut self, bytes: u64, of: Option<u64>) {
        if !self.on_terminal {
            if self.said.elapsed() >= PAUSE {
                self.said = Instant::now();
                let of = of.map_or_else(String::new, |of| format!(" of {}", size(of)));
                note(format!("  {}{of}", size(bytes)));
            }
            return;
        }
        if self.bar.as_ref().is_none_or(|bar| bar.length() != of) {
            self.end();
            let bar = of.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let style = match of {
                Some(_) => "{bar:40} {decimal_bytes}/{decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left",
                None => "{spinner} {decimal_bytes}, {decimal_bytes_per_sec}",
            };
            let style = ProgressStyle::with_template(style).expect("a template that was tried");
            self.bar = Some(bar.with_style(style).with_position(bytes));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_like_speech() {
        assert_eq!([7, 47_838, 1_115_394, 67_607_712].map(size), ["7 B", "48 kB", "1.1 MB", "67.6 MB"]);
    }

    #[test]
    fn lines_end_between_words_and_where_they_no_longer_fit() {
        let text = "word ".repeat(50);
        assert!(wrapped(&text).lines().all(|line| line.len() <= WIDTH && line.ends_with("word")));
        assert_eq!(wrapped(&text).split_whitespace().count(), 50);
        let long = "ж".repeat(WIDTH + 1);
        let shown = first_lines(format!("{long}\n{}\n", "ж".repeat(WIDTH)).as_bytes());
        let shown: Vec<&str> = shown.lines().collect();
        assert!(shown[0].ends_with('…') && shown[0].chars().count() == WIDTH, "{shown:?}");
        assert!(!shown[1].ends_with('…'), "{shown:?}");
    }
}
