//! Information about a GPU.

use std::fmt;

use burn::tensor::Device;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::features::Plane;

use super::Limits;
use super::schedule::cube_device;

/// A GPU: name, driver and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The name of the hardware.
    pub name: String,
    /// The runtime and its target language, such as `wgpu<wgsl>` or `cuda`.
    pub runtime: String,
    /// The graphics API and its driver, if the runtime reports them.
    pub driver: Option<String>,
    /// The limits that this crate's kernels depend on.
    pub limits: Limits,
    /// The smallest and the largest number of units in a plane (warp, wavefront, subgroup), if kernels may use planes.
    pub planes: Option<(u32, u32)>,
    /// Whether it has matrix instructions (tensor cores, cooperative matrices).
    pub has_matrix_instructions: bool,
    /// Bytes of memory, if the device reports them.
    pub memory: Option<u64>,
}

impl Adapter {
    /// Opens a device and reads its properties; `None` if it is not one of CubeCL's. The driver is reported only to the
    /// first caller that opens a device.
    ///
    /// # Panics
    /// If no adapter is found for the device.
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
            has_matrix_instructions: !features.matmul.cmma.is_empty(),
            memory: properties.memory.max_memory(),
        })
    }
}

/// The graphics API and the driver. They are reported when a device is set up, so this sets it up.
#[cfg(feature = "wgpu")]
fn driver(device: &CubeDevice) -> Option<String> {
    use burn_cubecl::cubecl::wgpu::{AutoGraphicsApi, RuntimeOptions, try_init_setup};
    let CubeDevice::Wgpu(device) = device else {
        return None;
    };
    let setup = try_init_setup::<AutoGraphicsApi>(device, RuntimeOptions::try_default().ok()?).ok()?;
    let info = setup.adapter.get_info();
    let parts = [format!("{}", info.backend), info.driver, info.driver_info];
    Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "))
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
