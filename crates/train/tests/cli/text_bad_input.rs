//! Bad texts, pairs and labeled sentences are refused with one line: where, what was expected, and what was found.

use crate::program::{TestSandbox, pairs};

/// Trains on bad data or settings, which must be refused without leaving a file.
#[track_caller]
fn refused(sandbox: &TestSandbox, line: &str, error: &str) {
    let before = sandbox.listing("");
    sandbox.refused(&format!("{line} --out run"), error);
    assert_eq!(sandbox.listing(""), before, "files were left behind");
    assert!(!sandbox.path("run").exists(), "the run's folder was made");
}

/// A tab-separated table with one of its lines, counted from 1, replaced.
fn table_with(sandbox: &TestSandbox, file: &str, line: usize, row: &str) -> String {
    let text = sandbox.read(file);
    let mut rows: Vec<&str> = text.lines().collect();
    rows[line - 1] = row;
    rows.join("\n") + "\n"
}

#[test]
fn invalid_text_file() {
    let sandbox = TestSandbox::with_story();
    for (bytes, error) in [
        (&b"one\ntwo \xff three"[..], "bad.txt, line 2: expected UTF-8 text, found an invalid byte at offset 8"),
        (b"", "bad.txt: expected a text of at least 2 characters, found an empty file"),
        (b"\xef\xbb\xbf", "bad.txt: expected a text of at least 2 characters, found none"),
        (b"x", "bad.txt: expected a text of at least 2 characters, found a single one"),
    ] {
        sandbox.write("bad.txt", bytes);
        refused(&sandbox, "generate --config story.toml --data bad.txt", error);
    }
    refused(&sandbox, "generate --data none.txt", "none.txt: expected a readable file: No such file or directory");
    refused(&sandbox, "generate --data .", ".: expected a file, found a directory");
}

#[test]
fn text_too_short_for_its_windows() {
    let sandbox = TestSandbox::with_story();
    let text = sandbox.read("story.txt");
    let tokens = text.chars().count() * 9 / 10;
    refused(
        &sandbox,
        "generate --config story.toml --bptt 100000",
        &format!(
            "story.txt (train): expected at least 100001 tokens for 100000 steps and the token after them, found \
             {tokens}; use a longer text, or at most {} steps (steps: --bptt, streams: --batch-size)",
            tokens - 1
        ),
    );
    refused(
        &sandbox,
        "generate --config story.toml --batch-size 1000",
        &format!(
            "story.txt (train): expected at least 16001 tokens for 1000 streams of 16 steps, found {tokens}; use at \
             most {} streams, or fewer steps (steps: --bptt, streams: --batch-size)",
            (tokens - 1) / 16
        ),
    );
    for fraction in ["0", "1", "-0.5"] {
        let error = format!("--valid-fraction: expected a fraction between 0 and 1, found {fraction}");
        refused(&sandbox, &format!("generate --config story.toml --valid-fraction={fraction}"), &error);
    }
    sandbox.write("tiny.txt", "ab");
    refused(
        &sandbox,
        "generate --data tiny.txt --valid-fraction 0.6",
        "tiny.txt (train): expected at least 1 character for each subset of the split",
    );
    refused(
        &sandbox,
        "generate --config story.toml --tokenizer bpe --vocab-size 100",
        "--vocab-size: expected at least 261 for the bpe tokenizer, found 100",
    );
}

