//! A forecaster: stacked recurrent layers and a dense layer on the last step.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, GaussianNoise, GaussianNoiseConfig, Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::empty_batch::dense;
use crate::padding::check_nonempty;
use crate::parameters::linear;
use crate::{AnyRecurrent, AnyRecurrentConfig, CellKind, CellOptions, Summarize, Summary, SummaryRow};

/// The configuration of a [`ForecastNetwork`].
#[derive(Config, Debug, PartialEq)]
#[must_use = "a configuration makes no network until `init` is called"]
#[non_exhaustive]
pub struct ForecastNetworkConfig {
    /// Features per step of the context window.
    pub num_features: usize,
    /// Hidden units of each recurrent layer, from the bottom to the top.
    pub hidden_sizes: Vec<usize>,
    /// Steps forecast at once.
    pub horizon: usize,
    /// Target series.
    pub num_targets: usize,
    /// The kind of cell.
    #[config(default = "CellKind::Lstm")]
    pub cell: CellKind,
    /// Dropout probability between layers and before the dense layer, in `[0, 1)`.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Standard deviation of the Gaussian noise added to the input in training, a regularizer (Bishop 1995).
    #[config(default = 0.0)]
    pub noise_std: f64,
    /// For each target, the index of its own past among the features: the network then forecasts the change from that
    /// feature's last value instead of the level (as NLinear does: Zeng et al. 2023).
    pub residual: Option<Vec<usize>>,
    /// The options of the cell.
    #[config(default = "CellOptions::default()")]
    pub cell_options: CellOptions,
}

impl ForecastNetworkConfig {
    /// The number of parameters, without making the network; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        let layers = self.recurrent().map(|layer| layer.num_parameters()).fold(0, usize::saturating_add);
        let top = self.hidden_sizes.last().copied().unwrap_or_default();
        layers.saturating_add(linear(top, self.horizon.saturating_mul(self.num_targets), true))
    }

    /// The recurrent layers, from the bottom to the top.
    fn recurrent(&self) -> impl Iterator<Item = AnyRecurrentConfig> {
        let sizes = std::iter::once(&self.num_features).chain(&self.hidden_sizes).zip(&self.hidden_sizes);
        sizes.map(|(input, hidden)| {
            AnyRecurrentConfig::new(self.cell, *input, *hidden).with_cell_options(self.cell_options.clone())
        })
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If there is no layer, a size is 0, `residual` does not have one feature per target, or an option of the cell is
    /// invalid.
    pub fn init(&self, device: &Device) -> ForecastNetwork {
        assert!(!self.hidden_sizes.is_empty(), "a forecaster needs at least one recurrent layer");
        if let Some(features) = &self.residual {
            assert_eq!(features.len(), self.num_targets, "residual needs one feature per target, got {features:?}");
            let known = features.iter().all(|feature| *feature < self.num_features);
            assert!(known, "residual {features:?} is out of range: there are {} features", self.num_features);
        }
        let layers: Vec<AnyRecurrent> = self.recurrent().map(|layer| layer.init(device)).collect();
        let top = self.hidden_sizes[self.hidden_sizes.len() - 1];
        ForecastNetwork {
            noise: GaussianNoiseConfig::new(self.noise_std).init(),
            layers,
            dropout: DropoutConfig::new(self.dropout).init(),
            dense: LinearConfig::new(top, self.horizon * self.num_targets).init(device),
            horizon: self.horizon,
            residual: self.residual.clone(),
        }
    }
}

/// Stacked recurrent layers and a dense layer that turns the last step's output into all steps of the forecast at once
/// (direct multi-step forecasting).
///
/// With two layers of 50 hidden units it is `LSTM(50, return_sequences) → LSTM(50) → Dense(1)`. With
/// [`residual`](ForecastNetworkConfig::with_residual), the output is added to the last value of each target, as the
/// network has read it: with the noise, in training.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::networks::ForecastNetworkConfig;
///
/// let device = Device::default();
/// let network = ForecastNetworkConfig::new(3, vec![16, 16], 12, 1).init(&device);
/// let past = Tensor::<3>::ones([4, 30, 3], &device);
/// assert_eq!(network.forward(past.clone()).dims(), [4, 12, 1]);
/// assert_eq!(network.forward_with_lengths(past, &[30, 30, 12, 7]).dims(), [4, 12, 1]);
/// ```
#[derive(Module, Debug)]
pub struct ForecastNetwork {
    noise: GaussianNoise,
    /// The recurrent layers, from the bottom to the top, one stacked layer each.
    pub layers: Vec<AnyRecurrent>,
    dropout: Dropout,
    /// `[hidden, horizon * targets]`.
    pub dense: Linear,
    horizon: usize,
    #[module(skip)]
    residual: Option<Vec<usize>>,
}

impl ForecastNetwork {
    /// From the past to the future: `[batch, window, features]` → `[batch, horizon, targets]`.
    ///
    /// # Panics
    /// If the window has no step or another number of features.
    #[must_use]
    pub fn forward(&self, past: Tensor<3>) -> Tensor<3> {
        self.run(past, None)
    }

