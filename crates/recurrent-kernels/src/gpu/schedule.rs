//! Which way a sequence goes over the device.

use std::cell::Cell as ThreadCell;

use burn::backend::DispatchDevice;
use burn::tensor::Device;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::client::Client;

use super::cell::Form;
use super::resident::{Placement, Tile};

/// A way to run a whole sequence on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// One launch for the whole sequence and both directions, cut only where it would take too long: the state stays in
    /// shared memory.
    Resident,
    /// A product and a kernel for the gates in each step, or two kernels that multiply: for large weights.
    Stepwise,
}

thread_local! {
    static FORCED: ThreadCell<Option<Schedule>> = const { ThreadCell::new(None) };
}

/// Runs `f`, and each scan that it begins on this thread by the `schedule`, where the device can; the way back of these
/// scans goes by it too. Without it, shapes and the device's limits decide.
pub fn with_schedule<T>(schedule: Schedule, f: impl FnOnce() -> T) -> T {
    /// Puts back what was before, also where `f` panics.
    struct Before(Option<Schedule>);
    impl Drop for Before {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _before = Before(FORCED.replace(Some(schedule)));
    f()
}

/// What [`with_schedule`] asks for on this thread.
pub(crate) fn forced() -> Option<Schedule> {
    FORCED.get()
}

/// What a device can hold and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of shared memory of a cube.
    pub shared_bytes: usize,
    /// Units of a cube.
    pub units: usize,
    /// Processors that run cubes side by side.
    pub processors: usize,
    /// Buffers that a kernel may be given.
    pub bindings: usize,
    /// Bytes of the largest buffer.
    pub buffer_bytes: u64,
    /// Whether it is a CPU in a card's place.
    pub is_software: bool,
}

/// Where a device does not say how many processors it has: a small graphics card's.
const PROCESSORS: usize = 32;
/// Buffers that the largest kernel takes, those of the sizes included.
const BINDINGS: usize = 14;
/// Bytes of weights that a cube reads again in each step sooner than the device takes to launch two more kernels.
const RESIDENT_BYTES: usize = 1 << 20;
/// Numbers of weights in a unit's registers, which beside its sums are 255 at most.
const REGISTERS_A_UNIT: usize = 128;
/// Numbers of weights in all registers of a cube: three quarters of a processor's file of 64 K.
const REGISTERS: usize = 48 << 10;
/// Units of a cube on a CPU in a card's place.
const SOFTWARE_UNITS: usize = 32;
/// Rows of a cube: each weight that is read serves all of them.
const MOST_ROWS: usize = 8;

/// CubeCL's device, with autodiff or without.
pub(super) fn cube_device(device: &DispatchDevice) -> Option<&CubeDevice> {
    match device {
        DispatchDevice::Cube(device) => Some(device),
        DispatchDevice::Autodiff(device) => cube_device(device),
        #[allow(unreachable_patterns, reason = "which backends there are is chosen by features")]
        _ => None,
    }
}

impl Limits {
    /// Those of the device behind a client.
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

    /// Those of a device, if it is one of CubeCL's.
    pub fn of_device(device: &Device) -> Option<Self> {
        cube_device(device.as_dispatch()).map(|device| Self::of(&device.client()))
    }

    /// Whether the device can run the kernels at all.
    pub fn suffice(&self) -> bool {
        self.bindings >= BINDINGS && self.units >= super::stepwise::UNITS as usize
    }

    /// Panics, with what to do, where a sequence's gates are more than a buffer holds. `[batch, time]` rows have `width`
    /// gates, those of all directions.
    pub fn check(&self, [batch, time]: [usize; 2], width: usize) {
        let row = 4 * (time * width) as u64;
        let needed = batch as u64 * row;
        // Kernels count numbers in 32 bits.
        let most = self.buffer_bytes.min(4 * u64::from(u32::MAX));
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        assert!(
            needed <= most,
            "{batch} rows of {time} steps with {width} gates need a buffer of {} MiB, and the device has buffers of at \
             most {} MiB: take at most {} rows a batch (--batch), shorter sequences, or a CPU (--device flex)",
            mib(needed),
            mib(most),
            most / row,
        );
    }

