//! The pretrained models.

use burn::tensor::Device;
use recurrent::classify::Classifier;
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
/// Negations that the model takes at their words, as its card says.
const MISTAKEN: [&str; 4] = [
    "It never lets me down.",
    "I am not happy with the service.",
    "I don't recommend this hotel to anyone.",
    "Nothing about this place is good.",
];

#[test]
fn everyday_sentences_have_their_sentiment() {
    let classifier: Classifier = Pretrained::find("sentiment-en").unwrap().load(&Device::flex()).unwrap();
    for (label, sentences) in [("positive", POSITIVE), ("negative", NEGATIVE)] {
        let found = classifier.classify(&sentences).unwrap();
        let found = sentences.iter().zip(&found).filter(|(sentence, _)| !MISTAKEN.contains(sentence));
        let wrong: Vec<_> = found.filter(|(_, found)| found.label != label).collect();
        assert!(wrong.is_empty(), "not {label}: {wrong:#?}");
    }
}

#[test]
fn greetings_are_translated() {
    let translator: Translator = Pretrained::find("english-russian").unwrap().load(&Device::flex()).unwrap();
    for (sentence, expected) in [
        ("How are you?", "Как дела?"),
        ("I do not understand.", "Я не понимаю."),
        ("It is raining again.", "Опять идёт дождь."),
    ] {
        let found = translator.translate(&[sentence]).unwrap();
        assert_eq!(found[0].text, expected);
    }
}

#[test]
fn a_word_of_a_fable_is_completed() {
    let generator = recurrent::zoo::fables().unwrap();
    let found = generator.complete("The fox sai", 1).unwrap();
    assert_eq!(found[0].text, "d");
}
