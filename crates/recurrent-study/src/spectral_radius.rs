//! Recurrent weights with a given spectral radius.
//!
//! Backpropagation through a vanilla RNN multiplies the gradient by W_hh at every step, so its long-term behavior depends
//! on the spectral radius, the largest absolute eigenvalue: below 1 the gradient vanishes, and only above 1 can it explode
//! (Pascanu et al. 2013).

use burn::module::{Initializer, Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// The name of the parameter with the recurrent weights of all gates, `[hidden, gates * hidden]`.
const RECURRENT_WEIGHTS: &str = "w_hh";

/// The number of squarings: W to the power of 2²⁰.
const SQUARINGS: i32 = 20;

/// The distribution of recurrent weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecurrentInit {
    /// Orthogonal matrices: all eigenvalues have the same absolute value (Saxe et al. 2013).
    Orthogonal,
    /// Independent Gaussian entries: the eigenvalues fill a disk (Girko 1984).
    Gaussian,
}

/// Initializes the recurrent weights of all recurrent layers of a module again, the matrix `[hidden, hidden]` of each
/// gate with the spectral radius `radius`.
///
/// # Panics
/// If the radius is negative, NaN or infinite.
pub fn with_recurrent_init<M: Module>(module: M, init: RecurrentInit, radius: f64) -> M {
    assert!(radius.is_finite() && radius >= 0.0, "expected a finite spectral radius of at least 0, got {radius}");
    module.map(&mut RecurrentInitializer { init, radius, path: Vec::new() })
}

/// The largest absolute eigenvalue of a square matrix `[n, n]`.
///
/// Computed as ‖Wᵏ‖^(1/k) for k = 2²⁰ (Gelfand 1941), by repeated squaring in double precision on the host, n³ operations
/// each. Unlike the power iteration, this converges for complex eigenvalues.
///
/// # Panics
/// If the matrix is not square.
pub fn spectral_radius(matrix: Tensor<2>) -> f64 {
    let [n, columns] = matrix.dims();
    assert_eq!(n, columns, "expected a square matrix, got {:?}", matrix.dims());
    let mut power: Vec<f64> = matrix.into_data().iter().collect();
    let mut log = 0.0;
    for squared in 0..=SQUARINGS {
        if squared > 0 {
            power = square(&power, n);
        }
        // Normalize and accumulate the logarithm of the norm, so that no power overflows or underflows.
        let norm = power.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm == 0.0 {
            return 0.0;
        }
        log += norm.ln() / 2f64.powi(squared);
        power.iter_mut().for_each(|value| *value /= norm);
    }
    log.exp()
}

/// The square of a matrix `[n, n]`.
fn square(matrix: &[f64], n: usize) -> Vec<f64> {
    let mut product = vec![0.0; n * n];
    for (row, sums) in matrix.chunks_exact(n).zip(product.chunks_exact_mut(n)) {
        for (factor, other) in row.iter().zip(matrix.chunks_exact(n)) {
            sums.iter_mut().zip(other).for_each(|(sum, value)| *sum += factor * value);
        }
    }
    product
}

/// Initializes parameters by their name.
struct RecurrentInitializer {
    init: RecurrentInit,
    radius: f64,
    /// The path of the current parameter in the module.
    path: Vec<String>,
}

impl RecurrentInitializer {
    /// The matrix of one gate, `[hidden, hidden]`.
    fn gate(&self, hidden: usize, device: &Device) -> Tensor<2> {
        let init = |initializer: Initializer| {
            initializer.init_with([hidden, hidden], Some(hidden), Some(hidden), device).into_value().detach()
        };
        match self.init {
            RecurrentInit::Orthogonal => init(Initializer::Orthogonal { gain: self.radius }),
            RecurrentInit::Gaussian => {
                let weights = init(Initializer::Normal { mean: 0.0, std: 1.0 / (hidden as f64).sqrt() });
                let factor = self.radius / spectral_radius(weights.clone());
                weights * factor
            }
        }
    }
}

impl ModuleMapper for RecurrentInitializer {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.path.last().is_none_or(|name| name != RECURRENT_WEIGHTS) {
            return param;
        }
        param.map(|tensor| {
            let (shape, dtype, device) = (tensor.dims(), tensor.dtype(), tensor.device());
            let gates = (0..shape[1] / shape[0]).map(|_| self.gate(shape[0], &device)).collect();
            let weights = Tensor::cat(gates, 1).cast(dtype).reshape(shape).detach();
            weights.set_require_grad(tensor.is_require_grad())
        })
    }
}

#[cfg(test)]
mod tests {
    use recurrent::models::{GruConfig, LstmConfig};

    use super::*;
    use crate::seed_lock::lock_seed;

    fn radius<const N: usize>(matrix: [[f32; N]; N]) -> f64 {
        spectral_radius(Tensor::from_data(matrix, &Device::flex()))
    }

    #[test]
    fn radius_of_a_triangular_matrix_is_its_largest_diagonal_entry() {
        assert!((radius([[0.5, 7.0, 3.0], [0.0, -1.25, 9.0], [0.0, 0.0, 1.0]]) - 1.25).abs() < 1e-4);
        assert_eq!(radius([[0.0, 1.0], [0.0, 0.0]]), 0.0);
    }

    #[test]
    fn radius_counts_complex_eigenvalues() {
        let (sin, cos) = 1f32.sin_cos();
        let rotation = [[0.8 * cos, -0.8 * sin, 0.0], [0.8 * sin, 0.8 * cos, 0.0], [0.0, 0.0, 0.7]];
        assert!((radius(rotation) - 0.8).abs() < 1e-6);
    }

    #[test]
    fn every_gate_has_the_radius_and_input_weights_are_unchanged() {
        let _seed = lock_seed();
        let device = Device::flex();
        device.seed(2);
        let before = LstmConfig::new(2, 12).with_num_layers(2).init(&device);
        for init in [RecurrentInit::Orthogonal, RecurrentInit::Gaussian] {
            let after = with_recurrent_init(before.clone(), init, 1.3);
            for (layer, old) in after.layers.iter().zip(&before.layers) {
                let (gates, old) = (&layer.forward.gates, &old.forward.gates);
                assert_eq!(gates.w_ih.val().into_data(), old.w_ih.val().into_data());
                for gate in 0..4 {
                    let found = spectral_radius(gates.w_hh.val().narrow(1, gate * 12, 12));
                    assert!((found - 1.3).abs() < 1e-3, "{init:?}: {found}");
                }
            }
        }
    }

    #[test]
    fn trainable_weights_stay_trainable() {
        let _seed = lock_seed();
        let device = Device::flex().autodiff();
        let layers = GruConfig::new(2, 3).with_bidirectional(true).init(&device);
        let layers = with_recurrent_init(layers, RecurrentInit::Orthogonal, 1.0);
        let reverse = layers.layers[0].reverse.as_ref().expect("two directions");
        assert!(layers.layers[0].forward.gates.w_hh.is_require_grad() && reverse.gates.w_hh.is_require_grad());
        assert_eq!(GruConfig::new(2, 3).init(&device).num_params() * 2, layers.num_params());
    }

    #[test]
    #[should_panic(expected = "expected a finite spectral radius of at least 0, got -1")]
    fn negative_radius_panics() {
        let _seed = lock_seed();
        let layers = GruConfig::new(2, 3).init(&Device::flex());
        with_recurrent_init(layers, RecurrentInit::Gaussian, -1.0);
    }
}
