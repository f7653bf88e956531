//! The pretrained models.

use std::collections::HashSet;

use burn::tensor::Device;
use recurrent::Predictor;
use recurrent::audio::Audio;
use recurrent::audio::synth::{SynthConfig, SynthSpeech, Vocabulary};
use recurrent::classify::Classifier;
use recurrent::compose::CompositionRequest;
use recurrent::data::{ParallelCorpus, RegisteredDataset};
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

#[test]
fn everyday_sentences_have_their_sentiment() {
    let classifier: Classifier = Pretrained::find("sentiment-en").unwrap().load(&Device::flex()).unwrap();
    for (label, sentences) in [("positive", POSITIVE), ("negative", NEGATIVE)] {
        let found = classifier.classify(&sentences).unwrap();
        let wrong: Vec<_> = sentences.iter().zip(&found).filter(|(_, found)| found.label != label).collect();
        assert!(wrong.is_empty(), "not {label}: {wrong:#?}");
    }
    let negated = ["I have no complaints.", "Not bad at all!", "The hotel was not clean."];
    let negated = classifier.classify(&negated).unwrap();
    let labels: Vec<&str> = negated.iter().map(|found| found.label.as_str()).collect();
    assert_eq!(labels, ["positive", "positive", "negative"]);
}

/// The twenty sentences of three to six words of the test split whose translations are the most probable: a rule that asks
/// the model, not a reader. All are good Russian.
const HELD_OUT: [(&str, &str); 20] = [
    ("He understands everything.", "Он всё понимает."),
    ("He has a lot of money.", "У него много денег."),
    ("The children are sleeping.", "Дети спят."),
    ("I have many friends.", "У меня много друзей."),
    ("Who opened the window?", "Кто открыл окно?"),
    ("Who's cooking tomorrow?", "Кто завтра готовит?"),
    ("We got up at dawn.", "Мы встали на рассвете."),
    ("Where's the exit?", "Где выход?"),
    ("She forgot to close the door.", "Она забыла закрыть дверь."),
    ("When does the lesson begin?", "Когда начинается урок?"),
    ("Who dropped money?", "Кто уронил деньги?"),
    ("Close the door, please.", "Закрой дверь, пожалуйста."),
    ("Who opened my letter?", "Кто открыл моё письмо?"),
    ("They bought everything except bread.", "Они купили всё, кроме хлеба."),
    ("We are not sure.", "Мы не уверены."),
    ("In winter we feed the birds.", "Зимой мы кормим птиц."),
    ("Don't touch my things!", "Не трогай мои вещи!"),
    ("He showed us the way.", "Он показал нам дорогу."),
    ("My husband died five years ago.", "Муж умер пять лет назад."),
    ("The baby is drinking milk.", "Малыш пьёт молоко."),
];
/// The least probability of these translations.
const LEAST_PROBABILITY: f64 = 0.64;

#[test]
fn everyday_sentences_are_translated() {
    let translator: Translator = Pretrained::find("english-russian").unwrap().load(&Device::flex()).unwrap();
    let lecture = ("How are you?", "Как дела?");
    let (sentences, expected): (Vec<&str>, Vec<&str>) = HELD_OUT.into_iter().chain([lecture]).unzip();
    let found = translator.translate(&sentences).unwrap();
    let least = found[..HELD_OUT.len()].iter().map(|translation| translation.probability).fold(1.0, f64::min);
    assert!(least > LEAST_PROBABILITY, "{least}");
    let found: Vec<&str> = found.iter().map(|translation| &*translation.text).collect();
    assert_eq!(found, expected);

    let config = translator.config();
    let table = RegisteredDataset::find(&config.data).unwrap().table().unwrap();
    let (source, target) = (config.source_column.as_deref(), config.target_column.as_deref());
    let corpus = ParallelCorpus::from_table(&table, source, target, None).unwrap();
    let held_out = corpus.split(&config.split).unwrap().test.references();
    let held_out: HashSet<&str> = held_out.iter().map(|sentence| &*sentence.source).collect();
    let trained: Vec<_> = HELD_OUT.iter().filter(|(sentence, _)| !held_out.contains(sentence)).collect();
    assert!(trained.is_empty(), "{trained:?}");
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
