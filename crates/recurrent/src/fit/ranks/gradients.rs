//! One message a step: the gradients of all parameters, the loss, and what the first rank decides.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use super::{Ranks, append};
use crate::Result;

/// What the ranks agree on in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::fit) struct Signals {
    /// A rank was interrupted: all stop after this step.
    pub stop: bool,
    /// The first rank writes a checkpoint after this step.
    pub checkpoint: bool,
}

/// The gradients of a step, and the loss whose gradients they are.
pub(in crate::fit) struct Step {
    pub grads: GradientsParams,
    /// The mean loss per item.
    pub loss: f32,
    /// The items; none if the rank had no share of the batch.
    pub items: usize,
}

/// The numbers of a step besides the gradients.
const NUMBERS: usize = 4;

/// The step of all ranks together, from that of each of them: a mean weighted by items, since a mean of means is not that of
/// a batch whose rows differ in length.
pub(in crate::fit) fn sum_step<M: Module>(
    ranks: &dyn Ranks,
    module: &M,
    step: Step,
    signals: Signals,
    device: &Device,
) -> Result<(Step, Signals)> {
    let Step { mut grads, loss, items } = step;
    let mut flattened = Flattened { grads: &mut grads, values: vec![], present: vec![] };
    module.visit(&mut flattened);
    let Flattened { mut values, present, .. } = flattened;
    let num_parameters = present.len();
    let weight = items as f32;
    values.iter_mut().for_each(|value| *value *= weight);
    values.extend(present);
    let is_on = |signal: bool| f32::from(u8::from(signal));
    // A loss that is not finite has to be seen, also on a rank without a share, whose own loss counts nothing.
    let weighted = if items == 0 { 0.0 } else { loss * weight };
    values.extend::<[f32; NUMBERS]>([weighted, weight, is_on(signals.stop), is_on(signals.checkpoint)]);

    ranks.sum(&mut values)?;

    let [weighted, items, stop, checkpoint] = *values.last_chunk::<NUMBERS>().expect("the numbers after the gradients");
    values.truncate(values.len() - NUMBERS);
    let mut restored = Restored {
        values: &values,
        present: &values[values.len() - num_parameters..],
        factor: 1.0 / items,
        device,
        grads: GradientsParams::new(),
    };
    module.visit(&mut restored);
    let step = Step { grads: restored.grads, loss: weighted / items, items: items as usize };
    Ok((step, Signals { stop: stop > 0.0, checkpoint: checkpoint > 0.0 }))
}

/// Takes the gradients in the order of the parameters; zeros stand for one that is not there.
struct Flattened<'a> {
    grads: &'a mut GradientsParams,
    values: Vec<f32>,
    /// 1 for each parameter that has a gradient.
    present: Vec<f32>,
}

impl ModuleVisitor for Flattened<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let grad = self.grads.remove::<D>(param.id);
        self.present.push(f32::from(u8::from(grad.is_some())));
        match grad {
            Some(grad) => append(&mut self.values, grad),
            None => self.values.resize(self.values.len() + param.val().shape().num_elements(), 0.0),
        }
    }
}

/// Gives each parameter its part of the sums, times a factor, unless no rank had a gradient of it.
struct Restored<'a> {
    values: &'a [f32],
    present: &'a [f32],
    factor: f32,
    device: &'a Device,
    grads: GradientsParams,
}

impl ModuleVisitor for Restored<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weights = param.val();
        let (values, rest) = self.values.split_at(weights.shape().num_elements());
        let (present, others) = self.present.split_first().expect("a number for each parameter");
        (self.values, self.present) = (rest, others);
        if *present > 0.0 {
            let mean: Vec<f32> = values.iter().map(|value| value * self.factor).collect();
            let grad = Tensor::<D>::from_data(TensorData::new(mean, weights.shape()), (self.device, weights.dtype()));
            self.grads.register(param.id, grad);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};

    use super::super::testing::on_threads;
    use super::*;

    fn step(linear: &Linear, rows: &[[f32; 2]]) -> Step {
        let x = Tensor::<2>::from_data(TensorData::new(rows.concat(), [rows.len(), 2]), &linear.weight.device());
        let loss = linear.forward(x).square().mean();
        let grads = GradientsParams::from_grads(loss.backward(), linear);
        Step { grads, loss: loss.into_scalar(), items: rows.len() }
    }

    #[test]
    fn shares_of_any_size_have_the_gradients_of_the_whole() {
        let device = Device::flex();
        let linear = LinearConfig::new(2, 3).init(&device.clone().autodiff());
        let rows = [[1.0, 2.0], [3.0, -1.0], [0.5, 4.0], [-2.0, 0.25], [7.0, 1.0]];
        let whole = step(&linear, &rows);
        let weight = |grads: &GradientsParams| grads.get::<2>(linear.weight.id).expect("a gradient");
        // The third rank has no rows, and interrupts.
        let parts = [&rows[..3], &rows[3..], &[]];
        let found = on_threads(3, |ranks| {
            let own = match parts[ranks.rank()] {
                [] => Step { grads: GradientsParams::new(), loss: f32::NAN, items: 0 },
                rows => step(&linear, rows),
            };
            let signals = Signals { stop: ranks.rank() == 2, checkpoint: false };
            sum_step(ranks, &linear, own, signals, &device).unwrap()
        });
        for (found, signals) in &found {
            assert_eq!(*signals, Signals { stop: true, checkpoint: false });
            assert_eq!(found.items, rows.len());
            assert!((found.loss - whole.loss).abs() < 1e-5 * whole.loss);
            let difference: f32 = (weight(&whole.grads) - weight(&found.grads)).abs().max().into_scalar();
            assert!(difference < 1e-5, "{difference}");
        }
    }

    #[test]
    fn frozen_parameters_get_no_gradient() {
        let device = Device::flex();
        let linear = LinearConfig::new(2, 3).init(&device.clone().autodiff());
        let found = on_threads(2, |ranks| {
            let mut own = step(&linear, &[[1.0, 2.0]]);
            own.grads.remove::<2>(linear.weight.id);
            sum_step(ranks, &linear, own, Signals::default(), &device).unwrap().0
        });
        let bias = linear.bias.as_ref().expect("a bias").id;
        for found in found {
            assert!(found.grads.get::<2>(linear.weight.id).is_none() && found.grads.get::<1>(bias).is_some());
        }
    }
}
