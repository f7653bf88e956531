//! What the MusicXML reader makes of each construct.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Cursor, Write};

use recurrent_music::{MusicXmlFile, Piece, parse_musicxml, read_musicxml};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A score of parts that have 2 divisions of a quarter note; the first element of a part is in line 3.
fn score(parts: &[&str]) -> String {
    let parts = parts.iter().map(|part| {
        let attributes = "<attributes><divisions>2</divisions></attributes>";
        format!("<part>\n<measure>{attributes}\n{part}</measure></part>")
    });
    format!("<score-partwise>{}</score-partwise>", parts.collect::<Vec<_>>().concat())
}

fn read(parts: &[&str]) -> MusicXmlFile {
    parse_musicxml("a.musicxml", score(parts).as_bytes()).unwrap_or_else(|error| panic!("{parts:?}: {error}"))
}

/// A note of so many divisions; `more` are further elements in it.
fn note(pitch: &str, divisions: u32, more: &str) -> String {
    let (step, octave) = pitch.split_at(1);
    let pitch = format!("<pitch><step>{step}</step><octave>{octave}</octave></pitch>");
    format!("<note>{more}{pitch}<duration>{divisions}</duration></note>")
}

fn notes(pitches: &str) -> String {
    pitches.split(' ').map(|pitch| note(pitch, 2, "")).collect()
}

/// The notes as pitch, onset and duration, in quarter notes.
fn sounds(piece: &Piece) -> Vec<String> {
    let quarters = |ticks: u32| f64::from(ticks) / f64::from(piece.ticks_per_quarter);
    let sound =
        |note: &recurrent_music::Note| format!("{}@{}+{}", note.pitch, quarters(note.start), quarters(note.duration));
    piece.notes.iter().map(sound).collect()
}

/// The pitches in time.
fn pitches(piece: &Piece) -> String {
    let pitches: Vec<_> = piece.notes.iter().map(|note| note.pitch.to_string()).collect();
    pitches.join(" ")
}

/// The pitches of measures, each a bar line, notes, and a bar line.
fn played(measures: &[(&str, &str, &str)]) -> String {
    let bar = |side: &str, content: &str| match content {
        "" => String::new(),
        content => format!("<barline location='{side}'>{content}</barline>"),
    };
    let measures = measures
        .iter()
        .map(|(left, music, right)| format!("{}{}{}", bar("left", left), notes(music), bar("right", right)));
    pitches(&read(&[&measures.collect::<Vec<_>>().join("</measure><measure>")]).piece)
}

/// The error of a score of one part, without what it begins with.
fn error(part: &str) -> String {
    let error = parse_musicxml("a.musicxml", score(&[part]).as_bytes()).unwrap_err().to_string();
    error.strip_prefix("a.musicxml, line 3: expected ").unwrap_or(&error).into()
}

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn container(root: &str) -> String {
    format!("<container><rootfiles><rootfile full-path='{root}'/></rootfiles></container>")
}

#[test]
fn parts_sound_together_and_a_measure_is_as_long_as_the_longest() {
    let short = format!("{}</measure><measure>{}", notes("C4"), notes("D4"));
    let long = format!("{}</measure><measure>{}", notes("C3 E3 G3"), notes("F3"));
    let piece = read(&[&short, &long]).piece;
    assert_eq!(sounds(&piece), ["C3@0+1", "C4@0+1", "E3@1+1", "G3@2+1", "F3@3+1", "D4@3+1"]);
    let empty = read(&[&format!("<forward><duration>4</duration></forward></measure><measure>{short}")]).piece;
    assert_eq!(sounds(&empty), ["C4@2+1", "D4@3+1"]);
}

