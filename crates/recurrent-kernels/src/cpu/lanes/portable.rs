//! Arrays of four, left to the compiler.

use super::Lanes;

/// Plain Rust, for every machine.
#[derive(Clone, Copy)]
pub struct Portable;

type V = [f32; 4];

#[inline(always)]
fn zip(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

impl Lanes for Portable {
    type V = V;
    const L: usize = 4;
    const ROWS: usize = 2;

    #[inline(always)]
    unsafe fn splat(x: f32) -> V {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> V {
        // SAFETY: the caller lets four lanes be read; the read asks for no alignment.
        unsafe { from.cast::<V>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: V) {
        // SAFETY: the caller lets four lanes be written; the write asks for no alignment.
        unsafe { to.cast::<V>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> V {
        // SAFETY: the caller lets `n` lanes be read.
        std::array::from_fn(|lane| if lane < n { unsafe { *from.add(lane) } } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn store_first(to: *mut f32, v: V, n: usize) {
        for (lane, value) in v.into_iter().enumerate().take(n) {
            // SAFETY: the caller lets `n` lanes be written.
            unsafe { *to.add(lane) = value }
        }
    }
    #[inline(always)]
    unsafe fn add(a: V, b: V) -> V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: V, b: V) -> V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: V, b: V) -> V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(a: V, b: V) -> V {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn fma(a: V, b: V, c: V) -> V {
        // A fused one would be a call to the C library where the machine has none.
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    unsafe fn min(a: V, b: V) -> V {
        zip(a, b, |a, b| if b < a { b } else { a })
    }
    #[inline(always)]
    unsafe fn max(a: V, b: V) -> V {
        zip(a, b, |a, b| if b > a { b } else { a })
    }
    #[inline(always)]
    unsafe fn unless_beyond(a: V, x: V, bound: V) -> V {
        std::array::from_fn(|lane| if x[lane].abs() > bound[lane] { 0.0 } else { a[lane] })
    }
    #[inline(always)]
    unsafe fn unless_stopped(a: V, x: V) -> V {
        zip(a, x, |a, x| if x <= 0.0 { 0.0 } else { a })
    }
    #[inline(always)]
    unsafe fn round(a: V) -> V {
        // 1.5 * 2²³: adding it leaves no bit for a fraction.
        const SHIFT: f32 = 12_582_912.0;
        a.map(|a| (a + SHIFT) - SHIFT)
    }
    #[inline(always)]
    unsafe fn scale(a: V, n: V) -> V {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "n is between -127 and 128")]
        zip(a, n, |a, n| a * f32::from_bits(((n as i32 + 127) as u32) << 23))
    }
}
