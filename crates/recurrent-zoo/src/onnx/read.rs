//! Reading the recurrent nodes of a model.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use recurrent_models::Nonlinearity;

use super::convert::order;
use super::schema::{Attribute, Graph, Model, Node, Tensor, data_type};
use super::wire::Message;
use crate::file::{Contents, Others, Usage};
use crate::tensors::{Budget, Float, num_elements, reordered, single};
use crate::{CellVariant, CellWeights, Error, LayerWeights, Result, StackWeights, TensorInfo};

pub(crate) fn read(bytes: &[u8], others: Others) -> Result<Contents> {
    let malformed = |reason: String| Error::Malformed { format: "ONNX", reason };
    let model = Model::decode(bytes).map_err(|error| malformed(error.to_string()))?;
    let graph = model.graph.ok_or_else(|| malformed("it has no graph".into()))?;
    let reader = Reader::new(&graph, bytes.len());
    let mut contents = Contents::new(others);
    let mut used = BTreeSet::new();
    for (index, node) in graph.node.iter().enumerate() {
        let op = node.op_type();
        let standard = ["", "ai.onnx"].contains(&node.domain());
        if standard && ["RNN", "LSTM", "GRU"].contains(&op) {
            used.extend(["W", "R", "B"].iter().filter_map(|input| reader.tensor(node, input)).map(std::ptr::from_ref));
            let name = node_name(node, index);
            let stack = NodeReader { graph: &reader, node, at: format!("node `{name}`") }.stack();
            contents.add(&name, &name, stack);
        } else if op.contains("LSTM") || op.contains("GRU") {
            let name = node_name(node, index);
            let what = format!("the operator {op} of {} is not supported", node.domain());
            contents.add(&name, &name, Err(Error::unsupported(format!("node `{name}`"), what)));
        }
    }
    let mut usages = usages(&graph, &reader);
    for (name, tensor) in &reader.tensors {
        // A tensor that other nodes pass on has several names, and is listed once.
        if used.insert(std::ptr::from_ref(*tensor)) {
            let info = info(name, tensor);
            let usage = usages.remove(&std::ptr::from_ref(*tensor)).unwrap_or_default();
            let count = num_elements(&info.shape).unwrap_or(usize::MAX);
            contents.add_other(info, usage, || reader.values(name, tensor, count));
        }
    }
    Ok(contents)
}

/// How nodes use matrices: `Gather` looks vectors up, `MatMul` and `Gemm` multiply by them.
fn usages(graph: &Graph, reader: &Reader) -> HashMap<*const Tensor, Usage> {
    let additions = graph.node.iter().filter(|node| node.op_type() == "Add");
    let added: HashMap<&String, &Node> = additions.flat_map(|add| add.input.iter().map(move |of| (of, add))).collect();
    let mut usages = HashMap::new();
    for node in &graph.node {
        let input = |index: usize| node.input.get(index).map(String::as_str);
        let tensor = |index: usize| input(index).and_then(|name| reader.tensors.get(name)).copied();
        let (matrix, usage) = match node.op_type() {
            "Gather" => (tensor(0), Usage { is_embedding: Some(true), ..Usage::default() }),
            "MatMul" => {
                let output = node.output.first();
                let added = output.and_then(|output| added.get(output));
                let bias = added.and_then(|add| add.input.iter().find(|&input| Some(input) != output));
                (tensor(1), Usage { is_embedding: Some(false), inputs_first: true, bias: bias.cloned() })
            }
            "Gemm" => {
                let transposed = node.attribute.iter().any(|of| of.name() == "transB" && of.i == Some(1));
                let bias = input(2).map(String::from);
                (tensor(1), Usage { is_embedding: Some(false), inputs_first: !transposed, bias })
            }
            _ => continue,
        };
        if let Some(matrix) = matrix {
            usages.insert(std::ptr::from_ref(matrix), usage);
        }
    }
    usages
}

/// Names are optional in ONNX.
fn node_name(node: &Node, index: usize) -> String {
    match (node.name(), node.output.iter().find(|output| !output.is_empty())) {
        ("", Some(output)) => output.clone(),
        ("", None) => format!("{}_{index}", node.op_type()),
        (name, _) => name.into(),
    }
}

