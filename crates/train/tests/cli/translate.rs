//! `train translate`, and translations by its runs.

use serde_json::Value;

use crate::program::{TestSandbox, pairs};

/// A sandbox with a run, `run`, that has learned the artificial language.
fn with_run() -> TestSandbox {
    let sandbox = TestSandbox::with_pairs();
    sandbox.ok("translate --config pairs.toml --out run");
    sandbox
}

fn scores(sandbox: &TestSandbox, run: &str) -> Value {
    serde_json::from_str(&sandbox.read(&format!("{run}/scores.json"))).expect("JSON")
}

#[test]
fn run_folder_is_complete_and_translates() {
    let sandbox = TestSandbox::with_pairs();
    let ran = sandbox.ok("translate --config pairs.toml --out run");
    for word in
        ["encoder (Bidirectional GRU)", "attention: general", "BLEU", "nearest neighbor", "The network beats both"]
    {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    let files = sandbox.listing("run");
    for file in [
        "config.toml",
        "metrics.jsonl",
        "plots/attention-1.svg",
        "plots/bleu.svg",
        "plots/loss.svg",
        "scores.json",
        "search.toml",
        "tokenizers.json",
        "weights.safetensors",
    ] {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }
    let scores = scores(&sandbox, "run");
    let names: Vec<&Value> = scores["rows"].as_array().expect("rows").iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["GRU (general attention)", "copy", "nearest neighbor"]);
    let exact = scores["rows"][0]["exact"].as_f64().expect("a fraction");
    assert!(exact >= 0.9, "the network learns the rules of the language: {scores}");

    let evaluated = sandbox.ok("evaluate run").stdout;
    assert!(ran.stdout.contains(evaluated.trim()), "{evaluated}\nin\n{}", ran.stdout);

    // Translation needs only the folder.
    std::fs::remove_file(sandbox.path("pairs.tsv")).expect("the data");
    assert_eq!(sandbox.ok_with_args("predict run", &["ana eats the red bread"]).stdout, "pa ru la ana mon\n");
}

#[test]
fn length_penalty_is_chosen_or_given() {
    let sandbox = with_run();
    let chosen = sandbox.read("run/search.toml");
    let ran = sandbox.ok("evaluate run").stdout;
    assert!(ran.contains(", the best of 5 by BLEU on "), "{ran}");
    assert_eq!(scores(&sandbox, "run")["chosen"]["candidates"].as_array().map(Vec::len), Some(5));
    assert_eq!(sandbox.read("run/search.toml"), chosen);
    assert!(!sandbox.read("run/config.toml").contains("length_penalty"));
    sandbox.write("run/search.toml", chosen.replacen("length_penalty = ", "length_penalty = -", 1) + "other = 1\n");
    sandbox.refused_with_args("predict run", &["ana"], "run/search.toml: expected the search.toml of this run, found ");

    sandbox.ok("translate --config pairs.toml --epochs 1 --length-penalty 1 --out given");
    assert!(sandbox.read("given/config.toml").contains("length_penalty = 1.0\n"));
    assert!(!sandbox.path("given/search.toml").exists());
}

#[test]
fn names_are_copied() {
    let sandbox = TestSandbox::with_pairs();
    // Each number occurs once, so that those of the test split can only be copied.
    let rows: String = pairs()
        .iter()
        .enumerate()
        .map(|(index, (source, target))| (source, target, index * 7919 % 10_000))
        .map(|(source, target, number)| format!("{source} {number:04}\t{target} {number:04}\n"))
        .collect();
    sandbox.write("numbered.tsv", format!("english\tartish\n{rows}"));
    let line = "translate --config pairs.toml --data numbered.tsv --tokenizer chars --joint --tie-weights --epochs 15";
    sandbox.ok(&format!("{line} --out without"));
    let ran = sandbox.ok(&format!("{line} --copy --out run"));
    let [without, with] = ["without", "run"].map(|run| scores(&sandbox, run)["loss"].as_f64().expect("a number"));
    assert!(with < 0.75 * without, "{with} nats per token, and {without} without a copy gate");
    for word in [
        "a joint vocabulary of ",
        "attention: general, with a copy gate.",
        "source and target (Embedding)",
        "copy gate",
    ] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }
    sandbox.ok_with_args("predict run --attention attention.svg", &["ana eats the red bread 1234"]);
    let evaluated = sandbox.ok("evaluate run").stdout;
    assert!(ran.stdout.contains(evaluated.trim()), "{evaluated}\nin\n{}", ran.stdout);
    sandbox.ok("resume run --epochs 16");
}

