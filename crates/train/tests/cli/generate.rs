//! `train generate`, and texts and completions by its runs.

use crate::program::TestSandbox;

/// A sandbox with a run of three epochs, `run`.
fn with_run() -> TestSandbox {
    let sandbox = TestSandbox::with_story();
    sandbox.ok("generate --config story.toml --out run");
    sandbox
}

/// The characters of the training split, in the order of their ids.
fn alphabet(sandbox: &TestSandbox) -> Vec<char> {
    let text = sandbox.read("story.txt");
    let mut alphabet: Vec<char> = text.chars().take(text.chars().count() * 9 / 10).collect();
    alphabet.sort_unstable();
    alphabet.dedup();
    alphabet
}

#[test]
fn run_folder_is_complete_and_generates() {
    let sandbox = TestSandbox::with_story();
    let ran = sandbox.ok("generate --config story.toml --trace 3 --out run");
    for word in ["epoch 3/3: training loss ", "validation: ", "bits per character", "a sample of the best epoch: "] {
        assert!(ran.stderr.contains(word), "`{word}` in:\n{}", ran.stderr);
    }
    for word in [
        "lstm (LSTM)",
        "Validation: ",
        "-grams with Kneser–Ney smoothing: ",
        "perplexity ",
        "A sample:\n",
        "train predict run --prompt \"The\"",
    ] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }

    // The lecture's table of steps. The ids are those of the tokenizer: characters in their order, after four special
    // tokens.
    let id = |c: char| 4 + alphabet(&sandbox).iter().position(|known| *known == c).expect("a character");
    let [t, h, e, blank] = ['T', 'h', 'e', ' '].map(id);
    let table = format!(
        "Step    0\n  input: {t} ('T')\n  expected output: {h} ('h')\n\n\
         Step    1\n  input: {h} ('h')\n  expected output: {e} ('e')\n\n\
         Step    2\n  input: {e} ('e')\n  expected output: {blank} ('␣')\n"
    );
    assert!(ran.stdout.contains(&table), "{table}\nin:\n{}", ran.stdout);
    assert!(!ran.stdout.contains("Step    3"), "{}", ran.stdout);

    let files = sandbox.listing("run");
    for file in
        ["config.toml", "metrics.jsonl", "plots/loss.svg", "scores.json", "tokenizer.json", "weights.safetensors"]
    {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }
    assert!(!files.iter().any(|file| file.contains(".tmp") || file.contains("partial")), "{files:?}");
    assert_eq!(sandbox.read("run/metrics.jsonl").lines().count(), 3);
    let scores: serde_json::Value = serde_json::from_str(&sandbox.read("run/scores.json")).expect("JSON");
    let [nats, bits, perplexity] =
        ["nats", "bits_per_character", "perplexity"].map(|name| scores[name].as_f64().expect("a number"));
    assert!(scores["ngrams"]["order"].as_u64() > Some(1) && scores["ngrams"]["nats"].as_f64() > Some(0.0), "{scores}");
    assert!((bits - nats / std::f64::consts::LN_2).abs() < 1e-9 && (perplexity - nats.exp()).abs() < 1e-9, "{scores}");
    assert!(perplexity < 4.0, "the network learns sentences as simple as these: {scores}");

    // Generation needs only the folder.
    std::fs::remove_file(sandbox.path("story.txt")).expect("the text");
    assert!(!sandbox.ok("predict run --max-new-tokens 20").stdout.is_empty());
}

#[test]
fn sampling_options_decide_the_text() {
    let sandbox = with_run();
    let generate = |line: &str| sandbox.ok(&format!("predict run --prompt The --max-new-tokens 60 {line}")).stdout;
    assert_eq!(generate("--seed 3"), generate("--seed 3"));
    assert_ne!(generate("--seed 3"), generate("--seed 4"));
    assert_eq!(generate("--greedy --seed 3"), generate("--greedy --seed 4"));
    assert_eq!(generate("--temperature 0"), generate("--greedy"));
    assert_eq!(generate("--top-k 1 --seed 3"), generate("--greedy"));
    assert_eq!(generate("--beam-size 1"), generate("--greedy"));
    assert_eq!(generate("--beam-size 3"), generate("--beam-size 3 --seed 5"));
    let sampling = "--repetition-penalty: expected no option of sampling beside --beam-size";
    sandbox.refused("predict run --beam-size 3 --repetition-penalty 2", sampling);
    assert_ne!(generate("--greedy --repetition-penalty 5"), generate("--greedy"));
}

