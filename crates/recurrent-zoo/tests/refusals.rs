//! What is refused, with its name.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use recurrent_zoo::{Head, NetworkParts, WeightFile};
use safetensors::tensor::{Dtype, TensorView};

/// A file of zeros with these names and shapes.
fn file(tensors: &[(&str, &[usize])]) -> WeightFile {
    typed_file(tensors, Dtype::F32)
}

fn typed_file(tensors: &[(&str, &[usize])], dtype: Dtype) -> WeightFile {
    let zeros = vec![0; 4096];
    let view = |shape: &[usize]| {
        let length = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        TensorView::new(dtype, shape.to_vec(), &zeros[..length]).unwrap()
    };
    let views: BTreeMap<&str, TensorView> = tensors.iter().map(|&(name, shape)| (name, view(shape))).collect();
    WeightFile::from_bytes(safetensors::serialize(views, None).unwrap()).unwrap()
}

fn refusal(tensors: &[(&str, &[usize])]) -> String {
    let file = file(tensors);
    assert!(file.stacks().is_empty(), "{file}");
    let [refused] = file.refused() else { panic!("{file}") };
    let error = refused.error.to_string();
    assert!(file.to_string().contains(&error));
    let loading = file.stack(&refused.name).unwrap_err().to_string();
    assert!(loading.contains(&error), "{loading}");
    assert!(file.only_stack().unwrap_err().to_string().contains(&error));
    error
}

const LSTM: [(&str, &[usize]); 4] =
    [("a.weight_ih_l0", &[8, 3]), ("a.weight_hh_l0", &[8, 2]), ("a.bias_ih_l0", &[8]), ("a.bias_hh_l0", &[8])];

fn lstm_and(more: &[(&'static str, &'static [usize])]) -> Vec<(&'static str, &'static [usize])> {
    [&LSTM, more].concat()
}

#[test]
fn what_layers_do_not_have_is_named() {
    let projected = refusal(&[("a.weight_hr_l0", &[2, 2]), ("a.weight_ih_l0", &[8, 3]), ("a.weight_hh_l0", &[8, 2])]);
    assert_eq!(projected, "tensor `a.weight_hr_l0`: projections (proj_size) are not supported");
    for derived in ["a.weight_hh_l0_raw", "a.weight_hh_l0_orig", "a.parametrizations.weight_hh_l0.original0"] {
        let error = refusal(&lstm_and(&[(derived, &[8, 2])]));
        let expected = "weight drop, weight norm, pruning and the like are not supported: remove them before you save";
        assert_eq!(error, format!("tensor `{derived}`: {expected}"));
    }
}

#[test]
fn missing_tensors_and_wrong_shapes_are_named() {
    assert_eq!(refusal(&LSTM[1..]), "tensor `a.weight_ih_l0`: expected a tensor, found none");
    assert_eq!(refusal(&LSTM[..3]), "tensor `a.bias_hh_l0`: expected a tensor, found none");
    let gap = lstm_and(&[("a.weight_ih_l2", &[8, 2]), ("a.weight_hh_l2", &[8, 2])]);
    assert_eq!(refusal(&gap), "tensor `a.weight_ih_l1`: expected a tensor, found none");
    let reverse = lstm_and(&[("a.weight_ih_l0_reverse", &[8, 3])]);
    assert_eq!(refusal(&reverse), "tensor `a.weight_hh_l0_reverse`: expected a tensor, found none");
    let input = lstm_and(&[("a.weight_ih_l1", &[8, 3]), ("a.weight_hh_l1", &[8, 2])]);
    assert_eq!(refusal(&input), "tensor `a.weight_ih_l1`: expected [8, 2], found [8, 3]");
    let gates = refusal(&[("a.weight_ih_l0", &[4, 3]), ("a.weight_hh_l0", &[4, 2])]);
    assert_eq!(gates, "tensor `a.weight_hh_l0`: expected [gates * hidden, hidden] with 1, 3 or 4 gates, found [4, 2]");
    let hidden = refusal(&[("a.weight_ih_l0", &[0, 3]), ("a.weight_hh_l0", &[0, 0])]);
    assert!(hidden.contains("found [0, 0]"), "{hidden}");
    let both = refusal(&lstm_and(&[("a.weight_ih", &[8, 3])]));
    assert_eq!(both, "tensor `a.weight_ih`: a module has the names of a layer and of a cell");
}

#[test]
fn integers_are_no_weights() {
    let file = typed_file(&LSTM, Dtype::I32);
    let expected = "tensor `a.weight_ih_l0`: expected f16, bf16, f32 or f64, found I32";
    assert_eq!(file.refused()[0].error.to_string(), expected);
}

