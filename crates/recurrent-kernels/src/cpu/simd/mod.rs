//! SIMD vectors of `f32`: one trait, and an implementation for each instruction set.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;
pub use vector::Simd;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};
