//! Recordings of speech with their transcripts, split by speaker.

use std::{collections::HashMap, marker::PhantomData, sync::Arc};

use super::assignment::{Assigned, SplitAssignment, check_not_empty};
use super::texts::Texts;
use crate::error::{DataError, Result};
use crate::fractions::SplitFractions;
use crate::listed_file::{CHECKSUM_HEADERS, SPLIT_HEADERS};
use crate::role::{Role, Test, Train, Valid};
use crate::table::{Table, shortened};

/// Headers, in any case, by which the columns are found.
const RECORDING_HEADERS: &[&str] = &["wav", "file", "path", "recording", "audio"];
const TEXT_HEADERS: &[&str] = &["text", "transcript", "sentence", "label"];
const SPEAKER_HEADERS: &[&str] = &["speaker"];

/// A recording and what is said in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The recording: the path of its file, or a name.
    pub recording: String,
    /// What is said: words with a space between; empty for silence.
    pub text: String,
    /// Who speaks, if it is known.
    pub speaker: Option<String>,
    /// The line of the table, counted from 1, or the number of the recording.
    pub line: usize,
    /// The SHA-256 of the recording's file, if the table has it.
    pub sha256: Option<String>,
    assignment: Option<SplitAssignment>,
}

impl Transcript {
    /// A transcript, with white space as single spaces.
    pub fn new(recording: impl Into<String>, text: &str, line: usize) -> Self {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { recording: recording.into(), text, speaker: None, line, sha256: None, assignment: None }
    }

    /// Who speaks.
    #[must_use]
    pub fn with_speaker(self, speaker: impl Into<String>) -> Self {
        Self { speaker: Some(speaker.into()), ..self }
    }

    /// The subset that the recording is in: `train`, `valid` or `test`. Another name is none.
    #[must_use]
    pub fn with_split(self, split: &str) -> Self {
        Self { assignment: SplitAssignment::named(split), ..self }
    }

    /// All that is known of the recording but its checksum, as text, for a checksum of all.
    pub fn facts(&self) -> String {
        let Self { recording, text, speaker, line, assignment, .. } = self;
        format!(
            "Transcript {{ recording: {recording:?}, text: {text:?}, speaker: {speaker:?}, line: {line}, assignment: \
             {assignment:?} }}"
        )
    }

    /// What decides on the subset.
    fn key(&self) -> &str {
        self.speaker.as_deref().unwrap_or(&self.recording)
    }
}

/// Recordings with their transcripts. A clone shares them.
#[derive(Debug, Clone)]
pub struct Transcripts {
    source: String,
    transcripts: Arc<[Transcript]>,
}

impl Transcripts {
    /// Transcripts from elsewhere than a table; `source` is their name in error messages.
    pub fn new(source: impl Into<String>, transcripts: Vec<Transcript>) -> Self {
        Self { source: source.into(), transcripts: transcripts.into() }
    }

    /// Reads the columns `wav` (or file, path, recording, audio) and `text` (or transcript, sentence, label) of a table,
    /// and `speaker`, `split` (or part) and `sha256`, if there are such columns. An empty text is silence.
    ///
    /// # Errors
    /// If a column is missing, a recording or speaker is empty, or a recording is assigned to another split than train,
    /// valid or test.
    pub fn from_table(table: &Table) -> Result<Self> {
        let recording = table.needed(RECORDING_HEADERS, "a column `wav` with the paths of recordings")?;
        let text = table.needed(TEXT_HEADERS, "a column `text` with what is said in the recordings")?;
        let [speaker, split, sha256] =
            [SPEAKER_HEADERS, SPLIT_HEADERS, CHECKSUM_HEADERS].map(|names| table.position(names));
        let transcripts = table.rows()?.map(|row| {
            let row = &row?;
            let path = table.text(row, recording, "the path of a recording")?;
            Ok(Transcript {
                speaker: speaker.map(|column| table.text(row, column, "a speaker")).transpose()?,
                sha256: sha256.map(|column| table.text(row, column, "a checksum")).transpose()?,
                assignment: split.map(|column| SplitAssignment::in_column(table, row, column)).transpose()?,
                ..Transcript::new(path, row.cell(text), row.line())
            })
        });
        Ok(Self::new(table.source(), transcripts.collect::<Result<_>>()?))
    }

    /// The name of the transcripts in error messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// All transcripts, in the order of their lines.
    pub fn all(&self) -> &[Transcript] {
        &self.transcripts
    }

    /// Splits the recordings in three, by the split that they are assigned to. If none is assigned to `valid`, the
    /// validation recordings are taken from the training recordings, in the proportion of the fractions.
    ///
    /// A recording without a split is assigned by a hash of its speaker, or of its name if the speaker is not known: a
    /// speaker never is in two subsets.
    ///
    /// # Errors
    /// If a speaker is assigned to two splits, or a subset would be empty.
    pub fn split(&self, fractions: &SplitFractions) -> Result<TranscriptSplit> {
        self.check_speakers()?;
        let has = |split| self.transcripts.iter().any(|transcript| transcript.assignment == Some(split));
        let lacks_valid = has(SplitAssignment::Test) && !has(SplitAssignment::Valid);
        let assignments = self.transcripts.iter().map(|transcript| {
            SplitAssignment::resolved(transcript.assignment, transcript.key(), fractions, lacks_valid)
        });
        let Assigned { train, valid, test, .. } = Assigned::new(&assignments.collect::<Vec<_>>(), |_| false);
        Ok(TranscriptSplit {
            train: TranscriptSubset::new(self, train)?,
            valid: TranscriptSubset::new(self, valid)?,
            test: TranscriptSubset::new(self, test)?,
        })
    }

