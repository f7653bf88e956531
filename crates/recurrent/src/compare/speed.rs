//! How long a step takes.

use std::time::Instant;

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent_models::CellKind;
#[cfg(any(feature = "flex", feature = "ndarray"))]
use recurrent_models::{AnyRecurrent, StreamingLayer};
use serde::{Deserialize, Serialize};

use super::reader::{Reader, ReaderShape};
use super::task::{Memory, Source};

/// Steps of training before the clock runs.
const WARM: usize = 2;
/// Steps of training that are timed.
const TIMED: usize = 9;
/// Steps of a stream that are timed together, and how many times.
#[cfg(any(feature = "flex", feature = "ndarray"))]
const STREAMED: (usize, usize) = (500, 5);

/// What a cell of one size takes on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Which recurrent layer.
    pub cell: CellKind,
    /// Hidden units.
    pub hidden: usize,
    /// Steps of a sequence.
    pub length: usize,
    /// Rows of a batch.
    pub batch: usize,
    /// Milliseconds of each timed step of training: forward, backward, Adam.
    pub milliseconds: Vec<f64>,
    /// Microseconds of a step on a live signal, on a CPU; none where no CPU kernel is compiled in.
    pub stream_microseconds: Option<f64>,
}

impl Speed {
    /// The typical step of training, in milliseconds: the median.
    pub fn typical(&self) -> f64 {
        median(&self.milliseconds)
    }

    /// Steps of sequences a second in training.
    pub fn tokens_a_second(&self) -> f64 {
        (self.batch * self.length) as f64 / self.typical() * 1e3
    }
}

fn median(numbers: &[f64]) -> f64 {
    let mut numbers = numbers.to_vec();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Times steps of training on the recall task. The loss is read back after each, so that the device has done its work.
pub fn speed(cell: CellKind, hidden: usize, length: usize, batch: usize, device: &Device) -> Speed {
    let task = Memory::Recall;
    let shape = ReaderShape { cell, inputs: task.width(), hidden, outputs: task.outputs() };
    let autodiff = device.clone().autodiff();
    let mut reader = Reader::new(&shape, &autodiff);
    let mut optimiser = AdamConfig::new().init();
    let mut random = StdRng::seed_from_u64(0);
    let rows = task.draw(length, batch, Source::Train, &mut random).on(&autodiff);
    let mut milliseconds = Vec::with_capacity(TIMED);
    for step in 0..WARM + TIMED {
        let start = Instant::now();
        let (loss, _) = reader.score(&rows, Memory::COPIED);
        let grads = GradientsParams::from_grads(loss.backward(), &reader);
        reader = optimiser.step(1e-3, reader, grads);
        let _: Vec<f32> = loss.into_data().iter::<f32>().collect();
        wait(device);
        if step >= WARM {
            milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    Speed { cell, hidden, length, batch, milliseconds, stream_microseconds: streamed(&reader) }
}

/// Until the device has nothing left to do.
fn wait(device: &Device) {
    let _ = device.sync();
}

#[cfg(any(feature = "flex", feature = "ndarray"))]
fn streamed(reader: &Reader) -> Option<f64> {
    use burn::module::Module;

    let layer = reader.layer.valid();
    let mut stream: StreamingLayer = match &layer {
        AnyRecurrent::Rnn(layer) => layer.streaming(None),
        AnyRecurrent::Lstm(layer) => layer.streaming(None),
        AnyRecurrent::Gru(layer) => layer.streaming(None),
    };
    let x = vec![0.5; layer.input_size()];
    let (steps, times) = STREAMED;
    let microseconds = (0..times).map(|_| {
        let start = Instant::now();
        for _ in 0..steps {
            std::hint::black_box(stream.step(std::hint::black_box(&x)));
        }
        start.elapsed().as_secs_f64() * 1e6 / steps as f64
    });
    Some(median(&microseconds.collect::<Vec<_>>()))
}

#[cfg(not(any(feature = "flex", feature = "ndarray")))]
fn streamed(_reader: &Reader) -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_takes_some_time() {
        let speed = speed(CellKind::Gru, 4, 6, 2, &Device::flex());
        assert_eq!(speed.milliseconds.len(), TIMED);
        assert!(speed.typical() > 0.0 && speed.tokens_a_second() > 0.0);
    }
}
