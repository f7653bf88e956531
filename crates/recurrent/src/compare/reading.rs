//! What gates do while a text is read.

use burn::optim::AdamConfig;
use burn::tensor::Device;
use recurrent_models::CellKind;
use serde::{Deserialize, Serialize};

use super::gates::GateProbe;
use super::reader::Reader;
use super::task::{Answers, Examples};
use super::trial::{Recipe, Watch, step};

/// Hidden units of a network whose gates are shown: a row of the picture each.
const UNITS: usize = 16;
/// Gradient steps on the text.
const STEPS: usize = 200;

/// The gates of a network that has learned a text, while it reads that text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which recurrent layer.
    pub cell: CellKind,
    /// The characters that were read.
    pub characters: Vec<String>,
    /// The gates' names: those that let through, and not the candidate.
    pub names: Vec<String>,
    /// `gates[gate][unit][step]`, from 0 (shut) to 1 (open).
    pub gates: Vec<Vec<Vec<f32>>>,
    /// The share of characters that it foretold.
    pub right: Option<f64>,
}

impl Reading {
    /// Trains a network to foretell each character of `text` from those before, and looks at its gates; `None` if `stop`
    /// says so first.
    ///
    /// # Panics
    /// If the text has fewer than two characters.
    pub fn of(cell: CellKind, text: &str, lr: f64, device: &Device, stop: &dyn Fn() -> bool) -> Option<Self> {
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
        device.seed(0);
        let rows = Examples { shape: [1, read.len(), known.len()], inputs, answers }.on(&device);

        let mut reader = Reader::of(cell.init(known.len(), UNITS, &device), known.len(), &device);
        let recipe = Recipe { steps: STEPS, seconds: None, batch: 1, lr, clip: 1.0, plain: false };
        let mut optimiser = AdamConfig::new().init();
        let mut watch = Watch::new(recipe.clip, read.len());
        for _ in 0..STEPS {
            if stop() {
                return None;
            }
            reader = step(reader, &rows, &mut optimiser, &recipe, &mut watch);
        }
        let (_, right) = reader.score(&rows, read.len());
        let right = f64::from(right.into_scalar::<f32>());
        let trace = reader.layer.gate_trace(rows.inputs.clone(), 0);
        let kept = trace.names.iter().zip(&trace.values).filter(|(name, _)| **name != "candidate");
        let (names, gates): (Vec<String>, Vec<_>) =
            kept.map(|(name, values)| (name.to_string(), values.clone())).unzip();
        let characters = characters[..read.len()].iter().map(char::to_string).collect();
        Some(Self { cell, characters, names, gates, right: right.is_finite().then_some(right) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_shown_for_each_character_that_is_read() {
        let reading = Reading::of(CellKind::Lstm, "a lamb, a fox", 0.01, &Device::flex(), &|| false).unwrap();
        assert_eq!(reading.characters.concat(), "a lamb, a fo");
        assert_eq!(reading.names, ["input", "forget", "output"]);
        let shares = reading.gates.iter().flatten().flatten();
        assert!(shares.clone().count() == 3 * UNITS * 12 && shares.clone().all(|open| (0.0..=1.0).contains(open)));
        let gru = Reading::of(CellKind::Gru, "a lamb, a fox", 0.01, &Device::flex(), &|| false).unwrap();
        assert_eq!(gru.names, ["reset", "update"]);
    }
}
