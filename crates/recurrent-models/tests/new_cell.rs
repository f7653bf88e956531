//! A new cell against the public interface: the minimal gated unit (Zhou et al. 2016, "Minimal gated unit for recurrent
//! neural networks").

use burn::module::Module;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Distribution, Tensor};
use recurrent_models::kernels::{Weights, impl_state};
use recurrent_models::{Cell, CellShape, GateParams, Recurrent, RecurrentConfig, State};

type Mgu = Recurrent<MguCell>;
type MguConfig = RecurrentConfig<MguCell>;

#[derive(Debug, Clone)]
struct MguState<const D: usize> {
    hidden: Tensor<D>,
}
impl_state!(MguState { hidden });

#[derive(Module, Debug)]
struct MguCell {
    gates: GateParams,
}

impl Cell for MguCell {
    type State<const D: usize> = MguState<D>;
    type Options = ();
    const NAME: &'static str = "MGU";
    const GATES: usize = 2;

    fn new(shape: &CellShape, _options: &(), device: &Device) -> Self {
        Self { gates: GateParams::new(shape, [1.0, 0.0], device) }
    }

    fn weights(&self) -> Weights {
        self.gates.weights()
    }

    /// f = σ(W_if x + b_f + W_hf h), n = tanh(W_in x + b_n + W_hn (f ⊙ h)), h' = (1 − f) ⊙ h + f ⊙ n.
    fn advance(&self, weights: &Weights, projected: Tensor<2>, state: MguState<2>) -> MguState<2> {
        let h = state.hidden;
        let size = h.dims()[1];
        let part = |of: &Tensor<2>, gate: usize| of.clone().narrow(1, gate * size, size);
        let f = sigmoid(part(&projected, 0) + h.clone().matmul(part(&weights.w_hh, 0)));
        let n = (part(&projected, 1) + (f.clone() * h.clone()).matmul(part(&weights.w_hh, 1))).tanh();
        MguState { hidden: h.clone() + f * (n - h) }
    }
}

#[test]
fn new_cell_has_every_feature_of_a_layer() {
    let device = Device::flex();
    let x = Tensor::<3>::random([2, 4, 3], Distribution::Default, &device);

    let stacked: Mgu = MguConfig::new(3, 5).with_num_layers(2).init(&device);
    let (whole, last) = stacked.forward(x.clone(), None);
    let mut state = None;
    for t in 0..4 {
        let (output, next) = stacked.step(x.clone().narrow(1, t, 1).squeeze_dim(1), state);
        let expected = whole.clone().narrow(1, t, 1).squeeze_dim::<2>(1);
        output.into_data().assert_approx_eq::<f32>(&expected.into_data(), Default::default());
        state = Some(next);
    }
    assert_eq!(last.hidden().dims(), [2, 2, 5]);

    let both = MguConfig::new(3, 5).with_bidirectional(true).init(&device);
    let (output, state) = both.forward_with_lengths(x, &[4, 2], None);
    assert_eq!((output.dims(), state.hidden().dims()), ([2, 4, 10], [2, 2, 5]));
    let past: f32 = output.narrow(0, 1, 1).narrow(1, 2, 2).abs().sum().into_scalar();
    assert_eq!(past, 0.0);
}
