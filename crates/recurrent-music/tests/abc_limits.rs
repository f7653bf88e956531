//! No text makes the ABC reader panic, or do more than its limits allow.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use proptest::sample::select;
use recurrent_music::parse_abc;

const MOST: usize = 1 << 18;

const TUNES: [&str; 3] = [
    "X:1\nT:A\nM:6/8\nL:1/8\nQ:3/8=60\nK:Edor\n|:\"Em\"E>F (3GAB|[EGB]2- [EGB] z:|1 c/d//^e:|2 {g}_f4|]\n",
    "X:2\nM:C|\nK:Bb\nV:1\n[K:G][L:1/4] !f!c'3/2 (5:4:5abcde|[1,3 Z2::[M:3/4]x2\nV:2 octave=-1\nB,,2-B,,\\\n|B,::|\nw:la\n",
    "%abc-2.1\nL:1/16\n\nX:3\nM:none\nK:D exp _b ^f\n%%begintext\n%%endtext\nA>>>B c<<d e-.-e +x+ $ .| [|] f||\n\nX:4\nK:HP\ng\n",
];

/// Pieces of ABC, which a random text is put together of.
fn token() -> impl Strategy<Value = &'static str> {
    select(vec![
        "X:1\n",
        "K:C\n",
        "K:Gm clef=bass-8\n",
        "V:1\n",
        "V:2 octave=1\n",
        "M:6/8\n",
        "M:none\n",
        "L:1/8\n",
        "L:1/65535\n",
        "Q:90\n",
        "P:A\n",
        "[K:D]",
        "[M:2/4]",
        "[V:3]",
        "c",
        "A,,",
        "f'",
        "^",
        "__",
        "=",
        "2",
        "/",
        "3/2",
        "0",
        "65535",
        "-",
        ">",
        "<<",
        "(3",
        "(7:2:9",
        "(",
        ")",
        "[",
        "]",
        "[CEG]",
        "z",
        "Z9",
        "x",
        "y",
        "|",
        "||",
        "|:",
        ":|",
        "::",
        ":",
        "[1",
        "|2",
        ":::::|",
        "[|",
        "|]",
        "1,3",
        "\"G\"",
        "\"",
        "{",
        "}",
        "!",
        "+",
        "\\",
        "%",
        "%%begintext\n",
        "%%endtext\n",
        "\n",
        " ",
        "é",
        "&",
        "w:la\n",
    ])
}

/// Everything that must hold for what was read.
fn check(text: &str) {
    for piece in parse_abc("a.abc", text).unwrap_or_default() {
        assert!(!piece.notes.is_empty() && piece.notes.len() <= MOST);
        assert!(piece.notes.is_sorted());
        assert!(piece.notes.iter().all(|note| note.duration > 0 && note.start.checked_add(note.duration).is_some()));
        assert!(piece.meters.is_sorted_by_key(|meter| meter.0) && piece.keys.is_sorted_by_key(|key| key.0));
        assert!(piece.tempos.iter().all(|tempo| (1..1 << 24).contains(&tempo.1)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}", head in prop::bool::ANY) {
        check(&if head { format!("X:1\nK:C\n{text}") } else { text });
    }

    #[test]
    fn any_tokens_are_read_or_refused(tokens in prop::collection::vec(token(), 0..60)) {
        check(&format!("X:1\nK:C\nc{}", tokens.concat()));
    }

    #[test]
    fn a_changed_tune_is_read_or_refused(
        tune in select(TUNES.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), token(), 0..3_usize), 1..6),
    ) {
        let mut characters: Vec<String> = tune.chars().map(String::from).collect();
        for (place, token, removed) in changes {
            let at = place.index(characters.len());
            let end = (at + removed).min(characters.len() - 1);
            characters.splice(at..end.max(at), [token.to_string()]);
        }
        check(&characters.concat());
    }
}

fn error(text: &str) -> String {
    parse_abc("a.abc", text).unwrap_err().to_string()
}

#[test]
fn the_tunes_are_read_before_they_are_changed() {
    for tune in TUNES {
        parse_abc("a.abc", tune).unwrap();
    }
}

#[test]
fn a_tune_has_a_limit_as_written_and_as_played() {
    let written = error(&format!("X:1\nK:C\n{}", "c".repeat(MOST + 1)));
    assert!(written.ends_with("expected a tune of at most 262144 notes, rests and bar lines, found more"), "{written}");
    let section = format!("{}:::::::::::::::|", "c".repeat(300));
    let played = error(&format!("X:1\nL:1/32\nK:C\n{}", section.repeat(60)));
    assert!(played.ends_with("bar lines with its repeats, found more"), "{played}");
    let chord = format!("[{}]", "c".repeat(30));
    let chords = error(&format!("X:1\nK:C\n{}", chord.repeat(10_000)));
    assert!(chords.ends_with("bar lines with its repeats, found more"), "{chords}");
    assert!(error(&format!("X:1\nK:C\n[{}]", "c".repeat(33))).ends_with("a chord of at most 32 notes, found more"));
}

#[test]
fn a_tune_has_a_limit_in_time() {
    let long = error(&format!("X:1\nL:1/1\nK:C\n{}", "c9999".repeat(4)));
    assert!(long.ends_with("expected a tune of at most 106000 quarter notes with its repeats, found more"), "{long}");
}

#[test]
fn a_file_has_a_limit() {
    assert!(error(&" ".repeat((16 << 20) + 1)).contains("at most 16777216 bytes"));
    let tunes = error(&"X:\nK:\nc\n".repeat((1 << 16) + 1));
    assert!(tunes.ends_with("expected at most 65536 tunes in a file, found more"), "{tunes}");
    let voices: String = (0..65).map(|name| format!("V:{name}\nc\n")).collect();
    assert!(error(&format!("X:1\nK:C\n{voices}")).ends_with("expected at most 64 voices, found more"));
}
