//! Where speech is from: WAV files with transcripts, or the synthesizer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use recurrent_audio::synth::{SynthConfig, SynthSpeech, Utterance, Vocabulary};
use recurrent_audio::{Audio, resample};
use recurrent_data::{RegisteredDataset, Table, Transcript, Transcripts, regular_file, sha256, sha256_concat};

use crate::partial::Partial;
use crate::{Error, Result, TaskConfig, TaskSource};

/// Files that are read per folder of labels, at most: more are probably not one corpus.
const MAX_FILES: usize = 1_000_000;

/// The parts of `spoken-digits`: their split, first speaker, speakers and utterances.
const PARTS: [(&str, u64, u64, usize); 3] =
    [("train", 0, 960, 9_600), ("valid", 1_000, 40, 200), ("test", 2_000, 40, 300)];

/// A word and when it is spoken, in seconds from the beginning of the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct WordTime {
    /// The word.
    pub word: String,
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
}

/// A recording, and when its words are spoken, if that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct SpokenUtterance {
    /// The sound.
    pub audio: Audio,
    /// The words in their order; `None` if only the transcript is known.
    pub words: Option<Vec<WordTime>>,
}

/// Recordings of speech with their transcripts: synthetic speech, or WAV files in a folder or a table.
///
/// - `spoken-digits`: digits in English and Russian and a dozen commands, by synthetic speakers of whom none is in two
///   splits, in rooms with noise;
/// - `an4` and `fsdd`, once they are fetched;
/// - a folder that has a folder of WAV files for each label;
/// - a table with the columns `wav`, `text` and optionally `speaker`, `split` and `sha256`; relative paths begin at its folder.
#[derive(Debug, Clone)]
pub struct SpeechSource {
    name: String,
    transcripts: Transcripts,
    recordings: Recordings,
    /// Known once all recordings were read for it.
    sha256: OnceLock<String>,
}

#[derive(Debug, Clone)]
enum Recordings {
    Synthetic(Vec<SynthSpeech>),
    Files { folder: PathBuf },
}

impl SpeechSource {
    /// The name of the synthetic speech.
    pub const SPOKEN_DIGITS: &'static str = "spoken-digits";

    /// Opens `spoken-digits`, a folder, or a table.
    ///
    /// # Errors
    /// If there is no such folder or table, it has no recordings, or a column is wrong.
    pub fn open(data: &str) -> Result<Self> {
        if data == Self::SPOKEN_DIGITS {
            return Ok(Self::spoken_digits());
        }
        if let Ok(dataset) = RegisteredDataset::find(data) {
            dataset.manifest.speech()?;
            return Self::registered(data);
        }
        let path = Path::new(data);
        let absolute = std::path::absolute(path).map_err(Error::io("cannot find the path of", path))?;
        let name = absolute.to_string_lossy().into_owned();
        if path.is_dir() {
            let transcripts = Transcripts::new(data, labeled_folders(path)?);
            return Ok(Self::new(name, transcripts, Recordings::Files { folder: absolute }));
        }
        let transcripts = Transcripts::from_table(&Table::open(path, None)?)?;
        let folder = crate::run_dir::parent(&absolute).to_path_buf();
        Ok(Self::new(name, transcripts, Recordings::Files { folder }))
    }

    fn registered(name: &str) -> Result<Self> {
        let source = crate::open_data(name)?;
        let transcripts = Transcripts::from_table(source.table()?)?;
        let table = source.path().unwrap_or(Path::new(name));
        let table = std::path::absolute(table).map_err(Error::io("cannot find the path of", table))?;
        let folder = crate::run_dir::parent(&table).to_path_buf();
        Ok(Self::new(source.absolute_name(), transcripts, Recordings::Files { folder }))
    }

    fn new(name: String, transcripts: Transcripts, recordings: Recordings) -> Self {
        Self { name, transcripts, recordings, sha256: OnceLock::new() }
    }

    fn spoken_digits() -> Self {
        let corpora = PARTS.map(|(_, first_speaker, num_speakers, utterances)| {
            let config = SynthConfig::default()
                .with_speakers(first_speaker, num_speakers)
                .with_utterances(utterances)
                .with_seed(first_speaker)
                .with_words(0, 5)
                .with_vocabularies(&Vocabulary::ALL);
            SynthSpeech::new(config).expect("these settings are in range")
        });
        let mut transcripts = Vec::new();
        for ((split, ..), speech) in PARTS.iter().zip(&corpora) {
            for index in 0..speech.len() {
                let text: Vec<String> = speech.words_of(index).iter().map(|word| word.text().to_string()).collect();
                let transcript = Transcript::new(format!("{split}-{index}"), &text.join(" "), transcripts.len() + 1);
                transcripts.push(transcript.with_speaker(speech.speaker(index).to_string()).with_split(split));
            }
        }
        let transcripts = Transcripts::new(Self::SPOKEN_DIGITS, transcripts);
        Self::new(Self::SPOKEN_DIGITS.into(), transcripts, Recordings::Synthetic(corpora.into()))
    }

