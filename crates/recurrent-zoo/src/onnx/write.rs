//! Writing a model of one stack.

use recurrent_models::Nonlinearity;

use super::convert::order;
use super::schema::{
    Attribute, Dimension, Graph, Model, Node, OperatorSetId, Shape, Tensor, TensorType, Type, ValueInfo,
    attribute_kind, data_type,
};
use super::wire::Message;
use crate::tensors::{inverse, reordered};
use crate::{CellVariant, Error, LayerWeights, Result, StackWeights};

/// The operators' version. 14 has the recurrent nodes of today, and every runtime in use knows it.
const OPSET: i64 = 14;
/// The version of the format that came with that.
const IR_VERSION: i64 = 8;

/// What an exported model takes beside `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OnnxOptions {
    /// Whether the model takes the rows' numbers of valid steps, `lengths [batch]`, int32.
    pub lengths: bool,
    /// Whether the model takes the state before the first step, `h_0` and, of an LSTM, `c_0`,
    /// `[num_layers * directions, batch, hidden]`; it is zero otherwise.
    pub initial_state: bool,
}

impl OnnxOptions {
    /// A model that takes `x` alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether the model takes `lengths`.
    #[must_use]
    pub fn with_lengths(mut self, lengths: bool) -> Self {
        self.lengths = lengths;
        self
    }

    /// Sets whether the model takes an initial state.
    #[must_use]
    pub fn with_initial_state(mut self, initial_state: bool) -> Self {
        self.initial_state = initial_state;
        self
    }
}

/// The bytes of a model of one stack: a node per layer, named `{name}` if there is one layer, and `{name}_l0`,
/// `{name}_l1`, … if there are several.
///
/// The model takes `x [batch, time, input]`, and what `options` say. It returns `output [batch, time, directions *
/// hidden]` and the final state, `h_n` and, of an LSTM, `c_n`, `[num_layers * directions, batch, hidden]`: what the
/// layers here return for the same. With lengths, too, outputs past a row's end are zero, and final states are those at
/// its end.
///
/// # Errors
/// If the name is empty, or the weights leave open whether an RNN is tanh or relu, or where a GRU's reset gate is
/// applied.
pub fn to_onnx(name: &str, stack: &StackWeights, options: &OnnxOptions) -> Result<Vec<u8>> {
    if name.is_empty() {
        return Err(Error::inconsistent("the name of the stack", "a name for its nodes", "none"));
    }
    // Refuses what is left open.
    let _config = stack.config()?;
    let mut graph = GraphBuilder::new(name);
    let size = |size: usize| Dimension { value: Some(size as i64), name: None };
    graph.input("x", data_type::FLOAT, vec![named("batch"), named("time"), size(stack.input_size())]);
    if options.lengths {
        graph.input("lengths", data_type::INT32, vec![named("batch")]);
    }
    graph.output("output", vec![named("batch"), named("time"), size(stack.output_size())]);
    // The nodes run over [time, batch, input]: runtimes refuse the layout that begins with the batch.
    graph.node("Transpose", &["x"], "x_steps", vec![integers("perm", &[1, 0, 2])]);
    let initial_state = options.initial_state.then_some("");
    let outputs = graph.stack(name, stack, "x_steps", options.lengths, initial_state);
    graph.node("Transpose", &[&outputs], "output", vec![integers("perm", &[1, 0, 2])]);
    Ok(graph.into_bytes())
}

/// The parts of a state: `h`, and `c` of an LSTM.
pub(super) fn state_parts(stack: &StackWeights) -> &'static [&'static str] {
    if stack.variant() == CellVariant::Lstm { &["h", "c"] } else { &["h"] }
}

