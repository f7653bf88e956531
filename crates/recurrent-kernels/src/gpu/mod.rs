//! The GPU's path: kernels written once in CubeCL, for every runtime that it has.
//!
//! - `cell.rs`: what one hidden unit of one row computes in a step, forward and back;
//! - `resident.rs`, `stepwise.rs`: the kernels of the two schedules around it, and `reset_first.rs`: those of the second
//!   one for a GRU whose reset gate comes before the product;
//! - `schedule.rs`: which schedule a pass takes, by its shape and the device's limits;
//! - `sequence.rs`: the launches of a pass over a sequence;
//! - `recorded.rs`: a function that a device has recorded, to call it at once;
//! - `adapter.rs`, `launches.rs`: what a device is and how often it is asked, for those who want to know.
//!
//! The large products, of all steps' inputs and of the weights' gradients, are Burn's own; `fused/gpu.rs` has them.

mod adapter;
mod cell;
mod launches;
#[allow(unsafe_code, reason = "Burn leaves it to the caller that a record's buffers live")]
mod recorded;
mod reset_first;
mod resident;
mod schedule;
mod sequence;
mod stepwise;

pub use self::adapter::Adapter;
pub(crate) use self::cell::{Cell, Form};
pub use self::launches::count_launches;
pub use self::recorded::Recorded;
pub(crate) use self::schedule::forced;
pub use self::schedule::{Limits, Schedule, with_schedule};
pub(crate) use self::sequence::{Backward, Forward, Pass, empty};
