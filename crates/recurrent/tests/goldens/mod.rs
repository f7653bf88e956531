//! Numbers in golden files.

use burn::tensor::TensorData;
use serde_json::Value;

/// The data of a tensor from nested lists.
pub fn data(value: &Value) -> TensorData {
    let mut shape = Vec::new();
    let mut inner = value;
    while let Value::Array(items) = inner {
        shape.push(items.len());
        inner = &items[0];
    }
    let mut values = Vec::new();
    flatten(value, &mut values);
    TensorData::new(values, shape)
}

fn flatten(value: &Value, values: &mut Vec<f64>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, values)),
        number => values.push(number.as_f64().expect("a number")),
    }
}
