//! The wheel of Home Assistant, to pairs of texts.
//!
//! Each component has `translations/en.json`, `ru.json` and more: objects in objects, with texts at the ends, under the
//! same keys in every language.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use serde_json::Value;
use zip::ZipArchive;

use super::package::{damaged_zip, open_zip};
use super::{FetchError, Result, one_line};

const SOURCE: &str = "en";
const TARGET: &str = "ru";

/// Where a text stands that is the text of another key.
const REFERENCE: &str = "[%key:";

/// Texts by their keys, `config.step.user.title`, in the order of the keys.
type Texts = BTreeMap<String, String>;

/// Reads the wheel and writes a CSV file of `english`, `russian` and `component`: components in the order of their
/// names, texts in the order of their keys.
///
/// Left out are texts that refer to another, empty ones, those that are the same in both languages, and a pair that has
/// come before. Placeholders stay as they are.
pub(super) fn prepare(raw: &Path, out: impl Write, out_path: &Path) -> Result<()> {
    let mut wheel = open_zip(raw)?;
    let cannot_write = |cause: csv::Error| FetchError::io("cannot write", out_path)(cause.into());
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["english", "russian", "component"]).map_err(cannot_write)?;
    let mut seen = HashSet::new();
    for component in components(&wheel) {
        let english = texts(&mut wheel, raw, &component, SOURCE)?;
        let mut russian = texts(&mut wheel, raw, &component, TARGET)?;
        for (key, english) in english {
            let Some(russian) = russian.remove(&key) else { continue };
            if is_pair(&english, &russian) && seen.insert((english.clone(), russian.clone())) {
                out.write_record([&english, &russian, &component]).map_err(cannot_write)?;
            }
        }
    }
    out.flush().map_err(FetchError::io("cannot write", out_path))
}

fn is_pair(english: &str, russian: &str) -> bool {
    let text = |text: &str| !text.is_empty() && !text.contains(REFERENCE);
    text(english) && text(russian) && english != russian
}

fn inside(component: &str, language: &str) -> String {
    format!("homeassistant/components/{component}/translations/{language}.json")
}

/// The components that have both languages, in the order of their names.
fn components(wheel: &ZipArchive<BufReader<File>>) -> Vec<String> {
    let (before, after) = ("homeassistant/components/", format!("/translations/{SOURCE}.json"));
    let names = wheel.file_names().flatten();
    let mut components: Vec<String> = names
        .filter_map(|name| Some(name.strip_prefix(before)?.strip_suffix(&*after)?.to_string()))
        .filter(|component| !component.contains('/'))
        .filter(|component| wheel.index_for_name(&inside(component, TARGET)).is_some())
        .collect();
    components.sort_unstable();
    components
}

/// The texts of a component in a language, each on one line.
fn texts(wheel: &mut ZipArchive<BufReader<File>>, raw: &Path, component: &str, language: &str) -> Result<Texts> {
    let name = inside(component, language);
    let file = wheel.by_name(&name).map_err(|cause| damaged_zip(raw, format!("{name}: {cause}")))?;
    let value: Value = serde_json::from_reader(BufReader::new(file)).map_err(|cause| FetchError::Unexpected {
        path: name,
        line: cause.line(),
        expected: "texts in JSON",
        found: cause.to_string(),
    })?;
    let mut texts = Texts::new();
    collect(&value, String::new(), &mut texts);
    Ok(texts)
}

/// Gathers the texts at the ends.
fn collect(value: &Value, key: String, texts: &mut Texts) {
    match value {
        Value::String(text) => {
            texts.insert(key, one_line(text));
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
