//! Composing: pieces of a small run that are what was asked for, and data that are wrong.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::Device;
use recurrent::Result;
use recurrent::compose::{ComposeConfig, ComposeRun, Composer, CompositionRequest, MusicSource, Notation};
use recurrent::data::sha256;
use recurrent::decoding::SamplingConfig;
use recurrent::fit::Callbacks;
use recurrent::music::{ChoralesByRule, Melody, Note, Piece, parse_notes};
use tempfile::TempDir;

/// A folder of chorales as MIDI files, split by folders.
fn chorales(root: &Path) -> String {
    let composer = ChoralesByRule::new(7);
    for (index, part) in ["train", "train", "train", "train", "valid", "test"].into_iter().enumerate() {
        fs::create_dir_all(root.join(part)).expect("a folder");
        let piece = composer.chorale(index as u64).piece();
        piece.write_midi(root.join(part).join(format!("{index}.mid"))).expect("a file");
    }
    root.display().to_string()
}

fn config(source: &MusicSource, notation: Notation) -> ComposeConfig {
    let mut config = ComposeConfig::new(source).expect("settings");
    (config.notation, config.per_quarter, config.embedding_dim, config.hidden_size) = (notation, 2, 6, 12);
    // The tests of a process share the random numbers of dropout.
    (config.fit.epochs, config.fit.batch_size, config.dropout) = (2, 2, 0.0);
    config
}

fn trained(notation: Notation, labels: bool) -> (TempDir, ComposeRun) {
    let root = tempfile::tempdir().expect("a folder");
    let source = MusicSource::open(&chorales(&root.path().join("pieces"))).expect("pieces");
    let mut config = config(&source, notation);
    config.labels = labels;
    let run = ComposeRun::create(config, source, root.path().join("run"), false).expect("a run");
    run.fit(&Device::flex(), Callbacks::quiet()).expect("training");
    (root, run)
}

/// A composer of frames with labels.
fn composer() -> &'static Composer {
    static TRAINED: OnceLock<(TempDir, Composer)> = OnceLock::new();
    &TRAINED
        .get_or_init(|| {
            let (root, run) = trained(Notation::Frames, true);
            let composer = run.predictor(&Device::flex()).expect("a composer");
            (root, composer)
        })
        .1
}

fn request(seed: u64) -> CompositionRequest {
    CompositionRequest::default().with_sampling(SamplingConfig::default().with_temperature(1.0).with_seed(seed))
}

/// The notes that sound at a tick, from the top.
fn sounding(piece: &Piece, tick: u32) -> Vec<&Note> {
    let mut notes: Vec<&Note> = piece.notes.iter().filter(|note| note.start <= tick && tick < note.end()).collect();
    notes.sort_by_key(|note| std::cmp::Reverse(note.pitch));
    notes
}

#[test]
fn a_piece_has_the_bars_the_key_and_the_voices_that_were_asked_for() {
    for seed in 0..5 {
        let request = request(seed).with_bars(3).with_key("Dm".parse().unwrap());
        let composition = composer().compose(&request).unwrap();
        let piece = &composition.piece;
        assert_eq!(piece.keys[0].1.to_string(), "Dm");
        let bar = piece.meter().bar(piece.ticks_per_quarter);
        assert_eq!(piece.end(), 3 * bar);
        for tick in (0..piece.end()).step_by(usize::from(piece.ticks_per_quarter) / 2) {
            assert_eq!(sounding(piece, tick).len(), 4, "seed {seed}, tick {tick}");
        }
        assert!(composition.log_probability < 0.0);
        assert!(composition.title().starts_with("Dm, ") && composition.title().contains("3 bars"));
        assert_eq!(composition.to_string().lines().count(), 4);
        assert_eq!(recurrent::music::parse_midi("piece", &piece.to_midi().unwrap()).unwrap().piece.notes, piece.notes);
    }
}

