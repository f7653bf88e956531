//! What a GPU is, and what it can hold.

use std::fmt;

use burn::tensor::Device;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::features::Plane;

use super::Limits;
use super::schedule::cube_device;

/// A GPU, as those who compute on it see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The card's own name.
    pub name: String,
    /// What its kernels are compiled to and run by, such as `wgpu<wgsl>` or `cuda`.
    pub runtime: String,
    /// The graphics interface and the driver behind it, where the runtime tells.
    pub driver: Option<String>,
    /// What the kernels of this crate go by.
    pub limits: Limits,
    /// Units of a plane (a warp, a wavefront, a subgroup), from and to, where kernels may use planes.
    pub planes: Option<(u32, u32)>,
    /// Whether it multiplies small matrices by instructions of their own.
    pub has_matrices: bool,
    /// Bytes of memory, where the device tells.
    pub memory: Option<u64>,
}

impl Adapter {
    /// Opens a device and looks at it; `None` if it is none of CubeCL's. The driver is told only to the first who opens a
    /// device.
    ///
    /// # Panics
    /// If there is no adapter behind the device.
    pub fn of(device: &Device) -> Option<Self> {
        let device = cube_device(device.as_dispatch())?;
        let driver = driver(device);
        let client = device.client();
        let properties = client.properties();
        let hardware = &properties.hardware;
        let features = client.features();
        Some(Self {
            name: properties.identity.name.clone(),
            runtime: client.name().into(),
            driver,
            limits: Limits::of(&client),
            planes: features.plane.contains(Plane::Ops).then_some((hardware.plane_size_min, hardware.plane_size_max)),
            has_matrices: !features.matmul.cmma.is_empty(),
            memory: properties.memory.max_memory(),
        })
    }
}

/// What only the setup of a device tells, so this sets it up.
#[cfg(feature = "wgpu")]
fn driver(device: &CubeDevice) -> Option<String> {
    use burn_cubecl::cubecl::wgpu::{AutoGraphicsApi, RuntimeOptions, try_init_setup};
    let CubeDevice::Wgpu(device) = device else {
        return None;
    };
    let setup = try_init_setup::<AutoGraphicsApi>(device, RuntimeOptions::try_default().ok()?).ok()?;
    let info = setup.adapter.get_info();
    let words = [format!("{}", info.backend), info.driver, info.driver_info];
    Some(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", "))
}

#[cfg(not(feature = "wgpu"))]
fn driver(_device: &CubeDevice) -> Option<String> {
    None
}

impl fmt::Display for Adapter {
    /// Name, driver and runtime in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, runtime, .. } = self;
        match &self.driver {
            Some(driver) => write!(f, "{name}, {driver}, {runtime}"),
            None => write!(f, "{name}, {runtime}"),
        }
    }
}
