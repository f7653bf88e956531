//! `train data`: lists, shows and fetches data sets.

use std::borrow::Cow;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use recurrent::data::fetch::{Progress, fetch};
use recurrent::data::{
    Availability, DataError, DatasetKind, DatasetManifest, LabeledSchema, PairsSchema, RAW_FOLDER, RegisteredDataset,
    SeriesSchema, SpeechSchema, TextSchema, registered_datasets,
};

use crate::interrupt;
use crate::output::{WIDTH, aligned, note, print, size, wrapped};

/// The number of lines of a data set that are shown.
const LINES: usize = 8;
/// The number of bytes that are read to find them.
const BEGINNING: u64 = 1 << 16;
/// The shortest time between two lines of progress.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the registered data sets, and whether each is embedded or fetched
    List(DataFolder),
    /// Show the description and the first lines of a data set
    Show(DataShowArgs),
    /// Fetch a data set that is not embedded
    Fetch(DataFetchArgs),
}

#[derive(Debug, Args)]
pub struct DataFolder {
    /// The folder of fetched data sets
    #[arg(long, value_name = "DIR", default_value = RAW_FOLDER)]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct DataShowArgs {
    /// A registered data set, or the manifest of another one
    #[arg(value_name = "NAME|FILE.toml")]
    pub name: String,
    #[command(flatten)]
    pub folder: DataFolder,
}