fn info(name: &str, tensor: &Tensor) -> TensorInfo {
    let dtype = match tensor.data_type() {
        data_type::FLOAT => "float".into(),
        data_type::INT32 => "int32".into(),
        data_type::INT64 => "int64".into(),
        data_type::FLOAT16 => "float16".into(),
        data_type::DOUBLE => "double".into(),
        data_type::BFLOAT16 => "bfloat16".into(),
        other => format!("type {other}"),
    };
    TensorInfo { name: name.into(), dtype, shape: shape(tensor).unwrap_or_default() }
}

/// `None` if a size is negative.
fn shape(tensor: &Tensor) -> Option<Vec<usize>> {
    tensor.dims.iter().map(|&size| size.try_into().ok()).collect()
}

/// The inputs of a recurrent node.
const INPUTS: [&str; 8] = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"];

/// The tensors of a graph by the names of the values that they are.
struct Reader<'a> {
    tensors: BTreeMap<&'a str, &'a Tensor>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    fn new(graph: &'a Graph, bytes: usize) -> Self {
        let mut tensors: BTreeMap<&str, &Tensor> =
            graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
        for node in &graph.node {
            let Some(output) = node.output.first() else { continue };
            match node.op_type() {
                "Constant" => {
                    let value = node.attribute.iter().find(|attribute| attribute.name() == "value");
                    if let Some(tensor) = value.and_then(|value| value.t.as_ref()) {
                        tensors.insert(output, tensor);
                    }
                }
                // Nodes come after those that they depend on.
                "Identity" => {
                    if let Some(&tensor) = node.input.first().and_then(|input| tensors.get(input.as_str())) {
                        tensors.insert(output, tensor);
                    }
                }
                _ => {}
            }
        }
        Self { tensors, budget: Budget::new(bytes) }
    }

    /// The tensor that is an input of a node.
    fn tensor(&self, node: &Node, input: &str) -> Option<&'a Tensor> {
        self.tensors.get(name_of(node, input)?).copied()
    }

    fn values(&self, name: &str, tensor: &Tensor, count: usize) -> Result<Vec<f32>> {
        if tensor.data_location.unwrap_or(0) != 0 {
            return Err(Error::unsupported(
                format!("tensor `{name}`"),
                "its data is in another file: save the model with its data inside",
            ));
        }
        self.budget.take(name, count as u64, 4)?;
        let raw = tensor.raw_data.as_deref();
        let halves = || tensor.int32_data.iter().flat_map(|&half| (half as u16).to_le_bytes()).collect::<Vec<u8>>();
        let values = match (tensor.data_type(), raw) {
            (data_type::FLOAT, Some(raw)) => Float::F32.values(name, raw)?,
            (data_type::FLOAT, None) => tensor.float_data.clone(),
            (data_type::DOUBLE, Some(raw)) => Float::F64.values(name, raw)?,
            (data_type::DOUBLE, None) => {
                tensor.double_data.iter().map(|&value| single(name, value)).collect::<Result<_>>()?
            }
            (data_type::FLOAT16, Some(raw)) => Float::F16.values(name, raw)?,
            (data_type::FLOAT16, None) => Float::F16.values(name, &halves())?,
            (data_type::BFLOAT16, Some(raw)) => Float::Bf16.values(name, raw)?,
            (data_type::BFLOAT16, None) => Float::Bf16.values(name, &halves())?,
            _ => return Err(Error::tensor(name, "float, double, float16 or bfloat16", info(name, tensor).dtype)),
        };
        if values.len() != count {
            return Err(Error::tensor(name, format!("{count} values"), values.len().to_string()));
        }
        Ok(values)
    }
}

/// The name of the value that is an input of a node; `None` if it has no such input.
fn name_of<'a>(node: &'a Node, input: &str) -> Option<&'a str> {
    let index = INPUTS.iter().position(|&name| name == input)?;
    node.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
}

struct NodeReader<'a> {
    graph: &'a Reader<'a>,
    node: &'a Node,
    at: String,
}

