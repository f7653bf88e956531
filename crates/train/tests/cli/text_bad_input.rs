//! Whatever is wrong with texts, pairs and labeled sentences is told in one line: where, what was expected, what came.

use crate::program::{Desk, pairs};

/// Lets the program train what it must refuse, and sees that nothing is left behind.
#[track_caller]
fn refused(desk: &Desk, line: &str, error: &str) {
    let before = desk.listing("");
    desk.refused(&format!("{line} --out run"), error);
    assert_eq!(desk.listing(""), before, "something was left behind");
    assert!(!desk.path("run").exists(), "a run was begun");
}

/// A tab-separated table with one of its lines, counted from 1, replaced.
fn table_with(desk: &Desk, file: &str, line: usize, row: &str) -> String {
    let text = desk.read(file);
    let mut rows: Vec<&str> = text.lines().collect();
    rows[line - 1] = row;
    rows.join("\n") + "\n"
}

#[test]
fn a_text_that_is_none() {
    let desk = Desk::with_story();
    for (bytes, error) in [
        (&b"one\ntwo \xff three"[..], "bad.txt, line 2: expected UTF-8 text, found an invalid byte at offset 8"),
        (b"", "bad.txt: expected a text of at least 2 characters, found an empty file"),
        (b"\xef\xbb\xbf", "bad.txt: expected a text of at least 2 characters, found none"),
        (b"x", "bad.txt: expected a text of at least 2 characters, found a single one"),
    ] {
        desk.write("bad.txt", bytes);
        refused(&desk, "generate --config story.toml --data bad.txt", error);
    }
    refused(&desk, "generate --data none.txt", "none.txt: expected a readable file: No such file or directory");
    refused(&desk, "generate --data .", ".: expected a file, found a directory");
}

#[test]
fn a_text_too_short_for_what_is_cut_from_it() {
    let desk = Desk::with_story();
    let text = desk.read("story.txt");
    let there = text.chars().count() * 9 / 10;
    refused(
        &desk,
        "generate --config story.toml --window 100000",
        &format!(
            "story.txt (train): expected at least 100001 tokens for a window of 100000 and the token after it, found \
             {there}; take a longer text, or a window of at most {}",
            there - 1
        ),
    );
    refused(
        &desk,
        "generate --config story.toml --batch 1000",
        &format!(
            "story.txt (train): expected at least 16001 tokens for 1000 lanes of one window of 16 each, found {there}; \
             take at most {} of them, or a shorter window",
            (there - 1) / 16
        ),
    );
    for share in ["0", "1", "-0.5"] {
        let error = format!("--valid: expected a share between 0 and 1, found {share}");
        refused(&desk, &format!("generate --config story.toml --valid={share}"), &error);
    }
    desk.write("tiny.txt", "ab");
    refused(
        &desk,
        "generate --data tiny.txt --valid 0.6",
        "tiny.txt (train): expected at least 1 character for each part",
    );
    refused(
        &desk,
        "generate --config story.toml --codec bpe --vocabulary 100",
        "expected a vocabulary of at least 261 for bpe, found 100",
    );
}

#[test]
fn settings_that_cannot_be() {
    let desk = Desk::with_story();
    for (setting, error) in [
        ("--window 0", "--window: expected at least 1, found 0"),
        ("--hidden 0", "--hidden: expected at least 1, found 0"),
        ("--embedding 0", "--embedding: expected at least 1, found 0"),
        ("--layers 0", "--layers: expected at least 1, found 0"),
        ("--dropout 1", "--dropout: expected a share in [0, 1), found 1"),
        ("--batch 0", "--batch: expected at least 1, found 0"),
        ("--tokenizer story.txt", "story.txt: expected a tokenizer.json of Hugging Face: "),
        ("--tokenizer none.json", "none.json: expected a readable file: "),
    ] {
        refused(&desk, &format!("generate --config story.toml {setting}"), error);
    }
    let desk = Desk::with_pairs();
    for (setting, error) in [
        ("--longest 0", "--longest: expected at least 1, found 0"),
        ("--beam 0", "--beam: expected at least 1, found 0"),
        ("--alpha=-1", "--alpha: expected 0 or a positive number, found -1"),
        ("--smoothing 1", "--smoothing: expected a share in [0, 1), found 1"),
        ("--sampling 1", "--sampling: expected a share in [0, 1), found 1"),
        ("--tied --one-hot", "--tied: expected an embedding to share weights with, found one-hot inputs"),
    ] {
        refused(&desk, &format!("translate --config pairs.toml {setting}"), error);
    }
    let desk = Desk::with_opinions(2);
    for (setting, error) in [
        ("--longest 0", "--longest: expected at least 1, found 0"),
        ("--word-dropout 1", "--word-dropout: expected a share in [0, 1), found 1"),
        ("--min-count 1000", "expected texts to fit words on, found no word that occurs at least 1000 times"),
        ("--vocabulary 2", "expected a vocabulary of at least 5 for words, found 2"),
    ] {
        refused(&desk, &format!("sentiment --config opinions.toml {setting}"), error);
    }
}