#[test]
fn settings_out_of_bounds() {
    let sandbox = TestSandbox::with_story();
    for (setting, error) in [
        ("--bptt 0", "--bptt: expected between 1 and 1000000, found 0"),
        ("--hidden-size 0", "--hidden-size: expected between 1 and 65536, found 0"),
        ("--embedding-dim 0", "--embedding-dim: expected between 1 and 65536, found 0"),
        ("--num-layers 0", "--num-layers: expected between 1 and 64, found 0"),
        ("--dropout 1", "--dropout: expected a fraction in [0, 1), found 1"),
        ("--batch-size 0", "--batch-size: expected between 1 and 1000000, found 0"),
        ("--tokenizer story.txt", "story.txt: expected a tokenizer.json of Hugging Face: "),
        ("--tokenizer none.json", "none.json: expected a readable file: "),
    ] {
        refused(&sandbox, &format!("generate --config story.toml {setting}"), error);
    }
    let sandbox = TestSandbox::with_pairs();
    for (setting, error) in [
        ("--max-length 0", "--max-length: expected between 1 and 1000000, found 0"),
        ("--beam-size 0", "--beam-size: expected between 1 and 1000, found 0"),
        ("--length-penalty=-1", "--length-penalty: expected a number from 0 to 100, found -1"),
        ("--label-smoothing 1", "--label-smoothing: expected a fraction in [0, 1), found 1"),
        ("--scheduled-sampling 1", "--scheduled-sampling: expected a fraction in [0, 1), found 1"),
        ("--tie-weights --one-hot", "--tie-weights: expected an embedding to share weights with, found one-hot inputs"),
        ("--joint --one-hot", "--joint: expected an embedding that both languages share, found one-hot inputs"),
        (
            "--copy",
            "--copy: expected a joint vocabulary, so that a token of the source is one of the target, found two vocabularies",
        ),
        ("--copy --joint --attention none", "--copy: expected an attention, which says what is copied, found none"),
        ("--average 1", "--average: expected a fraction in [0, 1), found 1"),
        ("--warmup 1000000000", "--warmup: expected between 0 and 1000000, found 1000000000"),
    ] {
        refused(&sandbox, &format!("translate --config pairs.toml {setting}"), error);
    }
    let sandbox = TestSandbox::with_opinions(2);
    for (setting, error) in [
        ("--max-length 0", "--max-length: expected between 1 and 1000000, found 0"),
        ("--word-dropout 1", "--word-dropout: expected a fraction in [0, 1), found 1"),
        (
            "--min-count 1000",
            "expected texts to fit the words tokenizer on, found no word that occurs at least 1000 times",
        ),
        ("--vocab-size 2", "--vocab-size: expected at least 5 for the words tokenizer, found 2"),
    ] {
        refused(&sandbox, &format!("classify --config opinions.toml {setting}"), error);
    }
}

#[test]
fn data_sets_of_another_kind_or_not_fetched() {
    let sandbox = TestSandbox::new();
    for (line, error) in [
        ("translate --data fables", "fables: expected a data set of the kind pairs, found one of the kind text"),
        ("generate --data weather", "weather: expected a data set of the kind text, found one of the kind series"),
        ("classify --data phrases", "phrases: expected a data set of the kind labeled, found one of the kind pairs"),
        ("forecast --data reviews", "reviews: expected a data set of the kind series, found one of the kind labeled"),
        ("generate --data fabels", "found `fabels`; did you mean `fables`?"),
        ("translate --data phrase", "found `phrase`; did you mean `phrases`?"),
        ("classify --data review", "found `review`; did you mean `reviews`?"),
        (
            "translate --data home-assistant",
            "datasets/raw/home-assistant/home-assistant.csv: expected the fetched data set `home-assistant`, found no \
             such file; to fetch it, run `train data fetch home-assistant`",
        ),
        (
            "generate --data tiny-shakespeare",
            "found no such file; to fetch it, run `train data fetch tiny-shakespeare`",
        ),
        ("classify --data vader-reviews", "found no such file; to fetch it, run `train data fetch vader-reviews`"),
    ] {
        refused(&sandbox, line, error);
    }
}

