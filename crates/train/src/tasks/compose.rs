//! `train compose`, also called `music`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use recurrent::audio::Audio;
use recurrent::compose::{ComposeConfig, ComposeRun, Composer, Composing, Composition, CompositionRequest};
use recurrent::models::{Summarize, Summary};
use recurrent::music::{Key, Melody, Meter, MusicError, MusicFile, MusicTokenizer, Piece, Synth, parse_notes};
use recurrent::prelude::*;
use recurrent::replace;
use recurrent::settings::Settings;

use super::command_line::{CommandLine, NoOptions, format, save, save_plot, write_output, write_scores};
use super::sampling::SamplingOptions;
use crate::args::{Format, PredictArgs};
use crate::error::BadInput;
use crate::output::{note, print};
use crate::plots;
use crate::report::{Block, Section};

/// The sample rate of sound, in Hz.
const SAMPLE_RATE: u32 = 22_050;
/// The pieces that the demo trains on.
const DEMO_PIECES: usize = 6_000;
/// The melody for which three voices are composed after training.
const MELODY: &str = "ode-to-joy";
/// The pieces of which the likeliest is taken where a voice is given.
const CANDIDATES: usize = 16;

/// Options of composing.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Runs of compose")]
pub struct ComposeOptions {
    /// How the piece begins: a file of MIDI, MusicXML or ABC, a melody such as ode-to-joy, or notes, each a quarter unless it says
    /// otherwise: "C4 E4 G4:2"
    #[arg(long, value_name = "FILE|MELODY|NOTES")]
    pub primer: Option<String>,
    /// Compose around the primer and not beyond it: the other voices of a melody
    #[arg(long, requires = "primer")]
    pub harmonize: bool,
    /// The voice of the primer, if it has fewer than the network composes, from the top: 1 for the soprano [default: 1]
    #[arg(long, value_name = "N", requires = "primer")]
    pub voice: Option<usize>,
    /// The length in bars, with the primer [default: what the network likes; 8 more than the primer]
    #[arg(long, value_name = "N")]
    pub bars: Option<usize>,
    /// The key, such as C or F#m [default: that of the primer, or any]
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// The meter, such as 3/4 [default: that of the primer, or any]
    #[arg(long, value_name = "METER")]
    pub meter: Option<String>,
    /// The tempo, in quarter notes a minute [default: that of the primer, or of the training pieces]
    #[arg(long, value_name = "BPM")]
    pub tempo: Option<f64>,
    /// How many pieces
    #[arg(short = 'n', long, value_name = "N")]
    pub count: Option<usize>,
    /// Compose so many pieces for each, and take the likeliest [default: 1; 16 with --harmonize]
    #[arg(long, value_name = "N")]
    pub candidates: Option<usize>,
    /// Play a WAV file by the instruments of a SoundFont (a program that was built with the feature soundfont)
    #[arg(long, value_name = "FILE.sf2")]
    pub soundfont: Option<PathBuf>,
    #[command(flatten)]
    pub sampling: SamplingOptions,
}

impl ComposeOptions {
    /// What is asked for, but for the seed of each piece.
    fn request(&self) -> Result<CompositionRequest> {
        let mut request = CompositionRequest::default();
        request.sampling = self.sampling.config(request.sampling);
        request.primer = self.primer.as_deref().map(primer).transpose()?;
        request.voice = match self.voice {
            Some(0) => return Err(BadInput("--voice: expected 1 or more, counted from the top, found 0".into()).into()),
            voice => voice.unwrap_or(1) - 1,
        };
        (request.bars, request.tempo) = (self.bars, self.tempo);
        (request.key, request.meter) = (parsed::<Key>(self.key.as_deref())?, parsed::<Meter>(self.meter.as_deref())?);
        request.harmonize = self.harmonize;
        request.candidates = self.candidates.unwrap_or(if self.harmonize { CANDIDATES } else { 1 });
        Ok(request)
    }
}

/// The value of an option; an error of it begins with the option's name.
fn parsed<T: FromStr<Err = MusicError>>(text: Option<&str>) -> Result<Option<T>, BadInput> {
    text.map(str::parse).transpose().map_err(|error: MusicError| BadInput(format!("--{error}")))
}

