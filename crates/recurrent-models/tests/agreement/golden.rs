//! The layers' outputs, final states and gradients against PyTorch's, from `scripts/golden.py`.

use burn::module::Param;
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use recurrent_models::cells::gru::GruCell;
use recurrent_models::cells::lstm::LstmCell;
use recurrent_models::cells::rnn::RnnCell;
use recurrent_models::torch::{FromTorch, TorchWeights};
use recurrent_models::{GruConfig, LstmConfig, Nonlinearity, RecurrentConfig, RnnConfig, State};
use safetensors::{Dtype, SafeTensors};

use crate::devices::{TestDevice, assert_close};

const INPUT: usize = 2;
const HIDDEN: usize = 3;

/// The bytes of a golden file.
macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../goldens/", $name, ".safetensors"))
    };
}
pub(crate) use golden;

/// All cells, each in 16 cases.
pub fn check_all(on: &TestDevice) {
    let relu = RnnConfig::new(INPUT, HIDDEN).with_nonlinearity(Nonlinearity::Relu);
    let before = GruConfig::new(INPUT, HIDDEN).with_reset_after(false);
    check_cell(on, "rnn-tanh", golden!("rnn-tanh"), RnnConfig::new(INPUT, HIDDEN));
    check_cell(on, "rnn-relu", golden!("rnn-relu"), relu);
    check_cell(on, "lstm", golden!("lstm"), LstmConfig::new(INPUT, HIDDEN));
    check_cell(on, "gru-reset-after", golden!("gru-reset-after"), GruConfig::new(INPUT, HIDDEN));
    check_cell(on, "gru-reset-before", golden!("gru-reset-before"), before);
}

fn check_cell<C: Probe>(on: &TestDevice, cell: &str, file: &[u8], config: RecurrentConfig<C>) {
    let file = SafeTensors::deserialize(file).expect("a golden file");
    for layers in [1, 3] {
        for (directions, bidirectional) in [("uni", false), ("bi", true)] {
            let config = config.clone().with_num_layers(layers).with_bidirectional(bidirectional);
            for lengths in ["full", "ragged"] {
                for state in ["zero", "given"] {
                    let case = format!("{layers}l-{directions}-{lengths}-{state}");
                    let golden = Golden { file: &file, case, device: on.device.clone().autodiff() };
                    check_case(on, cell, &golden, &config);
                }
            }
        }
    }
}

fn check_case<C: Probe>(on: &TestDevice, cell: &str, golden: &Golden, config: &RecurrentConfig<C>) {
    let mut layer = config.init(&golden.device);
    for (depth, cells) in layer.layers.iter_mut().enumerate() {
        cells.forward = cells.forward.clone().with_torch(golden.weights(&format!("l{depth}")));
        cells.reverse = cells.reverse.take().map(|cell| cell.with_torch(golden.weights(&format!("l{depth}_reverse"))));
    }
    let parts = &["h", "c"][..C::State::<3>::PARTS];
    let x = golden.tensor::<3>("x").require_grad();
    let initial: Vec<Tensor<3>> = parts.iter().map(|part| golden.tensor(&format!("{part}0")).require_grad()).collect();
    let lengths = golden.lengths();
    let ragged = golden.case.contains("ragged");

    let state = Some(C::State::from_parts(initial.clone()));
    let (output, state) =
        if ragged { layer.forward_with_lengths(x.clone(), &lengths, state) } else { layer.forward(x.clone(), state) };

    let close = |what: &str, ours: Tensor<3>, theirs: Tensor<3>| {
        assert_close(&format!("{} {cell} {} {what}", on.name, golden.case), ours, theirs, on.golden);
    };
    let mut loss = (output.clone() * golden.tensor("loss_output")).sum();
    close("output", output, golden.tensor("output"));
    for (part, last) in parts.iter().zip(state.into_parts()) {
        loss = loss + (last.clone() * golden.tensor(&format!("loss_{part}_n"))).sum();
        close(part, last, golden.tensor(&format!("{part}_n")));
    }
    let grads = loss.backward();
    close("gradient of x", gradient(&x, &grads), golden.tensor("grad/x"));
    for (part, initial) in parts.iter().zip(&initial) {
        close(part, gradient(initial, &grads), golden.tensor(&format!("grad/{part}0")));
    }
    for (depth, cells) in layer.layers.iter().enumerate() {
        check_weight_gradients(on, cell, golden, &cells.forward, &format!("l{depth}"), &grads);
        if let Some(reverse) = &cells.reverse {
            check_weight_gradients(on, cell, golden, reverse, &format!("l{depth}_reverse"), &grads);
        }
    }
}

