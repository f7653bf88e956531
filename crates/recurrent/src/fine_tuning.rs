//! Starting from another run: its settings, its network, and the parts that stay as they are.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};

use crate::partial::Partial;
use crate::{Error, PRETRAINED_PREFIX, Result, RunDir, Task, TaskConfig};

/// The settings of the network of a run or pretrained model (`zoo:NAME`), and of its tokenizer: those that a run which
/// starts [from](crate::fit::FitConfig::from) it takes over.
///
/// # Errors
/// If it does not exist, or is of another task.
pub fn base_settings<T: Task>(from: &str) -> Result<Partial> {
    BaseRun::open(from)?.settings::<T>()
}

/// A run to start from.
pub(crate) struct BaseRun {
    name: String,
    run_dir: RunDir,
    /// The folder of a pretrained model, until it is dropped.
    #[cfg(feature = "zoo")]
    _unpacked: Option<crate::zoo::Unpacked>,
}

impl BaseRun {
    /// Opens the folder of a run, or a pretrained model.
    pub(crate) fn open(from: &str) -> Result<Self> {
        let name = from.to_string();
        match from.strip_prefix(PRETRAINED_PREFIX) {
            #[cfg(feature = "zoo")]
            Some(pretrained) => {
                let unpacked = crate::zoo::Pretrained::find(pretrained)?.unpack()?;
                Ok(Self { name, run_dir: RunDir::open(&unpacked)?, _unpacked: Some(unpacked) })
            }
            #[cfg(not(feature = "zoo"))]
            Some(_) => {
                Err(Error::setting("from", "the folder of a run (pretrained models need the feature `zoo`)", name))
            }
            None => Ok(Self {
                name,
                run_dir: RunDir::open(from)?,
                #[cfg(feature = "zoo")]
                _unpacked: None,
            }),
        }
    }

    pub(crate) fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    fn settings<T: Task>(&self) -> Result<Partial> {
        Ok(Partial::from(&self.run_dir.config::<T::Config>()?).only(T::NETWORK_SETTINGS))
    }

    /// Refuses settings of another network or tokenizer.
    pub(crate) fn check_settings<T: Task>(&self, config: &T::Config) -> Result<()> {
        let own = Partial::from(config);
        for (name, expected) in self.settings::<T>()?.values() {
            let found = own.values().get(name);
            if found != Some(expected) {
                let expected = format!("{expected}, as {} has", self.name);
                let found = found.map_or_else(|| "none".into(), ToString::to_string);
                return Err(Error::Setting { setting: name.clone().into(), expected, found });
            }
        }
        Ok(())
    }

    /// The network of a run with these settings, with the weights of this one.
    pub(crate) fn network<T: Task>(&self, config: &T::Config, data: &T::Data) -> Result<T::Network> {
        let device = Device::default();
        device.seed(config.fit().seed);
        let mut network = T::network(config, data, &device);
        self.run_dir.read_weights_but(&mut network, &T::fresh_parts(config, data, &self.run_dir)?)?;
        Ok(network)
    }
}

/// The network with these parts frozen: they are not trained. A part is all that has its name on the way to a parameter,
/// such as `embedding` or `encoder`.
///
/// # Errors
/// If there is no such part, or nothing is left to train.
pub(crate) fn freeze<M: Module>(network: M, parts: &[String]) -> Result<M> {
    if parts.is_empty() {
        return Ok(network);
    }
    let mut freeze = Freeze { parts, path: Vec::new(), frozen: BTreeSet::new(), names: BTreeSet::new(), trained: 0 };
    let network = network.map(&mut freeze);
    let Freeze { frozen, names, trained, .. } = freeze;
    let names = || names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match parts.iter().find(|part| !frozen.contains(*part)) {
        Some(part) => Err(Error::setting("freeze", format!("parts of the network ({})", names()), part)),
        None if trained == 0 => Err(Error::setting("freeze", "a part that is left to train", "none")),
        None => Ok(network),
    }
}

struct Freeze<'a> {
    parts: &'a [String],
    /// The names on the way to the parameter that is visited.
    path: Vec<String>,
    frozen: BTreeSet<String>,
    /// The names of the outermost parts, inside of an ensemble's members.
    names: BTreeSet<String>,
    trained: usize,
}

impl ModuleMapper for Freeze<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let is_part = |name: &&String| *name != "members" && name.parse::<usize>().is_err();
        self.names.extend(self.path.iter().find(is_part).cloned());
        let named = self.path.iter().filter(|name| self.parts.contains(name)).cloned().collect::<Vec<_>>();
        if named.is_empty() {
            self.trained += 1;
            return param;
        }
        self.frozen.extend(named);
        param.set_require_grad(false)
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};

    use super::*;

    #[test]
    fn frozen_parts_have_no_gradient() {
        let device = Device::flex().autodiff();
        let layer: Linear = LinearConfig::new(2, 1).init(&device);
        let frozen = freeze(layer.clone(), &["weight".to_string()]).unwrap();
        let grads = frozen.forward(Tensor::<2>::ones([1, 2], &device)).sum().backward();
        assert!(frozen.weight.val().grad(&grads).is_none());
        assert!(frozen.bias.unwrap().val().grad(&grads).is_some());
        let error = freeze(layer.clone(), &["embedding".to_string()]).unwrap_err();
        assert_eq!(error.to_string(), "freeze: expected parts of the network (bias, weight), found embedding");
        let error = freeze(layer, &["weight".to_string(), "bias".to_string()]).unwrap_err();
        assert_eq!(error.to_string(), "freeze: expected a part that is left to train, found none");
    }
}
