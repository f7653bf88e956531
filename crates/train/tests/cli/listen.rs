//! `train listen`: speech from a file or a pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use recurrent::audio::synth::{SynthConfig, SynthSpeech, Vocabulary, Word};
use recurrent::audio::{Audio, resample};

use crate::program::{Ran, TestSandbox, transcribe_run};

/// The bytes before the samples of the WAV files here.
const HEADER: usize = 44;

/// Some utterances.
fn utterances() -> Vec<Audio> {
    let config = SynthConfig::default().with_utterances(4).with_words(2, 3);
    let speech = SynthSpeech::new(config).expect("these settings are in range");
    speech.iter().map(|utterance| utterance.audio).collect()
}

/// These utterances, with pauses that end them.
fn speech() -> Audio {
    let samples = utterances().into_iter().flat_map(|audio| [audio.samples, vec![0.0; 24_000]].concat());
    Audio::new(16_000, samples.collect())
}

fn wav(audio: &Audio) -> Vec<u8> {
    audio.to_wav("speech.wav").expect("a WAV file")
}

/// A sandbox with `speech.wav`, and the beginning of a command that listens with a run.
fn with_speech() -> (TestSandbox, String) {
    let sandbox = TestSandbox::new();
    sandbox.write("speech.wav", wav(&speech()));
    (sandbox, format!("listen {}", transcribe_run().display()))
}

