//! From a dictionary of tensors with PyTorch's names to stacks.

use std::collections::{BTreeMap, BTreeSet};

use crate::file::{Contents, Others, Usage};
use crate::tensors::TensorSource;
use crate::{CellVariant, CellWeights, Error, LayerWeights, Result, StackWeights};

/// A parameter's place in its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    parameter: Parameter,
    /// `None` for `nn.LSTMCell` and the like.
    layer: Option<usize>,
    reverse: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Parameter {
    WeightIh,
    WeightHh,
    BiasIh,
    BiasHh,
    WeightHr,
}

impl Parameter {
    const ALL: [(Self, &'static str); 5] = [
        (Self::WeightIh, "weight_ih"),
        (Self::WeightHh, "weight_hh"),
        (Self::BiasIh, "bias_ih"),
        (Self::BiasHh, "bias_hh"),
        (Self::WeightHr, "weight_hr"),
    ];

    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// What the last part of a tensor's name says.
#[derive(Debug, PartialEq, Eq)]
enum Leaf {
    Parameter(Place),
    /// A parameter that is computed from others whenever the layer runs, such as `weight_hh_l0_raw`.
    Derived,
}

/// `None` for names that no recurrent layer has.
fn parse_leaf(leaf: &str) -> Option<Leaf> {
    let (parameter, rest) =
        Parameter::ALL.iter().find_map(|&(parameter, name)| Some((parameter, leaf.strip_prefix(name)?)))?;
    let place = |layer, reverse| Some(Leaf::Parameter(Place { parameter, layer, reverse }));
    if rest.is_empty() {
        return place(None, false);
    }
    let derived = |rest: &str| DERIVED.contains(&rest).then_some(Leaf::Derived);
    let Some(rest) = rest.strip_prefix("_l") else { return derived(rest) };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = rest.split_at(digits);
    let layer: usize = number.parse().ok().filter(|layer: &usize| layer.to_string() == number)?;
    match rest {
        "" => place(Some(layer), false),
        "_reverse" => place(Some(layer), true),
        other => derived(other.strip_prefix("_reverse").unwrap_or(other)),
    }
}

/// Weight drop, pruning and spectral norm, weight norm.
const DERIVED: [&str; 7] = ["_raw", "_orig", "_mask", "_g", "_v", "_u", "_bar"];

/// The module of a tensor, and its leaf: `encoder.lstm.weight_ih_l0` is `encoder.lstm` and `weight_ih_l0`.
fn split_name(name: &str) -> (&str, Option<Leaf>) {
    if let Some((module, rest)) = name.split_once("parametrizations.")
        && (module.is_empty() || module.ends_with('.'))
        && rest.split('.').next().and_then(parse_leaf).is_some()
    {
        return (module.trim_end_matches('.'), Some(Leaf::Derived));
    }
    let (module, leaf) = name.rsplit_once('.').unwrap_or(("", name));
    (module, parse_leaf(leaf))
}

/// The name of a module or a tensor without the wrappers of data-parallel training, compilation and a checkpoint's dictionary.
pub(crate) fn unwrapped(module: &str) -> String {
    let mut parts: Vec<&str> = module.split('.').filter(|&part| part != "_orig_mod").collect();
    while let Some("module" | "state_dict" | "model_state_dict") = parts.first().copied() {
        parts.remove(0);
    }
    parts.join(".")
}

/// The tensors of one module, by index into the source's list.
#[derive(Debug, Default)]
struct Module {
    places: BTreeMap<Place, usize>,
    derived: Option<usize>,
}

pub(super) fn read(source: &dyn TensorSource, others: Others) -> Result<Contents> {
    let mut modules: BTreeMap<&str, Module> = BTreeMap::new();
    let mut contents = Contents::new(others);
    for (index, tensor) in source.tensors().iter().enumerate() {
        match split_name(&tensor.name) {
            (_, None) => {
                let bias = tensor.name.strip_suffix("weight").map(|layer| format!("{layer}bias"));
                let usage = Usage { bias, ..Usage::default() };
                contents.add_other(tensor.clone(), usage, || source.values(index));
            }
            (module, Some(Leaf::Derived)) => modules.entry(module).or_default().derived = Some(index),
            (module, Some(Leaf::Parameter(place))) => {
                let twice = modules.entry(module).or_default().places.insert(place, index);
                if twice.is_some() {
                    let reason = format!("the tensor `{}` appears twice", tensor.name);
                    return Err(Error::Malformed { format: "PyTorch", reason });
                }
            }
        }
    }
    for (path, module) in modules {
        let weights = Reader { source, path, module: &module }.stack();
        contents.add(unwrapped(path), path, weights);
    }
    Ok(contents)
}

struct Reader<'a> {
    source: &'a dyn TensorSource,
    path: &'a str,
    module: &'a Module,
}

impl Reader<'_> {
    fn stack(&self) -> Result<StackWeights> {
        let name = |index: usize| format!("tensor `{}`", self.source.tensors()[index].name);
        if let Some(derived) = self.module.derived {
            return Err(Error::unsupported(
                name(derived),
                "weight drop, weight norm, pruning and the like are not supported: remove them before you save",
            ));
        }
        let places = &self.module.places;
        if let Some((_, &index)) = places.iter().find(|(place, _)| place.parameter == Parameter::WeightHr) {
            return Err(Error::unsupported(name(index), "projections (proj_size) are not supported"));
        }
        let layers: Vec<Option<usize>> = match self.check_layers()? {
            0 => vec![None],
            count => {
                if let Some((_, &index)) = places.iter().find(|(place, _)| place.layer.is_none()) {
                    return Err(Error::unsupported(name(index), "a module has the names of a layer and of a cell"));
                }
                (0..count).map(Some).collect()
            }
        };
        let reverse = places.keys().any(|place| place.reverse);
        let bias = places.keys().any(|place| matches!(place.parameter, Parameter::BiasIh | Parameter::BiasHh));
        let bottom = |parameter| Place { parameter, layer: layers[0], reverse: false };
        let (variant, hidden) = self.cell(bottom(Parameter::WeightHh))?;
        let input = match self.shape(bottom(Parameter::WeightIh))? {
            &[_, input] if input > 0 => input,
            shape => return Err(self.wrong_shape(bottom(Parameter::WeightIh), "two dimensions", shape)),
        };
        let rows = variant.gates() * hidden;
        let above = hidden * if reverse { 2 } else { 1 };
        let cell = |layer: Option<usize>, reverse: bool| -> Result<CellWeights> {
            let input = if layer.unwrap_or(0) == 0 { input } else { above };
            let tensor = |parameter, shape: &[usize]| self.values(Place { parameter, layer, reverse }, shape);
            Ok(CellWeights {
                w_ih: tensor(Parameter::WeightIh, &[rows, input])?,
                w_hh: tensor(Parameter::WeightHh, &[rows, hidden])?,
                biases: match bias {
                    true => Some([tensor(Parameter::BiasIh, &[rows])?, tensor(Parameter::BiasHh, &[rows])?]),
                    false => None,
                },
            })
        };
        let layer = |layer: Option<usize>| -> Result<LayerWeights> {
            let reverse = if reverse { Some(cell(layer, true)?) } else { None };
            Ok(LayerWeights { forward: cell(layer, false)?, reverse })
        };
        StackWeights::new(variant, input, hidden, layers.into_iter().map(layer).collect::<Result<_>>()?)
    }

