//! Writing Keras 3's `.weights.h5`.

use std::collections::{BTreeMap, BTreeSet};

use hdf5_pure::{AttrValue, FileBuilder, FinishedGroup, GroupBuilder};

use super::convert::export;
use crate::{
    AttentionWeights, CellVariant, CellWeights, DenseWeights, Error, Head, NetworkWeights, Result, StackWeights,
};

/// The bytes of a `.weights.h5` file for a Keras 3 model whose layers are these, in this order: one Keras layer
/// (`LSTM`, `Bidirectional`, …) per layer of each stack, named `{name}` if the stack has one layer, and `{name}_l0`,
/// `{name}_l1`, … if it has several. A model that has other layers with weights, too, does not take it.
///
/// Keras has one bias per gate, so the two of a stack are [summed](StackWeights::with_summed_biases), except for a
/// reset-after GRU, which has both.
///
/// # Errors
/// If a GRU leaves open where its reset gate is applied, or a name is empty, has a slash or appears twice.
pub fn to_weights_h5(stacks: &[(&str, &StackWeights)]) -> Result<Vec<u8>> {
    let mut names = BTreeSet::new();
    let mut file = FileBuilder::new();
    let mut layers = Layers::new(file.create_group("layers"));
    for &(name, stack) in stacks {
        if name.is_empty() || name.contains('/') || !names.insert(name) {
            return Err(Error::inconsistent(
                "the names of the stacks",
                "each once and without a slash",
                format!("`{name}`"),
            ));
        }
        layers.add_stack(name, stack)?;
    }
    finish(file, layers)
}

/// The bytes of a `.weights.h5` file for a Keras 3 model of a network: `Embedding`, the recurrent layers, the two `Dense` of
/// an attention, and the `Dense` layers. The members of an ensemble are models inside of the model, in their order.
///
/// # Errors
/// If a GRU leaves open where its reset gate is applied, or the members have different parts.
pub fn network_to_weights_h5(members: &[NetworkWeights]) -> Result<Vec<u8>> {
    NetworkWeights::check_members(members)?;
    let mut file = FileBuilder::new();
    let mut layers = Layers::new(file.create_group("layers"));
    match members {
        [network] => layers.add_network(network)?,
        members => {
            for (index, network) in members.iter().enumerate() {
                layers.add("functional", |mut group| {
                    let mut inner = Layers::new(group.create_group("layers"));
                    inner.add_network(network)?;
                    group.add_group(inner.group.finish());
                    add_name(&mut group, &format!("member_{index}"));
                    Ok(group.finish())
                })?;
            }
        }
    }
    finish(file, layers)
}

fn finish(mut file: FileBuilder, layers: Layers) -> Result<Vec<u8>> {
    file.add_group(layers.group.finish());
    let mut root = file.create_group("vars");
    root.set_attr("name", AttrValue::VarLenString("model".into()));
    file.add_group(root.finish());
    file.finish().map_err(|error| Error::Malformed { format: "HDF5", reason: error.to_string() })
}

/// The layers of a model. Keras names their groups by class, and counts them in the order of the model.
struct Layers {
    group: GroupBuilder,
    classes: BTreeMap<&'static str, usize>,
}

impl Layers {
    fn new(group: GroupBuilder) -> Self {
        Self { group, classes: BTreeMap::new() }
    }

    fn add(&mut self, class: &'static str, build: impl FnOnce(GroupBuilder) -> Result<FinishedGroup>) -> Result<()> {
        let count = self.classes.entry(class).or_default();
        let name = if *count == 0 { class.to_owned() } else { format!("{class}_{count}") };
        *count += 1;
        let built = build(self.group.create_group(&name))?;
        self.group.add_group(built);
        Ok(())
    }

    fn add_stack(&mut self, name: &str, stack: &StackWeights) -> Result<()> {
        if let CellVariant::Gru { reset_after: None } = stack.variant() {
            return Err(Error::Unknown { what: "whether the GRU's reset gate is applied before the product or after" });
        }
        for (depth, layer) in stack.split_layers().into_iter().enumerate() {
            let name = stack.layer_name(name, depth);
            let class = if layer.directions() == 2 { "bidirectional" } else { snake_case(layer.variant()) };
            self.add(class, |group| Ok(layer_group(group, &name, &layer)))?;
        }
        Ok(())
    }

