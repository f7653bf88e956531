//! The pretrained models.

use burn::tensor::Device;
use recurrent::audio::Audio;
use recurrent::audio::synth::{SynthConfig, SynthSpeech, Vocabulary};
use recurrent::classify::Classifier;
use recurrent::compose::CompositionRequest;
use recurrent::decoding::SamplingConfig;
use recurrent::metrics::{ErrorCounts, word_errors};
use recurrent::music::Key;
use recurrent::music::analysis::in_key_share;
use recurrent::transcribe::{RecognizeOptions, Recognizer};
use recurrent::translate::Translator;
use recurrent::zoo::Pretrained;

/// Written before the model was trained.
const POSITIVE: [&str; 12] = [
    "I love this product",
    "This product is amazing",
    "The food was delicious and the staff were friendly.",
    "I would buy this again without thinking twice.",
    "Not bad at all, I was pleasantly surprised.",
    "My daughter loves her new bike.",
    "The battery lasts all day and it charges fast.",
    "I couldn't be happier with this purchase.",
    "The room was clean, quiet and worth the money.",
    "There is nothing wrong with this camera, it works perfectly.",
    "What a beautiful film, I cried and laughed.",
    "It never lets me down.",
];
const NEGATIVE: [&str; 12] = [
    "This is the worst thing I have ever bought",
    "I hate this awful phone",
    "The soup was cold and the waiter was rude.",
    "It broke after two days, what a waste of money.",
    "I am not happy with the service.",
    "This is not worth the price.",
    "The movie was boring and far too long.",
    "I don't recommend this hotel to anyone.",
    "The screen is scratched and the seller does not answer.",
    "Nothing about this place is good.",
    "I was disappointed with the quality.",
    "The app keeps crashing and support is useless.",
];
/// The one that the model gets wrong.
const MISTAKEN: &str = "Nothing about this place is good.";

#[test]
fn everyday_sentences_have_their_sentiment() {
    let classifier: Classifier = Pretrained::find("sentiment-en").unwrap().load(&Device::flex()).unwrap();
    for (label, sentences) in [("positive", POSITIVE), ("negative", NEGATIVE)] {
        let found = classifier.classify(&sentences).unwrap();
        let found = sentences.iter().zip(&found).filter(|(sentence, _)| **sentence != MISTAKEN);
        let wrong: Vec<_> = found.filter(|(_, found)| found.label != label).collect();
        assert!(wrong.is_empty(), "not {label}: {wrong:#?}");
    }
    let negated = ["I have no complaints.", "Not bad at all!", "The hotel was not clean."];
    let negated = classifier.classify(&negated).unwrap();
    let labels: Vec<&str> = negated.iter().map(|found| found.label.as_str()).collect();
    assert_eq!(labels, ["positive", "positive", "negative"]);
}

/// Sentences of the test split that are translated as a Russian would say it: the first twenty of 29 among the sixty of three
/// to six words that come first in the order of their SHA-256.
const HELD_OUT: [(&str, &str); 20] = [
    ("It's already midnight here.", "Здесь уже полночь."),
    ("The banks are closed on Sundays.", "По воскресеньям банки закрыты."),
    ("Why did you come on foot?", "Почему вы пришли пешком?"),
    ("She hates cold tea.", "Она ненавидит холодный чай."),
    ("Remind me why we live here.", "Напомни мне, почему мы здесь живём."),
    ("Who did you sit next to?", "С кем ты сидел рядом?"),
    ("Who pays for the electricity?", "Кто платит за электричество?"),
    ("He took my car without permission.", "Он взял мою машину без разрешения."),
    ("What have you decided?", "Что вы решили?"),
    ("Where do you work?", "Где вы работаете?"),
    ("What are you reading in bed?", "Что ты читаешь в постели?"),
    ("We're having guests tonight.", "Сегодня вечером у нас гости."),
    ("They bought everything except bread.", "Они купили всё, кроме хлеба."),
    ("When did he start walking?", "Когда он начал ходить?"),
    ("Who lost a white glove?", "Кто потерял белую перчатку?"),
    ("Who's that man at the bar?", "Кто этот мужчина в баре?"),
    ("Our cat has a white tail.", "У нашей кошки белый хвост."),
    ("Which language are they speaking?", "На каком языке они говорят?"),
    ("How shall we divide the bill?", "Как мы разделим счёт?"),
    ("Nobody comes to work on foot.", "Никто не приходит на работу пешком."),
];

#[test]
fn everyday_sentences_are_translated() {
    let translator: Translator = Pretrained::find("english-russian").unwrap().load(&Device::flex()).unwrap();
    let lecture = ("How are you?", "Как дела?");
    let (sentences, expected): (Vec<&str>, Vec<&str>) = HELD_OUT.into_iter().chain([lecture]).unzip();
    let found: Vec<String> =
        translator.translate(&sentences).unwrap().into_iter().map(|translation| translation.text).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_word_of_a_fable_is_completed() {
    let generator = recurrent::zoo::fables().unwrap();
    let found = generator.complete("The fox sai", 1).unwrap();
    assert_eq!(found[0].text, "d");
}

#[test]
fn hymns_are_in_their_key_and_end_on_its_chord() {
    let composer = recurrent::zoo::chorales().unwrap();
    let (mut in_key, mut ends) = (0.0, 0);
    let keys = ["C", "Eb", "F#", "Am", "Gm", "C#m"];
    for (seed, key) in (0..).zip(keys) {
        let key: Key = key.parse().unwrap();
        let sampling = SamplingConfig::default().with_temperature(0.8).with_seed(seed);
        let request = CompositionRequest::default().with_bars(8).with_key(key).with_sampling(sampling);
        let piece = composer.compose(&request).unwrap().piece;
        in_key += in_key_share(&piece.notes, key).unwrap() / keys.len() as f64;
        let lowest = piece.notes.iter().filter(|note| note.end() == piece.end()).map(|note| note.pitch).min();
        ends += usize::from(lowest.is_some_and(|pitch| pitch.class() == key.tonic()));
    }
    assert!(in_key > 0.97 && ends >= 5, "{in_key} {ends}");
}

/// By speakers who are in no split of its data.
#[test]
fn synthetic_speech_is_recognized_and_silence_is_not() {
    let recognizer: Recognizer = Pretrained::find("spoken-digits").unwrap().load(&Device::flex()).unwrap();
    let config = SynthConfig::default()
        .with_speakers(5_000, 30)
        .with_utterances(60)
        .with_seed(9)
        .with_vocabularies(&Vocabulary::ALL);
    let listen = |audio: &Audio| recognizer.transcribe(audio, &RecognizeOptions::default()).unwrap().text;
    let speech = SynthSpeech::new(config).unwrap();
    let errors: ErrorCounts =
        speech.iter().map(|utterance| word_errors(&utterance.text(), &listen(&utterance.audio))).sum();
    assert!(errors.reference > 150 && errors.rate() < 0.06, "{errors:?}");

    let seconds = 16_000;
    assert_eq!(listen(&Audio::new(16_000, vec![0.0; 10 * seconds])), "");
    let hum = (0..10 * seconds).map(|n| 0.01 * (n as f32 * 0.02).sin()).collect();
    assert_eq!(listen(&Audio::new(16_000, hum)), "");
}
