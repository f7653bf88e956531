//! Gradients of several batches as those of one.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The mean of the gradients of batches, each weighted by its items: the gradient of one batch of all their items.
#[derive(Default)]
pub(super) struct Accumulated {
    mean: Option<GradientsParams>,
    items: usize,
    batches: usize,
}

impl Accumulated {
    /// Adds the gradients of a batch.
    pub fn add<M: Module>(&mut self, module: impl FnOnce() -> M, grads: GradientsParams, items: usize) {
        let before = self.items;
        self.items += items;
        self.batches += 1;
        self.mean = Some(match self.mean.take() {
            // One batch alone is left as it is, to the bit.
            None => grads,
            Some(mean) => {
                let weight = |items: usize| items as f64 / self.items.max(1) as f64;
                let mut weighted = WeightedSum {
                    of: [mean, grads],
                    weights: [weight(before), weight(items)],
                    sum: GradientsParams::new(),
                };
                module().visit(&mut weighted);
                weighted.sum
            }
        });
    }

    /// Counts a batch of which this rank has no share.
    pub fn add_nothing(&mut self) {
        self.batches += 1;
    }

    /// How many batches there are.
    pub fn batches(&self) -> usize {
        self.batches
    }

    /// Takes the gradients and the number of their items; `None` if there was no batch.
    pub fn take(&mut self) -> Option<(GradientsParams, usize)> {
        let Self { mean, items, batches } = std::mem::take(self);
        (batches > 0).then(|| (mean.unwrap_or_else(GradientsParams::new), items))
    }
}

struct WeightedSum {
    of: [GradientsParams; 2],
    weights: [f64; 2],
    sum: GradientsParams,
}

impl ModuleVisitor for WeightedSum {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let parts = self.of.iter_mut().zip(self.weights);
        let parts = parts.filter_map(|(grads, weight)| Some(grads.remove::<D>(param.id)? * weight));
        if let Some(sum) = parts.reduce(|one, other| one + other) {
            self.sum.register(param.id, sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn gradients(linear: &Linear, rows: &[[f32; 2]]) -> GradientsParams {
        let data: Vec<f32> = rows.concat();
        let x = Tensor::<2>::from_data(TensorData::new(data, [rows.len(), 2]), &linear.weight.device());
        let loss = linear.forward(x).square().mean();
        GradientsParams::from_grads(loss.backward(), linear)
    }

    #[test]
    fn batches_of_different_sizes_are_one() {
        let linear = LinearConfig::new(2, 3).init(&Device::flex().autodiff());
        let rows = [[1.0, 2.0], [3.0, -1.0], [0.5, 4.0], [-2.0, 0.25], [7.0, 1.0]];
        let whole = gradients(&linear, &rows);
        let mut accumulated = Accumulated::default();
        for part in [&rows[..2], &rows[2..3], &rows[3..]] {
            accumulated.add(|| linear.clone(), gradients(&linear, part), part.len());
        }
        assert_eq!(accumulated.batches(), 3);
        let (found, items) = accumulated.take().expect("gradients");
        assert_eq!(items, rows.len());
        let weight = |grads: &GradientsParams| grads.get::<2>(linear.weight.id).expect("a gradient");
        let difference: f32 = (weight(&whole) - weight(&found)).abs().max().into_scalar();
        assert!(difference < 1e-5, "{difference}");
        assert!(accumulated.take().is_none() && accumulated.batches() == 0);
    }
}