#[test]
fn data_that_are_another_kind_or_not_there() {
    let desk = Desk::new();
    for (line, error) in [
        ("translate --data fables", "fables: expected a data set of the kind pairs, found one of the kind text"),
        ("generate --data weather", "weather: expected a data set of the kind text, found one of the kind series"),
        ("sentiment --data phrases", "phrases: expected a data set of the kind labeled, found one of the kind pairs"),
        ("forecast --data reviews", "reviews: expected a data set of the kind series, found one of the kind labeled"),
        ("generate --data fabels", "found `fabels`; did you mean `fables`?"),
        ("translate --data phrase", "found `phrase`; did you mean `phrases`?"),
        ("sentiment --data review", "found `review`; did you mean `reviews`?"),
        (
            "translate --data home-assistant",
            "datasets/raw/home-assistant/home-assistant.csv: expected a fetched data set, found nothing; \
             run `train data fetch home-assistant`",
        ),
        ("generate --data tiny-shakespeare", "found nothing; run `train data fetch tiny-shakespeare`"),
        ("sentiment --data vader-reviews", "found nothing; run `train data fetch vader-reviews`"),
    ] {
        refused(&desk, line, error);
    }
}

#[test]
fn pairs_that_are_none() {
    let desk = Desk::with_pairs();
    let mut bytes = desk.bytes("pairs.tsv");
    bytes.insert(100, 0xff);
    for (bytes, error) in [
        (bytes, "bad.tsv, line 4: expected UTF-8 text, found an invalid byte at offset 100"),
        (
            table_with(&desk, "pairs.tsv", 9, "ana eats the moon\t").into(),
            "bad.tsv, line 9, column `artish`: expected a text, found an empty cell",
        ),
        (
            table_with(&desk, "pairs.tsv", 9, "\tpa la ana mon").into(),
            "bad.tsv, line 9, column `english`: expected a text, found an empty cell",
        ),
        (
            table_with(&desk, "pairs.tsv", 9, "ana").into(),
            "bad.tsv, line 9: expected 2 fields as in the header, found 1",
        ),
        (b"english\nana\n".into(), "bad.tsv: expected a second column, with the counterpart of the first, found none"),
        (b"".into(), "bad.tsv: expected a header line and rows below it, found an empty file"),
        (b"english\tartish\n".into(), "bad.tsv: expected a header line and rows below it, found a header alone"),
        (b"a\tb\nana\tla\n".into(), "expected at least 1 row for each part of a split, found 0"),
    ] {
        let bytes: Vec<u8> = bytes;
        desk.write("bad.tsv", bytes);
        refused(&desk, "translate --config pairs.toml --data bad.tsv", error);
    }
}

