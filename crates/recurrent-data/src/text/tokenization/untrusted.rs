//! Limits on a `tokenizer.json`, which somebody else may have written: it must cost neither memory nor time without bound,
//! and not make the library panic.

use serde_json::Value;

/// The maximum size of the file in bytes.
pub(super) const MAX_BYTES: u64 = 1 << 26;

/// Ids are below this number, because networks have a row for each.
const MAX_IDS: u64 = 1_000_000;

/// The maximum number of tokens besides those of the model.
const MAX_ADDED: usize = 10_000;

/// The maximum length of a pattern, or another text of a component, in bytes.
const MAX_TEXT: usize = 10_000;

/// The maximum number of components, such as normalizers.
const MAX_COMPONENTS: usize = 100;

/// How many times longer normalizers or decoders may make a text.
const MAX_GROWTH: usize = 1000;

/// The maximum size of a table of replacements (`precompiled_charsmap`) in bytes. SentencePiece's own have 400 kB.
const MAX_CHARSMAP: usize = 1 << 22;

/// The maximum score of a piece of a unigram model; they are logarithms of probabilities.
const MAX_SCORE: f64 = 1e6;

/// The maximum number of characters of a word that a WordPiece model splits, in quadratic time.
const MAX_WORD: u64 = 10_000;

type Checked<T = ()> = Result<T, String>;

/// Checks the limits.
///
/// # Errors
/// What was expected, and what was found.
pub(super) fn check(file: &Value) -> Checked {
    check_model(&file["model"])?;
    let added = file["added_tokens"].as_array().map_or(&[][..], Vec::as_slice);
    if added.len() > MAX_ADDED {
        return Err(format!("at most {MAX_ADDED} added tokens, found {}", added.len()));
    }
    added.iter().map(|token| &token["id"]).try_for_each(check_id)?;
    for token in added {
        check_text("content", &token["content"])?;
    }
    for part in ["normalizer", "pre_tokenizer", "post_processor", "decoder"] {
        let mut components = Components::default();
        components.check(&file[part])?;
        if components.growth > MAX_GROWTH {
            return Err(format!(
                "a {part} that makes texts at most {MAX_GROWTH} times longer, found one that can do more"
            ));
        }
    }
    Ok(())
}

fn check_model(model: &Value) -> Checked {
    match &model["vocab"] {
        Value::Object(ids) => ids.values().try_for_each(check_id)?,
        Value::Array(pieces) => {
            check_id(&pieces.len().saturating_sub(1).into())?;
            let scores = pieces.iter().filter_map(|piece| piece[1].as_f64());
            if let Some(score) = scores.into_iter().find(|score| score.abs() > MAX_SCORE) {
                return Err(format!("scores from -{MAX_SCORE} to {MAX_SCORE}, found {score}"));
            }
        }
        // The library reports what is missing.
        _ => {}
    }
    match model["max_input_chars_per_word"].as_u64() {
        Some(chars) if chars > MAX_WORD => {
            Err(format!("a `max_input_chars_per_word` of at most {MAX_WORD}, found {chars}"))
        }
        _ => Ok(()),
    }
}

fn check_id(id: &Value) -> Checked {
    match id.as_u64() {
        Some(id) if id < MAX_IDS => Ok(()),
        _ => Err(format!("ids below {MAX_IDS}, found {id}")),
    }
}

fn check_text(name: &str, value: &Value) -> Checked {
    match value.as_str() {
        Some(text) if text.len() > MAX_TEXT => {
            Err(format!("a `{name}` of at most {MAX_TEXT} bytes, found {} bytes", text.len()))
        }
        _ => Ok(()),
    }
}

/// The components of a normalizer, a pre-tokenizer, a post-processor or a decoder.
struct Components {
    count: usize,
    /// How many times longer all of them can make a text.
    growth: usize,
}

impl Default for Components {
    fn default() -> Self {
        Self { count: 0, growth: 1 }
    }
}

impl Components {
    fn check(&mut self, value: &Value) -> Checked {
        match value {
            Value::Array(values) => values.iter().try_for_each(|value| self.check(value)),
            Value::Object(component) => {
                self.check_component(value)?;
                component.iter().try_for_each(|(name, value)| match &**name {
                    "precompiled_charsmap" => Ok(()),
                    name => check_text(name, value).and_then(|()| self.check(value)),
                })
            }
            _ => Ok(()),
        }
    }

    fn check_component(&mut self, component: &Value) -> Checked {
        let kind = &component["type"];
        // The library takes some components without a type, too.
        if !["type", "content", "prepend"].iter().any(|name| component.get(name).is_some()) {
            return Ok(());
        }
        if !kind.is_null() && !kind.is_string() {
            return Err("a `type` that is a text, found another".into());
        }
        self.count += 1;
        if self.count > MAX_COMPONENTS {
            return Err(format!("at most {MAX_COMPONENTS} components, found more"));
        }
        if component["length"] == 0 {
            return Err("a `length` of at least 1, found 0".into());
        }
        // The decoder that strips a token at its end fails on a shorter one.
        if component["stop"].as_u64().is_some_and(|stop| stop > 0) {
            return Err("a decoder that strips nothing at the end (`stop` 0), found another".into());
        }
        // A pattern can match between all characters, and a text be prepended between all added tokens.
        let length = |name: &str| component[name].as_str().map_or(0, str::len);
        let mut grows = length("content") + length("prepend") + 1;
        if kind == "ByteLevel" {
            // Each byte becomes a letter of up to two bytes.
            grows = 2;
        }
        if let Some(map) = component.get("precompiled_charsmap") {
            let longest = map.as_str().and_then(decode_base64).as_deref().and_then(charsmap);
            grows = longest.ok_or("a valid `precompiled_charsmap`, found another")? + 1;
        }
        self.growth = self.growth.saturating_mul(grows);
        Ok(())
    }
}

