//! Log-mel features against numpy: `scripts/golden_audio.py` writes the file.

use recurrent_audio::{Audio, LogMel, LogMelConfig};
use serde::Deserialize;

/// The largest difference of a logarithm. Both compute in double precision; ours is rounded to single at the end.
const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    config: LogMelConfig,
    samples: Vec<i16>,
    features: Vec<Vec<f32>>,
}

#[test]
fn log_mel_features_are_those_of_numpy() {
    let golden: Golden = serde_json::from_str(include_str!("goldens/log_mel.json")).unwrap();
    assert_eq!(golden.cases.len(), 3);
    for case in golden.cases {
        let samples = case.samples.iter().map(|sample| f32::from(*sample) / 32768.0).collect();
        let audio = Audio::new(case.config.sample_rate, samples);
        let features = LogMel::new(case.config).unwrap().extract(&audio).unwrap();
        assert_eq!(features.len(), case.features.len());
        for (index, (frame, expected)) in features.frames().zip(&case.features).enumerate() {
            assert_eq!(frame.len(), expected.len());
            for (value, expected) in frame.iter().zip(expected) {
                assert!((value - expected).abs() < TOLERANCE, "frame {index}: expected {expected}, found {value}");
            }
        }
    }
}
