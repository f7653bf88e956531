//! Exports layers of every kind in every format, with what the layers here compute: `scripts/interop.py` runs the files
//! in PyTorch, Keras and ONNX Runtime and compares.
//!
//! ```sh
//! cargo run -p recurrent-zoo --features flex --example export_cases -- FOLDER
//! ```

use std::error::Error;
use std::path::Path;

use burn::tensor::{Device, Distribution, Tensor};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use recurrent_models::{AnyRecurrent, AnyState, Nonlinearity};
use recurrent_zoo::{CellVariant, CellWeights, LayerWeights, OnnxOptions, StackWeights, keras, onnx, pytorch};
use safetensors::tensor::{Dtype, TensorView};

const BATCH: usize = 3;
const TIME: usize = 5;
const INPUT: usize = 2;
const HIDDEN: usize = 4;
const LENGTHS: [usize; BATCH] = [5, 2, 3];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("the folder to write to")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let (device, mut rng) = (Device::default(), StdRng::seed_from_u64(7));
    device.seed(7);
    let x = Tensor::<3>::random([BATCH, TIME, INPUT], Distribution::Uniform(-1.0, 1.0), &device);
    let mut results = vec![("x".to_owned(), x.clone())];
    let mut modules = Vec::new();
    for (name, stack) in cases(&mut rng)? {
        let layer = stack.init(&device)?;
        let (output, state) = layer.forward(x.clone(), None);
        add(&mut results, &name, output, state);
        let initial = initial_state(&layer, &device);
        for (part, of) in initial.parts().into_iter().zip(["h_0", "c_0"]) {
            results.push((format!("{name}/{of}"), part));
        }
        let (output, state) = layer.forward_with_lengths(x.clone(), &LENGTHS, Some(initial));
        add(&mut results, &format!("{name}/lengths"), output, state);

        keras::save(folder.join(format!("{name}.weights.h5")), &[("stack", &stack)])?;
        onnx::save(folder.join(format!("{name}.onnx")), "stack", &stack, &OnnxOptions::new())?;
        let all = OnnxOptions::new().with_lengths(true).with_initial_state(true);
        onnx::save(folder.join(format!("{name}.lengths.onnx")), "stack", &stack, &all)?;
        modules.push((name, stack));
    }
    let of_pytorch = |variant| variant != CellVariant::Gru { reset_after: Some(false) };
    let modules: Vec<(&str, &StackWeights)> = modules
        .iter()
        .filter(|(_, stack)| of_pytorch(stack.variant()))
        .map(|(name, stack)| (name.as_str(), stack))
        .collect();
    pytorch::save(folder.join("pytorch.safetensors"), &modules)?;
    save(&folder.join("expected.safetensors"), results)
}

/// Every variant with one or two layers, one or two directions, with and without biases.
fn cases(rng: &mut StdRng) -> recurrent_zoo::Result<Vec<(String, StackWeights)>> {
    let variants = [
        ("rnn-tanh", CellVariant::Rnn { nonlinearity: Some(Nonlinearity::Tanh) }),
        ("rnn-relu", CellVariant::Rnn { nonlinearity: Some(Nonlinearity::Relu) }),
        ("lstm", CellVariant::Lstm),
        ("gru-after", CellVariant::Gru { reset_after: Some(true) }),
        ("gru-before", CellVariant::Gru { reset_after: Some(false) }),
    ];
    let mut cases = Vec::new();
    for (kind, variant) in variants {
        for num_layers in [1, 2] {
            for (direction, bidirectional) in [("uni", false), ("bi", true)] {
                for (with, bias) in [("nobias", false), ("bias", true)] {
                    let name = format!("{kind}-{num_layers}l-{direction}-{with}");
                    cases.push((name, stack(rng, variant, num_layers, bidirectional, bias)?));
                }
            }
        }
    }
    Ok(cases)
}

/// Random weights; both biases are random, too, since zeros would hide a wrong order.
fn stack(
    rng: &mut StdRng,
    variant: CellVariant,
    num_layers: usize,
    bidirectional: bool,
    bias: bool,
) -> recurrent_zoo::Result<StackWeights> {
    let rows = variant.gates() * HIDDEN;
    let mut values = |count: usize| (0..count).map(|_| rng.random_range(-0.6..0.6)).collect::<Vec<f32>>();
    let mut cell = |input: usize| CellWeights {
        w_ih: values(rows * input),
        w_hh: values(rows * HIDDEN),
        biases: bias.then(|| [values(rows), values(rows)]),
    };
    let above = HIDDEN * if bidirectional { 2 } else { 1 };
    let layers = (0..num_layers).map(|depth| {
        let input = if depth == 0 { INPUT } else { above };
        LayerWeights { forward: cell(input), reverse: bidirectional.then(|| cell(input)) }
    });
    StackWeights::new(variant, INPUT, HIDDEN, layers.collect())
}

fn initial_state(layer: &AnyRecurrent, device: &Device) -> AnyState {
    layer.zero_state(BATCH, device).map(|part| part.random_like(Distribution::Uniform(-1.0, 1.0)))
}

fn add(results: &mut Vec<(String, Tensor<3>)>, name: &str, output: Tensor<3>, state: AnyState) {
    results.push((format!("{name}/output"), output));
    for (part, of) in state.into_parts().into_iter().zip(["h_n", "c_n"]) {
        results.push((format!("{name}/{of}"), part));
    }
}

fn save(path: &Path, tensors: Vec<(String, Tensor<3>)>) -> Result<(), Box<dyn Error>> {
    let bytes = |tensor: &Tensor<3>| -> Vec<u8> {
        tensor.clone().into_data().iter::<f32>().flat_map(f32::to_le_bytes).collect()
    };
    let all: Vec<(String, Vec<usize>, Vec<u8>)> =
        tensors.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec(), bytes(tensor))).collect();
    let views = all
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    std::fs::write(path, safetensors::serialize(views, None)?)?;
    Ok(())
}
