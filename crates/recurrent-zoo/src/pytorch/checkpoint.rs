//! `torch.save`: a pickle, and beside it the storages that tensors are views of.
//!
//! Read are the zip files of PyTorch 1.6 and later and the stream before. A dictionary may be nested, and tensors lie
//! at any depth, as in a checkpoint with an optimizer; a whole pickled module is read through its parameters.
//! Everything else in the pickle is skipped. TorchScript archives and files of big-endian machines are refused.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::pickle::{Id, Pickle, Value};
use super::{LEGACY_MAGIC, state_dict};
use crate::archive::ZipReader;
use crate::file::{Contents, Others};
use crate::tensors::{Budget, Float, TensorSource, num_elements};
use crate::{Error, Result, TensorInfo};

/// Dictionaries and modules in each other.
const MAX_DEPTH: usize = 64;

fn malformed(reason: impl Into<String>) -> Error {
    Error::Malformed { format: "PyTorch", reason: reason.into() }
}

pub(crate) fn read_checkpoint(bytes: &[u8], others: Others) -> Result<Contents> {
    let (pickle, storages) = if bytes.starts_with(&LEGACY_MAGIC) { read_stream(bytes)? } else { read_zip(bytes)? };
    let mut finder = Finder { pickle: &pickle, found: BTreeMap::new(), left: 16 * pickle.length + (1 << 16) };
    finder.visit(pickle.root, String::new(), 0)?;
    if finder.found.is_empty() {
        return Err(malformed("there is no tensor in it"));
    }
    let (infos, views) = finder.found.into_iter().map(|(name, view)| (view.info(name), view)).unzip();
    state_dict::read(&Source { infos, views, storages, budget: Budget::new(bytes.len()) }, others)
}

fn read_zip(bytes: &[u8]) -> Result<(Pickle, Storages<'_>)> {
    let mut zip = ZipReader::new(bytes, "PyTorch")?;
    let names = zip.names();
    let mut pickles = names.iter().filter_map(|name| name.strip_suffix("data.pkl"));
    let root = match (pickles.next(), pickles.next()) {
        (Some(root), None) if root.is_empty() || root.ends_with('/') => root,
        _ => return Err(malformed("expected one entry `data.pkl` in the zip file")),
    };
    if names.contains(&format!("{root}constants.pkl")) {
        return Err(Error::unsupported("a TorchScript archive", "save the module's state_dict() instead"));
    }
    let byteorder = format!("{root}byteorder");
    if names.contains(&byteorder) && zip.read(&byteorder)? != b"little" {
        return Err(Error::unsupported(byteorder, "only little-endian files are supported"));
    }
    let pickle = Pickle::parse(&zip.read(&format!("{root}data.pkl"))?)?;
    let storages = Storages::Zip { root: root.into(), zip: RefCell::new(zip), read: RefCell::default() };
    Ok((pickle, storages))
}

/// Before PyTorch 1.6: five pickles (magic number, protocol, machine, value, keys of storages), and then for each key
/// the number of elements and the elements.
fn read_stream(bytes: &[u8]) -> Result<(Pickle, Storages<'_>)> {
    let mut rest = bytes;
    let mut next = || -> Result<Pickle> {
        let pickle = Pickle::parse(rest)?;
        rest = &rest[pickle.length..];
        Ok(pickle)
    };
    let [_magic, _protocol, machine, pickle, keys] = [next()?, next()?, next()?, next()?, next()?];
    let little = match machine.root() {
        Value::Dict(entries) => entries.iter().any(|&(key, value)| {
            machine.text(key) == Some("little_endian") && machine.get(value) == &Value::Bool(true)
        }),
        _ => false,
    };
    if !little {
        return Err(Error::unsupported("the file", "only little-endian files are supported"));
    }
    let elements: HashMap<&str, Option<usize>> =
        pickle.values.iter().filter_map(|value| Storage::of(&pickle, value)).map(|of| (of.key, of.element)).collect();
    let mut storages = HashMap::new();
    for &key in keys.sequence(keys.root).ok_or_else(|| malformed("the keys of the storages are no list"))? {
        let key = keys.text(key).ok_or_else(|| malformed("the key of a storage is no text"))?;
        let Some(&Some(element)) = elements.get(key) else {
            return Err(malformed(format!("the type of the storage `{key}` is not known")));
        };
        let (count, data) = rest.split_first_chunk::<8>().ok_or_else(|| malformed("the storages end early"))?;
        let length = usize::try_from(u64::from_le_bytes(*count)).ok().and_then(|count| count.checked_mul(element));
        let Some((storage, after)) = length.and_then(|length| data.split_at_checked(length)) else {
            return Err(malformed(format!("the storage `{key}` ends early")));
        };
        storages.insert(key.to_owned(), storage);
        rest = after;
    }
    Ok((pickle, Storages::Stream(storages)))
}