#[test]
fn the_ticks_are_the_least_common_multiple_of_the_divisions() {
    let change = "<attributes><divisions>3.0</divisions></attributes>";
    let piece = read(&[&format!("{}{change}{}", note("C4", 1, ""), note("D4", 1, ""))]).piece;
    assert_eq!((piece.ticks_per_quarter, piece.notes[0].duration, piece.notes[1].duration), (6, 3, 2));
    let large =
        "<attributes><divisions>50000</divisions></attributes>\n<attributes><divisions>3</divisions></attributes>";
    let error = parse_musicxml("a.xml", score(&[large]).as_bytes()).unwrap_err().to_string();
    let expected = "expected divisions whose least common multiple is at most 65535, found 150000";
    assert_eq!(error, format!("a.xml, line 4: {expected}"));
}

#[test]
fn a_chord_begins_with_its_first_note() {
    let chord = [note("C4", 2, ""), note("E4", 4, "<chord/>"), note("G4", 2, "<chord/>"), note("D4", 2, "")].concat();
    assert_eq!(sounds(&read(&[&chord]).piece), ["C4@0+1", "E4@0+2", "G4@0+1", "D4@1+1"]);
    let expected = "a note before, whose chord this belongs to, found none";
    assert_eq!(error(&note("C4", 2, "<chord/>")), expected);
    assert_eq!(error(&format!("<forward><duration>1</duration></forward>{}", note("C4", 2, "<chord/>"))), expected);
}

#[test]
fn ties_join_notes_that_follow_each_other() {
    let (start, stop) = ("<tie type='start'/>", "<tie type='stop'/>");
    let tied = |first: &str, second: &str| sounds(&read(&[&format!("{first}{second}")]).piece);
    assert_eq!(tied(&note("C4", 2, start), &note("C4", 2, stop)), ["C4@0+2"]);
    assert_eq!(tied(&note("C4", 2, start), &note("C4", 2, "")), ["C4@0+2"]);
    assert_eq!(tied(&note("C4", 2, ""), &note("C4", 2, stop)), ["C4@0+1", "C4@1+1"]);
    assert_eq!(tied(&note("C4", 2, start), &note("D4", 2, stop)), ["C4@0+1", "D4@1+1"]);
    let rest = "<note><rest/><duration>2</duration></note>";
    assert_eq!(tied(&note("C4", 2, start), &format!("{rest}{}", note("C4", 2, stop))), ["C4@0+1", "C4@2+1"]);
    let (first, second) = (note("C4", 2, start), format!("{rest}{}", note("C4", 2, stop)));
    assert_eq!(sounds(&read(&[&first, &second]).piece), ["C4@0+1", "C4@1+1"]);
}

#[test]
fn a_tie_goes_from_voice_to_voice() {
    let back = "<backup><duration>4</duration></backup>";
    let first = format!("{}{}", note("D4", 2, ""), note("C4", 2, "<tie type='stop'/>"));
    let second = note("C4", 2, "<tie type='start'/>");
    assert_eq!(sounds(&read(&[&format!("{first}{back}{second}")]).piece), ["C4@0+2", "D4@0+1"]);
}

#[test]
fn of_two_notes_a_tie_goes_to_the_one_that_ends_it() {
    let back = "<backup><duration>2</duration></backup>";
    let (first, other) = (note("C4", 2, "<tie type='start'/>"), note("C4", 1, ""));
    let part = format!("{first}{other}<backup><duration>1</duration></backup>{}", note("C4", 2, "<tie type='stop'/>"));
    assert_eq!(sounds(&read(&[&part]).piece), ["C4@0+2", "C4@1+0.5"]);
    let both = format!("{first}{back}{first}{0}{back}{0}", note("C4", 2, ""));
    assert_eq!(sounds(&read(&[&both]).piece), ["C4@0+2", "C4@0+2"]);
}

#[test]
fn repeats_are_played_out() {
    let (forward, backward) = ("<repeat direction='forward'/>", "<repeat direction='backward'/>");
    assert_eq!(played(&[("", "C4", ""), (forward, "D4", backward), ("", "E4", "")]), "C4 D4 D4 E4");
    assert_eq!(played(&[("", "C4", backward), ("", "E4", "")]), "C4 C4 E4");
    let thrice = "<repeat direction='backward' times='3'/>";
    assert_eq!(played(&[("", "C4", ""), ("", "D4", thrice)]), "C4 D4 C4 D4 C4 D4");
    assert_eq!(played(&[("", "C4", "<repeat direction='backward' times='1'/>")]), "C4");
}

