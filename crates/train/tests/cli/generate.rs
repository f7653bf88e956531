//! A run that learns to write, from its first line to its last word.

use crate::program::Desk;

/// A desk with a run of three epochs.
fn with_run() -> Desk {
    let desk = Desk::with_story();
    desk.ok("generate --config story.toml --out run");
    desk
}

/// The characters of the training part, in the order of their numbers.
fn alphabet(desk: &Desk) -> Vec<char> {
    let text = desk.read("story.txt");
    let mut alphabet: Vec<char> = text.chars().take(text.chars().count() * 9 / 10).collect();
    alphabet.sort_unstable();
    alphabet.dedup();
    alphabet
}

#[test]
fn a_run_leaves_a_bundle_that_writes() {
    let desk = Desk::with_story();
    let ran = desk.ok("generate --config story.toml --trace 3 --out run");
    for word in ["epoch 3/3: training loss ", "validation: ", "bits a character", "the best so far writes: "] {
        assert!(ran.stderr.contains(word), "`{word}` in:\n{}", ran.stderr);
    }
    for word in ["lstm (LSTM)", "Validation: ", "perplexity ", "A sample:\n", "train predict run --prompt \"The\""] {
        assert!(ran.stdout.contains(word), "`{word}` in:\n{}", ran.stdout);
    }

    // The lecture's table, with the numbers of the codec: the characters in their order, after four special tokens.
    let number = |c: char| 4 + alphabet(&desk).iter().position(|known| *known == c).expect("a character");
    let [t, h, e, blank] = ['T', 'h', 'e', ' '].map(number);
    let table = format!(
        "Step    0\n  input: {t} ('T')\n  expected output: {h} ('h')\n\n\
         Step    1\n  input: {h} ('h')\n  expected output: {e} ('e')\n\n\
         Step    2\n  input: {e} ('e')\n  expected output: {blank} ('␣')\n"
    );
    assert!(ran.stdout.contains(&table), "{table}\nin:\n{}", ran.stdout);
    assert!(!ran.stdout.contains("Step    3"), "{}", ran.stdout);

    let files = desk.listing("run");
    for file in ["codec.json", "metrics.jsonl", "pictures/loss.svg", "plan.toml", "scores.json", "weights.safetensors"]
    {
        assert!(files.contains(&file.to_string()), "{file} in {files:?}");
    }
    assert!(!files.iter().any(|file| file.contains(".tmp") || file.contains("partial")), "{files:?}");
    assert_eq!(desk.read("run/metrics.jsonl").lines().count(), 3);
    let scores: serde_json::Value = serde_json::from_str(&desk.read("run/scores.json")).expect("JSON");
    let [nats, bits, perplexity] =
        ["nats", "bits_per_character", "perplexity"].map(|name| scores[name].as_f64().expect("a number"));
    assert!((bits - nats / std::f64::consts::LN_2).abs() < 1e-9 && (perplexity - nats.exp()).abs() < 1e-9, "{scores}");
    assert!(perplexity < 4.0, "sentences as simple as these are learned: {scores}");

    // To write, the folder alone is needed.
    std::fs::remove_file(desk.path("story.txt")).expect("the text");
    assert!(!desk.ok("predict run --length 20").stdout.is_empty());
}

#[test]
fn a_seed_decides_what_is_written() {
    let desk = with_run();
    let write = |line: &str| desk.ok(&format!("predict run --prompt The --length 60 {line}")).stdout;
    assert_eq!(write("--seed 3"), write("--seed 3"));
    assert_ne!(write("--seed 3"), write("--seed 4"));
    assert_eq!(write("--greedy --seed 3"), write("--greedy --seed 4"));
    assert_eq!(write("--temperature 0"), write("--greedy"));
    assert_eq!(write("--top-k 1 --seed 3"), write("--greedy"));
    assert_eq!(write("--beam 1"), write("--greedy"));
    assert_eq!(write("--beam 3"), write("--beam 3 --seed 5"));
    assert_ne!(write("--greedy --repetition 5"), write("--greedy"));
}

