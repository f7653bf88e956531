//! What the ABC reader makes of each construct.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use recurrent_music::{Meter, Piece, parse_abc, read_abc};

/// A tune in C major and 4/4 whose unit is a quarter note.
fn tune(music: &str) -> Piece {
    let text = format!("X:1\nM:4/4\nL:1/4\nK:C\n{music}\n");
    parse_abc("a.abc", &text).unwrap_or_else(|error| panic!("{music}: {error}")).remove(0)
}

/// The notes as pitch, onset and duration, in quarter notes.
fn notes(music: &str) -> Vec<String> {
    let quarters = |ticks: u32| f64::from(ticks) / 20_160.0;
    let notes = tune(music).notes;
    notes.iter().map(|note| format!("{}@{}+{}", note.pitch, quarters(note.start), quarters(note.duration))).collect()
}

/// The pitches in time.
fn pitches(music: &str) -> String {
    let pitches: Vec<_> = tune(music).notes.iter().map(|note| note.pitch.to_string()).collect();
    pitches.join(" ")
}

/// The error of a tune in which the music is in line 5.
fn error(music: &str) -> String {
    parse_abc("a.abc", &format!("X:1\nM:4/4\nL:1/4\nK:C\n{music}\n")).unwrap_err().to_string()
}

#[test]
fn a_file_has_many_tunes_with_free_text_between() {
    let text = "%abc-2.1\nM:3/4\n\nSome words.\n\nX:1\nT:One\nT:Another title\nK:G\nf\n\nfree text\n\nX:2\r\nM:C|\r\nK:F\r\nB\r\nX:3\nK:C\nc";
    let pieces = parse_abc("many.abc", text).unwrap();
    let names: Vec<_> = pieces.iter().map(|piece| piece.name.as_str()).collect();
    assert_eq!(names, ["One", "many.abc", "many.abc"]);
    assert_eq!(pieces.iter().map(|piece| piece.notes[0].pitch.number()).collect::<Vec<_>>(), [78, 70, 72]);
    assert_eq!([pieces[0].meter(), pieces[1].meter()], [Meter { beats: 3, unit: 4 }, Meter { beats: 2, unit: 2 }]);
}

#[test]
fn accidentals_hold_to_the_end_of_the_bar_in_every_octave() {
    assert_eq!(pitches("^F f F, G | F"), "F#4 F#5 F#3 G4 F4");
    assert_eq!(pitches("__e e =e e | ^^f f"), "D5 D5 E5 E5 G5 G5");
    assert_eq!(pitches("[K:D] =f f [f] |: f"), "F5 F5 F5 F#5");
}

#[test]
fn a_tie_carries_its_accidental_over_the_bar_line() {
    assert_eq!(notes("z3 ^f- | f f2 z"), ["F#5@3+2", "F5@5+2"]);
    assert_eq!(notes("z3 ^f- | =f f2 z"), ["F#5@3+1", "F5@4+1", "F5@5+2"]);
}

#[test]
fn ties_join_notes_of_the_same_pitch_only() {
    assert_eq!(notes("A-A B-|B2-B.-B"), ["A4@0+2", "B4@2+5"]);
    assert_eq!(notes("A-z A-B A -A-"), ["A4@0+1", "A4@2+1", "B4@3+1", "A4@4+2"]);
    assert_eq!(notes("[CE]-[CE]-[CG]"), ["C4@0+3", "E4@0+2", "G4@2+1"]);
    assert_eq!(notes("[C-E][CE]"), ["C4@0+2", "E4@0+1", "E4@1+1"]);
    assert_eq!(notes("[CC]-[CC]"), ["C4@0+2", "C4@0+2"]);
}

#[test]
fn the_first_note_of_a_chord_tells_its_length() {
    assert_eq!(notes("[C2E/]2 [C/e]3/2 d"), ["C4@0+4", "E4@0+1", "C4@4+0.75", "E5@4+1.5", "D5@4.75+1"]);
    assert_eq!(notes("[!>! \"x\" uC .E]"), ["C4@0+1", "E4@0+1"]);
}

#[test]
fn rests_take_time() {
    assert_eq!(notes("z2 x/ c Z2 d [M:3/4] X e"), ["C5@2.5+1", "D5@11.5+1", "E5@15.5+1"]);
    assert_eq!(notes("c y2 d y"), ["C5@0+1", "D5@1+1"]);
}

#[test]
fn broken_rhythms_share_the_time_of_two_notes() {
    assert_eq!(notes("A>B c<d"), ["A4@0+1.5", "B4@1.5+0.5", "C5@2+0.5", "D5@2.5+1.5"]);
    assert_eq!(notes("A >> {g}B [CE]<<<z c"), ["A4@0+1.75", "B4@1.75+0.25", "C4@2+0.125", "E4@2+0.125", "C5@4+1"]);
    assert_eq!(notes("A->A>B")[0], "A4@0+2.25");
}

