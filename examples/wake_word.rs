//! How often a wake word is missed, and how often something else is taken for it: false alarms per hour of synthetic
//! background, by speakers and in rooms that the recognizer `zoo:spoken-digits` has never heard.
//!
//! `cargo run --release -p recurrent-examples --example wake_word [-- MINUTES]`
//!
//! The background is speech and pauses with the noise of rooms: two in three of its words are of the recognizer's
//! vocabulary, one in three is another English word. The last line is the result as JSON.

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use recurrent::audio::Audio;
use recurrent::audio::synth::{Language, Room, SYNTH_SAMPLE_RATE, Speaker, Vocabulary, Word, utterance};
use recurrent::transcribe::{RecognizeOptions, Recognizer, RecognizerEvent, WakeOptions};
use recurrent::zoo;

/// The word that is waited for.
const WAKE_WORD: &str = "seven";
/// The least probabilities that are tried.
const THRESHOLDS: [f32; 4] = [0.3, 0.5, 0.7, 0.9];
/// Utterances with the wake word among others.
const CALLS: usize = 300;
/// The first speaker and room; those of training and test have smaller numbers.
const FIRST: u64 = 1_000_000;
/// An alarm may come so many seconds after the word.
const GRACE: f64 = 0.5;
/// Words that the recognizer does not know; the first rhyme with the wake word, or begin like it.
const OTHERS: [(&str, &str); 12] = [
    ("heaven", "h ˈɛ v ə n"),
    ("eleven", "ɪ l ˈɛ v ə n"),
    ("several", "s ˈɛ v r ə l"),
    ("second", "s ˈɛ k ə n d"),
    ("oven", "ˈʌ v ə n"),
    ("water", "w ˈɔ t ə r"),
    ("table", "t ˈeɪ b ə l"),
    ("morning", "m ˈɔ r n ɪ ŋ"),
    ("letter", "l ˈɛ t ə r"),
    ("doctor", "d ˈɑ k t ə r"),
    ("garden", "g ˈɑ r d ə n"),
    ("people", "p ˈiː p ə l"),
];

/// What went wrong with one threshold: calls without an alarm, and alarms without a call.
struct Counts {
    missed: usize,
    false_alarms: usize,
}

/// The words of the background, without the wake word.
struct Words {
    known: Vec<Word>,
    others: Vec<Word>,
}

impl Words {
    fn new() -> Result<Self, Box<dyn Error>> {
        let known = Vocabulary::ALL.into_iter().flat_map(Vocabulary::words).filter(|word| word.text() != WAKE_WORD);
        let other = |(text, sounds): (&str, &str)| Word::new(text, Language::English, &[sounds]);
        Ok(Self { known: known.collect(), others: OTHERS.into_iter().map(other).collect::<Result<_, _>>()? })
    }

    fn some(&self, most: usize, rng: &mut impl Rng) -> Vec<Word> {
        let word = |rng: &mut _| {
            let words = if RngExt::random_bool(rng, 1.0 / 3.0) { &self.others } else { &self.known };
            words.choose(rng).expect("words").clone()
        };
        (0..rng.random_range(1..=most)).map(|_| word(rng)).collect()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let minutes: f64 = std::env::args().nth(1).map_or(Ok(60.0), |text| text.parse())?;
    let recognizer = zoo::spoken_digits()?;
    let words = Words::new()?;
    let wake = Vocabulary::EnglishDigits.words().into_iter().find(|word| word.text() == WAKE_WORD).expect("a digit");

    let mut rng = StdRng::seed_from_u64(0);
    let mut background = Vec::new();
    let mut number = FIRST;
    while background.len() as f64 / 60.0 < minutes * f64::from(SYNTH_SAMPLE_RATE) {
        number += 1;
        background.extend(recorded(&words.some(5, &mut rng), number, &mut rng).0.samples);
    }
    let hours = background.len() as f64 / f64::from(SYNTH_SAMPLE_RATE) / 3600.0;
    let calls: Vec<(Audio, f64)> = (0..CALLS)
        .map(|_| {
            number += 1;
            let (before, after) = (words.some(2, &mut rng), words.some(2, &mut rng));
            let place = before.len();
            let (audio, ends) = recorded(&[before, vec![wake.clone()], after].concat(), number, &mut rng);
            (audio, ends[place])
        })
        .collect();

    println!("The wake word `{WAKE_WORD}` in {CALLS} utterances, and {hours:.2} hours without it.\n");
    println!("threshold   missed %   false alarms an hour");
    let mut rows = Vec::new();
    for threshold in THRESHOLDS {
        let Counts { missed, false_alarms } = count(&recognizer, threshold, &background, &calls)?;
        let (missed, rate) = (100.0 * missed as f64 / CALLS as f64, false_alarms as f64 / hours);
        println!("{threshold:9}   {missed:8.1}   {rate:20.1}");
        rows.push(format!(
            r#"{{"threshold":{threshold},"missed_percent":{missed:.2},"false_alarms_an_hour":{rate:.2}}}"#
        ));
    }
    println!(
        "\n{{\"wake_word\":\"{WAKE_WORD}\",\"hours\":{hours:.2},\"calls\":{CALLS},\"rows\":[{}]}}",
        rows.join(",")
    );
    Ok(())
}

/// What a speaker says in a room between two pauses, and where each word ends, in seconds.
fn recorded(words: &[Word], number: u64, rng: &mut StdRng) -> (Audio, Vec<f64>) {
    let spoken = utterance(words, &Speaker::random(number), rng);
    let rate = f64::from(SYNTH_SAMPLE_RATE);
    let pauses = [0.3, 0.5].map(|least| vec![0.0; ((least + rng.random::<f64>()) * rate) as usize]);
    let before = pauses[0].len() as f64 / rate;
    let ends = spoken.words.iter().map(|word| before + word.end).collect();
    let [first, last] = pauses;
    let speech = Audio::new(SYNTH_SAMPLE_RATE, [first, spoken.audio.samples, last].concat());
    (Room::random(number).record(&speech, rng), ends)
}

/// Calls without an alarm around the wake word's end, and alarms in the background.
fn count(
    recognizer: &Recognizer,
    threshold: f32,
    background: &[f32],
    calls: &[(Audio, f64)],
) -> Result<Counts, Box<dyn Error>> {
    let alarms = |samples: &[f32]| -> Result<Vec<f64>, Box<dyn Error>> {
        let mut stream = recognizer.stream(SYNTH_SAMPLE_RATE, &RecognizeOptions::default())?;
        stream.set_wake_word(WAKE_WORD, WakeOptions::default().with_threshold(threshold))?;
        let mut events: Vec<RecognizerEvent> =
            samples.chunks(SYNTH_SAMPLE_RATE as usize).flat_map(|chunk| stream.push(chunk)).collect();
        events.extend(stream.finish());
        let time = |event| if let RecognizerEvent::Wake { time, .. } = event { Some(time) } else { None };
        Ok(events.into_iter().filter_map(time).collect())
    };
    let mut missed = 0;
    for (audio, end) in calls {
        let is_meant = |time: &f64| (end - 1.0..end + GRACE).contains(time);
        missed += usize::from(!alarms(&audio.samples)?.iter().any(is_meant));
    }
    Ok(Counts { missed, false_alarms: alarms(background)?.len() })
}
