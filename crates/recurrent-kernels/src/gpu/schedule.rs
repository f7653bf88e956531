//! The choice of a schedule, by the shape of a pass and the limits of the device.

use std::cell::Cell as ThreadCell;

use burn::backend::DispatchDevice;
use burn::tensor::Device;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::client::Client;

use super::persistent::{CubeTile, WeightPlacement};
use super::pointwise::KernelConfig;

/// How a whole sequence runs on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// One launch for the whole sequence and both directions, with the state in shared memory; several launches if one
    /// would take too long.
    Persistent,
    /// Two launches per step, a matrix product and a kernel for the gates: for large weights.
    Stepwise,
}

thread_local! {
    static FORCED: ThreadCell<Option<Schedule>> = const { ThreadCell::new(None) };
}

/// Runs `f` with a forced schedule: every scan started by `f` on this thread uses it, forward and backward, where the
/// device supports it. Without this, the schedule is chosen by shape and device limits. Intended for tests.
pub fn with_schedule<T>(schedule: Schedule, f: impl FnOnce() -> T) -> T {
    /// Restores the previous value, also if `f` panics.
    struct Restore(Option<Schedule>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(schedule)));
    f()
}

/// The schedule that [`with_schedule`] forces on this thread.
pub(crate) fn forced_schedule() -> Option<Schedule> {
    FORCED.get()
}

/// The limits of a device that the kernels depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of shared memory per cube.
    pub shared_bytes: usize,
    /// The largest number of units per cube.
    pub units: usize,
    /// Streaming multiprocessors, which run cubes in parallel.
    pub processors: usize,
    /// The largest number of buffers of a kernel.
    pub bindings: usize,
    /// Bytes of the largest buffer.
    pub buffer_bytes: u64,
    /// Whether it is a software renderer on a CPU.
    pub is_software: bool,
}

/// The number of processors assumed if a device does not report it: that of a small GPU.
const PROCESSORS: usize = 32;
/// Buffers of the largest kernel, including those for sizes.
const BINDINGS: usize = 14;
/// Bytes of weights that a cube reads in each step faster than the device launches two more kernels.
const PERSISTENT_BYTES: usize = 1 << 20;
/// The largest number of weights in a unit's registers, of which there are at most 255.
const MAX_UNIT_REGISTERS: usize = 128;
/// The largest number of weights in all registers of a cube: three quarters of a register file of 64 K.
const MAX_CUBE_REGISTERS: usize = 48 << 10;
/// Units per cube on a software renderer.
const SOFTWARE_UNITS: usize = 32;
/// The largest number of rows per cube, all of which share each weight that is read.
const MAX_ROWS: usize = 8;

/// The CubeCL device behind a device, with autodiff or without.
pub(super) fn cube_device(device: &DispatchDevice) -> Option<&CubeDevice> {
    match device {
        DispatchDevice::Cube(device) => Some(device),
        DispatchDevice::Autodiff(device) => cube_device(device),
        #[allow(unreachable_patterns, reason = "the set of backends depends on the enabled features")]
        _ => None,
    }
}

impl Limits {
    /// The limits of the device behind a client.
    pub fn of(client: &Client) -> Self {
        let properties = client.properties();
        let hardware = &properties.hardware;
        Self {
            shared_bytes: hardware.max_shared_memory_size,
            units: hardware.max_units_per_cube.min(hardware.max_cube_dim.0) as usize,
            processors: hardware.num_streaming_multiprocessors.map_or(PROCESSORS, |count| count as usize),
            bindings: hardware.max_bindings as usize,
            buffer_bytes: properties.memory.max_page_size,
            is_software: properties.identity.physical.is_none(),
        }
    }

    /// The limits of a device; `None` if it is not one of CubeCL's.
    pub fn of_device(device: &Device) -> Option<Self> {
        cube_device(device.as_dispatch()).map(|device| Self::of(&device.client()))
    }

    /// Whether the device can run this crate's kernels; if not, scans use the reference implementation.
    pub fn supports_fused(&self) -> bool {
        self.bindings >= BINDINGS && self.units >= super::stepwise::CUBE_UNITS as usize
    }

    /// Checks that the gates of a batch fit in one buffer: `batch * time` rows of `width` gates, those of all directions.
    ///
    /// # Panics
    /// If they do not fit.
    pub fn check(&self, [batch, time]: [usize; 2], width: usize) {
        let row = 4 * (time * width) as u64;
        let needed = batch as u64 * row;
        // The kernels use 32-bit offsets.
        let most = self.buffer_bytes.min(4 * u64::from(u32::MAX));
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        assert!(
            needed <= most,
            "a batch of {batch} rows with {time} steps and {width} gates needs a buffer of {} MiB, but the device's largest \
             buffer is {} MiB: reduce the batch size to at most {}, use shorter sequences, or use a CPU device",
            mib(needed),
            mib(most),
            most / row,
        );
    }