/// The bytes of a text in Base64 (RFC 4648), up to [`MAX_CHARSMAP`].
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    (bytes.len() <= MAX_CHARSMAP).then_some(bytes)
}

/// The longest replacement in SentencePiece's table of characters and their replacements, in bytes; `None` if the table is
/// invalid. It is the size of a trie, the trie as a double array (Darts), and the replacements, which end with `\0`.
///
/// The library trusts the table: every step that a text could take in the trie has to stay in it.
fn charsmap(bytes: &[u8]) -> Option<usize> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let size = u32::from_le_bytes(*size) as usize;
    let (trie, replacements) = rest.split_at_checked(size)?;
    let (units, []) = trie.as_chunks::<4>() else { return None };
    let units: Vec<u32> = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
    let replacements = std::str::from_utf8(replacements).ok()?;
    let offset = |unit: u32| (unit >> 10 << ((unit & 1 << 9) >> 6)) as usize;
    let mut seen = vec![false; units.len()];
    let mut open = vec![offset(*units.first()?)];
    let mut longest = 0;
    while let Some(node) = open.pop() {
        if std::mem::replace(seen.get_mut(node)?, true) {
            continue;
        }
        for byte in 1..=u8::MAX {
            let child = node ^ usize::from(byte);
            let unit = *units.get(child)?;
            if unit & (1 << 31 | 0xFF) != u32::from(byte) {
                continue;
            }
            let next = child ^ offset(unit);
            if unit >> 8 & 1 == 1 {
                let replacement = replacements.get((*units.get(next)? & !(1 << 31)) as usize..)?;
                longest = longest.max(replacement.find('\0').unwrap_or(replacement.len()));
            }
            open.push(next);
        }
    }
    Some(longest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A table that replaces `a` by this text, as SentencePiece writes it.
    fn table(replacement: &str, value: u32) -> Vec<u8> {
        let mut units = [0_u32; 512];
        units[0] = 256 << 10;
        // The leaf of `a` is where its offset leads: its value is the place of the replacement.
        let node = 256 ^ usize::from(b'a');
        units[node] = u32::from(b'a') | 1 << 8 | ((node ^ 1) as u32) << 10;
        units[1] = value | 1 << 31;
        let trie = units.iter().flat_map(|unit| unit.to_le_bytes());
        let size = (4 * units.len() as u32).to_le_bytes();
        size.into_iter().chain(trie).chain(replacement.bytes()).chain([0]).collect()
    }

    fn encode_base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let group = |group: &[u8]| {
            let mut bytes = [0; 4];
            bytes[1..=group.len()].copy_from_slice(group);
            let bits = u32::from_be_bytes(bytes);
            let digits = (0..=group.len()).map(|digit| char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
            digits.chain(std::iter::repeat_n('=', 3 - group.len())).collect::<String>()
        };
        bytes.chunks(3).map(group).collect()
    }

    #[test]
    fn base64_is_decoded() {
        for length in 0..9 {
            let bytes: Vec<u8> = (0..length).map(|byte: u8| byte.wrapping_mul(77) + 3).collect();
            assert_eq!(decode_base64(&encode_base64(&bytes)), Some(bytes));
        }
        assert_eq!(decode_base64("QUJD").unwrap(), b"ABC");
        assert_eq!(decode_base64("Q!"), None);
    }

    #[test]
    fn tables_of_replacements_are_walked() {
        assert_eq!(charsmap(&table("bcd", 0)), Some(3));
        assert_eq!(charsmap(&table("bcd", 2)), Some(1));
        for broken in [table("bcd", 5), table("ы", 1), table("", 0)[..1000].to_vec(), b"AAAA".to_vec(), Vec::new()] {
            assert_eq!(charsmap(&broken), None);
        }
        let mut far = table("bcd", 0);
        far[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(charsmap(&far), None);
    }

    #[test]
    fn library_reads_the_table_as_it_is_checked() {
        let bytes = table("bcd", 0);
        let normalizer = tokenizers::normalizers::Precompiled::from(&bytes).unwrap();
        assert_eq!(normalizer.normalize_string("xay"), "xbcdy");
    }

    #[test]
    fn growth_is_limited() {
        let grow = |count: usize, content: &str| {
            let replace = json!({"type": "Replace", "pattern": {"String": "a"}, "content": content});
            check(&json!({"normalizer": {"type": "Sequence", "normalizers": vec![replace; count]}}))
        };
        assert_eq!(grow(3, "\u{2581}"), Ok(()));
        assert!(grow(3, &"a".repeat(20)).unwrap_err().starts_with("a normalizer that makes texts at most 1000 times"));
        assert!(grow(200, "").unwrap_err().starts_with("at most 100 components"));
        let charsmap = encode_base64(&table(&"b".repeat(1000), 0));
        let normalizer = json!({"type": "Precompiled", "precompiled_charsmap": charsmap});
        assert!(check(&json!({"normalizer": normalizer})).is_err());
    }
}
