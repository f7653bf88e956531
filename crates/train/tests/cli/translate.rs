//! A run that learns to translate, from its first line to its last sentence.

use serde_json::Value;

use crate::program::{Desk, pairs};

/// A desk with a run that has learned the artificial language.
fn with_run() -> Desk {
    let desk = Desk::with_pairs();
    desk.ok("translate --config pairs.toml --out run");
    desk
}

fn scores(desk: &Desk, run: &str) -> Value {
    serde_json::from_str(&desk.read(&format!("{run}/scores.json"))).expect("JSON")
}

#[test]
fn a_run_leaves_a_bundle_that_translates() {
    let desk = Desk::with_pairs();
    let ran = desk.ok("translate --config pairs.toml --out run");
    for word in
        ["encoder (Bidirectional GRU)", "attention: general", "BLEU", "nearest neighbour", "The network beats both"]
    {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    let files = desk.listing("run");
    for file in [
        "codec.json",
        "metrics.jsonl",
        "pictures/attention-1.svg",
        "pictures/bleu.svg",
        "pictures/loss.svg",
        "plan.toml",
        "scores.json",
        "weights.safetensors",
    ] {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }
    let scores = scores(&desk, "run");
    let names: Vec<&Value> = scores["rows"].as_array().expect("rows").iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["GRU (general attention)", "copy", "nearest neighbour"]);
    let exact = scores["rows"][0]["exact"].as_f64().expect("a share");
    assert!(exact >= 0.9, "the rules of the language are learned: {scores}");

    let evaluated = desk.ok("evaluate run").stdout;
    assert!(ran.stdout.contains(evaluated.trim()), "{evaluated}\nin\n{}", ran.stdout);

    // To translate, the folder alone is needed.
    std::fs::remove_file(desk.path("pairs.tsv")).expect("the data");
    assert_eq!(desk.asked("predict run", &["ana eats the red bread"]).stdout, "pa ru la ana mon\n");
}

#[test]
fn sentences_come_as_words_from_a_file_or_from_standard_input() {
    let desk = with_run();
    let typed = desk.asked("predict run", &["ana eats the bread", "dov sees the red fish"]).stdout;
    assert_eq!(typed, "pa la ana mon\nlo ru la dov vid\n");
    let lines = "ana eats the bread\ndov sees the red fish\n";
    desk.write("lines.txt", lines);
    assert_eq!(desk.ok("predict run --input lines.txt").stdout, typed);
    assert_eq!(desk.fed("predict run", lines).stdout, typed);
    assert_eq!(desk.fed("predict run --input -", lines).stdout, typed);
    // As another editor saves it.
    desk.write("lines.txt", format!("\u{feff}{}", lines.replace('\n', "\r\n")));
    let ran = desk.ok("predict run --input lines.txt");
    assert_eq!((ran.stdout, ran.stderr), (typed.clone(), String::new()));
    desk.ok("predict run --input lines.txt --output said.txt");
    assert_eq!(desk.read("said.txt"), typed);
    let ran = desk.run("predict run ana --input lines.txt");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
}

#[test]
fn many_lines_are_answered_in_their_order() {
    let desk = with_run();
    let pairs = pairs();
    // Long and short in turn, more of them than are translated together.
    let asked: Vec<&(String, String)> = (0..pairs.len()).map(|n| &pairs[n * 7 % pairs.len()]).collect();
    let lines: String = asked.iter().map(|(source, _)| format!("{source}\n")).collect();
    let answers = desk.fed("predict run --format json --beam 1", &lines).json();
    assert_eq!(answers.len(), asked.len());
    let right = asked.iter().zip(&answers).filter(|((source, target), answer)| {
        assert_eq!(answer["source"], **source);
        answer["text"] == **target
    });
    assert!(right.count() * 10 >= asked.len() * 9);
}

#[test]
fn json_says_how_sure_a_translation_is() {
    let desk = with_run();
    let ran = desk.asked("predict run --format json --beam 3", &["ana eats the zebra"]);
    let [answer] = &ran.json()[..] else { panic!("{}", ran.stdout) };
    let probability = answer["probability"].as_f64().expect("a number");
    assert!(probability > 0.0 && probability <= 1.0, "{answer}");
    assert_eq!(answer["unknown"], serde_json::json!(["zebra"]));
    assert_eq!(answer["cut"], false);
    assert!(answer["alternatives"].as_array().is_some_and(|others| (1..=2).contains(&others.len())), "{answer}");
    assert_eq!(ran.stderr, "note: never seen in training and read as <unk>: `zebra` (in `ana eats the zebra`)\n");
    desk.refused_to("predict run --format csv", &["ana"], "--format: expected text or json for this run, found csv");
    desk.refused_to("predict run --beam 0", &["ana"], "--beam: expected at least 1, found 0");
    desk.refused_to("predict run --alpha=-1", &["ana"], "--alpha: expected 0 or a positive number, found -1");
}

