//! Where music is from: files, or the composer.

use std::collections::BTreeMap;
use std::path::Path;

use recurrent_data::{RegisteredDataset, SplitAssignment, SplitFractions, sha256, sha256_concat};
use recurrent_music::analysis::{fingerprint, recognize_key};
use recurrent_music::{Chorale, ChoralesByRule, ChoralesJson, FramePiece, Frames, MusicFile, Piece};

use super::ComposeConfig;
use super::music_files::{self, ListedMusic};
use crate::fit::FitConfig;
use crate::partial::Partial;
use crate::settings::Settings;
use crate::{Error, Result, TaskConfig, TaskSource};

/// The parts of `chorales-by-rule`: their split, the first piece, and the number of pieces.
const PARTS: [(SplitAssignment, u64, u64); 3] = [
    (SplitAssignment::Train, 0, 28_000),
    (SplitAssignment::Valid, 1_000_000, 100),
    (SplitAssignment::Test, 2_000_000, 200),
];
/// The seed of `chorales-by-rule`.
const SEED: u64 = 0;
/// The pieces that its checksum covers.
const CHECKED: usize = 20;

/// A piece of a corpus.
#[derive(Debug, Clone)]
pub struct CorpusPiece {
    /// The file, with the number of a tune in it; or the number of the piece.
    pub name: String,
    /// The notes.
    pub piece: Piece,
    /// The piece as it was composed, by rules that know its probability.
    pub(super) chorale: Option<Chorale>,
    /// Pieces that are the same up to transposition have the same.
    group: String,
    assignment: Option<SplitAssignment>,
}

impl CorpusPiece {
    fn new(name: String, piece: Piece) -> Self {
        let group = fingerprint(&piece).to_string();
        Self { name, piece, chorale: None, group, assignment: None }
    }

    /// Its frames; of a chorale voice by voice, if they are those that it was composed in.
    ///
    /// # Errors
    /// If there are more than a million.
    pub fn frames(&self, per_quarter: u16) -> Result<FramePiece> {
        let composed = self.chorale.as_ref().map(Chorale::frame_piece);
        match composed.filter(|composed| composed.frames.per_quarter == per_quarter) {
            Some(composed) => Ok(composed),
            None => Ok(FramePiece::of(&self.piece, per_quarter)?),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Composed,
    Json,
    Files,
}

/// Pieces of music: those of the composer `chorales-by-rule`, or files.
///
/// - `chorales-by-rule`: hymns in four parts, composed by rules, whose probability is known;
/// - `jsb-chorales`, `bach-chorales` and `nottingham`, once they are fetched;
/// - a MIDI, MusicXML or ABC file, or a folder of them, at any depth. If the folder has folders called `train`, `valid` and
///   `test`, these are the splits;
/// - a table (.csv, .tsv) with the column `file` and optionally `split` and `sha256`; relative paths begin at its folder;
/// - chorales as JSON: `{"train": [..], "valid": [..], "test": [..]}`, a piece being a list of frames of a quarter note, and
///   a frame a list of MIDI numbers (Boulanger-Lewandowski et al. 2012).
#[derive(Debug, Clone)]
pub struct MusicSource {
    name: String,
    origin: Origin,
    pieces: Vec<CorpusPiece>,
    notes: Vec<String>,
    sha256: String,
}

/// The pieces of each split.
#[derive(Debug)]
pub(super) struct SplitPieces<'a> {
    pub train: Vec<&'a CorpusPiece>,
    pub valid: Vec<&'a CorpusPiece>,
    pub test: Vec<&'a CorpusPiece>,
    /// What to know of the split.
    pub notes: Vec<String>,
}

impl MusicSource {
    /// The name of the pieces that are composed by rules.
    pub const CHORALES_BY_RULE: &'static str = "chorales-by-rule";

