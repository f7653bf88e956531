//! What is compared, and how.

use std::fmt;
use std::str::FromStr;

use recurrent_models::CellKind;
use serde::{Deserialize, Serialize};

use super::damage::Damage;
use super::reader::ReaderShape;
use super::signal::Signal;
use super::task::Memory;
use super::trial::{Recipe, Trial};
use crate::{Error, Result};

/// What is held equal between the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fairness {
    /// Hidden units.
    #[default]
    Hidden,
    /// Parameters: RNN and GRU get as many hidden units as bring them nearest to the LSTM's.
    Parameters,
    /// Hidden units, and the seconds that each may learn for.
    Time,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Tasks of memory, against their length.
    Memory,
    /// How far gradients reach, and what explodes.
    Gradients,
    /// What the gates do.
    Gates,
    /// What a step of training costs.
    Cost,
    /// What damage to the data costs.
    Quality,
}

/// Everything that the numbers depend on, but for the machine.
///
/// The recipe of [`full`](Self::full) and [`quick`](Self::quick) is one for all cells, tuned for none. Learning rates of
/// 0.003, 0.005 and 0.01 and batches of 8, 16 and 32 rows were tried on recall, adding and copying of 30 to 100 steps,
/// most of them with two to four seeds: more steps with fewer rows learned more in the same time, and 0.005 with 16 rows
/// was among the best for RNN and LSTM on recall; none made a GRU learn recall of 30 steps or more. As many steps and
/// seeds as the promised time allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyConfig {
    /// The device, by its name.
    pub device: String,
    /// What is measured.
    pub parts: Vec<Part>,
    /// Tasks of memory.
    pub tasks: Vec<Memory>,
    /// Lengths of the tasks that are generated.
    pub lengths: Vec<usize>,
    /// How often each is tried, every time with other rows and weights.
    pub seeds: usize,
    /// What is held equal.
    pub fair: Fairness,
    /// Hidden units; of the LSTM, if parameters are held equal.
    pub hidden: usize,
    /// Gradient steps of a trial.
    pub steps: usize,
    /// Seconds of a trial, if time is held equal.
    pub seconds: f64,
    /// Rows a step.
    pub batch: usize,
    /// Adam's learning rate, the same for all cells.
    pub lr: f64,
    /// The largest norm of all gradients together; 0 leaves them alone.
    pub clip: f64,
    /// Steps of the recall task whose gradients are looked at.
    pub gradient_length: usize,
    /// Layers of the networks whose gradients are looked at.
    pub gradient_layers: usize,
    /// The text that is read while gates are shown.
    pub text: String,
    /// The series that is read while gates are shown: the name of a known data set, or the path of a CSV file.
    pub series: String,
    /// Which of its columns.
    pub column: String,
    /// The sum of its bytes.
    pub sha256: String,
    /// Hidden sizes whose cost is measured.
    pub cost_hidden: Vec<usize>,
    /// Lengths whose cost is measured.
    pub cost_lengths: Vec<usize>,
}

impl StudyConfig {
    /// The whole comparison, within half an hour on two cores.
    pub fn full() -> Self {
        let weather = Signal::weather();
        Self {
            device: String::new(),
            parts: Part::ALL.into(),
            tasks: Memory::ALL.into_iter().filter(|task| *task != Memory::Forecast).collect(),
            lengths: vec![10, 30, 100, 300, 1000],
            seeds: 8,
            fair: Fairness::Hidden,
            hidden: 32,
            steps: 2500,
            seconds: 4.0,
            batch: 16,
            lr: 0.005,
            clip: 1.0,
            gradient_length: 50,
            gradient_layers: 2,
            text: "the fox said to the crow: sing, and the crow sang to the fox".into(),
            series: weather.data().into(),
            column: weather.column().into(),
            sha256: weather.sha256().into(),
            cost_hidden: vec![32, 64, 128, 256],
            cost_lengths: vec![32, 128, 512],
        }
    }

    /// The same in small, within three minutes on two cores.
    pub fn quick() -> Self {
        Self {
            tasks: vec![Memory::Recall, Memory::Adding, Memory::DigitsRows, Memory::DigitsPixels],
            lengths: vec![10, 30, 60],
            seeds: 4,
            steps: 2000,
            seconds: 0.5,
            gradient_length: 30,
            cost_hidden: vec![32, 64, 96],
            cost_lengths: vec![32, 128],
            ..Self::full()
        }
    }

