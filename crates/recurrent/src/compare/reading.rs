//! What gates do while a text or a series is read.

use burn::optim::AdamConfig;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent_models::CellKind;
use serde::{Deserialize, Serialize};

use super::gates::{GateProbe, GateTrace};
use super::reader::{Reader, Rows};
use super::signal::Signal;
use super::task::{Answers, Examples, Source};
use super::trial::{Recipe, Watch, step};

/// Hidden units of a network whose gates are shown: a row of the picture each.
const UNITS: usize = 16;
/// Gradient steps on what is read.
const STEPS: usize = 200;
/// Windows of a series a step.
const BATCH: usize = 32;
/// Rows of a series that are shown.
const SHOWN: usize = 60;

/// The gates of a network that has learned to foretell a text or a series, while it reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which recurrent layer.
    pub cell: CellKind,
    /// What is read.
    pub read: Read,
    /// The gates' names: those that let through, and not the candidate.
    pub names: Vec<String>,
    /// `gates[gate][unit][step]`, from 0 (shut) to 1 (open).
    pub gates: Vec<Vec<Vec<f32>>>,
}

/// What is read step by step, and how well it was foretold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Read {
    /// The text that was learned.
    Text {
        /// Its characters, but for the last, after which there is nothing to foretell.
        characters: Vec<String>,
        /// The share of characters that was foretold.
        right: Option<f64>,
    },
    /// The last rows of a series, which were not learned from.
    Series {
        /// The column's name.
        column: String,
        /// The date of each row, or its number.
        dates: Vec<String>,
        /// The numbers.
        values: Vec<f64>,
        /// The root of the mean squared error on all rows that were not learned from, in standard deviations.
        error: Option<f64>,
    },
}

impl Reading {
    /// Trains a network to foretell each character of `text` from those before, and looks at its gates; `None` if `stop`
    /// says so first.
    ///
    /// # Panics
    /// If the text has fewer than two characters.
    pub fn of_text(cell: CellKind, text: &str, lr: f64, device: &Device, stop: &dyn Fn() -> bool) -> Option<Self> {
        let characters: Vec<char> = text.chars().collect();
        let mut known = characters.clone();
        known.sort_unstable();
        known.dedup();
        let number = |character: &char| known.iter().position(|other| other == character).expect("one of the text's");
        let numbers: Vec<usize> = characters.iter().map(number).collect();
        let (read, foretold) = (&numbers[..numbers.len() - 1], &numbers[1..]);
        let mut inputs = vec![0.0; read.len() * known.len()];
        for (shown, number) in inputs.chunks_exact_mut(known.len()).zip(read) {
            shown[*number] = 1.0;
        }
        let answers = Answers::Sequences(foretold.iter().map(|number| *number as i64).collect());
        let device = device.clone().autodiff();
        let rows = Examples { shape: [1, read.len(), known.len()], inputs, answers }.on(&device);

        let learned = learned(cell, [known.len(), known.len()], lr, || rows.clone(), &device, stop)?;
        let (_, right) = learned.score(&rows, read.len());
        let right = f64::from(right.into_scalar::<f32>());
        let characters = characters[..read.len()].iter().map(char::to_string).collect();
        let read = Read::Text { characters, right: right.is_finite().then_some(right) };
        Some(Self::with_gates(cell, read, &learned.layer.gate_trace(rows.inputs, 0)))
    }

    /// Trains a network to foretell a series' next number from a window of those before, and looks at its gates on the
    /// last rows; `None` if `stop` says so first.
    pub fn of_series(
        cell: CellKind,
        signal: &Signal,
        lr: f64,
        device: &Device,
        stop: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let device = device.clone().autodiff();
        let mut random = StdRng::seed_from_u64(0);
        let windows = || signal.draw(Source::Train, BATCH, &mut random).on(&device);
        let learned = learned(cell, [1, 1], lr, windows, &device, stop)?;
        let (square, _) = learned.score(&signal.all(Source::Test).on(&device), 1);
        let error = f64::from(square.into_scalar::<f32>()).sqrt();
        let (dates, values, shown) = signal.last(SHOWN);
        let steps = shown.len();
        let shown = Tensor::<3>::from_data(TensorData::new(shown, [1, steps, 1]), &device);
        let error = error.is_finite().then_some(error);
        let read = Read::Series { column: signal.column().into(), dates, values, error };
        Some(Self::with_gates(cell, read, &learned.layer.gate_trace(shown, 0)))
    }

    fn with_gates(cell: CellKind, read: Read, trace: &GateTrace) -> Self {
        let kept = trace.names.iter().zip(&trace.values).filter(|(name, _)| **name != "candidate");
        let (names, gates) = kept.map(|(name, values)| (name.to_string(), values.clone())).unzip();
        Self { cell, read, names, gates }
    }
}

/// A network of so many inputs and outputs that has learned from rows, on an autodiff device.
fn learned(
    cell: CellKind,
    [inputs, outputs]: [usize; 2],
    lr: f64,
    mut rows: impl FnMut() -> Rows,
    device: &Device,
    stop: &dyn Fn() -> bool,
) -> Option<Reader> {
    device.seed(0);
    let mut reader = Reader::of(cell.init(inputs, UNITS, device), outputs, device);
    let recipe = Recipe { steps: STEPS, seconds: None, batch: 1, lr, clip: 1.0, plain: false };
    let mut optimiser = AdamConfig::new().init();
    // Right answers are counted once all is learned, and not here.
    let mut watch = Watch::new(recipe.clip, 1);
    for _ in 0..recipe.steps {
        if stop() {
            return None;
        }
        reader = step(reader, &rows(), &mut optimiser, &recipe, &mut watch);
    }
    Some(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(reading: &Reading) -> usize {
        let shares = reading.gates.iter().flatten().flatten();
        assert!(shares.clone().all(|open| (0.0..=1.0).contains(open)));
        shares.count()
    }

    #[test]
    fn gates_are_shown_for_each_character_that_is_read() {
        let of = |cell| Reading::of_text(cell, "a lamb, a fox", 0.01, &Device::flex(), &|| false).unwrap();
        let reading = of(CellKind::Lstm);
        let Read::Text { characters, right } = &reading.read else { panic!("a text") };
        assert!(characters.concat() == "a lamb, a fo" && right.is_some_and(|right| right > 0.5));
        assert_eq!(reading.names, ["input", "forget", "output"]);
        assert_eq!(shares(&reading), 3 * UNITS * 12);
        assert_eq!(of(CellKind::Gru).names, ["reset", "update"]);
    }

    #[test]
    fn gates_are_shown_for_each_row_of_a_series() {
        let weather = Signal::weather();
        let reading = Reading::of_series(CellKind::Gru, weather, 0.01, &Device::flex(), &|| false).unwrap();
        let Read::Series { column, dates, values, error } = &reading.read else { panic!("a series") };
        assert!(column == "temp_max" && dates.len() == SHOWN && values.len() == SHOWN);
        // Always saying the mean is off by about one standard deviation.
        assert!(error.is_some_and(|error| error < 0.6), "{error:?}");
        assert_eq!(shares(&reading), 2 * UNITS * SHOWN);
    }
}
