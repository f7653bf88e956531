//! XML documents, within limits.

use roxmltree::{Document, ParsingOptions};

use crate::{MusicError, Result};

/// The most elements, texts and comments of a document together, and the most tags and attributes.
const MAX_NODES: u32 = 1 << 22;

/// The most attributes of an element; each is compared with all others.
const MAX_ATTRIBUTES: usize = 100;

/// The most namespaces of a document; an element inherits all that are declared around it.
const MAX_NAMESPACES: usize = 100;

/// The file that a document is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct XmlFile<'a> {
    /// The file, as in messages.
    pub(super) path: &'a str,
    /// The entry of a zip file, or empty.
    pub(super) entry: &'a str,
}

impl XmlFile<'_> {
    /// The error that something else was expected in a line, counted from 1.
    pub(super) fn error(self, line: usize, expected: impl Into<String>, found: impl Into<String>) -> MusicError {
        let place = if self.entry.is_empty() { format!("line {line}") } else { format!("{}, line {line}", self.entry) };
        MusicError::invalid(self.path, place, expected, found)
    }

    /// The error that something else was expected at a byte of the text.
    pub(super) fn error_at(
        self,
        text: &[u8],
        at: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> MusicError {
        let lines = text.iter().take(at).filter(|byte| **byte == b'\n').count();
        self.error(lines + 1, expected, found)
    }
}

/// Parses a document. A document type is passed over, and nothing that it names is loaded.
pub(super) fn parse<'a>(file: XmlFile<'_>, text: &'a str) -> Result<Document<'a>> {
    check(file, text)?;
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MAX_NODES, entity_resolver: None };
    Document::parse_with_options(text, options).map_err(|error| malformed(file, text, &error))
}

/// Refuses, before anything is parsed, what would take more time or memory than a document of its size should.
fn check(file: XmlFile<'_>, text: &str) -> Result<()> {
    if let Some(at) = text.find("<!ENTITY") {
        return Err(file.error_at(text.as_bytes(), at, "no entities of the file's own", "`<!ENTITY`"));
    }
    let count = |wanted: u8| text.bytes().filter(|byte| *byte == wanted).count();
    if count(b'<').max(count(b'=')) > MAX_NODES as usize {
        return Err(file.error(1, format!("at most {MAX_NODES} tags and attributes"), "more"));
    }
    if let Some((at, _)) = text.match_indices("xmlns").nth(MAX_NAMESPACES) {
        return Err(file.error_at(text.as_bytes(), at, format!("at most {MAX_NAMESPACES} namespaces"), "more"));
    }
    check_attributes(file, text)
}

fn check_attributes(file: XmlFile<'_>, text: &str) -> Result<()> {
    let is_attribute = |after: &&str| after.trim_start().starts_with(['"', '\'']);
    let mut at = 0;
    for tag in text.split('<') {
        if tag.split('=').skip(1).filter(is_attribute).nth(MAX_ATTRIBUTES).is_some() {
            let expected = format!("at most {MAX_ATTRIBUTES} attributes of an element");
            return Err(file.error_at(text.as_bytes(), at, expected, "more"));
        }
        at += tag.len() + 1;
    }
    Ok(())
}

fn malformed(file: XmlFile<'_>, text: &str, error: &roxmltree::Error) -> MusicError {
    use roxmltree::Error;
    let line = error.pos().row as usize;
    match error {
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => {
            file.error_at(text.as_bytes(), text.len(), "an end tag for every element", "the end of the file")
        }
        Error::UnexpectedCloseTag(expected, found, _) => {
            file.error(line, format!("`</{expected}>`"), format!("`</{found}>`"))
        }
        Error::NoRootNode => file.error(line, "an XML document", "no element"),
        Error::NodesLimitReached => file.error(line, format!("at most {MAX_NODES} elements and texts"), "more"),
        other => file.error(line, "well-formed XML", without_position(&other.to_string())),
    }
}

/// A message without the position that it ends with, such as ` at 3:14`.
fn without_position(message: &str) -> &str {
    let is_position = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    message.rsplit_once(" at ").filter(|(_, position)| is_position(position)).map_or(message, |(start, _)| start)
}
