//! Reading Keras's files.

use std::collections::{BTreeMap, BTreeSet};

use super::config::ModelConfig;
use super::convert::{Array, KerasCell, import};
use super::hdf5::Tree;
use crate::archive::ZipReader;
use crate::file::{Contents, Others, Usage};
use crate::{CellWeights, Error, LayerWeights, Result, StackWeights};

pub(crate) fn read_keras(bytes: &[u8], others: Others) -> Result<Contents> {
    let mut zip = ZipReader::new(bytes, "Keras")?;
    let config = ModelConfig::parse(&zip.read("config.json")?)?;
    read_tree(&Tree::read(zip.read("model.weights.h5")?)?, Some(&config), others)
}

pub(crate) fn read_hdf5(bytes: Vec<u8>, others: Others) -> Result<Contents> {
    let tree = Tree::read(bytes)?;
    let config = tree.model_config.as_ref().map(|config| ModelConfig::parse(config.as_bytes())).transpose()?;
    read_tree(&tree, config.as_ref(), others)
}

fn read_tree(tree: &Tree, config: Option<&ModelConfig>, others: Others) -> Result<Contents> {
    let cells = find_cells(tree);
    let used: BTreeSet<&String> = cells.iter().flat_map(|cell| cell.paths()).collect();
    let mut contents = Contents::new(others);
    for info in tree.infos().filter(|info| !used.contains(&info.name)) {
        contents.add_other(info.clone(), usage(&info.name), || tree.values(&info.name));
    }
    let mut by_path: BTreeMap<&str, &CellPaths> = BTreeMap::new();
    let mut several: BTreeSet<&str> = BTreeSet::new();
    for cell in &cells {
        if by_path.insert(&cell.layer, cell).is_some() {
            several.insert(&cell.layer);
        }
    }
    for layer in several {
        by_path.remove(layer);
        let error = Error::unsupported(layer, "several cells in one layer (StackedRNNCells) are not supported");
        contents.add(layer.rsplit('/').next().unwrap_or_default(), layer, Err(error));
    }
    for layer in layers(&by_path) {
        let name = layer.name(tree);
        let weights = layer.read(tree, &name, config);
        contents.add(name, layer.path, weights);
    }
    Ok(contents)
}

/// What the path of a data set says: `layers/dense/vars/0`, or `dense/dense/kernel:0` of the legacy format.
fn usage(path: &str) -> Usage {
    let (group, leaf) = path.rsplit_once('/').unwrap_or(("", path));
    let bias = match leaf {
        "0" => Some(format!("{group}/1")),
        "kernel" => Some(format!("{group}/bias")),
        "kernel:0" => Some(format!("{group}/bias:0")),
        _ => None,
    };
    let is_embedding = leaf.starts_with("embeddings") || group.split('/').any(|part| part.starts_with("embedding"));
    Usage { is_embedding: Some(is_embedding), inputs_first: true, bias }
}

/// The data sets of one cell.
#[derive(Debug)]
struct CellPaths {
    /// The group of the layer around the cell: `layers/lstm` of Keras 3, `model_weights/lstm/lstm` of the legacy
    /// format.
    layer: String,
    kernel: String,
    recurrent: String,
    bias: Option<String>,
}

impl CellPaths {
    fn paths(&self) -> impl Iterator<Item = &String> {
        [&self.kernel, &self.recurrent].into_iter().chain(&self.bias)
    }
}

/// Every group that has the data sets of a cell: `cell/vars/{0,1,2}`, or `kernel`, `recurrent_kernel` and `bias`, in
/// Keras 2 with `:0` at the end.
fn find_cells(tree: &Tree) -> Vec<CellPaths> {
    let mut cells = Vec::new();
    for info in tree.infos() {
        let existing = |path: String| tree.info(&path).map(|info| info.name.clone());
        let (group, leaf) = info.name.rsplit_once('/').unwrap_or(("", &info.name));
        let at = |leaf: &str| if group.is_empty() { leaf.to_owned() } else { format!("{group}/{leaf}") };
        let (layer, names) = match leaf {
            "0" => match group.strip_suffix("/cell/vars") {
                Some(layer) => (layer, ["0", "1", "2"]),
                None => continue,
            },
            "kernel" => (legacy_layer(group), ["kernel", "recurrent_kernel", "bias"]),
            "kernel:0" => (legacy_layer(group), ["kernel:0", "recurrent_kernel:0", "bias:0"]),
            _ => continue,
        };
        let [kernel, recurrent, bias] = names.map(at);
        // The cell of a convolutional layer has the same names, and kernels of four dimensions.
        if let (Some(recurrent), 2) = (existing(recurrent), info.shape.len()) {
            cells.push(CellPaths { layer: layer.into(), kernel, recurrent, bias: existing(bias) });
        }
    }
    cells
}

