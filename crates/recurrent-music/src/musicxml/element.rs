//! Elements of a document.

use std::str::FromStr;

use roxmltree::{Document, Node};

use super::document::XmlFile;
use crate::error::quoted;
use crate::{MusicError, Result};

/// An element, which knows where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    file: XmlFile<'a>,
    node: Node<'a, 'a>,
}

impl<'a> Element<'a> {
    pub(super) fn root(file: XmlFile<'a>, document: &'a Document<'a>) -> Self {
        Self { file, node: document.root_element() }
    }

    pub(super) fn name(self) -> &'a str {
        self.node.tag_name().name()
    }

    /// The elements right in this one.
    pub(super) fn children(self) -> impl Iterator<Item = Self> {
        self.node.children().filter(Node::is_element).map(move |node| Self { node, ..self })
    }

    /// All elements of this name in this one, at any depth.
    pub(super) fn descendants(self, name: &str) -> impl Iterator<Item = Self> {
        let nodes = self.node.descendants().filter(move |node| node.has_tag_name(name));
        nodes.map(move |node| Self { node, ..self })
    }

    /// The elements of this name right in this one.
    pub(super) fn named(self, name: &str) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The first element of this name right in this one.
    pub(super) fn child(self, name: &str) -> Option<Self> {
        self.named(name).next()
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.child(name).is_some()
    }

    /// The first element of this name right in this one, which must be there.
    pub(super) fn required(self, name: &str) -> Result<Self> {
        self.child(name).ok_or_else(|| self.error(format!("`{name}` in `{}`", self.name()), "none"))
    }

    /// The text without spaces around it.
    pub(super) fn text(self) -> &'a str {
        self.node.children().find(Node::is_text).and_then(|node| node.text()).unwrap_or("").trim()
    }

    pub(super) fn attribute(self, name: &str) -> Option<&'a str> {
        self.node.attribute(name)
    }

    /// The text as a number, or what else is expected.
    pub(super) fn number<T: FromStr>(self, expected: &str) -> Result<T> {
        self.text().parse().map_err(|_| self.error_at_text(expected))
    }

    /// The error that something else was expected here.
    pub(super) fn error(self, expected: impl Into<String>, found: impl Into<String>) -> MusicError {
        let line = self.node.document().text_pos_at(self.node.range().start).row;
        self.file.error(line as usize, expected, found)
    }

    /// The error that something else was expected than the text.
    pub(super) fn error_at_text(self, expected: impl Into<String>) -> MusicError {
        self.error(expected, quoted(self.text()))
    }
}
