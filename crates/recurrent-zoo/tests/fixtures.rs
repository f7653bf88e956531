//! The files that PyTorch, Keras and ONNX Runtime wrote, with what these compute of them, from `scripts/golden_zoo.py`.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use recurrent_models::{CellKind, LstmConfig, Nonlinearity, RnnConfig};
use recurrent_zoo::{CellVariant, ExchangeWeights, Format, StackWeights, WeightFile};
use safetensors::SafeTensors;

/// |ours − theirs|, of outputs below 10.
const TOLERANCE: f32 = 1e-5;

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file)
}

fn open(file: &str) -> WeightFile {
    WeightFile::open(path(file)).unwrap()
}

/// The outputs that the frameworks computed.
struct Expected {
    bytes: Vec<u8>,
    device: Device,
}

impl Expected {
    fn read() -> Self {
        Self { bytes: std::fs::read(path("expected.safetensors")).unwrap(), device: Device::flex() }
    }

    fn tensor(&self, name: &str) -> Option<Tensor<3>> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = file.tensor(name).ok()?;
        let values = view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        let data = TensorData::new(values.collect::<Vec<f32>>(), view.shape());
        Some(Tensor::from_data(data, &self.device))
    }

    /// Compares the outputs and final states of a stack of a file with the framework's. Returns its outputs.
    fn check(&self, case: &str, weights: &StackWeights, x: Tensor<3>) -> Tensor<3> {
        let (output, state) = weights.init(&self.device).unwrap().forward(x, None);
        assert_close(case, output.clone(), self.tensor(&format!("{case}/output")).unwrap());
        for (part, name) in state.into_parts().into_iter().zip(["h_n", "c_n"]) {
            if let Some(expected) = self.tensor(&format!("{case}/{name}")) {
                assert_close(&format!("{case}/{name}"), part, expected);
            }
        }
        output
    }

    fn check_one(&self, case: &str, weights: &StackWeights) {
        self.check(case, weights, self.tensor("x").unwrap());
    }
}

fn assert_close(what: &str, ours: Tensor<3>, theirs: Tensor<3>) {
    assert_eq!(ours.dims(), theirs.dims(), "{what}");
    assert!(theirs.clone().abs().max().into_scalar::<f32>() > 0.01, "{what}: a comparison with zeros shows nothing");
    let difference = (ours - theirs).abs().max().into_scalar::<f32>();
    assert!(difference <= TOLERANCE, "{what}: differs by {difference}");
}

/// PyTorch's files do not say what an RNN's activation is.
fn rnn(nonlinearity: Nonlinearity) -> CellVariant {
    CellVariant::Rnn { nonlinearity: Some(nonlinearity) }
}

#[test]
fn every_layer_of_pytorch_gives_its_outputs() {
    let (file, expected) = (open("layers.safetensors"), Expected::read());
    assert_eq!((file.format(), file.stacks().len()), (Format::Safetensors, 32));
    assert!(file.refused().is_empty() && file.other_tensors().is_empty());
    for stack in file.stacks() {
        let mut weights = stack.weights.clone();
        assert_eq!(stack.path, stack.name);
        let [kind, .., layers, directions, bias] = &stack.name.split('-').collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!(weights.variant().cell(), kind.parse::<CellKind>().unwrap());
        assert_eq!(weights.num_layers(), if *layers == "2l" { 2 } else { 1 });
        assert_eq!(weights.directions(), if *directions == "bi" { 2 } else { 1 });
        assert_eq!(weights.has_bias(), *bias == "bias");
        if *kind == "rnn" {
            let error = weights.init(&expected.device).unwrap_err().to_string();
            assert!(
                error.starts_with("the weights do not say whether the RNN's activation is tanh or relu"),
                "{error}"
            );
            let relu = stack.name.contains("relu");
            weights = weights.with_variant(rnn(if relu { Nonlinearity::Relu } else { Nonlinearity::Tanh })).unwrap();
        }
        expected.check_one(&format!("layers/{}", stack.name), &weights);
    }
}

#[test]
fn a_layer_decides_what_the_file_leaves_open() {
    let expected = Expected::read();
    let layer = RnnConfig::new(2, 3).with_nonlinearity(Nonlinearity::Relu).init(&expected.device);
    let layer = layer.load_weights(path("layers.safetensors"), "rnn-relu-1l-uni-bias").unwrap();
    let (output, _) = layer.forward(expected.tensor("x").unwrap(), None);
    assert_close("relu", output, expected.tensor("layers/rnn-relu-1l-uni-bias/output").unwrap());
}

