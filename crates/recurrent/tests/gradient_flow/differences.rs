//! Gradient norms against central differences: each element of each hidden state is perturbed and the loss computed
//! again with the cells' own `step`, in double precision.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, FloatDType, Tensor, TensorData};
use recurrent::gradient_flow::gradient_trace;
use recurrent::models::cells::gru::GruCell;
use recurrent::models::cells::lstm::LstmCell;
use recurrent::models::cells::rnn::RnnCell;
use recurrent::models::{Cell, GruConfig, Recurrent, RecurrentConfig, State};

use crate::tolerances::DIFFERENCES;

const BATCH: usize = 2;
const TIME: usize = 4;
const INPUT: usize = 2;
const HIDDEN: usize = 2;
const LAYERS: usize = 2;

/// The perturbation of a state.
const EPSILON: f64 = 1e-5;

#[test]
fn norms_match_finite_differences() {
    check::<RnnCell>(RecurrentConfig::new(INPUT, HIDDEN));
    check::<LstmCell>(RecurrentConfig::new(INPUT, HIDDEN));
    check::<GruCell>(RecurrentConfig::new(INPUT, HIDDEN));
    check::<GruCell>(GruConfig::new(INPUT, HIDDEN).with_reset_after(false));
}

fn check<C: Cell>(config: RecurrentConfig<C>) {
    let device = Device::flex();
    device.seed(7);
    let layers = config.with_num_layers(LAYERS).init(&device).map(&mut ToDouble);
    let x = Tensor::<3>::random([BATCH, TIME, INPUT], Distribution::Normal(0.0, 1.0), &device).cast(FloatDType::F64);

    let trace = gradient_trace(&layers, x.clone(), loss);

    for layer in 0..LAYERS {
        for step in 0..TIME {
            let square = |element: usize| {
                let at = |by: f64| loss(perturbed(&layers, x.clone(), [layer, step, element], by)).into_scalar::<f64>();
                ((at(EPSILON) - at(-EPSILON)) / (2.0 * EPSILON)).powi(2)
            };
            let expected = (0..BATCH * HIDDEN).map(square).sum::<f64>().sqrt();
            let norm = trace.norms[layer][step];
            let what = format!("{} layer {layer} step {step}: {norm}, differences give {expected}", C::NAME);
            assert!((norm - expected).abs() <= DIFFERENCES, "{what}");
        }
    }
}

/// A nonlinear loss of every step, dominated by the last.
fn loss(output: Tensor<3>) -> Tensor<1> {
    let last = output.clone().narrow(1, TIME - 1, 1);
    output.powi_scalar(2).sum() + last.exp().sum()
}

/// The output of the layers, `[batch, time, hidden]`, with `by` added to one element of the hidden state of
/// `[layer, step]`.
fn perturbed<C: Cell>(
    layers: &Recurrent<C>,
    x: Tensor<3>,
    [at_layer, at_step, element]: [usize; 3],
    by: f64,
) -> Tensor<3> {
    let options = (x.device(), x.dtype());
    let mut delta = vec![0.0; BATCH * HIDDEN];
    delta[element] = by;
    let delta = Tensor::<2>::from_data(TensorData::new(delta, [BATCH, HIDDEN]), (&options.0, options.1));
    layers.layers.iter().enumerate().fold(x, |x, (depth, layer)| {
        let mut state = C::State::zeros([BATCH, HIDDEN], (&options.0, options.1));
        let outputs = (0..TIME).map(|step| {
            let mut parts = layer.forward.step(x.clone().narrow(1, step, 1).squeeze_dim(1), state.clone()).into_parts();
            if (depth, step) == (at_layer, at_step) {
                parts[0] = parts[0].clone() + delta.clone();
            }
            state = C::State::from_parts(parts);
            state.hidden()
        });
        Tensor::stack(outputs.collect(), 1)
    })
}

/// Casts parameters to double precision.
struct ToDouble;

impl ModuleMapper for ToDouble {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.cast(FloatDType::F64))
    }
}