#[test]
fn names_that_several_stacks_have_need_the_whole_path() {
    let shapes: [&[usize]; 2] = [&[2, 3], &[2, 2]];
    let names =
        ["state_dict.a.weight_ih_l0", "state_dict.a.weight_hh_l0", "module.a.weight_ih_l0", "module.a.weight_hh_l0"];
    let tensors: Vec<(&str, &[usize])> = names.into_iter().zip(shapes.into_iter().cycle()).collect();
    let file = file(&tensors);
    let expected = "expected one recurrent stack named `a`, found `a` (module.a), `a` (state_dict.a)";
    assert_eq!(file.stack("a").unwrap_err().to_string(), expected);
    assert_eq!(file.stack("module.a").unwrap().to_string(), "RNN(3, 2), no bias");
}

#[test]
fn eleven_layers_are_in_the_order_of_numbers() {
    let names: Vec<String> =
        (0..11).flat_map(|layer| [format!("weight_ih_l{layer}"), format!("weight_hh_l{layer}")]).collect();
    let tensors: Vec<(&str, &[usize])> = names.iter().map(|name| (name.as_str(), &[3, 3][..])).collect();
    let file = file(&tensors);
    assert_eq!(file.only_stack().unwrap().num_layers(), 11);
    assert_eq!(file.stack("").unwrap().num_layers(), 11);
}

#[test]
fn other_files_are_refused() {
    let error = |bytes: &[u8]| WeightFile::from_bytes(bytes.to_vec()).unwrap_err().to_string();
    let unknown = "not a valid weights file: it is neither safetensors, PyTorch, Keras (HDF5 or .keras) nor ONNX";
    assert_eq!(error(b""), unknown);
    assert_eq!(error(b"hello, world"), unknown);
    let missing = WeightFile::open("no/such/file.pt").unwrap_err().to_string();
    assert_eq!(missing, "cannot read no/such/file.pt");
    // A file of names alone, whose contents are in a store of large files.
    assert_eq!(error(b"version https"), unknown);
}

