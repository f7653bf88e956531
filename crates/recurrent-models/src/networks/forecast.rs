//! The lecture's forecaster: recurrent layers on top of one another, and a dense layer on the last step.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, GaussianNoise, GaussianNoiseConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::{AnyRecurrent, CellKind, Summarize, Summary, SummaryRow};

/// The configuration of a [`ForecastNetwork`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForecastNetworkConfig {
    /// Which recurrent layer.
    pub cell: CellKind,
    /// Input columns.
    pub inputs: usize,
    /// Hidden units of each layer, from the bottom to the top.
    pub hidden: Vec<usize>,
    /// Steps forecast at once.
    pub horizon: usize,
    /// Columns forecast.
    pub targets: usize,
    /// Dropout between layers, in `[0, 1)`.
    pub dropout: f64,
    /// The standard deviation of the noise that is added to the inputs in training (Bishop 1995: it works like a
    /// penalty on the network's roughness).
    pub noise: f64,
    /// For each target, which input column it is, if the network is to foretell the change from its last value instead
    /// of the level (as NLinear does: Zeng et al. 2023).
    pub residual: Option<Vec<usize>>,
}

impl ForecastNetworkConfig {
    /// LSTM layers without dropout.
    pub fn new(inputs: usize, hidden: Vec<usize>, horizon: usize, targets: usize) -> Self {
        Self { cell: CellKind::Lstm, inputs, hidden, horizon, targets, dropout: 0.0, noise: 0.0, residual: None }
    }

    /// Sets which recurrent layer.
    pub fn with_cell(mut self, cell: CellKind) -> Self {
        self.cell = cell;
        self
    }

    /// Sets the dropout between layers.
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets the noise on the inputs in training.
    pub fn with_noise(mut self, noise: f64) -> Self {
        self.noise = noise;
        self
    }

    /// Sets which input column each target is, for a network that foretells the change from its last value.
    pub fn with_residual(mut self, residual: Option<Vec<usize>>) -> Self {
        self.residual = residual;
        self
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If there is no layer, a size is zero, or `residual` has not one input column a target.
    pub fn init(&self, device: &Device) -> ForecastNetwork {
        assert!(!self.hidden.is_empty(), "a forecaster has at least one recurrent layer");
        if let Some(columns) = &self.residual {
            assert_eq!(columns.len(), self.targets, "one input column a target, got {columns:?}");
            assert!(columns.iter().all(|column| *column < self.inputs), "no such input column in {columns:?}");
        }
        let sizes = std::iter::once(&self.inputs).chain(&self.hidden);
        let layers: Vec<AnyRecurrent> =
            sizes.zip(&self.hidden).map(|(input, hidden)| self.cell.init(*input, *hidden, device)).collect();
        let top = self.hidden[self.hidden.len() - 1];
        ForecastNetwork {
            noise: GaussianNoiseConfig::new(self.noise).init(),
            layers,
            dropout: DropoutConfig::new(self.dropout).init(),
            dense: LinearConfig::new(top, self.horizon * self.targets).init(device),
            horizon: self.horizon,
            residual: self.residual.clone(),
        }
    }
}

/// A stack of recurrent layers, whose last output a dense layer turns into all steps of the forecast at once.
///
/// With two layers of 50 on windows of 100 it is the lecture's
/// `LSTM(50, return_sequences) → LSTM(50) → Dense(1)`. With
/// [`residual`](ForecastNetworkConfig::with_residual), what comes out is added to the last value of each target, as the network has
/// seen it: in training with its noise.
#[derive(Module, Debug)]
pub struct ForecastNetwork {
    noise: GaussianNoise,
    layers: Vec<AnyRecurrent>,
    dropout: Dropout,
    dense: Linear,
    horizon: usize,
    #[module(skip)]
    residual: Option<Vec<usize>>,
}

impl ForecastNetwork {
    /// From the past to the future: `[batch, window, inputs]` → `[batch, horizon, targets]`.
    pub fn forward(&self, past: Tensor<3>) -> Tensor<3> {
        let past = self.noise.forward(past);
        let mut x = past.clone();
        for (depth, layer) in self.layers.iter().enumerate() {
            if depth > 0 {
                x = self.dropout.forward(x);
            }
            (x, _) = layer.forward(x, None, None);
        }
        let [batch, window, hidden] = x.dims();
        let last = x.narrow(1, window - 1, 1).reshape([batch, hidden]);
        let flat = self.dense.forward(last);
        let targets = flat.dims()[1] / self.horizon;
        let said = flat.reshape([batch, self.horizon, targets]);
        match &self.residual {
            Some(columns) => {
                let now = past.narrow(1, window - 1, 1);
                let column = |column: &usize| now.clone().narrow(2, *column, 1);
                said + Tensor::cat(columns.iter().map(column).collect(), 2)
            }
            None => said,
        }
    }
}

impl Summarize for ForecastNetwork {
    /// `input` is `[window, inputs]`.
    fn summary(&self, input: &[usize]) -> Summary {
        let mut rows: Vec<SummaryRow> = Vec::new();
        for (depth, layer) in self.layers.iter().enumerate() {
            let hidden = layer.output_size();
            let top = depth + 1 == self.layers.len();
            let output = if top { vec![hidden] } else { vec![input[0], hidden] };
            let kind = layer.kind().to_string();
            let name = format!("{kind}_{} ({})", depth + 1, kind.to_uppercase());
            rows.push(SummaryRow::new(name, &output, layer));
        }
        let outputs = self.dense.weight.dims()[1];
        rows.push(SummaryRow::new("dense (Dense)", &[outputs], &self.dense));
        Summary { name: "Forecaster".into(), input: input.to_vec(), rows }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleMapper, Param};

    use super::*;

    /// Sets every parameter to zero.
    struct Zero;

    impl ModuleMapper for Zero {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.zeros_like())
        }
    }

    #[test]
    fn a_network_that_has_learned_nothing_repeats_the_last_value_if_it_is_residual() {
        let device = Device::flex();
        let config = ForecastNetworkConfig::new(3, vec![4], 2, 2);
        let past = Tensor::<3>::from_data([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], &device);
        let said = |config: ForecastNetworkConfig| {
            let network = config.init(&device).map(&mut Zero);
            network.forward(past.clone()).into_data().iter::<f32>().collect::<Vec<_>>()
        };
        assert_eq!(said(config.clone()), [0.0; 4]);
        assert_eq!(said(config.with_residual(Some(vec![2, 0]))), [6.0, 4.0, 6.0, 4.0]);
    }
}