#[test]
fn what_is_streamed_is_what_json_says() {
    let desk = with_run();
    for how in ["--seed 3", "--greedy", "--beam 3"] {
        let json =
            desk.asked(&format!("predict run --length 40 --format json {how}"), &["--prompt", "The ana "]).json();
        assert_eq!(json.len(), 1);
        assert_eq!((&json[0]["prompt"], &json[0]["tokens"]), (&"The ana ".into(), &40.into()));
        let text = json[0]["text"].as_str().expect("text");
        assert_eq!(text.chars().count(), 40, "a token is a character");
        let streamed = desk.asked(&format!("predict run --length 40 {how}"), &["--prompt", "The ana "]).stdout;
        assert_eq!(streamed, format!("The ana {text}\n"));
        desk.asked(&format!("predict run --length 40 --output out.txt {how}"), &["--prompt", "The ana "]);
        assert_eq!(desk.read("out.txt"), streamed);
    }
}

#[test]
fn a_text_ends_before_its_stop() {
    let desk = with_run();
    let whole = desk.ok("predict run --length 120 --greedy --format json").json();
    let whole = whole[0]["text"].as_str().expect("text");
    assert!(whole.contains("the"), "{whole}");
    let json = desk.ok("predict run --length 120 --greedy --stop the --format json").json();
    assert_eq!(json[0]["text"].as_str(), whole.split("the").next());
    assert!(json[0]["tokens"].as_u64() < Some(120), "{json:?}");
    let streamed = desk.ok("predict run --length 120 --greedy --stop the").stdout;
    assert_eq!(streamed.strip_suffix('\n'), json[0]["text"].as_str());
}

#[cfg(feature = "ndarray")]
#[test]
fn another_device_writes_the_same() {
    let desk = with_run();
    let line = "predict run --prompt The --length 80 --greedy --device";
    assert_eq!(desk.ok(&format!("{line} flex")).stdout, desk.ok(&format!("{line} ndarray")).stdout);
}

#[test]
fn characters_never_seen_are_told_and_read_as_unknown() {
    let desk = with_run();
    let line = "predict run --length 20 --greedy --format json";
    let ran = desk.asked(line, &["--prompt", "Жan Ж§"]);
    assert_eq!(ran.stderr, "note: never seen in training and read as <unk>: `Ж` `§` (in `Жan Ж§`)\n");
    assert_eq!(ran.json()[0]["unknown"], serde_json::json!(["Ж", "Ж", "§"]));
    let streamed = desk.asked("predict run --length 20 --greedy", &["--prompt", "Жan Ж§"]).stdout;
    assert!(streamed.starts_with("Жan Ж§"), "the prompt stays as it was typed: {streamed}");
    // All that is unknown is one token, whichever it is.
    let other = desk.asked(line, &["--prompt", "Qan Q5"]);
    assert_eq!(ran.json()[0]["text"], other.json()[0]["text"]);
    desk.refused_to("predict run --strict", &["--prompt", "Жan Ж§"], "--prompt: expected what the run has seen");
    desk.refused_to("predict run --strict", &["--prompt", "Жan Ж§"], "found Ж");
    desk.asked("predict run --strict --length 5", &["--prompt", "The ana"]);
}

#[test]
fn subwords_and_words_can_be_tokens_too() {
    let desk = Desk::with_story();
    let ran = desk.ok("generate --config story.toml --codec bpe --vocabulary 300 --epochs 1 --out bpe");
    assert!(ran.stdout.contains("as bpe (300 different)"), "{}", ran.stdout);
    let json = desk.asked("predict bpe --length 30 --format json", &["--prompt", "The ana"]).json();
    assert_eq!((&json[0]["tokens"], &json[0]["unknown"]), (&30.into(), &serde_json::json!([])));
    let streamed = desk.asked("predict bpe --length 30", &["--prompt", "The ana"]).stdout;
    assert_eq!(streamed, format!("The ana{}\n", json[0]["text"].as_str().expect("text")));
    // Bytes make up whatever has no piece.
    let json = desk.asked("predict bpe --length 3 --strict --format json", &["--prompt", "Ж§"]).json();
    assert_eq!(json[0]["unknown"], serde_json::json!([]));

    let ran = desk.ok("generate --config story.toml --codec words --batch 4 --epochs 2 --out words");
    assert!(ran.stdout.contains("as words ("), "{}", ran.stdout);
    let went_on = |prompt: &str| {
        let ran = desk.asked("predict words --length 3 --greedy", &["--prompt", prompt]);
        ran.stdout.strip_prefix(prompt).expect("the prompt").to_string()
    };
    // One blank between the prompt and the next word, wherever it is from.
    let [without, with] = ["The ana", "The ana "].map(went_on);
    assert!(without.starts_with(' ') && !with.starts_with(' '), "`{without}` and `{with}`");
    assert_eq!(without.trim_start(), with);
}

