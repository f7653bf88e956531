//! `train classify`, and classifications by its runs.

use serde_json::Value;

use crate::program::TestSandbox;

/// A sandbox with a run, `run`, that has learned its labels.
fn with_run(labels: usize) -> TestSandbox {
    let sandbox = TestSandbox::with_opinions(labels);
    sandbox.ok("classify --config opinions.toml --out run");
    sandbox
}

fn scores(sandbox: &TestSandbox) -> Value {
    serde_json::from_str(&sandbox.read("run/scores.json")).expect("JSON")
}

#[test]
fn columns_that_were_taken_are_named() {
    let sandbox = TestSandbox::new();
    let rows: String = (0..80).map(|n| format!("user{},the soup was {n},{}\n", n % 9, n % 2)).collect();
    sandbox.write("stars.csv", format!("user,comment,stars\n{rows}"));
    let ran = sandbox.ok("classify --data stars.csv --epochs 1 --hidden-size 4 --text-column comment --out run");
    assert!(ran.stdout.contains("(sentences: column `comment`, labels: column `stars`) as "), "{}", ran.stdout);
    let config = sandbox.read("run/config.toml");
    assert!(config.contains("label_column = \"stars\"") && !config.contains("split_column"), "{config}");
}

#[test]
fn run_folder_is_complete_and_classifies() {
    let sandbox = TestSandbox::with_opinions(2);
    let ran = sandbox.ok("classify --config opinions.toml --out run");
    for word in [
        "lstm (Bidirectional LSTM)",
        "as negative or positive",
        "LSTM on the test split",
        "bag of words with logistic regression",
        "macro F1",
        "The LSTM",
        "train predict run --explain",
    ] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    let files = sandbox.listing("run");
    for file in [
        "config.toml",
        "evidence.json",
        "labels.json",
        "metrics.jsonl",
        "plots/calibration.svg",
        "plots/confusion-bag-of-words.svg",
        "plots/confusion-n-grams-by-naive-bayes.svg",
        "plots/confusion-network.svg",
        "plots/loss.svg",
        "plots/roc.svg",
        "scores.json",
        "tokenizer.json",
        "weights.safetensors",
    ] {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }
    // One word of each sentence decides its label, which all models learn.
    let scores = scores(&sandbox);
    for score in [&scores["network"], &scores["baselines"][0], &scores["baselines"][1]] {
        assert!(score["accuracy"].as_f64().expect("a fraction") >= 0.9, "{scores}");
    }
    let evaluated = sandbox.ok("evaluate run").stdout;
    assert!(ran.stdout.contains(evaluated.trim()), "{evaluated}\nin\n{}", ran.stdout);

    // Classification needs only the folder.
    std::fs::remove_file(sandbox.path("opinions.tsv")).expect("the data");
    let output = sandbox.ok_with_args("predict run", &["This cake is great"]).stdout;
    assert!(output.starts_with("positive ") && output.contains(" (bag of words: positive "), "{output}");
    assert!(output.ends_with(" %)  This cake is great\n"), "{output}");
}

#[test]
fn an_ensemble_reads_evidence_and_is_explained() {
    let sandbox = TestSandbox::with_opinions(2);
    let ran = sandbox.ok("classify --config opinions.toml --ensemble 2 --out run").stdout;
    assert!(ran.contains("ensemble of 2 LSTMs on the test split"), "{ran}");
    let explained = sandbox.ok_with_args("predict run --explain", &["This cake is great"]).stdout;
    let words: Vec<&str> = explained.lines().nth(1).expect("words").split_whitespace().step_by(2).collect();
    assert!(explained.starts_with("positive ") && explained.contains(" +++"), "{explained}");
    assert_eq!(words, ["This", "cake", "is", "great"]);

    let evidence = sandbox.read("run/evidence.json");
    sandbox.write("run/evidence.json", evidence.replacen("\"labels\":1", "\"labels\":2", 1));
    let error = "evidence.json: expected the weights of evidence of this run, found weights of other labels";
    sandbox.refused_with_args("predict run", &["This cake is great"], error);
    sandbox.ok("classify --config opinions.toml --evidence false --out without");
    assert!(!sandbox.path("without/evidence.json").exists());
    sandbox.ok_with_args("predict without", &["This cake is great"]);
}

