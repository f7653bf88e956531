//! Transcription: recordings and streams of a small run, and data that are wrong.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::Device;
use proptest::prelude::*;
use recurrent::Result;
use recurrent::audio::synth::{SynthConfig, SynthSpeech, Vocabulary};
use recurrent::audio::{Audio, resample};
use recurrent::fit::Callbacks;
use recurrent::generate::{GenerateConfig, GenerateRun};
use recurrent::open_data;
use recurrent::prelude::*;
use recurrent::transcribe::{
    FusionModel, RecognizeOptions, Recognizer, RecognizerEvent, SpeechSource, TranscribeConfig, TranscribeRun,
};
use tempfile::TempDir;

fn speech(utterances: usize) -> SynthSpeech {
    let config = SynthConfig::default()
        .with_speakers(0, 20)
        .with_utterances(utterances)
        .with_words(1, 3)
        .with_vocabularies(&[Vocabulary::EnglishDigits]);
    SynthSpeech::new(config).expect("settings in range")
}

/// A table of recordings in a folder.
fn table(folder: &Path, utterances: usize) -> String {
    let mut rows = String::from("wav,text,speaker,split\n");
    let speech = speech(utterances);
    for (index, utterance) in speech.iter().enumerate() {
        utterance.audio.write(folder.join(format!("{index}.wav"))).expect("a file");
        let split = ["train", "train", "train", "valid", "test"][(speech.speaker(index) % 5) as usize];
        writeln!(rows, "{index}.wav,{},{},{split}", utterance.text(), speech.speaker(index)).expect("text");
    }
    let path = folder.join("speech.csv");
    fs::write(&path, rows).expect("a file");
    path.display().to_string()
}

fn config(source: &SpeechSource) -> TranscribeConfig {
    let mut config = TranscribeConfig::new(source).expect("settings");
    (config.hidden_size, config.num_layers, config.fit.epochs, config.fit.batch_size) = (12, 1, 4, 8);
    config
}

/// A recognizer that says something, right or wrong.
fn recognizer() -> &'static Recognizer {
    static TRAINED: OnceLock<(TempDir, Recognizer)> = OnceLock::new();
    &TRAINED
        .get_or_init(|| {
            let root = tempfile::tempdir().expect("a folder");
            let source = SpeechSource::open(&table(root.path(), 60)).expect("recordings");
            let folder = root.path().join("run");
            let mut config = config(&source);
            // Framewise, so that the network says something after a few steps.
            (config.framewise, config.fit.epochs, config.fit.lr, config.dropout) = (0.9, 10, 0.02, 0.0);
            let run = TranscribeRun::create(config, source, &folder, false).expect("a run");
            run.fit(&Device::flex(), Callbacks::quiet()).expect("training");
            let recognizer = run.predictor(&Device::flex()).expect("a recognizer");
            (root, recognizer)
        })
        .1
}

fn recording(index: usize) -> Audio {
    speech(index + 1).utterance(index).audio
}

/// All that a stream says of a recording in chunks of these sizes, taken round and round.
fn events(audio: &Audio, chunks: &[usize], options: &RecognizeOptions) -> Vec<RecognizerEvent> {
    let mut stream = recognizer().stream(audio.sample_rate, options).expect("a stream");
    let (mut events, mut rest) = (Vec::new(), &*audio.samples);
    for size in chunks.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, next) = rest.split_at((*size).min(rest.len()));
        events.extend(stream.push(chunk));
        rest = next;
    }
    events.extend(stream.finish());
    events
}