    /// [`forward`](Self::forward) for windows of different lengths, `[batch]`, padded at the end: each row's forecast
    /// follows its own last step.
    ///
    /// # Panics
    /// As [`forward`](Self::forward) does, and unless there is one length per row, from 1 to `window`.
    #[must_use]
    pub fn forward_with_lengths(&self, past: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
        let [batch, window, _] = past.dims();
        check_nonempty(lengths, batch, window);
        self.run(past, Some(lengths))
    }

    fn run(&self, past: Tensor<3>, lengths: Option<&[usize]>) -> Tensor<3> {
        let past = self.noise.forward(past);
        let mut x = past.clone();
        for (depth, layer) in self.layers.iter().enumerate() {
            if depth > 0 {
                x = self.dropout.forward(x);
            }
            (x, _) = match lengths {
                Some(lengths) => layer.forward_with_lengths(x, lengths, None),
                None => layer.forward(x, None),
            };
        }
        let [batch, _, hidden] = x.dims();
        let top = self.dropout.forward(last_step(x, lengths).reshape([batch, hidden]));
        let flat = dense(&self.dense, top);
        let targets = flat.dims()[1] / self.horizon;
        let change = flat.reshape([batch, self.horizon, targets]);
        match &self.residual {
            Some(features) if batch > 0 => {
                let now = last_step(past, lengths);
                let feature = |feature: &usize| now.clone().narrow(2, *feature, 1);
                change + Tensor::cat(features.iter().map(feature).collect(), 2)
            }
            _ => change,
        }
    }
}

/// The last valid step of each row: `x [batch, time, features]` → `[batch, 1, features]`.
fn last_step(x: Tensor<3>, lengths: Option<&[usize]>) -> Tensor<3> {
    let [batch, time, features] = x.dims();
    match lengths {
        _ if batch == 0 => x.reshape([0, 1, features]),
        Some(lengths) => {
            let steps: Vec<i64> = lengths.iter().map(|length| *length as i64 - 1).collect();
            let steps = Tensor::<3, Int>::from_data(TensorData::new(steps, [batch, 1, 1]), &x.device());
            x.gather(1, steps.expand([batch, 1, features]))
        }
        None => x.narrow(1, time - 1, 1),
    }
}

impl Summarize for ForecastNetwork {
    /// `input` is `[window, features]`.
    fn summary(&self, input: &[usize]) -> Summary {
        let mut rows: Vec<SummaryRow> = Vec::new();
        for (depth, layer) in self.layers.iter().enumerate() {
            let hidden = layer.output_size();
            let top = depth + 1 == self.layers.len();
            let output = if top { vec![hidden] } else { vec![input[0], hidden] };
            let cell = layer.cell().to_string();
            let name = format!("{cell}_{} ({})", depth + 1, cell.to_uppercase());
            rows.push(SummaryRow::new(name, &output, layer));
        }
        let outputs = self.dense.weight.dims()[1];
        rows.push(SummaryRow::new("dense (Dense)", &[outputs], &self.dense));
        Summary::new("Forecaster", input, rows)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::Distribution;

    use super::*;

    /// Sets every parameter to zero.
    struct Zero;

    impl ModuleMapper for Zero {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.zeros_like())
        }
    }

    #[test]
    fn residual_network_of_zeros_repeats_the_last_value() {
        let device = Device::flex();
        let config = ForecastNetworkConfig::new(3, vec![4], 2, 2);
        let past = Tensor::<3>::from_data([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], &device);
        let forecast = |config: ForecastNetworkConfig, lengths: Option<&[usize]>| {
            let network = config.init(&device).map(&mut Zero);
            network.run(past.clone(), lengths).into_data().iter::<f32>().collect::<Vec<_>>()
        };
        let residual = config.clone().with_residual(Some(vec![2, 0]));
        assert_eq!(forecast(config, None), [0.0; 4]);
        assert_eq!(forecast(residual.clone(), None), [6.0, 4.0, 6.0, 4.0]);
        assert_eq!(forecast(residual, Some(&[1])), [3.0, 1.0, 3.0, 1.0]);
    }

    #[test]
    fn padding_never_changes_a_forecast() {
        let device = Device::flex();
        let config = ForecastNetworkConfig::new(2, vec![4, 3], 2, 1).with_residual(Some(vec![1]));
        for cell in CellKind::ALL {
            let network = config.clone().with_cell(cell).init(&device);
            let past = Tensor::<3>::random([2, 5, 2], Distribution::Default, &device);
            let padded = past.clone().slice_assign([1..2, 3..5, 0..2], Tensor::full([1, 2, 2], f32::NAN, &device));
            let together = network.forward_with_lengths(padded, &[5, 3]);
            let alone = Tensor::cat(
                vec![
                    network.forward(past.clone().narrow(0, 0, 1)),
                    network.forward(past.narrow(0, 1, 1).narrow(1, 0, 3)),
                ],
                0,
            );
            together.into_data().assert_approx_eq::<f32>(&alone.into_data(), Default::default());
        }
    }
}
