//! An ensemble of forecasters.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use recurrent_models::networks::{ForecastNetwork, ForecastNetworkConfig};
use recurrent_models::{Summarize, Summary};

/// Forecasters of one shape that differ in their first weights, noise and dropout, and forecast their mean. They are
/// trained side by side on the same batches.
#[derive(Module, Debug)]
pub struct ForecastEnsemble {
    /// At least one.
    pub members: Vec<ForecastNetwork>,
}

impl ForecastEnsemble {
    /// An ensemble of `members` networks with fresh weights.
    ///
    /// # Panics
    /// As [`ForecastNetworkConfig::init`], and if there is no member.
    pub fn new(config: &ForecastNetworkConfig, members: usize, device: &Device) -> Self {
        assert!(members > 0, "an ensemble needs at least one member");
        Self { members: (0..members).map(|_| config.init(device)).collect() }
    }

    /// The mean forecast of the members: `[batch, window, features]` → `[batch, horizon, targets]`.
    ///
    /// # Panics
    /// As [`ForecastNetwork::forward`].
    #[must_use]
    pub fn forward(&self, past: Tensor<3>) -> Tensor<3> {
        let members = self.members.len() as f64;
        let sum = self.forward_each(past).reduce(|sum, forecast| sum + forecast);
        sum.expect("an ensemble has members").div_scalar(members)
    }

    /// The forecast of each member.
    ///
    /// # Panics
    /// As [`ForecastNetwork::forward`].
    pub fn forward_each(&self, past: Tensor<3>) -> impl Iterator<Item = Tensor<3>> {
        self.members.iter().map(move |member| member.forward(past.clone()))
    }
}

impl Summarize for ForecastEnsemble {
    /// That of a member; `input` is `[window, features]`.
    fn summary(&self, input: &[usize]) -> Summary {
        self.members[0].summary(input)
    }
}
