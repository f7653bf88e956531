//! The devices to compute on.

use std::fmt;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use recurrent::kernels::gpu::Adapter;

use crate::error::BadInput;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
use crate::output::note;
use crate::output::print;
use crate::ranks::Place;

#[derive(Debug, Default, Args)]
pub struct DeviceArgs {
    /// The device: flex or ndarray (CPU), wgpu, vulkan, metal or cuda (GPU), as far as compiled in; :N picks one of
    /// several
    #[arg(long, value_name = "NAME[:N]")]
    pub device: Option<DeviceName>,
}

/// The name of a device, whether its backend is compiled in or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceName {
    backend: Backend,
    index: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Cuda,
    Metal,
    Vulkan,
    Wgpu,
    Flex,
    NdArray,
}

impl Backend {
    /// All backends, GPUs first; the first that is compiled in is the default.
    const ALL: [Self; 6] = [Self::Cuda, Self::Metal, Self::Vulkan, Self::Wgpu, Self::Flex, Self::NdArray];

    /// The name of the device and of the Cargo feature.
    fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Metal => "metal",
            Self::Vulkan => "vulkan",
            Self::Wgpu => "wgpu",
            Self::Flex => "flex",
            Self::NdArray => "ndarray",
        }
    }

    fn is_gpu(self) -> bool {
        !matches!(self, Self::Flex | Self::NdArray)
    }

    fn is_compiled_in(self) -> bool {
        match self {
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Flex => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
        }
    }

    /// What the device requires of the machine.
    fn requirement(self) -> &'static str {
        match self {
            Self::Cuda => "NVIDIA's driver and CUDA libraries",
            Self::Metal => "a Mac with Apple's or another GPU",
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
        let expected =
            "expected flex, ndarray, wgpu, vulkan, metal or cuda, with an optional index for a GPU, as in cuda:1";
        let backend = Backend::ALL.into_iter().find(|backend| backend.name() == name);
        let backend = backend.ok_or_else(|| format!("unknown device `{name}`: {expected}"))?;
        let index = match index.map(str::parse) {
            None => None,
            Some(Ok(index)) if backend.is_gpu() => Some(index),
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

/// The name of the requested device, or of the first that is compiled in, GPUs before CPUs.
///
/// # Errors
/// If none is compiled in.
pub fn named(args: &DeviceArgs) -> Result<DeviceName> {
    let first = Backend::ALL.into_iter().find(|backend| backend.is_compiled_in());
    let name = args.device.or(first.map(|backend| DeviceName { backend, index: None }));
    name.ok_or_else(|| BadInput("no device is compiled in: build with --features flex".into()).into())
}

/// Opens the requested device, or the first that is compiled in, GPUs before CPUs.
///
/// # Errors
/// If it is not compiled in, or not found; the error says which feature or driver is missing.
pub fn open(args: &DeviceArgs) -> Result<Device> {
    let compiled: Vec<&str> =
        Backend::ALL.into_iter().filter(|backend| backend.is_compiled_in()).map(Backend::name).collect();
    let name = of_rank(named(args)?);
    let backend = name.backend.name();
    if !name.backend.is_compiled_in() {
        return Err(BadInput(format!(
            "device {backend}: it is not compiled in, build with --features {backend} (compiled in: {})",
            compiled.join(", ")
        ))
        .into());
    }
    let device = find(name).ok_or_else(|| {
        let index = name.index.map(|index| format!(":{index}")).unwrap_or_default();
        let instead = if cfg!(feature = "flex") { "; --device flex computes on the CPU" } else { "" };
        BadInput(format!(
            "device {backend}{index}: no adapter was found, it needs {}{instead}",
            name.backend.requirement()
        ))
    })?;
    #[cfg(any(feature = "wgpu", feature = "cuda"))]
    if let Some(adapter) = Adapter::of(&device) {
        note(format!("device {backend}: {adapter}"));
        ON_GPU.store(true, Ordering::Relaxed);
    }
    Ok(device)
}

/// On a machine with several ranks, each takes a GPU of its own, unless one is named.
fn of_rank(name: DeviceName) -> DeviceName {
    match Place::of_process() {
        Some(place) if name.backend.is_gpu() && place.local_size > 1 && name.index.is_none() => {
            DeviceName { index: Some(place.local_rank), ..name }
        }
        _ => name,
    }
}

/// Whether a GPU was opened.
static ON_GPU: AtomicBool = AtomicBool::new(false);

/// What to do after a panic, if a GPU is in use.
pub fn advice() -> Option<&'static str> {
    ON_GPU.load(Ordering::Relaxed).then_some(
        "the GPU may be out of memory or lost: try a smaller --batch-size or --hidden-size, or --device flex; the run's \
         last checkpoint is kept, and `train resume` continues from it",
    )
}

/// `train devices`: lists the devices and their limits.
pub fn list() -> Result<ExitCode> {
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_compiled_in()) {
        let adapters = adapters(backend);
        if adapters.is_empty() {
            print(format!("{}: no device was found, it needs {}", backend.name(), backend.requirement()));
        }
        for (index, lines) in adapters.into_iter().enumerate() {
            let index = if backend.is_gpu() { format!(":{index}") } else { String::new() };
            print(format!("{}{index}  {}", backend.name(), lines.join("\n    ")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines about each device of a backend.
fn adapters(backend: Backend) -> Vec<Vec<String>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    match backend {
        Backend::Flex | Backend::NdArray => vec![vec![format!("the CPU, {threads} threads")]],
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        gpu => all_of(gpu).iter().filter_map(Adapter::of).map(|adapter| lines(&adapter)).collect(),
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        _ => Vec::new(),
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn lines(adapter: &Adapter) -> Vec<String> {
    let size = |bytes: u64| match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mib if mib < 10 << 10 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib >> 10),
    };
    let limits = &adapter.limits;
    let planes = match adapter.planes {
        None => "none".into(),
        Some((from, to)) if from == to => format!("of {from}"),
        Some((from, to)) => format!("of {from} to {to}"),
    };
    vec![
        adapter.to_string(),
        format!("shared memory {}, units of a cube {}", size(limits.shared_bytes as u64), limits.units),
        format!("planes {planes}, cooperative matrices {}", if adapter.has_matrix_instructions { "yes" } else { "no" }),
        format!(
            "memory {}, largest buffer {}",
            adapter.memory.map_or("unknown".into(), size),
            size(limits.buffer_bytes)
        ),
        format!(
            "recurrent layers {}",
            if limits.supports_fused() { "fused" } else { "step by step: too few bindings" }
        ),
    ]
}

/// The device, if it is found.
fn find(name: DeviceName) -> Option<Device> {
    match name.backend {
        #[cfg(feature = "flex")]
        Backend::Flex => Some(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated, reason = "deprecated in favor of Flex, but supported while Burn ships it")]
        Backend::NdArray => Some(Device::ndarray()),
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        gpu => {
            let devices = all_of(gpu);
            match name.index {
                Some(index) => devices.into_iter().nth(index),
                None if devices.is_empty() => None,
                None => best_of(gpu),
            }
        }
        #[allow(unreachable_patterns, reason = "only CPU backends are left without GPU features")]
        _ => None,
    }
}

/// The default device of a GPU backend.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn best_of(backend: Backend) -> Option<Device> {
    #[cfg(feature = "wgpu")]
    use burn::tensor::DeviceKind::DefaultDevice;
    match backend {
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => Some(Device::wgpu(DefaultDevice)),
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => Some(Device::vulkan(DefaultDevice)),
        #[cfg(feature = "metal")]
        Backend::Metal => Some(Device::metal(DefaultDevice)),
        #[cfg(feature = "cuda")]
        Backend::Cuda => Some(Device::cuda(0)),
        _ => None,
    }
}

/// All devices of a GPU backend, in the order of their indices.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn all_of(backend: Backend) -> Vec<Device> {
    use burn::tensor::DeviceType;
    let kind = match backend {
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => DeviceType::Wgpu,
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => DeviceType::Vulkan,
        #[cfg(feature = "metal")]
        Backend::Metal => DeviceType::Metal,
        #[cfg(feature = "cuda")]
        Backend::Cuda => DeviceType::Cuda,
        _ => return Vec::new(),
    };
    // The runtime panics if the driver is not installed.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let devices = std::panic::catch_unwind(|| Device::enumerate(kind).into_iter().collect());
    std::panic::set_hook(hook);
    devices.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_have_an_optional_index() {
        assert_eq!("cuda:1".parse(), Ok(DeviceName { backend: Backend::Cuda, index: Some(1) }));
        assert_eq!("cuda:1".parse::<DeviceName>().map(|name| name.to_string()), Ok("cuda:1".into()));
        assert_eq!("flex".parse(), Ok(DeviceName { backend: Backend::Flex, index: None }));
        for wrong in ["tpu", "flex:0", "cuda:x", "cuda:", ""] {
            assert!(wrong.parse::<DeviceName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_backend_that_is_not_compiled_in_is_reported_with_its_feature() {
        let Some(absent) = Backend::ALL.into_iter().find(|backend| !backend.is_compiled_in()) else {
            return;
        };
        let name = DeviceName { backend: absent, index: None };
        let error = open(&DeviceArgs { device: Some(name) }).unwrap_err().to_string();
        assert!(error.contains(&format!("build with --features {}", absent.name())), "{error}");
    }
}