impl NodeReader<'_> {
    fn stack(&self) -> Result<StackWeights> {
        let directions = self.check_attributes()?;
        let variant = self.variant(directions)?;
        let (_, recurrent) = self.required("R")?;
        let &[_, rows, hidden] = &recurrent[..] else {
            return Err(self.wrong_shape("R", "[directions, gates * hidden, hidden]", &recurrent));
        };
        if hidden == 0 || Some(rows) != hidden.checked_mul(variant.gates()) {
            let expected = format!("[{directions}, {0} * hidden, hidden]", variant.gates());
            return Err(self.wrong_shape("R", &expected, &recurrent));
        }
        if let Some(size) = self.attribute("hidden_size").and_then(|attribute| attribute.i)
            && usize::try_from(size) != Ok(hidden)
        {
            return Err(Error::inconsistent(&self.at, format!("hidden_size {hidden}, as of R"), size.to_string()));
        }
        let (_, kernel) = self.required("W")?;
        let &[_, _, input] = &kernel[..] else {
            return Err(self.wrong_shape("W", "[directions, gates * hidden, input]", &kernel));
        };
        let w = self.values("W", &[directions, rows, input])?;
        let r = self.values("R", &[directions, rows, hidden])?;
        let b = match name_of(self.node, "B") {
            Some(_) => Some(self.values("B", &[directions, 2 * rows])?),
            None => None,
        };
        let cell = |direction: usize| {
            let part = |values: &[f32], block: usize, start: usize| {
                let length = block * variant.gates();
                reordered(&values[start..start + length], block, order(variant))
            };
            CellWeights {
                w_ih: part(&w, hidden * input, direction * rows * input),
                w_hh: part(&r, hidden * hidden, direction * rows * hidden),
                biases: b.as_ref().map(|b| {
                    let start = direction * 2 * rows;
                    [part(b, hidden, start), part(b, hidden, start + rows)]
                }),
            }
        };
        let layer = LayerWeights { forward: cell(0), reverse: (directions == 2).then(|| cell(1)) };
        StackWeights::new(variant, input, hidden, vec![layer])
    }

    /// Refuses what the layers here do not have. Returns the number of directions.
    fn check_attributes(&self) -> Result<usize> {
        let refused = |what: String| Err(Error::unsupported(&self.at, what));
        if self.attribute("clip").is_some() {
            return refused("clip, which bounds the inputs of activations, is not supported".into());
        }
        if self.integer("input_forget") != 0 {
            return refused("input_forget, which couples two gates, is not supported".into());
        }
        if name_of(self.node, "P").is_some() {
            return refused("peepholes (input P) are not supported".into());
        }
        match self.attribute("direction").and_then(|attribute| attribute.s.as_deref()).unwrap_or(b"forward") {
            b"forward" => Ok(1),
            b"bidirectional" => Ok(2),
            b"reverse" => refused("direction reverse is not supported, only forward and bidirectional".into()),
            other => refused(format!("unknown direction `{}`", String::from_utf8_lossy(other))),
        }
    }

    fn variant(&self, directions: usize) -> Result<CellVariant> {
        let defaults: &[&str] = match self.node.op_type() {
            "RNN" => &["Tanh"],
            "LSTM" => &["Sigmoid", "Tanh", "Tanh"],
            _ => &["Sigmoid", "Tanh"],
        };
        let given: Vec<String> = match self.attribute("activations") {
            Some(attribute) => {
                attribute.strings.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
            }
            None => defaults.repeat(directions).iter().map(|&name| name.into()).collect(),
        };
        let all = |expected: &[&str]| given.iter().eq(expected.repeat(directions).iter());
        let refused = || {
            let only = if self.node.op_type() == "RNN" { "Tanh or Relu".into() } else { defaults.join(", ") };
            Err(Error::unsupported(
                &self.at,
                format!("activations {} are not supported, only {only}", given.join(", ")),
            ))
        };
        match self.node.op_type() {
            "RNN" if all(&["Tanh"]) => Ok(CellVariant::Rnn { nonlinearity: Some(Nonlinearity::Tanh) }),
            "RNN" if all(&["Relu"]) => Ok(CellVariant::Rnn { nonlinearity: Some(Nonlinearity::Relu) }),
            "LSTM" if all(defaults) => Ok(CellVariant::Lstm),
            "GRU" if all(defaults) => {
                Ok(CellVariant::Gru { reset_after: Some(self.integer("linear_before_reset") != 0) })
            }
            _ => refused(),
        }
    }

    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.node.attribute.iter().find(|attribute| attribute.name() == name)
    }

    fn integer(&self, name: &str) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(0)
    }

    fn wrong_shape(&self, input: &str, expected: &str, found: &[usize]) -> Error {
        Error::tensor(name_of(self.node, input).unwrap_or(input), expected, format!("{found:?}"))
    }

    /// A weight and its shape.
    fn required(&self, input: &str) -> Result<(&Tensor, Vec<usize>)> {
        let Some(name) = name_of(self.node, input) else {
            return Err(Error::unsupported(&self.at, format!("it has no input {input}")));
        };
        let Some(tensor) = self.graph.tensor(self.node, input) else {
            let what = format!("its input {input} is `{name}`, which is not stored in the model but computed or given");
            return Err(Error::unsupported(&self.at, what));
        };
        let shape = shape(tensor).ok_or_else(|| Error::tensor(name, "sizes", format!("{:?}", tensor.dims)))?;
        Ok((tensor, shape))
    }

    fn values(&self, input: &str, expected: &[usize]) -> Result<Vec<f32>> {
        let (tensor, shape) = self.required(input)?;
        let name = name_of(self.node, input).unwrap_or(input);
        match num_elements(&shape) {
            Some(count) if shape == expected => self.graph.values(name, tensor, count),
            _ => Err(Error::tensor(name, format!("{expected:?}"), format!("{shape:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::attribute_kind;
    use super::*;

    fn tensor(name: &str, dims: &[i64]) -> Tensor {
        let count: i64 = dims.iter().product();
        let float_data = (0..count).map(|value| value as f32).collect();
        Tensor {
            dims: dims.to_vec(),
            data_type: Some(data_type::FLOAT),
            float_data,
            name: Some(name.into()),
            ..Tensor::default()
        }
    }

    fn node(op_type: &str, attribute: Vec<Attribute>) -> Node {
        Node {
            input: ["x", "w", "r", "b"].map(String::from).to_vec(),
            output: vec!["y".into()],
            op_type: Some(op_type.into()),
            attribute,
            ..Node::default()
        }
    }

    fn lstm_tensors() -> Vec<Tensor> {
        vec![tensor("w", &[1, 8, 3]), tensor("r", &[1, 8, 2]), tensor("b", &[1, 16])]
    }

    fn attribute(name: &str) -> Attribute {
        Attribute { name: Some(name.into()), ..Attribute::default() }
    }

    fn strings(name: &str, strings: &[&str]) -> Attribute {
        let strings = strings.iter().map(|value| value.as_bytes().to_vec()).collect();
        Attribute { strings, kind: Some(attribute_kind::STRINGS), ..attribute(name) }
    }

    fn contents(node: Vec<Node>, initializer: Vec<Tensor>) -> Contents {
        let graph = Graph { node, initializer, ..Graph::default() };
        read(&Model { graph: Some(graph), ..Model::default() }.encode_to_vec(), Others::Listed).unwrap()
    }

    fn refusal(node: Node, initializer: Vec<Tensor>) -> String {
        contents(vec![node], initializer).refused.remove(0).error.to_string()
    }

    #[test]
    fn attributes_that_layers_do_not_have_are_refused_by_name() {
        let direction = |of: &str| Attribute { s: Some(of.into()), ..attribute("direction") };
        let cases = [
            (Attribute { f: Some(3.0), ..attribute("clip") }, "clip, which bounds"),
            (Attribute { i: Some(1), ..attribute("input_forget") }, "input_forget, which couples"),
            (direction("reverse"), "direction reverse is not supported"),
            (direction("sideways"), "unknown direction `sideways`"),
            (
                strings("activations", &["HardSigmoid", "Tanh", "Tanh"]),
                "activations HardSigmoid, Tanh, Tanh are not supported, only Sigmoid, Tanh, Tanh",
            ),
            (strings("activations", &["Sigmoid"]), "activations Sigmoid are not supported"),
        ];
        for (attribute, expected) in cases {
            let error = refusal(node("LSTM", vec![attribute]), lstm_tensors());
            assert!(error.starts_with(&format!("node `y`: {expected}")), "{error}");
        }
        let mut peepholes = node("LSTM", Vec::new());
        peepholes.input.extend(["", "", "", "p"].map(String::from));
        assert_eq!(refusal(peepholes, lstm_tensors()), "node `y`: peepholes (input P) are not supported");
        let other = Node { domain: Some("com.example".into()), ..node("DynamicQuantizeLSTM", Vec::new()) };
        let expected = "node `y`: the operator DynamicQuantizeLSTM of com.example is not supported";
        assert_eq!(refusal(other, lstm_tensors()), expected);
    }

    #[test]
    fn weights_that_are_not_in_the_model_are_refused() {
        let error = refusal(node("LSTM", Vec::new()), lstm_tensors().split_off(1));
        let expected = "node `y`: its input W is `w`, which is not stored in the model but computed or given";
        assert_eq!(error, expected);
        let mut outside = lstm_tensors();
        outside[0].data_location = Some(1);
        let error = refusal(node("LSTM", Vec::new()), outside);
        assert_eq!(error, "tensor `w`: its data is in another file: save the model with its data inside");
    }

    #[test]
    fn shapes_and_types_are_checked() {
        let with = |index: usize, tensor: Tensor| {
            let mut tensors = lstm_tensors();
            tensors[index] = tensor;
            refusal(node("LSTM", Vec::new()), tensors)
        };
        assert_eq!(with(0, tensor("w", &[2, 8, 3])), "tensor `w`: expected [1, 8, 3], found [2, 8, 3]");
        assert_eq!(with(1, tensor("r", &[1, 8, 3])), "tensor `r`: expected [1, 4 * hidden, hidden], found [1, 8, 3]");
        assert_eq!(with(2, tensor("b", &[1, 8])), "tensor `b`: expected [1, 16], found [1, 8]");
        assert!(with(0, tensor("w", &[1, 8, -3])).contains("expected sizes"));
        let short = Tensor { float_data: vec![1.0], ..tensor("w", &[1, 8, 3]) };
        assert_eq!(with(0, short), "tensor `w`: expected 24 values, found 1");
        let integers = Tensor { data_type: Some(data_type::INT64), ..tensor("w", &[1, 8, 3]) };
        assert!(with(0, integers).ends_with("expected float, double, float16 or bfloat16, found int64"));
        let hidden = Attribute { i: Some(3), ..attribute("hidden_size") };
        let error = refusal(node("LSTM", vec![hidden]), lstm_tensors());
        assert_eq!(error, "node `y`: expected hidden_size 2, as of R, found 3");
    }

    #[test]
    fn constants_and_identities_are_followed() {
        let constant = Node {
            output: vec!["c".into()],
            op_type: Some("Constant".into()),
            attribute: vec![Attribute { t: Some(tensor("", &[1, 8, 3])), ..attribute("value") }],
            ..Node::default()
        };
        let identity = Node {
            input: vec!["c".into()],
            output: vec!["w".into()],
            op_type: Some("Identity".into()),
            ..Node::default()
        };
        let nodes = vec![constant, identity, node("LSTM", Vec::new())];
        let contents = contents(nodes, lstm_tensors().split_off(1));
        assert_eq!((contents.stacks.len(), contents.others.len()), (1, 0));
    }

    #[test]
    fn values_of_every_type_are_read() {
        let read = |tensor: Tensor| {
            let tensors = vec![Tensor { dims: vec![1, 1, 1], ..tensor }, tensor_of(2.0)];
            let rnn = Node { input: ["x", "w", "r"].map(String::from).to_vec(), ..node("RNN", Vec::new()) };
            contents(vec![rnn], tensors).stacks.remove(0).weights.layers()[0].forward.w_ih[0]
        };
        fn tensor_of(value: f32) -> Tensor {
            Tensor { float_data: vec![value], ..tensor("r", &[1, 1, 1]) }
        }
        let typed = |kind| Tensor { data_type: Some(kind), float_data: Vec::new(), ..tensor("w", &[1, 1, 1]) };
        let raw = |kind, bytes: &[u8]| Tensor { raw_data: Some(bytes.to_vec()), ..typed(kind) };
        assert_eq!(read(raw(data_type::FLOAT, &1.5f32.to_le_bytes())), 1.5);
        assert_eq!(read(raw(data_type::DOUBLE, &1.5f64.to_le_bytes())), 1.5);
        assert_eq!(read(raw(data_type::FLOAT16, &[0x00, 0x3e])), 1.5);
        assert_eq!(read(raw(data_type::BFLOAT16, &[0xc0, 0x3f])), 1.5);
        assert_eq!(read(Tensor { double_data: vec![1.5], ..typed(data_type::DOUBLE) }), 1.5);
        assert_eq!(read(Tensor { int32_data: vec![0x3e00], ..typed(data_type::FLOAT16) }), 1.5);
        assert_eq!(read(Tensor { int32_data: vec![0x3fc0], ..typed(data_type::BFLOAT16) }), 1.5);
    }
}