/// The bytes that tensors are views of.
enum Storages<'a> {
    Zip { root: String, zip: RefCell<ZipReader<'a>>, read: RefCell<HashMap<String, Vec<u8>>> },
    Stream(HashMap<String, &'a [u8]>),
}

impl Storages<'_> {
    fn with<T>(&self, key: &str, read: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        match self {
            Self::Stream(storages) => {
                read(storages.get(key).ok_or_else(|| malformed(format!("there is no storage `{key}`")))?)
            }
            Self::Zip { root, zip, read: cache } => {
                let mut cache = cache.borrow_mut();
                if !cache.contains_key(key) {
                    cache.insert(key.into(), zip.borrow_mut().read(&format!("{root}data/{key}"))?);
                }
                read(&cache[key])
            }
        }
    }
}

/// What a pickle says of a storage: `('storage', torch.FloatStorage, key, device, elements)`.
struct Storage<'a> {
    class: &'a str,
    key: &'a str,
    /// Bytes of an element; `None` if the type is not known.
    element: Option<usize>,
}

impl<'a> Storage<'a> {
    fn of(pickle: &'a Pickle, value: &Value) -> Option<Self> {
        let &Value::Persistent(id) = value else { return None };
        let &[kind, class, key, _device, _elements, ..] = pickle.sequence(id)? else { return None };
        if pickle.text(kind)? != "storage" {
            return None;
        }
        let class = pickle.global(class)?;
        let class = class.rsplit('.').next().unwrap_or(class);
        let element = match class {
            "BoolStorage" | "ByteStorage" | "CharStorage" | "UntypedStorage" => Some(1),
            "HalfStorage" | "BFloat16Storage" | "ShortStorage" => Some(2),
            "FloatStorage" | "IntStorage" => Some(4),
            "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => Some(8),
            "ComplexDoubleStorage" => Some(16),
            _ => None,
        };
        Some(Self { class, key: pickle.text(key)?, element })
    }
}

/// A tensor: a view of a storage, or why it is none that can be read.
enum View {
    Strided { dtype: String, key: String, offset: usize, shape: Vec<usize>, strides: Vec<usize> },
    Unreadable(String),
}

impl View {
    fn info(&self, name: String) -> TensorInfo {
        let (dtype, shape) = match self {
            Self::Strided { dtype, shape, .. } => (dtype.clone(), shape.clone()),
            Self::Unreadable(what) => (what.clone(), Vec::new()),
        };
        TensorInfo { name, dtype, shape }
    }
}

/// Finds the tensors of a pickle by the keys that lead to them.
struct Finder<'a> {
    pickle: &'a Pickle,
    found: BTreeMap<String, View>,
    /// Values that may still be visited, and bytes of names: shared values may be met often, and cycles for ever.
    left: usize,
}

