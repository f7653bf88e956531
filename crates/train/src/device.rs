//! Where to compute.

use std::fmt;
use std::str::FromStr;

use anyhow::Result;
use burn::tensor::Device;

use crate::cli::{BadInput, DeviceArgs};

/// A device by its name, compiled in or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceName {
    backend: Backend,
    index: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Cuda,
    Vulkan,
    Wgpu,
    Flex,
    NdArray,
}

impl Backend {
    /// GPUs first: the first that is compiled in is the default.
    const ALL: [Self; 5] = [Self::Cuda, Self::Vulkan, Self::Wgpu, Self::Flex, Self::NdArray];

    /// The device's name, which is also the feature's.
    fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Vulkan => "vulkan",
            Self::Wgpu => "wgpu",
            Self::Flex => "flex",
            Self::NdArray => "ndarray",
        }
    }

    fn is_compiled_in(self) -> bool {
        match self {
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Flex => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
        }
    }

    /// What has to be there for the device to answer.
    fn needs(self) -> &'static str {
        match self {
            Self::Cuda => "NVIDIA's driver and CUDA libraries",
            Self::Vulkan => "a Vulkan driver",
            Self::Wgpu => "a driver for Vulkan, Metal or DirectX 12 (on Linux: your card's Vulkan driver)",
            Self::Flex | Self::NdArray => "a CPU",
        }
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, index) = match text.split_once(':') {
            Some((name, index)) => (name, Some(index)),
            None => (text, None),
        };
        let expected = "expected flex, ndarray, wgpu, vulkan or cuda, and for a GPU perhaps its number, as in cuda:1";
        let backend = Backend::ALL.into_iter().find(|backend| backend.name() == name);
        let backend = backend.ok_or_else(|| format!("unknown device `{name}`: {expected}"))?;
        let on_cpu = matches!(backend, Backend::Flex | Backend::NdArray);
        let index = match index.map(str::parse) {
            None => None,
            Some(Ok(index)) if !on_cpu => Some(index),
            Some(_) => return Err(format!("no device `{text}`: {expected}")),
        };
        Ok(Self { backend, index })
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}:{index}", self.backend.name()),
            None => f.write_str(self.backend.name()),
        }
    }
}

/// The name of the device that was asked for, or of the first that is compiled in, GPUs before CPUs.
///
/// # Errors
/// If none is compiled in.
pub fn named(args: &DeviceArgs) -> Result<DeviceName> {
    let first = Backend::ALL.into_iter().find(|backend| backend.is_compiled_in());
    let name = args.device.or(first.map(|backend| DeviceName { backend, index: None }));
    name.ok_or_else(|| BadInput("no device is compiled in: build with --features flex".into()).into())
}

/// The device that was asked for, or the first that is compiled in, GPUs before CPUs.
///
/// # Errors
/// If it is not compiled in, or nothing answers to it: the error says which feature or driver is missing.
pub fn open(args: &DeviceArgs) -> Result<Device> {
    let compiled: Vec<&str> =
        Backend::ALL.into_iter().filter(|backend| backend.is_compiled_in()).map(Backend::name).collect();
    let name = named(args)?;
    let wanted = name.backend.name();
    if !name.backend.is_compiled_in() {
        return Err(BadInput(format!(
            "device {wanted}: it is not compiled in, build with --features {wanted} (compiled in: {})",
            compiled.join(", ")
        ))
        .into());
    }
    find(name).ok_or_else(|| {
        let index = name.index.map(|index| format!(":{index}")).unwrap_or_default();
        let instead = if cfg!(feature = "flex") { "; --device flex computes on the CPU" } else { "" };
        BadInput(format!("device {wanted}{index}: no adapter was found, it needs {}{instead}", name.backend.needs()))
            .into()
    })
}

/// The device, if one answers.
fn find(name: DeviceName) -> Option<Device> {
    match name.backend {
        #[cfg(feature = "flex")]
        Backend::Flex => Some(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated, reason = "deprecated in favour of Flex, and offered here for as long as Burn ships it")]
        Backend::NdArray => Some(Device::ndarray()),
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => listed(burn::tensor::DeviceType::Wgpu, name.index)
            .map(|device| device.unwrap_or_else(|| Device::wgpu(burn::tensor::DeviceKind::DefaultDevice))),
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => listed(burn::tensor::DeviceType::Vulkan, name.index)
            .map(|device| device.unwrap_or_else(|| Device::vulkan(burn::tensor::DeviceKind::DefaultDevice))),
        #[cfg(feature = "cuda")]
        Backend::Cuda => {
            listed(burn::tensor::DeviceType::Cuda, name.index).map(|device| device.unwrap_or_else(|| Device::cuda(0)))
        }
        #[allow(unreachable_patterns, reason = "with all features on, nothing is left")]
        _ => None,
    }
}

/// `Some(Some(device))` for a number that is listed, `Some(None)` for any at all, `None` where there is none.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn listed(kind: burn::tensor::DeviceType, index: Option<usize>) -> Option<Option<Device>> {
    // A driver that is not installed makes the runtime panic when it looks for it.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let devices = std::panic::catch_unwind(|| Device::enumerate(kind).into_iter().collect::<Vec<_>>());
    std::panic::set_hook(hook);
    let devices = devices.unwrap_or_default();
    match index {
        Some(index) => devices.into_iter().nth(index).map(Some),
        None => (!devices.is_empty()).then_some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_a_number() {
        assert_eq!("cuda:1".parse(), Ok(DeviceName { backend: Backend::Cuda, index: Some(1) }));
        assert_eq!("cuda:1".parse::<DeviceName>().map(|name| name.to_string()), Ok("cuda:1".into()));
        assert_eq!("flex".parse(), Ok(DeviceName { backend: Backend::Flex, index: None }));
        for wrong in ["tpu", "flex:0", "cuda:x", "cuda:", ""] {
            assert!(wrong.parse::<DeviceName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_compiled_in_is_told_with_its_feature() {
        let Some(absent) = Backend::ALL.into_iter().find(|backend| !backend.is_compiled_in()) else {
            return;
        };
        let name = DeviceName { backend: absent, index: None };
        let error = open(&DeviceArgs { device: Some(name) }).unwrap_err().to_string();
        assert!(error.contains(&format!("build with --features {}", absent.name())), "{error}");
    }
}