    /// A layer of these variables, `(shape, values)`.
    fn add_variables(&mut self, class: &'static str, name: &str, variables: &[(Vec<usize>, &[f32])]) -> Result<()> {
        self.add(class, |mut group| {
            let mut vars = group.create_group("vars");
            vars.set_attr("name", AttrValue::VarLenString(name.into()));
            for (index, (shape, values)) in variables.iter().enumerate() {
                add_variable(&mut vars, index, shape, values);
            }
            group.add_group(vars.finish());
            Ok(group.finish())
        })
    }

    fn add_dense(&mut self, name: &str, layer: &DenseWeights) -> Result<()> {
        let kernel = layer.weight.transposed();
        let mut variables = vec![(vec![kernel.rows(), kernel.columns()], kernel.values())];
        variables.extend(layer.bias.iter().map(|bias| (vec![bias.len()], bias.as_slice())));
        self.add_variables("dense", name, &variables)
    }

    fn add_network(&mut self, network: &NetworkWeights) -> Result<()> {
        if let Some(embedding) = network.embedding() {
            let variable = (vec![embedding.rows(), embedding.columns()], embedding.values());
            self.add_variables("embedding", "embedding", &[variable])?;
        }
        for (index, stack) in network.stacks().iter().enumerate() {
            self.add_stack(&format!("recurrent_{index}"), stack)?;
        }
        if let Head::Attention(AttentionWeights { hidden, energy }) = network.head() {
            self.add_dense("attention_hidden", hidden)?;
            self.add_variables("dense", "attention_energy", &[(vec![energy.len(), 1], energy)])?;
        }
        for (index, layer) in network.dense().iter().enumerate() {
            self.add_dense(&format!("dense_{index}"), layer)?;
        }
        Ok(())
    }
}

fn snake_case(variant: CellVariant) -> &'static str {
    match variant {
        CellVariant::Rnn { .. } => "simple_rnn",
        CellVariant::Lstm => "lstm",
        CellVariant::Gru { .. } => "gru",
    }
}

/// The group of a Keras layer, for a stack of one layer.
fn layer_group(mut group: GroupBuilder, name: &str, stack: &StackWeights) -> FinishedGroup {
    let as_in_keras = match stack.variant() {
        CellVariant::Gru { reset_after: Some(true) } => stack.clone(),
        _ => stack.clone().with_summed_biases(),
    };
    for layer in as_in_keras.layers() {
        match &layer.reverse {
            None => add_cell(&mut group, &layer.forward, stack),
            Some(reverse) => {
                for (direction, cell) in [("forward", &layer.forward), ("backward", reverse)] {
                    let mut inner = group.create_group(&format!("{direction}_layer"));
                    add_cell(&mut inner, cell, stack);
                    add_name(&mut inner, &format!("{direction}_{}", snake_case(stack.variant())));
                    group.add_group(inner.finish());
                }
            }
        }
    }
    add_name(&mut group, name);
    group.finish()
}

fn add_name(group: &mut GroupBuilder, name: &str) {
    let mut vars = group.create_group("vars");
    vars.set_attr("name", AttrValue::VarLenString(name.into()));
    group.add_group(vars.finish());
}

fn add_variable(vars: &mut GroupBuilder, index: usize, shape: &[usize], values: &[f32]) {
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    vars.create_dataset(&index.to_string()).with_f32_data(values).with_shape(&shape);
}

fn add_cell(group: &mut GroupBuilder, weights: &CellWeights, stack: &StackWeights) {
    let keras = export(weights, stack.variant(), stack.input_size(), stack.hidden_size());
    let mut cell = group.create_group("cell");
    let mut vars = cell.create_group("vars");
    vars.set_attr("name", AttrValue::VarLenString(format!("{}_cell", snake_case(stack.variant()))));
    for (index, array) in [Some(keras.kernel), Some(keras.recurrent), keras.bias].into_iter().flatten().enumerate() {
        add_variable(&mut vars, index, &array.shape, &array.values);
    }
    cell.add_group(vars.finish());
    group.add_group(cell.finish());
}
