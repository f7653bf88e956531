//! Conversion of archives to tables.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use recurrent_data::{DatasetManifest, sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::sandbox::{Sandbox, tar};
use crate::server::Server;

/// A zip archive of these files.
fn zip<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, contents) in files {
        zip.start_file(*path, SimpleFileOptions::default()).expect("a file in an archive");
        zip.write_all(contents.as_ref()).expect("a file in an archive");
    }
    zip.finish().expect("an archive").into_inner()
}

/// The manifest of a table that is converted from `raw`, a file at `path` in an archive, or a wheel.
fn set(converter: &str, raw: &[u8], path: Option<&str>, prepared: &str) -> DatasetManifest {
    let source = path.map_or("package = \"made\"\nversion = \"1\"\n".to_string(), |path| {
        let archive = "0".repeat(64);
        format!("url = \"http://127.0.0.1:1/made\"\npath = \"{path}\"\narchive_sha256 = \"{archive}\"\n")
    });
    let manifest = format!(
        "name = \"made\"\ntitle = \"Made\"\nkind = \"text\"\ndescription = \"short\"\nlicense = \"mine\"\n\
         file = \"made.csv\"\nnum_bytes = {}\nsha256 = \"{}\"\nconverter = \"{converter}\"\n\
         [[sources]]\n{source}sha256 = \"{}\"\n\
         [text]\nvalid_fraction = 0.1\n",
        prepared.len(),
        sha256(prepared.as_bytes()),
        sha256(raw)
    );
    DatasetManifest::from_toml("made/dataset.toml", &manifest).expect("a manifest")
}

const REVIEWS: &str = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt";
const SDIST: &str = "made-1/more/raw.tar.gz";

/// A sandbox with an archive of rated sentences, and the manifest of its table.
fn vader(sentences: &str, prepared: &str) -> (Sandbox, DatasetManifest, PathBuf) {
    let raw = tar(&[("hutto_ICWSM_2014/other.txt", b"1\t4.0\tnot this"), (REVIEWS, sentences.as_bytes())]);
    let sandbox = Sandbox::new();
    let file = sandbox.write("raw.tar.gz", &raw);
    (sandbox, set("vader", &raw, Some(SDIST), prepared), file)
}