#[test]
fn each_pass_has_its_ending() {
    let start = |number: &str| format!("<ending type='start' number='{number}'/>");
    let stop = |times: &str| format!("<ending type='stop' number='1'/><repeat direction='backward' times='{times}'/>");
    let end = "<ending type='discontinue' number='2'/>";
    let with = |first: &str, times: &str, second: &str| {
        let first = (&*start(first), "D4", &*stop(times));
        played(&[("", "C4", ""), first, (&*start(second), "E4", end), ("", "F4", "")])
    };
    assert_eq!(with("1", "2", "2"), "C4 D4 C4 E4 F4");
    assert_eq!(with("1,2", "3", "3"), "C4 D4 C4 D4 C4 E4 F4");
    assert_eq!(with("1-3", "4", "4"), "C4 D4 C4 D4 C4 D4 C4 E4 F4");
    // Finale's number, and what it shows.
    let shown = "<ending type='start' number='1'>2.</ending>";
    assert_eq!(played(&[("", "C4", ""), (&*start("1"), "D4", &*stop("2")), (shown, "E4", end)]), "C4 D4 C4 E4");
    // Without a number, an ending says nothing.
    assert_eq!(played(&[("", "C4", ""), (&*start(" "), "D4", ""), ("", "E4", "")]), "C4 D4 E4");
}

#[test]
fn what_is_no_repeat_and_no_ending_is_refused() {
    let bar = |content: &str| error(&format!("<barline>{content}</barline>"));
    assert_eq!(bar("<repeat/>"), "a direction `forward` or `backward`, found ``");
    let times = "a section that is played 1 to 16 times, found ";
    assert_eq!(bar("<repeat direction='backward' times='17'/>"), format!("{times}`17`"));
    assert_eq!(bar("<repeat direction='backward' times='0'/>"), format!("{times}`0`"));
    assert_eq!(bar("<ending number='1'/>"), "a type `start`, `stop` or `discontinue`, found ``");
    let ending = "an ending such as 1 or 1,3, from 1 to 16, found `x`";
    assert_eq!(bar("<ending type='start' number='x'/>"), ending);
}

#[test]
fn jumps_are_counted_and_not_followed() {
    let words =
        "<direction><direction-type><words>D.C. al Fine</words></direction-type><sound dacapo='yes'/></direction>";
    let sign = "<direction><direction-type><segno/></direction-type></direction>";
    let middle = "<barline location='middle'><repeat direction='forward'/></barline>";
    let other = "<direction><direction-type><words>dolce</words></direction-type><sound tempo='60'/></direction>";
    let part = format!("{}{words}{sign}{middle}{other}<sound coda='c'/><barline><coda/></barline>", notes("C4"));
    let MusicXmlFile { piece, remarks } = read(&[&part]);
    assert_eq!((pitches(&piece), remarks.to_string()), ("C4".into(), "5 jumps such as D.C. not followed".into()));
}

#[test]
fn instruments_sound_as_they_transpose() {
    let transpose = |content: &str| format!("<attributes><transpose {content}</transpose></attributes>");
    let up = transpose("><chromatic>3</chromatic><octave-change>-1</octave-change>");
    let of_second_staff = transpose("number='2'><chromatic>-2</chromatic>");
    let second = note("C4", 2, "<staff>2</staff>");
    let part = format!("{}{up}{0}{of_second_staff}{0}{second}", notes("C4"));
    assert_eq!(pitches(&read(&[&part]).piece), "C4 D#3 D#3 A#3");
    assert_eq!(error(&transpose(">")), "`chromatic` in `transpose`, found none");
    let large = "a transposition of at most 127 semitones, found more";
    assert_eq!(error(&transpose("><chromatic>1</chromatic><octave-change>11</octave-change>")), large);
}

