//! The time of a training step and of a streaming step.

use std::time::Instant;

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent::models::CellKind;
#[cfg(any(feature = "flex", feature = "ndarray"))]
use recurrent::models::{AnyRecurrent, StreamingLayer};
use serde::{Deserialize, Serialize};

use crate::examples::Split;
use crate::probe_model::{ExampleBatch, ProbeModel, ProbeModelConfig};
use crate::task::MemoryTask;

/// The number of warm-up training steps.
const WARM_UP_STEPS: usize = 2;
/// The number of timed training steps.
const TIMED_STEPS: usize = 9;
/// The number of streaming steps per measurement, and the number of measurements.
#[cfg(any(feature = "flex", feature = "ndarray"))]
const STREAMING: (usize, usize) = (500, 5);

/// The speed of a cell of one size on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// The cell of the recurrent layer.
    pub cell: CellKind,
    /// The number of hidden units.
    pub hidden_size: usize,
    /// The sequence length.
    pub length: usize,
    /// The batch size.
    pub batch_size: usize,
    /// The time of each training step in milliseconds: forward pass, backward pass, Adam.
    pub step_milliseconds: Vec<f64>,
    /// The time of a streaming step of one row on the CPU in microseconds; `None` without a CPU backend.
    pub stream_microseconds: Option<f64>,
}

impl Speed {
    /// The median time of a training step in milliseconds.
    pub fn median_milliseconds(&self) -> f64 {
        median(&self.step_milliseconds)
    }

    /// Tokens (time steps of a row) per second in training.
    pub fn tokens_per_second(&self) -> f64 {
        (self.batch_size * self.length) as f64 / self.median_milliseconds() * 1e3
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Times training steps on recall, and streaming steps of the trained layer. The loss of every training step is read
/// back, so that the device has finished.
pub fn measure_speed(cell: CellKind, hidden_size: usize, length: usize, batch_size: usize, device: &Device) -> Speed {
    let task = MemoryTask::Recall;
    let config = ProbeModelConfig::new(cell, task.input_size(), hidden_size, task.output_size());
    let autodiff = device.clone().autodiff();
    let mut model = config.init(&autodiff);
    let mut optimizer = AdamConfig::new().init();
    let mut random = StdRng::seed_from_u64(0);
    let batch = ExampleBatch::new(task.sample(length, batch_size, Split::Train, &mut random), &autodiff);
    let mut step_milliseconds = Vec::with_capacity(TIMED_STEPS);
    for step in 0..WARM_UP_STEPS + TIMED_STEPS {
        let start = Instant::now();
        let (loss, _) = model.loss_and_accuracy(&batch, MemoryTask::COPIED);
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-3, model, grads);
        let _: Vec<f32> = loss.into_data().iter::<f32>().collect();
        // The time is valid even if the backend cannot synchronize: the loss has been read.
        let _ = device.sync();
        if step >= WARM_UP_STEPS {
            step_milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let stream_microseconds = stream_microseconds(&model);
    Speed { cell, hidden_size, length, batch_size, step_milliseconds, stream_microseconds }
}

#[cfg(any(feature = "flex", feature = "ndarray"))]
fn stream_microseconds(model: &ProbeModel) -> Option<f64> {
    use burn::module::Module;

    let layers = model.layers.valid();
    let mut stream: StreamingLayer = match &layers {
        AnyRecurrent::Rnn(layers) => layers.streaming(None),
        AnyRecurrent::Lstm(layers) => layers.streaming(None),
        AnyRecurrent::Gru(layers) => layers.streaming(None),
    };
    let x = vec![0.5; layers.input_size()];
    let (steps, measurements) = STREAMING;
    let microseconds = (0..measurements).map(|_| {
        let start = Instant::now();
        for _ in 0..steps {
            std::hint::black_box(stream.step(std::hint::black_box(&x)));
        }
        start.elapsed().as_secs_f64() * 1e6 / steps as f64
    });
    Some(median(&microseconds.collect::<Vec<_>>()))
}

#[cfg(not(any(feature = "flex", feature = "ndarray")))]
fn stream_microseconds(_model: &ProbeModel) -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed_lock::lock_seed;

    #[test]
    fn every_timed_step_takes_time() {
        let _seed = lock_seed();
        let speed = measure_speed(CellKind::Gru, 4, 6, 2, &Device::flex());
        assert_eq!(speed.step_milliseconds.len(), TIMED_STEPS);
        assert!(speed.median_milliseconds() > 0.0 && speed.tokens_per_second() > 0.0);
    }
}
