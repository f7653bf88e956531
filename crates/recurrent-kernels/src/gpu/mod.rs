//! The GPU's path: kernels written once in CubeCL, for every runtime that it has.
//!
//! - `cell.rs`: what one hidden unit of one row computes in a step, forward and back;
//! - `resident.rs`, `stepwise.rs`: the kernels of the two schedules around it;
//! - `schedule.rs`: which schedule a pass takes, by its shape and the device's limits;
//! - `pass.rs`: the launches of a pass.
//!
//! The large products, of all steps' inputs and of the weights' gradients, are Burn's own; `fused/gpu.rs` has them.

mod cell;
mod pass;
mod resident;
mod schedule;
mod stepwise;

pub(crate) use self::cell::{Cell, Form};
pub(crate) use self::pass::{Backward, Forward, Pass, empty};
pub(crate) use self::schedule::forced;
pub use self::schedule::{Limits, Schedule, with_schedule};