impl Finder<'_> {
    fn visit(&mut self, id: Id, name: String, depth: usize) -> Result<()> {
        let value = self.pickle.get(id);
        self.left = match self.left.checked_sub(1 + name.len()) {
            Some(left) if depth < MAX_DEPTH => left,
            _ => return Err(malformed("its dictionaries are nested too deeply")),
        };
        match value {
            Value::Dict(entries) => self.entries(entries, &name, depth),
            Value::Sequence(items) => {
                for (index, &item) in items.iter().enumerate() {
                    if self.holds_values(item) {
                        self.visit(item, joined(&name, &index.to_string()), depth + 1)?;
                    }
                }
                Ok(())
            }
            Value::Object { callable, arguments, entries, state } => {
                let callable = self.pickle.global(*callable).unwrap_or_default();
                if let Some(wrapped) = self.wrapped(callable, *arguments) {
                    return self.visit(wrapped, name, depth + 1);
                }
                if callable.starts_with("torch.") && callable.contains("_rebuild_") {
                    let view = self.view(callable, *arguments);
                    self.found.insert(name, view);
                    return Ok(());
                }
                if let Some(Value::Dict(state)) = state.map(|state| self.pickle.get(state)) {
                    self.module(state, &name, depth)?;
                }
                self.entries(entries, &name, depth)
            }
            _ => Ok(()),
        }
    }

    /// Whether a tensor may be in it. The numbers of a long list are not worth a name each.
    fn holds_values(&self, id: Id) -> bool {
        matches!(self.pickle.get(id), Value::Dict(_) | Value::Sequence(_) | Value::Object { .. })
    }

    fn entries(&mut self, entries: &[(Id, Id)], name: &str, depth: usize) -> Result<()> {
        for &(key, value) in entries {
            if !self.holds_values(value) {
                continue;
            }
            let key = match self.pickle.get(key) {
                Value::Text(key) => key.clone(),
                Value::Int(key) => key.to_string(),
                _ => continue,
            };
            self.visit(value, joined(name, &key), depth + 1)?;
        }
        Ok(())
    }

    /// The parameters of a pickled `nn.Module`, by the names that its state_dict would give them.
    fn module(&mut self, state: &[(Id, Id)], name: &str, depth: usize) -> Result<()> {
        for &(key, value) in state {
            if matches!(self.pickle.text(key), Some("_parameters" | "_buffers" | "_modules")) {
                self.visit(value, name.into(), depth + 1)?;
            }
        }
        Ok(())
    }

    /// The tensor inside a parameter.
    fn wrapped(&self, callable: &str, arguments: Id) -> Option<Id> {
        match callable {
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                self.pickle.sequence(arguments)?.first().copied()
            }
            _ => None,
        }
    }

    fn view(&self, callable: &str, arguments: Id) -> View {
        let view = match callable {
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => self.strided(arguments),
            "torch._tensor._rebuild_from_type_v2" => self.subclass(arguments),
            _ => None,
        };
        view.unwrap_or_else(|| View::Unreadable(callable.into()))
    }

    /// `_rebuild_from_type_v2(function, type, arguments, state)`.
    fn subclass(&self, arguments: Id) -> Option<View> {
        let &[function, _type, arguments, ..] = self.pickle.sequence(arguments)? else { return None };
        (self.pickle.global(function)? == "torch._utils._rebuild_tensor_v2").then(|| self.strided(arguments))?
    }

    /// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks, metadata)`.
    fn strided(&self, arguments: Id) -> Option<View> {
        let arguments = self.pickle.sequence(arguments)?;
        let &[storage, offset, shape, strides, ..] = arguments else { return None };
        // Metadata says that the values are negated or conjugated.
        if let Some(&metadata) = arguments.get(6)
            && !matches!(self.pickle.get(metadata), Value::None)
            && !matches!(self.pickle.get(metadata), Value::Dict(entries) if entries.is_empty())
        {
            return None;
        }
        let storage = Storage::of(self.pickle, self.pickle.get(storage))?;
        let (shape, strides) = (self.pickle.sizes(shape)?, self.pickle.sizes(strides)?);
        (shape.len() == strides.len()).then_some(View::Strided {
            dtype: storage.class.trim_end_matches("Storage").to_lowercase(),
            key: storage.key.into(),
            offset: self.pickle.size(offset)?,
            shape,
            strides,
        })
    }
}