    /// Checks all that can be wrong.
    ///
    /// # Errors
    /// The first setting that cannot be, with what was expected.
    pub fn check(&self) -> Result<()> {
        let wrong =
            |setting: &'static str, expected: &str, found: String| Err(Error::setting(setting, expected, found));
        let lists = [("--parts", self.parts.len()), ("--tasks", self.tasks.len()), ("--lengths", self.lengths.len())];
        for (setting, count) in lists {
            if count == 0 {
                return wrong(setting, "at least one", "none".into());
            }
        }
        if let Some(length) = self.lengths.iter().find(|length| !(2..=10_000).contains(*length)) {
            return wrong("--lengths", "steps from 2 to 10000", length.to_string());
        }
        let counts =
            [("--seeds", self.seeds), ("--hidden", self.hidden), ("--steps", self.steps), ("--batch", self.batch)];
        for (setting, count) in counts {
            if !(1..=1_000_000).contains(&count) {
                return wrong(setting, "a number from 1 to 1000000", count.to_string());
            }
        }
        let positive = |number: f64| number.is_finite() && number > 0.0;
        if !positive(self.seconds) {
            return wrong("--seconds", "a positive number", self.seconds.to_string());
        }
        if !positive(self.lr) {
            return wrong("--lr", "a positive number", self.lr.to_string());
        }
        if !positive(self.clip) && self.clip != 0.0 {
            return wrong("--clip", "a positive number, or 0 for no clipping", self.clip.to_string());
        }
        if !(2..=10_000).contains(&self.gradient_length) {
            return wrong("--gradient-length", "steps from 2 to 10000", self.gradient_length.to_string());
        }
        if !(1..=8).contains(&self.gradient_layers) {
            return wrong("--gradient-layers", "layers from 1 to 8", self.gradient_layers.to_string());
        }
        let characters = self.text.chars().count();
        if !(2..=200).contains(&characters) {
            return wrong("--text", "a text of 2 to 200 characters", format!("{characters}"));
        }
        for (setting, sizes) in [("--cost-hidden", &self.cost_hidden), ("--cost-lengths", &self.cost_lengths)] {
            if sizes.is_empty() || sizes.contains(&0) {
                return wrong(setting, "at least one size, each at least 1", format!("{sizes:?}"));
            }
        }
        Ok(())
    }

    /// The same, with the gates of those who read another series.
    pub fn with_series(self, signal: &Signal) -> Self {
        let [series, column, sha256] = [signal.data(), signal.column(), signal.sha256()].map(String::from);
        Self { series, column, sha256, ..self }
    }

    /// Reads the series again.
    ///
    /// # Errors
    /// As [`Signal::read`], and if its bytes are others than those that were planned with.
    pub fn signal(&self) -> Result<Signal> {
        let signal = Signal::read(&self.series, Some(&self.column))?;
        if signal.sha256() == self.sha256 {
            return Ok(signal);
        }
        Err(Error::Input {
            what: "the series of the comparison".into(),
            expected: format!("the bytes that it began with (sha256 {})", self.sha256),
            found: format!("{} with other bytes (sha256 {})", self.series, signal.sha256()),
        })
    }

    /// How a network is trained.
    pub fn recipe(&self) -> Recipe {
        let timed = self.fair == Fairness::Time;
        Recipe {
            steps: if timed { usize::MAX } else { self.steps },
            seconds: timed.then_some(self.seconds),
            batch: self.batch,
            lr: self.lr,
            clip: self.clip,
            plain: false,
        }
    }

    /// The hidden units of a trial's network.
    pub fn hidden_of(&self, trial: &Trial) -> usize {
        match self.fair {
            Fairness::Hidden | Fairness::Time => self.hidden,
            Fairness::Parameters => {
                let lstm = ReaderShape { cell: CellKind::Lstm, ..trial.shape(self.hidden) };
                lstm.as_large_with(trial.cell).hidden
            }
        }
    }

    /// The grid: every task of memory at every length, and every damage to the data, with every cell and seed.
    pub fn trials(&self) -> Vec<Trial> {
        let mut trials = Vec::new();
        let mut with_each_cell = |task: Memory, length: usize, damage: Damage| {
            for seed in 0..self.seeds as u64 {
                trials.extend(CellKind::ALL.map(|cell| Trial { task, length, cell, seed, damage }));
            }
        };
        if self.parts.contains(&Part::Memory) {
            for task in &self.tasks {
                let lengths = if task.is_generated() { &*self.lengths } else { &[0] };
                lengths.iter().for_each(|length| with_each_cell(*task, *length, Damage::None));
            }
        }
        if self.parts.contains(&Part::Quality) {
            for task in Self::SPOILED {
                let whole_is_there = self.parts.contains(&Part::Memory) && self.tasks.contains(&task);
                let damages = Damage::ALL.into_iter().filter(|damage| *damage != Damage::None || !whole_is_there);
                damages.for_each(|damage| with_each_cell(task, 0, damage));
            }
        }
        trials
    }

