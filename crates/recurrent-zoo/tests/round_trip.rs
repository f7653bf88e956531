//! What is written is read as it was, in every format; and no file makes a reader panic.

use std::sync::LazyLock;

use burn::tensor::{Device, Tensor};
use proptest::prelude::*;
use recurrent_models::{AnyRecurrentConfig, CellKind, CellOptions, GruConfig, LstmConfig, Nonlinearity};
use recurrent_zoo::{
    CellVariant, CellWeights, DenseWeights, ExchangeWeights, Head, LayerWeights, Matrix, NetworkParts, NetworkWeights,
    OnnxOptions, StackWeights, WeightFile, keras, onnx, pytorch,
};

/// Tests write into temporary folders only.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Weights of any variant and size, with values in both biases.
fn stacks() -> impl Strategy<Value = StackWeights> {
    let variants = prop::sample::select(vec![
        CellVariant::Rnn { nonlinearity: Some(Nonlinearity::Tanh) },
        CellVariant::Rnn { nonlinearity: Some(Nonlinearity::Relu) },
        CellVariant::Lstm,
        CellVariant::Gru { reset_after: Some(true) },
        CellVariant::Gru { reset_after: Some(false) },
    ]);
    (variants, 1..5usize, 1..5usize, 1..4usize, any::<bool>(), any::<bool>(), any::<u32>()).prop_map(
        |(variant, input, hidden, num_layers, bidirectional, bias, seed)| {
            let mut state = u64::from(seed);
            let mut values = |count: usize| -> Vec<f32> {
                let next = |_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
                };
                (0..count).map(next).collect()
            };
            let rows = variant.gates() * hidden;
            let directions = if bidirectional { 2 } else { 1 };
            let mut cell = |input: usize| CellWeights {
                w_ih: values(rows * input),
                w_hh: values(rows * hidden),
                biases: bias.then(|| [values(rows), values(rows)]),
            };
            let layers = (0..num_layers).map(|depth| {
                let input = if depth == 0 { input } else { hidden * directions };
                LayerWeights { forward: cell(input), reverse: bidirectional.then(|| cell(input)) }
            });
            StackWeights::new(variant, input, hidden, layers.collect()).unwrap()
        },
    )
}

fn read(bytes: Vec<u8>, name: &str) -> StackWeights {
    WeightFile::from_bytes(bytes).unwrap().stack(name).unwrap()
}

/// What PyTorch's files and Keras's without a configuration leave open.
fn with_variant_of(stack: StackWeights, of: &StackWeights) -> StackWeights {
    stack.with_variant(of.variant()).unwrap()
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn layers_round_trip(stack in stacks()) {
        let device = Device::flex();
        let summed = stack.clone().with_summed_biases();
        let layer = stack.init(&device).unwrap();
        prop_assert_eq!(layer.to_weights().unwrap(), summed.clone());
        let other = stack.config().unwrap().init(&device).with_weights(&summed).unwrap();
        prop_assert_eq!(other.to_weights().unwrap(), summed);
    }

    #[test]
    fn pytorch_round_trips(stack in stacks(), name in "(|[a-z]{1,3}(\\.[a-z]{1,3}){0,2})") {
        let written = pytorch::to_safetensors(&[(&name, &stack)]);
        if stack.variant() == (CellVariant::Gru { reset_after: Some(false) }) {
            let error = written.unwrap_err().to_string();
            prop_assert!(error.contains("PyTorch's GRU applies its reset gate after"), "{}", error);
        } else {
            prop_assert_eq!(with_variant_of(read(written.unwrap(), &name), &stack), stack);
        }
    }

    #[test]
    fn keras_round_trips(stack in stacks()) {
        let read = read(keras::to_weights_h5(&[("encoder", &stack)]).unwrap(), "encoder");
        // A reset-after GRU has both biases in Keras, too.
        let expected = match stack.variant() {
            CellVariant::Gru { reset_after: Some(true) } => stack.clone(),
            _ => stack.clone().with_summed_biases(),
        };
        prop_assert_eq!(with_variant_of(read, &stack), expected);
    }

    #[test]
    fn onnx_round_trips(stack in stacks(), lengths: bool, initial_state: bool) {
        let options = OnnxOptions::new().with_lengths(lengths).with_initial_state(initial_state);
        prop_assert_eq!(read(onnx::to_onnx("encoder", &stack, &options).unwrap(), "encoder"), stack);
    }
}