#[test]
fn a_network_that_was_trained_says_something() {
    let said = (0..8).map(|index| recognizer().transcribe(&recording(index), &RecognizeOptions::default()).unwrap());
    let said: Vec<_> = said.collect();
    assert!(said.iter().any(|transcription| !transcription.text.is_empty()), "{said:?}");
    for transcription in &said {
        for word in transcription.words() {
            assert!(word.start < word.end && word.end <= transcription.seconds + 0.1, "{word:?}");
            assert!((0.0..=1.0).contains(&word.confidence), "{word:?}");
        }
        let times: Vec<f64> = transcription.words().map(|word| word.end).collect();
        assert!(times.is_sorted(), "{times:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_does_not_depend_on_chunks(
        index in 0..8_usize,
        chunks in prop::collection::vec(1..5_000_usize, 1..6),
        beam_size in 1..4_usize,
        rate in prop::sample::select(&[16_000_u32, 8_000, 44_100][..]),
    ) {
        let audio = resample(&recording(index), rate).unwrap();
        let options = RecognizeOptions::default().with_beam_size(beam_size);
        let whole = events(&audio, &[audio.samples.len()], &options);
        prop_assert_eq!(&events(&audio, &chunks, &options), &whole);
        let transcription = recognizer().transcribe(&audio, &options).unwrap();
        let finals: Vec<_> = whole
            .into_iter()
            .filter_map(|event| if let RecognizerEvent::Final(said) = event { Some(said) } else { None })
            .collect();
        prop_assert_eq!(finals, transcription.segments);
    }
}

#[test]
fn a_stream_that_was_reset_or_finished_is_a_new_one() {
    let options = RecognizeOptions::default();
    let (first, second) = (recording(0), recording(1));
    let expected = events(&second, &[800], &options);
    let mut stream = recognizer().stream(16_000, &options).unwrap();
    stream.push(&first.samples);
    stream.reset();
    let mut said = stream.push(&second.samples);
    said.extend(stream.finish());
    assert_eq!(said, expected);
    let mut said = stream.push(&second.samples);
    said.extend(stream.finish());
    assert_eq!(said, expected);
}

#[test]
fn pauses_end_utterances() {
    let pause = vec![0.0; 16_000 * 4];
    let options = RecognizeOptions::default();
    let says_something = |audio: &Audio| !recognizer().transcribe(audio, &options).unwrap().text.is_empty();
    let spoken = (0..16).map(recording).find(says_something).expect("a recording of which something is understood");
    let parts = [spoken.samples.clone(), pause.clone(), spoken.samples, pause];
    let audio = Audio::new(16_000, parts.concat());
    let transcription = recognizer().transcribe(&audio, &options).unwrap();
    assert!(transcription.segments.len() > 1, "{}", transcription.text);
    let srt = transcription.to_srt();
    for (index, segment) in transcription.segments.iter().enumerate() {
        assert!(srt.contains(&format!("{}\n00:00:", index + 1)) && srt.contains(&format!("\n{}\n\n", segment.text)));
        let times: Vec<f64> = segment.words.iter().map(|word| word.end).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] < 1.3), "{times:?}");
    }
    assert_eq!(transcription.text.split_whitespace().count(), transcription.words().count());
}

#[test]
fn extreme_samples_are_heard_without_a_panic() {
    let options = RecognizeOptions::default();
    for samples in [
        vec![],
        vec![0.5],
        vec![f32::NAN; 20_000],
        vec![f32::MAX; 20_000],
        vec![1.0; 40_000],
        (0..40_000).map(|n| if n % 2 == 0 { 1.0 } else { -1.0 }).collect(),
    ] {
        let said = recognizer().transcribe(&Audio::new(16_000, samples), &options).unwrap();
        assert!(said.words().all(|word| word.end.is_finite() && word.confidence.is_finite()), "{said:?}");
    }
}

#[test]
fn a_lexicon_allows_its_words_alone() {
    let options = RecognizeOptions::default().with_lexicon(["seven", "two"]);
    for index in 0..8 {
        let said = recognizer().transcribe(&recording(index), &options).unwrap();
        assert!(said.words().all(|word| ["seven", "two"].contains(&word.text.as_str())), "{said:?}");
    }
    for (words, found) in [(&["two three"][..], "`two three`"), (&["xylophone"], "`xylophone`"), (&[], "none")] {
        let options = RecognizeOptions::default().with_lexicon(words.iter().copied());
        let error = recognizer().stream(16_000, &options).unwrap_err().to_string();
        assert!(error.starts_with("the lexicon: expected ") && error.contains(found), "{error}");
    }
    let options = RecognizeOptions::default().with_beam_size(0);
    let error = recognizer().stream(16_000, &options).unwrap_err().to_string();
    assert_eq!(error, "beam_size: expected between 1 and 1000, found 0");
}