#[test]
fn a_tokenizer_from_elsewhere_serves() {
    let desk = Desk::with_story();
    let words = ["[UNK]", ".", "The", "the", "ana", "ben", "eats", "sees", "bread", "fish"];
    let vocabulary: Vec<String> = words.iter().zip(0..).map(|(word, number)| format!("\"{word}\":{number}")).collect();
    desk.write(
        "tokenizer.json",
        format!(
            "{{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\"normalizer\":null,\
             \"pre_tokenizer\":{{\"type\":\"Whitespace\"}},\"post_processor\":null,\"decoder\":null,\
             \"model\":{{\"type\":\"WordLevel\",\"vocab\":{{{}}},\"unk_token\":\"[UNK]\"}}}}",
            vocabulary.join(",")
        ),
    );
    let ran =
        desk.ok("generate --config story.toml --tokenizer tokenizer.json --batch 4 --epochs 1 --trace 2 --out run");
    // Its ten tokens, and the three special ones that it lacks.
    assert!(ran.stdout.contains("as words (13 different)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("input: 2 ('The')\n  expected output: 4 ('ana')"), "{}", ran.stdout);
    assert!(desk.read("run/plan.toml").contains("tokenizer = \"tokenizer.json\""));

    // What was read from it is in the folder.
    std::fs::remove_file(desk.path("tokenizer.json")).expect("the tokenizer");
    let line = "predict run --length 4 --greedy";
    let streamed = desk.asked(line, &["--prompt", "The ana eats"]).stdout;
    assert!(streamed.starts_with("The ana eats "), "{streamed}");
    let ran = desk.asked(line, &["--prompt", "The ana drinks"]);
    assert!(ran.stderr.contains("read as <unk>: `drinks`"), "{}", ran.stderr);
    desk.ok("resume run --epochs 2");
}

#[test]
fn words_are_completed_likeliest_first() {
    let desk = with_run();
    let stdout = desk.asked("complete run -n 3", &["The a"]).stdout;
    let ways = |stdout: &str| -> Vec<(f64, String)> {
        let way = |line: &str| {
            let (percent, text) = line.split_once(" %  ").expect("a probability");
            (percent.trim().parse().expect("a number"), text.to_string())
        };
        stdout.lines().map(way).collect()
    };
    let offers = ways(&stdout);
    assert_eq!(offers.len(), 3, "{stdout}");
    assert!(offers.iter().all(|(_, text)| text.starts_with("The a") && text.len() > 5), "{stdout}");
    assert!(offers.is_sorted_by(|a, b| a.0 >= b.0), "{stdout}");
    // To a tenth of a percent each.
    assert!(offers.iter().map(|(percent, _)| percent).sum::<f64>() <= 100.2, "{stdout}");
    assert_eq!(offers[0].1, "The ana", "{stdout}");

    let lines = desk.fed("complete run -n 2", "The b\nThe ana takes the sto\n").stdout;
    let offers = ways(&lines);
    assert_eq!(offers.len(), 4, "{lines}");
    assert!(offers[..2].iter().all(|(_, text)| text.starts_with("The b")), "{lines}");
    assert_eq!(offers[2].1, "The ana takes the stone", "{lines}");
    desk.refused("complete run -n 0 x", "--n: expected at least 1, found 0");
}

#[test]
fn a_plan_makes_the_same_run_again() {
    let desk = Desk::with_story();
    desk.ok("generate --config story.toml --epochs 1 --tied --layers 2 --model gru --out a");
    desk.ok("generate --config a/plan.toml --out b");
    assert_eq!(desk.read("a/plan.toml"), desk.read("b/plan.toml"));
    assert_eq!(desk.bytes("a/weights.safetensors"), desk.bytes("b/weights.safetensors"));
}