#[test]
fn tuplets_take_their_notes_over_bar_lines() {
    assert_eq!(
        notes("(3:2:2c2d | e"),
        ["C5@0+1.3333333333333333", "D5@1.3333333333333333+0.6666666666666666", "E5@2+1"]
    );
    assert_eq!(notes("(3[CE]{d}z | \"G\"d e")[2..], ["D5@1.3333333333333333+0.6666666666666666", "E5@2+1"]);
}

#[test]
fn what_does_not_sound_is_ignored() {
    let plain = notes("cdef|gabc'");
    assert_eq!(notes("(c \"Am7\"d) .e ~f | !trill!g ua {gfe}b +accent+ c' % comment"), plain);
    assert_eq!(notes("c`d*ef $ | [r:remark] g [P:x] a b c'\\\nw:la la\nN:a note\ns: !p! *"), plain);
    assert_eq!(
        notes("c(.d)(e f)!\n!ga Jb+c' [I:x y]\n%%MIDI program 5\n%%begintext\nabc\n%%endtext\n  % only this"),
        plain
    );
}

#[test]
fn repeats_and_endings_are_played_out() {
    assert_eq!(pitches("|:c|1d:|2e|]"), "C5 D5 C5 E5");
    assert_eq!(pitches("|:c|[1,3 d:|[2 e:|f"), "C5 D5 C5 E5 C5 D5 F5");
    assert_eq!(pitches("|:c [1-2 d :| [3 e || f :|"), "C5 D5 C5 D5 C5 E5 F5 F5");
    assert_eq!(pitches("c::d:||:e:|]f|::g::|"), "C5 C5 D5 D5 E5 E5 F5 G5 G5 G5");
    assert_eq!(pitches("c || d .| e [|] f |]\n:|"), "C5 D5 E5 F5 C5 D5 E5 F5");
    assert_eq!(pitches("c||\nP:B\nd:|"), "C5 D5 D5");
}

#[test]
fn a_repeat_restores_key_meter_and_tempo() {
    let piece = tune("|:c [K:G][M:3/4][Q:1/4=60] f:|");
    let quarters = |ticks: u32| ticks / 20_160;
    assert_eq!(piece.notes.iter().map(|note| note.pitch.number()).collect::<Vec<_>>(), [72, 78, 72, 78]);
    let keys: Vec<_> = piece.keys.iter().map(|(tick, key)| (quarters(*tick), key.to_string())).collect();
    assert_eq!(keys, [(0, "C"), (1, "G"), (2, "C"), (3, "G")].map(|(tick, key)| (tick, key.to_string())));
    assert_eq!(piece.meters.len(), 4);
    assert_eq!(piece.tempos, [(20_160, 1_000_000), (60_480, 1_000_000)]);
}

#[test]
fn fields_within_a_line_hold_from_there() {
    assert_eq!(notes("c [L:1/8] c [K:Eb] e2 [K:none] e4"), ["C5@0+1", "C5@1+0.5", "D#5@1.5+1", "E5@2.5+2"]);
    assert_eq!(pitches("[K:clef=bass octave=-1] c [K:G transpose=2] f"), "C4 G#5");
}

#[test]
fn a_piece_knows_its_major_and_minor_keys_only() {
    let keys = |music: &str| tune(music).keys.iter().map(|(_, key)| key.to_string()).collect::<Vec<_>>();
    assert_eq!(keys("c [K:F#m] c [K:F# minor] d"), ["C", "F#m"]);
    assert_eq!(keys("[K:Ddor] c [K:Am] d"), ["C", "Am"][1..]);
    assert_eq!(keys("c [K:Ddor] c"), [""; 0]);
}

#[test]
fn voices_go_on_where_they_stopped() {
    let expected = ["C4@0+2", "E4@0+1", "F4@1+1", "C4@2+2", "G4@2+1"];
    assert_eq!(notes("V:1\nE F |\nV:2 octave=-1 name=\"Low\"\nc2 |\nV:1\nG\n[V:2] c2"), expected);
    assert_eq!(notes("V:1\nK:G\nF|\nV:2\nF|"), ["F4@0+1", "F#4@0+1"]);
    let text = "X:1\nL:1/4\nV:low clef=bass-8\nV:high\nK:C\nM:3/4\nV:high\nc\nV:low\nc";
    let piece = parse_abc("a.abc", text).unwrap().remove(0);
    assert_eq!(piece.notes.iter().map(|note| note.pitch.number()).collect::<Vec<_>>(), [60, 72]);
    assert_eq!(piece.meters, [(0, Meter { beats: 3, unit: 4 })]);
}

#[test]
fn tempo_meter_and_key_are_those_of_the_header() {
    let piece = parse_abc("a.abc", "X:1\nQ:3/8=40\nM:6/8\nK:Gm\nB").unwrap().remove(0);
    assert_eq!((piece.tempo(), piece.meter(), piece.ticks_per_quarter), (60.0, Meter { beats: 6, unit: 8 }, 20_160));
    assert_eq!((piece.keys[0].1.to_string(), piece.notes[0].duration), ("Gm".to_string(), 10_080));
    let free = parse_abc("a.abc", "X:1\nM:none\nQ:120\nK:C\nB").unwrap().remove(0);
    assert_eq!((free.meters.len(), free.tempo()), (0, 60.0));
}

