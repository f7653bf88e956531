//! A forecaster: stacked recurrent layers, and a dense layer or a decoder that makes the horizon.

mod config;
mod steps;

use burn::module::Module;
use burn::nn::{Dropout, Embedding, GaussianNoise, Linear};
use burn::tensor::{Int, Tensor};

pub use config::ForecastNetworkConfig;

use self::steps::{lag_before, patches, season_before, select_features, steps_back};
use crate::empty_batch::{concat, dense};
use crate::padding::check_nonempty;
use crate::{AnyRecurrent, AnyState, Summarize, Summary, SummaryRow};

/// What a [`ForecastNetwork`] reads. A tensor alone is the past.
#[derive(Debug, Clone)]
pub struct ForecastInput {
    /// The features of the context: `[batch, window, features]`.
    pub past: Tensor<3>,
    /// The covariates that are known over the horizon: `[batch, horizon, future]`.
    pub future: Option<Tensor<3>>,
    /// The series of each row, from 1; 0 for an unknown one: `[batch]`.
    pub series: Option<Tensor<1, Int>>,
}

impl From<Tensor<3>> for ForecastInput {
    fn from(past: Tensor<3>) -> Self {
        Self { past, future: None, series: None }
    }
}

/// Stacked recurrent layers (the encoder) on a window of the past, and all steps of the forecast at once (direct
/// multi-step forecasting).
///
/// With two layers of 50 hidden units it is `LSTM(50, return_sequences) → LSTM(50) → Dense(1)`: a dense layer turns the
/// last step's output into all steps. With covariates that are known over the horizon it is an encoder–decoder: a second
/// stack starts in the final state of the first, layer by layer, and reads what is known of each step (Wen et al. 2017
/// discuss such networks).
///
/// With a [`residual`](ForecastNetworkConfig::with_residual), the location is added to the last value of each target, as the
/// network has read it (with the noise, in training), or to that of a season ago.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use recurrent_models::networks::{ForecastInput, ForecastNetworkConfig};
///
/// let device = Device::default();
/// let network = ForecastNetworkConfig::new(3, vec![16, 16], 12, 1).init(&device);
/// let past = Tensor::<3>::ones([4, 30, 3], &device);
/// assert_eq!(network.forward(past.clone()).dims(), [4, 12, 1]);
/// assert_eq!(network.forward_with_lengths(past.clone(), &[30, 30, 12, 7]).dims(), [4, 12, 1]);
///
/// // Two holidays are known, and three quantiles are forecast.
/// let network = ForecastNetworkConfig::new(3, vec![16], 12, 1)
///     .with_num_future(2)
///     .with_num_outputs(3)
///     .with_patch_len(6)
///     .init(&device);
/// let input = ForecastInput { past, future: Some(Tensor::ones([4, 12, 2], &device)), series: None };
/// assert_eq!(network.forward(input).dims(), [4, 12, 3]);
/// ```
#[derive(Module, Debug)]
pub struct ForecastNetwork {
    noise: GaussianNoise,
    level_noise: GaussianNoise,
    /// The recurrent layers, from the bottom to the top, one stacked layer each.
    pub layers: Vec<AnyRecurrent>,
    /// The layers that read the covariates of the horizon; none without such.
    pub decoder: Vec<AnyRecurrent>,
    /// A vector for each series, that of an unknown one first: `[series + 1, dim]`.
    pub series: Option<Embedding>,
    dropout: Dropout,
    /// `[hidden, horizon * targets * outputs]`, or that of a patch with a decoder.
    pub dense: Linear,
    horizon: usize,
    num_outputs: usize,
    patch_len: usize,
    num_future: usize,
    #[module(skip)]
    target_features: Vec<usize>,
    #[module(skip)]
    residual: Option<usize>,
    #[module(skip)]
    lags: Vec<usize>,
}

impl ForecastNetwork {
    /// From the past to the future: `[batch, window, features]` → `[batch, horizon, targets * outputs]`, the outputs of a
    /// target side by side.
    ///
    /// # Panics
    /// If the window has no step, is no multiple of the patches, or is shorter than the residual or a lag reaches back; or
    /// if the covariates or series that the network was made for are missing, or of another shape.
    #[must_use]
    pub fn forward(&self, input: impl Into<ForecastInput>) -> Tensor<3> {
        self.run(input.into(), None)
    }

    /// [`forward`](Self::forward) for windows of different lengths, `[batch]`, padded at the end: each row's forecast
    /// follows its own last step.
    ///
    /// # Panics
    /// As [`forward`](Self::forward) does for each row, and unless there is one length per row, from 1 to `window`.
    #[must_use]
    pub fn forward_with_lengths(&self, input: impl Into<ForecastInput>, lengths: &[usize]) -> Tensor<3> {
        let input = input.into();
        let [batch, window, _] = input.past.dims();
        check_nonempty(lengths, batch, window);
        self.run(input, Some(lengths))
    }