    /// How a pass goes over the sequence: the tile of the resident schedule, or none for the stepwise one.
    ///
    /// The resident one is taken where a step's state fits in shared memory and the weights are few enough to be read
    /// again by each cube; `forced` it is taken where the state fits, and as on a card.
    pub fn tile(&self, form: &Form, batch: usize, back: bool, forced: Option<Schedule>) -> Option<Tile> {
        let small = 4 * form.columns() * form.hidden <= RESIDENT_BYTES;
        match forced {
            Some(Schedule::Stepwise) => None,
            None if !small => None,
            // A CPU takes the units of a cube one after the other, and changes from one to the next at each barrier.
            None if self.is_software => self.fitting(form, batch, back, SOFTWARE_UNITS, MOST_ROWS),
            _ => {
                let units = form.columns().next_multiple_of(32).min(self.units).min(1024);
                // As many cubes as there are processors, and then more rows for each of them.
                let rows = (batch * form.directions).div_ceil(self.processors).next_power_of_two();
                self.fitting(form, batch, back, units, rows.min(MOST_ROWS))
            }
        }
    }

    /// The tile with most of `rows` that fits, and its weights as near as they fit.
    fn fitting(&self, form: &Form, batch: usize, back: bool, units: usize, rows: usize) -> Option<Tile> {
        let fits = |tile: &Tile| {
            let numbers = if back { tile.shared_backward(form) } else { tile.shared_forward(form) };
            4 * numbers <= self.shared_bytes
        };
        let rows = rows.min(batch.next_power_of_two());
        let placements = [Placement::Registers, Placement::Shared, Placement::Memory];
        let halves = std::iter::successors(Some(rows), |rows| (*rows > 1).then_some(rows / 2));
        let tiles = halves.flat_map(|rows| placements.map(|weights| Tile { rows, units, weights }));
        let mut tiles = tiles.filter(|tile| tile.weights != Placement::Registers || registers_hold(tile, form));
        tiles.find(fits)
    }
}

fn registers_hold(tile: &Tile, form: &Form) -> bool {
    let numbers = tile.columns_a_unit(form) * form.hidden;
    numbers <= REGISTERS_A_UNIT && numbers * tile.units <= REGISTERS
}

/// Multiplications and additions that a slow card does in a quarter of a second.
const OPERATIONS_A_LAUNCH: usize = 1 << 32;
/// Steps that a slow card goes in as long, however small they are.
const STEPS_A_LAUNCH: usize = 1 << 13;
/// Rounds of all loops of a unit, after which Mesa's software Vulkan ends a loop without a word.
const ROUNDS_A_LAUNCH: usize = (1 << 16) - 1;

