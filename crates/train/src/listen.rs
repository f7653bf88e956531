//! `train listen`: what is said in live sound or in a file, while it is read.

use std::io::{IsTerminal, Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::train::Interrupter;
use clap::{Args, ValueEnum};
use recurrent::Predictor;
use recurrent::audio::{AudioError, PcmStream, RawPcm, SAMPLE_RATES};
use recurrent::settings::Bound;
use recurrent::transcribe::{RecognizeOptions, Recognizer, RecognizerEvent, RecognizerStream, WakeOptions};

use crate::args::RunArgs;
use crate::device;
use crate::error::BadInput;
use crate::interrupt::{self, INTERRUPTED};
use crate::language_model::LanguageModelArgs;
use crate::microphone::Microphone;
use crate::output::{note, print_unless_closed};
use crate::tasks::decode;

/// Sound is read in tenths of a second, or sooner if less is there.
const CHUNKS_PER_SECOND: u32 = 10;
/// Chunks that are read ahead.
const MAX_CHUNKS_AHEAD: usize = 20;
/// How soon Ctrl-C is seen while there is no sound.
const POLL: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub struct ListenArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// A WAV file, or raw samples (16 bits, little-endian, one channel); - for standard input
    #[arg(value_name = "INPUT", default_value = "-")]
    pub input: PathBuf,
    /// The sample rate of raw samples; a WAV file has its own
    #[arg(long, value_name = "HZ", default_value_t = 16_000)]
    pub sample_rate: u32,
    /// Listen to a microphone instead, the default one (in a program built with --features microphone)
    #[arg(long, conflicts_with_all = ["input", "sample_rate"])]
    pub microphone: bool,
    /// The name of the microphone
    #[arg(long, value_name = "NAME", requires = "microphone")]
    pub input_device: Option<String>,
    /// The format of the output: a line for each utterance, or a JSON object for each change
    #[arg(long, value_enum, default_value_t = EventFormat::Text)]
    pub format: EventFormat,
    /// Also print what may still change, with … at its end; JSON always has it
    #[arg(long)]
    pub partials: bool,
    /// Beams of the search; 1 takes the likeliest token of each frame
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub beam_size: usize,
    /// The only words that may be recognized: a file with a word on each line; # begins a comment
    #[arg(long, value_name = "FILE")]
    pub lexicon: Option<PathBuf>,
    #[command(flatten)]
    pub language_model: LanguageModelArgs,
    #[command(flatten)]
    pub wake: WakeArgs,
}

/// Options for a word that is reported as soon as it is probable.
#[derive(Debug, Args)]
#[command(next_help_heading = "Wake word")]
pub struct WakeArgs {
    /// Report each time that this word is said, without waiting for the end of the utterance
    #[arg(long, value_name = "WORD")]
    pub wake: Option<String>,
    /// The least probability of the word
    #[arg(long, value_name = "FRACTION", default_value_t = 0.5, requires = "wake")]
    pub threshold: f32,
    /// Frames in a row that must reach it
    #[arg(long, value_name = "FRAMES", default_value_t = 2, requires = "wake")]
    pub hold: usize,
    /// Seconds until the word is reported again
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, requires = "wake")]
    pub cooldown: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EventFormat {
    /// Plain text
    Text,
    Json,
}