    fn run(&self, input: ForecastInput, lengths: Option<&[usize]>) -> Tensor<3> {
        let ForecastInput { past, future, series } = input;
        let [batch, window, _] = past.dims();
        self.check_window(lengths.and_then(|lengths| lengths.iter().copied().min()).unwrap_or(window), window, lengths);
        let past = self.noise.forward(past);
        let series = self.embed(series, batch);
        let (outputs, states) = self.encode(self.shift_level(past.clone()), series.as_ref(), lengths);
        let flat = if !self.has_decoder() {
            let [_, _, hidden] = outputs.dims();
            let steps = lengths.map(|lengths| lengths.iter().map(|length| length / self.patch_len).collect::<Vec<_>>());
            let top = steps_back(outputs, steps.as_deref(), &[1]).reshape([batch, hidden]);
            dense(&self.dense, self.dropout.forward(top))
        } else {
            let known = self.known(&past, future, lengths);
            let decoded = run_stack(&self.decoder, &self.dropout, self.with_series(known, series.as_ref()), states);
            let outputs = dense(&self.dense, self.dropout.forward(decoded));
            let [_, steps, width] = outputs.dims();
            outputs.reshape([batch, steps * width])
        };
        let width = flat.dims()[1] / self.horizon;
        let outputs = flat.reshape([batch, self.horizon, width]);
        match self.residual {
            Some(season) if batch > 0 => outputs + self.base(&past, season, lengths),
            _ => outputs,
        }
    }

    /// Whether it reads covariates of the horizon, or lags.
    #[must_use]
    pub fn has_decoder(&self) -> bool {
        !self.decoder.is_empty()
    }

    fn check_window(&self, shortest: usize, window: usize, lengths: Option<&[usize]>) {
        let patch = self.patch_len;
        let fits =
            window.is_multiple_of(patch) && lengths.is_none_or(|all| all.iter().all(|n| n.is_multiple_of(patch)));
        assert!(fits, "windows must be multiples of patches of {patch}, got {window} steps");
        let reach = self.residual.into_iter().chain(self.lags.iter().copied()).max().unwrap_or(1);
        assert!(
            shortest >= reach,
            "the network reads the value of {reach} steps ago, and a window has {shortest} steps"
        );
    }

    /// Moves the level of the targets' past by noise, in training.
    fn shift_level(&self, past: Tensor<3>) -> Tensor<3> {
        let [batch, window, _] = past.dims();
        let mut shifted = past;
        for feature in &self.target_features {
            let none = Tensor::zeros([batch, 1, 1], (&shifted.device(), shifted.dtype()));
            let shift = self.level_noise.forward(none.clone());
            if self.level_noise.std > 0.0 && batch > 0 {
                let moved = shifted.clone().narrow(2, *feature, 1) + shift;
                shifted = shifted.slice_assign([0..batch, 0..window, *feature..*feature + 1], moved);
            }
        }
        shifted
    }

    /// The vector of each row's series, `[batch, 1, dim]`.
    fn embed(&self, series: Option<Tensor<1, Int>>, batch: usize) -> Option<Tensor<3>> {
        let embedding = self.series.as_ref()?;
        let series = series.expect("a network of several series needs the series of each row");
        assert_eq!(series.dims(), [batch], "one series per row");
        Some(embedding.forward(series.unsqueeze_dim(1)))
    }

    /// Appends each row's vector to its steps.
    fn with_series(&self, x: Tensor<3>, series: Option<&Tensor<3>>) -> Tensor<3> {
        let Some(series) = series else { return x };
        let ([batch, time, _], [_, _, dim]) = (x.dims(), series.dims());
        // Burn expands no tensor without elements.
        let repeated = series.clone();
        let repeated = if batch == 0 { repeated.reshape([0, time, dim]) } else { repeated.expand([batch, time, dim]) };
        concat(vec![x, repeated], 2)
    }

    /// The outputs of the top layer, `[batch, window / patch_len, hidden]`, and the final state of each layer.
    fn encode(
        &self,
        past: Tensor<3>,
        series: Option<&Tensor<3>>,
        lengths: Option<&[usize]>,
    ) -> (Tensor<3>, Vec<AnyState>) {
        let mut x = self.with_series(patches(past, self.patch_len), series);
        let steps = lengths.map(|lengths| lengths.iter().map(|length| length / self.patch_len).collect::<Vec<_>>());
        let mut states = Vec::with_capacity(self.layers.len());
        for (depth, layer) in self.layers.iter().enumerate() {
            if depth > 0 {
                x = self.dropout.forward(x);
            }
            let (outputs, state) = match &steps {
                Some(steps) => layer.forward_with_lengths(x, steps, None),
                None => layer.forward(x, None),
            };
            states.push(state);
            x = outputs;
        }
        (x, states)
    }