    /// The schedule of a pass: the tile of the persistent schedule, or `None` for the stepwise one.
    ///
    /// The persistent schedule is used if the state of a step fits in shared memory and the weights are small enough for
    /// every cube to read; if `forced`, it is used whenever the state fits, with the tile of a hardware GPU.
    pub fn tile(
        &self,
        config: &KernelConfig,
        batch: usize,
        backward: bool,
        forced: Option<Schedule>,
    ) -> Option<CubeTile> {
        let small = 4 * config.columns() * config.hidden <= PERSISTENT_BYTES;
        match forced {
            Some(Schedule::Stepwise) => None,
            None if !small => None,
            // A CPU runs the units of a cube one after the other and switches between them at each barrier.
            None if self.is_software => self.largest_tile(config, batch, backward, SOFTWARE_UNITS, MAX_ROWS),
            _ => {
                let units = config.columns().next_multiple_of(32).min(self.units).min(1024);
                // One cube per processor first, then more rows per cube.
                let rows = (batch * config.directions).div_ceil(self.processors).next_power_of_two();
                self.largest_tile(config, batch, backward, units, rows.min(MAX_ROWS))
            }
        }
    }

    /// The tile with the most rows, up to `rows`, that fits, with its weights in the fastest memory that fits.
    fn largest_tile(
        &self,
        config: &KernelConfig,
        batch: usize,
        backward: bool,
        units: usize,
        rows: usize,
    ) -> Option<CubeTile> {
        let fits = |tile: &CubeTile| {
            let elements = if backward { tile.shared_backward(config) } else { tile.shared_forward(config) };
            4 * elements <= self.shared_bytes
        };
        let rows = rows.min(batch.next_power_of_two());
        let placements = [WeightPlacement::Registers, WeightPlacement::Shared, WeightPlacement::Device];
        let halves = std::iter::successors(Some(rows), |rows| (*rows > 1).then_some(rows / 2));
        let tiles = halves.flat_map(|rows| placements.map(|weights| CubeTile { rows, units, weights }));
        let mut tiles = tiles.filter(|tile| tile.weights != WeightPlacement::Registers || fits_registers(tile, config));
        tiles.find(fits)
    }
}

fn fits_registers(tile: &CubeTile, config: &KernelConfig) -> bool {
    let weights = tile.columns_per_unit(config) * config.hidden;
    weights <= MAX_UNIT_REGISTERS && weights * tile.units <= MAX_CUBE_REGISTERS
}

/// Multiplications and additions that a slow GPU computes in a quarter of a second.
const MAX_LAUNCH_OPERATIONS: usize = 1 << 32;
/// Steps, however small, that a slow GPU runs in the same time.
const MAX_LAUNCH_STEPS: usize = 1 << 13;
/// The largest number of loop iterations of a unit in a launch: beyond it Mesa's software Vulkan silently ends a loop.
const MAX_LAUNCH_ITERATIONS: usize = (1 << 16) - 1;