#[test]
fn two_files_that_do_not_go_line_by_line() {
    let desk = Desk::with_pairs();
    let (sources, mut targets): (Vec<String>, Vec<String>) = pairs().into_iter().unzip();
    desk.write("a.txt", sources.join("\n"));
    desk.write("short.txt", targets[..149].join("\n"));
    targets[6].clear();
    desk.write("hole.txt", targets.join("\n"));
    desk.write("bytes.txt", b"la\nlo \xff");
    desk.write("empty.txt", "");
    let line = "translate --config pairs.toml --data";
    for (files, error) in [
        ("a.txt --target-data short.txt", "short.txt: expected as many lines in both, found 150 and 149"),
        ("a.txt --target-data hole.txt", "hole.txt, line 7: expected the counterpart of the same line in "),
        ("a.txt --target-data bytes.txt", "bytes.txt, line 2: expected UTF-8 text, found an invalid byte at offset 6"),
        ("a.txt --target-data none.txt", "none.txt: expected a readable file: "),
        ("empty.txt --target-data empty.txt", "empty.txt: expected pairs of texts, found none"),
    ] {
        refused(&desk, &format!("{line} {files}"), error);
    }
}

#[test]
fn labels_that_are_none() {
    let desk = Desk::with_opinions(2);
    let opinions = |line: usize, row: &str| table_with(&desk, "opinions.tsv", line, row).into_bytes();
    let mut bytes = desk.bytes("opinions.tsv");
    bytes.insert(100, 0xff);
    let only: String = desk
        .read("opinions.tsv")
        .lines()
        .filter(|line| !line.contains("negative"))
        .map(|line| format!("{line}\n"))
        .collect();
    let in_part = |line: usize, row: &str| {
        let text = desk.read("opinions.tsv");
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
        (
            only.into(),
            "bad.tsv (train), column `label`: expected at least two labels to tell apart, found only `positive`",
        ),
        (
            in_part(7, "This tea is red\tpositiv\ttest"),
            "bad.tsv, line 7, column `label`: expected a label that training has, one of `negative`, `positive`, found \
             `positiv`; did you mean `positive`?",
        ),
        (
            in_part(7, "This tea is red\tpositive\ttesting"),
            "bad.tsv, line 7, column `part`: expected train, valid or test, found `testing`",
        ),
        (b"".into(), "bad.tsv: expected a header line and rows below it, found an empty file"),
        (b"text\nThis tea\n".into(), "bad.tsv: expected a column of texts and another of labels, found none"),
    ] {
        desk.write("bad.tsv", bytes);
        refused(&desk, "sentiment --config opinions.toml --data bad.tsv", error);
    }
    refused(
        &desk,
        "sentiment --config opinions.toml --text-column txt",
        "opinions.tsv: expected one of the columns `text`, `label`, found `txt`; did you mean `text`?",
    );
}

#[test]
fn sentences_to_ask_about_that_are_none() {
    let desk = Desk::with_pairs();
    desk.ok("translate --config pairs.toml --epochs 1 --out translator");
    let opinions = Desk::with_opinions(2);
    desk.write("opinions.tsv", opinions.bytes("opinions.tsv"));
    desk.write("opinions.toml", opinions.bytes("opinions.toml"));
    desk.ok("sentiment --config opinions.toml --epochs 1 --out judge");
    desk.write("bytes.txt", b"ana eats the fish\nben \xff");
    desk.write("empty.txt", "");
    desk.write("hole.txt", "ana\n \nben\n");
    for run in ["translator", "judge"] {
        for (input, error) in [
            ("--input bytes.txt", "bytes.txt, line 2: expected UTF-8 text, found an invalid byte at offset 22"),
            ("--input empty.txt", "empty.txt: expected a sentence on each line, found none"),
            ("--input hole.txt", "hole.txt, line 2: expected a sentence, found an empty line"),
            ("--input none.txt", "none.txt: expected a readable file: "),
            ("--input .", ".: expected a file, found a directory"),
            ("", "standard input: expected a sentence on each line, found none"),
        ] {
            desk.refused(&format!("predict {run} {input}"), error);
        }
    }
    desk.refused_to(
        "predict translator",
        &["ana", " "],
        "the sentences to translate: expected a sentence on each line",
    );
    desk.refused_to(
        "predict judge",
        &["tea", " "],
        "the sentences to judge: expected a word in each, found none in sentence 2",
    );
}