#[test]
fn streamed_text_equals_json() {
    let sandbox = with_run();
    for how in ["--seed 3", "--greedy", "--beam-size 3"] {
        let json = sandbox
            .ok_with_args(&format!("predict run --max-new-tokens 40 --format json {how}"), &["--prompt", "The ana "])
            .json();
        assert_eq!(json.len(), 1);
        assert_eq!((&json[0]["prompt"], &json[0]["num_tokens"]), (&"The ana ".into(), &40.into()));
        let text = json[0]["text"].as_str().expect("text");
        assert_eq!(text.chars().count(), 40, "each token is a character");
        let streamed =
            sandbox.ok_with_args(&format!("predict run --max-new-tokens 40 {how}"), &["--prompt", "The ana "]).stdout;
        assert_eq!(streamed, format!("The ana {text}\n"));
        sandbox.ok_with_args(
            &format!("predict run --max-new-tokens 40 --output out.txt {how}"),
            &["--prompt", "The ana "],
        );
        assert_eq!(sandbox.read("out.txt"), streamed);
    }
}

#[test]
fn text_ends_before_the_stop_text() {
    let sandbox = with_run();
    let whole = sandbox.ok("predict run --max-new-tokens 120 --greedy --format json").json();
    let whole = whole[0]["text"].as_str().expect("text");
    assert!(whole.contains("the"), "{whole}");
    let json = sandbox.ok("predict run --max-new-tokens 120 --greedy --stop the --format json").json();
    assert_eq!(json[0]["text"].as_str(), whole.split("the").next());
    assert!(json[0]["num_tokens"].as_u64() < Some(120), "{json:?}");
    let streamed = sandbox.ok("predict run --max-new-tokens 120 --greedy --stop the").stdout;
    assert_eq!(streamed.strip_suffix('\n'), json[0]["text"].as_str());
}

#[cfg(feature = "ndarray")]
#[test]
fn another_device_generates_the_same_text() {
    let sandbox = with_run();
    let line = "predict run --prompt The --max-new-tokens 80 --greedy --device";
    assert_eq!(sandbox.ok(&format!("{line} flex")).stdout, sandbox.ok(&format!("{line} ndarray")).stdout);
}

#[test]
fn unknown_characters_are_reported_and_read_as_unk() {
    let sandbox = with_run();
    let line = "predict run --max-new-tokens 20 --greedy --format json";
    let ran = sandbox.ok_with_args(line, &["--prompt", "Жan Ж§"]);
    assert_eq!(ran.stderr, "note: not in the vocabulary and read as <unk>: `Ж` `§` (in `Жan Ж§`)\n");
    assert_eq!(ran.json()[0]["unknown"], serde_json::json!(["Ж", "Ж", "§"]));
    let streamed = sandbox.ok_with_args("predict run --max-new-tokens 20 --greedy", &["--prompt", "Жan Ж§"]).stdout;
    assert!(streamed.starts_with("Жan Ж§"), "the prompt stays as it is: {streamed}");
    // All unknown characters are the same token.
    let other = sandbox.ok_with_args(line, &["--prompt", "Qan Q5"]);
    assert_eq!(ran.json()[0]["text"], other.json()[0]["text"]);
    sandbox.refused_with_args(
        "predict run --strict",
        &["--prompt", "Жan Ж§"],
        "--prompt: expected characters of the training split",
    );
    sandbox.refused_with_args("predict run --strict", &["--prompt", "Жan Ж§"], "found Ж");
    sandbox.ok_with_args("predict run --strict --max-new-tokens 5", &["--prompt", "The ana"]);
}