    fn check_speakers(&self) -> Result<()> {
        let mut first: HashMap<&str, &Transcript> = HashMap::new();
        for transcript in self.transcripts.iter() {
            let (Some(speaker), Some(split)) = (&transcript.speaker, transcript.assignment) else { continue };
            let known = first.entry(speaker).or_insert(transcript);
            if let Some(known_split) = known.assignment.filter(|known| *known != split) {
                return Err(DataError::SpeakerInTwoSplits {
                    path: self.source.clone(),
                    line: transcript.line,
                    speaker: shortened(speaker),
                    split: split.name(),
                    previous: known_split.name(),
                    previous_line: known.line,
                });
            }
        }
        Ok(())
    }
}

/// Recordings split in three, without a speaker in two subsets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TranscriptSplit {
    /// The training recordings.
    pub train: TranscriptSubset<Train>,
    /// The validation recordings.
    pub valid: TranscriptSubset<Valid>,
    /// The test recordings.
    pub test: TranscriptSubset<Test>,
}

/// Some recordings, with their role. Only [`Transcripts`] makes one.
#[derive(Debug, Clone)]
pub struct TranscriptSubset<R: Role> {
    transcripts: Transcripts,
    indices: Arc<[usize]>,
    role: PhantomData<R>,
}

impl<R: Role> TranscriptSubset<R> {
    fn new(transcripts: &Transcripts, indices: Vec<usize>) -> Result<Self> {
        check_not_empty::<R>(&transcripts.source, &indices, 0, "the recording")?;
        Ok(Self { transcripts: transcripts.clone(), indices: indices.into(), role: PhantomData })
    }

    /// The number of recordings, at least one.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are no recordings; always `false`.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The recordings with their transcripts, in the order of their lines.
    pub fn transcripts(&self) -> impl ExactSizeIterator<Item = &Transcript> {
        self.indices.iter().map(|index| &self.transcripts.transcripts[*index])
    }

    /// What is said in them.
    pub fn texts(&self) -> Texts<'_, R> {
        Texts::borrowed(self.transcripts().map(|transcript| transcript.text.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Transcripts> {
        Transcripts::from_table(&Table::from_bytes("speech.csv", text.as_bytes(), None)?)
    }

    fn recordings<R: Role>(subset: &TranscriptSubset<R>) -> Vec<&str> {
        subset.transcripts().map(|transcript| transcript.recording.as_str()).collect()
    }

    #[test]
    fn columns_are_found_by_their_headers() {
        let transcripts = read("Speaker,Text,WAV\nann,  seven   two ,a.wav\nbob,\"\",b.wav\n").unwrap();
        let [ann, bob] = transcripts.all() else { panic!("two rows") };
        assert_eq!((ann.recording.as_str(), ann.text.as_str(), ann.line), ("a.wav", "seven two", 2));
        assert_eq!((bob.speaker.as_deref(), bob.text.as_str()), (Some("bob"), ""));
        for (text, message) in [
            ("text,speaker\na,b\n", "speech.csv: expected a column `wav` with the paths of recordings, found none"),
            (
                "wav,speaker\na,b\n",
                "speech.csv: expected a column `text` with what is said in the recordings, found none",
            ),
            (
                "wav,text\n\"\",b\n",
                "speech.csv, line 2, column `wav`: expected the path of a recording, found an empty cell",
            ),
            (
                "wav,text,split\na,b,dev\n",
                "speech.csv, line 2, column `split`: expected train, valid or test, found `dev`",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn speakers_stay_in_one_subset() {
        let rows = (0..400).map(|i| format!("{i}.wav,two,s{}\n", i % 40));
        let split = read(&format!("wav,text,speaker\n{}", rows.collect::<String>())).unwrap();
        let split = split.split(&SplitFractions::default()).unwrap();
        assert_eq!(split.train.len() + split.valid.len() + split.test.len(), 400);
        for len in [split.train.len(), split.valid.len(), split.test.len()] {
            assert!(len > 0 && len.is_multiple_of(10), "{len}");
        }

        let error = read("wav,text,speaker,split\na,b,ann,train\nc,d,bob,test\ne,f,ann,test\n").unwrap();
        assert_eq!(
            error.split(&SplitFractions::default()).unwrap_err().to_string(),
            "speech.csv, line 4, column `speaker`: expected each speaker in one split, found `ann` in test and in train \
             (line 2)"
        );
    }

    #[test]
    fn splits_of_the_table_are_kept() {
        let split = read("wav,text,split\na,b,train\nc,d,valid\ne,f,test\ng,h,train\n").unwrap();
        let split = split.split(&SplitFractions::default()).unwrap();
        assert_eq!(recordings(&split.train), ["a", "g"]);
        assert_eq!((recordings(&split.valid), recordings(&split.test)), (vec!["c"], vec!["e"]));

        let rows = (0..200).map(|i| format!("{i}.wav,two,{}\n", if i < 20 { "test" } else { "train" }));
        let split = read(&format!("wav,text,split\n{}", rows.collect::<String>())).unwrap();
        let split = split.split(&SplitFractions::default()).unwrap();
        assert_eq!(split.test.len(), 20);
        assert!((10..60).contains(&split.valid.len()), "{}", split.valid.len());
        assert!(split.train.texts().all(|text| text.unwrap() == "two"));
    }

    #[test]
    fn an_empty_subset_is_refused() {
        let error = read("wav,text\na,b\n").unwrap().split(&SplitFractions::default()).unwrap_err().to_string();
        assert!(error.ends_with("expected at least 1 row for each subset of the split, found 0"), "{error}");
    }
}