/// Networks around a stack, with an output at each step or of the whole row.
fn networks() -> impl Strategy<Value = NetworkWeights> {
    let heads = prop::sample::select(vec![Head::EachStep, Head::Last, Head::Mean, Head::Max]);
    (stacks(), heads, 2..6usize, 2..6usize, any::<bool>()).prop_map(|(stack, head, vocab, outputs, has_embedding)| {
        let matrix = |rows: usize, columns: usize, step: f32| {
            let values = (0..rows * columns).map(|index| (step * index as f32).sin()).collect();
            Matrix::new(rows, columns, values).unwrap()
        };
        let embedding = has_embedding.then(|| matrix(vocab, stack.input_size(), 0.7));
        let bias = (0..outputs).map(|index| index as f32).collect();
        let dense = DenseWeights { weight: matrix(outputs, stack.output_size(), 0.3), bias: Some(bias) };
        NetworkWeights::new(embedding, vec![stack], head, vec![dense]).unwrap()
    })
}

/// The network that was read, with what its format leaves open.
fn read_network(bytes: Vec<u8>, of: &NetworkWeights) -> NetworkWeights {
    let file = WeightFile::from_bytes(bytes).unwrap();
    // A matrix of few tokens may have the shape of the other.
    let mut parts = NetworkParts::new();
    for matrix in file.other_tensors() {
        if matrix.shape.len() == 2 {
            let is_embedding = matrix.name.contains("embedding");
            let part = if is_embedding { &mut parts.embedding } else { &mut parts.output };
            *part = Some(matrix.name.clone());
        }
    }
    let read = file.network(of.head().clone(), &parts).unwrap();
    let stacks = read.stacks().iter().zip(of.stacks()).map(|(read, of)| with_variant_of(read.clone(), of)).collect();
    NetworkWeights::new(read.embedding().cloned(), stacks, read.head().clone(), read.dense().to_vec()).unwrap()
}

/// The network with one bias for each gate, as Keras has it.
fn with_keras_biases(network: &NetworkWeights) -> NetworkWeights {
    let one = |stack: &StackWeights| match stack.variant() {
        CellVariant::Gru { reset_after: Some(true) } => stack.clone(),
        _ => stack.clone().with_summed_biases(),
    };
    let stacks = network.stacks().iter().map(one).collect();
    let (embedding, dense) = (network.embedding().cloned(), network.dense().to_vec());
    NetworkWeights::new(embedding, stacks, network.head().clone(), dense).unwrap()
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn networks_round_trip(network in networks()) {
        let before = network.stacks()[0].variant() == (CellVariant::Gru { reset_after: Some(false) });
        let members = std::slice::from_ref(&network);
        let keras = keras::network_to_weights_h5(members).unwrap();
        prop_assert_eq!(read_network(keras, &network), with_keras_biases(&network));
        let onnx = onnx::network_to_onnx(members, false).unwrap();
        prop_assert_eq!(read_network(onnx, &network), network.clone());
        match pytorch::network_to_safetensors(members) {
            Err(error) => prop_assert!(before, "{}", error),
            Ok(bytes) => prop_assert_eq!(read_network(bytes, &network), network),
        }
    }
}

/// Files of every format, with the committed ones of the frameworks.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let stack = LstmConfig::new(2, 3).with_bidirectional(true).init(&Device::flex()).to_weights().unwrap();
    let mut files = vec![
        pytorch::to_safetensors(&[("encoder", &stack)]).unwrap(),
        keras::to_weights_h5(&[("encoder", &stack)]).unwrap(),
        onnx::to_onnx("encoder", &stack, &OnnxOptions::new()).unwrap(),
    ];
    let output = DenseWeights { weight: Matrix::new(5, 6, vec![0.5; 30]).unwrap(), bias: Some(vec![0.1; 5]) };
    let embedding = Matrix::new(7, 2, vec![0.25; 14]).unwrap();
    let network = NetworkWeights::new(Some(embedding), vec![stack], Head::Last, vec![output]).unwrap();
    files.push(onnx::network_to_onnx(&[network], true).unwrap());
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for name in ["checkpoint.pt", "legacy.pt", "views.pt", "module.pt", "model.keras", "model.h5", "nodes.onnx"] {
        files.push(std::fs::read(fixtures.join(name)).unwrap());
    }
    files
});

