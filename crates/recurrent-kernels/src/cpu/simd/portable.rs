//! Portable vectors: arrays of four, vectorized by the compiler.

use super::Simd;

/// 4 lanes of plain Rust, for every machine.
#[derive(Clone, Copy)]
pub struct Portable;

type Array = [f32; 4];

#[inline(always)]
fn zip(a: Array, b: Array, f: impl Fn(f32, f32) -> f32) -> Array {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

impl Simd for Portable {
    type Vector = Array;
    const LANES: usize = 4;
    const TILE_ROWS: usize = 2;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Array {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Array {
        // SAFETY: the caller guarantees four readable lanes; the read is unaligned.
        unsafe { from.cast::<Array>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: Array) {
        // SAFETY: the caller guarantees four writable lanes; the write is unaligned.
        unsafe { to.cast::<Array>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> Array {
        // SAFETY: the caller guarantees `n` readable lanes.
        std::array::from_fn(|lane| if lane < n { unsafe { *from.add(lane) } } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn store_first(to: *mut f32, v: Array, n: usize) {
        for (lane, value) in v.into_iter().enumerate().take(n) {
            // SAFETY: the caller guarantees `n` writable lanes.
            unsafe { *to.add(lane) = value }
        }
    }
    #[inline(always)]
    unsafe fn add(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn fma(a: Array, b: Array, c: Array) -> Array {
        // `f32::mul_add` calls the C library on machines without a fused instruction.
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    unsafe fn min(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| if b < a { b } else { a })
    }
    #[inline(always)]
    unsafe fn max(a: Array, b: Array) -> Array {
        zip(a, b, |a, b| if b > a { b } else { a })
    }
    #[inline(always)]
    unsafe fn zero_where_abs_exceeds(a: Array, x: Array, bound: Array) -> Array {
        std::array::from_fn(|lane| if x[lane].abs() > bound[lane] { 0.0 } else { a[lane] })
    }
    #[inline(always)]
    unsafe fn zero_where_not_positive(a: Array, x: Array) -> Array {
        zip(a, x, |a, x| if x <= 0.0 { 0.0 } else { a })
    }
    #[inline(always)]
    unsafe fn round(a: Array) -> Array {
        // 1.5 * 2²³: a sum of this size has no bits for a fraction, so adding it rounds.
        const SHIFT: f32 = 12_582_912.0;
        a.map(|a| (a + SHIFT) - SHIFT)
    }
    #[inline(always)]
    unsafe fn scale(a: Array, n: Array) -> Array {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "n is between -127 and 128")]
        zip(a, n, |a, n| a * f32::from_bits(((n as i32 + 127) as u32) << 23))
    }
}