#[test]
fn a_melody_keeps_its_notes_when_it_is_harmonized() {
    let melody = Melody::find("ode-to-joy").unwrap().piece();
    let mut request = request(3).with_primer(melody.clone()).with_candidates(2);
    request.harmonize = true;
    let piece = composer().compose(&request).unwrap().piece;
    let seconds = |piece: &Piece, note: &Note| (piece.seconds(note.start) * 1e6).round() as u64;
    let found: Vec<_> = piece.notes.iter().map(|note| (seconds(&piece, note), note.pitch)).collect();
    for note in &melody.notes {
        assert!(found.contains(&(seconds(&melody, note), note.pitch)), "{note:?}");
        // Nothing is above the melody.
        let tick = note.start * u32::from(piece.ticks_per_quarter) / u32::from(melody.ticks_per_quarter);
        assert_eq!(sounding(&piece, tick)[0].pitch, note.pitch);
    }
    assert!(piece.notes.len() > 2 * melody.notes.len());
}

#[test]
fn a_voice_below_is_kept_as_well() {
    let mut request = request(1).with_primer(parse_notes("C3 G3 C3:2").unwrap()).with_bars(2);
    request.voice = 3;
    let piece = composer().compose(&request).unwrap().piece;
    let lowest = |quarter: u32| {
        let notes = sounding(&piece, quarter * u32::from(piece.ticks_per_quarter));
        notes.last().map(|note| note.pitch.to_string())
    };
    assert_eq!([0, 1, 2, 3].map(lowest), ["C3", "G3", "C3", "C3"].map(|name| Some(name.to_string())));
}

#[test]
fn the_same_seed_composes_the_same_piece() {
    let compose = |seed| composer().compose(&request(seed).with_bars(2)).unwrap().piece;
    assert_eq!(compose(4), compose(4));
    assert_ne!(compose(4).notes, compose(5).notes);
    // The likeliest of two is one of the two.
    let of_two = composer().compose(&request(4).with_bars(2).with_candidates(2)).unwrap();
    let both = [4, 5].map(|seed| composer().compose(&request(seed).with_bars(2)).unwrap().log_probability);
    assert_eq!(of_two.log_probability, both[0].max(both[1]));
}

#[test]
fn requests_that_cannot_be_met_are_refused() {
    let primer = parse_notes("C4 E4 G4 C5 C4 E4 G4 C5").unwrap();
    let message = |request: CompositionRequest| composer().compose(&request).unwrap_err().to_string();
    assert_eq!(
        message(request(0).with_primer(primer).with_bars(1)),
        "bars: expected at least 2, the bars of the primer, found 1"
    );
    assert!(message(request(0).with_bars(0)).starts_with("bars: expected between 1 and 1000"));
    let mut tempo = request(0);
    tempo.tempo = Some(f64::NAN);
    assert_eq!(message(tempo), "tempo: expected 10 to 600 quarter notes a minute, found NaN");
    let mut meter = request(0);
    meter.meter = Some("7/8".parse().unwrap());
    assert!(message(meter).starts_with("meter: expected "));
    assert_eq!(message(request(0).with_primer(Piece::default())), "primer: expected at least 1 note, found none");
}

#[test]
fn every_notation_is_trained_evaluated_and_composes() {
    for (notation, labels) in
        [(Notation::Frames, false), (Notation::Events, true), (Notation::Events, false), (Notation::Roll, false)]
    {
        let (_root, run) = trained(notation, labels);
        let evaluation = run.evaluate(&Device::flex()).unwrap();
        assert!(evaluation.nats_per_frame > 0.0 && evaluation.nats_per_frame.is_finite(), "{notation}");
        assert!((0.0..=1.0).contains(&evaluation.accuracy) && evaluation.baseline.is_some(), "{notation}");
        assert!(evaluation.to_string().contains("nats a frame"));
        let primer = parse_notes("C4 E4 G4:2").unwrap();
        let composer = run.predictor(&Device::flex()).unwrap();
        let piece = composer.compose(&request(2).with_primer(primer).with_bars(3)).unwrap().piece;
        let quarter = u32::from(piece.ticks_per_quarter);
        let begins = |at: u32, name: &str| {
            piece.notes.iter().any(|note| note.start == at * quarter && note.pitch.to_string() == name)
        };
        assert!(begins(0, "C4") && begins(1, "E4") && begins(2, "G4"), "{notation}");
        assert!(piece.end() <= 3 * piece.meter().bar(piece.ticks_per_quarter), "{notation}");
    }
}