fn joined(name: &str, key: &str) -> String {
    if name.is_empty() { key.into() } else { format!("{name}.{key}") }
}

struct Source<'a> {
    infos: Vec<TensorInfo>,
    views: Vec<View>,
    storages: Storages<'a>,
    budget: Budget,
}

impl TensorSource for Source<'_> {
    fn tensors(&self) -> &[TensorInfo] {
        &self.infos
    }

    fn values(&self, index: usize) -> Result<Vec<f32>> {
        let name = &self.infos[index].name;
        match &self.views[index] {
            View::Unreadable(what) => Err(Error::tensor(name, "a dense tensor", what)),
            View::Strided { dtype, key, offset, shape, strides } => {
                let float = match dtype.as_str() {
                    "half" => Float::F16,
                    "bfloat16" => Float::Bf16,
                    "float" => Float::F32,
                    "double" => Float::F64,
                    other => return Err(Error::tensor(name, "half, bfloat16, float or double", other)),
                };
                self.storages.with(key, |storage| {
                    if shape.contains(&0) {
                        return Ok(Vec::new());
                    }
                    let elements = storage.len() / float.size();
                    let count = num_elements(shape).filter(|&count| count <= elements);
                    let (Some(count), Some(true)) = (count, inside(*offset, shape, strides, elements)) else {
                        let found = format!("{shape:?} with strides {strides:?} from {offset}");
                        return Err(Error::tensor(name, format!("a view of {elements} elements"), found));
                    };
                    self.budget.take(name, count as u64, 4)?;
                    let mut bytes = Vec::with_capacity(count * float.size());
                    gather(storage, float.size(), *offset, shape, strides, &mut bytes);
                    float.values(name, &bytes)
                })
            }
        }
    }
}

/// Whether all elements of a view, which has some, lie inside of `elements` elements; `None` if that is past what can
/// be counted.
fn inside(offset: usize, shape: &[usize], strides: &[usize], elements: usize) -> Option<bool> {
    let last = shape
        .iter()
        .zip(strides)
        .try_fold(offset, |last, (&size, &stride)| last.checked_add((size - 1).checked_mul(stride)?))?;
    Some(last < elements)
}

/// The elements of a view, row by row.
fn gather(storage: &[u8], element: usize, offset: usize, shape: &[usize], strides: &[usize], out: &mut Vec<u8>) {
    match (shape, strides) {
        ([size, shape @ ..], [stride, strides @ ..]) => {
            for index in 0..*size {
                gather(storage, element, offset + index * stride, shape, strides, out);
            }
        }
        _ => out.extend_from_slice(&storage[offset * element..(offset + 1) * element]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strided_views_are_gathered_row_by_row() {
        let storage = [0, 1, 2, 3, 4, 5, 6];
        let view = |offset, shape: &[usize], strides: &[usize]| {
            assert_eq!(inside(offset, shape, strides, storage.len()), Some(true));
            let mut out = Vec::new();
            gather(&storage, 1, offset, shape, strides, &mut out);
            out
        };
        assert_eq!(view(1, &[2, 3], &[3, 1]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(view(1, &[3, 2], &[1, 3]), [1, 4, 2, 5, 3, 6]);
        assert_eq!(view(2, &[], &[]), [2]);
    }

    #[test]
    fn views_past_their_storage_are_seen() {
        assert_eq!(inside(1, &[2, 3], &[3, 1], 6), Some(false));
        assert_eq!(inside(0, &[2, 3], &[usize::MAX, 1], 6), None);
        assert_eq!(inside(usize::MAX, &[2], &[1], 6), None);
    }
}
