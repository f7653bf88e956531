//! Gate activations of trained networks while they read a text or a time series.

use burn::optim::AdamConfig;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent::models::CellKind;
use serde::{Deserialize, Serialize};

use crate::config::StudyConfig;
use crate::examples::{Examples, Split, Targets};
use crate::gates::{GateActivations, GateProbe};
use crate::probe_model::{ExampleBatch, ProbeModel, ProbeModelConfig};
use crate::signal::Signal;
use crate::training::{Optimizer, StepLog, TrainConfig, train_step};

/// The number of hidden units, each a row of the heat map.
const UNITS: usize = 16;
/// The number of gradient steps.
const STEPS: usize = 200;
/// The batch size for a series.
const BATCH_SIZE: usize = 32;
/// The number of rows of a series whose gates are recorded.
const SERIES_STEPS: usize = 60;

/// The gate activations of a network that was trained on next-step prediction, for one sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateTrace {
    /// The cell of the recurrent layer.
    pub cell: CellKind,
    /// The sequence, and how well the network predicts it.
    pub input: GateInput,
    /// The names of the gates, without the candidate.
    pub gate_names: Vec<String>,
    /// `gates[gate][unit][step]`, from 0 (closed) to 1 (open).
    pub gates: Vec<Vec<Vec<f32>>>,
}

/// The sequence of a [`GateTrace`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateInput {
    /// The training text.
    Text {
        /// The characters, without the last, which has no successor.
        characters: Vec<String>,
        /// The accuracy of next-character prediction.
        accuracy: Option<f64>,
    },
    /// The last rows of the test split of a series.
    Series {
        /// The name of the column.
        column: String,
        /// The date of each row, or its row number.
        dates: Vec<String>,
        /// The values.
        values: Vec<f64>,
        /// The root mean squared error of one-step forecasts on the test split, in standard deviations.
        rmse: Option<f64>,
    },
}

impl GateTrace {
    /// Trains a network to predict each character of a study's text from the previous ones, and records its gates.
    ///
    /// `None` if `stop` returned true before the end.
    ///
    /// # Panics
    /// If the text has fewer than two characters.
    pub fn of_text(cell: CellKind, study: &StudyConfig, device: &Device, stop: &dyn Fn() -> bool) -> Option<Self> {
        let characters: Vec<char> = study.text.chars().collect();
        let mut vocabulary = characters.clone();
        vocabulary.sort_unstable();
        vocabulary.dedup();
        let id = |character: &char| vocabulary.iter().position(|other| other == character).expect("in the vocabulary");
        let ids: Vec<usize> = characters.iter().map(id).collect();
        let (input_ids, target_ids) = (&ids[..ids.len() - 1], &ids[1..]);
        let mut inputs = vec![0.0; input_ids.len() * vocabulary.len()];
        for (one_hot, id) in inputs.chunks_exact_mut(vocabulary.len()).zip(input_ids) {
            one_hot[*id] = 1.0;
        }
        let targets = Targets::ClassesPerStep(target_ids.iter().map(|id| *id as i64).collect());
        let device = device.clone().autodiff();
        let shape = [1, input_ids.len(), vocabulary.len()];
        let batch = ExampleBatch::new(Examples { shape, inputs, targets }, &device);

        let model = trained(cell, [vocabulary.len(), vocabulary.len()], study, || batch.clone(), &device, stop)?;
        let (_, accuracy) = model.loss_and_accuracy(&batch, input_ids.len());
        let accuracy = f64::from(accuracy.into_scalar::<f32>());
        let characters = characters[..input_ids.len()].iter().map(char::to_string).collect();
        let input = GateInput::Text { characters, accuracy: accuracy.is_finite().then_some(accuracy) };
        Some(Self::new(cell, input, &model.layers.gate_activations(batch.inputs, 0)))
    }