/// `train listen`.
pub fn run(args: &ListenArgs) -> Result<ExitCode> {
    let [least, most] = [*SAMPLE_RATES.start(), *SAMPLE_RATES.end()].map(i64::from);
    Bound::Range(least, most).check("sample_rate", i64::from(args.sample_rate))?;
    let microphone = args.microphone.then(|| Microphone::open(args.input_device.as_deref())).transpose()?;
    let options = options(args)?;
    if microphone.is_none() {
        refuse_terminal(&args.input)?;
    }
    let device = device::open(&args.run.device)?;
    let options = args.language_model.add_to(options, &device)?;
    let recognizer = Recognizer::load(&args.run.run, &device)?;
    let mut listener = Listener::new(args, &recognizer, &options)?;
    let interrupter = interrupt::on_ctrl_c()?;
    // A microphone records as long as there is its stream.
    let (sound, _stream) = match &microphone {
        Some(microphone) => microphone.record().map(|(sound, stream)| (sound, Some(stream)))?,
        None => (read_sound(&args.input, RawPcm::new(args.sample_rate)), None),
    };
    let end = listener.listen(&sound, &interrupter);
    if matches!(end, Ok(End::Closed)) {
        return Ok(ExitCode::SUCCESS);
    }
    let is_open = listener.finish()?;
    let end = end?;
    if is_open {
        listener.note_speed();
    }
    Ok(if end == End::Interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

/// How words are searched.
fn options(args: &ListenArgs) -> Result<RecognizeOptions> {
    let options = RecognizeOptions::default().with_beam_size(args.beam_size);
    Ok(match &args.lexicon {
        Some(path) => options.with_lexicon(read_lexicon(path)?),
        None => options,
    })
}

/// The words of a file, one on each line.
pub fn read_lexicon(path: &Path) -> Result<Vec<String>> {
    let bytes = recurrent::data::read_file(path).map_err(recurrent::Error::from)?;
    let path = path.display().to_string();
    let lines = decode(&path, &bytes)?.lines().map(str::trim).zip(1..);
    let mut words = Vec::new();
    for (line, number) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
        if line.contains(char::is_whitespace) {
            return Err(
                BadInput(format!("{path}, line {number}: expected a word without spaces, found `{line}`")).into()
            );
        }
        words.push(line.to_string());
    }
    match words.is_empty() {
        true => Err(BadInput(format!("{path}: expected a word on each line, found none")).into()),
        false => Ok(words),
    }
}

/// Refuses the keys of a terminal, which are no sound.
fn refuse_terminal(input: &Path) -> Result<()> {
    if !is_standard_input(input) || !stdin().is_terminal() {
        return Ok(());
    }
    let command = "arecord -f S16_LE -r 16000 -t raw | train listen RUN";
    Err(BadInput(format!("standard input: expected sound, found a terminal; use a recorder, as in `{command}`")).into())
}

fn is_standard_input(input: &Path) -> bool {
    input == Path::new("-")
}

/// What the reader of sound sends.
pub enum Sound {
    /// The samples per second, which comes first.
    SampleRate(u32),
    Samples(Vec<f32>),
}

/// Reads sound in a thread of its own: a read may wait forever, and Ctrl-C does not end it.
fn read_sound(input: &Path, raw: RawPcm) -> Receiver<Result<Sound>> {
    let (sound, received) = sync_channel(MAX_CHUNKS_AHEAD);
    let input = input.to_path_buf();
    thread::spawn(move || {
        let read = match is_standard_input(&input) {
            true => PcmStream::new("standard input", stdin().lock(), raw).and_then(|stream| send_all(stream, &sound)),
            false => PcmStream::open(&input, raw).and_then(|stream| send_all(stream, &sound)),
        };
        if let Err(error) = read {
            // Without a receiver, nobody needs the error.
            let _ = sound.send(Err(recurrent::Error::from(error).into()));
        }
    });
    received
}

/// Sends all sound of a stream, as long as somebody receives it.
fn send_all<R: Read>(mut stream: PcmStream<R>, sound: &SyncSender<Result<Sound>>) -> Result<(), AudioError> {
    let sample_rate = stream.sample_rate();
    if sound.send(Ok(Sound::SampleRate(sample_rate))).is_err() {
        return Ok(());
    }
    while let Some(samples) = stream.read_chunk((sample_rate / CHUNKS_PER_SECOND) as usize)? {
        if sound.send(Ok(Sound::Samples(samples))).is_err() {
            break;
        }
    }
    Ok(())
}

/// Why listening has ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The sound is over.
    Sound,
    /// Ctrl-C was pressed.
    Interrupted,
    /// Nobody reads the output any more.
    Closed,
}

/// Recognizes sound and prints what is said.
struct Listener<'a> {
    args: &'a ListenArgs,
    recognizer: &'a Recognizer,
    options: &'a RecognizeOptions,
    stream: RecognizerStream,
    sample_rate: u32,
    num_samples: u64,
    computing: Duration,
}

impl<'a> Listener<'a> {
    fn new(args: &'a ListenArgs, recognizer: &'a Recognizer, options: &'a RecognizeOptions) -> Result<Self> {
        // Options are checked before the first sound, whose sample rate may be another one.
        let sample_rate = args.sample_rate;
        let stream = open_stream(args, recognizer, options, sample_rate)?;
        Ok(Self { args, recognizer, options, stream, sample_rate, num_samples: 0, computing: Duration::ZERO })
    }