/// A graph in the making.
pub(super) struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self { graph: Graph { name: Some(name.into()), ..Graph::default() } }
    }

    /// The bytes of a model of this graph.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let opset = OperatorSetId { domain: Some(String::new()), version: Some(OPSET) };
        let model = Model {
            ir_version: Some(IR_VERSION),
            producer_name: Some("recurrent-zoo".into()),
            graph: Some(self.graph),
            opset_import: vec![opset],
        };
        model.encode_to_vec()
    }

    pub(super) fn input(&mut self, name: &str, element: i32, dims: Vec<Dimension>) {
        self.graph.input.push(value(name, element, dims));
    }

    pub(super) fn output(&mut self, name: &str, dims: Vec<Dimension>) {
        self.graph.output.push(value(name, data_type::FLOAT, dims));
    }

    /// A stack over `x`, the name of `[time, batch, input]`. Returns the name of its outputs, `[time, batch, directions *
    /// hidden]`; the final state becomes outputs of the graph, `h_n` and `c_n`, and the initial one its inputs, `h_0` and
    /// `c_0`, with `state` in front of them if there is one.
    pub(super) fn stack(
        &mut self,
        name: &str,
        stack: &StackWeights,
        x: &str,
        lengths: bool,
        state: Option<&str>,
    ) -> String {
        let parts = state_parts(stack);
        let dims = |stack: &StackWeights| {
            let size = |size: usize| Dimension { value: Some(size as i64), name: None };
            vec![size(stack.num_layers() * stack.directions()), named("batch"), size(stack.hidden_size())]
        };
        let prefix = state.unwrap_or_default();
        for part in parts {
            if state.is_some() {
                self.input(&format!("{prefix}{part}_0"), data_type::FLOAT, dims(stack));
                self.split_state(&format!("{prefix}{part}_0"), stack);
            }
            self.output(&format!("{prefix}{part}_n"), dims(stack));
        }
        let (outputs, _) = self.layers(name, stack, x, lengths, state);
        for part in parts {
            let finals: Vec<String> =
                (0..stack.num_layers()).map(|depth| format!("{name}_{part}_n_l{depth}")).collect();
            let finals: Vec<&str> = finals.iter().map(String::as_str).collect();
            self.node("Concat", &finals, &format!("{prefix}{part}_n"), vec![integer("axis", 0)]);
        }
        outputs
    }

    /// The layers of a stack, without inputs and outputs of the graph. Returns the names of the outputs and of the top
    /// layer's final hidden state, `[directions, batch, hidden]`.
    pub(super) fn layers(
        &mut self,
        name: &str,
        stack: &StackWeights,
        x: &str,
        lengths: bool,
        state: Option<&str>,
    ) -> (String, String) {
        let shape = format!("{name}_output_shape");
        self.integers(&shape, &[0, 0, stack.output_size() as i64]);
        let mut x = x.to_owned();
        for (depth, layer) in stack.layers().iter().enumerate() {
            x = self.layer(Place { name, stack, depth }, layer, &x, lengths, state);
        }
        (x, format!("{name}_h_n_l{}", stack.num_layers() - 1))
    }

    /// Cuts an initial state of all layers, the value `name`, into those of each.
    fn split_state(&mut self, name: &str, stack: &StackWeights) {
        let layers = stack.num_layers();
        let sizes = format!("{name}_sizes");
        self.integers(&sizes, &vec![stack.directions() as i64; layers]);
        let parts: Vec<String> = (0..layers).map(|depth| format!("{name}_l{depth}")).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.nodes("Split", &[name, &sizes], &parts, vec![integer("axis", 0)]);
    }

    /// From `x [time, batch, features]` to the layer's outputs.
    fn layer(&mut self, place: Place, layer: &LayerWeights, x: &str, lengths: bool, state: Option<&str>) -> String {
        let Place { name, stack, depth } = place;
        let (gates, hidden, directions) = (stack.variant().gates(), stack.hidden_size(), stack.directions());
        let rows = gates * hidden;
        let input = if depth == 0 { stack.input_size() } else { stack.output_size() };
        let order = inverse(order(stack.variant()));
        let of_cells =
            |values: &dyn Fn(&crate::CellWeights) -> Vec<f32>| -> Vec<f32> { layer.cells().flat_map(values).collect() };
        let at = |what: &str| format!("{name}_{what}_l{depth}");
        let (w, r, b) = (at("W"), at("R"), at("B"));
        let w_values = of_cells(&|cell| reordered(&cell.w_ih, hidden * input, &order));
        let r_values = of_cells(&|cell| reordered(&cell.w_hh, hidden * hidden, &order));
        let b_values =
            of_cells(&|cell| cell.biases.iter().flatten().flat_map(|bias| reordered(bias, hidden, &order)).collect());
        self.floats(&w, &[directions, rows, input], &w_values);
        self.floats(&r, &[directions, rows, hidden], &r_values);
        let bias = if stack.has_bias() { b.as_str() } else { "" };
        if stack.has_bias() {
            self.floats(&b, &[directions, 2 * rows], &b_values);
        }

        let parts = state_parts(stack);
        let lengths = if lengths { "lengths" } else { "" };
        let initial: Vec<String> = match state {
            Some(prefix) => parts.iter().map(|part| format!("{prefix}{part}_0_l{depth}")).collect(),
            None => Vec::new(),
        };
        let mut inputs: Vec<&str> = [x, &w, &r, bias, lengths].to_vec();
        inputs.extend(initial.iter().map(String::as_str));
        let y = at("y");
        let finals: Vec<String> = parts.iter().map(|part| at(&format!("{part}_n"))).collect();
        let outputs: Vec<&str> = [y.as_str()].into_iter().chain(finals.iter().map(String::as_str)).collect();
        let attributes = attributes(stack.variant(), hidden, directions);
        self.nodes(op_type(stack.variant()), &inputs, &outputs, attributes);
        if let Some(node) = self.graph.node.last_mut() {
            node.name = Some(stack.layer_name(name, depth));
        }

        // [time, directions, batch, hidden] → [time, batch, directions * hidden]
        let (swapped, output) = (at("y_swapped"), at("output"));
        self.node("Transpose", &[&y], &swapped, vec![integers("perm", &[0, 2, 1, 3])]);
        self.node("Reshape", &[&swapped, &format!("{name}_output_shape")], &output, Vec::new());
        output
    }

    /// A node with one output.
    pub(super) fn node(&mut self, op_type: &str, inputs: &[&str], output: &str, attribute: Vec<Attribute>) {
        self.nodes(op_type, inputs, &[output], attribute);
    }

    fn nodes(&mut self, op_type: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<Attribute>) {
        let names = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
        self.graph.node.push(Node {
            input: names(inputs),
            output: names(outputs),
            name: outputs.first().map(|&output| format!("{op_type}_{output}")),
            op_type: Some(op_type.into()),
            attribute,
            domain: None,
        });
    }

    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, shape, data_type::FLOAT, raw);
    }

    /// A vector of whole numbers.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) {
        self.int64(name, &[values.len()], values);
    }

    /// A whole number.
    pub(super) fn integer(&mut self, name: &str, value: i64) {
        self.int64(name, &[], &[value]);
    }

    fn int64(&mut self, name: &str, shape: &[usize], values: &[i64]) {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, shape, data_type::INT64, raw);
    }

    fn tensor(&mut self, name: &str, shape: &[usize], data_type: i32, raw: Vec<u8>) {
        self.graph.initializer.push(Tensor {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: Some(data_type),
            name: Some(name.into()),
            raw_data: Some(raw),
            ..Tensor::default()
        });
    }
}