#[test]
fn sentences_from_arguments_a_file_or_standard_input() {
    let sandbox = with_run();
    let typed = sandbox.ok_with_args("predict run", &["ana eats the bread", "dov sees the red fish"]).stdout;
    assert_eq!(typed, "pa la ana mon\nlo ru la dov vid\n");
    let lines = "ana eats the bread\ndov sees the red fish\n";
    sandbox.write("lines.txt", lines);
    assert_eq!(sandbox.ok("predict run --input lines.txt").stdout, typed);
    assert_eq!(sandbox.ok_with_input("predict run", lines).stdout, typed);
    assert_eq!(sandbox.ok_with_input("predict run --input -", lines).stdout, typed);
    // With a byte order mark and the line breaks of Windows.
    sandbox.write("lines.txt", format!("\u{feff}{}", lines.replace('\n', "\r\n")));
    let ran = sandbox.ok("predict run --input lines.txt");
    assert_eq!((ran.stdout, ran.stderr), (typed.clone(), String::new()));
    sandbox.ok("predict run --input lines.txt --output out.txt");
    assert_eq!(sandbox.read("out.txt"), typed);
    let ran = sandbox.run("predict run ana --input lines.txt");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
}

#[test]
fn targets_may_be_much_longer_than_sources() {
    let sandbox = TestSandbox::with_pairs();
    let spelled = |number: usize| format!("{number:03}").replace('0', "to be or not to be ").replace('1', "a b c ");
    let rows: String = (0..400).map(|number| format!("{number}\t{}\n", spelled(number))).collect();
    sandbox.write("spelled.tsv", format!("number\tspelled\n{rows}"));
    sandbox.ok("translate --config pairs.toml --data spelled.tsv --tokenizer chars --epochs 1 --out run");
    // Nothing is learned in an epoch, so that only the maximum length ends a translation.
    let lengths = sandbox.ok_with_args("predict run --beam-size 1 --format json", &["0", "1", "0 1 2 3 4 5 6"]).json();
    for line in lengths {
        let length = line["text"].as_str().expect("text").chars().count();
        assert!(line["cut"] == false || length > 22, "{line}");
    }
}

#[test]
fn an_answer_has_one_line() {
    let sandbox = TestSandbox::with_pairs();
    let rows: String = pairs().iter().map(|(source, target)| format!("{source},\"{target}\n{target}\"\n")).collect();
    sandbox.write("lines.csv", format!("english,artish\n{rows}"));
    sandbox.ok("translate --config pairs.toml --data lines.csv --out run");
    let asked = ["ana eats the bread", "dov sees the red fish"];
    let ran = sandbox.ok_with_args("predict run --format json", &asked);
    assert!(
        ran.json().iter().any(|line| line["text"].as_str().is_some_and(|text| text.contains('\n'))),
        "{}",
        ran.stdout
    );
    let ran = sandbox.ok_with_args("predict run", &asked);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
}

#[test]
fn empty_lines_have_empty_answers() {
    let sandbox = with_run();
    sandbox.write("hole.txt", "\nana eats the bread\n \ndov sees the red fish\n\n");
    let ran = sandbox.ok("predict run --input hole.txt");
    assert_eq!(ran.stdout, "\npa la ana mon\n\nlo ru la dov vid\n\n");
    assert_eq!(ran.stderr, "note: hole.txt: 3 empty line(s), the first is line 1: each has an empty answer\n");
    let json = sandbox.ok("predict run --input hole.txt --format json").json();
    assert_eq!((json.len(), &json[2]["text"], &json[3]["text"]), (5, &"".into(), &"lo ru la dov vid".into()));
}

#[test]
fn many_lines_keep_their_order() {
    let sandbox = with_run();
    let pairs = pairs();
    // Of several lengths, in no order, and more of them than there are in a batch.
    let chosen: Vec<&(String, String)> = (0..pairs.len()).map(|n| &pairs[n * 7 % pairs.len()]).collect();
    let lines: String = chosen.iter().map(|(source, _)| format!("{source}\n")).collect();
    let translations = sandbox.ok_with_input("predict run --format json --beam-size 1", &lines).json();
    assert_eq!(translations.len(), chosen.len());
    let correct = chosen.iter().zip(&translations).filter(|((source, target), translation)| {
        assert_eq!(translation["source"], **source);
        translation["text"] == **target
    });
    assert!(correct.count() * 10 >= chosen.len() * 9);
}

