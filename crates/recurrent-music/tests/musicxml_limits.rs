//! No file makes the MusicXML reader panic, or do more than its limits allow.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use recurrent_music::parse_musicxml;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const MOST: usize = 1_000_000;

const FIXTURES: [&str; 5] =
    ["two_voices.musicxml", "endings.musicxml", "transposing.musicxml", "signatures.musicxml", "compressed.mxl"];

static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| FIXTURES.map(fixture).to_vec());

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// Texts that change a score where they are put into it.
fn token() -> impl Strategy<Value = &'static str> {
    select(vec![
        "<note>",
        "</note>",
        "<chord/>",
        "<grace/>",
        "<rest/>",
        "<duration>0</duration>",
        "<duration>-1</duration>",
        "<duration>2147483647</duration>",
        "<divisions>7</divisions>",
        "<backup><duration>1</duration></backup>",
        "<forward><duration>2000000000</duration></forward>",
        "<barline><repeat direction='backward' times='16'/></barline>",
        "<ending number='1-16' type='start'/>",
        "<alter>0.5</alter>",
        "<measure>",
        "</measure>",
        "<measure/>",
        "<transpose><chromatic>127</chromatic></transpose>",
        "<sound tempo='4e-9'/>",
        "<!--",
        "<![CDATA[",
        "&amp;",
        "&x;",
        "<!ENTITY x 'x'>",
        "\0",
        "é",
        "9",
        "-",
        ">",
        "\"",
    ])
}