#[test]
fn checkpoints_of_pytorch_give_their_outputs() {
    let expected = Expected::read();

    let file = open("checkpoint.pt");
    assert_eq!(file.format(), Format::Pytorch);
    let [stack] = file.stacks() else { panic!("{file}") };
    assert_eq!(stack.name, "encoder.lstm");
    assert_eq!(stack.path, "model_state_dict.module._orig_mod.encoder.lstm");
    assert_eq!(file.stack(&stack.path).unwrap(), stack.weights);
    let others: Vec<&str> = file.other_tensors().iter().map(|tensor| tensor.name.as_str()).collect();
    assert!(others.contains(&"model_state_dict.module._orig_mod.embedding.weight"), "{others:?}");
    assert!(others.contains(&"optimizer_state_dict.state.0.exp_avg"), "{others:?}");
    expected.check_one("checkpoint/encoder.lstm", &stack.weights);

    expected.check_one("legacy/", &open("legacy.pt").only_stack().unwrap());
    expected.check_one("cell/", &open("cell.pt").only_stack().unwrap());
    let module = open("module.pt").only_stack().unwrap().with_variant(rnn(Nonlinearity::Tanh)).unwrap();
    expected.check_one("module/", &module);

    let views = open("views.pt");
    for name in ["strided", "tied", "half", "bfloat16", "double"] {
        expected.check_one(&format!("views/{name}"), &views.stack(name).unwrap());
    }
}

#[test]
fn every_layer_of_keras_gives_its_outputs() {
    let expected = Expected::read();

    let file = open("model.keras");
    assert_eq!((file.format(), file.stacks().len(), file.refused().len()), (Format::Keras, 8, 0), "{file}");
    for stack in file.stacks() {
        assert_eq!(stack.weights.has_bias(), !stack.name.ends_with("nobias"), "{}", stack.name);
        expected.check_one(&format!("keras/{}", stack.name), &stack.weights);
    }

    let file = open("model.weights.h5");
    assert_eq!(file.format(), Format::KerasHdf5);
    let names: Vec<&str> = file.stacks().iter().map(|stack| stack.name.as_str()).collect();
    assert_eq!(names, ["encoder_l0", "encoder_l1"]);
    let stack = file.stack("encoder").unwrap();
    assert_eq!(stack, file.stacked(&["layers/bidirectional", "layers/bidirectional_1"]).unwrap());
    assert_eq!(stack.to_string(), "LSTM(2, 3), 2 layers, bidirectional");
    expected.check_one("weights/encoder", &stack);

    for name in ["model.h5", "keras2.h5"] {
        let file = open(name);
        assert_eq!((file.stacks().len(), file.refused().len(), file.other_tensors().len()), (2, 0, 0), "{file}");
        let below = expected.check("h5/bottom", &file.stack("bottom").unwrap(), expected.tensor("x").unwrap());
        expected.check("h5/top", &file.stack("top").unwrap(), below);
    }
}

#[test]
fn every_node_of_onnx_gives_its_outputs() {
    let (file, expected) = (open("nodes.onnx"), Expected::read());
    assert_eq!((file.format(), file.stacks().len(), file.refused().len()), (Format::Onnx, 20, 0), "{file}");
    assert!(file.other_tensors().is_empty());
    for stack in file.stacks() {
        expected.check_one(&format!("onnx/{}", stack.name), &stack.weights);
    }

    let file = open("exported.onnx");
    let names: Vec<&str> = file.stacks().iter().map(|stack| stack.name.as_str()).collect();
    assert_eq!(names, ["/LSTM", "/LSTM_1"]);
    expected.check_one("exported/", &file.stacked(&names).unwrap());
}

#[test]
fn a_stack_that_is_not_there_is_named_with_those_that_are() {
    let error = open("layers.safetensors").stack("encoder").unwrap_err().to_string();
    let start = "expected one recurrent stack named `encoder`, found `gru-1l-bi-bias`, `gru-1l-bi-nobias`, ";
    assert!(error.starts_with(start), "{error}");
    let error = open("layers.safetensors").only_stack().unwrap_err().to_string();
    assert!(error.starts_with("expected one recurrent stack in the file, found"), "{error}");
}

#[test]
fn a_layer_for_other_weights_is_refused() {
    let (device, file) = (Device::flex(), path("layers.safetensors"));
    let error = |config: LstmConfig, name: &str| {
        let error = config.init(&device).load_weights(&file, name).unwrap_err().to_string();
        error.strip_prefix(&format!("{}: ", file.display())).expect("the file's name").to_owned()
    };
    let config = LstmConfig::new(2, 3);
    let cases = [
        (config.clone(), "gru-1l-uni-bias", "the cell: the layer has LSTM, the weights have GRU (reset after)"),
        (config.clone(), "lstm-2l-uni-bias", "the number of layers: the layer has 1, the weights have 2"),
        (config.clone(), "lstm-1l-bi-bias", "the number of directions: the layer has 1, the weights have 2"),
        (config.clone(), "lstm-1l-uni-nobias", "the biases: the layer has biases, the weights have no biases"),
        (
            LstmConfig::new(2, 4),
            "lstm-1l-uni-bias",
            "the sizes: the layer has input 2 and hidden 4, the weights have input 2 and hidden 3",
        ),
    ];
    for (config, name, expected) in cases {
        assert_eq!(error(config, name), expected);
    }
}