#[test]
fn settings_of_keras_are_refused_by_name() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/model.h5");
    let original = std::fs::read(path).unwrap();
    let refusals = |from: &str, to: &str| {
        let mut bytes = original.clone();
        let to = format!("{to:<0$}", from.len());
        let at: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
        assert!(!at.is_empty(), "{from}");
        for at in at {
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
        let file = WeightFile::from_bytes(bytes).unwrap();
        file.refused().iter().map(|refused| refused.error.to_string()).collect::<Vec<String>>().join("\n")
    };
    let merge = refusals(r#""merge_mode": "concat""#, r#""merge_mode": "ave""#);
    assert_eq!(merge, "the layer `bottom`: merge_mode \"ave\" is not supported, only \"concat\"");
    let activation = refusals(r#""recurrent_activation": "sigmoid""#, r#""recurrent_activation": "relu6""#);
    assert!(activation.contains("the layer `bottom`: recurrent_activation \"relu6\" is not supported, only sigmoid"));
    assert!(activation.contains("the layer `top`: recurrent_activation \"relu6\""), "{activation}");
    let backwards = refusals(r#""go_backwards": false"#, r#""go_backwards": true"#);
    assert!(backwards.contains("the layer `top`: go_backwards is not supported"), "{backwards}");
    let reset = refusals(r#""reset_after": true"#, r#""reset_after":false"#);
    assert!(reset.contains("the layer `bottom`: reset_after is false"), "{reset}");
}

#[test]
fn settings_of_a_whole_keras_model_are_refused_by_name() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/model.keras");
    let original = std::fs::read(path).unwrap();
    let with_config = |change: &dyn Fn(String) -> String| {
        let mut source = zip::ZipArchive::new(Cursor::new(&original)).unwrap();
        let mut changed = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        for index in 0..source.len() {
            let mut entry = source.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            if name == "config.json" {
                bytes = change(String::from_utf8(bytes).unwrap()).into_bytes();
            }
            changed.start_file(name, stored).unwrap();
            changed.write_all(&bytes).unwrap();
        }
        WeightFile::from_bytes(changed.finish().unwrap().into_inner())
    };
    let same = with_config(&|config| config).unwrap();
    assert!(same.refused().is_empty() && !same.stacks().is_empty(), "{same}");
    let file = with_config(&|config| {
        let changed =
            config.replace(r#""recurrent_activation": "sigmoid""#, r#""recurrent_activation": "hard_sigmoid""#);
        assert_ne!(changed, config);
        changed
    });
    let refused = file.unwrap();
    let expected = "recurrent_activation \"hard_sigmoid\" is not supported, only sigmoid";
    assert!(!refused.refused().is_empty());
    assert!(refused.refused().iter().all(|refused| refused.error.to_string().ends_with(expected)), "{refused}");
    let error = with_config(&|config| config[..config.len() / 2].into()).unwrap_err().to_string();
    assert!(error.starts_with("not a valid Keras file: the configuration: "), "{error}");
}

/// A language model of PyTorch's with these tensors besides.
fn language_model(more: &[(&'static str, &'static [usize])]) -> WeightFile {
    const PARTS: [(&str, &[usize]); 3] = [("emb.weight", &[5, 3]), ("fc.weight", &[5, 2]), ("fc.bias", &[5])];
    file(&[&LSTM, &PARTS[..], more].concat())
}

#[test]
fn parts_of_a_network_are_found_or_named() {
    let network = |file: &WeightFile, parts: &NetworkParts| file.network(Head::EachStep, parts).unwrap();
    let parts = NetworkParts::new();
    let expected = "embedding(5, 3), LSTM(3, 2), each_step, dense(2, 5) with bias";
    assert_eq!(network(&language_model(&[]), &parts).to_string(), expected);
    // Of an optimizer, and counters.
    let checkpoint = language_model(&[("optimizer.state.0.exp_avg", &[5, 3]), ("optimizer.state.1.exp_avg", &[5, 2])]);
    assert_eq!(network(&checkpoint, &parts).to_string(), expected);

    let error = |file: &WeightFile, parts: &NetworkParts| file.network(Head::EachStep, parts).unwrap_err().to_string();
    let two = language_model(&[("head.weight", &[7, 2]), ("head.bias", &[7])]);
    assert_eq!(
        error(&two, &parts),
        "the file: expected one matrix that may be the output, found `fc.weight`, `head.weight`"
    );
    let named = NetworkParts::new().with_output("head.weight");
    assert_eq!(
        error(&two, &named),
        "the file: expected no weights but those of the network, found `fc.bias`, `fc.weight`"
    );
    let partial = named.with_partial(true);
    assert_eq!(network(&two, &partial).num_outputs(), 7);
    let none = NetworkParts::new().with_embedding("vectors.weight");
    let found = "`emb.weight`, `fc.weight`";
    assert_eq!(
        error(&language_model(&[]), &none),
        format!("the file: expected a matrix named `vectors.weight`, found {found}")
    );
    let tied = file(&[&LSTM[..], &[("emb.weight", &[5, 3]), ("bias", &[5])]].concat());
    let error_of_sizes = tied.network(Head::EachStep, &parts).unwrap_err().to_string();
    assert_eq!(error_of_sizes, "the input of dense layer 0: expected 2 features, found 3");
    let convolution = language_model(&[("conv.weight", &[4, 3, 2])]);
    assert!(error(&convolution, &parts).ends_with("found `conv.weight`"));
    let alone = file(&LSTM);
    assert_eq!(error(&alone, &parts), "the file: expected a matrix for 2 inputs as the output layer's, found none");
    let other = lstm_and(&[("b.weight_ih_l0", &[8, 3]), ("b.weight_hh_l0", &[8, 2]), ("fc.weight", &[5, 2])]);
    let error = file(&other).network(Head::Last, &NetworkParts::new()).unwrap_err().to_string();
    assert_eq!(error, "the input of stack 1: expected 2 features, found 3");
}

#[test]
fn networks_of_weights_that_are_no_numbers_are_refused() {
    let with = |name: &str| {
        let shapes: [(&str, &[usize]); 4] =
            [("rnn.weight_ih_l0", &[8, 3]), ("rnn.weight_hh_l0", &[8, 2]), ("fc.weight", &[5, 2]), ("fc.bias", &[5])];
        let bytes = |of: &str, shape: &[usize]| {
            let value = if of == name { f32::NAN } else { 0.5 };
            vec![value; shape.iter().product()].into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>()
        };
        let tensors = shapes.map(|(of, shape)| (of, shape, bytes(of, shape)));
        let views =
            tensors.iter().map(|(of, shape, bytes)| (*of, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap()));
        let file = WeightFile::from_bytes(safetensors::serialize(views, None).unwrap()).unwrap();
        file.network(Head::Last, &NetworkParts::new()).map(|network| network.to_string())
    };
    assert!(with("none").is_ok());
    for (name, at) in
        [("rnn.weight_hh_l0", "the stack `rnn`"), ("fc.weight", "tensor `fc.weight`"), ("fc.bias", "tensor `fc.bias`")]
    {
        assert_eq!(with(name).unwrap_err().to_string(), format!("{at}: expected finite weights, found NaN"));
    }
}