#[test]
fn invalid_pairs() {
    let sandbox = TestSandbox::with_pairs();
    let mut bytes = sandbox.bytes("pairs.tsv");
    bytes.insert(100, 0xff);
    for (bytes, error) in [
        (bytes, "bad.tsv, line 4: expected UTF-8 text, found an invalid byte at offset 100"),
        (
            table_with(&sandbox, "pairs.tsv", 9, "ana eats the moon\t").into(),
            "bad.tsv, line 9, column `artish`: expected a text, found an empty cell",
        ),
        (
            table_with(&sandbox, "pairs.tsv", 9, "\tpa la ana mon").into(),
            "bad.tsv, line 9, column `english`: expected a text, found an empty cell",
        ),
        (
            table_with(&sandbox, "pairs.tsv", 9, "ana").into(),
            "bad.tsv, line 9: expected 2 fields as in the header, found 1",
        ),
        (b"english\nana\n".into(), "bad.tsv: expected a second column, with the targets, found none"),
        (b"".into(), "bad.tsv: expected a header line and rows below it, found an empty file"),
        (b"english\tartish\n".into(), "bad.tsv: expected a header line and rows below it, found a header alone"),
        (b"a\tb\nana\tla\n".into(), "expected at least 1 row for each subset of the split, found 0"),
    ] {
        let bytes: Vec<u8> = bytes;
        sandbox.write("bad.tsv", bytes);
        refused(&sandbox, "translate --config pairs.toml --data bad.tsv", error);
    }
}

#[test]
fn files_that_are_not_aligned() {
    let sandbox = TestSandbox::with_pairs();
    let (sources, mut targets): (Vec<String>, Vec<String>) = pairs().into_iter().unzip();
    sandbox.write("a.txt", sources.join("\n"));
    sandbox.write("short.txt", targets[..149].join("\n"));
    targets[6].clear();
    sandbox.write("hole.txt", targets.join("\n"));
    sandbox.write("bytes.txt", b"la\nlo \xff");
    sandbox.write("empty.txt", "");
    let line = "translate --config pairs.toml --data";
    for (files, error) in [
        (
            "a.txt --target-data short.txt",
            "a.txt and short.txt: expected the same number of lines in both, found 150 and 149",
        ),
        ("a.txt --target-data hole.txt", "hole.txt, line 7: expected the counterpart of the same line in "),
        ("a.txt --target-data bytes.txt", "bytes.txt, line 2: expected UTF-8 text, found an invalid byte at offset 6"),
        ("a.txt --target-data none.txt", "none.txt: expected a readable file: "),
        ("empty.txt --target-data empty.txt", "empty.txt and empty.txt: expected pairs of texts, found none"),
    ] {
        refused(&sandbox, &format!("{line} {files}"), error);
    }
}

#[test]
fn invalid_labels() {
    let sandbox = TestSandbox::with_opinions(2);
    let opinions = |line: usize, row: &str| table_with(&sandbox, "opinions.tsv", line, row).into_bytes();
    let mut bytes = sandbox.bytes("opinions.tsv");
    bytes.insert(100, 0xff);
    let only: String = sandbox
        .read("opinions.tsv")
        .lines()
        .filter(|line| !line.contains("negative"))
        .map(|line| format!("{line}\n"))
        .collect();
    let with_split = |line: usize, row: &str| {
        let text = sandbox.read("opinions.tsv");
        let rows = text.lines().skip(1).zip(2..).map(|(text, number)| match number {
            _ if number == line => format!("{row}\n"),
            _ => format!("{text}\t{}\n", ["train", "valid", "test"][number % 3]),
        });
        format!("text\tlabel\tpart\n{}", rows.collect::<String>()).into_bytes()
    };
    for (bytes, error) in [
        (bytes, "bad.tsv, line 5: expected UTF-8 text, found an invalid byte at offset 100"),
        (opinions(7, "\tpositive"), "bad.tsv, line 7, column `text`: expected a text, found an empty cell"),
        (opinions(7, "This tea is red\t "), "bad.tsv, line 7, column `label`: expected a label, found an empty cell"),
        (only.into(), "bad.tsv (train), column `label`: expected at least two different labels, found only `positive`"),
        (
            with_split(7, "This tea is red\tpositiv\ttest"),
            "bad.tsv, line 7, column `label`: expected a label of the training texts, one of `negative`, `positive`, found \
             `positiv`; did you mean `positive`?",
        ),
        (
            with_split(7, "This tea is red\tpositive\ttesting"),
            "bad.tsv, line 7, column `part`: expected train, valid or test, found `testing`",
        ),
        (b"".into(), "bad.tsv: expected a header line and rows below it, found an empty file"),
        (b"text\nThis tea\n".into(), "bad.tsv: expected a column of texts and another of labels, found none"),
    ] {
        sandbox.write("bad.tsv", bytes);
        refused(&sandbox, "classify --config opinions.toml --data bad.tsv", error);
    }
    refused(
        &sandbox,
        "classify --config opinions.toml --text-column txt",
        "opinions.tsv: expected one of the columns `text`, `label`, found `txt`; did you mean `text`?",
    );
}