#[test]
fn scores_are_told_by_kind() {
    let sandbox = TestSandbox::with_opinions(2);
    let rows = sandbox.read("opinions.tsv");
    let of = |(number, row): (usize, &str)| format!("{row}\t{}\n", ["plain", "negation"][usize::from(number % 3 == 0)]);
    let (head, rows) = rows.split_once('\n').expect("a header");
    let kinds: String = rows.lines().enumerate().map(of).collect();
    sandbox.write("kinds.tsv", format!("{head}\tkind\n{kinds}"));
    let ran = sandbox.ok("classify --config opinions.toml --data kinds.tsv --label-column label --out run").stdout;
    assert!(ran.contains("accuracy  sentences   LSTM  bag of words  n-grams by Naive Bayes\nplain "), "{ran}");
    assert_eq!(scores(&sandbox)["kinds"].as_array().expect("kinds").len(), 2);
}

#[test]
fn three_labels_have_no_roc_curve() {
    let sandbox = with_run(3);
    assert!(!sandbox.path("run/plots/roc.svg").exists());
    assert!(sandbox.path("run/plots/confusion-bag-of-words.svg").exists());
    assert_eq!(sandbox.read("run/labels.json"), "[\"negative\",\"neutral\",\"positive\"]");
    assert_eq!(scores(&sandbox)["network"]["confusion"].as_array().map(Vec::len), Some(3));
    let sentences = ["This film is poor", "Our tea is plain", "That soup is lovely"];
    let predictions = sandbox.ok_with_args("predict run --format json", &sentences).json();
    let labels: Vec<&Value> = predictions.iter().map(|prediction| &prediction["label"]).collect();
    assert_eq!(labels, ["negative", "neutral", "positive"]);
    for prediction in &predictions {
        for model in ["probabilities", "bag_of_words"] {
            let by_label = prediction[model].as_object().expect("an object");
            let sum: f64 = by_label.values().map(|probability| probability.as_f64().expect("a number")).sum();
            assert!(by_label.len() == 3 && (sum - 1.0).abs() < 1e-5, "{prediction}");
        }
    }
}

#[test]
fn formats_of_a_classification() {
    let sandbox = with_run(2);
    let sentences = ["This cake is sour", "My \"song\", is fine"];
    let csv = sandbox.ok_with_args("predict run --format csv", &sentences).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "label,probability,sentence");
    assert!(lines[1].starts_with("negative,0.") && lines[1].ends_with(",\"This cake is sour\""), "{csv}");
    assert!(lines[2].ends_with(",\"My \"\"song\"\", is fine\""), "{csv}");
    assert_eq!(lines.len(), 3);

    let ran = sandbox.ok_with_args("predict run --explain --format json", &sentences);
    let predictions = ran.json();
    assert!(ran.stderr.contains("not in the vocabulary and read as <unk>: `\"` `,` (in `My"), "{}", ran.stderr);
    let attributions = |prediction: &Value| -> Vec<(String, f64)> {
        let attribution =
            |word: &Value| (word["text"].as_str().unwrap_or("").to_string(), word["score"].as_f64().unwrap_or(0.0));
        prediction["attributions"].as_array().expect("words").iter().map(attribution).collect()
    };
    let words = attributions(&predictions[0]);
    assert_eq!(words.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>(), ["This", "cake", "is", "sour"]);
    let most = words.iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).expect("a word");
    assert!(most.0 == "sour" && most.1 > 0.0, "{words:?}");

    let text = sandbox.ok_with_args("predict run --explain", &sentences[..1]).stdout;
    assert!(text.starts_with("negative ") && text.contains("\n    This ") && text.contains("sour +++"), "{text}");
    assert!(!sandbox.ok_with_args("predict run --format json", &sentences[..1]).json()[0]["attributions"].is_array());
}

#[test]
fn many_lines_keep_their_order() {
    let sandbox = with_run(2);
    let sentence = |n: usize| {
        let word = if n.is_multiple_of(3) { "awful" } else { "great" };
        // Of several lengths, in no order, and more of them than there are in a batch.
        format!("{} song is {word}", vec!["this"; 1 + n * 7 % 11].join(" "))
    };
    let lines: Vec<String> = (0..300).map(sentence).collect();
    sandbox.write("lines.txt", lines.join("\n"));
    let predictions = sandbox.ok("predict run --input lines.txt --format json").json();
    assert_eq!(predictions.len(), lines.len());
    for (n, (line, prediction)) in lines.iter().zip(&predictions).enumerate() {
        assert_eq!(prediction["sentence"], **line);
        assert_eq!(prediction["label"], if n.is_multiple_of(3) { "negative" } else { "positive" }, "{prediction}");
    }
}

