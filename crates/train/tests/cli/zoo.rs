//! `train zoo`, and pretrained models in place of a run's folder.

use crate::program::TestSandbox;

#[test]
fn list_names_every_model() {
    let list = TestSandbox::new().ok("zoo list").stdout;
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["zoo:sentiment-en", "zoo:english-russian", "zoo:fables", "zoo:spoken-digits", "zoo:chorales"]);
}

#[test]
fn show_prints_the_card() {
    let sandbox = TestSandbox::new();
    for name in ["sentiment-en", "zoo:sentiment-en"] {
        let card = sandbox.ok(&format!("zoo show {name}")).stdout;
        for word in ["`train classify --data opinions ", "license", "Not made for: English only", "bag of words"] {
            assert!(card.contains(word), "`{word}` in:\n{card}");
        }
    }
}

#[test]
fn models_predict() {
    let sandbox = TestSandbox::new();
    let answer = sandbox.ok_with_args("predict zoo:sentiment-en", &["I hate this awful phone"]).stdout;
    assert!(answer.starts_with("negative "), "{answer}");
    let answer = sandbox.ok_with_args("predict zoo:english-russian", &["How are you?"]).stdout;
    assert_eq!(answer, "Как дела?\n");
    let answer = sandbox.ok_with_args("complete zoo:fables -n 1", &["The fox sai"]).stdout;
    assert!(answer.contains("The fox said"), "{answer}");
    let answer = sandbox.ok("predict zoo:chorales --key Am --bars 4").stdout;
    assert!(answer.starts_with("Am, ") && answer.lines().count() >= 5, "{answer}");
    let summary = sandbox.ok("summary zoo:fables").stdout;
    assert!(summary.contains("LSTM"), "{summary}");
    assert!(sandbox.listing(".").is_empty(), "nothing is written beside");
}

#[test]
fn wrong_names_and_commands_are_refused() {
    let sandbox = TestSandbox::new();
    for (command, expected) in [
        (
            "predict zoo:sentiment Hello",
            "zoo: expected one of sentiment-en, english-russian, fables, spoken-digits, chorales, found `sentiment`",
        ),
        (
            "zoo show fable",
            "zoo: expected one of sentiment-en, english-russian, fables, spoken-digits, chorales, found `fable`",
        ),
        ("complete zoo:sentiment-en word", "expected a run of `generate`, found a run of `classify`"),
        (
            "resume zoo:fables",
            "zoo:fables: expected the folder of a run, since `resume` changes it, found a pretrained model",
        ),
    ] {
        sandbox.refused(command, expected);
    }
}