#[test]
fn invalid_sentences_to_predict() {
    let sandbox = TestSandbox::with_pairs();
    sandbox.ok("translate --config pairs.toml --epochs 1 --out translator");
    let opinions = TestSandbox::with_opinions(2);
    sandbox.write("opinions.tsv", opinions.bytes("opinions.tsv"));
    sandbox.write("opinions.toml", opinions.bytes("opinions.toml"));
    sandbox.ok("classify --config opinions.toml --epochs 1 --out classifier");
    sandbox.write("bytes.txt", b"ana eats the fish\nben \xff");
    sandbox.write("empty.txt", "");
    for run in ["translator", "classifier"] {
        for (input, error) in [
            ("--input bytes.txt", "bytes.txt, line 2: expected UTF-8 text, found an invalid byte at offset 22"),
            ("--input empty.txt", "empty.txt: expected a sentence on each line, found none"),
            ("--input none.txt", "none.txt: expected a readable file: "),
            ("--input .", ".: expected a file, found a directory"),
            ("", "standard input: expected a sentence on each line, found none"),
        ] {
            sandbox.refused(&format!("predict {run} {input}"), error);
        }
    }
}

#[test]
fn options_of_another_task() {
    let sandbox = TestSandbox::with_pairs();
    sandbox.ok("translate --config pairs.toml --epochs 1 --out run");
    for (asked, error) in [
        ("--prompt The", "--prompt: it is for runs of `generate`, and run is a run of `translate`"),
        ("--greedy ana", "--greedy: it is for runs of `generate` and `compose`, and run is a run of `translate`"),
        ("--explain ana", "--explain: it is for runs of `classify`, and run is a run of `translate`"),
        ("--steps 3", "--steps: it is for runs of `forecast`, and run is a run of `translate`"),
        ("--data story.txt", "--data: it is for runs of `forecast`, and run is a run of `translate`"),
    ] {
        sandbox.refused(&format!("predict run {asked}"), error);
    }
    sandbox.refused("complete run ana", "run: expected a run of `generate`, found a run of `translate`");
    let sandbox = TestSandbox::with_story();
    sandbox.ok("generate --config story.toml --epochs 1 --out run");
    for (asked, error) in [
        ("ana", "SENTENCE: it is for runs of `translate`, `classify` and `transcribe`, and run is a run of `generate`"),
        (
            "--input story.txt",
            "--input: it is for runs of `translate`, `classify` and `transcribe`, and run is a run of `generate`",
        ),
        ("--attention x.svg", "--attention: it is for runs of `translate`, and run is a run of `generate`"),
        ("--length-penalty 1", "--length-penalty: it is for runs of `translate`, and run is a run of `generate`"),
        ("--explain", "--explain: it is for runs of `classify`, and run is a run of `generate`"),
        ("--format csv", "--format: expected text or json for this run, found csv"),
        ("--max-new-tokens 0", "--max-new-tokens: expected between 1 and 1000000, found 0"),
        ("--temperature=-1", "--temperature: expected 0 or a positive number, found -1"),
        ("--top-p 0", "--top-p: expected a fraction above 0 and at most 1, found 0"),
        ("--repetition-penalty 0.5", "--repetition-penalty: expected a number from 1 to 1000, found 0.5"),
    ] {
        sandbox.refused(&format!("predict run {asked}"), error);
    }
    for (command, task) in
        [("translate", "translate"), ("classify", "classify"), ("sentiment", "classify"), ("forecast", "forecast")]
    {
        let error = format!("run/config.toml: expected settings of `{task}`, found those of `generate`");
        sandbox.refused(&format!("{command} --config run/config.toml --out other"), &error);
        assert!(!sandbox.path("other").exists());
    }
    assert!(sandbox.ok("summary run").stdout.starts_with("Language model on (batch, 16)\n"));
    sandbox.refused("summary nowhere", "nowhere: expected the folder of a run, found nothing");
}

