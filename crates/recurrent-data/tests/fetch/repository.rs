//! Recordings and tunes out of the archives of repositories.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use recurrent_data::{DatasetManifest, Table, Transcripts, sha256};

use crate::sandbox::{Sandbox, tar};
use crate::server::Server;

/// The manifest of what a converter makes of a repository.
fn set(converter: &str, kind: &str, url: &str, prepared: &str) -> DatasetManifest {
    let manifest = format!(
        "name = \"made\"\ntitle = \"Made\"\nkind = \"{kind}\"\ndescription = \"short\"\nlicense = \"mine\"\n\
         file = \"made.csv\"\nnum_bytes = {}\nsha256 = \"{}\"\nconverter = \"{converter}\"\n\
         [[sources]]\nrepository = \"{url}\"\n[{kind}]\n{}\n",
        prepared.len(),
        sha256(prepared.as_bytes()),
        if kind == "music" { "pieces = 1" } else { "rows = 1\nspeakers = 1\nsample_rate = 8000" },
    );
    DatasetManifest::from_toml("made/dataset.toml", &manifest).expect("a manifest")
}

const ELSEWHERE: &str = "http://127.0.0.1:1/made.tar.gz";

const AN4: [(&str, &[u8]); 8] = [
    ("an4-1/etc/an4_test.fileids", b"an4test_clstk/mmxg/an3-mmxg-b\n"),
    ("an4-1/etc/an4_test.transcription", b"GO (an3-mmxg-b)\n"),
    ("an4-1/etc/an4_train.fileids", b"an4_clstk/fash/an1-fash-b\nan4_clstk/mmxg/an2-mmxg-b\n"),
    ("an4-1/etc/an4_train.transcription", b"<s> YES </s> (an1-fash-b)\n\n<s> A  B SEVEN </s> (an2-mmxg-b)\r\n"),
    ("an4-1/etc/an4.lm.DMP", b"\xff\xfe no text"),
    ("an4-1/wav/an4_clstk/fash/an1-fash-b.wav", b"one"),
    ("an4-1/wav/an4_clstk/mmxg/an2-mmxg-b.wav", b"two"),
    ("an4-1/wav/an4test_clstk/mmxg/an3-mmxg-b.wav", b"three"),
];

fn an4_table() -> String {
    let [one, two, three] = [b"one".as_slice(), b"two", b"three"].map(sha256);
    format!(
        "wav,text,speaker,split,sha256\nwav/an4_clstk/fash/an1-fash-b.wav,yes,train-fash,train,{one}\n\
         wav/an4_clstk/mmxg/an2-mmxg-b.wav,a b seven,train-mmxg,train,{two}\n\
         wav/an4test_clstk/mmxg/an3-mmxg-b.wav,go,test-mmxg,test,{three}\n"
    )
}