    /// The tasks whose data are damaged.
    pub const SPOILED: [Memory; 2] = [Memory::DigitsRows, Memory::Forecast];
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Memory, Self::Gradients, Self::Gates, Self::Cost, Self::Quality];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Gradients => "gradients",
            Self::Gates => "gates",
            Self::Cost => "cost",
            Self::Quality => "quality",
        })
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let found = Self::ALL.into_iter().find(|part| part.to_string() == name);
        found.ok_or_else(|| format!("unknown part `{name}`: expected {}", named(&Self::ALL)))
    }
}

impl Fairness {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hidden, Self::Parameters, Self::Time];
}

impl fmt::Display for Fairness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hidden => "hidden",
            Self::Parameters => "parameters",
            Self::Time => "time",
        })
    }
}

impl FromStr for Fairness {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let found = Self::ALL.into_iter().find(|fair| fair.to_string() == name);
        found.ok_or_else(|| format!("unknown `{name}`: expected {}", named(&Self::ALL)))
    }
}

/// `memory, cost or quality`.
fn named(choices: &[impl fmt::Display]) -> String {
    let names: Vec<String> = choices.iter().map(ToString::to_string).collect();
    match names.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(plan: StudyConfig, message: &str) {
        assert_eq!(plan.check().unwrap_err().to_string(), message);
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_was_expected() {
        let plan = StudyConfig::quick;
        refused(StudyConfig { seeds: 0, ..plan() }, "--seeds: expected a number from 1 to 1000000, found 0");
        refused(StudyConfig { lengths: vec![10, 1], ..plan() }, "--lengths: expected steps from 2 to 10000, found 1");
        refused(StudyConfig { lengths: vec![], ..plan() }, "--lengths: expected at least one, found none");
        refused(StudyConfig { lr: -1.0, ..plan() }, "--lr: expected a positive number, found -1");
        refused(
            StudyConfig { clip: f64::NAN, ..plan() },
            "--clip: expected a positive number, or 0 for no clipping, found NaN",
        );
        refused(
            StudyConfig { gradient_layers: 0, ..plan() },
            "--gradient-layers: expected layers from 1 to 8, found 0",
        );
        refused(
            StudyConfig { gradient_length: 1, ..plan() },
            "--gradient-length: expected steps from 2 to 10000, found 1",
        );
        assert!(plan().check().is_ok() && StudyConfig::full().check().is_ok());
    }

    #[test]
    fn a_series_with_other_bytes_is_refused() {
        assert_eq!(StudyConfig::quick().signal().unwrap(), *Signal::weather());
        let other = StudyConfig { sha256: "0".into(), ..StudyConfig::quick() };
        let message = other.signal().unwrap_err().to_string();
        assert!(
            message.starts_with("the series of the comparison: expected the bytes that it began with"),
            "{message}"
        );
    }

    #[test]
    fn a_plan_comes_back_from_its_file() {
        let plan = StudyConfig::full();
        assert_eq!(toml::from_str::<StudyConfig>(&toml::to_string(&plan).unwrap()).unwrap(), plan);
    }

    #[test]
    fn no_trial_is_planned_twice_and_cells_stand_side_by_side() {
        for plan in [StudyConfig::quick(), StudyConfig::full()] {
            let trials = plan.trials();
            let names: std::collections::HashSet<String> = trials.iter().map(ToString::to_string).collect();
            assert_eq!(names.len(), trials.len());
            assert!(trials.chunks(3).all(|cells| cells.iter().map(|trial| trial.cell).eq(CellKind::ALL)));
            assert_eq!(trials.iter().filter(|trial| trial.damage != Damage::None).count(), 2 * 4 * 3 * plan.seeds);
        }
    }

    #[test]
    fn equal_parameters_give_the_lstm_its_hidden_units_and_the_others_more() {
        let plan = StudyConfig { fair: Fairness::Parameters, ..StudyConfig::quick() };
        let sizes: Vec<usize> = plan.trials()[..3].iter().map(|trial| plan.hidden_of(trial)).collect();
        assert!(sizes[1] == plan.hidden && sizes[2] > sizes[1] && sizes[0] > sizes[2], "{sizes:?}");
    }
}