#[test]
fn tokenizer_that_does_not_fit_the_weights() {
    let sandbox = TestSandbox::with_story();
    sandbox.ok("generate --config story.toml --epochs 1 --out run");
    let tokenizer = sandbox.read("run/tokenizer.json");
    sandbox.write("story.txt", sandbox.read("story.txt") + "A zebra, QUITE another! ");
    sandbox.write("story.txt", sandbox.read("story.txt").chars().rev().collect::<String>());
    sandbox.ok("generate --config story.toml --epochs 1 --out other");
    let tokens = |tokenizer: &str| {
        let tokenizer: serde_json::Value = serde_json::from_str(tokenizer).expect("JSON");
        4 + tokenizer["alphabet"].as_str().expect("characters").chars().count()
    };
    let other = sandbox.read("other/tokenizer.json");
    let error = format!(
        "other/weights.safetensors: expected weights for the {} tokens of the tokenizer, found {}",
        tokens(&tokenizer),
        tokens(&other)
    );
    sandbox.write("other/tokenizer.json", &tokenizer);
    for line in ["predict other", "complete other x", "evaluate other", "resume other --epochs 2", "summary other"] {
        sandbox.refused(line, &error);
    }
    for damaged in ["{\"kind\":\"chars\"", "{}", "chars", ""] {
        sandbox.write("other/tokenizer.json", damaged);
        sandbox.refused("predict other", "other/tokenizer.json: expected a saved tokenizer: ");
        sandbox.refused("resume other --epochs 2", "other/tokenizer.json: expected a saved tokenizer: ");
    }
    std::fs::remove_file(sandbox.path("other/tokenizer.json")).expect("the tokenizer");
    sandbox.refused("predict other", "other/tokenizer.json: expected a text file of this run, found No such file");

    // A configuration of another network does not fit either.
    sandbox.write("other/tokenizer.json", other);
    sandbox
        .write("other/config.toml", sandbox.read("other/config.toml").replace("hidden_size = 24", "hidden_size = 23"));
    for line in ["predict other", "evaluate other", "resume other --epochs 2"] {
        sandbox.refused(line, "other/weights.safetensors: expected the weights of this run, found ");
    }
}

#[test]
fn tokenizers_of_pairs_and_of_labeled_sentences_that_do_not_fit() {
    let sandbox = TestSandbox::with_pairs();
    sandbox.ok("translate --config pairs.toml --epochs 1 --out run");
    sandbox.ok("translate --config pairs.toml --epochs 1 --tokenizer chars --out other");
    sandbox.ok("translate --data pairs.tsv --lecture --hidden-size 4 --beam-size 1 --epochs 1 --schedule constant --out lecture");
    let tokenizers = sandbox.read("run/tokenizers.json");
    sandbox.write("other/tokenizers.json", &tokenizers);
    sandbox.write("lecture/tokenizers.json", &tokenizers);
    // Fifteen words of each language, and four special tokens.
    for line in ["predict other ana", "evaluate other", "resume other --epochs 2"] {
        sandbox.refused(line, "other/weights.safetensors: expected weights for the 19 tokens of the tokenizer, found ");
    }
    for line in ["predict lecture ana", "evaluate lecture", "resume lecture --epochs 2"] {
        sandbox.refused(line, "lecture/weights.safetensors: expected the weights of this run, found ");
    }
    sandbox.ok("translate --config pairs.toml --epochs 1 --joint --copy --out joint");
    sandbox.write("joint/tokenizers.json", &tokenizers);
    let error = "joint/tokenizers.json: expected one tokenizer for both languages, since the vocabulary is joint (`joint`), \
                 found two that differ";
    for line in ["predict joint ana", "evaluate joint", "resume joint --epochs 2"] {
        sandbox.refused(line, error);
    }
    sandbox.write("run/tokenizers.json", "{\"source\":{}}");
    sandbox.refused("predict run ana", "run/tokenizers.json: expected the tokenizers of both languages, found ");

    let sandbox = TestSandbox::with_opinions(2);
    sandbox.ok("classify --config opinions.toml --epochs 1 --out run");
    sandbox.ok("classify --config opinions.toml --epochs 1 --tokenizer chars --out other");
    sandbox.write("other/tokenizer.json", sandbox.read("run/tokenizer.json"));
    for line in ["predict other tea", "evaluate other", "resume other --epochs 2"] {
        sandbox.refused(line, "other/weights.safetensors: expected weights for the ");
    }
    sandbox.write("run/labels.json", "[\"negative\"");
    sandbox.refused("predict run tea", "run/labels.json: expected the labels of this run, found ");
}