#[test]
fn pitches_have_their_alterations() {
    let altered = |alter: &str| {
        let pitch = format!("<pitch><step>B</step><alter>{alter}</alter><octave>3</octave></pitch>");
        format!("<note>{pitch}<duration>2</duration></note>")
    };
    let part: String = ["1", "-2", "0.5", "-0.5", "1.4"].map(altered).concat();
    let MusicXmlFile { piece, remarks } = read(&[&part]);
    assert_eq!(pitches(&piece), "C4 A3 C4 B3 C4");
    assert_eq!(remarks.to_string(), "3 notes rounded to a semitone");
    for alter in ["13", "NaN", "inf", "x", ""] {
        let expected = "an alteration of at most 12 semitones, such as -1 or 0.5, found ";
        assert_eq!(error(&altered(alter)), format!("{expected}`{alter}`"));
    }
}

#[test]
fn what_has_no_pitch_of_a_piano_is_left_out_and_counted() {
    let low = note("G0", 2, "");
    let drum = "<note><unpitched/><duration>2</duration></note>";
    let cue = note("D4", 2, "<cue/>");
    let grace = "<note><grace/><pitch><step>E</step><octave>4</octave></pitch></note>";
    let MusicXmlFile { piece, remarks } = read(&[&format!("{low}{drum}{cue}{grace}{}", notes("C4"))]);
    assert_eq!(sounds(&piece), ["C4@3+1"]);
    let expected = "1 drum note left out, 1 note outside A0 to C8 left out, 1 grace note left out";
    assert_eq!(remarks.to_string(), expected);
    let found = "only 3 others (1 without a pitch, 1 outside A0 to C8, 1 grace notes)";
    let only = error(&format!("{low}{drum}{grace}"));
    assert_eq!(only, format!("a.musicxml: expected at least 1 note from A0 to C8, found {found}"));
    assert_eq!(error(&cue), "a.musicxml: expected at least 1 note, found 0");
}

#[test]
fn a_note_of_no_length_is_a_tick_long() {
    let MusicXmlFile { piece, remarks } = read(&[&format!("{}{}", note("C4", 0, ""), notes("D4"))]);
    assert_eq!(sounds(&piece), ["C4@0+0.5", "D4@0+1"]);
    assert_eq!(remarks.empty, 1);
}

#[test]
fn tempos_are_those_of_sound() {
    let sound = |content: &str| format!("<sound tempo='120' {content}");
    let direction = |offset: &str, sound: &str| format!("<direction>{offset}{sound}</direction>");
    let tempos = |element: &str| read(&[&format!("{}{element}{0}", notes("C4"))]).piece.tempos;
    assert_eq!(tempos(&sound("/>")), [(2, 500_000)]);
    assert_eq!(tempos(&direction("", &sound("/>"))), [(2, 500_000)]);
    assert_eq!(tempos(&direction("<offset>1</offset>", &sound("/>"))), [(2, 500_000)]);
    assert_eq!(tempos(&direction("<offset sound='yes'>1</offset>", &sound("/>"))), [(3, 500_000)]);
    assert_eq!(tempos(&sound("><offset>-9</offset></sound>")), [(0, 500_000)]);
    assert_eq!(tempos("<sound tempo='72.5'/>"), [(2, 827_586)]);
    for tempo in ["0", "-60", "NaN", "inf", "3.5", "x"] {
        let found = format!("a tempo from 4 quarter notes a minute, found `{tempo}`");
        assert_eq!(error(&format!("<sound tempo='{tempo}'/>")), found);
    }
}

