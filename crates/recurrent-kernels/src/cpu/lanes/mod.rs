//! Vectors of `f32`: one trait, an implementation for each instruction set.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// A vector of `f32` and what the kernels do with it.
///
/// Every function is `#[inline(always)]`, and so is all that is generic over it, down to a function with the
/// instruction set's `#[target_feature]`, into which the intrinsics then inline.
///
/// # Safety
/// All functions ask for the instruction set; those with a pointer ask that the lanes they touch may be read or written,
/// with no alignment but that of an `f32`.
#[allow(clippy::missing_safety_doc, reason = "the trait says it for all of them")]
pub trait Lanes: Copy + 'static {
    /// The vector.
    type V: Copy;
    /// Its lanes.
    const L: usize;
    /// Rows of a register tile that is four vectors wide.
    const ROWS: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, v: Self::V);
    /// The first `n` lanes, zeros in the others.
    unsafe fn load_first(from: *const f32, n: usize) -> Self::V;
    /// The first `n` lanes alone.
    unsafe fn store_first(to: *mut f32, v: Self::V, n: usize);
    /// A hint to fetch a line that is soon needed; the address need not exist.
    #[inline(always)]
    unsafe fn prefetch(_at: *const f32) {}
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The smaller one; NaN if `a` is.
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    /// The larger one; NaN if `a` is.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// Zero where `x` lies beyond ±`bound`, `a` elsewhere, where `x` is NaN too.
    unsafe fn unless_beyond(a: Self::V, x: Self::V, bound: Self::V) -> Self::V;
    /// Zero where `x` is zero or less, `a` elsewhere, where `x` is NaN too.
    unsafe fn unless_stopped(a: Self::V, x: Self::V) -> Self::V;
    /// To the nearest integer.
    unsafe fn round(a: Self::V) -> Self::V;
    /// `a * 2^n` for an integral `n` of a normal number's range; infinite for `n` = 128.
    unsafe fn scale(a: Self::V, n: Self::V) -> Self::V;

    /// eˣ within 1 ulp for |x| ≤ 87, held there below and infinite from 89 on: Cody and Waite's reduction and a polynomial of degree 5
    /// (coefficients from Moshier's Cephes).
    #[inline(always)]
    unsafe fn exp(x: Self::V) -> Self::V {
        // SAFETY: the caller has the instruction set; no pointer is touched.
        unsafe {
            let x = Self::min(Self::max(x, Self::splat(-87.0)), Self::splat(89.0));
            let n = Self::round(Self::mul(x, Self::splat(std::f32::consts::LOG2_E)));
            let r = Self::fma(n, Self::splat(-0.693_359_4), x);
            let r = Self::fma(n, Self::splat(2.121_944_4e-4), r);
            let mut p = Self::splat(1.987_569_1e-4);
            for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
                p = Self::fma(p, r, Self::splat(coefficient));
            }
            let y = Self::add(Self::fma(p, Self::mul(r, r), r), Self::splat(1.0));
            Self::scale(y, n)
        }
    }

    /// σ(x) = 1 / (1 + e⁻ˣ), within 2 ulp.
    #[inline(always)]
    unsafe fn sigmoid(x: Self::V) -> Self::V {
        // SAFETY: as in `exp`.
        unsafe {
            let one = Self::splat(1.0);
            Self::div(one, Self::add(one, Self::exp(Self::sub(Self::splat(0.0), x))))
        }
    }

    /// tanh(x) within 6 ulp: a rational function of degree 13 over 6 (coefficients as in Eigen), held beyond ±7.9.
    #[inline(always)]
    unsafe fn tanh(x: Self::V) -> Self::V {
        // SAFETY: as in `exp`.
        unsafe {
            let x = Self::min(Self::max(x, Self::splat(-7.905_311)), Self::splat(7.905_311));
            let x2 = Self::mul(x, x);
            let mut p = Self::splat(-2.760_768_5e-16);
            for coefficient in
                [2.000_188e-13, -8.604_672e-11, 5.122_297_1e-8, 1.485_722_4e-5, 6.372_619e-4, 4.893_524_6e-3]
            {
                p = Self::fma(p, x2, Self::splat(coefficient));
            }
            let mut q = Self::splat(1.198_258_4e-6);
            for coefficient in [1.185_347e-4, 2.268_434_6e-3, 4.893_525e-3] {
                q = Self::fma(q, x2, Self::splat(coefficient));
            }
            Self::div(Self::mul(p, x), q)
        }
    }
}
