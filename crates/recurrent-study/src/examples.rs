//! Labeled sequences.

/// Labeled sequences of equal length, in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// The shape of the inputs, `[batch, time, features]`.
    pub shape: [usize; 3],
    /// The inputs, row-major.
    pub inputs: Vec<f32>,
    /// The targets.
    pub targets: Targets,
}

/// The targets of [`Examples`].
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// A value at the last step, `[batch]`.
    Values(Vec<f32>),
    /// A class at the last step, `[batch]`.
    Classes(Vec<i64>),
    /// A class at every step, `[batch, time]`.
    ClassesPerStep(Vec<i64>),
}

/// A split of a task's examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Examples for training.
    Train,
    /// Held-out examples for evaluation.
    Test,
}
