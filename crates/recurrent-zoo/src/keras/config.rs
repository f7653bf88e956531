//! What a model's configuration says of its recurrent layers.

use recurrent_models::Nonlinearity;
use serde_json::Value;

use crate::{CellVariant, Error, Result};

/// A model's configuration, JSON.
#[derive(Debug)]
pub(super) struct ModelConfig {
    root: Value,
}

impl ModelConfig {
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        let root = serde_json::from_slice(text)
            .map_err(|error| Error::Malformed { format: "Keras", reason: format!("the configuration: {error}") })?;
        Ok(Self { root })
    }

    /// The equations of the layer called `name`, whose weights are of the variant `of` and which has `directions`.
    pub(super) fn check(&self, name: &str, of: CellVariant, directions: usize) -> Result<CellVariant> {
        let mut layers = Vec::new();
        find(&self.root, name, &mut layers);
        let [first, others @ ..] = &layers[..] else {
            return Err(Error::unsupported(
                layer(name),
                "the model's configuration has no recurrent layer of this name",
            ));
        };
        let variant = check_layer(name, first, of, directions)?;
        for other in others {
            if check_layer(name, other, of, directions)? != variant {
                return Err(Error::unsupported(layer(name), "the model has different layers of this name"));
            }
        }
        Ok(variant)
    }
}

fn layer(name: &str) -> String {
    format!("the layer `{name}`")
}

/// The configurations of all layers of this name that are recurrent, with their classes.
fn find<'a>(value: &'a Value, name: &str, found: &mut Vec<(&'a str, &'a Value)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| find(item, name, found)),
        Value::Object(entries) => {
            if let (Some(class), Some(config)) = (class(value), value.get("config"))
                && config.get("name").and_then(Value::as_str) == Some(name)
                && ["SimpleRNN", "LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU", "RNN", "Bidirectional"].contains(&class)
            {
                found.push((class, config));
            }
            entries.values().for_each(|entry| find(entry, name, found));
        }
        _ => {}
    }
}

fn class(value: &Value) -> Option<&str> {
    value.get("class_name").and_then(Value::as_str)
}

fn check_layer(
    name: &str,
    (of, config): &(&str, &Value),
    variant: CellVariant,
    directions: usize,
) -> Result<CellVariant> {
    let refused = |what: String| Err(Error::unsupported(layer(name), what));
    if *of != "Bidirectional" {
        if directions == 2 {
            return refused(format!("it is a {of}, and its weights have two directions"));
        }
        return check_cell(name, of, config, variant, false);
    }
    if directions != 2 {
        return refused("it is Bidirectional, and its weights have one direction".into());
    }
    match config.get("merge_mode") {
        None => {}
        Some(mode) if mode == "concat" => {}
        Some(mode) => return refused(format!("merge_mode {mode} is not supported, only \"concat\"")),
    }
    let inner = |key: &str, reverse: bool| match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(inner) => match (class(inner), inner.get("config")) {
            (Some(class), Some(config)) => check_cell(name, class, config, variant, reverse).map(Some),
            _ => Err(Error::unsupported(layer(name), "its configuration does not say what it wraps")),
        },
    };
    let (forward, backward) = (inner("layer", false)?, inner("backward_layer", true)?);
    match forward {
        Some(forward) if backward.is_none_or(|backward| backward == forward) => Ok(forward),
        Some(_) => refused("its two directions are different cells".into()),
        None => refused("its configuration does not say what it wraps".into()),
    }
}

