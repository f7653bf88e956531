//! Writing Keras 3's `.weights.h5`.

use std::collections::{BTreeMap, BTreeSet};

use hdf5_pure::{AttrValue, FileBuilder, FinishedGroup, GroupBuilder};

use super::convert::{Array, export};
use crate::{CellVariant, CellWeights, Error, Result, StackWeights};

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
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut file = FileBuilder::new();
    let mut layers = file.create_group("layers");
    for &(name, stack) in stacks {
        if name.is_empty() || name.contains('/') || !names.insert(name) {
            return Err(Error::inconsistent(
                "the names of the stacks",
                "each once and without a slash",
                format!("`{name}`"),
            ));
        }
        if let CellVariant::Gru { reset_after: None } = stack.variant() {
            return Err(Error::Unknown { what: "whether the GRU's reset gate is applied before the product or after" });
        }
        for (depth, layer) in stack.split_layers().into_iter().enumerate() {
            let name = stack.layer_name(name, depth);
            let class = if layer.directions() == 2 { "bidirectional" } else { snake_case(layer.variant()) };
            // Keras names groups by class, and counts them in the order of the model.
            let count = classes.entry(class).or_default();
            let group = if *count == 0 { class.to_owned() } else { format!("{class}_{count}") };
            *count += 1;
            let built = layer_group(layers.create_group(&group), &name, &layer);
            layers.add_group(built);
        }
    }
    file.add_group(layers.finish());
    let mut root = file.create_group("vars");
    root.set_attr("name", AttrValue::VarLenString("model".into()));
    file.add_group(root.finish());
    file.finish().map_err(|error| Error::Malformed { format: "HDF5", reason: error.to_string() })
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

fn add_cell(group: &mut GroupBuilder, weights: &CellWeights, stack: &StackWeights) {
    let keras = export(weights, stack.variant(), stack.input_size(), stack.hidden_size());
    let mut cell = group.create_group("cell");
    let mut vars = cell.create_group("vars");
    vars.set_attr("name", AttrValue::VarLenString(format!("{}_cell", snake_case(stack.variant()))));
    for (index, array) in [Some(keras.kernel), Some(keras.recurrent), keras.bias].into_iter().flatten().enumerate() {
        let Array { shape, values, .. } = array;
        let shape: Vec<u64> = shape.into_iter().map(|size| size as u64).collect();
        vars.create_dataset(&index.to_string()).with_f32_data(&values).with_shape(&shape);
    }
    cell.add_group(vars.finish());
    group.add_group(cell.finish());
}
