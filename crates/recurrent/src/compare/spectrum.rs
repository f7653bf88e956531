//! Recurrent weights of a given spectral radius.
//!
//! A gradient goes back through a vanilla RNN by a product with W_hh a step, so what becomes of it in the long run is
//! decided by the largest of the eigenvalues' magnitudes: below 1 it vanishes, and only above 1 can it explode (Pascanu
//! et al. 2013).

use burn::module::{Initializer, Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};

/// The parameter that holds the recurrent weights of a cell's gates side by side, `[hidden, gates * hidden]`.
const RECURRENT: &str = "w_hh";

/// How often a matrix is multiplied with itself: W to the power of 2²⁰.
const SQUARINGS: i32 = 20;

/// What recurrent weights are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecurrentWeights {
    /// Orthogonal matrices: all eigenvalues have the same magnitude (Saxe et al. 2013).
    Orthogonal,
    /// Independent Gaussian numbers: the eigenvalues fill a disc (Girko 1984).
    Gaussian,
}

/// Draws all recurrent weights of a module anew: each gate's matrix `[hidden, hidden]` by itself, with the spectral
/// radius `radius`. The module is a stack of layers, or any network with some in it.
///
/// # Panics
/// If the radius is negative or no number.
pub fn with_recurrent_weights<M: Module>(module: M, weights: RecurrentWeights, radius: f64) -> M {
    assert!(radius.is_finite() && radius >= 0.0, "a spectral radius is a number from 0 on, got {radius}");
    module.map(&mut Draw { weights, radius, names: Vec::new() })
}

/// The largest of the magnitudes of a square matrix' eigenvalues, `[n, n]`, complex ones included.
///
/// It is ‖Wᵏ‖^(1/k) for k = 2²⁰ (Gelfand 1941), by squaring in double precision on the host, n³ operations each time.
/// No vector is followed, so a pair of complex eigenvalues does no harm, as it does to the power iteration.
///
/// # Panics
/// If the matrix is not square.
pub fn spectral_radius(matrix: Tensor<2>) -> f64 {
    let [n, columns] = matrix.dims();
    assert_eq!(n, columns, "a spectral radius is a square matrix', got {:?}", matrix.dims());
    let mut power: Vec<f64> = matrix.into_data().iter().collect();
    let mut log = 0.0;
    for squared in 0..=SQUARINGS {
        if squared > 0 {
            power = square(&power, n);
        }
        // Of length 1 again, what was divided by remembered, so that no power is too large or small for its numbers.
        let norm = power.iter().map(|number| number * number).sum::<f64>().sqrt();
        if norm == 0.0 {
            return 0.0;
        }
        log += norm.ln() / 2f64.powi(squared);
        power.iter_mut().for_each(|number| *number /= norm);
    }
    log.exp()
}

/// The product of a matrix `[n, n]` with itself.
fn square(matrix: &[f64], n: usize) -> Vec<f64> {
    let mut product = vec![0.0; n * n];
    for (row, sums) in matrix.chunks_exact(n).zip(product.chunks_exact_mut(n)) {
        for (factor, other) in row.iter().zip(matrix.chunks_exact(n)) {
            sums.iter_mut().zip(other).for_each(|(sum, number)| *sum += factor * number);
        }
    }
    product
}

/// Draws what is named like recurrent weights.
struct Draw {
    weights: RecurrentWeights,
    radius: f64,
    /// The names of the modules that the mapper is in, from the outermost to the innermost.
    names: Vec<String>,
}

impl Draw {
    /// One gate's matrix, `[hidden, hidden]`.
    fn gate(&self, hidden: usize, device: &Device) -> Tensor<2> {
        let draw = |initializer: Initializer| {
            initializer.init_with([hidden, hidden], Some(hidden), Some(hidden), device).into_value().detach()
        };
        match self.weights {
            RecurrentWeights::Orthogonal => draw(Initializer::Orthogonal { gain: self.radius }),
            RecurrentWeights::Gaussian => {
                let drawn = draw(Initializer::Normal { mean: 0.0, std: 1.0 / (hidden as f64).sqrt() });
                let factor = self.radius / spectral_radius(drawn.clone());
                drawn * factor
            }
        }
    }
}

impl ModuleMapper for Draw {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.names.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.names.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.names.last().is_none_or(|name| name != RECURRENT) {
            return param;
        }
        param.map(|tensor| {
            let (shape, dtype, device) = (tensor.dims(), tensor.dtype(), tensor.device());
            let gates = (0..shape[1] / shape[0]).map(|_| self.gate(shape[0], &device)).collect();
            let drawn = Tensor::cat(gates, 1).cast(dtype).reshape(shape).detach();
            drawn.set_require_grad(tensor.is_require_grad())
        })
    }
}

#[cfg(test)]
mod tests {
    use recurrent_models::{GruConfig, LstmConfig};

    use super::*;

    fn radius<const N: usize>(matrix: [[f32; N]; N]) -> f64 {
        spectral_radius(Tensor::from_data(matrix, &Device::flex()))
    }

    #[test]
    fn the_radius_is_the_largest_magnitude_of_an_eigenvalue() {
        assert!((radius([[0.5, 7.0, 3.0], [0.0, -1.25, 9.0], [0.0, 0.0, 1.0]]) - 1.25).abs() < 1e-4);
        assert_eq!(radius([[0.0, 1.0], [0.0, 0.0]]), 0.0);
    }

    #[test]
    fn complex_eigenvalues_count_by_their_magnitude() {
        let (sin, cos) = 1f32.sin_cos();
        let turned = [[0.8 * cos, -0.8 * sin, 0.0], [0.8 * sin, 0.8 * cos, 0.0], [0.0, 0.0, 0.7]];
        assert!((radius(turned) - 0.8).abs() < 1e-6);
    }

    #[test]
    fn every_gate_gets_the_radius_and_nothing_else_changes() {
        let device = Device::flex();
        device.seed(2);
        let before = LstmConfig::new(2, 12).with_num_layers(2).init(&device);
        for kind in [RecurrentWeights::Orthogonal, RecurrentWeights::Gaussian] {
            let after = with_recurrent_weights(before.clone(), kind, 1.3);
            for (layer, old) in after.layers.iter().zip(&before.layers) {
                let (gates, old) = (&layer.forward.gates, &old.forward.gates);
                assert_eq!(gates.w_ih.val().into_data(), old.w_ih.val().into_data());
                for gate in 0..4 {
                    let found = spectral_radius(gates.w_hh.val().narrow(1, gate * 12, 12));
                    assert!((found - 1.3).abs() < 1e-3, "{kind:?}: {found}");
                }
            }
        }
    }

    #[test]
    fn weights_that_are_trained_still_are() {
        let device = Device::flex().autodiff();
        let layers = GruConfig::new(2, 3).with_bidirectional(true).init(&device);
        let layers = with_recurrent_weights(layers, RecurrentWeights::Orthogonal, 1.0);
        let reverse = layers.layers[0].reverse.as_ref().expect("two directions");
        assert!(layers.layers[0].forward.gates.w_hh.is_require_grad() && reverse.gates.w_hh.is_require_grad());
        assert_eq!(GruConfig::new(2, 3).init(&device).num_params() * 2, layers.num_params());
    }

    #[test]
    #[should_panic(expected = "a spectral radius is a number from 0 on, got -1")]
    fn a_negative_radius_is_refused() {
        let layers = GruConfig::new(2, 3).init(&Device::flex());
        with_recurrent_weights(layers, RecurrentWeights::Gaussian, -1.0);
    }
}