#[test]
fn errors_tell_line_and_column() {
    let cases = [
        ("c d\nK:H", "line 6, column 1: expected a key such as"),
        ("c [K:X] d", "line 5, column 3: expected a key such as"),
        ("c [eg d", "line 5, column 3: expected a chord such as [CEG], closed, found `[eg d`"),
        ("c [eg | d]", "line 5, column 3: expected a chord such as [CEG], closed, found `[eg | d]`"),
        ("c []", "line 5, column 3: expected a chord with at least 1 note, found `[]`"),
        ("c ] d", "line 5, column 3: expected a note, a rest or a bar line, found `]`"),
        ("c {d", "line 5, column 3: expected a `}` on the same line that closes this, found `{d`"),
        ("c \"Am d", "line 5, column 3: expected a `\"` on the same line that closes this, found `\"Am d`"),
        ("c d0", "line 5, column 4: expected a length above 0, such as 2, 3/2, / or /4, found `0`"),
        ("c (0de", "line 5, column 3: expected a tuplet such as (3"),
        ("c (3de", "line 5, column 3: expected a tuplet with all its notes, found 1 too few"),
        ("(3c(3def", "line 5, column 4: expected 2 more notes of the tuplet before, found `(`"),
        ("c> | d", "line 5, column 2: expected a note in the same bar after a broken rhythm, found none"),
        ("c>>>>d", "line 5, column 2: expected one to three `>` or `<`, found `>>>>d`"),
        ("> c", "line 5, column 1: expected a note before, found `>`"),
        ("c,,,,,,", "line 5, column 1: expected a note from A0 to C8 (MIDI 21 to 108), found 0"),
        ("c ^z", "line 5, column 4: expected a note, a rest or a bar line, found `z`"),
        ("^_c", "line 5, column 1: expected an accidental: ^, ^^, _, __ or =, found `_c`"),
        ("c ^/c", "line 5, column 4: expected a note, a rest or a bar line, found `/`"),
        ("c/1024", "line 5, column 1: expected a length of a whole number of 20160ths of a quarter note"),
        ("c65535", "line 5, column 1: expected a length of a whole number of 20160ths"),
        ("c : d", "line 5, column 3: expected a bar line such as |:, :| or ::, found `:`"),
        ("c ::::::::::::::::::| d", "line 5, column 3: expected a repeat of at most 16 times"),
        ("c |17 d", "line 5, column 4: expected an ending such as 1 or 1,3, from 1 to 16, found `17`"),
        ("c [3-1 d", "line 5, column 4: expected an ending such as 1 or 1,3"),
        ("c & d", "line 5, column 3: expected no second voice in a bar, for which V: is read, found `&`"),
        ("c \\ d", "line 5, column 3: expected a note, a rest or a bar line, found `\\`"),
        ("c é", "line 5, column 3: expected a note, a rest or a bar line, found `é`"),
        ("[M:none] c Z", "line 5, column 12: expected a rest of at least 1 bar, in a meter that is not free"),
        ("V:", "line 5, column 1: expected a name of a voice, such as V:1, found none"),
        ("V:1 octave=99", "line 5, column 1: expected octave=, transpose= or t= with a number"),
        ("z | x |", "line 1, column 1: expected a tune with at least 1 note, found 0"),
        (
            "c\n%%begintext\nwords",
            "line 6, column 1: expected a block that `%%endtext` closes, found the end of the file",
        ),
    ];
    for (music, expected) in cases {
        assert!(error(music).starts_with(&format!("a.abc, {expected}")), "{music}: {}", error(music));
    }
}

#[test]
fn a_tune_needs_a_header() {
    let error = |text| parse_abc("a.abc", text).unwrap_err().to_string();
    assert_eq!(error("only words"), "a.abc: expected a tune that begins with `X:`, found none");
    assert_eq!(error(""), error("T:Title\nK:C\nabc"));
    let expected = "a.abc, line 3, column 1: expected a field, of which K: ends the header, found `a`";
    assert_eq!(error("X:1\nT:Title\nabc"), expected);
    assert!(error("X:1\nT:Title\n\n").starts_with("a.abc, line 1, column 1: expected a tune with a field K:"));
}

#[test]
fn files_may_be_in_utf_8_or_latin_1() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.abc");
    for bytes in ["\u{feff}X:1\nT:Frère\nK:C\nc".as_bytes(), b"X:1\nT:Fr\xe8re\nK:C\nc"] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read_abc(&path).unwrap()[0].name, "Frère");
    }
    let error = read_abc(folder.path().join("none.abc")).unwrap_err().to_string();
    assert!(error.contains("none.abc: expected a readable file"), "{error}");
}
