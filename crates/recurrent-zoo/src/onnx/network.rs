//! Writing a model of a whole network.

use super::schema::{Dimension, data_type};
use super::write::{GraphBuilder, integer, integers, named};
use crate::{AttentionWeights, DenseWeights, Error, Head, Matrix, NetworkWeights, Result};

/// Below every output of a recurrent layer, in place of what is past a row's end.
const MASKED: f32 = -1e30;

/// The bytes of a model of a network, or of an ensemble, whose outputs are averaged.
///
/// The model takes `ids [batch, time]`, int64, if the network has an embedding, and `features [batch, time, features]`, if
/// it reads real values. With [`Head::EachStep`] it takes the state before the first step and returns that after the last,
/// `h_0` and `h_n`, of an LSTM `c_0` and `c_n`, `[num_layers * directions, batch, hidden]` (of the second stack `s1_h_0`
/// and so on), and `output [batch, time, outputs]`. With any other head it takes `lengths [batch]`, int32, the number of
/// valid steps of each row, and returns `output [batch, outputs]`. With `softmax` the outputs are probabilities.
///
/// # Errors
/// If the weights leave open whether an RNN is tanh or relu, or where a GRU's reset gate is applied; if the members have
/// different parts, or several members have a state.
pub fn network_to_onnx(members: &[NetworkWeights], softmax: bool) -> Result<Vec<u8>> {
    let first = NetworkWeights::check_members(members)?;
    for stack in first.stacks() {
        // Refuses what is left open.
        let _config = stack.config()?;
    }
    let each_step = first.head() == &Head::EachStep;
    if each_step && members.len() > 1 {
        let what = "a network with an output at each step has a state, and an ensemble has none";
        return Err(Error::unsupported("the ensemble", what));
    }
    let size = |size: usize| Dimension { value: Some(size as i64), name: None };
    let mut graph = GraphBuilder::new("network");
    if first.embedding().is_some() {
        graph.input("ids", data_type::INT64, vec![named("batch"), named("time")]);
    }
    if first.num_features() > 0 {
        let dims = vec![named("batch"), named("time"), size(first.num_features())];
        graph.input("features", data_type::FLOAT, dims);
    }
    let outputs = size(first.num_outputs());
    if each_step {
        graph.output("output", vec![named("batch"), named("time"), outputs]);
    } else {
        graph.input("lengths", data_type::INT32, vec![named("batch")]);
        graph.output("output", vec![named("batch"), outputs]);
    }
    let mut results = Vec::new();
    for (index, network) in members.iter().enumerate() {
        let prefix = if members.len() == 1 { String::new() } else { format!("member_{index}_") };
        let mut member = Member { graph: &mut graph, prefix };
        results.push(member.write(network, softmax));
    }
    let results: Vec<&str> = results.iter().map(String::as_str).collect();
    graph.node("Mean", &results, "output", Vec::new());
    Ok(graph.into_bytes())
}

struct Member<'a> {
    graph: &'a mut GraphBuilder,
    /// In front of the names of its values.
    prefix: String,
}