/// Everything that must hold for what was read.
fn check(bytes: &[u8]) {
    let Ok(file) = parse_musicxml("a.mxl", bytes) else { return };
    let piece = file.piece;
    assert!(piece.ticks_per_quarter > 0 && !piece.notes.is_empty() && piece.notes.len() <= MOST);
    assert!(piece.notes.is_sorted());
    assert!(piece.notes.iter().all(|note| note.duration > 0 && note.start.checked_add(note.duration).is_some()));
    assert!(piece.meters.is_sorted_by_key(|meter| meter.0) && piece.keys.is_sorted_by_key(|key| key.0));
    assert!(piece.tempos.is_sorted_by_key(|tempo| tempo.0));
    assert!(piece.tempos.iter().all(|tempo| (1..1 << 24).contains(&tempo.1)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn any_bytes_are_read_or_refused(
        start in select(vec![&b""[..], b"PK\x03\x04", b"\xFF\xFE", b"\xFE\xFF", b"<score-partwise>"]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        check(&[start, &bytes].concat());
    }

    #[test]
    fn a_damaged_file_is_read_or_refused(
        file in 0..FIXTURES.len(),
        flips in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<Index>()),
    ) {
        let mut bytes = FILES[file].clone();
        for (place, value) in flips {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.map_or(bytes.len(), |place| place.index(bytes.len())));
        check(&bytes);
    }

    #[test]
    fn a_changed_score_is_read_or_refused(
        file in 0..FIXTURES.len() - 1,
        changes in prop::collection::vec((any::<Index>(), token()), 1..6),
    ) {
        let mut text = String::from_utf8(FILES[file].clone()).unwrap();
        for (place, token) in changes {
            // After a tag, where most tokens belong.
            let tags: Vec<_> = text.match_indices('>').map(|(at, _)| at + 1).collect();
            text.insert_str(tags[place.index(tags.len())], token);
        }
        check(text.as_bytes());
    }
}

fn error(text: &str) -> String {
    parse_musicxml("a.xml", text.as_bytes()).unwrap_err().to_string()
}

fn score(part: &str) -> String {
    let attributes = "<attributes><divisions>1</divisions></attributes>";
    format!("<score-partwise><part><measure>{attributes}{part}</measure></part></score-partwise>")
}

fn note(divisions: u32) -> String {
    let pitch = "<pitch><step>C</step><octave>4</octave></pitch>";
    format!("<note>{pitch}<duration>{divisions}</duration></note>")
}

#[test]
fn the_files_are_read_before_they_are_changed() {
    for bytes in FILES.iter() {
        parse_musicxml("a.mxl", bytes).unwrap();
    }
}

#[test]
fn a_zip_file_may_be_cut_anywhere() {
    let bytes = fixture("compressed.mxl");
    for length in 0..bytes.len() {
        assert!(parse_musicxml("a.mxl", &bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn elements_may_be_nested_deeply() {
    let (open, close) = ("<a>".repeat(100_000), "</a>".repeat(100_000));
    let piece = parse_musicxml("a.xml", score(&format!("{open}{close}{}", note(1))).as_bytes()).unwrap().piece;
    assert_eq!(piece.notes.len(), 1);
    assert!(error(&open).ends_with("expected an end tag for every element, found the end of the file"));
    assert!(error(&score(&format!("{open}{close}"))).ends_with("expected at least 1 note, found 0"));
}

#[test]
fn entities_are_refused() {
    let tenfold = |level: usize| format!("<!ENTITY e{level} '{}'>\n", format!("&e{};", level - 1).repeat(10));
    let bomb = (1..10).map(tenfold).collect::<String>();
    let text = format!("<!DOCTYPE a [\n<!ENTITY e0 'x'>\n{bomb}]><a>&e9;</a>");
    assert_eq!(error(&text), "a.xml, line 2: expected no entities of the file's own, found `<!ENTITY`");
    let outside = "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><a>&e;</a>";
    assert!(error(outside).contains("expected no entities of the file's own"));
}

#[test]
fn a_file_has_a_limit() {
    assert!(error(&" ".repeat((16 << 20) + 1)).ends_with("expected a file of at most 16777216 bytes, found more"));
    let tags = "<".repeat((1 << 22) + 1);
    assert!(error(&tags).ends_with("expected at most 4194304 tags and attributes, found more"));
    let texts = format!("<a>{}</a>", "<b/> ".repeat(2_200_000));
    assert!(error(&texts).ends_with("expected at most 4194304 elements and texts, found more"));
}

#[test]
fn attributes_and_namespaces_have_a_limit() {
    let attributes = |count: usize| (0..count).map(|name| format!(" a{name} = 'a=b'")).collect::<String>();
    assert!(error(&format!("<a{}/>", attributes(100))).contains("a root element"));
    let expected = "a.xml, line 2: expected at most 100 attributes of an element, found more";
    assert_eq!(error(&format!("\n<a{}/>", attributes(101))), expected);
    let namespaces = |count: usize| (0..count).map(|name| format!("<a xmlns:n{name}='n'>")).collect::<String>();
    assert!(error(&namespaces(100)).contains("an end tag"));
    let expected = "a.xml, line 1: expected at most 100 namespaces, found more";
    assert_eq!(error(&namespaces(101)), expected);
}

#[test]
fn a_packed_score_has_a_limit() {
    let packed = |name: &str, entry: &str| {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let container = "<container><rootfiles><rootfile full-path='score.xml'/></rootfiles></container>";
        if name != "META-INF/container.xml" {
            writer.start_file("META-INF/container.xml", SimpleFileOptions::default()).unwrap();
            writer.write_all(container.as_bytes()).unwrap();
        }
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(entry.as_bytes()).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        assert!(bytes.len() < 1 << 20);
        parse_musicxml("a.mxl", &bytes).unwrap_err().to_string()
    };
    let score = packed("score.xml", &" ".repeat((64 << 20) + 1));
    assert_eq!(score, "a.mxl: expected at most 67108864 bytes of `score.xml`, found more");
    let container = packed("META-INF/container.xml", &" ".repeat((1 << 20) + 1));
    assert_eq!(container, "a.mxl: expected at most 1048576 bytes of `META-INF/container.xml`, found more");
}

#[test]
fn a_score_has_a_limit_as_played() {
    let repeat = "<barline><repeat direction='backward' times='16'/></barline>";
    let notes = error(&score(&format!("{}{repeat}", note(1).repeat(70_000))));
    let expected = "a.xml: expected a score of at most 1000000 notes and measures with its repeats, found more";
    assert_eq!(notes, expected);
    assert_eq!(error(&score(&format!("</measure><measure>{repeat}").repeat(70_000))), expected);
    let parts = format!("</measure></part>{}<part><measure>", "<part/>".repeat(20_000));
    let measures = "</measure><measure>".repeat(100);
    assert_eq!(error(&score(&format!("{measures}{parts}"))), expected);
}

#[test]
fn a_score_has_a_limit_in_time() {
    let rest = "<forward><duration>2147483647</duration></forward>";
    let expected = "a.xml, line 1: expected a measure of at most 2147483647 ticks, found more";
    assert_eq!(error(&score(&format!("{rest}{}", note(1)))), expected);
    let expected = "a.xml: expected a score of at most 2147483647 ticks with its repeats, found more";
    assert_eq!(error(&score(&format!("{rest}</measure><measure>{}", note(1)))), expected);
    let chord = note(2_147_483_647).replace("<note>", "<note><chord/>");
    assert_eq!(error(&score(&format!("{}{}{chord}", note(1), note(1)))), expected);
}