#[test]
fn json_has_probability_and_alternatives() {
    let sandbox = with_run();
    let ran = sandbox.ok_with_args("predict run --format json --beam-size 3", &["ana eats the zebra"]);
    let [translation] = &ran.json()[..] else { panic!("{}", ran.stdout) };
    let probability = translation["probability"].as_f64().expect("a number");
    assert!(probability > 0.0 && probability <= 1.0, "{translation}");
    assert_eq!(translation["unknown"], serde_json::json!(["zebra"]));
    assert_eq!((&translation["truncated"], &translation["cut"]), (&false.into(), &false.into()));
    assert!(
        translation["alternatives"].as_array().is_some_and(|others| (1..=2).contains(&others.len())),
        "{translation}"
    );
    assert_eq!(ran.stderr, "note: not in the vocabulary and read as <unk>: `zebra` (in `ana eats the zebra`)\n");
    sandbox.refused_with_args(
        "predict run --format csv",
        &["ana"],
        "--format: expected text or json for this run, found csv",
    );
    let ran = sandbox.ok_with_args("predict run --format json --max-length 2", &["ana eats the bread"]);
    assert_eq!((&ran.json()[0]["cut"], &ran.json()[0]["text"]), (&true.into(), &"pa la".into()));
    assert_eq!(ran.stderr, "note: cut at the maximum length (--max-length): the translation of `ana eats the bread`\n");
    sandbox.refused_with_args(
        "predict run --max-length 0",
        &["ana"],
        "--max-length: expected between 1 and 10000, found 0",
    );
    sandbox.refused_with_args(
        "predict run --beam-size 0",
        &["ana"],
        "--beam-size: expected between 1 and 1000, found 0",
    );
    sandbox.refused_with_args(
        "predict run --length-penalty=-1",
        &["ana"],
        "--length-penalty: expected a number from 0 to 100, found -1",
    );
}

#[test]
fn attention_can_be_plotted() {
    let sandbox = with_run();
    sandbox.ok_with_args("predict run --attention attention.svg", &["ana eats the red bread", "dov sees the fish"]);
    let plot = sandbox.read("attention.svg");
    for token in ["ana", "eats", "red", "bread", "pa", "ru", "la", "mon", "&lt;eos&gt;"] {
        assert!(plot.contains(&format!("\n{token}\n")), "`{token}` in:\n{plot}");
    }
    assert!(!plot.contains("dov"), "the plot is of the first sentence alone");
}

#[test]
fn no_plot_without_attention() {
    let sandbox = TestSandbox::with_pairs();
    let ran = sandbox.ok("translate --config pairs.toml --attention none --epochs 1 --out run");
    assert!(ran.stdout.contains("attention: none"), "{}", ran.stdout);
    assert!(!sandbox.listing("run").iter().any(|file| file.contains("attention")));
    sandbox.refused_with_args(
        "predict run --attention x.svg",
        &["ana"],
        "--attention: expected a run with attention, found run without",
    );
    assert!(!sandbox.path("x.svg").exists());
}

#[test]
fn aligned_files() {
    let sandbox = TestSandbox::with_pairs();
    let (sources, targets): (Vec<String>, Vec<String>) = pairs().into_iter().unzip();
    sandbox.write("a.txt", sources.join("\n"));
    sandbox.write("b.txt", targets.join("\n") + "\n");
    sandbox.ok("translate --config pairs.toml --data a.txt --target-data b.txt --out files");
    // They have the pairs of the table, so the weights are the same.
    sandbox.ok("translate --config pairs.toml --out table");
    assert_eq!(sandbox.bytes("files/weights.safetensors"), sandbox.bytes("table/weights.safetensors"));
    sandbox.ok("resume files --epochs 26");
    sandbox.write("b.txt", targets.join("\n").replace("mon", "man") + "\n");
    sandbox.refused("resume files --epochs 27", "expected the bytes that it began with (sha256 ");
}