    /// Trains a network to forecast the next value of a series from a window of past values, and records its gates on
    /// the last rows.
    ///
    /// `None` if `stop` returned true before the end.
    pub fn of_series(
        cell: CellKind,
        signal: &Signal,
        study: &StudyConfig,
        device: &Device,
        stop: &dyn Fn() -> bool,
    ) -> Option<Self> {
        let device = device.clone().autodiff();
        let mut random = StdRng::seed_from_u64(0);
        let batches = || ExampleBatch::new(signal.sample(Split::Train, BATCH_SIZE, &mut random), &device);
        let model = trained(cell, [1, 1], study, batches, &device, stop)?;
        let (mse, _) = model.loss_and_accuracy(&ExampleBatch::new(signal.all(Split::Test), &device), 1);
        let rmse = f64::from(mse.into_scalar::<f32>()).sqrt();
        let (dates, values, standardized) = signal.last(SERIES_STEPS);
        let steps = standardized.len();
        let x = Tensor::<3>::from_data(TensorData::new(standardized, [1, steps, 1]), &device);
        let rmse = rmse.is_finite().then_some(rmse);
        let input = GateInput::Series { column: signal.column().into(), dates, values, rmse };
        Some(Self::new(cell, input, &model.layers.gate_activations(x, 0)))
    }

    fn new(cell: CellKind, input: GateInput, activations: &GateActivations) -> Self {
        let gates = activations.names.iter().zip(&activations.values).filter(|(name, _)| **name != "candidate");
        let (gate_names, gates) = gates.map(|(name, values)| (name.to_string(), values.clone())).unzip();
        Self { cell, input, gate_names, gates }
    }
}

/// A model trained on an autodiff device, with the learning rate and the retention bias of a study.
fn trained(
    cell: CellKind,
    [input_size, output_size]: [usize; 2],
    study: &StudyConfig,
    mut batches: impl FnMut() -> ExampleBatch,
    device: &Device,
    stop: &dyn Fn() -> bool,
) -> Option<ProbeModel> {
    device.seed(0);
    let config = ProbeModelConfig::new(cell, input_size, UNITS, output_size);
    let mut model = config.with_retention_bias(study.retention_bias).init(device);
    let config = TrainConfig {
        steps: STEPS,
        seconds: None,
        batch_size: 1,
        lr: study.lr,
        clip_norm: 1.0,
        optimizer: Optimizer::Adam,
    };
    let mut optimizer = AdamConfig::new().init();
    // The accuracy during training is not used.
    let mut log = StepLog::new(config.clip_norm, 1);
    for _ in 0..config.steps {
        if stop() {
            return None;
        }
        model = train_step(model, &batches(), &mut optimizer, &config, &mut log);
    }
    Some(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed_lock::lock_seed;

    fn study() -> StudyConfig {
        StudyConfig { text: "a lamb, a fox".into(), lr: 0.01, ..StudyConfig::quick() }
    }

    fn num_activations(trace: &GateTrace) -> usize {
        let activations = trace.gates.iter().flatten().flatten();
        assert!(activations.clone().all(|activation| (0.0..=1.0).contains(activation)));
        activations.count()
    }

    #[test]
    fn text_has_activations_for_every_character() {
        let _seed = lock_seed();
        let of = |cell| GateTrace::of_text(cell, &study(), &Device::flex(), &|| false).unwrap();
        let trace = of(CellKind::Lstm);
        let GateInput::Text { characters, accuracy } = &trace.input else { panic!("a text") };
        assert!(characters.concat() == "a lamb, a fo" && accuracy.is_some_and(|accuracy| accuracy > 0.5));
        assert_eq!(trace.gate_names, ["input", "forget", "output"]);
        assert_eq!(num_activations(&trace), 3 * UNITS * 12);
        assert_eq!(of(CellKind::Gru).gate_names, ["reset", "update"]);
    }

    #[test]
    fn series_has_activations_for_every_row() {
        let weather = Signal::weather();
        let _seed = lock_seed();
        let trace = GateTrace::of_series(CellKind::Gru, weather, &study(), &Device::flex(), &|| false).unwrap();
        let GateInput::Series { column, dates, values, rmse } = &trace.input else { panic!("a series") };
        assert!(column == "temp_max" && dates.len() == SERIES_STEPS && values.len() == SERIES_STEPS);
        // The forecast of the mean has an RMSE of about 1.
        assert!(rmse.is_some_and(|rmse| rmse < 0.6), "{rmse:?}");
        assert_eq!(num_activations(&trace), 2 * UNITS * SERIES_STEPS);
    }
}
