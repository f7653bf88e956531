//! Writes an utterance of each vocabulary into a folder, as sound and as a picture of its features, and tells how fast
//! speech is made and read.
//!
//! ```sh
//! cargo run --release -p recurrent-audio --example synthesize -- FOLDER
//! ```

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use recurrent_audio::synth::{SynthConfig, SynthSpeech, Vocabulary};
use recurrent_audio::{Audio, Features, LogMel, LogMelConfig, resample};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("the folder to write to")?;
    fs::create_dir_all(&folder)?;
    for vocabulary in Vocabulary::ALL {
        write_one(vocabulary, Path::new(&folder))?;
    }
    measure()
}

/// An utterance: `NAME.wav` and `NAME.pgm`, time to the right and frequency upwards.
fn write_one(vocabulary: Vocabulary, folder: &Path) -> Result<(), Box<dyn Error>> {
    let config = SynthConfig::default().with_words(4, 4).with_vocabularies(&[vocabulary]);
    let utterance = SynthSpeech::new(config)?.utterance(3);
    println!("{vocabulary}: {}", utterance.text());
    for spoken in &utterance.words {
        println!("    {:.2} to {:.2} s  {}", spoken.start, spoken.end, spoken.word.text());
    }
    utterance.audio.write(folder.join(format!("{vocabulary}.wav")))?;
    let mut config = LogMelConfig::default().with_num_mels(80).with_stack(1);
    (config.window_ms, config.hop_ms) = (32.0, 4.0);
    let features = LogMel::new(config)?.extract(&utterance.audio)?;
    fs::write(folder.join(format!("{vocabulary}.pgm")), picture(&features))?;
    Ok(())
}

/// A portable graymap of 50 dB from white to black.
fn picture(features: &Features) -> Vec<u8> {
    let loudest = features.values.iter().copied().fold(f32::MIN, f32::max);
    let mut bytes = format!("P5 {} {} 255\n", features.len(), features.width).into_bytes();
    for mel in (0..features.width).rev() {
        let decibels = features.frames().map(|frame| (loudest - frame[mel]) * 10.0 / std::f32::consts::LN_10);
        bytes.extend(decibels.map(|below| (255.0 * below / 50.0) as u8));
    }
    bytes
}

/// Seconds of speech per second, on one core.
fn measure() -> Result<(), Box<dyn Error>> {
    let config = SynthConfig::default().with_utterances(300).with_vocabularies(&Vocabulary::ALL);
    let mut log_mel = LogMel::new(LogMelConfig::default())?;
    let clean = SynthSpeech::new(config.clone().with_rooms(false))?;
    time("utterances", || clean.iter().map(|utterance| utterance.audio).collect())?;
    let noisy = SynthSpeech::new(config)?;
    let recordings = time("utterances in rooms", || noisy.iter().map(|utterance| utterance.audio).collect())?;
    time("log-mel features", || {
        recordings.iter().for_each(|audio| _ = log_mel.extract(audio));
        recordings.clone()
    })?;
    time("from 16 to 48 kHz", || recordings.iter().flat_map(|audio| resample(audio, 48_000)).collect())?;
    Ok(())
}

fn time(what: &str, run: impl FnOnce() -> Vec<Audio>) -> Result<Vec<Audio>, Box<dyn Error>> {
    let start = Instant::now();
    let recordings = run();
    let seconds: f64 = recordings.iter().map(Audio::seconds).sum();
    println!(
        "{what}: {seconds:.0} s of speech, {:.0} times as fast as real time",
        seconds / start.elapsed().as_secs_f64()
    );
    Ok(recordings)
}
