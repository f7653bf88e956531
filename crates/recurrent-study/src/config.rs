//! The settings of a study.

use recurrent::models::CellKind;
use recurrent::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::corruption::Corruption;
use crate::match_by::MatchBy;
use crate::part::StudyPart;
use crate::probe_model::ProbeModelConfig;
use crate::signal::Signal;
use crate::task::MemoryTask;
use crate::training::{Optimizer, TrainConfig};
use crate::trial::Trial;

/// The maximum number of hidden units.
const MAX_HIDDEN: usize = 4096;

/// All settings that the results depend on.
///
/// The hyperparameters of [`full`](Self::full) and [`quick`](Self::quick) are the same for all cells and tuned for none.
/// Learning rates of 0.003, 0.005 and 0.01 and batches of 8, 16 and 32 rows were tried on recall, adding and copy with
/// lengths of 30 to 100 steps, mostly with two to four seeds. More steps with smaller batches learned more in the same
/// time, and 0.005 with 16 rows was among the best for RNN and LSTM on recall. The numbers of steps and seeds follow
/// from the time limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StudyConfig {
    /// The name of the device.
    pub device: String,
    /// The parts of the study.
    pub parts: Vec<StudyPart>,
    /// The memory tasks.
    pub tasks: Vec<MemoryTask>,
    /// The sequence lengths of synthetic tasks.
    pub lengths: Vec<usize>,
    /// The number of seeds of each trial.
    pub seeds: usize,
    /// What is equal for all cells.
    pub match_by: MatchBy,
    /// The number of hidden units; of the LSTM, if cells have equal parameters.
    pub hidden_size: usize,
    /// The initial bias of an LSTM's forget gate and a GRU's update gate. A new cell of either kind keeps the fraction
    /// σ(`retention_bias`) of its state per step.
    pub retention_bias: f64,
    /// The number of gradient steps of a trial.
    pub steps: usize,
    /// The training time of a trial in seconds, if cells have equal time.
    pub seconds: f64,
    /// The batch size.
    pub batch_size: usize,
    /// The learning rate of Adam.
    pub lr: f64,
    /// The maximum global gradient norm; 0 for no clipping.
    pub clip_norm: f64,
    /// The sequence length of recall in the gradient flow part.
    pub gradient_length: usize,
    /// The number of recurrent layers in the gradient flow part.
    pub gradient_layers: usize,
    /// The text whose gate activations are shown.
    pub text: String,
    /// The time series whose gate activations are shown: the name of a registered data set, or the path of a CSV file.
    pub series: String,
    /// The column of the series.
    pub column: String,
    /// The SHA-256 checksum of the series.
    pub sha256: String,
    /// The hidden sizes whose cost is measured.
    pub cost_hidden_sizes: Vec<usize>,
    /// The sequence lengths whose cost is measured.
    pub cost_lengths: Vec<usize>,
}

impl StudyConfig {
    /// The full study: at most half an hour on two cores.
    pub fn full() -> Self {
        let weather = Signal::weather();
        Self {
            device: String::new(),
            parts: StudyPart::ALL.into(),
            tasks: MemoryTask::ALL.into_iter().filter(|task| *task != MemoryTask::Forecast).collect(),
            lengths: vec![10, 30, 100, 300, 1000],
            seeds: 8,
            match_by: MatchBy::HiddenSize,
            hidden_size: 32,
            retention_bias: 1.0,
            steps: 2500,
            seconds: 4.0,
            batch_size: 16,
            lr: 0.005,
            clip_norm: 1.0,
            gradient_length: 50,
            gradient_layers: 2,
            text: "the fox said to the crow: sing, and the crow sang to the fox".into(),
            series: weather.data().into(),
            column: weather.column().into(),
            sha256: weather.sha256().into(),
            cost_hidden_sizes: vec![32, 64, 128, 256],
            cost_lengths: vec![32, 128, 512],
        }
    }

