//! The operations of a SIMD vector.

/// A vector of `f32` and the operations that the kernels need.
///
/// Every function is `#[inline(always)]`, and so is everything generic over this trait, up to a function with the
/// instruction set's `#[target_feature]`, into which the intrinsics are then inlined.
///
/// # Safety
/// All functions require the instruction set. Those with a pointer require that the lanes they access are valid; the
/// pointer needs no alignment beyond that of an `f32`.
#[allow(clippy::missing_safety_doc, reason = "the trait documents it for all functions")]
pub trait Simd: Copy + 'static {
    /// The vector.
    type Vector: Copy;
    /// Lanes of the vector.
    const LANES: usize;
    /// Rows of a register tile that is four vectors wide.
    const TILE_ROWS: usize;

    unsafe fn splat(x: f32) -> Self::Vector;
    unsafe fn load(from: *const f32) -> Self::Vector;
    unsafe fn store(to: *mut f32, v: Self::Vector);
    /// Loads the first `n` lanes; the others are zero.
    unsafe fn load_first(from: *const f32, n: usize) -> Self::Vector;
    /// Stores the first `n` lanes only.
    unsafe fn store_first(to: *mut f32, v: Self::Vector, n: usize);
    /// Prefetches a cache line; the address need not be valid.
    #[inline(always)]
    unsafe fn prefetch(_at: *const f32) {}
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn div(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`.
    unsafe fn fma(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The minimum; NaN if `a` is NaN.
    unsafe fn min(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The maximum; NaN if `a` is NaN.
    unsafe fn max(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Zero where |x| > `bound`; `a` elsewhere, also where `x` is NaN.
    unsafe fn zero_where_abs_exceeds(a: Self::Vector, x: Self::Vector, bound: Self::Vector) -> Self::Vector;
    /// Zero where x ≤ 0; `a` elsewhere, also where `x` is NaN.
    unsafe fn zero_where_not_positive(a: Self::Vector, x: Self::Vector) -> Self::Vector;
    /// Rounds to the nearest integer.
    unsafe fn round(a: Self::Vector) -> Self::Vector;
    /// `a * 2^n` for an integral `n` in the exponent range of a normal `f32`; infinite for `n` = 128.
    unsafe fn scale(a: Self::Vector, n: Self::Vector) -> Self::Vector;

    /// eˣ, within 1 ulp for |x| ≤ 87; clamped below and infinite from 89 on. Cody and Waite's range reduction and a
    /// polynomial of degree 5 with the coefficients of Moshier's Cephes.
    #[inline(always)]
    unsafe fn exp(x: Self::Vector) -> Self::Vector {
        // SAFETY: the caller guarantees the instruction set; no pointer is accessed.
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
    unsafe fn sigmoid(x: Self::Vector) -> Self::Vector {
        // SAFETY: as in `exp`.
        unsafe {
            let one = Self::splat(1.0);
            Self::div(one, Self::add(one, Self::exp(Self::sub(Self::splat(0.0), x))))
        }
    }

    /// tanh(x), within 6 ulp: a rational function of degree 13 over 6 with Eigen's coefficients, clamped at ±7.9.
    #[inline(always)]
    unsafe fn tanh(x: Self::Vector) -> Self::Vector {
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