#[test]
fn recordings_are_downloaded_with_their_table() {
    let server = Server::with_file(&tar(&AN4));
    let (sandbox, prepared) = (Sandbox::new(), an4_table());
    let set = set("an4", "speech", &server.url("made.tar.gz"), &prepared);
    let (table, _) = sandbox.fetch(&set, None).unwrap();
    assert_eq!(fs::read_to_string(&table).unwrap(), prepared);
    assert_eq!(sandbox.files(&set), ["made.csv", "wav"]);
    let transcripts = Transcripts::from_table(&Table::open(&table, None).unwrap()).unwrap();
    for transcript in transcripts.all() {
        let recording = fs::read(table.with_file_name(&transcript.recording)).unwrap();
        assert_eq!(transcript.sha256, Some(sha256(&recording)));
    }
    // What is there already is not asked for again.
    sandbox.fetch(&set, None).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn digits_have_the_official_test_part() {
    let archive = tar(&[
        ("fsdd-1/recordings/7_jackson_32.wav", b"a"),
        ("fsdd-1/recordings/0_theo_4.wav", b"b"),
        ("fsdd-1/recordings/README.md", b"c"),
        ("fsdd-1/recordings/odd.wav", b"d"),
    ]);
    let prepared = format!(
        "wav,text,split,sha256\nrecordings/0_theo_4.wav,zero,test,{}\nrecordings/7_jackson_32.wav,seven,train,{}\n",
        sha256(b"b"),
        sha256(b"a")
    );
    let (sandbox, set) = (Sandbox::new(), set("fsdd", "speech", ELSEWHERE, &prepared));
    let file = sandbox.write("local.tar.gz", archive);
    let (table, _) = sandbox.fetch(&set, Some(&file)).unwrap();
    assert_eq!(fs::read_to_string(table).unwrap(), prepared);
}

#[test]
fn tunes_are_numbered_anew() {
    let archive = tar(&[
        ("n-1/ABC_cleaned/jigs.abc", b"X: 1\nT:Two\nK:G\nGAB|\n\nX:2\nT:Three\nK:D\nABC|"),
        ("n-1/ABC_cleaned/ashover.abc", b"X:7\r\nT:One\r\nK:G\r\nABc|\r\n"),
        ("n-1/ABC_original/jigs.abc", b"X:9\n"),
    ]);
    let prepared = "X:1\nT:One\nK:G\nABc|\nX:2\nT:Two\nK:G\nGAB|\n\nX:3\nT:Three\nK:D\nABC|\n";
    let (sandbox, set) = (Sandbox::new(), set("nottingham", "music", ELSEWHERE, prepared));
    let file = sandbox.write("local.tar.gz", archive);
    let (tunes, _) = sandbox.fetch(&set, Some(&file)).unwrap();
    assert_eq!(fs::read_to_string(tunes).unwrap(), prepared);
}

#[test]
fn wrong_archives_are_rejected_and_leave_nothing() {
    let (sandbox, set) = (Sandbox::new(), set("an4", "speech", ELSEWHERE, &an4_table()));
    let mut other = AN4;
    other[5].1 = b"changed";
    let mut swapped = AN4;
    swapped[1].1 = b"GO (an4-mmxg-b)\n";
    for (archive, cause) in [
        (tar(&AN4[..7]), "expected wav/an4test_clstk/mmxg/an3-mmxg-b.wav inside, found no such file"),
        (tar(&AN4[2..]), "expected etc/an4_test.transcription inside, found no such file"),
        (tar(&other), "made, prepared: expected the sha256 "),
        (
            tar(&swapped),
            "etc/an4_test.transcription, line 1: expected the transcript of the recording in the same place, found an4-mmxg-b",
        ),
        (tar(&AN4)[..100].to_vec(), "expected a tar.gz archive: "),
        (an4_table().into_bytes(), "expected a tar.gz archive: invalid gzip header"),
    ] {
        let file = sandbox.write("local.tar.gz", archive);
        let error = sandbox.rejected(&set, Some(&file), true);
        assert!(error.contains(&format!("expected, for made, the archive {ELSEWHERE}: ")), "{error}");
        assert!(error.contains(cause), "{error}");
        assert!(!sandbox.files(&set).iter().any(|name| name == "wav" || name == ".recordings"));
    }
}

#[test]
fn nothing_is_unpacked_outside_of_the_folder() {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for name in ["an4-1/wav/../../../evil.wav", "an4-1/wav/.hidden.wav", "an4-1/wav//etc/evil.wav"] {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(4);
        header.set_cksum();
        archive.append(&header, b"evil".as_slice()).unwrap();
    }
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    archive.append_link(&mut link, "an4-1/wav/link.wav", "/etc/passwd").unwrap();
    let mut archive = archive.into_inner().unwrap();
    archive.flush().unwrap();
    let (sandbox, set) = (Sandbox::new(), set("an4", "speech", ELSEWHERE, &an4_table()));
    let file = sandbox.write("local.tar.gz", archive.finish().unwrap());
    let error = sandbox.rejected(&set, Some(&file), true);
    assert!(error.ends_with("expected etc/an4_train.transcription inside, found no such file"), "{error}");
    let names = fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| name != "made" && name != "local.tar.gz").count(), 0);
}

#[test]
fn repository_without_a_converter_is_rejected() {
    let text = toml::to_string(&set("an4", "speech", ELSEWHERE, "")).unwrap();
    let error = DatasetManifest::from_toml("m.toml", &text.replace("converter = \"an4\"\n", "")).unwrap_err();
    assert!(
        error.to_string().contains("converter: expected a converter, for the archive of a repository, found none"),
        "{error}"
    );
    let both = text.replace("[[sources]]\n", "[[sources]]\nurl = \"http://127.0.0.1/x\"\n");
    let error = DatasetManifest::from_toml("m.toml", &both).unwrap_err().to_string();
    assert!(
        error.contains("a source has either a `url`, or a `package` and its `version`, or a `repository` alone"),
        "{error}"
    );
}
