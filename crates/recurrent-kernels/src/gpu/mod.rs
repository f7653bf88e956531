//! The GPU kernels, written once in CubeCL for all of its runtimes.
//!
//! - `pointwise.rs`: what one hidden unit of one row computes in a step, forward and backward;
//! - `persistent.rs`, `stepwise.rs`: the kernels of the two schedules, and `gru_reset_before.rs`: those of the stepwise
//!   schedule for a reset-before GRU;
//! - `schedule.rs`: which schedule a pass uses, by its shape and the device's limits;
//! - `sequence.rs`: the kernel launches of a pass over a sequence;
//! - `captured_graph.rs`: a function whose kernel launches are captured once and replayed;
//! - `adapter.rs`, `launches.rs`: information about a device, and a count of kernel launches.
//!
//! The large matrix products, those of all inputs and of the gradients of the weights, are Burn's own; they are in
//! `fused/gpu.rs`.

mod adapter;
#[allow(unsafe_code, reason = "Burn requires the caller to keep the buffers of a captured graph alive")]
mod captured_graph;
mod gru_reset_before;
mod launches;
mod persistent;
mod pointwise;
mod schedule;
mod sequence;
mod stepwise;

pub use self::adapter::Adapter;
pub use self::captured_graph::CapturedGraph;
pub use self::launches::count_launches;
pub(crate) use self::pointwise::{CellKind, KernelConfig};
pub(crate) use self::schedule::forced_schedule;
pub use self::schedule::{Limits, Schedule, with_schedule};
pub(crate) use self::sequence::{BackwardTensors, ForwardTensors, SequencePass, empty};