#[test]
fn what_another_task_is_asked() {
    let desk = Desk::with_pairs();
    desk.ok("translate --config pairs.toml --epochs 1 --out run");
    for (asked, error) in [
        ("--prompt The", "--prompt: it is for a run of `generate`, and run is a run of `translate`"),
        ("--greedy ana", "--greedy: it is for a run of `generate`, and run is a run of `translate`"),
        ("--explain ana", "--explain: it is for a run of `sentiment`, and run is a run of `translate`"),
        ("--steps 3", "--steps: it is for a run of `forecast`, and run is a run of `translate`"),
    ] {
        desk.refused(&format!("predict run {asked}"), error);
    }
    desk.refused("complete run ana", "run: expected a run of `generate`, found a run of `translate`");
    let desk = Desk::with_story();
    desk.ok("generate --config story.toml --epochs 1 --out run");
    for (asked, error) in [
        ("ana", "SENTENCE: it is for runs that take sentences, and run is a run of `generate`"),
        ("--input story.txt", "--input: it is for runs that take sentences, and run is a run of `generate`"),
        ("--attention x.svg", "--attention: it is for a run of `translate`, and run is a run of `generate`"),
        ("--format csv", "--format: expected text or json for this run, found csv"),
        ("--length 0", "--length: expected at least 1, found 0"),
        ("--temperature=-1", "--temperature: expected 0 or a positive number, found -1"),
        ("--top-p 0", "--top-p: expected a share above 0 and at most 1, found 0"),
        ("--repetition 0.5", "--repetition: expected a number of at least 1, found 0.5"),
    ] {
        desk.refused(&format!("predict run {asked}"), error);
    }
    for task in ["translate", "sentiment", "forecast"] {
        let error = format!("run/plan.toml: expected settings of `{task}`, found those of `generate`");
        desk.refused(&format!("{task} --config run/plan.toml --out other"), &error);
        assert!(!desk.path("other").exists());
    }
    assert!(desk.ok("summary run").stdout.starts_with("Language model on (batch, 16)\n"));
    desk.refused("summary nowhere", "nowhere: expected the folder of a run, found nothing");
}

#[test]
fn a_codec_that_does_not_fit_the_weights() {
    let desk = Desk::with_story();
    desk.ok("generate --config story.toml --epochs 1 --out run");
    let codec = desk.read("run/codec.json");
    desk.write("story.txt", desk.read("story.txt") + "A zebra, QUITE another! ");
    desk.write("story.txt", desk.read("story.txt").chars().rev().collect::<String>());
    desk.ok("generate --config story.toml --epochs 1 --out other");
    let tokens = |codec: &str| {
        let codec: serde_json::Value = serde_json::from_str(codec).expect("JSON");
        4 + codec["alphabet"].as_str().expect("characters").chars().count()
    };
    let other = desk.read("other/codec.json");
    let error = format!(
        "other/weights.safetensors: expected weights for the {} tokens of the codec, found {}",
        tokens(&codec),
        tokens(&other)
    );
    desk.write("other/codec.json", &codec);
    for line in ["predict other", "complete other x", "evaluate other", "resume other --epochs 2", "summary other"] {
        desk.refused(line, &error);
    }
    for damaged in ["{\"kind\":\"chars\"", "{}", "chars", ""] {
        desk.write("other/codec.json", damaged);
        desk.refused("predict other", "other/codec.json: expected a saved codec: ");
        desk.refused("resume other --epochs 2", "other/codec.json: expected a saved codec: ");
    }
    std::fs::remove_file(desk.path("other/codec.json")).expect("the codec");
    desk.refused("predict other", "other/codec.json: expected a text file of this run, found No such file");

    // A plan of another network is told too, and not only when it is too late.
    desk.write("other/codec.json", other);
    desk.write("other/plan.toml", desk.read("other/plan.toml").replace("hidden = 24", "hidden = 23"));
    for line in ["predict other", "evaluate other", "resume other --epochs 2"] {
        desk.refused(line, "other/weights.safetensors: expected the weights of this run, found ");
    }
}