#[test]
fn subword_and_word_tokenizers() {
    let sandbox = TestSandbox::with_story();
    let ran = sandbox.ok("generate --config story.toml --tokenizer bpe --vocab-size 300 --epochs 1 --out bpe");
    assert!(ran.stdout.contains("tokenizer bpe (vocabulary of 300)"), "{}", ran.stdout);
    let json = sandbox.ok_with_args("predict bpe --max-new-tokens 30 --format json", &["--prompt", "The ana"]).json();
    assert_eq!((&json[0]["num_tokens"], &json[0]["unknown"]), (&30.into(), &serde_json::json!([])));
    let streamed = sandbox.ok_with_args("predict bpe --max-new-tokens 30", &["--prompt", "The ana"]).stdout;
    assert_eq!(streamed, format!("The ana{}\n", json[0]["text"].as_str().expect("text")));
    // What has no subword is encoded as bytes, so nothing is unknown.
    let json =
        sandbox.ok_with_args("predict bpe --max-new-tokens 3 --strict --format json", &["--prompt", "Ж§"]).json();
    assert_eq!(json[0]["unknown"], serde_json::json!([]));

    let ran = sandbox.ok("generate --config story.toml --tokenizer words --batch-size 4 --epochs 2 --out words");
    assert!(ran.stdout.contains("tokenizer words (vocabulary of "), "{}", ran.stdout);
    let continued = |prompt: &str| {
        let ran = sandbox.ok_with_args("predict words --max-new-tokens 3 --greedy", &["--prompt", prompt]);
        ran.stdout.strip_prefix(prompt).expect("the prompt").to_string()
    };
    // There is one space between the prompt and the next word, with or without one at the end of the prompt.
    let [without, with] = ["The ana", "The ana "].map(continued);
    assert!(without.starts_with(' ') && !with.starts_with(' '), "`{without}` and `{with}`");
    assert_eq!(without.trim_start(), with);
}

#[test]
fn half_typed_words_are_completed_by_any_tokenizer() {
    let sandbox = TestSandbox::with_story();
    for tokenizer in ["words", "bpe --vocab-size 320"] {
        let ran = format!("generate --config story.toml --tokenizer {tokenizer} --batch-size 4 --epochs 3 --out run");
        sandbox.ok(&format!("{ran} --force"));
        let ran = sandbox.ok_with_args("complete run -n 2", &["The ana takes the sto"]);
        assert_eq!(ran.stderr, "", "no part of the text is unknown");
        let (percent, text) = ran.stdout.lines().next().and_then(|line| line.split_once(" %  ")).expect("a completion");
        assert_eq!(text, "The ana takes the stone", "{tokenizer}: {}", ran.stdout);
        assert!(percent.trim().parse::<f64>().is_ok_and(|percent| percent > 50.0), "{}", ran.stdout);
        for how in ["--greedy", "--beam-size 2"] {
            let line = format!("predict run --max-new-tokens 3 {how} --strict");
            let ran = sandbox.ok_with_args(&line, &["--prompt", "The ana takes the sto"]);
            assert!(ran.stdout.starts_with("The ana takes the stone"), "{tokenizer} {how}: {}", ran.stdout);
        }
    }
    // A word is not completed after a space.
    let ran = sandbox.ok_with_args("complete run -n 1", &["The ana "]);
    assert!(!ran.stdout.contains("ana  ") && ran.stdout.contains("The ana "), "{}", ran.stdout);
}

#[test]
fn unknown_tokens_leave_no_bits_per_character() {
    let sandbox = TestSandbox::with_story();
    let ran =
        sandbox.ok("generate --config story.toml --tokenizer words --vocab-size 9 --batch-size 4 --epochs 1 --out run");
    assert!(ran.stderr.contains(" tokens of the validation split ("), "{}", ran.stderr);
    assert!(ran.stdout.contains(" % of the tokens <unk>."), "{}", ran.stdout);
    assert!(!ran.stdout.contains("bits per character") && !ran.stderr.contains("bits per character"));
    let scores: serde_json::Value = serde_json::from_str(&sandbox.read("run/scores.json")).expect("JSON");
    assert!(scores["bits_per_character"].is_null() && scores["unknown"].as_f64() > Some(0.3), "{scores}");
}