#[test]
fn long_sentences_are_truncated_with_a_note() {
    const TRUNCATED: &str = "note: truncated to the run's maximum of 8 tokens: `tea tea tea";
    let long = ["tea"; 10_000].join(" ");
    let sandbox = TestSandbox::with_opinions(2);
    sandbox.write("opinions.tsv", table_with(&sandbox, "opinions.tsv", 2, &format!("{long}\tpositive")));
    let ran = sandbox.ok("classify --config opinions.toml --epochs 1 --max-length 8 --out run");
    assert!(ran.stderr.contains("note: 1 sentence(s) were truncated to 8 tokens (--max-length)"), "{}", ran.stderr);
    sandbox.write("long.txt", &long);
    let ran = sandbox.ok("predict run --input long.txt --format json");
    assert!(ran.stderr.starts_with(TRUNCATED) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
    assert_eq!(ran.json()[0]["truncated"], true);
    let ran = sandbox.ok_with_args("predict run", &["tea tea tea tea tea tea tea tea"]);
    assert_eq!(ran.stderr, "", "eight tokens are not too long");

    let sandbox = TestSandbox::with_pairs();
    let pairs = sandbox.read("pairs.tsv");
    sandbox.write("pairs.tsv", format!("{pairs}{long}\tpa la\n"));
    let ran = sandbox.ok("translate --config pairs.toml --epochs 1 --max-length 8 --out run");
    assert!(ran.stderr.contains("note: 1 sentence(s) were truncated to 8 tokens (--max-length)"), "{}", ran.stderr);
    sandbox.write("long.txt", &long);
    let ran = sandbox.ok("predict run --input long.txt --format json");
    assert!(ran.stderr.contains(TRUNCATED), "{}", ran.stderr);
    assert_eq!(ran.json()[0]["truncated"], true);
    let ran = sandbox.ok_with_args("predict run --format json", &["ana eats the bread ana eats the bread"]);
    assert_eq!((ran.stderr, &ran.stdout.contains("\"truncated\":false")), (String::new(), &true));
    // Unknown words are named once each, and only the first ten.
    sandbox.write("strange.txt", (0..30).map(|n| format!("w{n} w{n} ")).collect::<String>());
    let ran = sandbox.ok("predict run --input strange.txt");
    assert!(ran.stderr.contains(" `w8` `w9` and 20 more (in `w0 w0 w1 "), "{}", ran.stderr);
}

#[test]
fn very_long_line() {
    let sandbox = TestSandbox::new();
    // Ten megabytes: an algorithm that is quadratic in the length of a line would take hours.
    sandbox.write("line.txt", "abcdefgh ij ".repeat(10_000_000 / 12));
    let network = "--cell rnn --hidden-size 2 --embedding-dim 2 --dropout 0 --bptt 32 --batch-size 4096";
    let ran = sandbox.ok(&format!("generate --data line.txt --valid-fraction 0.01 {network} --epochs 1 --out run"));
    assert!(ran.stdout.contains("9895936 tokens for training"), "{}", ran.stdout);
}