/// A primer: a file, a melody by name, or notes.
fn primer(text: &str) -> Result<Piece> {
    let path = Path::new(text);
    if path.is_file() {
        let MusicFile { pieces, remarks } = MusicFile::open(path).map_err(recurrent::Error::from)?;
        if !remarks.is_empty() {
            note(format!("note: {text}: {remarks}"));
        }
        let first = pieces.into_iter().next();
        return first.ok_or_else(|| BadInput(format!("{text}: expected at least 1 tune, found 0")).into());
    }
    if let Ok(melody) = Melody::find(text) {
        return Ok(melody.piece());
    }
    Ok(parse_notes(text).map_err(|error| {
        let names: Vec<&str> = Melody::all().iter().map(|melody| melody.name).collect();
        BadInput(format!("--primer: expected a file, a melody ({}) or notes: {error}", names.join(", ")))
    })?)
}

impl CommandLine for Composing {
    const ABOUT: &'static str = "Train a network to compose music, or to harmonize a melody";
    const ALIASES: &'static [&'static str] = &["music"];
    const LOSS: &'static str = "Cross-entropy, nats per token (piano roll: per frame)";

    type TrainOptions = NoOptions;
    type PredictOptions = ComposeOptions;

    fn describe(run: &ComposeRun) -> String {
        let [train, valid, test] = run.data().sizes();
        let ComposeConfig { data, notation, per_quarter, .. } = run.config();
        let vocab_size = run.data().tokenizer().vocab_size();
        format!(
            "Composing like {data}, as {notation} of 1/{per_quarter} quarter note (vocabulary of {vocab_size}): {train} \
             pieces for training, {valid} for validation, {test} for test."
        )
    }

    fn evaluate_and_print(run: &ComposeRun, device: &Device) -> Result<Section> {
        let evaluation = run.evaluate(device)?;
        print(format!("\n{evaluation}"));
        write_scores(run, &evaluation)?;
        let composer = run.predictor(device)?;
        let mut blocks = vec![Block::Verbatim(evaluation.to_string())];
        blocks.extend(show(run, "composed", "A composed piece", &evaluation.sample)?);
        let melody = Melody::find(MELODY).map_err(recurrent::Error::from)?;
        let request =
            CompositionRequest::default().with_primer(melody.piece()).with_harmonize(true).with_candidates(CANDIDATES);
        // A network that does not know the key or the meter of the melody has no such example.
        if let Ok(harmonized) = composer.compose(&request) {
            blocks.extend(show(run, "harmonized", &format!("{}, with composed voices", melody.title), &harmonized)?);
        }
        let lead = format!("Music like {}, from nothing but key, meter and length.", run.config().data);
        Ok(Section { title: "Compose".into(), lead, blocks })
    }

    fn next_command(run: &ComposeRun) -> String {
        let folder = run.run_dir().root().display();
        format!(
            "To compose: train predict {folder} --bars 16 --output piece.wav; around a melody: --primer FILE --harmonize"
        )
    }

    fn predict(args: &PredictArgs, options: &ComposeOptions, device: &Device) -> Result<()> {
        let format = format(args, &[Format::Text, Format::Json])?;
        let request = options.request()?;
        let composer = Composer::load(&args.run.run, device)?;
        let count = options.count.unwrap_or(1);
        if count == 0 {
            return Err(BadInput("--count: expected at least 1, found 0".into()).into());
        }
        let mut compositions = Vec::new();
        for number in 0..count as u64 {
            let mut request = request.clone();
            // Far apart, so that no candidate of one is a candidate of the next.
            request.sampling.seed = request.sampling.seed.wrapping_add(number << 32);
            compositions.push(composer.compose(&request)?);
        }
        match &args.output {
            Some(path) if is_text(path) => write_output(args, &text(&compositions, format)),
            Some(path) => write_files(path, &compositions, options.soundfont.as_deref()),
            None => write_output(args, &text(&compositions, format)),
        }
    }

    fn shorten(config: &mut ComposeConfig) {
        (config.train_pieces, config.fit.epochs) = (DEMO_PIECES, 1);
    }

    fn default_summary(device: &Device) -> Result<Summary> {
        // The vocabulary follows from the settings alone.
        let config = ComposeConfig::defaults();
        let vocab_size = MusicTokenizer::new(config.tokenizer()).vocab_size();
        Ok(config.network(vocab_size).init(device).summary(&Self::input_shape(&config)))
    }
}