/// Opens a file that may be anything, and uses what it says is in it.
fn open_anything(bytes: Vec<u8>) {
    let length = bytes.len();
    let Ok(file) = WeightFile::from_bytes(bytes) else { return };
    for stack in file.stacks() {
        let values: usize =
            stack.weights.layers().iter().flat_map(LayerWeights::cells).map(|cell| cell.w_ih.len()).sum();
        assert!(values <= 16 * length + (1 << 18));
    }
    assert!(!file.to_string().is_empty());
    let _ = file.only_stack();
    let _ = file.network(Head::EachStep, &NetworkParts::new());
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn truncated_files_are_no_panic(file in 0..11usize, end in any::<prop::sample::Index>()) {
        let bytes = &FILES[file];
        open_anything(bytes[..end.index(bytes.len())].to_vec());
    }

    #[test]
    fn mutated_files_are_no_panic(
        file in 0..11usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = FILES[file].clone();
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        open_anything(bytes);
    }

    #[test]
    fn mutated_beginnings_are_no_panic(
        file in 0..11usize,
        changes in prop::collection::vec((0..512usize, any::<u8>()), 1..4),
    ) {
        let mut bytes = FILES[file].clone();
        for (index, value) in changes {
            bytes[index] = value;
        }
        open_anything(bytes);
    }

    #[test]
    fn any_bytes_are_no_panic(start in 0..6usize, rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let starts: [&[u8]; 6] = [
            b"",
            b"\x89HDF\r\n\x1a\n",
            b"PK\x03\x04",
            b"\x08\x08",
            b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
            b"\x10\0\0\0\0\0\0\0{",
        ];
        open_anything([starts[start], &rest].concat());
    }
}

#[test]
fn every_truncation_of_a_small_file_is_no_panic() {
    for file in [0, 2, 4] {
        let bytes = &FILES[file];
        for end in 0..bytes.len() {
            open_anything(bytes[..end].to_vec());
        }
    }
}

#[test]
fn exported_layers_compute_the_same() {
    let device = Device::flex();
    for cell in CellKind::ALL {
        let config = AnyRecurrentConfig::new(cell, 2, 3).with_num_layers(2).with_bidirectional(true);
        let layer = config.init(&device);
        let weights = layer.to_weights().unwrap();
        let x = Tensor::<3>::random([2, 4, 2], burn::tensor::Distribution::Default, &device);
        let expected = layer.forward(x.clone(), None).0.into_data();
        for bytes in [
            pytorch::to_safetensors(&[("a", &weights)]).unwrap(),
            keras::to_weights_h5(&[("a", &weights)]).unwrap(),
            onnx::to_onnx("a", &weights, &OnnxOptions::new()).unwrap(),
        ] {
            let loaded = config.init(&device).with_weights(&read(bytes, "a")).unwrap();
            assert_eq!(loaded.forward(x.clone(), None).0.into_data(), expected);
        }
    }
}

#[test]
fn what_another_framework_does_not_have_is_refused() {
    let device = Device::flex();
    let error = LstmConfig::new(2, 3).with_cell_clip(Some(1.5)).init(&device).to_weights().unwrap_err();
    let expected = "layer 0: the cell state is clipped to ±1.5, which other frameworks do not have";
    assert_eq!(error.to_string(), expected);

    let before = GruConfig::new(2, 3).with_reset_after(false).init(&device).to_weights().unwrap();
    let error = pytorch::to_safetensors(&[("gru", &before)]).unwrap_err().to_string();
    assert!(error.starts_with("the stack `gru`: PyTorch's GRU applies its reset gate after"), "{error}");

    let options = CellOptions::new().with_bias(false);
    let gru = AnyRecurrentConfig::new(CellKind::Gru, 2, 3).with_cell_options(options).init(&device);
    let weights = gru.to_weights().unwrap();
    let read = read(keras::to_weights_h5(&[("gru", &weights)]).unwrap(), "gru");
    assert_eq!(read.variant(), CellVariant::Gru { reset_after: None });
    let error = onnx::to_onnx("gru", &read, &OnnxOptions::new()).unwrap_err().to_string();
    assert!(error.starts_with("the weights do not say whether the GRU's reset gate"), "{error}");
    assert!(keras::to_weights_h5(&[("gru", &read)]).is_err());
}

#[test]
fn names_of_exported_stacks_are_checked() {
    let stack = LstmConfig::new(1, 1).init(&Device::flex()).to_weights().unwrap();
    for bad in [vec![("a", &stack), ("a", &stack)], vec![("", &stack)], vec![("a/b", &stack)]] {
        assert!(keras::to_weights_h5(&bad).is_err());
    }
    assert!(pytorch::to_safetensors(&[("a", &stack), ("a", &stack)]).is_err());
    assert!(onnx::to_onnx("", &stack, &OnnxOptions::new()).is_err());
}