#[test]
fn meters_are_read() {
    let time = |content: &str| format!("<attributes><time>{content}</time></attributes>");
    let pair = |beats: &str, unit: &str| format!("<beats>{beats}</beats><beat-type>{unit}</beat-type>");
    let meter = |content: &str| {
        let meters = read(&[&format!("{}{}", time(content), notes("C4"))]).piece.meters;
        meters.first().map(|(_, meter)| meter.to_string()).unwrap_or_default()
    };
    assert_eq!([meter(&pair("3+2", "8")), meter(&(pair("3", "4") + &pair("1", "8")))], ["5/8", "7/8"]);
    assert_eq!(meter("<senza-misura/>"), "");
    let expected = "a meter of at most 255 beats whose unit is a power of two up to 128, such as 3/4 or 3+2/8";
    assert_eq!(error(&time(&pair("4", "3"))), format!("{expected}, found `4/3`"));
    assert_eq!(error(&time("")), format!("{expected}, found ``"));
}

#[test]
fn keys_are_major_and_minor_as_they_sound() {
    let key = |fifths: &str, mode: &str| format!("<key><fifths>{fifths}</fifths>{mode}</key>");
    let [major, minor, dorian] = ["major", "minor", "dorian"].map(|mode| format!("<mode>{mode}</mode>"));
    let keys = |elements: &[&str]| {
        let attributes = |element: &&str| format!("<attributes>{element}</attributes>{}", notes("C4"));
        let keys = read(&[&elements.iter().map(attributes).collect::<String>()]).piece.keys;
        keys.iter().map(|(tick, key)| format!("{key}@{tick}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(&[&key("2", &major), &key("-3", &minor), &key("-3", &minor)]), "D@0 Cm@2");
    assert_eq!(keys(&[&(key("0", &major) + "<transpose><chromatic>-3</chromatic></transpose>")]), "A@0");
    assert_eq!(keys(&[&key("2", &dorian), &key("0", &minor)]), "Am@2");
    assert_eq!(keys(&[&key("0", &minor), &key("2", &dorian)]), "");
    assert_eq!(keys(&[&key("0", "")]), "");
    assert_eq!(keys(&["<key><key-step>F</key-step><key-alter>1</key-alter></key>"]), "");
    let wrong = format!("<attributes>{}</attributes>", key("12", &major));
    assert_eq!(error(&wrong), "at most 11 sharps or flats, such as 2 or -3, found `12`");
}

#[test]
fn the_first_part_decides_and_a_repetition_changes_nothing() {
    let key = |fifths: i8| {
        format!("<attributes><key><fifths>{fifths}</fifths><mode>major</mode></key></attributes>{}", notes("C4"))
    };
    let next = "</measure><measure>";
    let first = format!("{}{next}{}", key(1), notes("C4"));
    // A horn that is written without a signature, twice.
    let second = format!("{}{next}{}", key(0), key(0));
    let keys = read(&[&first, &second]).piece.keys;
    assert_eq!(keys, [(0, "G".parse().unwrap())]);
}

#[test]
fn a_repeat_brings_back_what_held_before() {
    let (slow, fast) = ("<sound tempo='60'/>", "<sound tempo='120'/>");
    let end = "<barline><repeat direction='backward'/></barline>";
    let piece = read(&[&format!("{slow}{}{fast}{0}{end}", notes("C4"))]).piece;
    assert_eq!(piece.tempos, [(0, 1_000_000), (2, 500_000), (4, 1_000_000), (6, 500_000)]);
}

#[test]
fn titles_and_programs_are_optional() {
    let part = format!("<part id='P'><measure><attributes><divisions>1</divisions></attributes>{}", notes("C4"));
    let read = |head: &str| {
        let text = format!("<score-partwise>{head}{part}</measure></part></score-partwise>");
        parse_musicxml("songs/A song.xml", text.as_bytes()).map(|file| (file.piece.name, file.piece.notes[0].program))
    };
    let (work, movement) = ("<work><work-title> Work </work-title></work>", "<movement-title>M</movement-title>");
    let instrument = |program: &str| {
        let inside = format!("<midi-instrument><midi-program>{program}</midi-program></midi-instrument>");
        format!("<part-list><score-part id='P'>{inside}</score-part></part-list>")
    };
    assert_eq!(read(&format!("{work}{movement}")).unwrap(), ("Work".into(), 0));
    assert_eq!(read(&format!("<work><work-title/></work>{movement}")).unwrap(), ("M".into(), 0));
    assert_eq!(read(&instrument("128")).unwrap(), ("A song".into(), 127));
    assert_eq!(read(&instrument("0")).unwrap(), ("A song".into(), 0));
    for program in ["129", "-1", "x"] {
        let error = read(&instrument(program)).unwrap_err().to_string();
        let expected = format!("line 1: expected a MIDI program from 1 to 128, found `{program}`");
        assert_eq!(error, format!("songs/A song.xml, {expected}"));
    }
}

#[test]
fn times_are_whole_numbers_of_ticks() {
    let rest = |duration: &str| error(&format!("<note><rest/><duration>{duration}</duration></note>"));
    for duration in ["-2", "NaN", "1e9", "0.5", "", "99999999999"] {
        assert_eq!(rest(duration), format!("a duration in whole divisions, found `{duration}`"));
    }
    assert_eq!(rest("3000000000"), "a duration of at most 2147483647 ticks, found `3000000000`");
    assert_eq!(error("<note><rest/></note>"), "`duration` in `note`, found none");
    assert_eq!(error("<backup/>"), "`duration` in `backup`, found none");
    let back = "<forward><duration>3</duration></forward><backup><duration>4</duration></backup>";
    assert_eq!(error(back), "to go back by at most 3 ticks, to the beginning of the measure, found 4");
    let divisions = |divisions: &str| error(&format!("<attributes><divisions>{divisions}</divisions></attributes>"));
    for wrong in ["0", "-1", "x"] {
        let expected = "a whole number of divisions of a quarter note, at least 1";
        assert_eq!(divisions(wrong), format!("{expected}, found `{wrong}`"));
    }
    let text =
        "<score-partwise><part><measure><forward><duration>1</duration></forward></measure></part></score-partwise>";
    let missing = parse_musicxml("a.xml", text.as_bytes()).unwrap_err().to_string();
    assert_eq!(missing, "a.xml, line 1: expected `divisions` before the first duration, found none");
}

#[test]
fn a_note_has_a_pitch() {
    let pitch = |pitch: &str| error(&format!("<note><pitch>{pitch}</pitch><duration>1</duration></note>"));
    assert_eq!(pitch("<octave>4</octave>"), "`step` in `pitch`, found none");
    assert_eq!(pitch("<step>H</step><octave>4</octave>"), "a step from A to G, found `H`");
    assert_eq!(pitch("<step>C#</step><octave>4</octave>"), "a step from A to G, found `C#`");
    assert_eq!(pitch("<step>C</step>"), "`octave` in `pitch`, found none");
    assert_eq!(pitch("<step>C</step><octave>x</octave>"), "an octave, such as 4, found `x`");
    let neither = "`pitch`, `unpitched` or `rest` in `note`, found none";
    assert_eq!(error("<note><duration>1</duration></note>"), neither);
}

#[test]
fn only_partwise_scores_are_read() {
    let error = |text: &str| parse_musicxml("a.xml", text.as_bytes()).unwrap_err().to_string();
    let expected = "a.xml, line 2: expected a root element `score-partwise`, found ";
    assert_eq!(error("<?xml version='1.0'?>\n<score-timewise/>"), format!("{expected}`score-timewise`"));
    assert_eq!(error("\n<html/>"), format!("{expected}`html`"));
    assert_eq!(error("<score-partwise/>"), "a.xml: expected at least 1 note, found 0");
}

#[test]
fn texts_are_utf_8_or_utf_16() {
    let title = "<score-partwise><movement-title>Für 𝄞</movement-title>";
    let text = score(&[&notes("C4")]).replacen("<score-partwise>", title, 1);
    let name = |bytes: &[u8]| parse_musicxml("a.xml", bytes).map(|file| file.piece.name);
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(bytes).collect::<Vec<u8>>()
    };
    assert_eq!(name(text.as_bytes()).unwrap(), "Für 𝄞");
    assert_eq!(name(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()).unwrap(), "Für 𝄞");
    assert_eq!(name(&utf_16(u16::to_le_bytes)).unwrap(), "Für 𝄞");
    assert_eq!(name(&utf_16(u16::to_be_bytes)).unwrap(), "Für 𝄞");

    let expected = "a.xml, line 2: expected UTF-8, or UTF-16 that begins with its byte order mark, found the byte FC";
    assert_eq!(name(b"\n<a>F\xFCr</a>").unwrap_err().to_string(), expected);
    let error = |units: &[u8]| name(&[b"\xFF\xFE\n\0", units].concat()).unwrap_err().to_string();
    assert_eq!(error(b"\0\xD8a\0"), "a.xml, line 2: expected UTF-16, found half of a pair");
    assert_eq!(error(b"a"), "a.xml, line 2: expected UTF-16, found half of a unit");
}

#[test]
fn broken_xml_is_refused_with_its_line() {
    let error = |text: &str| parse_musicxml("a.xml", text.as_bytes()).unwrap_err().to_string();
    assert_eq!(error(""), "a.xml, line 1: expected an XML document, found no element");
    assert_eq!(error("MThd"), "a.xml, line 1: expected well-formed XML, found unknown token");
    assert_eq!(error("<a>\n<b></a>"), "a.xml, line 2: expected `</b>`, found `</a>`");
    assert_eq!(error("<a>\n<b>\n"), "a.xml, line 3: expected an end tag for every element, found the end of the file");
    assert_eq!(error("<a>\n<b"), "a.xml, line 2: expected an end tag for every element, found the end of the file");
    let entity = "expected well-formed XML, found unknown entity reference 'nbsp'";
    assert_eq!(error("<a>\n&nbsp;</a>"), format!("a.xml, line 2: {entity}"));
}

#[test]
fn a_zip_file_names_its_score() {
    let text = score(&[&notes("C4")]);
    let container = container("deep/score.xml");
    let packed = zipped(&[("META-INF/container.xml", container.as_bytes()), ("deep/score.xml", text.as_bytes())]);
    assert_eq!(pitches(&parse_musicxml("a.mxl", &packed).unwrap().piece), "C4");
    let wrong = text.replace("<octave>4", "<octave>x");
    let packed = zipped(&[("META-INF/container.xml", container.as_bytes()), ("deep/score.xml", wrong.as_bytes())]);
    let error = parse_musicxml("a.mxl", &packed).unwrap_err().to_string();
    assert_eq!(error, "a.mxl, deep/score.xml, line 3: expected an octave, such as 4, found `x`");
}

#[test]
fn a_zip_file_without_its_score_is_refused() {
    let error = |entries: &[(&str, &[u8])]| parse_musicxml("a.mxl", &zipped(entries)).unwrap_err().to_string();
    let container = container("score.xml");
    let missing = error(&[("META-INF/container.xml", container.as_bytes())]);
    assert_eq!(missing, "a.mxl: expected an entry `score.xml`, found none");
    assert_eq!(error(&[("score.xml", b"")]), "a.mxl: expected an entry `META-INF/container.xml`, found none");
    let empty = error(&[("META-INF/container.xml", b"<container/>")]);
    let expected = "a.mxl, META-INF/container.xml, line 1: expected a `rootfile` with a `full-path`, found none";
    assert_eq!(empty, expected);
    let cut = parse_musicxml("a.mxl", b"PK\x03\x04").unwrap_err().to_string();
    assert!(cut.starts_with("a.mxl: expected a zip file, found "), "{cut}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = read_musicxml("no/such.mxl").unwrap_err().to_string();
    assert!(error.starts_with("no/such.mxl: expected a readable file: "), "{error}");
}
