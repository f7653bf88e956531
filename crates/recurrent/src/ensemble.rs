//! An ensemble of networks.

use burn::module::Module;
use burn::tensor::Tensor;
use recurrent_models::{Summarize, Summary};

/// Networks of one shape that differ in their first weights, noise and dropout, and predict their mean. They are trained side
/// by side on the same batches.
#[derive(Module, Debug)]
pub struct Ensemble<M: Module> {
    /// At least one.
    pub members: Vec<M>,
}

impl<M: Module> Ensemble<M> {
    /// An ensemble of `members` networks, made by `init`.
    ///
    /// # Panics
    /// If there is no member.
    pub fn new(members: usize, init: impl FnMut() -> M) -> Self {
        assert!(members > 0, "an ensemble needs at least one member");
        Self { members: std::iter::repeat_with(init).take(members).collect() }
    }

    /// The mean over the members of an output, such as their predictions or losses.
    ///
    /// # Panics
    /// If there is no member.
    #[must_use]
    pub fn mean<const D: usize>(&self, output: impl FnMut(&M) -> Tensor<D>) -> Tensor<D> {
        let sum = self.members.iter().map(output).reduce(|sum, output| sum + output);
        sum.expect("an ensemble has members").div_scalar(self.members.len() as f64)
    }
}

impl<M: Module + Summarize> Summarize for Ensemble<M> {
    /// That of a member.
    fn summary(&self, input: &[usize]) -> Summary {
        self.members[0].summary(input)
    }
}