    /// What the decoder reads: `[batch, horizon / patch_len, patch_len * (future + lags * targets)]`.
    fn known(&self, past: &Tensor<3>, future: Option<Tensor<3>>, lengths: Option<&[usize]>) -> Tensor<3> {
        let mut parts: Vec<Tensor<3>> = Vec::with_capacity(1 + self.lags.len());
        if self.num_future > 0 {
            let future = future.expect("the network needs the covariates of the horizon");
            let shape = [past.dims()[0], self.horizon, self.num_future];
            assert_eq!(future.dims(), shape, "expected covariates [batch, horizon, future]");
            parts.push(future);
        }
        let lagged = |lag: &usize| {
            let steps = steps_back(past.clone(), lengths, &lag_before(*lag, self.horizon));
            select_features(&steps, &self.target_features)
        };
        parts.extend(self.lags.iter().map(lagged));
        patches(concat(parts, 2), self.patch_len)
    }

    /// What is added to the outputs: the last known value of each target, and zeros beside it.
    fn base(&self, past: &Tensor<3>, season: usize, lengths: Option<&[usize]>) -> Tensor<3> {
        let steps = if season == 1 { vec![1] } else { season_before(season, self.horizon) };
        let values = steps_back(past.clone(), lengths, &steps);
        let [batch, rows, _] = values.dims();
        let location = |feature: &usize| {
            let others = [batch, rows, self.num_outputs - 1];
            let value = values.clone().narrow(2, *feature, 1);
            let zeros = (others[2] > 0).then(|| Tensor::zeros(others, (&value.device(), value.dtype())));
            std::iter::once(value).chain(zeros)
        };
        Tensor::cat(self.target_features.iter().flat_map(location).collect(), 2)
    }
}

/// Stacked layers from given states, with dropout between them.
fn run_stack(layers: &[AnyRecurrent], dropout: &Dropout, x: Tensor<3>, states: Vec<AnyState>) -> Tensor<3> {
    let run = |x: Tensor<3>, (depth, (layer, state)): (usize, (&AnyRecurrent, AnyState))| {
        let x = if depth > 0 { dropout.forward(x) } else { x };
        layer.forward(x, Some(state)).0
    };
    layers.iter().zip(states).enumerate().fold(x, run)
}

impl Summarize for ForecastNetwork {
    /// `input` is `[window, features]`.
    fn summary(&self, input: &[usize]) -> Summary {
        let mut rows: Vec<SummaryRow> = Vec::new();
        rows.extend(
            self.series.iter().map(|series| SummaryRow::new("series (Embedding)", &[series.weight.dims()[1]], series)),
        );
        let mut add = |prefix: &str, layers: &[AnyRecurrent], steps: usize, top_only: bool| {
            for (depth, layer) in layers.iter().enumerate() {
                let hidden = layer.output_size();
                let top = top_only && depth + 1 == layers.len();
                let output = if top { vec![hidden] } else { vec![steps, hidden] };
                let cell = layer.cell().to_string();
                let name = format!("{prefix}{cell}_{} ({})", depth + 1, cell.to_uppercase());
                rows.push(SummaryRow::new(name, &output, layer));
            }
        };
        let prefix = if !self.has_decoder() { "" } else { "encoder_" };
        add(prefix, &self.layers, input[0] / self.patch_len, true);
        add("decoder_", &self.decoder, self.horizon / self.patch_len, false);
        let outputs = self.dense.weight.dims()[1];
        let shape = if !self.has_decoder() { vec![outputs] } else { vec![self.horizon / self.patch_len, outputs] };
        rows.push(SummaryRow::new("dense (Dense)", &shape, &self.dense));
        Summary::new("Forecaster", input, rows)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::{Device, Distribution};

    use super::*;
    use crate::CellKind;

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
            network.run(past.clone().into(), lengths).into_data().iter::<f32>().collect::<Vec<_>>()
        };
        let residual = config.clone().with_target_features(Some(vec![2, 0])).with_residual(Some(1));
        assert_eq!(forecast(config, None), [0.0; 4]);
        assert_eq!(forecast(residual.clone(), None), [6.0, 4.0, 6.0, 4.0]);
        assert_eq!(forecast(residual, Some(&[1])), [3.0, 1.0, 3.0, 1.0]);
    }

    #[test]
    fn padding_never_changes_a_forecast() {
        let device = Device::flex();
        let config =
            ForecastNetworkConfig::new(2, vec![4, 3], 2, 1).with_target_features(Some(vec![1])).with_residual(Some(1));
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