    /// The transcripts of all recordings.
    pub fn transcripts(&self) -> &Transcripts {
        &self.transcripts
    }

    /// The name of synthetic speech, or the absolute path.
    pub fn absolute_name(&self) -> String {
        self.name.clone()
    }

    /// The recording of a transcript, at this sample rate.
    ///
    /// # Errors
    /// If its file cannot be read or is no WAV file.
    pub fn utterance(&self, transcript: &Transcript, sample_rate: u32) -> Result<SpokenUtterance> {
        let (audio, words) = match &self.recordings {
            Recordings::Synthetic(corpora) => {
                let Utterance { audio, words, .. } = synthetic(corpora, transcript.line - 1);
                let time = |spoken: &recurrent_audio::synth::SpokenWord| WordTime {
                    word: spoken.word.text().to_string(),
                    start: spoken.start,
                    end: spoken.end,
                };
                (audio, Some(words.iter().map(time).collect()))
            }
            Recordings::Files { folder } => (Audio::open(folder.join(&transcript.recording))?, None),
        };
        Ok(SpokenUtterance { audio: resample(&audio, sample_rate)?, words })
    }
}

/// The utterance of this index, counted over all corpora.
fn synthetic(corpora: &[SynthSpeech], mut index: usize) -> Utterance {
    for speech in corpora {
        if index < speech.len() {
            return speech.utterance(index);
        }
        index -= speech.len();
    }
    unreachable!("a transcript has the number of an utterance")
}

/// The WAV files in the folders of a folder, each with the name of its folder as what is said.
fn labeled_folders(root: &Path) -> Result<Vec<Transcript>> {
    let mut transcripts = Vec::new();
    for folder in entries(root)?.iter().filter(|path| path.is_dir()) {
        let Some(label) = folder.file_name() else { continue };
        let label = label.to_string_lossy();
        for file in entries(folder)? {
            let is_wav = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"));
            if is_wav && transcripts.len() < MAX_FILES {
                let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
                transcripts.push(Transcript::new(name, &label.replace('_', " "), transcripts.len() + 1));
            }
        }
    }
    if transcripts.is_empty() {
        return Err(Error::Input {
            what: root.display().to_string(),
            expected: "a folder of WAV files for each label, as in `yes/1.wav`".into(),
            found: "no such file".into(),
        });
    }
    Ok(transcripts)
}

/// The entries of a folder, sorted.
fn entries(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("cannot list the folder", folder))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(Error::io("cannot list the folder", folder))).collect()
}

impl TaskSource for SpeechSource {
    fn open<C: TaskConfig>(given: &Partial) -> Result<Self> {
        Self::open(&given.data::<C>())
    }

    /// Of all recordings with their transcripts; of synthetic speech, of its transcripts and the length of one utterance.
    fn sha256(&self) -> Result<String> {
        if let Some(known) = self.sha256.get() {
            return Ok(known.clone());
        }
        let mut parts = Vec::new();
        for transcript in self.transcripts.all() {
            parts.push(transcript.facts().into_bytes());
            if let Recordings::Files { folder } = &self.recordings {
                let path = folder.join(&transcript.recording);
                let bytes = regular_file::read(&path, recurrent_audio::MAX_FILE_BYTES);
                let found = sha256(&bytes.map_err(Error::io("cannot read the recording", &path))?);
                if let Some(expected) = transcript.sha256.as_ref().filter(|expected| **expected != found) {
                    let what =
                        format!("{} (line {} of {})", path.display(), transcript.line, self.transcripts.source());
                    return Err(Error::Input { what, expected: format!("the sha256 {expected}"), found });
                }
                parts.push(found.into_bytes());
            }
        }
        if let Recordings::Synthetic(corpora) = &self.recordings {
            // Not its samples: the last bits of a sine differ from machine to machine.
            parts.push(synthetic(corpora, 0).audio.samples.len().to_le_bytes().into());
        }
        let found = sha256_concat(parts.iter().map(Vec::as_slice));
        Ok(self.sha256.get_or_init(|| found).clone())
    }
}