/// Whether a file of this name has text.
fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["txt", "json"].iter().any(|text| extension.eq_ignore_ascii_case(text)))
}

fn text(compositions: &[Composition], format: Format) -> String {
    let text = |composition: &Composition| match format {
        Format::Json => composition.to_json() + "\n",
        _ => composition.to_string() + "\n",
    };
    compositions.iter().map(text).collect()
}

/// Writes one file, by the end of its name, or a folder with a MIDI file, a WAV file and a piano roll of each piece.
fn write_files(path: &Path, compositions: &[Composition], soundfont: Option<&Path>) -> Result<()> {
    let Some(extension) = path.extension().map(|extension| extension.to_string_lossy().to_lowercase()) else {
        std::fs::create_dir_all(path)
            .map_err(|cause| BadInput(format!("{}: expected a folder: {cause}", path.display())))?;
        for (number, composition) in (1..).zip(compositions) {
            for extension in ["mid", "wav", "svg"] {
                let path = path.join(format!("piece-{number}.{extension}"));
                replace(&path, &rendered(&path, extension, composition, soundfont)?)?;
            }
        }
        return Ok(());
    };
    for (number, composition) in (1..).zip(compositions) {
        let path = if compositions.len() == 1 { path.to_path_buf() } else { numbered(path, number, &extension) };
        replace(&path, &rendered(&path, &extension, composition, soundfont)?)?;
    }
    Ok(())
}

/// `piece-2.mid` for `piece.mid`.
fn numbered(path: &Path, number: usize, extension: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{number}.{extension}"))
}

/// A composition as the bytes of a file.
fn rendered(path: &Path, extension: &str, composition: &Composition, soundfont: Option<&Path>) -> Result<Vec<u8>> {
    match extension {
        "mid" | "midi" => Ok(composition.piece.to_midi().map_err(recurrent::Error::from)?),
        "wav" => wav(&path.display().to_string(), &composition.piece, soundfont),
        "svg" => Ok(plots::piano_roll(&composition.title(), &composition.piece)?.into_bytes()),
        _ => {
            let expected = "a file that ends with .mid, .wav, .svg, .txt or .json, or a folder";
            Err(BadInput(format!("--output: expected {expected}, found {}", path.display())).into())
        }
    }
}

/// A piece as the bytes of a WAV file.
fn wav(name: &str, piece: &Piece, soundfont: Option<&Path>) -> Result<Vec<u8>> {
    let samples = match soundfont {
        Some(path) => play(piece, path)?,
        None => Synth::new(SAMPLE_RATE).and_then(|synth| synth.render(piece)).map_err(recurrent::Error::from)?,
    };
    Ok(Audio::new(SAMPLE_RATE, samples).to_wav(name).map_err(recurrent::Error::from)?)
}

/// The samples of a piece by the instruments of a SoundFont.
#[cfg(feature = "soundfont")]
fn play(piece: &Piece, soundfont: &Path) -> Result<Vec<f32>> {
    Ok(recurrent::music::render_with_soundfont(piece, soundfont, SAMPLE_RATE).map_err(recurrent::Error::from)?)
}

#[cfg(not(feature = "soundfont"))]
fn play(_piece: &Piece, _soundfont: &Path) -> Result<Vec<f32>> {
    Err(BadInput("--soundfont: expected a program that was built with the feature `soundfont`".into()).into())
}

/// The piano roll and the sound of a composition, written into the run's folder and for a report.
fn show(run: &ComposeRun, name: &str, caption: &str, composition: &Composition) -> Result<Vec<Block>> {
    let caption = format!("{caption}: {}.", composition.title());
    let roll = plots::piano_roll(&caption, &composition.piece)?;
    let wav = wav(name, &composition.piece, None)?;
    let midi = composition.piece.to_midi().map_err(recurrent::Error::from)?;
    save(run, &format!("plots/{name}.wav"), &wav)?;
    save(run, &format!("plots/{name}.mid"), midi)?;
    Ok(vec![save_plot(run, name, &caption, roll)?, Block::Sound { caption, wav }])
}