#[test]
fn columns_can_be_named() {
    let sandbox = TestSandbox::with_opinions(2);
    let text = sandbox.read("opinions.tsv");
    let splits = ["train", "train", "train", "valid", "train", "test"];
    let rows = text.lines().skip(1).enumerate();
    let rows: String = rows.map(|(n, line)| format!("{}\t{line}\n", splits[n / 2 % 6])).collect();
    sandbox.write("splits.tsv", format!("use\tsaid\tmeant\n{rows}"));
    let columns = "--text-column said --label-column meant --split-column use";
    let ran = sandbox.ok(&format!("classify --config opinions.toml --data splits.tsv --epochs 1 {columns} --out run"));
    assert!(ran.stdout.contains("160 sentences for training, 40 for validation, 40 for test"), "{}", ran.stdout);
}

#[test]
fn sentiment_is_an_alias_of_classify() {
    let sandbox = TestSandbox::with_opinions(2);
    sandbox.ok("classify --config opinions.toml --epochs 1 --out a");
    sandbox.ok("sentiment --config opinions.toml --epochs 1 --out b");
    assert!(sandbox.read("b/config.toml").contains("task = \"classify\""));
    assert_eq!(sandbox.read("a/config.toml"), sandbox.read("b/config.toml"));
    assert_eq!(sandbox.bytes("a/weights.safetensors"), sandbox.bytes("b/weights.safetensors"));
    assert_eq!(sandbox.ok("summary sentiment").stdout, sandbox.ok("summary classify").stdout);
}

#[test]
fn tokenizer_of_hugging_face() {
    let sandbox = TestSandbox::with_opinions(2);
    let words = "This That The My Your Our bread fish soup tea is good lovely fine great sweet bad awful poor nasty";
    sandbox.write_tokenizer("tokenizer.json", words);
    let ran = sandbox.ok("classify --config opinions.toml --tokenizer tokenizer.json --out run");
    // Its words and its unknown token, and the three special tokens that it lacks.
    let vocab_size = words.split(' ').count() + 1 + 3;
    let described = format!("tokenizer tokenizer.json (vocabulary of {vocab_size})");
    assert!(ran.stdout.contains(&described), "{}", ran.stdout);
    assert!(sandbox.read("run/config.toml").contains("tokenizer = \"tokenizer.json\""));

    // The run's folder has a copy.
    std::fs::remove_file(sandbox.path("tokenizer.json")).expect("the tokenizer");
    let ran = sandbox.ok_with_args("predict run --format json", &["This fish is great", "This cake is bad"]);
    let predictions = ran.json();
    assert_eq!((&predictions[0]["label"], &predictions[1]["label"]), (&"positive".into(), &"negative".into()));
    assert_eq!(predictions[1]["unknown"], serde_json::json!(["cake"]));
    sandbox.ok("resume run --epochs 7");
}

#[test]
fn texts_without_words_have_a_baseline_of_characters() {
    let sandbox = TestSandbox::with_opinions(2);
    let signs: Vec<char> = "山木火人車日食田月魚鳥金門雲草水土石花羊".chars().collect();
    let row = |n: usize| {
        let before: String = (0..6).map(|k| signs[(n * 7 + k * k * (n % 11 + 1)) % signs.len()]).collect();
        let (word, label) = [("很好", "good"), ("很差", "bad")][n % 2];
        format!("{before}{word}{},{label}\n", signs[n % signs.len()])
    };
    let rows: String = (0..200).map(row).collect();
    sandbox.write("signs.csv", format!("text,label\n{rows}"));
    let ran = sandbox.ok("classify --config opinions.toml --data signs.csv --tokenizer chars --out run");
    for word in ["bag of characters with logistic regression, ", "LSTM on the test split, "] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    let json = sandbox.ok_with_args("predict run --format json", &["山木很好"]).json();
    assert!(json[0]["bag_of_characters"]["good"].as_f64() > Some(0.5), "{json:?}");
    let text = sandbox.ok_with_input("predict run", "山木很好\n\n火人很差\n").stdout;
    assert_eq!((text.lines().count(), text.lines().nth(1)), (3, Some("")), "{text}");
}

#[test]
fn a_label_without_test_sentences_is_told() {
    let sandbox = TestSandbox::with_opinions(2);
    let text = sandbox.read("opinions.tsv");
    let part = |n: usize, row: &str| match (n % 6, row.contains("positive")) {
        (1, true) => "test",
        (2 | 3, _) => "valid",
        _ => "train",
    };
    let rows: String = text.lines().skip(1).enumerate().map(|(n, row)| format!("{row}\t{}\n", part(n, row))).collect();
    sandbox.write("parts.tsv", format!("text\tlabel\tpart\n{rows}"));
    let scores = sandbox.ok("classify --config opinions.toml --data parts.tsv --out run").stdout;
    assert!(scores.contains("The test split has no sentence with the label `negative`."), "{scores}");
    assert!(scores.contains("of one label only: accuracy says nothing."), "{scores}");
}