    /// Opens `chorales-by-rule`, a file, or a folder.
    ///
    /// # Errors
    /// If there is no such file or folder, it has no pieces, or one of them cannot be read.
    pub fn open(data: &str) -> Result<Self> {
        if data == Self::CHORALES_BY_RULE {
            return Ok(Self::chorales_by_rule());
        }
        if let Ok(dataset) = RegisteredDataset::find(data) {
            dataset.manifest.music()?;
            let source = crate::open_data(data)?;
            // Compares the file with its manifest.
            source.sha256()?;
            let path = source.path().unwrap_or(Path::new(data));
            return Self::file_or_folder(source.absolute_name(), path);
        }
        let path = Path::new(data);
        let absolute = std::path::absolute(path).map_err(Error::io("cannot find the path of", path))?;
        let name = absolute.to_string_lossy().into_owned();
        Self::file_or_folder(name, path)
    }

    fn file_or_folder(name: String, path: &Path) -> Result<Self> {
        let is = |known: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(known));
        if is("json") {
            return Self::json(name, path);
        }
        let files = match path {
            path if path.is_dir() => music_files::in_folder(path)?,
            path if ["csv", "tsv"].into_iter().any(is) => music_files::in_table(path)?,
            path => vec![ListedMusic::alone(path)],
        };
        Self::files(name, path, &files)
    }

    fn chorales_by_rule() -> Self {
        let composer = ChoralesByRule::new(SEED);
        let of_part = |(assignment, first, count): (SplitAssignment, u64, u64)| {
            let composer = &composer;
            (first..first + count).map(move |index| {
                let chorale = composer.chorale(index);
                CorpusPiece {
                    name: index.to_string(),
                    piece: chorale.piece(),
                    chorale: Some(chorale),
                    group: index.to_string(),
                    assignment: Some(assignment),
                }
            })
        };
        let pieces: Vec<CorpusPiece> = PARTS.into_iter().flat_map(of_part).collect();
        let notes = pieces.iter().take(CHECKED).map(|piece| format!("{:?}", piece.piece.notes));
        let sha256 = sha256(notes.collect::<String>().as_bytes());
        let name = Self::CHORALES_BY_RULE.into();
        Self { name, origin: Origin::Composed, pieces, notes: Vec::new(), sha256 }
    }

    fn json(name: String, path: &Path) -> Result<Self> {
        let bytes = ListedMusic::alone(path).read()?;
        let chorales = ChoralesJson::from_bytes(&path.display().to_string(), &bytes)?;
        let mut pieces = Vec::new();
        for (assignment, frames) in [
            (SplitAssignment::Train, chorales.train),
            (SplitAssignment::Valid, chorales.valid),
            (SplitAssignment::Test, chorales.test),
        ] {
            for (number, frames) in frames.into_iter().enumerate() {
                let name = format!("{} {}", assignment.name(), number + 1);
                let piece = CorpusPiece::new(name, Frames::of_pitches(1, frames).piece(1));
                pieces.push(CorpusPiece { assignment: Some(assignment), ..piece });
            }
        }
        Ok(Self { name, origin: Origin::Json, pieces, notes: Vec::new(), sha256: sha256(&bytes) })
    }

    fn files(name: String, path: &Path, files: &[ListedMusic]) -> Result<Self> {
        let (mut pieces, mut notes, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            let bytes = file.read()?;
            sums.push(format!("{}\n{}", file.name, sha256(&bytes)));
            let label = file.path.display().to_string();
            let MusicFile { pieces: tunes, remarks } = MusicFile::parse(&label, &bytes)?;
            notes.extend((!remarks.is_empty()).then(|| format!("{label}: {remarks}")));
            for (number, mut piece) in tunes.into_iter().enumerate() {
                let name = format!("{}, tune {}", file.name, number + 1);
                if piece.keys.is_empty() {
                    let recognized = recognize_key(&piece);
                    piece.keys.extend(recognized.map(|key| (0, key)));
                }
                pieces.push(CorpusPiece { assignment: file.assignment, ..CorpusPiece::new(name, piece) });
            }
        }
        if pieces.is_empty() {
            return Err(Error::Input {
                what: path.display().to_string(),
                expected: "a folder with MIDI (.mid), MusicXML (.musicxml, .mxl) or ABC (.abc) files".into(),
                found: "no such file".into(),
            });
        }
        let sha256 = sha256_concat(sums.iter().map(|sum| sum.as_bytes()));
        Ok(Self { name, origin: Origin::Files, pieces, notes, sha256 })
    }