/// Starts a command whose standard streams are pipes.
fn start(sandbox: &TestSandbox, line: &str) -> Child {
    let mut command = sandbox.command(line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// Runs a command that gets so many bytes at a time through a pipe, as far as it reads them.
fn pipe(sandbox: &TestSandbox, line: &str, bytes: &[u8], size: usize) -> Ran {
    let mut child = start(sandbox, line);
    let mut input = child.stdin.take().expect("piped");
    std::thread::scope(|scope| {
        scope.spawn(move || bytes.chunks(size).try_for_each(|chunk| input.write_all(chunk)));
        Ran::from(child.wait_with_output().expect("the program ends"))
    })
}

#[track_caller]
fn assert_refused(ran: &Ran, error: &str) {
    assert_eq!(ran.code, Some(2), "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr, format!("error: {error}\n"));
}

/// The words of a line of text: what is behind its time.
fn words(line: &str) -> &str {
    line.trim_start().split_once("  ").expect("a time, and words").1
}

#[test]
fn output_does_not_depend_on_how_sound_comes() {
    let (sandbox, listen) = with_speech();
    let expected = sandbox.ok(&format!("{listen} speech.wav"));
    assert!(!expected.stdout.is_empty(), "the network recognizes nothing");
    let times: Vec<f64> =
        expected.stdout.lines().map(|line| line[..6].trim().parse().expect("a time in seconds")).collect();
    assert!(times.is_sorted(), "{}", expected.stdout);
    let seconds = speech().seconds();
    assert!(times.last().is_some_and(|time| *time < seconds), "{}", expected.stdout);
    assert!(expected.stderr.starts_with(&format!("{seconds:.1} s of sound in ")), "{}", expected.stderr);
    assert!(expected.stderr.contains(" s: real-time factor 0."), "{}", expected.stderr);

    let file = wav(&speech());
    let mut streamed = file.clone();
    streamed[4..8].copy_from_slice(&[0xFF; 4]);
    streamed[40..44].copy_from_slice(&[0xFF; 4]);
    for (bytes, size) in [(&file[..], 1 << 20), (&file, 3), (&streamed, 4_096), (&file[HEADER..], 1_001)] {
        let ran = pipe(&sandbox, &format!("{listen} -"), bytes, size);
        assert_eq!((ran.code, &ran.stdout), (Some(0), &expected.stdout), "{}", ran.stderr);
    }
    // Standard input is the default.
    assert_eq!(pipe(&sandbox, &listen, &file, 1_000).stdout, expected.stdout);
}

#[test]
fn raw_samples_of_another_rate_give_the_lines_of_the_file() {
    let (sandbox, listen) = with_speech();
    let file = wav(&resample(&speech(), 22_050).expect("a rate in range"));
    sandbox.write("other.wav", &file);
    let expected = sandbox.ok(&format!("{listen} other.wav")).stdout;
    assert!(!expected.is_empty(), "the network recognizes nothing");
    let raw = pipe(&sandbox, &format!("{listen} --sample-rate 22050"), &file[HEADER..], 999);
    assert_eq!(raw.stdout, expected);
    sandbox.write("other.raw", &file[HEADER..]);
    assert_eq!(sandbox.ok(&format!("{listen} other.raw --sample-rate 22050")).stdout, expected);
}

#[test]
fn json_and_partials_have_all_changes() {
    let (sandbox, listen) = with_speech();
    let text = sandbox.ok(&format!("{listen} speech.wav")).stdout;
    let events = sandbox.ok(&format!("{listen} speech.wav --format json")).json();
    let finals = events.iter().filter(|event| event["type"] == "final");
    let lines = finals.map(|event| {
        let end = event["words"][0]["end"].as_f64().expect("a time");
        format!("{end:6.2}  {}\n", event["text"].as_str().expect("a text"))
    });
    assert_eq!(lines.collect::<String>(), text);
    assert!(events.iter().any(|event| event["type"] == "partial"), "{events:?}");
    assert!(events.iter().all(|event| event["type"] == "partial" || event["type"] == "final"), "{events:?}");

    let partials = sandbox.ok(&format!("{listen} speech.wav --partials")).stdout;
    let rest: String = partials.split_inclusive('\n').filter(|line| !line.ends_with(" …\n")).collect();
    assert_eq!(rest, text);
    assert!(partials.len() > text.len(), "{partials}");
}

#[test]
fn silence_prints_nothing() {
    let (sandbox, listen) = with_speech();
    for line in [listen.clone(), format!("{listen} --beam-size 4"), format!("{listen} --format json")] {
        let ran = pipe(&sandbox, &line, &[0; 96_000], 3_200);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
        assert!(ran.stderr.starts_with("3.0 s of sound in "), "{}", ran.stderr);
    }
}

#[test]
fn what_is_no_sound_is_refused() {
    let (sandbox, listen) = with_speech();
    let mp3 = b"ID3\x04\0\0\0\0\0\0some tag";
    let found = "expected a WAV file, found an MP3 file";
    assert_refused(&pipe(&sandbox, &listen, mp3, 5), &format!("standard input: {found}"));
    sandbox.write("song.mp3", mp3);
    sandbox.refused(&format!("{listen} song.mp3"), &format!("song.mp3: {found}"));

    let none = "expected at least 1 sample, found 0";
    let empty = &wav(&Audio::new(16_000, vec![0.0]))[..HEADER];
    let sized = [&empty[..40], &[0; 4]].concat();
    for bytes in [&[][..], &[1], &sized] {
        assert_refused(&pipe(&sandbox, &listen, bytes, 50), &format!("standard input: {none}"));
    }
    sandbox.write("empty.wav", &sized);
    sandbox.refused(&format!("{listen} empty.wav"), &format!("empty.wav: {none}"));
    sandbox.refused(&format!("{listen} none.wav"), "none.wav: expected a readable file: ");
    std::fs::create_dir(sandbox.path("folder")).expect("a folder");
    sandbox.refused(&format!("{listen} folder"), "folder: expected a file, found a directory");
}

#[test]
fn a_truncated_file_is_recognized_as_far_as_it_is_there() {
    let (sandbox, listen) = with_speech();
    let file = wav(&speech());
    let there = file.len() / 2;
    let expected = pipe(&sandbox, &listen, &file[HEADER..there], 1_000).stdout;
    let ran = pipe(&sandbox, &listen, &file[..there], 1_000);
    assert_eq!((ran.code, &ran.stdout), (Some(2), &expected));
    let (size, found) = (file.len() - HEADER, there - HEADER);
    let error = format!("error: standard input: expected {size} bytes of samples as its header says, found {found}; ");
    assert!(ran.stderr.starts_with(&error) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
}

#[test]
fn a_lexicon_has_the_only_words() {
    let (sandbox, listen) = with_speech();
    let text = sandbox.ok(&format!("{listen} speech.wav")).stdout;
    let word = words(text.lines().next().expect("a line")).split(' ').next().expect("a word");
    sandbox.write("words.txt", format!("\u{feff}# comment with spaces\r\n\n  {word}  \n"));
    let only = sandbox.ok(&format!("{listen} speech.wav --lexicon words.txt")).stdout;
    assert!(only.lines().all(|line| words(line).split(' ').all(|found| found == word)), "{word}:\n{only}");

    for (contents, error) in [
        (format!("{word}\n\ntwo words\n"), "words.txt, line 3: expected a word without spaces, found `two words`"),
        ("# nothing\n\n".into(), "words.txt: expected a word on each line, found none"),
        ("☃\n".into(), "the lexicon: expected words that the network's tokens can spell, found `☃` in `☃`"),
    ] {
        sandbox.write("words.txt", contents);
        sandbox.refused(&format!("{listen} speech.wav --lexicon words.txt"), error);
    }
    sandbox.write("words.txt", b"one\n\xFF\n");
    sandbox.refused(&format!("{listen} speech.wav --lexicon words.txt"), "words.txt, line 2: ");
    sandbox.refused(&format!("{listen} speech.wav --lexicon none.txt"), "none.txt: expected a readable file");
}

#[test]
fn a_language_model_takes_part_in_the_search() {
    let (sandbox, listen) = with_speech();
    let plain = sandbox.ok(&format!("{listen} speech.wav")).stdout;
    let spoken: Vec<Word> = Vocabulary::ALL.into_iter().flat_map(Vocabulary::words).collect();
    let line =
        |start: usize| (0..8).map(|n| spoken[(start + 5 * n) % spoken.len()].text()).collect::<Vec<_>>().join(" ");
    sandbox.write("words.txt", (0..200).map(|start| line(start) + "\n").collect::<String>());
    sandbox.ok("generate --data words.txt --embedding-dim 4 --hidden-size 8 --epochs 1 --out model");
    let model = format!("{listen} speech.wav --language-model model");
    assert_eq!(sandbox.ok(&format!("{model} --lm-weight 0")).stdout, plain);
    let count = |text: &str| text.lines().map(|line| words(line).split(' ').count()).sum::<usize>();
    let penalty = sandbox.ok(&format!("{model} --word-bonus -100")).stdout;
    assert!(count(&penalty) < count(&plain), "{penalty}\n{plain}");
    let predict = format!("predict {} speech.wav --language-model model", transcribe_run().display());
    let text: Vec<String> = sandbox.ok(&model).stdout.lines().map(|line| words(line).to_string()).collect();
    assert_eq!(sandbox.ok(&predict).stdout.trim_end(), text.join(" "));
    for (options, error) in [
        ("--lm-weight 11", "--lm-weight: expected a number from 0 to 10, found 11"),
        ("--word-bonus inf", "--word-bonus: expected between -100 and 100, found inf"),
        ("--language-model zoo:sentiment-en", "expected a run of `generate`, found a run of `classify`"),
        (
            "--language-model zoo:fables",
            "the language model: expected one with tokens for all that the recognizer may say",
        ),
    ] {
        let line = if options.starts_with("--language") {
            format!("{listen} {options}")
        } else {
            format!("{model} {options}")
        };
        sandbox.refused(&line, error);
    }
}

#[cfg(not(feature = "microphone"))]
#[test]
fn a_microphone_that_is_not_compiled_in_is_refused() {
    let (sandbox, listen) = with_speech();
    let error = "--microphone: it is not compiled in, build with --features microphone";
    sandbox.refused(&format!("{listen} --microphone"), error);
}

#[test]
fn settings_and_runs_are_checked_before_the_first_sound() {
    let (sandbox, listen) = with_speech();
    // The null device of these commands is at its end, which would be an error of its own.
    for (line, error) in [
        (format!("{listen} --sample-rate 999"), "--sample-rate: expected between 1000 and 768000, found 999"),
        (format!("{listen} --beam-size 0"), "--beam-size: expected between 1 and "),
        ("listen zoo:fables".into(), "expected a run of `transcribe`, found a run of `generate`"),
        ("listen zoo:sentiment".into(), "zoo: expected one of "),
        ("listen nowhere".into(), "nowhere"),
    ] {
        sandbox.refused(&line, error);
    }
    assert_eq!(sandbox.run(&format!("{listen} --threshold 0.5")).code, Some(2));
}

#[test]
fn a_wake_word_is_reported_until_its_cooldown_ends() {
    let (sandbox, listen) = with_speech();
    let text = sandbox.ok(&format!("{listen} speech.wav")).stdout;
    let word = words(text.lines().next().expect("a line")).split(' ').next().expect("a word");
    // Any probability is enough.
    let wake = format!("{listen} speech.wav --wake {word} --threshold 1e-9 --hold 1 --cooldown 0.5");
    let lines = sandbox.ok(&wake).stdout;
    let begins = format!("wake {word} at ");
    let times: Vec<f64> = lines.lines().filter_map(|line| line.strip_prefix(&begins)?.parse().ok()).collect();
    assert!(times.len() > 3 && times.windows(2).all(|pair| pair[1] - pair[0] > 0.49), "{lines}");
    let rest: String = lines.split_inclusive('\n').filter(|line| !line.starts_with(&begins)).collect();
    assert_eq!(rest, text);

    let events = sandbox.ok(&format!("{wake} --format json")).json();
    let events: Vec<_> = events.iter().filter(|event| event["type"] == "wake").collect();
    assert_eq!(events.len(), times.len());
    for (event, time) in events.iter().zip(times) {
        assert_eq!(event["word"], word);
        assert!(event["time"].as_f64().is_some_and(|found| (found - time).abs() < 0.01), "{event}");
    }
    sandbox.refused(&format!("{listen} speech.wav --wake ☃"), "☃");
}

/// Waits until a program ends, and kills it if that takes too long.
fn wait(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("its state") {
            return status.code();
        }
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().expect("it can be killed");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_is_left_and_exits_with_130() {
    let (sandbox, listen) = with_speech();
    // Neither a pause nor the end of the pipe ends the utterance.
    let samples = &wav(&utterances()[0])[HEADER..];
    let mut child = start(&sandbox, &format!("{listen} --format json"));
    let mut input = child.stdin.take().expect("piped");
    input.write_all(samples).expect("it reads");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    output.read_line(&mut first).expect("a line");
    assert!(first.starts_with("{\"type\":\"partial\""), "{first}");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("text");
    assert_eq!(wait(&mut child), Some(130));
    let finals = rest.lines().filter(|line| line.starts_with("{\"type\":\"final\""));
    assert_eq!(finals.count(), 1, "{rest}");
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    assert!(stderr.contains(" s: real-time factor "), "{stderr}");
    drop(input);
}

#[test]
fn a_closed_output_ends_an_endless_input() {
    let (sandbox, listen) = with_speech();
    let samples = wav(&speech()).split_off(HEADER);
    let mut child = start(&sandbox, &format!("{listen} --format json"));
    let mut input = child.stdin.take().expect("piped");
    // The pipe breaks when the program ends.
    let writer = std::thread::spawn(move || while input.write_all(&samples).is_ok() {});
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut first = String::new();
    output.read_line(&mut first).expect("a line");
    drop(output);
    assert_eq!(wait(&mut child), Some(0));
    writer.join().expect("it ends");
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    assert_eq!(stderr, "");
}