/// A layer's place in the graph.
struct Place<'a> {
    name: &'a str,
    stack: &'a StackWeights,
    depth: usize,
}

fn op_type(variant: CellVariant) -> &'static str {
    match variant {
        CellVariant::Rnn { .. } => "RNN",
        CellVariant::Lstm => "LSTM",
        CellVariant::Gru { .. } => "GRU",
    }
}

fn attributes(variant: CellVariant, hidden: usize, directions: usize) -> Vec<Attribute> {
    let direction: &[u8] = if directions == 2 { b"bidirectional" } else { b"forward" };
    let mut attributes = vec![
        integer("hidden_size", hidden as i64),
        Attribute { s: Some(direction.to_vec()), ..attribute("direction", attribute_kind::STRING) },
    ];
    match variant {
        CellVariant::Rnn { nonlinearity } => {
            let name: &[u8] = if nonlinearity == Some(Nonlinearity::Relu) { b"Relu" } else { b"Tanh" };
            let strings = vec![name.to_vec(); directions];
            attributes.push(Attribute { strings, ..attribute("activations", attribute_kind::STRINGS) });
        }
        CellVariant::Lstm => {}
        CellVariant::Gru { reset_after } => {
            attributes.push(integer("linear_before_reset", (reset_after == Some(true)).into()));
        }
    }
    attributes
}

fn attribute(name: &str, kind: i32) -> Attribute {
    Attribute { name: Some(name.into()), kind: Some(kind), ..Attribute::default() }
}

pub(super) fn integer(name: &str, value: i64) -> Attribute {
    Attribute { i: Some(value), ..attribute(name, attribute_kind::INT) }
}

pub(super) fn integers(name: &str, values: &[i64]) -> Attribute {
    Attribute { ints: values.to_vec(), ..attribute(name, attribute_kind::INTS) }
}

pub(super) fn named(name: &str) -> Dimension {
    Dimension { value: None, name: Some(name.into()) }
}

fn value(name: &str, element: i32, dims: Vec<Dimension>) -> ValueInfo {
    let tensor = TensorType { element: Some(element), shape: Some(Shape { dims }) };
    ValueInfo { name: Some(name.into()), kind: Some(Type { tensor: Some(tensor) }) }
}
