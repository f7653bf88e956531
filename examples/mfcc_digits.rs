//! A Burn program with a [`SequenceClassifier`] on real speech: which digit was spoken, from the cepstral coefficients of the
//! recording's frames (many to one), by each cell, beside a rival that knows no order.
//!
//! ```sh
//! train data fetch mfcc-digits
//! cargo run --release -p recurrent-examples --example mfcc_digits
//! ```
//!
//! The last line is the result as JSON.

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use recurrent::data::{LabeledSplit, LabeledSubset, LabeledText, LabeledTexts, Role, SplitFractions};
use recurrent::models::CellKind;
use recurrent::models::networks::{SequenceClassifier, SequenceClassifierConfig, SequenceInput};

/// Coefficients of a frame.
const COEFFICIENTS: usize = 13;
const CLASSES: usize = 10;
const HIDDEN_SIZE: usize = 64;
const EPOCHS: usize = 15;
const BATCH_SIZE: usize = 32;
const LEARNING_RATE: f64 = 0.003;
const SEEDS: u64 = 3;

/// The coefficients of a recording, frame by frame, and its digit.
struct Recording {
    values: Vec<f32>,
    digit: usize,
}

impl Recording {
    fn frames(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks(COEFFICIENTS)
    }

    /// The mean and the deviation of each coefficient: the recording without the order of its frames.
    fn statistics(&self) -> Vec<f32> {
        let count = self.frames().count() as f32;
        let moments = (0..COEFFICIENTS).flat_map(|index| {
            let mean = self.frames().map(|frame| frame[index]).sum::<f32>() / count;
            let variance = self.frames().map(|frame| (frame[index] - mean).powi(2)).sum::<f32>() / count;
            [mean, variance.sqrt()]
        });
        moments.collect()
    }
}

fn recordings<R: Role>(subset: &LabeledSubset<R>) -> Result<Vec<Recording>, Box<dyn Error>> {
    let recording = |(labeled, digit): (&LabeledText, &usize)| {
        let values = labeled.text.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Recording { values, digit: *digit })
    };
    subset.labeled().zip(subset.label_ids()).map(recording).collect()
}

/// Subtracts the mean of each coefficient over the training frames, and divides by its deviation.
fn normalize(splits: [&mut [Recording]; 3]) {
    let frames: Vec<&[f32]> = splits[0].iter().flat_map(Recording::frames).collect();
    let all = Recording { values: frames.concat(), digit: 0 };
    let statistics = all.statistics();
    for recording in splits.into_iter().flatten() {
        for frame in recording.values.chunks_mut(COEFFICIENTS) {
            for (value, moments) in frame.iter_mut().zip(statistics.chunks(2)) {
                *value = (*value - moments[0]) / moments[1];
            }
        }
    }
}

/// Recordings of different lengths, padded: `[batch, time, 13]`, the frames of each, and their digits, `[batch]`.
fn batch(recordings: &[&Recording], device: &Device) -> (Tensor<3>, Vec<usize>, Tensor<1, Int>) {
    let lengths: Vec<usize> = recordings.iter().map(|recording| recording.frames().count()).collect();
    let (rows, time) = (recordings.len(), lengths.iter().copied().max().unwrap_or(1));
    let mut values = Vec::with_capacity(rows * time * COEFFICIENTS);
    for (row, recording) in recordings.iter().enumerate() {
        values.extend(&recording.values);
        values.resize((row + 1) * time * COEFFICIENTS, 0.0);
    }
    let digits: Vec<i64> = recordings.iter().map(|recording| recording.digit as i64).collect();
    (
        Tensor::from_data(TensorData::new(values, [rows, time, COEFFICIENTS]), device),
        lengths,
        Tensor::from_data(TensorData::new(digits, [rows]), device),
    )
}

fn train(cell: CellKind, seed: u64, recordings: &[Recording], device: &Device) -> SequenceClassifier {
    let device = device.clone().autodiff();
    device.seed(seed);
    let input = SequenceInput::values(COEFFICIENTS);
    let mut network = SequenceClassifierConfig::new(input, HIDDEN_SIZE, CLASSES).with_cell(cell).init(&device);
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let mut order: Vec<&Recording> = recordings.iter().collect();
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..EPOCHS {
        order.shuffle(&mut rng);
        for part in order.chunks(BATCH_SIZE) {
            let (values, lengths, digits) = batch(part, &device);
            let loss = cross_entropy.forward(network.forward_values(values, &lengths), digits);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(LEARNING_RATE, network, gradients);
        }
    }
    network.valid()
}

/// The fraction of the recordings whose digit is found.
fn accuracy(recordings: &[Recording], found: &dyn Fn(&Recording) -> usize) -> f64 {
    let correct = recordings.iter().filter(|recording| found(recording) == recording.digit).count();
    correct as f64 / recordings.len() as f64
}

/// The digit of the training recording with the most similar statistics.
fn nearest(statistics: &[(Vec<f32>, usize)], recording: &Recording) -> usize {
    let own = recording.statistics();
    let distance = |other: &[f32]| other.iter().zip(&own).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let nearest = statistics.iter().min_by(|a, b| distance(&a.0).total_cmp(&distance(&b.0)));
    nearest.map_or(0, |(_, digit)| *digit)
}

fn main() -> Result<(), Box<dyn Error>> {
    let source = recurrent::open_data("mfcc-digits")?;
    let texts = LabeledTexts::from_table(source.table()?, Some("mfcc"), Some("digit"), None)?;
    let LabeledSplit { train: of_train, valid, test, .. } = texts.split(&SplitFractions::new(0.8, 0.1, 0.1)?)?;
    let (mut of_train, mut valid, mut test) = (recordings(&of_train)?, recordings(&valid)?, recordings(&test)?);
    normalize([&mut of_train, &mut valid, &mut test]);
    println!("{} recordings for training, {} for validation, {} for test", of_train.len(), valid.len(), test.len());

    let mut rows = Vec::new();
    let mut report = |classifier: &str, found: &dyn Fn(&Recording) -> usize| {
        let [on_valid, on_test] = [&valid, &test].map(|split| 100.0 * accuracy(split, found));
        println!(
            "{classifier}: {on_valid:.1} % of the validation recordings are right, {on_test:.1} % of the test recordings"
        );
        rows.push(format!(r#"{{"classifier": "{classifier}", "valid": {on_valid:.2}, "test": {on_test:.2}}}"#));
    };
    let statistics: Vec<_> = of_train.iter().map(|recording| (recording.statistics(), recording.digit)).collect();
    report("nearest neighbor by means and deviations", &|recording| nearest(&statistics, recording));
    let device = Device::default();
    for cell in [CellKind::Rnn, CellKind::Lstm, CellKind::Gru] {
        for seed in 0..SEEDS {
            let network = train(cell, seed, &of_train, &device);
            let found = |recording: &Recording| {
                let (values, lengths, _) = batch(&[recording], &device);
                network.forward_values(values, &lengths).argmax(1).into_scalar::<i64>() as usize
            };
            report(&format!("{}, seed {seed}", cell.to_string().to_uppercase()), &found);
        }
    }
    println!("Speakers of the test recordings are in training, too: a stranger is understood less.");
    println!(r#"{{"rows": [{}]}}"#, rows.join(", "));
    Ok(())
}