/// The number of steps in one launch of the persistent schedule. No launch may take half a second on a slow GPU: the
/// system would treat a longer one as a hang.
pub fn steps_per_launch(config: &KernelConfig, tile: &CubeTile, batch: usize) -> usize {
    let operations = 2 * config.directions * batch * config.columns() * config.hidden;
    let steps =
        MAX_LAUNCH_ITERATIONS.saturating_sub(tile.iterations_outside_steps(config)) / tile.iterations_per_step(config);
    (MAX_LAUNCH_OPERATIONS / operations.max(1)).min(steps).clamp(1, MAX_LAUNCH_STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::pointwise::CellKind;

    /// WebGPU's guaranteed minimum, and a large GPU.
    const SMALL: Limits = Limits {
        shared_bytes: 16 << 10,
        units: 256,
        processors: 32,
        bindings: 16,
        buffer_bytes: 128 << 20,
        is_software: false,
    };
    const LARGE: Limits =
        Limits { shared_bytes: 227 << 10, units: 1024, processors: 132, buffer_bytes: 64 << 30, ..SMALL };

    fn config(cell: CellKind, hidden: usize) -> KernelConfig {
        KernelConfig {
            cell,
            hidden,
            directions: 1,
            reverse: false,
            bias: true,
            ragged: false,
            save: true,
            initial_state: false,
            output_grad: true,
        }
    }

    #[test]
    fn small_weights_are_in_registers() {
        for limits in [SMALL, LARGE] {
            let tile = limits.tile(&config(CellKind::Lstm, 50), 32, false, None).expect("persistent");
            assert_eq!(tile, CubeTile { rows: 1, units: 224, weights: WeightPlacement::Registers });
        }
    }

    #[test]
    fn larger_weights_are_in_shared_or_device_memory() {
        let placement =
            |limits: Limits, hidden| limits.tile(&config(CellKind::Lstm, hidden), 32, true, None).map(|t| t.weights);
        assert_eq!(placement(LARGE, 112), Some(WeightPlacement::Shared));
        assert_eq!(placement(LARGE, 128), Some(WeightPlacement::Device));
        assert_eq!(placement(SMALL, 112), Some(WeightPlacement::Device));
    }

    #[test]
    fn the_largest_weights_use_the_stepwise_schedule() {
        for limits in [SMALL, LARGE] {
            assert_eq!(limits.tile(&config(CellKind::Lstm, 512), 64, false, None), None);
            assert!(limits.tile(&config(CellKind::Tanh, 512), 64, false, None).is_some());
        }
        assert!(LARGE.tile(&config(CellKind::Lstm, 512), 64, true, Some(Schedule::Persistent)).is_some());
        assert_eq!(SMALL.tile(&config(CellKind::Lstm, 512), 64, true, Some(Schedule::Persistent)), None);
        assert_eq!(LARGE.tile(&config(CellKind::Lstm, 50), 64, true, Some(Schedule::Stepwise)), None);
    }

    #[test]
    fn a_software_renderer_uses_few_units_and_many_rows() {
        let software = Limits { is_software: true, ..SMALL };
        let tile = software.tile(&config(CellKind::GruAfter, 50), 32, false, None).expect("persistent");
        assert_eq!((tile.units, tile.rows), (SOFTWARE_UNITS, MAX_ROWS));
        let forced = Some(Schedule::Persistent);
        let as_hardware = SMALL.tile(&config(CellKind::GruAfter, 50), 32, false, None);
        assert_eq!(software.tile(&config(CellKind::GruAfter, 50), 32, false, forced), as_hardware);
    }

    #[test]
    fn rows_share_a_cube_only_in_large_batches() {
        let rows = |batch| LARGE.tile(&config(CellKind::GruAfter, 64), batch, false, None).map(|tile| tile.rows);
        assert_eq!([1, 132, 133, 1000, 100_000].map(rows), [1, 1, 2, 8, 8].map(Some));
    }

    #[test]
    fn a_long_sequence_takes_several_launches() {
        let steps = |cell, hidden, batch| {
            let config = config(cell, hidden);
            let tile = LARGE.tile(&config, batch, false, Some(Schedule::Persistent)).expect("persistent");
            let steps = steps_per_launch(&config, &tile, batch);
            assert!(
                steps == 1
                    || tile.iterations_outside_steps(&config) + steps * tile.iterations_per_step(&config)
                        <= MAX_LAUNCH_ITERATIONS
            );
            steps
        };
        // Limited by operations, by loop iterations, and by the number of steps.
        assert_eq!(steps(CellKind::Lstm, 50, 32), 6710);
        assert_eq!(steps(CellKind::Tanh, 512, 1), 949);
        assert_eq!(steps(CellKind::Tanh, 1, 1), MAX_LAUNCH_STEPS);
        assert_eq!(steps(CellKind::Lstm, 1024, 1 << 10), 1);
    }

    #[test]
    fn a_batch_too_large_for_a_buffer_is_rejected() {
        SMALL.check([64, 256], 2048);
        let panic = std::panic::catch_unwind(|| SMALL.check([65, 256], 2048)).expect_err("a panic");
        let expected = "a batch of 65 rows with 256 steps and 2048 gates needs a buffer of 130 MiB, but the device's \
                        largest buffer is 128 MiB: reduce the batch size to at most 64, use shorter sequences, or use a \
                        CPU device";
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some(expected));
    }

    #[test]
    fn a_forced_schedule_is_restored() {
        assert_eq!(forced_schedule(), None);
        with_schedule(Schedule::Stepwise, || {
            with_schedule(Schedule::Persistent, || assert_eq!(forced_schedule(), Some(Schedule::Persistent)));
            assert_eq!(forced_schedule(), Some(Schedule::Stepwise));
        });
        assert_eq!(forced_schedule(), None);
    }
}