    /// All pieces.
    pub fn pieces(&self) -> &[CorpusPiece] {
        &self.pieces
    }

    /// The name of what is composed by rules, or the absolute path.
    pub fn absolute_name(&self) -> String {
        self.name.clone()
    }

    /// What was left out when the files were read.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The settings for pieces of this origin.
    pub(super) fn recipe(&self) -> ComposeConfig {
        let defaults = ComposeConfig::defaults();
        if self.origin == Origin::Composed {
            return defaults;
        }
        // A few hundred pieces, of which a network can learn too much.
        let fit = FitConfig {
            epochs: 80,
            batch_size: 4,
            lr: 4e-3,
            weight_decay: 0.1,
            average: 0.998,
            ..defaults.fit.clone()
        };
        let files = ComposeConfig { hidden_size: 256, dropout: 0.25, transpose: 0.75, bptt: 32, fit, ..defaults };
        match self.origin {
            Origin::Json => ComposeConfig { per_quarter: 1, holds: false, labels: false, ..files },
            _ => ComposeConfig { per_quarter: 4, ..files },
        }
    }

    /// Splits the pieces as the data say, or else by a hash of each piece that does not depend on its key, so that copies
    /// and transpositions stay together.
    ///
    /// # Errors
    /// If a split would be empty, or a file that is held out is also in training.
    pub(super) fn split(&self, fractions: &SplitFractions) -> Result<SplitPieces<'_>> {
        let has = |split| self.pieces.iter().any(|piece| piece.assignment == Some(split));
        let lacks_valid = has(SplitAssignment::Test) && !has(SplitAssignment::Valid);
        let mut parts: BTreeMap<&str, Vec<&CorpusPiece>> = BTreeMap::new();
        for piece in &self.pieces {
            let assignment = SplitAssignment::resolved(piece.assignment, &piece.group, fractions, lacks_valid);
            parts.entry(assignment.name()).or_default().push(piece);
        }
        let mut part = |assignment: SplitAssignment| {
            let pieces = parts.remove(assignment.name()).unwrap_or_default();
            if pieces.is_empty() {
                return Err(Error::Input {
                    what: self.name.clone(),
                    expected: "at least 1 piece for each of training, validation and test".into(),
                    found: format!("{} piece(s), none of them for {}", self.pieces.len(), assignment.name()),
                });
            }
            Ok(pieces)
        };
        let (train, valid, test) =
            (part(SplitAssignment::Train)?, part(SplitAssignment::Valid)?, part(SplitAssignment::Test)?);
        let notes = self.check_copies(&train, [&valid, &test])?;
        Ok(SplitPieces { train, valid, test, notes })
    }

    /// Looks for held-out pieces that are also in training, perhaps transposed: in files an error, in a published split a
    /// note.
    fn check_copies(&self, train: &[&CorpusPiece], held_out: [&Vec<&CorpusPiece>; 2]) -> Result<Vec<String>> {
        let known: BTreeMap<&str, &CorpusPiece> = train.iter().map(|piece| (piece.group.as_str(), *piece)).collect();
        let copies: Vec<_> = (held_out.into_iter().flatten())
            .filter_map(|piece| Some((*piece, *known.get(piece.group.as_str())?)))
            .collect();
        match (copies.first(), self.origin) {
            (Some((piece, copied)), Origin::Files) => Err(Error::Input {
                what: format!("{}, {}", self.name, piece.name),
                expected: "no held-out piece that is also in training, in whatever key".into(),
                found: format!("a copy of {}", copied.name),
            }),
            (Some(_), _) => Ok(vec![format!("{} held-out piece(s) are also in training, in some key", copies.len())]),
            (None, _) => Ok(Vec::new()),
        }
    }
}

impl TaskSource for MusicSource {
    fn open<C: TaskConfig>(given: &Partial) -> Result<Self> {
        Self::open(&given.data::<C>())
    }

    /// Of all files; of what is composed by rules, of some pieces.
    fn sha256(&self) -> Result<String> {
        Ok(self.sha256.clone())
    }
}
