//! A tree of HDF5 groups, as far as Keras's files use them.

use std::collections::BTreeMap;

use hdf5_pure::{DType, Dataset, Datatype, DatatypeByteOrder, File, Group};

use crate::tensors::{Budget, Float, num_elements, single};
use crate::{Error, Result, TensorInfo};

/// Groups in each other. A file may link a group into itself.
const MAX_DEPTH: usize = 32;
/// Groups and data sets together.
const MAX_NODES: usize = 1 << 16;

/// The data sets of a file by their paths, and the names that Keras gives to groups.
pub(super) struct Tree {
    datasets: BTreeMap<String, Dataset>,
    infos: BTreeMap<String, TensorInfo>,
    /// The attribute `name` of groups.
    names: BTreeMap<String, String>,
    /// The attribute `model_config` of the root.
    pub(super) model_config: Option<String>,
    budget: Budget,
}

fn malformed(error: impl std::fmt::Display) -> Error {
    Error::Malformed { format: "HDF5", reason: error.to_string() }
}

impl Tree {
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self> {
        let budget = Budget::new(bytes.len());
        let file = File::from_bytes(bytes).map_err(malformed)?;
        let root = file.root();
        let attrs = root.attrs().map_err(malformed)?;
        let model_config = attrs.get("model_config").and_then(|value| value.as_str()).map(String::from);
        let (datasets, infos, names) = Default::default();
        let mut tree = Self { datasets, infos, names, model_config, budget };
        tree.visit(&root, "", 0)?;
        Ok(tree)
    }

    fn visit(&mut self, group: &Group, path: &str, depth: usize) -> Result<()> {
        let nodes = self.datasets.len() + self.names.len();
        if depth > MAX_DEPTH || nodes > MAX_NODES {
            return Err(malformed(format!("`{path}`: groups are nested too deeply, or there are too many")));
        }
        let child = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        // Every group is entered here, so that those without a name count, too.
        let name =
            group.attrs().map_err(malformed)?.get("name").and_then(|name| name.as_str()).unwrap_or("").to_owned();
        self.names.insert(path.into(), name);
        for (name, dataset) in group.iter_datasets().map_err(malformed)? {
            let path = child(&name);
            let info = info(&path, &dataset)?;
            self.infos.insert(path.clone(), info);
            self.datasets.insert(path, dataset);
        }
        for (name, group) in group.iter_groups().map_err(malformed)? {
            self.visit(&group, &child(&name), depth + 1)?;
        }
        Ok(())
    }

    pub(super) fn infos(&self) -> impl Iterator<Item = &TensorInfo> {
        self.infos.values()
    }

    pub(super) fn info(&self, path: &str) -> Option<&TensorInfo> {
        self.infos.get(path)
    }

    /// Keras's name of a group.
    pub(super) fn name(&self, group: &str) -> Option<&str> {
        self.names.get(group).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The values of a data set.
    pub(super) fn values(&self, path: &str) -> Result<Vec<f32>> {
        let (Some(dataset), Some(info)) = (self.datasets.get(path), self.infos.get(path)) else {
            return Err(Error::tensor(path, "a data set", "none"));
        };
        let Some(count) = num_elements(&info.shape) else {
            return Err(Error::tensor(path, "a shape that fits into memory", format!("{:?}", info.shape)));
        };
        let dtype = dataset.dtype().map_err(malformed)?;
        let values = match dtype {
            DType::F64 => {
                self.budget.take(path, count as u64, 12)?;
                let values = dataset.read_f64().map_err(malformed)?;
                values.into_iter().map(|value| single(path, value)).collect::<Result<Vec<_>>>()?
            }
            DType::F32 => {
                self.budget.take(path, count as u64, 4)?;
                dataset.read_f32().map_err(malformed)?
            }
            DType::Other(ref of) if is_half(of) => {
                self.budget.take(path, count as u64, 6)?;
                Float::F16.values(path, &dataset.read_raw().map_err(malformed)?)?
            }
            other => return Err(Error::tensor(path, "f16, f32 or f64", other.to_string())),
        };
        if values.len() != count {
            return Err(Error::tensor(path, format!("{count} values"), values.len().to_string()));
        }
        Ok(values)
    }
}

/// IEEE 754's half precision, little-endian.
fn is_half(of: &Datatype) -> bool {
    let &Datatype::FloatingPoint { size: 2, byte_order: DatatypeByteOrder::LittleEndian, ref layout } = of else {
        return false;
    };
    (layout.exponent_location, layout.exponent_size, layout.mantissa_size) == (10, 5, 10)
}

fn info(path: &str, dataset: &Dataset) -> Result<TensorInfo> {
    let shape = dataset.shape().map_err(malformed)?;
    let size = |size: u64| usize::try_from(size).map_err(|_| malformed(format!("`{path}` has a size of {size}")));
    let shape = shape.into_iter().map(size).collect::<Result<Vec<_>>>()?;
    Ok(TensorInfo { name: path.into(), dtype: dataset.dtype().map_err(malformed)?.to_string(), shape })
}
