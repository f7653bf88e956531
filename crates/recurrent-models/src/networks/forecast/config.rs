//! The configuration of a forecaster.

use burn::config::Config;
use burn::nn::{Dropout, DropoutConfig, GaussianNoiseConfig, LinearConfig};
use burn::tensor::Device;

use super::ForecastNetwork;
use crate::networks::input::embedding;
use crate::parameters::{linear, sum_of_products};
use crate::{AnyRecurrent, AnyRecurrentConfig, CellKind, CellOptions};

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
    /// Standard deviation of the Gaussian noise added to the level of each target's past in training: one draw for all
    /// steps of a window.
    #[config(default = 0.0)]
    pub level_noise_std: f64,
    /// For each target, the index of its own past among the features.
    pub target_features: Option<Vec<usize>>,
    /// The network forecasts the change from the value of so many steps ago instead of the level: 1 for the last value (as
    /// NLinear does: Zeng et al. 2023), the length of a season for the seasonal naive forecast. It needs `target_features`.
    pub residual: Option<usize>,
    /// Outputs of each target and step: 1 for a point forecast, the number of parameters for a distribution. The first is
    /// the location, to which the residual's value is added.
    #[config(default = 1)]
    pub num_outputs: usize,
    /// Consecutive steps that are one step of the recurrent layers; window and horizon are multiples of it. A patch of `n`
    /// makes the layers `n` times shorter (Nie et al. 2023).
    #[config(default = 1)]
    pub patch_len: usize,
    /// Covariates that are known over the horizon. With some, or with `lags`, a decoder reads them, which starts in the
    /// final state of the encoder; otherwise a dense layer makes all steps from the last output.
    #[config(default = 0)]
    pub num_future: usize,
    /// Also let the decoder read each target's value of so many steps before, from the horizon to the window. It needs
    /// `target_features`.
    #[config(default = "Vec::new()")]
    pub lags: Vec<usize>,
    /// Series that share the network, each with an embedding; 0 for one alone. One more stands for an unknown series.
    #[config(default = 0)]
    pub num_series: usize,
    /// Dimensions of a series' embedding.
    #[config(default = 8)]
    pub series_embedding_dim: usize,
    /// The options of the cell.
    #[config(default = "CellOptions::default()")]
    pub cell_options: CellOptions,
}

impl ForecastNetworkConfig {
    /// The number of parameters, without making the network; `usize::MAX` stands for any larger number.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        let encoder = self.recurrent(self.encoder_input());
        let decoder = self.has_decoder().then(|| self.recurrent(self.decoder_input()));
        let layers = encoder.chain(decoder.into_iter().flatten()).map(|layer| layer.num_parameters());
        let top = self.hidden_sizes.last().copied().unwrap_or_default();
        let embedding = sum_of_products([&[self.num_embeddings(), self.series_embedding_dim]]);
        let others = [linear(top, self.outputs(), true), embedding];
        layers.chain(others).fold(0, usize::saturating_add)
    }

    /// Whether a second stack of layers reads what is known over the horizon.
    #[must_use]
    pub fn has_decoder(&self) -> bool {
        self.num_future > 0 || !self.lags.is_empty()
    }

    fn num_embeddings(&self) -> usize {
        if self.num_series > 0 { self.num_series.saturating_add(1) } else { 0 }
    }

    fn embedding_dim(&self) -> usize {
        if self.num_series > 0 { self.series_embedding_dim } else { 0 }
    }

    /// Inputs of the encoder's first layer.
    fn encoder_input(&self) -> usize {
        self.patch_len.saturating_mul(self.num_features).saturating_add(self.embedding_dim())
    }

    /// Inputs of the decoder's first layer.
    fn decoder_input(&self) -> usize {
        let lagged = self.lags.len().saturating_mul(self.num_targets);
        self.patch_len.saturating_mul(self.num_future.saturating_add(lagged)).saturating_add(self.embedding_dim())
    }

    /// Outputs of the dense layer: of a patch, or of the whole horizon without a decoder.
    fn outputs(&self) -> usize {
        let steps = if self.has_decoder() { self.patch_len } else { self.horizon };
        steps.saturating_mul(self.num_targets).saturating_mul(self.num_outputs)
    }

    /// A stack of recurrent layers, from the bottom to the top.
    fn recurrent(&self, input: usize) -> impl Iterator<Item = AnyRecurrentConfig> {
        let sizes = std::iter::once(input).chain(self.hidden_sizes.iter().copied()).zip(&self.hidden_sizes);
        sizes.map(|(input, hidden)| {
            AnyRecurrentConfig::new(self.cell, input, *hidden).with_cell_options(self.cell_options.clone())
        })
    }

    /// Makes the network with fresh weights.
    ///
    /// # Panics
    /// If there is no layer, a size is 0, `target_features` does not have one feature per target or is missing where it is
    /// needed, the horizon is no multiple of a decoder's patches, a lag is shorter than the horizon, or an option of the
    /// cell is invalid.
    pub fn init(&self, device: &Device) -> ForecastNetwork {
        self.check();
        let stack = |input| -> Vec<AnyRecurrent> { self.recurrent(input).map(|layer| layer.init(device)).collect() };
        let top = self.hidden_sizes[self.hidden_sizes.len() - 1];
        let noise = |std| GaussianNoiseConfig::new(std).init();
        let dropout: Dropout = DropoutConfig::new(self.dropout).init();
        ForecastNetwork {
            noise: noise(self.noise_std),
            level_noise: noise(self.level_noise_std),
            layers: stack(self.encoder_input()),
            decoder: if self.has_decoder() { stack(self.decoder_input()) } else { Vec::new() },
            series: (self.num_series > 0).then(|| embedding(self.num_embeddings(), self.series_embedding_dim, device)),
            dropout,
            dense: LinearConfig::new(top, self.outputs()).init(device),
            horizon: self.horizon,
            num_outputs: self.num_outputs,
            patch_len: self.patch_len,
            num_future: self.num_future,
            target_features: self.target_features.clone().unwrap_or_default(),
            residual: self.residual,
            lags: self.lags.clone(),
        }
    }

    fn check(&self) {
        assert!(!self.hidden_sizes.is_empty(), "a forecaster needs at least one recurrent layer");
        assert!(self.num_outputs > 0 && self.patch_len > 0, "num_outputs and patch_len must be at least 1");
        let needs_targets = self.residual.is_some() || !self.lags.is_empty() || self.level_noise_std > 0.0;
        let features = self.target_features.as_deref();
        assert!(features.is_some() || !needs_targets, "residual, lags and level noise need target_features");
        if let Some(features) = features {
            assert_eq!(features.len(), self.num_targets, "target_features needs one per target, got {features:?}");
            let known = features.iter().all(|feature| *feature < self.num_features);
            assert!(known, "target_features {features:?} is out of range: there are {} features", self.num_features);
        }
        assert!(self.residual != Some(0), "a residual is to a value at least 1 step ago");
        let reach = self.lags.iter().all(|lag| *lag >= self.horizon);
        assert!(reach, "lags must be at least the horizon of {}, got {:?}", self.horizon, self.lags);
        let fits = !self.has_decoder() || self.horizon.is_multiple_of(self.patch_len);
        assert!(fits, "a horizon of {} is no multiple of patches of {}", self.horizon, self.patch_len);
    }
}