#[test]
fn codecs_of_pairs_and_of_labelled_sentences_that_do_not_fit() {
    let desk = Desk::with_pairs();
    desk.ok("translate --config pairs.toml --epochs 1 --out run");
    desk.ok("translate --config pairs.toml --epochs 1 --codec chars --out other");
    desk.ok("translate --data pairs.tsv --lecture --hidden 4 --beam 1 --epochs 1 --schedule constant --out lecture");
    let codec = desk.read("run/codec.json");
    desk.write("other/codec.json", &codec);
    desk.write("lecture/codec.json", &codec);
    // Fifteen words of either language, and four special tokens.
    for line in ["predict other ana", "evaluate other", "resume other --epochs 2"] {
        desk.refused(line, "other/weights.safetensors: expected weights for the 19 tokens of the codec, found ");
    }
    for line in ["predict lecture ana", "evaluate lecture", "resume lecture --epochs 2"] {
        desk.refused(line, "lecture/weights.safetensors: expected the weights of this run, found ");
    }
    desk.write("run/codec.json", "{\"source\":{}}");
    desk.refused("predict run ana", "run/codec.json: expected the codecs of both languages, found ");

    let desk = Desk::with_opinions(2);
    desk.ok("sentiment --config opinions.toml --epochs 1 --out run");
    desk.ok("sentiment --config opinions.toml --epochs 1 --codec chars --out other");
    desk.write("other/codec.json", desk.read("run/codec.json"));
    for line in ["predict other tea", "evaluate other", "resume other --epochs 2"] {
        desk.refused(line, "other/weights.safetensors: expected weights for the ");
    }
    desk.write("run/labels.json", "[\"negative\"");
    desk.refused("predict run tea", "run/labels.json: expected the labels of this run, found ");
}

#[test]
fn a_sentence_that_is_too_long_is_cut_and_told() {
    const CUT: &str = "note: cut to the 8 tokens that the run reads at most: `tea tea tea";
    let long = ["tea"; 10_000].join(" ");
    let desk = Desk::with_opinions(2);
    desk.write("opinions.tsv", table_with(&desk, "opinions.tsv", 2, &format!("{long}\tpositive")));
    let ran = desk.ok("sentiment --config opinions.toml --epochs 1 --longest 8 --out run");
    assert!(ran.stderr.contains("note: 1 sentence(s) were cut to 8 tokens (--longest)"), "{}", ran.stderr);
    desk.write("long.txt", &long);
    let ran = desk.ok("predict run --input long.txt --format json");
    assert!(ran.stderr.starts_with(CUT) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
    assert_eq!(ran.json()[0]["cut"], true);
    let ran = desk.asked("predict run", &["tea tea tea tea tea tea tea tea"]);
    assert_eq!(ran.stderr, "", "eight are not too long");

    let desk = Desk::with_pairs();
    let pairs = desk.read("pairs.tsv");
    desk.write("pairs.tsv", format!("{pairs}{long}\tpa la\n"));
    let ran = desk.ok("translate --config pairs.toml --epochs 1 --longest 8 --out run");
    assert!(ran.stderr.contains("note: 1 sentence(s) were cut to 8 tokens (--longest)"), "{}", ran.stderr);
    desk.write("long.txt", &long);
    let ran = desk.ok("predict run --input long.txt --format json");
    assert!(ran.stderr.contains(CUT), "{}", ran.stderr);
    assert_eq!(ran.json()[0]["cut"], true);
    let ran = desk.asked("predict run --format json", &["ana eats the bread ana eats the bread"]);
    assert_eq!((ran.stderr, &ran.stdout.contains("\"cut\":false")), (String::new(), &true));
    // What is unknown is named once, and not without end.
    desk.write("strange.txt", (0..30).map(|n| format!("w{n} w{n} ")).collect::<String>());
    let ran = desk.ok("predict run --input strange.txt");
    assert!(ran.stderr.contains(" `w8` `w9` and 20 more (in `w0 w0 w1 "), "{}", ran.stderr);
}

#[test]
fn a_single_endless_line_is_a_text_like_any_other() {
    let desk = Desk::new();
    // Ten megabytes: what grows with the square of a line's length would take hours.
    desk.write("line.txt", "abcdefgh ij ".repeat(10_000_000 / 12));
    let network = "--model rnn --hidden 2 --embedding 2 --dropout 0 --window 32 --batch 4096";
    let ran = desk.ok(&format!("generate --data line.txt --valid 0.01 {network} --epochs 1 --out run"));
    assert!(ran.stdout.contains("9895936 tokens to train"), "{}", ran.stdout);
}