    /// Prints events until the end.
    fn listen(&mut self, sound: &Receiver<Result<Sound>>, interrupter: &Interrupter) -> Result<End> {
        while !interrupter.should_stop() {
            match sound.recv_timeout(POLL) {
                Ok(sound) => match sound? {
                    Sound::SampleRate(sample_rate) => self.set_sample_rate(sample_rate)?,
                    Sound::Samples(samples) => {
                        self.num_samples += samples.len() as u64;
                        if !self.print_events(|stream| stream.push(&samples))? {
                            return Ok(End::Closed);
                        }
                    }
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(End::Sound),
            }
        }
        Ok(End::Interrupted)
    }

    fn set_sample_rate(&mut self, sample_rate: u32) -> Result<()> {
        if sample_rate != self.sample_rate {
            self.stream = open_stream(self.args, self.recognizer, self.options, sample_rate)?;
            self.sample_rate = sample_rate;
        }
        Ok(())
    }

    /// Prints what is left to say; `false` if nobody reads the output.
    fn finish(&mut self) -> Result<bool> {
        self.print_events(RecognizerStream::finish)
    }

    /// Computes events and prints them; `false` if nobody reads the output.
    fn print_events(&mut self, compute: impl FnOnce(&mut RecognizerStream) -> Vec<RecognizerEvent>) -> Result<bool> {
        let start = Instant::now();
        let events = compute(&mut self.stream);
        self.computing += start.elapsed();
        for event in &events {
            if let Some(line) = line(event, self.args)?
                && !print_unless_closed(line)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How long the sound was, and how long computing took, without the time in which there was no sound.
    fn note_speed(&self) {
        if self.num_samples > 0 {
            let seconds = self.num_samples as f64 / f64::from(self.sample_rate);
            let computing = self.computing.as_secs_f64();
            let factor = computing / seconds;
            note(format!("{seconds:.1} s of sound in {computing:.1} s: real-time factor {factor:.3}"));
        }
    }
}

fn open_stream(
    args: &ListenArgs,
    recognizer: &Recognizer,
    options: &RecognizeOptions,
    sample_rate: u32,
) -> Result<RecognizerStream> {
    let mut stream = recognizer.stream(sample_rate, options)?;
    let WakeArgs { wake, threshold, hold, cooldown } = &args.wake;
    if let Some(word) = wake {
        stream.set_wake_word(
            word,
            WakeOptions::default().with_threshold(*threshold).with_hold(*hold).with_cooldown(*cooldown),
        )?;
    }
    Ok(stream)
}

/// The line for an event, if it is printed.
fn line(event: &RecognizerEvent, args: &ListenArgs) -> Result<Option<String>> {
    if args.format == EventFormat::Json {
        return Ok(Some(serde_json::to_string(event).context("an event cannot be written as JSON")?));
    }
    let (recognition, end) = match event {
        RecognizerEvent::Final(recognition) => (recognition, ""),
        RecognizerEvent::Partial(recognition) if args.partials => (recognition, " …"),
        RecognizerEvent::Wake { word, time } => return Ok(Some(format!("wake {word} at {time:.2}"))),
        _ => return Ok(None),
    };
    // The time at which the first word was known.
    Ok(recognition.words.first().map(|word| format!("{:6.2}  {}{end}", word.end, recognition.text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_options_have_defaults_and_need_a_word() {
        #[derive(Debug, clap::Parser)]
        struct Parsed {
            #[command(flatten)]
            listen: ListenArgs,
        }
        let parse = |line: &str| <Parsed as clap::Parser>::try_parse_from(line.split(' '));
        let args = parse("listen run --wake seven").unwrap().listen;
        assert_eq!((args.input.to_str(), args.sample_rate, args.format), (Some("-"), 16_000, EventFormat::Text));
        assert_eq!((args.wake.threshold, args.wake.hold, args.wake.cooldown), (0.5, 2, 1.0));
        assert!(parse("listen run").is_ok());
        assert!(parse("listen run --hold 3").is_err());
        assert!(parse("listen run --lm-weight 0.5").is_err());
        let args = parse("listen run --language-model zoo:fables --word-bonus -1").unwrap().listen.language_model;
        assert_eq!((args.lm_weight, args.word_bonus), (None, Some(-1.0)));
        assert!(parse("listen run --microphone").is_ok());
        for line in ["--input-device x", "--microphone talk.wav", "--microphone --sample-rate 8000"] {
            assert!(parse(&format!("listen run {line}")).is_err(), "{line}");
        }
    }
}