/// A language model of digits that follow each other in this order.
fn language_model() -> &'static FusionModel {
    static TRAINED: OnceLock<FusionModel> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let root = tempfile::tempdir().expect("a folder");
        let text = root.path().join("digits.txt");
        fs::write(&text, "zero one two three four five six seven eight nine\n".repeat(40)).expect("a file");
        let source = open_data(&text.display().to_string()).expect("a text");
        let mut config = GenerateConfig::new(&source).expect("settings");
        (config.embedding_dim, config.hidden_size, config.bptt) = (6, 16, 20);
        (config.fit.batch_size, config.fit.epochs) = (4, 4);
        let run = GenerateRun::create(config, source, root.path().join("run"), false).expect("a run");
        run.fit(&Device::flex(), Callbacks::quiet()).expect("training");
        FusionModel::new(&run.predictor(&Device::flex()).expect("a language model"))
    })
}

#[test]
fn a_language_model_without_weight_changes_nothing() {
    for beam_size in [1, 3] {
        let plain = RecognizeOptions::default().with_beam_size(beam_size);
        let with_model = plain.clone().with_language_model(language_model().clone(), 0.0, 0.0);
        for index in 0..4 {
            let audio = recording(index);
            assert_eq!(events(&audio, &[900], &with_model), events(&audio, &[900], &plain));
        }
    }
}

#[test]
fn what_is_said_with_a_language_model_does_not_depend_on_chunks() {
    let options = RecognizeOptions::default().with_language_model(language_model().clone(), 0.5, 0.2);
    for options in [options.clone(), options.clone().with_beam_size(3), options.with_lexicon(["two", "seven"])] {
        for index in 0..4 {
            let audio = recording(index);
            let whole = events(&audio, &[audio.samples.len()], &options);
            assert_eq!(events(&audio, &[1, 700, 3_000], &options), whole);
            let transcription = recognizer().transcribe(&audio, &options).unwrap();
            let finals = whole.iter().filter(|event| matches!(event, RecognizerEvent::Final(_))).count();
            assert_eq!(finals, transcription.segments.len());
            if let Some(words) = &options.lexicon {
                assert!(transcription.words().all(|word| words.contains(&word.text)), "{transcription:?}");
            }
        }
    }
}

#[test]
fn a_word_bonus_adds_words_and_a_penalty_removes_them() {
    let words = |bonus: f64| {
        let options = RecognizeOptions::default().with_language_model(language_model().clone(), 0.1, bonus);
        let words = |index| recognizer().transcribe(&recording(index), &options).unwrap().words().count();
        (0..8).map(words).sum::<usize>()
    };
    assert!(words(-100.0) < words(0.0) && words(0.0) < words(5.0));
    for (weight, bonus, found) in [(11.0, 0.0, "lm_weight: "), (0.5, f64::NAN, "word_bonus: ")] {
        let options = RecognizeOptions::default().with_language_model(language_model().clone(), weight, bonus);
        assert!(recognizer().stream(16_000, &options).unwrap_err().to_string().starts_with(found));
    }
}

/// Both directions need the whole recording, which is transcribed as one utterance.
#[test]
fn a_bidirectional_network_transcribes_but_does_not_stream() {
    let root = tempfile::tempdir().unwrap();
    let source = SpeechSource::open(&table(root.path(), 20)).unwrap();
    let mut config = config(&source);
    (config.bidirectional, config.fit.epochs) = (true, 1);
    let run = TranscribeRun::create(config, source, root.path().join("run"), false).unwrap();
    run.fit(&Device::flex(), Callbacks::quiet()).unwrap();
    let recognizer = run.predictor(&Device::flex()).unwrap();
    assert!(recognizer.predict(&[&recording(0)]).unwrap()[0].seconds > 0.5);
    let error = recognizer.stream(16_000, &RecognizeOptions::default()).unwrap_err().to_string();
    assert!(error.contains("expected layers that read in one direction"), "{error}");
    let evaluation = run.evaluate(&Device::flex()).unwrap();
    assert_eq!(evaluation.utterances.len(), run.data().sizes()[2]);
    assert_eq!(evaluation.scores().words.reference, reference_words(&evaluation));
}