#[test]
fn a_picture_shows_where_was_looked() {
    let desk = with_run();
    desk.asked("predict run --attention looked.svg", &["ana eats the red bread", "dov sees the fish"]);
    let picture = desk.read("looked.svg");
    for token in ["ana", "eats", "red", "bread", "pa", "ru", "la", "mon", "&lt;eos&gt;"] {
        assert!(picture.contains(&format!("\n{token}\n")), "`{token}` in:\n{picture}");
    }
    assert!(!picture.contains("dov"), "the first sentence alone");
}

#[test]
fn without_attention_nothing_is_drawn() {
    let desk = Desk::with_pairs();
    let ran = desk.ok("translate --config pairs.toml --attention none --epochs 1 --out run");
    assert!(ran.stdout.contains("attention: none"), "{}", ran.stdout);
    assert!(!desk.listing("run").iter().any(|file| file.contains("attention")));
    desk.refused_to(
        "predict run --attention x.svg",
        &["ana"],
        "--attention: expected a run with attention, found run without",
    );
    assert!(!desk.path("x.svg").exists());
}

#[test]
fn two_files_go_line_by_line() {
    let desk = Desk::with_pairs();
    let (sources, targets): (Vec<String>, Vec<String>) = pairs().into_iter().unzip();
    desk.write("a.txt", sources.join("\n"));
    desk.write("b.txt", targets.join("\n") + "\n");
    desk.ok("translate --config pairs.toml --data a.txt --target-data b.txt --out files");
    // They are the pairs of the table, and so is all that follows.
    desk.ok("translate --config pairs.toml --out table");
    assert_eq!(desk.bytes("files/weights.safetensors"), desk.bytes("table/weights.safetensors"));
    desk.ok("resume files --epochs 26");
    desk.write("b.txt", targets.join("\n").replace("mon", "man") + "\n");
    desk.refused("resume files --epochs 27", "expected the bytes that it began with (sha256 ");
}

#[test]
fn columns_are_found_by_their_names() {
    let desk = Desk::with_pairs();
    let rows: String =
        (1..).zip(pairs()).map(|(n, (source, target))| format!("{n};{target};{source};{}\n", n % 9)).collect();
    desk.write("wide.csv", format!("id;artish;english;page\n{rows}"));
    let line =
        "translate --config pairs.toml --data wide.csv --epochs 1 --source-column english --target-column artish";
    desk.ok(&format!("{line} --out run"));
    desk.ok("translate --config pairs.toml --epochs 1 --out table");
    assert_eq!(desk.bytes("run/weights.safetensors"), desk.bytes("table/weights.safetensors"));

    // Pages stay together, so the parts are others.
    let ran = desk.ok(&format!("{line} --group-column page --out pages"));
    assert!(ran.stdout.contains("pairs to train"), "{}", ran.stdout);
    assert_ne!(desk.bytes("pages/weights.safetensors"), desk.bytes("table/weights.safetensors"));
    desk.refused(
        "translate --data wide.csv --source-column englisch",
        "wide.csv: expected one of the columns `id`, `artish`, `english`, `page`, found `englisch`; did you mean `english`?",
    );
    desk.refused(
        "translate --data wide.csv --source-column artish",
        "wide.csv: expected a column of texts and another of their counterparts, found none",
    );
}

#[test]
fn several_answers_may_be_right() {
    let desk = Desk::with_pairs();
    let rows: String = pairs()
        .into_iter()
        .map(|(source, target)| format!("{source}\t{target}\n{source}\t{}\n", target.replace(" la ", " le ")))
        .collect();
    desk.write("pairs.tsv", format!("english\tartish\n{rows}"));
    let ran = desk.ok("translate --config pairs.toml --epochs 8 --out run");
    let scores = scores(&desk, "run");
    let sentences = scores["sentences"].as_u64().expect("a number");
    assert!(ran.stdout.contains(&format!("{sentences} sentences to test")), "{}", ran.stdout);
    let both = |line: &&str| line.contains(" la ") && line.contains(" / ") && line.contains(" le ");
    assert!(ran.stdout.lines().filter(both).count() >= 1, "{}", ran.stdout);
}

#[test]
fn the_lectures_network_has_the_lectures_sizes() {
    let desk = Desk::with_pairs();
    let summary = desk.ok("summary translate").stdout;
    assert_eq!(summary.matches(" 117,248").count(), 2, "{summary}");
    assert!(summary.contains(" 12,900\n") && summary.contains("Total parameters      247,396"), "{summary}");

    let ran = desk.ok("translate --lecture --data pairs.tsv --hidden 8 --epochs 1 --beam 1 --out run");
    for line in
        ["codec = \"chars\"", "one_hot = true", "model = \"lstm\"", "bidirectional = false", "attention = \"none\""]
    {
        assert!(desk.read("run/plan.toml").contains(line), "`{line}` in:\n{}", desk.read("run/plan.toml"));
    }
    assert!(ran.stdout.contains("encoder (LSTM)") && !ran.stdout.contains("Embedding"), "{}", ran.stdout);
    let summary = desk.ok("summary run").stdout;
    assert!(ran.stdout.starts_with(summary.trim_end()), "{summary}");
    desk.asked("predict run", &["ana eats the bread"]);
}