#[test]
fn data_that_are_wrong_are_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let message = |data: &Path| match MusicSource::open(&data.display().to_string()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{} was read", data.display()),
    };
    let path = root.path().join("empty");
    fs::create_dir(&path).unwrap();
    let expected =
        "expected a folder with MIDI (.mid), MusicXML (.musicxml, .mxl) or ABC (.abc) files, found no such file";
    assert!(message(&path).ends_with(expected));
    fs::write(path.join("a.mid"), "no music").unwrap();
    assert!(message(&path).contains("a.mid"));
    assert!(message(&root.path().join("nothing.mid")).contains("nothing.mid"));
    let path = root.path().join("chorales.json");
    fs::write(&path, r#"{"train": [[[60, 200]]], "valid": [], "test": []}"#).unwrap();
    assert!(message(&path).contains("200"), "{}", message(&path));
}

#[test]
fn a_table_lists_files_with_their_splits_and_checksums() {
    let root = tempfile::tempdir().unwrap();
    let mut table = "file,sha256,split\n".to_string();
    for (index, part) in ["train", "train", "valid", "test"].into_iter().enumerate() {
        let midi = ChoralesByRule::new(7).chorale(index as u64).piece().to_midi().unwrap();
        table += &format!("music/{index}.mid,{},{part}\n", sha256(&midi));
        fs::create_dir_all(root.path().join("music")).unwrap();
        fs::write(root.path().join(format!("music/{index}.mid")), midi).unwrap();
    }
    let path = root.path().join("music.csv");
    fs::write(&path, &table).unwrap();
    let data = path.display().to_string();
    assert_eq!(create(&data, &root.path().join("run")).unwrap().data().sizes(), [2, 1, 1]);

    fs::write(&path, table.replacen(".mid,", ".mid,0", 1)).unwrap();
    let error = MusicSource::open(&data).err().unwrap().to_string();
    let place = format!("0.mid (line 2 of {data}): expected the sha256 0");
    assert!(error.contains(&place), "{error}");
    fs::write(&path, "file\nmusic/none.mid\n").unwrap();
    assert!(MusicSource::open(&data).err().unwrap().to_string().contains("none.mid"));
}

fn create(data: &str, folder: &Path) -> Result<ComposeRun> {
    let source = MusicSource::open(data)?;
    ComposeRun::create(ComposeConfig::new(&source)?, source, folder, false)
}

#[test]
fn copies_across_splits_are_refused_in_whatever_key() {
    let root = tempfile::tempdir().unwrap();
    let data = chorales(&root.path().join("pieces"));
    let piece = ChoralesByRule::new(7).chorale(0).piece();
    let copy = [2, -2].into_iter().find_map(|by| piece.transposed(by)).unwrap();
    copy.write_midi(root.path().join("pieces/test/copy.mid")).unwrap();
    let error = create(&data, &root.path().join("run")).unwrap_err().to_string();
    assert!(error.contains("copy.mid") && error.contains("train/0.mid"), "{error}");
}

#[test]
fn copies_and_transpositions_are_in_one_split() {
    let root = tempfile::tempdir().unwrap();
    for index in 0..30 {
        let piece = ChoralesByRule::new(7).chorale(index).piece();
        piece.write_midi(root.path().join(format!("{index}.mid"))).unwrap();
        let copy = [1, -1].into_iter().find_map(|by| piece.transposed(by)).unwrap();
        copy.write_midi(root.path().join(format!("{index}-copy.mid"))).unwrap();
    }
    let run = create(&root.path().display().to_string(), &root.path().join("run")).unwrap();
    let sizes = run.data().sizes();
    assert_eq!(sizes.iter().sum::<usize>(), 60);
    assert!(sizes.iter().all(|size| size.is_multiple_of(2) && *size > 0), "{sizes:?}");
}