#[test]
fn columns_can_be_named() {
    let sandbox = TestSandbox::with_pairs();
    let rows: String =
        (1..).zip(pairs()).map(|(n, (source, target))| format!("{n};{target};{source};{}\n", n % 9)).collect();
    sandbox.write("wide.csv", format!("id;artish;english;page\n{rows}"));
    let line =
        "translate --config pairs.toml --data wide.csv --epochs 1 --source-column english --target-column artish";
    sandbox.ok(&format!("{line} --out run"));
    sandbox.ok("translate --config pairs.toml --epochs 1 --out table");
    assert_eq!(sandbox.bytes("run/weights.safetensors"), sandbox.bytes("table/weights.safetensors"));

    // The pairs of a page stay in one split, so the splits are others.
    let ran = sandbox.ok(&format!("{line} --group-column page --out pages"));
    assert!(ran.stdout.contains("pairs for training"), "{}", ran.stdout);
    assert_ne!(sandbox.bytes("pages/weights.safetensors"), sandbox.bytes("table/weights.safetensors"));
    sandbox.refused(
        "translate --data wide.csv --source-column englisch",
        "wide.csv: expected one of the columns `id`, `artish`, `english`, `page`, found `englisch`; did you mean `english`?",
    );
    sandbox.refused(
        "translate --data wide.csv --source-column artish",
        "wide.csv: expected a column of sources and another of targets, found none",
    );
}

#[test]
fn several_references() {
    let sandbox = TestSandbox::with_pairs();
    let rows: String = pairs()
        .into_iter()
        .map(|(source, target)| format!("{source}\t{target}\n{source}\t{}\n", target.replace(" la ", " le ")))
        .collect();
    sandbox.write("pairs.tsv", format!("english\tartish\n{rows}"));
    let ran = sandbox.ok("translate --config pairs.toml --epochs 8 --out run");
    let scores = scores(&sandbox, "run");
    let sentences = scores["sentences"].as_u64().expect("a number");
    assert!(ran.stdout.contains(&format!("{sentences} sentences for test")), "{}", ran.stdout);
    let both = |line: &&str| line.contains(" la ") && line.contains(" / ") && line.contains(" le ");
    assert!(ran.stdout.lines().filter(both).count() >= 1, "{}", ran.stdout);
}

#[test]
fn lecture_network_has_its_parameter_counts() {
    let sandbox = TestSandbox::with_pairs();
    let summary = sandbox.ok("summary translate").stdout;
    assert_eq!(summary.matches(" 117,248").count(), 2, "{summary}");
    assert!(summary.contains(" 12,900\n") && summary.contains("Total parameters      247,396"), "{summary}");

    let ran = sandbox.ok("translate --lecture --data pairs.tsv --hidden-size 8 --epochs 1 --beam-size 1 --out run");
    for line in
        ["tokenizer = \"chars\"", "one_hot = true", "cell = \"lstm\"", "bidirectional = false", "attention = \"none\""]
    {
        assert!(sandbox.read("run/config.toml").contains(line), "`{line}` in:\n{}", sandbox.read("run/config.toml"));
    }
    assert!(ran.stdout.contains("encoder (LSTM)") && !ran.stdout.contains("Embedding"), "{}", ran.stdout);
    let summary = sandbox.ok("summary run").stdout;
    assert!(ran.stdout.starts_with(summary.trim_end()), "{summary}");
    sandbox.ok_with_args("predict run", &["ana eats the bread"]);
}

#[test]
fn tokenizer_of_hugging_face() {
    let sandbox = TestSandbox::with_pairs();
    let sources = "ana ben cleo dov eva eats sees takes the red bread fish stone apple water";
    sandbox.write_tokenizer("tokenizer.json", &format!("{sources} pa lo ki zu mi ru la mon vid pren"));
    let ran = sandbox.ok("translate --config pairs.toml --tokenizer tokenizer.json --out run");
    // It is used on both sides: 25 words, its unknown token, and the three special tokens that it lacks.
    let described = "tokenizer tokenizer.json (vocabularies of 29 and 29)";
    assert!(ran.stdout.contains(described), "{}", ran.stdout);
    assert!(sandbox.read("run/config.toml").contains("tokenizer = \"tokenizer.json\""));

    // The run's folder has a copy.
    std::fs::remove_file(sandbox.path("tokenizer.json")).expect("the tokenizer");
    let ran = sandbox.ok_with_args("predict run", &["ana eats the red bread", "dov sees the zebra"]);
    assert!(ran.stdout.starts_with("pa ru la ana mon\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("not in the vocabulary and read as <unk>: `zebra`"), "{}", ran.stderr);
    sandbox.ok("resume run --epochs 26");
}