#[derive(Debug, Args)]
pub struct DataFetchArgs {
    #[command(flatten)]
    pub of: DataShowArgs,
    /// A local copy of the source's file, instead of a download
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// `train data`.
pub fn run(command: DataCommand) -> Result<ExitCode> {
    match command {
        DataCommand::List(args) => list(&args)?,
        DataCommand::Show(args) => show(&args)?,
        DataCommand::Fetch(args) => fetch_and_print(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A registered data set, or one with a manifest of the user.
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
    let mut rows = vec![["name", "kind", "size", "state", "license", "title"].map(String::from)];
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
    print(aligned(&rows));
    Ok(())
}

/// `train data show`.
fn show(args: &DataShowArgs) -> Result<()> {
    let named = Named::find(&args.name)?;
    let (manifest, folder) = (&*named.manifest, &args.folder.folder);
    let state = named.availability(folder)?;
    let path = manifest.path_in(folder);
    let state_text = match state {
        Availability::Embedded => "embedded in the program".to_string(),
        Availability::Fetched => format!("fetched: {}", path.display()),
        Availability::NotFetched => format!("not fetched: run `{}`", fetch_command(args)),
        Availability::ChecksumMismatch => {
            format!("damaged: {} has another checksum; run `{}`", path.display(), fetch_command(args))
        }
    };
    print(format!("{}: {}\n", manifest.name, manifest.title));
    print(wrapped(&manifest.description));
    print(format!("\nkind     {}, {}", manifest.kind, schema_text(manifest)));
    print(format!("file     {}, {}, sha256 {}", manifest.file, size(manifest.num_bytes), manifest.sha256));
    print(format!("license  {}", manifest.license));
    if let Some(author) = &manifest.author {
        print(format!("author   {author}"));
    }
    for source in &manifest.sources {
        let bytes = source.num_bytes().map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        print(format!("source   {source}{bytes}"));
    }
    print(format!("state    {state_text}"));
    let beginning = match (named.bytes, state) {
        (Some(bytes), _) => first_lines(bytes),
        (None, Availability::Fetched) => first_lines(&beginning(&path)?),
        (None, _) => return Ok(()),
    };
    print(format!("\n{beginning}"));
    Ok(())
}

fn fetch_command(args: &DataShowArgs) -> String {
    let folder = &args.folder.folder;
    let elsewhere =
        if folder == Path::new(RAW_FOLDER) { String::new() } else { format!(" --folder {}", folder.display()) };
    format!("train data fetch {}{elsewhere}", args.name)
}

/// The schema of a data set in words: its size, columns and split.
fn schema_text(manifest: &DatasetManifest) -> String {
    let text = match manifest.kind {
        DatasetKind::Series => manifest.series().map(series_text),
        DatasetKind::Text => manifest.text().map(text_text),
        DatasetKind::Pairs => manifest.pairs().map(pairs_text),
        DatasetKind::Labeled => manifest.labeled().map(labeled_text),
        DatasetKind::Speech => manifest.speech().map(speech_text),
        DatasetKind::Music => manifest.music().map(|schema| format!("{} pieces", schema.pieces)),
    };
    text.expect("a manifest has the schema of its kind")
}

fn series_text(schema: &SeriesSchema) -> String {
    let SeriesSchema { rows, features, targets, future, horizon, split, .. } = schema;
    let future =
        if future.is_empty() { String::new() } else { format!("\n         known ahead: {}", future.join(", ")) };
    let season = schema.season.map_or_else(String::new, |season| format!("; season of {season} rows"));
    format!(
        "{rows} rows: targets {}, features {}, horizon {horizon}{season}; split {split}{future}",
        targets.join(", "),
        features.join(", ")
    )
}

fn text_text(schema: &TextSchema) -> String {
    format!("validation fraction {}", schema.valid_fraction)
}

fn pairs_text(schema: &PairsSchema) -> String {
    let PairsSchema { rows, source, target, split, group_column: group, .. } = schema;
    let group = group.as_ref().map_or_else(String::new, |group| format!(", grouped by `{group}`"));
    format!("{rows} rows: {} to {}; split {split}{group}", source.language, target.language)
}

fn labeled_text(schema: &LabeledSchema) -> String {
    let LabeledSchema { rows, text_column: text, label_column: label, split, split_column: part, kind_column, .. } =
        schema;
    let split = match part {
        Some(part) => format!("split by `{part}`"),
        None => format!("split {split}"),
    };
    let kind = kind_column.as_ref().map_or_else(String::new, |kind| format!("; scores by `{kind}` too"));
    format!("{rows} rows: `{label}` of `{text}`; {split}{kind}")
}

fn speech_text(schema: &SpeechSchema) -> String {
    let SpeechSchema { rows, speakers, sample_rate, .. } = schema;
    format!("{rows} recordings of {speakers} speakers at {sample_rate} Hz; split by `split`")
}

/// The beginning of a file, from which some lines are shown.
fn beginning(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    file.take(BEGINNING).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    Ok(bytes)
}

/// The first lines, truncated to the width.
fn first_lines(bytes: &[u8]) -> String {
    let beginning = &bytes[..bytes.len().min(BEGINNING as usize)];
    let text = String::from_utf8_lossy(beginning);
    let lines = text.lines().take(LINES).map(|line| match line.char_indices().nth(WIDTH - 1) {
        Some((end, last)) if end + last.len_utf8() < line.len() => format!("{}…", &line[..end]),
        _ => line.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `train data fetch`.
fn fetch_and_print(args: &DataFetchArgs) -> Result<()> {
    let named = Named::find(&args.of.name)?;
    let (manifest, folder) = (&*named.manifest, &args.of.folder.folder);
    let path = manifest.path_in(folder);
    match named.availability(folder)? {
        Availability::Embedded => {
            print(format!("{} comes with the program: there is nothing to fetch.", manifest.name));
            return Ok(());
        }
        Availability::Fetched => {
            print(format!("{} is already there: {}", manifest.name, path.display()));
            return Ok(());
        }
        Availability::ChecksumMismatch => {
            note(format!("{} has another checksum than its manifest, and is replaced", path.display()))
        }
        Availability::NotFetched => {}
    }
    interrupt::exit_on_ctrl_c("interrupted; run the command again to resume")?;
    note(format!("{}: {}; license: {}", manifest.name, manifest.title, manifest.license));
    let mut display = ProgressDisplay::new();
    let path = fetch(manifest, folder, args.from.as_deref(), &mut |progress| display.update(&progress));
    display.finish();
    let path = path.map_err(|error| recurrent::Error::from(DataError::from(error)))?;
    print(format!("{} is there: {}, {}", manifest.name, path.display(), size(manifest.num_bytes)));
    Ok(())
}

/// Shows the progress of a download: a bar on a terminal, plain lines elsewhere.
struct ProgressDisplay {
    bar: Option<ProgressBar>,
    on_terminal: bool,
    last_line: Instant,
}

impl ProgressDisplay {
    fn new() -> Self {
        Self { bar: None, on_terminal: std::io::stderr().is_terminal(), last_line: Instant::now() }
    }

    fn update(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Connecting(source) => {
                let bytes = source.num_bytes().map_or_else(String::new, |bytes| format!(" ({})", size(bytes)));
                self.line(format!("from {source}{bytes}"));
                self.spin();
            }
            Progress::Resuming { bytes } => self.line(format!("resuming after {}", size(*bytes))),
            Progress::Received { bytes, total } => self.received(*bytes, *total),
            Progress::Failed(error) => self.line(format!("{error}; trying the next source")),
            Progress::Converting => {
                self.line("converting");
                self.spin();
            }
            _ => {}
        }
    }

    /// Prints a line.
    fn line(&mut self, text: impl ToString) {
        self.finish();
        note(text.to_string());
    }

    /// Shows a spinner for work of unknown length.
    fn spin(&mut self) {
        if self.on_terminal {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            self.bar = Some(bar);
        }
    }

    fn received(&mut self, bytes: u64, of: Option<u64>) {
        if !self.on_terminal {
            if self.last_line.elapsed() >= LINE_INTERVAL {
                self.last_line = Instant::now();
                let of = of.map_or_else(String::new, |of| format!(" of {}", size(of)));
                note(format!("  {}{of}", size(bytes)));
            }
            return;
        }
        if self.bar.as_ref().is_none_or(|bar| bar.length() != of) {
            self.finish();
            let bar = of.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let style = match of {
                Some(_) => "{bar:40} {decimal_bytes}/{decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left",
                None => "{spinner} {decimal_bytes}, {decimal_bytes_per_sec}",
            };
            let style = ProgressStyle::with_template(style).expect("the template is valid");
            self.bar = Some(bar.with_style(style).with_position(bytes));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_and_lines_are_truncated() {
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