impl Member<'_> {
    fn at(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A node with the output `name`.
    fn node(
        &mut self,
        op_type: &str,
        inputs: &[&str],
        name: &str,
        attributes: Vec<super::schema::Attribute>,
    ) -> String {
        let output = self.at(name);
        self.graph.node(op_type, inputs, &output, attributes);
        output
    }

    /// Returns the name of the network's output.
    fn write(&mut self, network: &NetworkWeights, softmax: bool) -> String {
        let x = self.read(network);
        let mut x = self.node("Transpose", &[&x], "x_steps", vec![integers("perm", &[1, 0, 2])]);
        let each_step = network.head() == &Head::EachStep;
        let (mut hidden, mut width) = (String::new(), 0);
        for (index, stack) in network.stacks().iter().enumerate() {
            let name = self.at(&format!("recurrent_{index}"));
            if each_step {
                let state = if index == 0 { String::new() } else { format!("s{index}_") };
                x = self.graph.stack(&name, stack, &x, false, Some(&state));
            } else {
                (x, hidden) = self.graph.layers(&name, stack, &x, true, None);
            }
            width = stack.output_size();
        }
        let mut x = match network.head() {
            Head::EachStep => self.node("Transpose", &[&x], "steps", vec![integers("perm", &[1, 0, 2])]),
            Head::Last => self.last(&hidden, width),
            Head::Mean => self.mean(&x),
            Head::Max => {
                let masked = self.masked(&x, "max_masked");
                let attributes = vec![integers("axes", &[0]), integer("keepdims", 0)];
                self.node("ReduceMax", &[&masked], "pooled", attributes)
            }
            Head::Attention(attention) => self.attention(&x, attention),
        };
        for (index, layer) in network.dense().iter().enumerate() {
            x = self.dense(&x, layer, &format!("dense_{index}"));
        }
        if softmax { self.node("Softmax", &[&x], "probabilities", vec![integer("axis", -1)]) } else { x }
    }

    /// What the bottom stack reads, `[batch, time, input]`.
    fn read(&mut self, network: &NetworkWeights) -> String {
        let Some(embedding) = network.embedding() else { return "features".into() };
        let name = self.at("embedding");
        self.matrix(&name, embedding);
        let vectors = self.node("Gather", &[&name, "ids"], "vectors", vec![integer("axis", 0)]);
        match network.num_features() {
            0 => vectors,
            _ => self.node("Concat", &[&vectors, "features"], "x", vec![integer("axis", 2)]),
        }
    }

    fn matrix(&mut self, name: &str, matrix: &Matrix) {
        self.graph.floats(name, &[matrix.rows(), matrix.columns()], matrix.values());
    }

    /// `hidden [directions, batch, hidden]` → `[batch, directions * hidden]`.
    fn last(&mut self, hidden: &str, width: usize) -> String {
        let swapped = self.node("Transpose", &[hidden], "last_swapped", vec![integers("perm", &[1, 0, 2])]);
        let shape = self.at("last_shape");
        self.graph.integers(&shape, &[0, width as i64]);
        self.node("Reshape", &[&swapped, &shape], "pooled", Vec::new())
    }

    /// The mean over the valid steps of `x [time, batch, features]`; past a row's end it is zero.
    fn mean(&mut self, x: &str) -> String {
        let axes = self.at("time_axis");
        self.graph.integers(&axes, &[0]);
        let sum = self.node("ReduceSum", &[x, &axes], "sum", vec![integer("keepdims", 0)]);
        let count = self.node("Cast", &["lengths"], "count", vec![integer("to", data_type::FLOAT.into())]);
        let axes = self.at("feature_axis");
        self.graph.integers(&axes, &[1]);
        let count = self.node("Unsqueeze", &[&count, &axes], "count_column", Vec::new());
        self.node("Div", &[&sum, &count], "pooled", Vec::new())
    }

    /// `x [time, batch, features]` with a large negative number past each row's end.
    fn masked(&mut self, x: &str, name: &str) -> String {
        let [zero, one, last] = ["zero", "one", "last_axis"].map(|name| self.at(name));
        self.graph.integer(&zero, 0);
        self.graph.integer(&one, 1);
        self.graph.integers(&last, &[-1]);
        let shape = self.node("Shape", &[x], "shape", Vec::new());
        let time = self.node("Gather", &[&shape, &zero], "time", vec![integer("axis", 0)]);
        let steps = self.node("Range", &[&zero, &time, &one], "step_numbers", Vec::new());
        let steps = self.node("Unsqueeze", &[&steps, &last], "step_column", Vec::new());
        let lengths = self.node("Cast", &["lengths"], "lengths_64", vec![integer("to", data_type::INT64.into())]);
        let valid = self.node("Less", &[&steps, &lengths], "is_valid", Vec::new());
        let valid = self.node("Unsqueeze", &[&valid, &last], "is_valid_column", Vec::new());
        let masked = self.at("masked_value");
        self.graph.floats(&masked, &[], &[MASKED]);
        self.node("Where", &[&valid, x, &masked], name, Vec::new())
    }

    fn attention(&mut self, x: &str, AttentionWeights { hidden, energy }: &AttentionWeights) -> String {
        let hidden = self.dense(x, hidden, "attention_hidden");
        let hidden = self.node("Tanh", &[&hidden], "attention_tanh", Vec::new());
        let v = self.at("attention_energy_kernel");
        self.graph.floats(&v, &[energy.len(), 1], energy);
        let energy = self.node("MatMul", &[&hidden, &v], "attention_energy", Vec::new());
        let energy = self.masked(&energy, "attention_masked");
        let weights = self.node("Softmax", &[&energy], "attention_weights", vec![integer("axis", 0)]);
        let weighted = self.node("Mul", &[x, &weights], "attention_weighted", Vec::new());
        let axes = self.at("time_axis");
        self.graph.integers(&axes, &[0]);
        self.node("ReduceSum", &[&weighted, &axes], "pooled", vec![integer("keepdims", 0)])
    }

    fn dense(&mut self, x: &str, layer: &DenseWeights, name: &str) -> String {
        let kernel = self.at(&format!("{name}_kernel"));
        self.matrix(&kernel, &layer.weight.transposed());
        let Some(values) = &layer.bias else { return self.node("MatMul", &[x, &kernel], name, Vec::new()) };
        let product = self.node("MatMul", &[x, &kernel], &format!("{name}_product"), Vec::new());
        let bias = self.at(&format!("{name}_bias"));
        self.graph.floats(&bias, &[values.len()], values);
        self.node("Add", &[&product, &bias], name, Vec::new())
    }
}
