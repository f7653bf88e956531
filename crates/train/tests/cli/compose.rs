//! `train compose`, and what its runs compose.

use recurrent::music::parse_midi;

use crate::program::TestSandbox;

const TUNES: &str = "X:1\nT:One\nM:3/4\nL:1/4\nQ:1/4=90\nK:G\nGAB|c2d|edc|BAG|\n";

/// Tunes of four bars, each with another beginning.
pub fn tunes() -> String {
    let notes = ["D", "E", "F", "G", "A", "B", "c", "d", "e", "f"];
    let pairs = notes.iter().flat_map(|first| notes.iter().map(move |second| (first, second)));
    let tune = |(number, (first, second)): (usize, (&&str, &&str))| {
        TUNES.replace("X:1", &format!("X:{number}")).replace("GAB|", &format!("G{first}{second}|")) + "\n"
    };
    (1..).zip(pairs).map(tune).collect()
}

fn trained() -> TestSandbox {
    let sandbox = TestSandbox::new();
    sandbox.write("tunes.abc", tunes());
    sandbox.ok("compose --data tunes.abc --epochs 1 --hidden-size 8 --embedding-dim 4 --out run");
    sandbox
}

#[test]
fn a_run_of_tunes_composes_files_of_every_kind() {
    let sandbox = trained();
    for name in ["run/scores.json", "run/music.json", "run/plots/composed.svg", "run/plots/composed.wav"] {
        assert!(!sandbox.bytes(name).is_empty(), "{name}");
    }
    sandbox.ok("predict run --bars 2 --key G --meter 3/4 --tempo 90 --seed 3 -n 2 --output pieces");
    for number in [1, 2] {
        let midi = parse_midi("piece", &sandbox.bytes(&format!("pieces/piece-{number}.mid"))).unwrap().piece;
        assert_eq!((midi.meter().to_string(), midi.keys[0].1.to_string()), ("3/4".into(), "G".into()));
        assert!((midi.tempo() - 90.0).abs() < 0.01 && midi.end() <= 2 * midi.meter().bar(midi.ticks_per_quarter));
        assert!(sandbox.bytes(&format!("pieces/piece-{number}.wav")).starts_with(b"RIFF"));
        assert!(sandbox.read(&format!("pieces/piece-{number}.svg")).starts_with("<svg"));
    }
    let text = sandbox.ok("predict run --bars 2 --key G").stdout;
    assert!(text.starts_with("G, ") && text.contains("2 bars"), "{text}");
    let json = sandbox.ok("predict run --bars 2 --key G --format json").stdout;
    assert!(json.starts_with('{') && json.contains("\"log_probability\":-"), "{json}");
}

#[test]
fn a_primer_is_notes_a_melody_or_a_file() {
    let sandbox = trained();
    sandbox.write("primer.abc", TUNES);
    for primer in ["G4 A4 B4:2", "primer.abc"] {
        let args = ["--primer", primer, "--bars", "6", "--meter", "3/4", "--output", "piece.mid"];
        sandbox.ok_with_args("predict run", &args);
        let piece = parse_midi("piece.mid", &sandbox.bytes("piece.mid")).unwrap().piece;
        assert_eq!(piece.notes[0].pitch.to_string(), "G4", "{primer}");
    }
}

#[test]
fn bad_input_is_refused_by_name() {
    let sandbox = trained();
    sandbox.write("short.mid", b"MThd\0\0\0\x02\0\0");
    for (command, expected) in [
        ("predict run --key H", "--key: expected a name such as C, Am"),
        ("predict run --meter 3/5", "--meter: expected beats and their unit"),
        ("predict run --primer G4 --voice 0", "--voice: expected 1 or more, counted from the top, found 0"),
        ("predict run --primer nothing", "--primer: expected a file, a melody (ode-to-joy, "),
        ("predict run --primer short.mid", "short.mid"),
        ("predict run --tempo 0", "--tempo: expected 10 to 600 quarter notes a minute, found 0"),
        ("predict run --bars 0", "--bars: expected "),
        ("predict run --count 0", "--count: expected at least 1, found 0"),
        ("predict run --output piece.mp3", "--output: expected a file that ends with .mid, .wav, .svg, .txt or .json"),
        (
            "predict run --bars 1 --soundfont a.sf2 --output a.wav",
            "--soundfont: expected a program that was built with",
        ),
        ("predict run --prompt x", "--prompt: it is for runs of `generate`, and run is a run of `compose`"),
        ("compose --data short.mid", "short.mid"),
        ("compose --data missing", "missing"),
    ] {
        sandbox.refused(command, expected);
    }
}
