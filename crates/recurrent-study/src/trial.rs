//! One cell on one task.

use std::fmt;

use rand::SeedableRng;
use rand::rngs::StdRng;
use recurrent::models::CellKind;
use serde::{Deserialize, Serialize};

use crate::corruption::Corruption;
use crate::examples::Split;
use crate::probe_model::ProbeModelConfig;
use crate::task::MemoryTask;

/// One training run of the grid: a cell, a task and a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trial {
    /// The task.
    pub task: MemoryTask,
    /// The nominal sequence length of a synthetic task; 0 for others.
    pub length: usize,
    /// The cell of the recurrent layer.
    pub cell: CellKind,
    /// The random seed of examples and weights.
    pub seed: u64,
    /// The corruption of the training examples.
    pub corruption: Corruption,
}

impl Trial {
    /// The model of a hidden size, with the default retention bias.
    pub fn model(&self, hidden_size: usize) -> ProbeModelConfig {
        ProbeModelConfig::new(self.cell, self.task.input_size(), hidden_size, self.task.output_size())
    }

    /// The random number generator of the examples of a split, which is the same for every cell.
    pub(crate) fn random(&self, split: Split) -> StdRng {
        let split = match split {
            Split::Train => 0,
            Split::Test => 1,
        };
        StdRng::seed_from_u64(self.seed << 32 | (self.length as u64) << 8 | (self.task as u64) << 1 | split)
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-T{}-{}-s{}", self.task, self.task.num_steps(self.length), self.cell, self.seed)?;
        match self.corruption {
            Corruption::None => Ok(()),
            corruption => write!(f, "-{corruption}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_share_examples_and_seeds_do_not() {
        let trial =
            |cell, seed| Trial { task: MemoryTask::Recall, length: 5, cell, seed, corruption: Corruption::None };
        let train = |trial: Trial| trial.task.sample(5, 4, Split::Train, &mut trial.random(Split::Train));
        assert_eq!(train(trial(CellKind::Rnn, 1)), train(trial(CellKind::Gru, 1)));
        assert_ne!(train(trial(CellKind::Rnn, 1)), train(trial(CellKind::Rnn, 2)));
        let [train, test] = [Split::Train, Split::Test].map(|split| trial(CellKind::Rnn, 1).random(split));
        assert_ne!(train, test);
    }
}
