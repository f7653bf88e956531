//! A run that learns to judge, from its first line to its last sentence.

use serde_json::Value;

use crate::program::Desk;

/// A desk with a run that has learned to tell its labels.
fn with_run(labels: usize) -> Desk {
    let desk = Desk::with_opinions(labels);
    desk.ok("sentiment --config opinions.toml --out run");
    desk
}

fn scores(desk: &Desk) -> Value {
    serde_json::from_str(&desk.read("run/scores.json")).expect("JSON")
}

#[test]
fn a_run_leaves_a_bundle_that_judges() {
    let desk = Desk::with_opinions(2);
    let ran = desk.ok("sentiment --config opinions.toml --out run");
    for word in [
        "lstm (Bidirectional LSTM)",
        "as negative or positive",
        "LSTM on the test part",
        "bag of words with logistic regression",
        "macro F1",
        "The LSTM",
        "train predict run --explain",
    ] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    let files = desk.listing("run");
    for file in [
        "codec.json",
        "labels.json",
        "metrics.jsonl",
        "pictures/calibration.svg",
        "pictures/confusion-network.svg",
        "pictures/confusion-words.svg",
        "pictures/loss.svg",
        "pictures/roc.svg",
        "plan.toml",
        "scores.json",
        "weights.safetensors",
    ] {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }
    // The words tell the labels, and both models find it out.
    for model in ["network", "baseline"] {
        let accuracy = scores(&desk)[model]["accuracy"].as_f64().expect("a share");
        assert!(accuracy >= 0.9, "{model}: {}", scores(&desk));
    }
    let evaluated = desk.ok("evaluate run").stdout;
    assert!(ran.stdout.contains(evaluated.trim()), "{evaluated}\nin\n{}", ran.stdout);

    // To judge, the folder alone is needed.
    std::fs::remove_file(desk.path("opinions.tsv")).expect("the data");
    let said = desk.asked("predict run", &["This cake is great"]).stdout;
    assert!(said.starts_with("positive ") && said.contains(" (bag of words: positive "), "{said}");
    assert!(said.ends_with(" %)  This cake is great\n"), "{said}");
}

#[test]
fn three_labels_have_no_curve_of_two() {
    let desk = with_run(3);
    assert!(!desk.path("run/pictures/roc.svg").exists());
    assert!(desk.path("run/pictures/confusion-words.svg").exists());
    assert_eq!(desk.read("run/labels.json"), "[\"negative\",\"neutral\",\"positive\"]");
    assert_eq!(scores(&desk)["network"]["confusion"].as_array().map(Vec::len), Some(3));
    let sentences = ["This film is poor", "Our tea is plain", "That soup is lovely"];
    let answers = desk.asked("predict run --format json", &sentences).json();
    let labels: Vec<&Value> = answers.iter().map(|answer| &answer["label"]).collect();
    assert_eq!(labels, ["negative", "neutral", "positive"]);
    for answer in &answers {
        for model in ["probabilities", "bag_of_words"] {
            let likely = answer[model].as_object().expect("a label each");
            let sum: f64 = likely.values().map(|share| share.as_f64().expect("a number")).sum();
            assert!(likely.len() == 3 && (sum - 1.0).abs() < 1e-5, "{answer}");
        }
    }
}

#[test]
fn a_judgement_is_told_in_every_form() {
    let desk = with_run(2);
    let sentences = ["This cake is sour", "My \"song\", is fine"];
    let csv = desk.asked("predict run --format csv", &sentences).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "label,probability,sentence");
    assert!(lines[1].starts_with("negative,0.") && lines[1].ends_with(",\"This cake is sour\""), "{csv}");
    assert!(lines[2].ends_with(",\"My \"\"song\"\", is fine\""), "{csv}");
    assert_eq!(lines.len(), 3);

    let ran = desk.asked("predict run --explain --format json", &sentences);
    let answers = ran.json();
    assert!(ran.stderr.contains("read as <unk>: `\"` `,` (in `My"), "{}", ran.stderr);
    let moved = |answer: &Value| -> Vec<(String, f64)> {
        let moved = answer["moved"].as_array().expect("words").iter();
        moved
            .map(|word| (word["text"].as_str().unwrap_or("").to_string(), word["by"].as_f64().unwrap_or(0.0)))
            .collect()
    };
    let words = moved(&answers[0]);
    assert_eq!(words.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>(), ["This", "cake", "is", "sour"]);
    let most = words.iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).expect("a word");
    assert!(most.0 == "sour" && most.1 > 0.0, "{words:?}");

    let text = desk.asked("predict run --explain", &sentences[..1]).stdout;
    assert!(text.starts_with("negative ") && text.contains("\n    This ") && text.contains("sour +++"), "{text}");
    assert!(!desk.asked("predict run --format json", &sentences[..1]).json()[0]["moved"].is_array());
}

#[test]
fn many_lines_are_answered_in_their_order() {
    let desk = with_run(2);
    let sentence = |n: usize| {
        let word = if n.is_multiple_of(3) { "awful" } else { "great" };
        // Some long, some short, in no order, more of them than are judged together.
        format!("{} song is {word}", vec!["this"; 1 + n * 7 % 11].join(" "))
    };
    let lines: Vec<String> = (0..300).map(sentence).collect();
    desk.write("lines.txt", lines.join("\n"));
    let answers = desk.ok("predict run --input lines.txt --format json").json();
    assert_eq!(answers.len(), lines.len());
    for (n, (line, answer)) in lines.iter().zip(&answers).enumerate() {
        assert_eq!(answer["sentence"], **line);
        assert_eq!(answer["label"], if n.is_multiple_of(3) { "negative" } else { "positive" }, "{answer}");
    }
}

#[test]
fn columns_and_parts_are_taken_as_they_are_named() {
    let desk = Desk::with_opinions(2);
    let text = desk.read("opinions.tsv");
    let parts = ["train", "train", "train", "valid", "train", "test"];
    let rows = text.lines().skip(1).enumerate();
    let rows: String = rows.map(|(n, line)| format!("{}\t{line}\n", parts[n / 2 % 6])).collect();
    desk.write("parts.tsv", format!("use\tsaid\tmeant\n{rows}"));
    let columns = "--text-column said --label-column meant --part-column use";
    let ran = desk.ok(&format!("sentiment --config opinions.toml --data parts.tsv --epochs 1 {columns} --out run"));
    assert!(ran.stdout.contains("160 sentences to train, 40 to validate, 40 to test"), "{}", ran.stdout);
}