/// The layer around a group of the legacy format: `lstm/lstm/lstm_cell_1` is in `lstm/lstm`, and before Keras 2.3 there
/// was no group of the cell.
fn legacy_layer(group: &str) -> &str {
    match group.rsplit_once('/') {
        Some((layer, cell)) if ["lstm_cell", "gru_cell", "simple_rnn_cell"].iter().any(|of| cell.starts_with(of)) => {
            layer
        }
        _ => group,
    }
}

/// A layer of the file: one cell, or one per direction.
#[derive(Debug)]
struct KerasLayer<'a> {
    path: String,
    forward: &'a CellPaths,
    reverse: Option<&'a CellPaths>,
}

/// Pairs the directions: `…/forward_layer` and `…/backward_layer` of Keras 3, `…/forward_lstm` and `…/backward_lstm` of
/// the legacy format. A cell without its counterpart stands for itself.
fn layers<'a>(by_path: &BTreeMap<&'a str, &'a CellPaths>) -> Vec<KerasLayer<'a>> {
    let counterpart = |layer: &str, own: &str, other: &str| {
        let (parent, last) = layer.rsplit_once('/')?;
        let path = format!("{parent}/{other}{}", last.strip_prefix(own)?);
        Some((parent.to_owned(), *by_path.get(path.as_str())?))
    };
    let mut layers = Vec::new();
    for &cell in by_path.values() {
        if counterpart(&cell.layer, "backward_", "forward_").is_some() {
            continue;
        }
        let pair = counterpart(&cell.layer, "forward_", "backward_");
        let (path, reverse) = pair.map_or((cell.layer.clone(), None), |(path, reverse)| (path, Some(reverse)));
        layers.push(KerasLayer { path, forward: cell, reverse });
    }
    layers
}

impl KerasLayer<'_> {
    /// The user's name of the layer: an attribute in Keras 3, the last part of the path in the legacy format.
    fn name(&self, tree: &Tree) -> String {
        let named = tree.name(&format!("{}/vars", self.path));
        named.or_else(|| self.path.rsplit('/').next()).unwrap_or_default().into()
    }

    fn read(&self, tree: &Tree, name: &str, config: Option<&ModelConfig>) -> Result<StackWeights> {
        let (variant, input, units, forward) = read_cell(tree, self.forward)?;
        let mut layer = LayerWeights { forward, reverse: None };
        if let Some(paths) = self.reverse {
            let (other, other_input, other_units, reverse): (_, _, _, CellWeights) = read_cell(tree, paths)?;
            if (other, other_input, other_units) != (variant, input, units) {
                let text = |variant, input, units| format!("{variant}({input}, {units})");
                let expected = text(variant, input, units);
                return Err(Error::inconsistent(&paths.layer, expected, text(other, other_input, other_units)));
            }
            layer.reverse = Some(reverse);
        }
        let directions = layer.cells().count();
        let variant = match config {
            Some(config) => config.check(name, variant, directions)?,
            None => variant,
        };
        StackWeights::new(variant, input, units, vec![layer])
    }
}

fn read_cell(tree: &Tree, paths: &CellPaths) -> Result<(crate::CellVariant, usize, usize, CellWeights)> {
    let array = |path: &String| -> Result<Array> {
        let shape = tree.info(path).map(|info| info.shape.clone()).unwrap_or_default();
        Ok(Array { name: path.clone(), shape, values: tree.values(path)? })
    };
    let bias = paths.bias.as_ref().map(array).transpose()?;
    import(&KerasCell { kernel: array(&paths.kernel)?, recurrent: array(&paths.recurrent)?, bias })
}