    /// No layer is left out. The highest number is the file's to choose, so layers are counted by what is there.
    fn check_layers(&self) -> Result<usize> {
        let present: BTreeSet<usize> = self.module.places.keys().filter_map(|place| place.layer).collect();
        match (0..).zip(&present).find(|(expected, layer)| expected != *layer) {
            Some((gap, _)) => {
                Err(self.missing(Place { parameter: Parameter::WeightIh, layer: Some(gap), reverse: false }))
            }
            None => Ok(present.len()),
        }
    }

    /// The kind of cell and the hidden size, from the shape of the recurrent weights.
    fn cell(&self, weight_hh: Place) -> Result<(CellVariant, usize)> {
        let shape = self.shape(weight_hh)?;
        if let &[rows, hidden] = shape
            && hidden > 0
            && rows % hidden == 0
        {
            match rows / hidden {
                1 => return Ok((CellVariant::Rnn { nonlinearity: None }, hidden)),
                3 => return Ok((CellVariant::Gru { reset_after: Some(true) }, hidden)),
                4 => return Ok((CellVariant::Lstm, hidden)),
                _ => {}
            }
        }
        Err(self.wrong_shape(weight_hh, "[gates * hidden, hidden] with 1, 3 or 4 gates", shape))
    }

    fn name(&self, Place { parameter, layer, reverse }: Place) -> String {
        let module = if self.path.is_empty() { String::new() } else { format!("{}.", self.path) };
        let layer = layer.map_or(String::new(), |layer| format!("_l{layer}"));
        format!("{module}{}{layer}{}", parameter.name(), if reverse { "_reverse" } else { "" })
    }

