//! From the outputs of the networks to forecasts in the columns' units.

use burn::tensor::Tensor;
use recurrent_data::DateTime;
use recurrent_models::networks::{ForecastInput, ForecastNetwork};

use super::instance_norm::InstanceNorm;
use super::{Calibration, DistributionHead, ForecastTransform, OutputKind};
use crate::{Ensemble, Result};

/// Reads forecasts from networks.
#[derive(Debug, Clone, Copy)]
pub(super) struct OutputReader<'a> {
    pub(super) network: &'a Ensemble<ForecastNetwork>,
    pub(super) head: &'a DistributionHead,
    pub(super) transform: &'a ForecastTransform,
    /// Whether each window is normalized by itself.
    pub(super) instance_norm: bool,
    /// The levels of the quantiles that are read.
    pub(super) levels: &'a [f64],
}

/// Forecasts of some windows, in the columns' units.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadForecasts {
    /// `[window, step, target]`.
    pub(super) points: Vec<f64>,
    /// `[window, step, target, level]`.
    pub(super) quantiles: Vec<f64>,
}

impl OutputReader<'_> {
    /// Appends the forecasts of a batch; `dates` are those of the horizon of each window. An ensemble forecasts the mean
    /// of its members' points, and of their quantiles at each level (Vincent averaging: Ratcliff 1979).
    ///
    /// # Errors
    /// If there are no dates, which a climatology needs.
    pub(super) fn read(
        &self,
        input: ForecastInput,
        dates: &[Option<Vec<DateTime>>],
        to: &mut ReadForecasts,
    ) -> Result<()> {
        let Self { network, head, transform, levels, .. } = self;
        let (horizon, targets, outputs) = (transform.horizon, transform.targets.len(), head.num_outputs());
        let (input, scales) = self.normalize(input);
        let values = |raw: Tensor<3>| raw.into_data().iter::<f64>().collect::<Vec<f64>>();
        let members: Vec<Vec<f64>> =
            network.members.iter().map(|member| values(member.forward(input.clone()))).collect();
        let share = 1.0 / members.len() as f64;
        for (window, dates) in dates.iter().enumerate() {
            let course = |target| transform.course(target, dates.as_deref(), horizon);
            let courses = (0..targets).map(course).collect::<Result<Vec<Vec<f64>>>>()?;
            for (step, target) in (0..horizon).flat_map(|step| (0..targets).map(move |target| (step, target))) {
                let first = ((window * horizon + step) * targets + target) * outputs;
                let scale = scales[window * targets + target];
                let restore = |value: f64| transform.restore(target, value, courses[target][step]);
                let mut point = 0.0;
                let mut quantiles = vec![0.0; levels.len()];
                for raw in members.iter().map(|member| &member[first..first + outputs]) {
                    point += share * restore(head.point_of(raw, scale));
                    let found = head.quantiles_of(raw, scale, levels);
                    quantiles.iter_mut().zip(found).for_each(|(sum, found)| *sum += share * restore(found));
                }
                to.points.push(point);
                to.quantiles.extend(quantiles);
            }
        }
        Ok(())
    }

    /// The input as the networks read it, and the shift and the scale of each window's targets, `[window, target]`.
    fn normalize(&self, mut input: ForecastInput) -> (ForecastInput, Vec<(f64, f64)>) {
        let scales = self.transform.target_scales();
        let [batch, ..] = input.past.dims();
        let target_features = self.transform.target_features().filter(|_| self.instance_norm);
        let Some(features) = target_features else { return (input, scales.repeat(batch)) };
        let (norm, past) = InstanceNorm::normalize(input.past, &features);
        input.past = past;
        let values = |statistic: Tensor<3>| statistic.into_data().iter::<f64>().collect::<Vec<f64>>();
        let statistics = values(norm.mean).into_iter().zip(values(norm.deviation));
        let scaled =
            |((mean, deviation), (shift, scale)): ((f64, f64), &(f64, f64))| (shift + scale * mean, scale * deviation);
        (input, statistics.zip(scales.iter().cycle()).map(scaled).collect())
    }

    /// Corrects the quantiles by the calibration of each target. No quantile of counts, or of a target with a power
    /// transform, which has positive values alone, falls below its bound.
    pub(super) fn calibrate(&self, calibrations: &[Calibration], forecasts: &mut ReadForecasts) {
        let (horizon, targets) = (self.transform.horizon, calibrations.len());
        for (index, quantiles) in forecasts.quantiles.chunks_exact_mut(self.levels.len()).enumerate() {
            let target = index % targets;
            calibrations[target].apply(index / targets % horizon, quantiles);
            let of_counts = (self.head.kind() == OutputKind::NegativeBinomial).then_some(0.0);
            if let Some(lowest) = self.transform.lowest(target).or(of_counts) {
                quantiles.iter_mut().for_each(|quantile| *quantile = quantile.max(lowest));
            }
        }
    }
}
