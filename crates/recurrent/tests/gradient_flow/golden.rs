//! Gradient norms against PyTorch's, from `scripts/golden_gradients.py`.

use burn::tensor::{Device, FloatDType, Tensor};
use recurrent::gradient_flow::gradient_trace;
use recurrent::models::cells::gru::GruCell;
use recurrent::models::cells::lstm::LstmCell;
use recurrent::models::cells::rnn::RnnCell;
use recurrent::models::torch::{FromTorch, TorchWeights};
use recurrent::models::{CellKind, RecurrentConfig};
use serde::Deserialize;
use serde_json::Value;

use crate::goldens::data;
use crate::tolerances::GOLDEN;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    cell: CellKind,
    bidirectional: bool,
    x: Value,
    weights: serde_json::Map<String, Value>,
    loss_output: Value,
    norms: Vec<Vec<f64>>,
}

#[test]
fn norms_match_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../goldens/gradients.json")).expect("a golden file");
    assert_eq!(golden.cases.len(), 12);
    for case in golden.cases {
        match case.cell {
            CellKind::Rnn => check::<RnnCell>(&case),
            CellKind::Lstm => check::<LstmCell>(&case),
            CellKind::Gru => check::<GruCell>(&case),
        }
    }
}

fn check<C: FromTorch>(case: &Case) {
    let x: Tensor<3> = tensor(&case.x);
    let weights = |suffix: String| {
        let weight = |name: &str| &case.weights[&format!("{name}_{suffix}")];
        TorchWeights {
            weight_ih: tensor(weight("weight_ih")),
            weight_hh: tensor(weight("weight_hh")),
            biases: Some([tensor(weight("bias_ih")), tensor(weight("bias_hh"))]),
        }
    };
    let hidden = tensor::<2>(&case.weights["weight_hh_l0"]).dims()[1];
    let config = RecurrentConfig::<C>::new(x.dims()[2], hidden).with_num_layers(2);
    let mut layers = config.with_bidirectional(case.bidirectional).init(&Device::flex());
    for (depth, layer) in layers.layers.iter_mut().enumerate() {
        layer.forward = layer.forward.clone().with_torch(weights(format!("l{depth}")));
        layer.reverse = layer.reverse.take().map(|cell| cell.with_torch(weights(format!("l{depth}_reverse"))));
    }

    let trace = gradient_trace(&layers, x, |output| (output * tensor(&case.loss_output)).sum());

    assert_eq!(trace.norms.len(), case.norms.len(), "{}", C::NAME);
    for (index, (ours, theirs)) in trace.norms.iter().zip(&case.norms).enumerate() {
        assert_eq!(ours.len(), theirs.len(), "{} index {index}", C::NAME);
        for (step, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            let what = format!("{} index {index} step {step}: {ours}, PyTorch has {theirs}", C::NAME);
            assert!((ours - theirs).abs() <= GOLDEN, "{what}");
        }
    }
}

/// A tensor from nested lists.
fn tensor<const D: usize>(value: &Value) -> Tensor<D> {
    Tensor::from_data(data(value), (&Device::flex(), FloatDType::F64.into()))
}