    fn missing(&self, place: Place) -> Error {
        Error::tensor(self.name(place), "a tensor", "none")
    }

    fn wrong_shape(&self, place: Place, expected: &str, found: &[usize]) -> Error {
        Error::tensor(self.name(place), expected, format!("{found:?}"))
    }

    fn index(&self, place: Place) -> Result<usize> {
        self.module.places.get(&place).copied().ok_or_else(|| self.missing(place))
    }

    fn shape(&self, place: Place) -> Result<&[usize]> {
        Ok(&self.source.tensors()[self.index(place)?].shape)
    }

    fn values(&self, place: Place, shape: &[usize]) -> Result<Vec<f32>> {
        let found = self.shape(place)?;
        if found != shape {
            return Err(self.wrong_shape(place, &format!("{shape:?}"), found));
        }
        self.source.values(self.index(place)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed() {
        let place = |parameter, layer, reverse| Some(Leaf::Parameter(Place { parameter, layer, reverse }));
        assert_eq!(parse_leaf("weight_ih_l0"), place(Parameter::WeightIh, Some(0), false));
        assert_eq!(parse_leaf("bias_hh_l10_reverse"), place(Parameter::BiasHh, Some(10), true));
        assert_eq!(parse_leaf("weight_hh"), place(Parameter::WeightHh, None, false));
        assert_eq!(parse_leaf("weight_hh_l0_raw"), Some(Leaf::Derived));
        assert_eq!(parse_leaf("weight_hh_l0_reverse_raw"), Some(Leaf::Derived));
        assert_eq!(parse_leaf("weight_hh_g"), Some(Leaf::Derived));
        for other in ["weight", "weight_ih_l", "weight_ih_l01", "weight_ih_l0x", "weight_ihh", "bias"] {
            assert_eq!(parse_leaf(other), None, "{other}");
        }
        assert_eq!(parse_leaf("weight_ih_l99999999999999999999999"), None);
    }

    #[test]
    fn modules_are_unwrapped() {
        for name in [
            "encoder.lstm",
            "module.encoder.lstm",
            "_orig_mod.encoder.lstm",
            "model_state_dict.module._orig_mod.encoder.lstm",
            "state_dict.encoder._orig_mod.lstm",
        ] {
            assert_eq!(unwrapped(name), "encoder.lstm");
        }
        assert_eq!(unwrapped("encoder.module"), "encoder.module");
        assert_eq!(unwrapped("module"), "");
    }

    #[test]
    fn parametrized_weights_are_seen() {
        let (module, leaf) = split_name("lstm.parametrizations.weight_hh_l0.original0");
        assert_eq!((module, leaf), ("lstm", Some(Leaf::Derived)));
        assert_eq!(split_name("conv.parametrizations.weight.original0").1, None);
    }
}
