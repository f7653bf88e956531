//! The words of each vocabulary can be told apart across speakers, by the distance of their features alone.

use recurrent_audio::synth::{Speaker, Vocabulary, Word, utterance};
use recurrent_audio::{Features, LogMel, LogMelConfig};

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The speakers of the templates, and those whose words are recognized.
const TEMPLATES: std::ops::Range<u64> = 0..6;
const TESTED: std::ops::Range<u64> = 100..108;

/// A word, cut out of an utterance, as log-mels without their mean.
fn features(word: &Word, speaker: u64, log_mel: &mut LogMel) -> Features {
    // Each word by chance of its own: with one seed, a speaker would leave the last stop of several words unreleased.
    let mut rng = StdRng::seed_from_u64(
        word.text().bytes().fold(speaker, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into())),
    );
    let mut spoken = utterance(std::slice::from_ref(word), &Speaker::random(speaker), &mut rng);
    let at = |seconds: f64| (seconds * 16_000.0) as usize;
    let (start, end) = (at(spoken.words[0].start), at(spoken.words[0].end));
    spoken.audio.samples = spoken.audio.samples[start..end].to_vec();
    let mut features = log_mel.extract(&spoken.audio).unwrap();
    let (width, count) = (features.width, features.len() as f32);
    for mel in 0..width {
        let mean = features.frames().map(|frame| frame[mel]).sum::<f32>() / count;
        features.values.iter_mut().skip(mel).step_by(width).for_each(|value| *value -= mean);
    }
    features
}

/// The mean distance of frames along the best path (dynamic time warping, Sakoe and Chiba 1978).
fn distance(a: &Features, b: &Features) -> f32 {
    let mut row = vec![f32::INFINITY; b.len() + 1];
    row[0] = 0.0;
    for frame in a.frames() {
        let mut diagonal = std::mem::replace(&mut row[0], f32::INFINITY);
        for (j, other) in b.frames().enumerate() {
            let here: f32 = frame.iter().zip(other).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt();
            let best = diagonal.min(row[j]).min(row[j + 1]);
            diagonal = row[j + 1];
            row[j + 1] = best + here;
        }
    }
    row[b.len()] / (a.len() + b.len()) as f32
}

/// How many of the words are nearest to a template of the same word.
fn accuracy(vocabulary: Vocabulary) -> f64 {
    let mut config = LogMelConfig::default().with_num_mels(20).with_stack(2);
    config.floor = 1e-5;
    let mut log_mel = LogMel::new(config).unwrap();
    let words = vocabulary.words();
    let mut templates = Vec::new();
    for speaker in TEMPLATES {
        templates.extend(words.iter().map(|word| features(word, speaker, &mut log_mel)));
    }
    let (mut right, mut all) = (0, 0);
    for speaker in TESTED {
        for (label, word) in words.iter().enumerate() {
            let tested = features(word, speaker, &mut log_mel);
            let distances: Vec<f32> = templates.iter().map(|template| distance(&tested, template)).collect();
            let nearest = (0..distances.len()).min_by(|a, b| distances[*a].total_cmp(&distances[*b])).unwrap();
            right += usize::from(nearest % words.len() == label);
            all += 1;
        }
    }
    f64::from(right as u32) / f64::from(all)
}

#[test]
fn words_of_other_speakers_are_recognized() {
    for vocabulary in Vocabulary::ALL {
        let found = accuracy(vocabulary);
        assert!(found >= 0.95, "{vocabulary}: {found}");
    }
}