fn check_weight_gradients<C: Probe>(
    on: &TestDevice,
    cell: &str,
    golden: &Golden,
    ours: &C,
    suffix: &str,
    grads: &Gradients,
) {
    let name = |what: &str| format!("{} {cell} {} gradient of {what}_{suffix}", on.name, golden.case);
    let expected = |what: &str| golden.tensor::<2>(&format!("grad/{what}_{suffix}")).transpose();
    let gates = ours.gates();
    assert_close(&name("weight_ih"), gradient(&gates.w_ih.val(), grads), expected("weight_ih"), on.golden);
    assert_close(&name("weight_hh"), gradient(&gates.w_hh.val(), grads), expected("weight_hh"), on.golden);
    let bias = gates.bias.as_ref().expect("a bias").val();
    let expected = golden.tensor::<1>(&format!("grad/bias_ih_{suffix}"));
    assert_close(&name("bias"), gradient(&bias, grads), expected, on.golden);
    if let Some(bias_hn) = ours.bias_hn() {
        let expected = golden.tensor::<1>(&format!("grad/bias_hh_{suffix}")).narrow(0, 2 * HIDDEN, HIDDEN);
        assert_close(&name("bias_hn"), gradient(&bias_hn, grads), expected, on.golden);
    }
}

fn gradient<const D: usize>(of: &Tensor<D>, grads: &Gradients) -> Tensor<D> {
    of.grad(grads).expect("a gradient")
}

/// A cell with the parameters that the goldens have.
trait Probe: FromTorch {
    fn bias_hn(&self) -> Option<Tensor<1>> {
        None
    }
}

impl Probe for RnnCell {}

impl Probe for LstmCell {}

impl Probe for GruCell {
    fn bias_hn(&self) -> Option<Tensor<1>> {
        self.bias_hn.as_ref().map(Param::val)
    }
}

/// One case of a golden file.
pub struct Golden<'a> {
    pub file: &'a SafeTensors<'a>,
    pub case: String,
    pub device: Device,
}

impl Golden<'_> {
    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let view = self.file.tensor(&format!("{}/{name}", self.case)).expect("a golden tensor");
        assert_eq!(view.dtype(), Dtype::F32, "{name}");
        let values = view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("4 bytes")));
        let data = TensorData::new(values.collect::<Vec<f32>>(), view.shape());
        Tensor::from_data(data, &self.device)
    }

    pub fn ids<const D: usize>(&self, name: &str) -> Tensor<D, Int> {
        let view = self.file.tensor(&format!("{}/{name}", self.case)).expect("golden ids");
        assert_eq!(view.dtype(), Dtype::I64, "{name}");
        let ids = view.data().chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().expect("8 bytes")));
        Tensor::from_data(TensorData::new(ids.collect::<Vec<i64>>(), view.shape()), &self.device)
    }

    pub fn lengths(&self) -> Vec<usize> {
        self.ids::<1>("lengths").into_data().iter::<i64>().map(|length| length as usize).collect()
    }

    /// The names in this case that begin with `prefix`, without it.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let prefix = format!("{}/{prefix}", self.case);
        self.file.names().into_iter().filter_map(|name| name.strip_prefix(&prefix)).map(String::from).collect()
    }

    fn weights(&self, suffix: &str) -> TorchWeights {
        TorchWeights {
            weight_ih: self.tensor(&format!("weight_ih_{suffix}")),
            weight_hh: self.tensor(&format!("weight_hh_{suffix}")),
            biases: Some([self.tensor(&format!("bias_ih_{suffix}")), self.tensor(&format!("bias_hh_{suffix}"))]),
        }
    }
}
