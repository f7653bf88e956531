//! What was measured, together.

use recurrent_models::CellKind;
use serde::{Deserialize, Serialize};

use super::damage::Damage;
use super::look::{Exploded, Looked};
use super::plan::StudyConfig;
use super::reading::Reading;
use super::significance::Spread;
use super::speed::Speed;
use super::task::Memory;
use super::trial::{Outcome, Trial};

/// A trial and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// What was tried.
    pub trial: Trial,
    /// What became of it.
    pub outcome: Outcome,
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What was asked for.
    pub plan: StudyConfig,
    /// The trials, in the order of the plan.
    pub tried: Vec<Tried>,
    /// How far gradients reach.
    pub looked: Vec<Looked>,
    /// Runs whose gradients explode.
    pub exploded: Vec<Exploded>,
    /// What gates do while a text or a series is read.
    pub readings: Vec<Reading>,
    /// What steps take.
    pub speeds: Vec<Speed>,
}

impl Tried {
    /// See [`Outcome::skill`].
    pub fn skill(&self) -> f64 {
        self.outcome.skill(self.trial.task.chance(self.trial.length))
    }

    /// How good the network is, from 0 to 1: the share of right answers; of a forecast, what its error in standard
    /// deviations leaves of 1, which is the error of always saying the mean. Nothing if it diverged.
    pub fn goodness(&self) -> f64 {
        match self.trial.task {
            Memory::Forecast => self.outcome.loss.map_or(0.0, |loss| (1.0 - loss.sqrt()).max(0.0)),
            _ => self.outcome.right.unwrap_or(0.0),
        }
    }
}

/// A task at a length with a damage, without cell and seed.
pub type Place = (Memory, usize, Damage);

impl Results {
    /// The tasks, lengths and damages that were tried, in order.
    pub fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for Tried { trial, .. } in &self.tried {
            let place = (trial.task, trial.length, trial.damage);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// The outcomes of a cell at a place, seed by seed.
    pub fn at(&self, place: Place, cell: CellKind) -> Vec<&Tried> {
        let here = |trial: &Trial| (trial.task, trial.length, trial.damage) == place && trial.cell == cell;
        self.tried.iter().filter(|tried| here(&tried.trial)).collect()
    }

    /// For each seed, the mean of `number` over the trials of a cell that `which` chooses.
    pub fn by_seed(&self, cell: CellKind, which: impl Fn(&Trial) -> bool, number: impl Fn(&Tried) -> f64) -> Vec<f64> {
        let mean = |seed: u64| {
            let of_seed = |trial: &Trial| trial.cell == cell && trial.seed == seed && which(trial);
            let numbers: Vec<f64> = self.tried.iter().filter(|tried| of_seed(&tried.trial)).map(&number).collect();
            Some(Spread::of(&numbers)?.mean)
        };
        (0..self.plan.seeds as u64).filter_map(mean).collect()
    }

    /// The shortest length of a generated task at which the mean skill of a cell's seeds is below [`FAILS`]; `None` if
    /// there is none, or the task was not tried.
    pub fn fails_at(&self, task: Memory, cell: CellKind) -> Option<usize> {
        let mut lengths: Vec<usize> =
            self.places().into_iter().filter(|place| place.0 == task && place.2 == Damage::None).map(|p| p.1).collect();
        lengths.sort_unstable();
        lengths.into_iter().find(|length| {
            let skills: Vec<f64> = self.at((task, *length, Damage::None), cell).iter().map(|t| t.skill()).collect();
            Spread::of(&skills).is_some_and(|skill| skill.mean < FAILS)
        })
    }

    /// What was measured of a cell's speed at the largest size.
    pub fn largest(&self, cell: CellKind) -> Option<&Speed> {
        self.speeds.iter().filter(|speed| speed.cell == cell).max_by_key(|speed| (speed.hidden, speed.length))
    }
}

/// The share of chance's loss that has to be gone for a task to count as done.
pub const FAILS: f64 = 0.5;
