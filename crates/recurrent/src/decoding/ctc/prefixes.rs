//! The prefixes of a beam search, as a tree in which each shares the beginnings of others.

use std::cmp::Ordering;
use std::collections::HashMap;

/// The empty prefix.
pub(super) const ROOT: usize = 0;

/// The fewest nodes for which unused ones are removed.
const MIN_NODES: usize = 256;

/// A tree of prefixes. A prefix is an index that stays valid until [`Prefixes::compact`]; equal prefixes have equal
/// indices.
#[derive(Debug, Clone)]
pub(super) struct Prefixes {
    /// Parents come before their children.
    nodes: Vec<Node>,
    children: HashMap<(usize, u32), usize>,
    compact_at: usize,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    parent: usize,
    token: u32,
    depth: usize,
}

/// A prefix, and a token behind it that need not be in the tree.
pub(super) type Extended = (usize, Option<u32>);

impl Prefixes {
    pub(super) fn new() -> Self {
        let root = Node { parent: ROOT, token: 0, depth: 0 };
        Self { nodes: vec![root], children: HashMap::new(), compact_at: MIN_NODES }
    }

    /// The prefix with one more token.
    pub(super) fn extend(&mut self, prefix: usize, token: u32) -> usize {
        let Self { nodes, children, .. } = self;
        *children.entry((prefix, token)).or_insert_with(|| {
            nodes.push(Node { parent: prefix, token, depth: nodes[prefix].depth + 1 });
            nodes.len() - 1
        })
    }

    /// The prefix without its last token, and this token; `None` for the empty prefix.
    pub(super) fn split_last(&self, prefix: usize) -> Option<(usize, u32)> {
        (prefix != ROOT).then(|| (self.nodes[prefix].parent, self.nodes[prefix].token))
    }

    /// The order of the tokens, as of slices, in time proportional to the tokens behind the common beginning.
    pub(super) fn compare(&self, mut a: Extended, mut b: Extended) -> Ordering {
        let depth = |prefix: Extended| self.nodes[prefix.0].depth + usize::from(prefix.1.is_some());
        // The shorter one is first if it is the beginning of the longer.
        let mut order = depth(a).cmp(&depth(b));
        while depth(a) > depth(b) {
            a = self.without_last(a).0;
        }
        while depth(b) > depth(a) {
            b = self.without_last(b).0;
        }
        while a != b {
            let ((a_start, a_last), (b_start, b_last)) = (self.without_last(a), self.without_last(b));
            order = a_last.cmp(&b_last).then(order);
            (a, b) = (a_start, b_start);
        }
        order
    }

    fn without_last(&self, (prefix, token): Extended) -> (Extended, u32) {
        let (start, last) = match token {
            Some(token) => (prefix, token),
            None => (self.nodes[prefix].parent, self.nodes[prefix].token),
        };
        ((start, None), last)
    }

    /// Removes the nodes that are not part of these prefixes, and gives these their new indices. It waits until there are
    /// twice as many nodes as it kept last time, so that its time per added node does not depend on their number.
    pub(super) fn compact<'a>(&mut self, prefixes: impl Iterator<Item = &'a mut usize>) {
        if self.nodes.len() < self.compact_at {
            return;
        }
        let prefixes: Vec<&mut usize> = prefixes.collect();
        let mut live = vec![false; self.nodes.len()];
        live[ROOT] = true;
        for prefix in &prefixes {
            let mut node = **prefix;
            while !live[node] {
                live[node] = true;
                node = self.nodes[node].parent;
            }
        }
        let mut new_indices = vec![ROOT; self.nodes.len()];
        let mut kept = Vec::new();
        self.children.clear();
        for (index, node) in self.nodes.iter().enumerate().filter(|(index, _)| live[*index]) {
            let parent = new_indices[node.parent];
            new_indices[index] = kept.len();
            if index != ROOT {
                self.children.insert((parent, node.token), kept.len());
            }
            kept.push(Node { parent, ..*node });
        }
        prefixes.into_iter().for_each(|prefix| *prefix = new_indices[*prefix]);
        self.compact_at = (2 * kept.len()).max(MIN_NODES);
        self.nodes = kept;
    }

    /// The number of nodes.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(prefixes: &mut Prefixes, tokens: &[u32]) -> usize {
        tokens.iter().fold(ROOT, |prefix, token| prefixes.extend(prefix, *token))
    }

    fn tokens(prefixes: &Prefixes, prefix: usize) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut node = prefix;
        while let Some((parent, token)) = prefixes.split_last(node) {
            found.push(token);
            node = parent;
        }
        found.reverse();
        found
    }

    #[test]
    fn prefixes_are_ordered_as_slices() {
        let all: [&[u32]; 7] = [&[], &[1], &[1, 1], &[1, 2], &[1, 2, 3], &[2], &[2, 1]];
        let mut prefixes = Prefixes::new();
        let indices = all.map(|tokens| insert(&mut prefixes, tokens));
        for (a, a_index) in all.iter().zip(indices) {
            for (b, b_index) in all.iter().zip(indices) {
                assert_eq!(prefixes.compare((a_index, None), (b_index, None)), a.cmp(b), "{a:?}, {b:?}");
                if let Some((start, last)) = prefixes.split_last(b_index) {
                    assert_eq!(prefixes.compare((a_index, None), (start, Some(last))), a.cmp(b), "{a:?}, {b:?}");
                }
            }
        }
    }

    #[test]
    fn compaction_keeps_the_prefixes_in_use() {
        let mut prefixes = Prefixes::new();
        let mut used = [0; 3];
        for token in 0..MIN_NODES as u32 {
            insert(&mut prefixes, &[token, 7]);
        }
        let expected: [&[u32]; 3] = [&[5, 7], &[5, 7, 9], &[]];
        for (used, tokens) in used.iter_mut().zip(expected) {
            *used = insert(&mut prefixes, tokens);
        }
        prefixes.compact(used.iter_mut());
        assert_eq!(prefixes.len(), 4);
        assert_eq!(used.map(|prefix| tokens(&prefixes, prefix)), expected);
        assert_eq!(insert(&mut prefixes, &[5, 7, 9]), used[1]);
        assert_eq!(prefixes.len(), 4);
    }
}
