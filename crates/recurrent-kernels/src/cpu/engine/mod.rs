//! The passes over a whole sequence: packing, the input projection, the time loop, and the gradients of the weights.
//!
//! - `forward.rs`, `backward.rs`: the two passes;
//! - `saved.rs`: what the forward pass saves for the backward pass, and in which chunks of time;
//! - `cpu_scan.rs`: what both passes share.

mod backward;
mod cpu_scan;
mod forward;
mod saved;

pub use self::backward::backward;
pub use self::forward::{ForwardOutput, forward};
pub use self::saved::SavedForBackward;
#[cfg(test)]
pub use self::saved::chunk_steps;
