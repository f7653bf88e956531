//! Vocabularies of characters, as other programs save them.

use std::error::Error;

use serde_json::Value;

/// The characters of `["a", "b"]` or `{"a": 0, "b": 1}`, in the order of their ids.
pub(super) fn characters(json: &Value) -> Result<Vec<char>, Box<dyn Error + Send + Sync>> {
    let entries: Vec<(&str, u64)> = match json {
        Value::Array(tokens) => tokens.iter().zip(0..).filter_map(|(token, id)| Some((token.as_str()?, id))).collect(),
        Value::Object(ids) => ids.iter().filter_map(|(token, id)| Some((token.as_str(), id.as_u64()?))).collect(),
        _ => Vec::new(),
    };
    let given = json.as_array().map(Vec::len).or(json.as_object().map(serde_json::Map::len)).unwrap_or_default();
    if entries.is_empty() || entries.len() != given {
        return Err("characters with their ids, found other values".into());
    }
    let mut characters = vec![None; entries.len()];
    for (token, id) in entries {
        let mut chars = token.chars();
        let (Some(character), None) = (chars.next(), chars.next()) else {
            return Err(format!("a character for each token, found {token:?}").into());
        };
        match usize::try_from(id).ok().and_then(|id| characters.get_mut(id)) {
            Some(place @ None) => *place = Some(character),
            _ => return Err(format!("ids from 0 without a gap, each once, found {id} of {token:?}").into()),
        }
    }
    let mut sorted: Vec<char> = characters.iter().copied().flatten().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("each character once, found {:?} twice", pair[0]).into()),
        None => Ok(characters.into_iter().flatten().collect()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_ids_are_read_in_the_order_of_ids() {
        assert_eq!(characters(&json!(["b", "\n", "а"])).unwrap(), ['b', '\n', 'а']);
        assert_eq!(characters(&json!({"b": 1, "a": 2, " ": 0})).unwrap(), [' ', 'b', 'a']);
    }

    #[test]
    fn other_values_are_refused() {
        for (json, expected) in [
            (json!(["a", "bc"]), "a character for each token, found \"bc\""),
            (json!(["a", "a"]), "each character once, found 'a' twice"),
            (json!({"a": 0, "b": 2}), "ids from 0 without a gap, each once, found 2 of \"b\""),
            (json!({"a": 0, "b": 0}), "ids from 0 without a gap, each once, found 0 of \"b\""),
            (json!({"a": "x"}), "characters with their ids, found other values"),
            (json!(7), "characters with their ids, found other values"),
            (json!([]), "characters with their ids, found other values"),
        ] {
            assert_eq!(characters(&json).unwrap_err().to_string(), expected);
        }
    }
}