/// Steps of one launch of the resident schedule: so few that no launch takes half a second on a slow card, where the
/// system would take a longer one for a hanging device.
pub fn steps_a_launch(form: &Form, tile: &Tile, batch: usize) -> usize {
    let operations = 2 * form.directions * batch * form.columns() * form.hidden;
    let rounds = ROUNDS_A_LAUNCH.saturating_sub(tile.rounds_around(form)) / tile.rounds_a_step(form);
    (OPERATIONS_A_LAUNCH / operations.max(1)).min(rounds).clamp(1, STEPS_A_LAUNCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::cell::Cell;

    /// A card as WebGPU promises it at least, and one with much more.
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

    fn form(cell: Cell, hidden: usize) -> Form {
        Form {
            cell,
            hidden,
            directions: 1,
            reverse: false,
            bias: true,
            ragged: false,
            keep: true,
            initial: false,
            output: true,
        }
    }

    #[test]
    fn small_weights_stay_in_registers() {
        for limits in [SMALL, LARGE] {
            let tile = limits.tile(&form(Cell::Lstm, 50), 32, false, None).expect("resident");
            assert_eq!(tile, Tile { rows: 1, units: 224, weights: Placement::Registers });
        }
    }

    #[test]
    fn larger_ones_lie_in_shared_memory_or_are_read_again() {
        let placed = |limits: Limits, hidden| limits.tile(&form(Cell::Lstm, hidden), 32, true, None).map(|t| t.weights);
        assert_eq!(placed(LARGE, 112), Some(Placement::Shared));
        assert_eq!(placed(LARGE, 128), Some(Placement::Memory));
        assert_eq!(placed(SMALL, 112), Some(Placement::Memory));
    }

    #[test]
    fn the_largest_go_step_by_step() {
        for limits in [SMALL, LARGE] {
            assert_eq!(limits.tile(&form(Cell::Lstm, 512), 64, false, None), None);
            assert!(limits.tile(&form(Cell::Tanh, 512), 64, false, None).is_some());
        }
        assert!(LARGE.tile(&form(Cell::Lstm, 512), 64, true, Some(Schedule::Resident)).is_some());
        assert_eq!(SMALL.tile(&form(Cell::Lstm, 512), 64, true, Some(Schedule::Resident)), None);
        assert_eq!(LARGE.tile(&form(Cell::Lstm, 50), 64, true, Some(Schedule::Stepwise)), None);
    }

    #[test]
    fn a_cpu_in_a_cards_place_has_few_units_and_many_rows() {
        let software = Limits { is_software: true, ..SMALL };
        let tile = software.tile(&form(Cell::GruAfter, 50), 32, false, None).expect("resident");
        assert_eq!((tile.units, tile.rows), (SOFTWARE_UNITS, MOST_ROWS));
        let forced = Some(Schedule::Resident);
        let as_a_card = SMALL.tile(&form(Cell::GruAfter, 50), 32, false, None);
        assert_eq!(software.tile(&form(Cell::GruAfter, 50), 32, false, forced), as_a_card);
    }

    #[test]
    fn many_rows_share_a_cube_and_few_do_not() {
        let rows = |batch| LARGE.tile(&form(Cell::GruAfter, 64), batch, false, None).map(|tile| tile.rows);
        assert_eq!([1, 132, 133, 1000, 100_000].map(rows), [1, 1, 2, 8, 8].map(Some));
    }

    #[test]
    fn a_long_sequence_is_cut() {
        let steps = |cell, hidden, batch| {
            let form = form(cell, hidden);
            let tile = LARGE.tile(&form, batch, false, Some(Schedule::Resident)).expect("resident");
            let steps = steps_a_launch(&form, &tile, batch);
            assert!(steps == 1 || tile.rounds_around(&form) + steps * tile.rounds_a_step(&form) <= ROUNDS_A_LAUNCH);
            steps
        };
        // By the work of a step, by its loops, and by their number alone.
        assert_eq!(steps(Cell::Lstm, 50, 32), 6710);
        assert_eq!(steps(Cell::Tanh, 512, 1), 949);
        assert_eq!(steps(Cell::Tanh, 1, 1), STEPS_A_LAUNCH);
        assert_eq!(steps(Cell::Lstm, 1024, 1 << 10), 1);
    }

    #[test]
    fn what_a_buffer_does_not_hold_is_told_with_what_to_do() {
        SMALL.check([64, 256], 2048);
        let said = std::panic::catch_unwind(|| SMALL.check([65, 256], 2048)).expect_err("a panic");
        let expected = "65 rows of 256 steps with 2048 gates need a buffer of 130 MiB, and the device has buffers of at \
                        most 128 MiB: take at most 64 rows a batch (--batch), shorter sequences, or a CPU (--device flex)";
        assert_eq!(said.downcast_ref::<String>().map(String::as_str), Some(expected));
    }

    #[test]
    fn a_schedule_holds_as_long_as_it_was_asked_for() {
        assert_eq!(forced(), None);
        with_schedule(Schedule::Stepwise, || {
            with_schedule(Schedule::Resident, || assert_eq!(forced(), Some(Schedule::Resident)));
            assert_eq!(forced(), Some(Schedule::Stepwise));
        });
        assert_eq!(forced(), None);
    }
}
