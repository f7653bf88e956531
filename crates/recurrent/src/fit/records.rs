//! The records of a checkpoint, checked against the network before burn-train loads them, which panics if they do not fit.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::kind::Basic;
use burn::tensor::{Bool, DType, Int, Shape, Tensor};
use burn_pack::{Reader, Scalar, Tensor as Record};

use super::checkpoint::{AVERAGE, RECORDS, damaged};
use crate::Result;

/// The largest number in a record: a count of steps or a learning rate.
const MAX_NUMBER: f64 = 1e15;
/// How the name of a Burn schedule's step ends.
const STEP: &str = ".current_iter";
/// That step before the first one, as in the schedule that comes after the warm-up.
const NOT_STARTED: Scalar = Scalar::UInt(u64::MAX);

/// Checks the records in the folder of a checkpoint: the tensors of the network, those of Adam for each of them, and the
/// numbers of the learning rate scheduler.
///
/// # Errors
/// If a record cannot be read, or is not one of this network.
pub(super) fn check<M: Module>(folder: &Path, network: &M) -> Result<()> {
    let [model, optimizer, scheduler] = RECORDS.map(|name| folder.join(name));
    let parameters = check_model(&model, network).map_err(|found| damaged(&model, found))?;
    check_optimizer(&optimizer, &parameters).map_err(|found| damaged(&optimizer, found))?;
    read(&scheduler).map(drop).map_err(|found| damaged(&scheduler, found))
}

/// Checks the averaged weights in the folder of a checkpoint.
///
/// # Errors
/// If they cannot be read, or are not of this network.
pub(super) fn check_average<M: Module>(folder: &Path, network: &M) -> Result<()> {
    let path = folder.join(AVERAGE);
    check_model(&path, network).map(drop).map_err(|found| damaged(&path, found))
}

/// A parameter of a network.
pub(super) struct Parameter {
    /// Its shape in a record, which a parameter can choose.
    saved: Shape,
    shape: Shape,
    dtype: DType,
}

/// The parameters of a network, by their ids in the checkpoint.
pub(super) type Parameters = BTreeMap<u64, Parameter>;

/// The parameters of a network, by their paths.
#[derive(Default)]
struct Paths {
    path: Vec<String>,
    found: BTreeMap<String, Parameter>,
}

impl Paths {
    fn insert<const D: usize, K: Basic>(&mut self, saved: &Tensor<D, K>, value: &Tensor<D, K>) {
        let parameter = Parameter { saved: saved.shape(), shape: value.shape(), dtype: value.dtype() };
        self.found.insert(self.path.join("."), parameter);
    }
}

impl ModuleVisitor for Paths {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.insert(&param.transform_for_save().val(), &param.val());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.insert(&param.transform_for_save().val(), &param.val());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.insert(&param.transform_for_save().val(), &param.val());
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

/// Checks the tensors of a record against those of a network.
pub(super) fn check_model<M: Module>(path: &Path, network: &M) -> Result<Parameters, String> {
    let mut paths = Paths::default();
    network.visit(&mut paths);
    let mut expected = paths.found;
    let mut parameters = Parameters::new();
    for tensor in read(path)?.0 {
        let (name, dtype, shape, id, _) = tensor.into_parts().map_err(|cause| cause.to_string())?;
        let fitting = expected.remove(&name).filter(|expected| (&expected.saved, expected.dtype) == (&shape, dtype));
        let parameter = fitting.ok_or_else(|| format!("a tensor `{name}` {shape:?} that the network has not"))?;
        let id = id.ok_or_else(|| format!("a tensor `{name}` without an id"))?;
        if parameters.insert(id, parameter).is_some() {
            return Err(format!("the id of `{name}` twice"));
        }
    }
    match expected.keys().next() {
        Some(missing) => Err(format!("no tensor `{missing}`")),
        None => Ok(parameters),
    }
}

fn check_optimizer(path: &Path, parameters: &Parameters) -> Result<(), String> {
    let (tensors, scalars) = read(path)?;
    for tensor in tensors {
        let (name, dtype, shape, id, _) = tensor.into_parts().map_err(|cause| cause.to_string())?;
        let of_name = name.split_once('.').and_then(|(id, _)| id.parse().ok());
        let expected = id.filter(|id| of_name == Some(*id)).and_then(|id| parameters.get(&id));
        if expected.is_none_or(|expected| (&expected.shape, expected.dtype) != (&shape, dtype)) {
            return Err(format!("a tensor `{name}` that is of none of the network's"));
        }
    }
    for (name, scalar) in scalars {
        let Some(id) = name.strip_suffix(".__rank") else { continue };
        let parameter = id.parse().ok().and_then(|id: u64| parameters.get(&id));
        if parameter.map(|parameter| parameter.shape.num_dims()) != usize::try_from(scalar).ok() {
            return Err(format!("a number `{name}` that is of none of the network's tensors"));
        }
    }
    Ok(())
}

/// The tensors and numbers of a record.
fn read(path: &Path) -> Result<(Vec<Record>, BTreeMap<String, Scalar>), String> {
    let reader = Reader::from_file_exact(path).map_err(|cause| cause.to_string())?;
    let scalars = reader.scalars().clone();
    let is_valid = |name: &str, scalar: Scalar| {
        (scalar == NOT_STARTED && name.ends_with(STEP)) || f64::try_from(scalar).is_ok_and(|x| x.abs() <= MAX_NUMBER)
    };
    if let Some((name, scalar)) = scalars.iter().find(|(name, scalar)| !is_valid(name, **scalar)) {
        return Err(format!("a number `{name}` of {scalar:?}"));
    }
    Ok((reader.into_tensors().map_err(|cause| cause.to_string())?, scalars))
}