/// The table that is converted from a local file.
fn converted(sandbox: &Sandbox, set: &DatasetManifest, file: &Path) -> String {
    let (file, events) = sandbox.fetch(set, Some(file)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(events, ["converting"]);
    std::fs::read_to_string(file).expect("a table")
}

#[test]
fn ratings_become_labels() {
    let sentences = "1\t2.27\tA \"good\" one, it is.\r\n2\t-0.5\tNot quite\u{a0} bad.\r\n3\t0.4\tSo so.\r\n\r\n\
                     4\t-0.49\tHm.\r\n5\t0.5\tFair.\r\n6\t3.1\tFair.\r\n7\t-3\t  \r\n8\t-4\tA\ttab.\r\n";
    let prepared = "text,label\n\"A \"\"good\"\" one, it is.\",positive\nNot quite bad.,negative\nFair.,positive\nA tab.,negative\n";
    let (sandbox, set, file) = vader(sentences, prepared);
    assert_eq!(converted(&sandbox, &set, &file), prepared);
    assert_eq!(sandbox.files(&set), ["made.csv"]);
}

#[test]
fn invalid_line_is_reported() {
    let (sandbox, set, file) = vader("1\t2.0\tFine.\n2\tfine\tFine.\n", "");
    assert_eq!(
        sandbox.rejected(&set, Some(&file), false),
        format!("{REVIEWS}, line 2: expected an id, a rating and a sentence, separated by tabs, found 2\tfine\tFine.")
    );
}

#[test]
fn local_package_replaces_the_download() {
    let prepared = "text,label\nFine.,positive\n";
    let (sandbox, set, file) = vader("1\t2.0\tFine.\n", prepared);
    let raw = std::fs::read(file).unwrap();
    let package = sandbox.write("made-1.tar.gz", tar(&[("made-1/setup.py", b""), (SDIST, &raw)]));
    assert_eq!(converted(&sandbox, &set, &package), prepared);
    assert_eq!(sandbox.files(&set), ["made.csv"]);
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_or_a_pipe() {
    use std::fs;
    use std::os::unix::fs::symlink;

    for name in ["made.csv", ".lock", ".prepared", ".part-00000000", ".pip"] {
        let (sandbox, set, package) = vader("1\t4.0\tbright\n", "text,label\nbright,positive\n");
        let victim = sandbox.write("victim", "mine");
        fs::create_dir(sandbox.path().join("made")).expect("a folder");
        symlink(&victim, sandbox.path().join("made").join(name)).expect("a link");
        let error = sandbox.fetch(&set, Some(&package)).expect_err("a link").to_string();
        assert!(error.ends_with(&format!("made/{name}: expected a regular file, found a symbolic link")), "{error}");
        assert_eq!(fs::read(&victim).expect("the victim"), b"mine");
    }

    let (sandbox, set, package) = vader("1\t4.0\tbright\n", "text,label\nbright,positive\n");
    let elsewhere = tempfile::tempdir().expect("a folder");
    symlink(elsewhere.path(), sandbox.path().join("made")).expect("a link");
    let error = sandbox.fetch(&set, Some(&package)).expect_err("a link").to_string();
    assert!(error.ends_with("made: expected a folder, found a symbolic link"), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);

    fs::remove_file(sandbox.path().join("made")).expect("the link");
    fs::create_dir(sandbox.path().join("made")).expect("a folder");
    let pipe = set.path_in(sandbox.path());
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let error = set.availability(sandbox.path()).expect_err("a pipe").to_string();
    assert!(error.ends_with("expected a readable file: it is a pipe, a socket or a device"), "{error}");
    let error = sandbox.fetch(&set, Some(&package)).expect_err("a pipe").to_string();
    assert!(error.ends_with("expected a regular file, found a pipe, a socket or a device"), "{error}");
}

#[test]
fn package_with_another_file_is_rejected() {
    let (sandbox, set, _) = vader("1\t2.0\tFine.\n", "");
    for contents in [tar(&[(SDIST, b"other")]), tar(&[("made-1/setup.py", b"")]), b"no archive".to_vec()] {
        let package = sandbox.write("made-1.tar.gz", contents);
        let error = sandbox.rejected(&set, Some(&package), true);
        assert!(error.contains(&format!("expected, for made, {SDIST} in http://127.0.0.1:1/made (sha256 ")), "{error}");
        assert!(sandbox.files(&set).is_empty(), "{:?}", sandbox.files(&set));
    }
}

#[test]
fn converted_local_file_replaces_the_download() {
    let prepared = "text,label\nFine.,positive\n";
    let (sandbox, set, _) = vader("1\t2.0\tFine.\n", prepared);
    let file = sandbox.write("made.csv", prepared);
    let (file, events) = sandbox.fetch(&set, Some(&file)).unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap(), prepared);
    assert!(events.is_empty(), "{events:?}");
}

#[test]
fn archive_without_its_file_is_reported() {
    let raw = tar(&[("hutto_ICWSM_2014/other.txt", b"")]);
    let (sandbox, set) = (Sandbox::new(), set("vader", &raw, Some(SDIST), ""));
    let file = sandbox.write("raw.tar.gz", &raw);
    let error = sandbox.rejected(&set, Some(&file), false);
    assert!(error.ends_with(&format!("raw.tar.gz: expected {REVIEWS} inside, found no such file")), "{error}");

    let damaged = &raw[..raw.len() / 2];
    let file = sandbox.write("raw.tar.gz", damaged);
    let set = crate::convert::set("vader", damaged, Some(SDIST), "");
    let error = sandbox.rejected(&set, Some(&file), false);
    assert!(error.contains("raw.tar.gz: expected a tar.gz archive: "), "{error}");
}

fn translations(component: &str, language: &str) -> String {
    format!("homeassistant/components/{component}/translations/{language}.json")
}

/// The table that is converted from a wheel of translations.
fn home_assistant(files: &[(&str, &str, &str)], prepared: &str) -> String {
    let names: Vec<_> = files.iter().map(|(component, language, _)| translations(component, language)).collect();
    let files: Vec<_> = names.iter().zip(files).map(|(name, (_, _, texts))| (&**name, *texts)).collect();
    let wheel = zip(&files);
    let (sandbox, set) = (Sandbox::new(), set("home-assistant", &wheel, None, prepared));
    let file = sandbox.write("made.whl", wheel);
    converted(&sandbox, &set, &file)
}

#[test]
fn translations_are_joined_on_their_keys() {
    let prepared = "english,russian,component\n\
                    Save,Сохранить,alarm\n\
                    \"{count} lamps, \"\"on\"\"\",\"Ламп: {count}, «вкл»\",lamp\n\
                    One line,Одна строка,lamp\n";
    let converted = home_assistant(
        &[
            (
                "lamp",
                "en",
                r#"{"b": {"title": "One\n\nline ", "only": "English"}, "a.x": "{count} lamps, \"on\"", "n": 7,
                   "list": ["Not", "this"], "again": "Save"}"#,
            ),
            (
                "lamp",
                "ru",
                r#"{"a.x": "Ламп: {count}, «вкл»", "b": {"title": "Одна строка"}, "n": 7, "list": ["Не", "это"],
                   "again": "Сохранить", "more": "Русский"}"#,
            ),
            ("lamp", "fr", r#"{"again": "Enregistrer"}"#),
            (
                "alarm",
                "en",
                r#"{"save": "Save", "same": "MAC", "empty": "", "blank": "Blank", "key": "[%key:common::save%]",
                   "key2": "Key"}"#,
            ),
            (
                "alarm",
                "ru",
                r#"{"save": "Сохранить", "same": "MAC", "empty": "Пусто", "blank": " ", "key": "Сохранить",
                   "key2": "[%key:common::key%]"}"#,
            ),
            ("unevents", "en", r#"{"save": "Keep"}"#),
            ("lamp/inner", "en", r#"{"save": "Inner"}"#),
            ("lamp/inner", "ru", r#"{"save": "Внутри"}"#),
        ],
        prepared,
    );
    assert_eq!(converted, prepared);
}

#[test]
fn invalid_json_is_reported() {
    let (english, russian) = (translations("lamp", "en"), translations("lamp", "ru"));
    let wheel = zip(&[(&english, "{\n  oops"), (&russian, "{}")]);
    let (sandbox, set) = (Sandbox::new(), set("home-assistant", &wheel, None, ""));
    let file = sandbox.write("made.whl", wheel);
    let error = sandbox.rejected(&set, Some(&file), false);
    assert!(error.starts_with(&format!("{english}, line 2: expected texts in JSON, found ")), "{error}");
}

#[test]
fn invalid_zip_is_reported() {
    let (sandbox, set) = (Sandbox::new(), set("home-assistant", b"no zip", None, ""));
    let file = sandbox.write("made.whl", "no zip");
    let error = sandbox.rejected(&set, Some(&file), false);
    assert!(error.contains("made.whl: expected a zip archive: "), "{error}");
}

/// A megabyte of zeros that compresses to a thousandth.
fn zeros(megabytes: usize) -> String {
    "0".repeat(megabytes << 20)
}

#[test]
fn archives_that_unpack_to_too_much_are_rejected() {
    let error = "it unpacks to more than 1048576 bytes, too many for its size";
    let (english, russian) = (translations("lamp", "en"), translations("lamp", "ru"));
    let wheel = zip(&[(&*english, &*zeros(2)), (&*russian, "{}")]);
    let sandbox = Sandbox::new();
    let file = sandbox.write("made.whl", &wheel);
    let message = sandbox.rejected(&set("home-assistant", &wheel, None, ""), Some(&file), false);
    assert!(message.ends_with(&format!("made.whl: expected a zip archive: {english}: {error}")), "{message}");

    // The zeros are unpacked even if another file is wanted.
    for path in [REVIEWS, "a/zeros"] {
        let raw = tar(&[(path, zeros(2).as_bytes()), (REVIEWS, b"1\t2.0\tFine.\n")]);
        let file = sandbox.write("raw.tar.gz", &raw);
        let message = sandbox.rejected(&set("vader", &raw, Some(SDIST), ""), Some(&file), false);
        assert!(message.contains("raw.tar.gz: expected a tar.gz archive: ") && message.ends_with(error), "{message}");
    }
}

#[test]
fn archive_is_verified_before_it_is_unpacked() {
    let raw = tar(&[(REVIEWS, b"1\t2.0\tFine.\n")]);
    let prepared = "text,label\nFine.,positive\n";
    for archive in [tar(&[("made-1/setup.py", b""), (SDIST, &raw)]), zip(&[(SDIST, &raw)])] {
        let server = Server::with_file(&archive);
        let manifest = set("vader", &raw, Some(SDIST), prepared);
        let toml = toml::to_string(&manifest).unwrap().replace("http://127.0.0.1:1/made", &server.url("made"));
        let sandbox = Sandbox::new();

        let wrong = DatasetManifest::from_toml("made/dataset.toml", &toml).unwrap();
        let error = sandbox.rejected(&wrong, None, false);
        assert!(
            error.contains(&format!("expected the sha256 {}, found {}", "0".repeat(64), sha256(&archive))),
            "{error}"
        );
        assert!(sandbox.files(&wrong).is_empty());

        let toml = toml.replace(&"0".repeat(64), &sha256(&archive));
        let manifest = DatasetManifest::from_toml("made/dataset.toml", &toml).unwrap();
        let (file, events) = sandbox.fetch(&manifest, None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(events.last().map(String::as_str), Some("converting"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), prepared);
        assert_eq!(sandbox.files(&manifest), ["made.csv"]);
    }
}

/// An array of NumPy.
fn npy(header: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{header}\n");
    [b"\x93NUMPY\x01\0".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), values].concat()
}

/// Arrays of two recordings of two frames and one.
fn arrays() -> [(&'static str, Vec<u8>); 3] {
    let values: Vec<u8> = (0..39_u8).flat_map(|value| (f32::from(value) / 4.0 - 1.0).to_le_bytes()).collect();
    let integers = |values: [i64; 2]| values.map(i64::to_le_bytes).concat();
    let header =
        |kind: &str, shape: &str| format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}   ");
    [
        ("X.npy", npy(&header("<f4", "(3, 13)"), &values)),
        ("y.npy", npy(&header("<i8", "(2,)"), &integers([7, 0]))),
        ("lengths.npy", npy(&header("<i8", "(2,)"), &integers([2, 1]))),
    ]
}

#[test]
fn coefficients_of_recordings_become_rows() {
    let raw = zip(&arrays());
    let row = |frames: std::ops::Range<u8>| {
        let values = frames.map(|value| (f32::from(value) / 4.0 - 1.0).to_string());
        values.collect::<Vec<_>>().join(" ")
    };
    let prepared = format!("mfcc,digit\n{},7\n{},0\n", row(0..26), row(26..39));
    assert!(prepared.starts_with("mfcc,digit\n-1 -0.75 -0.5 "), "{prepared}");
    let (sandbox, set) = (Sandbox::new(), set("mfcc", &raw, Some("made-1/digits.npz"), &prepared));
    assert_eq!(converted(&sandbox, &set, &sandbox.write("digits.npz", &raw)), prepared);
}

#[test]
fn other_arrays_are_rejected() {
    let of_doubles = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 13), }", &[0; 312]);
    let cut = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 13), }", &[0; 155]);
    let many = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 13), }", &[0; 52]);
    for (array, cause) in [
        (
            of_doubles,
            "X.npy: expected an array of NumPy, version 1, of `<f4`, row by row, of shape (n, 13), found another file",
        ),
        (cut, "X.npy: expected an array of NumPy"),
        (many, "X.npy: expected an array of NumPy"),
        (b"PK".to_vec(), "X.npy: expected an array of NumPy"),
        (
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 13), }", &[]),
            "a digit and a length for each recording",
        ),
    ] {
        let mut changed = arrays();
        changed[0].1 = array;
        let raw = zip(&changed);
        let (sandbox, set) = (Sandbox::new(), set("mfcc", &raw, Some("made-1/digits.npz"), ""));
        let error = sandbox.rejected(&set, Some(&sandbox.write("digits.npz", &raw)), false);
        assert!(error.contains(cause), "{error}");
    }
    let raw = zip(&arrays()[..2]);
    let (sandbox, set) = (Sandbox::new(), set("mfcc", &raw, Some("made-1/digits.npz"), ""));
    let error = sandbox.rejected(&set, Some(&sandbox.write("digits.npz", &raw)), false);
    assert!(error.ends_with("expected lengths.npy inside, found no such file"), "{error}");
}