fn check_cell(name: &str, class: &str, config: &Value, of: CellVariant, reverse: bool) -> Result<CellVariant> {
    let refused = |what: String| Err(Error::unsupported(layer(name), what));
    let expected = match of {
        CellVariant::Rnn { .. } => "SimpleRNN",
        CellVariant::Lstm => "LSTM",
        CellVariant::Gru { .. } => "GRU",
    };
    if class != expected {
        return refused(format!("its class is {class}, and its weights have the shapes of {expected}"));
    }
    // A reverse direction reads backwards; a layer that does so alone has none here.
    if !reverse && config.get("go_backwards").and_then(Value::as_bool) == Some(true) {
        return refused("go_backwards is not supported: reverse the input, or use a bidirectional layer".into());
    }
    let activation = |key: &str, allowed: &[&str]| match config.get(key) {
        Some(Value::String(of)) if allowed.contains(&of.as_str()) => Ok(()),
        Some(other) => {
            let what = format!("{key} {other} is not supported, only {}", allowed.join(" or "));
            Err(Error::unsupported(layer(name), what))
        }
        None => Err(Error::unsupported(layer(name), format!("its configuration does not have {key}"))),
    };
    match of {
        CellVariant::Rnn { .. } => {
            activation("activation", &["tanh", "relu"])?;
            let relu = config.get("activation").is_some_and(|of| of == "relu");
            let nonlinearity = Some(if relu { Nonlinearity::Relu } else { Nonlinearity::Tanh });
            Ok(CellVariant::Rnn { nonlinearity })
        }
        CellVariant::Lstm => {
            activation("activation", &["tanh"])?;
            activation("recurrent_activation", &["sigmoid"])?;
            Ok(of)
        }
        CellVariant::Gru { reset_after } => {
            activation("activation", &["tanh"])?;
            activation("recurrent_activation", &["sigmoid"])?;
            // Before Keras 2.1 there was no such setting.
            let configured = config.get("reset_after").and_then(Value::as_bool).unwrap_or(false);
            if reset_after.is_some_and(|weights| weights != configured) {
                return refused(format!("reset_after is {configured}, and its bias has the shape of the contrary"));
            }
            Ok(CellVariant::Gru { reset_after: Some(configured) })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn model(class: &str, config: Value) -> ModelConfig {
        let mut config = config;
        config["name"] = "enc".into();
        ModelConfig { root: json!({"config": {"layers": [{"class_name": class, "config": config}]}}) }
    }

    fn error(class: &str, config: Value, of: CellVariant, directions: usize) -> String {
        model(class, config).check("enc", of, directions).unwrap_err().to_string()
    }

    const GRU: CellVariant = CellVariant::Gru { reset_after: None };

    #[test]
    fn settings_decide_what_shapes_leave_open() {
        let relu = model("SimpleRNN", json!({"activation": "relu"}));
        let rnn = |nonlinearity| CellVariant::Rnn { nonlinearity };
        assert_eq!(relu.check("enc", rnn(None), 1).unwrap(), rnn(Some(Nonlinearity::Relu)));
        let gru = json!({"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": false});
        let found = model("GRU", gru).check("enc", GRU, 1).unwrap();
        assert_eq!(found, CellVariant::Gru { reset_after: Some(false) });
    }

    #[test]
    fn other_settings_are_refused_by_name() {
        let lstm = |recurrent: &str, backwards: bool| {
            let mut config = json!({"activation": "tanh", "recurrent_activation": recurrent});
            config["go_backwards"] = backwards.into();
            config
        };
        assert_eq!(
            error("LSTM", lstm("hard_sigmoid", false), CellVariant::Lstm, 1),
            "the layer `enc`: recurrent_activation \"hard_sigmoid\" is not supported, only sigmoid"
        );
        assert!(error("LSTM", lstm("sigmoid", true), CellVariant::Lstm, 1).contains("go_backwards"));
        assert!(error("LSTM", json!({"activation": "tanh"}), CellVariant::Lstm, 1).contains("recurrent_activation"));
        assert!(error("CuDNNLSTM", json!({}), CellVariant::Lstm, 1).contains("its class is CuDNNLSTM"));
        let bidirectional = |mode: Value| json!({"merge_mode": mode, "layer": {"class_name": "LSTM", "config": {}}});
        assert_eq!(
            error("Bidirectional", bidirectional("sum".into()), CellVariant::Lstm, 2),
            "the layer `enc`: merge_mode \"sum\" is not supported, only \"concat\""
        );
        assert!(error("Bidirectional", bidirectional(Value::Null), CellVariant::Lstm, 2).contains("merge_mode null"));
        assert!(error("Dense", json!({}), CellVariant::Lstm, 1).contains("has no recurrent layer of this name"));
        let gru = json!({"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": true});
        let before = CellVariant::Gru { reset_after: Some(false) };
        assert!(error("GRU", gru, before, 1).contains("reset_after is true"));
    }
}