    /// A smaller study: at most three minutes on two cores.
    pub fn quick() -> Self {
        Self {
            tasks: vec![MemoryTask::Recall, MemoryTask::Adding, MemoryTask::DigitsRows, MemoryTask::DigitsPixels],
            lengths: vec![10, 30, 60],
            seeds: 4,
            steps: 2000,
            seconds: 0.5,
            gradient_length: 30,
            cost_hidden_sizes: vec![32, 64, 96],
            cost_lengths: vec![32, 128],
            ..Self::full()
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// The first invalid setting, with what was expected.
    pub fn check(&self) -> Result<()> {
        let invalid =
            |setting: &'static str, expected: &str, found: String| Err(Error::setting(setting, expected, found));
        let lists = [("parts", self.parts.len()), ("tasks", self.tasks.len()), ("lengths", self.lengths.len())];
        for (setting, count) in lists {
            if count == 0 {
                return invalid(setting, "at least one", "none".into());
            }
        }
        if let Some(length) = self.lengths.iter().find(|length| !(2..=10_000).contains(*length)) {
            return invalid("lengths", "integers from 2 to 10000", length.to_string());
        }
        let counts = [
            ("seeds", self.seeds, 1000),
            ("hidden_size", self.hidden_size, MAX_HIDDEN),
            ("steps", self.steps, 1_000_000),
            ("batch_size", self.batch_size, 10_000),
        ];
        for (setting, count, most) in counts {
            if !(1..=most).contains(&count) {
                return invalid(setting, &format!("an integer from 1 to {most}"), count.to_string());
            }
        }
        if !self.retention_bias.is_finite() {
            return invalid("retention_bias", "a finite number", self.retention_bias.to_string());
        }
        let numbers = [("seconds", self.seconds, "86400", 86_400.0), ("lr", self.lr, "1e30", 1e30)];
        for (setting, number, most, limit) in numbers {
            if !(number > 0.0 && number <= limit) {
                return invalid(setting, &format!("a positive number of at most {most}"), number.to_string());
            }
        }
        if !(0.0..=1e9).contains(&self.clip_norm) {
            return invalid("clip_norm", "a number from 0 (no clipping) to 1000000000", self.clip_norm.to_string());
        }
        if !(2..=10_000).contains(&self.gradient_length) {
            return invalid("gradient_length", "an integer from 2 to 10000", self.gradient_length.to_string());
        }
        if !(1..=8).contains(&self.gradient_layers) {
            return invalid("gradient_layers", "an integer from 1 to 8", self.gradient_layers.to_string());
        }
        let characters = self.text.chars().count();
        if !(2..=200).contains(&characters) {
            return invalid("text", "2 to 200 characters", characters.to_string());
        }
        let sizes =
            [("cost_hidden_sizes", &self.cost_hidden_sizes, MAX_HIDDEN), ("cost_lengths", &self.cost_lengths, 10_000)];
        for (setting, sizes, most) in sizes {
            if sizes.is_empty() || sizes.iter().any(|size| !(1..=most).contains(size)) {
                return invalid(setting, &format!("one or more integers from 1 to {most}"), format!("{sizes:?}"));
            }
        }
        Ok(())
    }

    /// The same config with another series for the gates.
    #[must_use]
    pub fn with_series(self, signal: &Signal) -> Self {
        let [series, column, sha256] = [signal.data(), signal.column(), signal.sha256()].map(String::from);
        Self { series, column, sha256, ..self }
    }

    /// Reads the series.
    ///
    /// # Errors
    /// As [`Signal::read`], and if the checksum of the data has changed.
    pub fn signal(&self) -> Result<Signal> {
        let signal = Signal::read(&self.series, Some(&self.column))?;
        if signal.sha256() == self.sha256 {
            return Ok(signal);
        }
        Err(Error::Input {
            what: "series".into(),
            expected: format!("the data of the study (SHA-256 {})", self.sha256),
            found: format!("{} with other bytes (SHA-256 {})", self.series, signal.sha256()),
        })
    }

    /// How the models of trials are trained.
    pub fn train_config(&self) -> TrainConfig {
        let timed = self.match_by == MatchBy::Time;
        TrainConfig {
            steps: if timed { usize::MAX } else { self.steps },
            seconds: timed.then_some(self.seconds),
            batch_size: self.batch_size,
            lr: self.lr,
            clip_norm: self.clip_norm,
            optimizer: Optimizer::Adam,
        }
    }

    /// [`train_config`](Self::train_config) without a time limit, for measurements after a fixed number of steps.
    pub fn untimed_train_config(&self) -> TrainConfig {
        TrainConfig { steps: self.steps, seconds: None, ..self.train_config() }
    }

    /// The model of a trial.
    pub fn model(&self, trial: &Trial) -> ProbeModelConfig {
        let model = trial.model(self.hidden_size).with_retention_bias(self.retention_bias);
        match self.match_by {
            MatchBy::HiddenSize | MatchBy::Time => model,
            MatchBy::Parameters => {
                ProbeModelConfig { cell: CellKind::Lstm, ..model }.with_cell_of_equal_parameters(trial.cell)
            }
        }
    }

    /// The grid of training runs: every task at every length, and every corruption of the data, with every cell and seed.
    pub fn trials(&self) -> Vec<Trial> {
        let mut trials = Vec::new();
        let mut add = |task: MemoryTask, length: usize, corruption: Corruption| {
            for seed in 0..self.seeds as u64 {
                trials.extend(CellKind::ALL.map(|cell| Trial { task, length, cell, seed, corruption }));
            }
        };
        if self.parts.contains(&StudyPart::Memory) {
            for task in &self.tasks {
                let lengths = if task.is_synthetic() { &*self.lengths } else { &[0] };
                lengths.iter().for_each(|length| add(*task, *length, Corruption::None));
            }
        }
        if self.parts.contains(&StudyPart::Quality) {
            for task in Self::CORRUPTED_TASKS {
                // The memory part already has the trials on clean data.
                let has_clean = self.parts.contains(&StudyPart::Memory) && self.tasks.contains(&task);
                let corruptions = Corruption::ALL.into_iter().filter(|kind| *kind != Corruption::None || !has_clean);
                corruptions.for_each(|corruption| add(task, 0, corruption));
            }
        }
        trials
    }

    /// The tasks whose training data are corrupted.
    pub const CORRUPTED_TASKS: [MemoryTask; 2] = [MemoryTask::DigitsRows, MemoryTask::Forecast];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_invalid(config: StudyConfig, message: &str) {
        assert_eq!(config.check().unwrap_err().to_string(), message);
    }

    #[test]
    fn invalid_settings_are_refused_with_what_was_expected() {
        let config = StudyConfig::quick;
        assert_invalid(StudyConfig { seeds: 0, ..config() }, "seeds: expected an integer from 1 to 1000, found 0");
        assert_invalid(
            StudyConfig { lengths: vec![10, 1], ..config() },
            "lengths: expected integers from 2 to 10000, found 1",
        );
        assert_invalid(StudyConfig { lengths: vec![], ..config() }, "lengths: expected at least one, found none");
        assert_invalid(
            StudyConfig { lr: -1.0, ..config() },
            "lr: expected a positive number of at most 1e30, found -1",
        );
        assert_invalid(
            StudyConfig { clip_norm: f64::NAN, ..config() },
            "clip_norm: expected a number from 0 (no clipping) to 1000000000, found NaN",
        );
        assert_invalid(
            StudyConfig { gradient_layers: 0, ..config() },
            "gradient_layers: expected an integer from 1 to 8, found 0",
        );
        assert_invalid(
            StudyConfig { gradient_length: 1, ..config() },
            "gradient_length: expected an integer from 2 to 10000, found 1",
        );
        assert!(config().check().is_ok() && StudyConfig::full().check().is_ok());
    }

    #[test]
    fn series_with_another_checksum_is_refused() {
        assert_eq!(StudyConfig::quick().signal().unwrap(), *Signal::weather());
        let other = StudyConfig { sha256: "0".into(), ..StudyConfig::quick() };
        let message = other.signal().unwrap_err().to_string();
        assert!(message.starts_with("series: expected the data of the study"), "{message}");
    }

    #[test]
    fn config_round_trips_through_toml() {
        let config = StudyConfig::full();
        assert_eq!(toml::from_str::<StudyConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    }

    #[test]
    fn trials_are_unique_and_grouped_by_cell() {
        for config in [StudyConfig::quick(), StudyConfig::full()] {
            let trials = config.trials();
            let names: std::collections::HashSet<String> = trials.iter().map(ToString::to_string).collect();
            assert_eq!(names.len(), trials.len());
            assert!(trials.chunks(3).all(|cells| cells.iter().map(|trial| trial.cell).eq(CellKind::ALL)));
            let corrupted = trials.iter().filter(|trial| trial.corruption != Corruption::None);
            assert_eq!(corrupted.count(), 2 * 4 * 3 * config.seeds);
        }
    }

    #[test]
    fn equal_parameters_keep_the_lstm_and_enlarge_the_others() {
        let config = StudyConfig { match_by: MatchBy::Parameters, ..StudyConfig::quick() };
        let sizes: Vec<usize> = config.trials()[..3].iter().map(|trial| config.model(trial).hidden_size).collect();
        assert!(sizes[1] == config.hidden_size && sizes[2] > sizes[1] && sizes[0] > sizes[2], "{sizes:?}");
    }
}