fn reference_words(evaluation: &recurrent::transcribe::TranscriptionEvaluation) -> usize {
    evaluation.utterances.iter().map(|utterance| utterance.reference.split(' ').count()).sum()
}

/// Augmentation is random by the epoch's seed alone.
fn open(data: &Path) -> Result<TranscribeRun> {
    let source = SpeechSource::open(&data.display().to_string())?;
    TranscribeRun::create(TranscribeConfig::new(&source)?, source, data.with_extension("run"), false)
}

#[test]
fn recordings_that_are_wrong_are_refused() {
    let root = tempfile::tempdir().unwrap();
    table(root.path(), 10);
    let rows = |first: &str| {
        let rest: String = (3..10).map(|index| format!("{index}.wav,two,{}\n", ["valid", "test"][index % 2])).collect();
        format!("wav,text,split\n{first},train\n{rest}")
    };
    fs::write(root.path().join("music.wav"), b"ID3\x04\x00\x00\x00\x00\x00\x00").unwrap();
    for (name, first, message) in [
        ("missing", "no.wav,two", "no.wav"),
        ("music", "music.wav,two", "expected a WAV file, found"),
        (
            "long",
            "0.wav,one two three four five six seven one two three four five six seven one two three four five six seven \
             one two three four five six seven one two three four five six seven one two three four five six seven one two \
             three four five six seven one two three four five six seven one two three four five six seven one two three \
             four five six seven one two three four five six seven one two three four five six seven one two three four \
             five six seven one two three four five six seven one two three four five six seven",
            "tokens of its transcript",
        ),
    ] {
        let data = root.path().join(format!("{name}.csv"));
        fs::write(&data, rows(first)).unwrap();
        let error = open(&data).unwrap_err();
        assert!(error.to_string().contains(message) && error.is_bad_input(), "{error}");
    }
    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let error = open(&empty).unwrap_err().to_string();
    assert!(
        error.ends_with("expected a folder of WAV files for each label, as in `yes/1.wav`, found no such file"),
        "{error}"
    );
}

#[test]
fn folders_are_labels() {
    let root = tempfile::tempdir().unwrap();
    for (index, utterance) in speech(40).iter().enumerate() {
        let folder = root.path().join(["turn_on", "off"][index % 2]);
        fs::create_dir_all(&folder).unwrap();
        utterance.audio.write(folder.join(format!("{index}.WAV"))).unwrap();
    }
    let source = SpeechSource::open(&root.path().display().to_string()).unwrap();
    let texts: Vec<&str> = source.transcripts().all().iter().map(|transcript| transcript.text.as_str()).collect();
    assert_eq!((texts.len(), texts[0], texts[39]), (40, "off", "turn on"));
    let config = TranscribeConfig::new(&source).unwrap();
    assert_eq!(config.tokenizer.to_string(), "words");
    // The same bytes are the same data, wherever they are.
    assert_eq!(config.sha256, TranscribeConfig::new(&source).unwrap().sha256);
}

#[test]
fn the_synthetic_speech_has_speakers_of_its_own_in_each_split() {
    let source = SpeechSource::open(SpeechSource::SPOKEN_DIGITS).unwrap();
    let transcripts = source.transcripts().all();
    let split = source.transcripts().split(&recurrent::data::SplitFractions::default()).unwrap();
    assert_eq!(split.train.len() + split.valid.len() + split.test.len(), transcripts.len());
    let first = split.test.transcripts().next().unwrap();
    let utterance = source.utterance(first, 8_000).unwrap();
    assert_eq!(utterance.audio.sample_rate, 8_000);
    let words: Vec<String> = utterance.words.unwrap().into_iter().map(|word| word.word).collect();
    assert_eq!(words.join(" "), first.text);
}