#[test]
fn scores_are_unpacked_with_their_table() {
    let raw = zip(&[
        ("music21/corpus/bach/bwv2.mxl", b"two".as_slice()),
        ("music21/corpus/bach/bwv1.mxl", b"one"),
        ("music21/corpus/bach/bwv1.krn", b"another format"),
        ("music21/corpus/bach/../../evil.mxl", b"evil"),
        ("music21/corpus/bach/.hidden.mxl", b"evil"),
        ("music21/corpus/haydn/op1.mxl", b"another composer"),
    ]);
    let prepared = format!("file,sha256\nscores/bwv1.mxl,{}\nscores/bwv2.mxl,{}\n", sha256(b"one"), sha256(b"two"));
    let (sandbox, set) = (Sandbox::new(), set("music21-bach", &raw, None, &prepared));
    let wheel = sandbox.write("music21.whl", &raw);
    assert_eq!(converted(&sandbox, &set, &wheel), prepared);
    assert_eq!(sandbox.files(&set), ["made.csv", "scores"]);
    let table = set.path_in(sandbox.path());
    let scores = table.with_file_name("scores");
    assert_eq!(std::fs::read(scores.join("bwv2.mxl")).expect("a score"), b"two");
    assert_eq!(std::fs::read_dir(scores).expect("a folder").count(), 2);

    // The table alone is of no use.
    let sandbox = Sandbox::new();
    let error = sandbox.rejected(&set, Some(&sandbox.write("made.csv", &prepared)), true);
    assert!(error.contains("expected, for made, "), "{error}");
}