#[test]
fn a_tokenizer_without_unk_drops_no_letters() {
    let sandbox = TestSandbox::with_story();
    let letters = ('a'..='z').map(|c| c.to_string()).chain([" ", ".", "\n"].map(String::from));
    let vocab: serde_json::Map<String, serde_json::Value> = letters.zip((0..).map(serde_json::Value::from)).collect();
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "post_processor": null,
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": null, "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": []}
    });
    sandbox.write("tokenizer.json", tokenizer.to_string());
    let line = "generate --config story.toml --tokenizer tokenizer.json --epochs 1";
    let ran = sandbox.ok(&format!("{line} --out run"));
    assert!(ran.stdout.contains("bits per character") && !ran.stderr.contains("<unk>"), "{}", ran.stderr);
    sandbox.refused_with_args("predict run --strict", &["--prompt", "The \u{1}§ ana"], "found \u{1} §");
    let story = sandbox.read("story.txt").replace("stone", "st\u{f8}ne");
    sandbox.write("story.txt", story);
    let ran = sandbox.ok(&format!("{line} --out other"));
    assert!(ran.stderr.contains("tokens of the training split") && !ran.stdout.contains("bits per character"));
}

#[test]
fn tokenizer_of_hugging_face() {
    let sandbox = TestSandbox::with_story();
    sandbox.write_tokenizer("tokenizer.json", ". The the ana ben eats sees bread fish");
    let ran = sandbox
        .ok("generate --config story.toml --tokenizer tokenizer.json --batch-size 4 --epochs 1 --trace 2 --out run");
    // Its ten tokens, and the three special tokens that it lacks.
    assert!(ran.stdout.contains("tokenizer words (vocabulary of 13)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("input: 2 ('The')\n  expected output: 4 ('ana')"), "{}", ran.stdout);
    assert!(sandbox.read("run/config.toml").contains("tokenizer = \"tokenizer.json\""));

    // The run's folder has a copy.
    std::fs::remove_file(sandbox.path("tokenizer.json")).expect("the tokenizer");
    let line = "predict run --max-new-tokens 4 --greedy";
    let streamed = sandbox.ok_with_args(line, &["--prompt", "The ana eats"]).stdout;
    assert!(streamed.starts_with("The ana eats "), "{streamed}");
    let ran = sandbox.ok_with_args(line, &["--prompt", "The ana drinks"]);
    assert!(ran.stderr.contains("not in the vocabulary and read as <unk>: `drinks`"), "{}", ran.stderr);
    sandbox.ok("resume run --epochs 2");
}

#[test]
fn completions_are_in_order_of_probability() {
    let sandbox = with_run();
    let stdout = sandbox.ok_with_args("complete run -n 3", &["The a"]).stdout;
    let completions = |stdout: &str| -> Vec<(f64, String)> {
        let completion = |line: &str| {
            let (percent, text) = line.split_once(" %  ").expect("a probability");
            (percent.trim().parse().expect("a number"), text.to_string())
        };
        stdout.lines().map(completion).collect()
    };
    let found = completions(&stdout);
    assert_eq!(found.len(), 3, "{stdout}");
    assert!(found.iter().all(|(_, text)| text.starts_with("The a") && text.len() > 5), "{stdout}");
    assert!(found.is_sorted_by(|a, b| a.0 >= b.0), "{stdout}");
    // Each is rounded to a tenth of a percent.
    assert!(found.iter().map(|(percent, _)| percent).sum::<f64>() <= 100.2, "{stdout}");
    assert_eq!(found[0].1, "The ana", "{stdout}");

    let lines = sandbox.ok_with_input("complete run -n 2", "The b\nThe ana takes the sto\n").stdout;
    let found = completions(&lines);
    assert_eq!(found.len(), 4, "{lines}");
    assert!(found[..2].iter().all(|(_, text)| text.starts_with("The b")), "{lines}");
    assert_eq!(found[2].1, "The ana takes the stone", "{lines}");
    sandbox.refused("complete run -n 0 The", "--n: expected between 1 and 1000, found 0");
}

#[test]
fn config_reproduces_the_run() {
    let sandbox = TestSandbox::with_story();
    sandbox.ok("generate --config story.toml --epochs 1 --tie-weights --num-layers 2 --cell gru --out a");
    sandbox.ok("generate --config a/config.toml --out b");
    assert_eq!(sandbox.read("a/config.toml"), sandbox.read("b/config.toml"));
    assert_eq!(sandbox.bytes("a/weights.safetensors"), sandbox.bytes("b/weights.safetensors"));
}
