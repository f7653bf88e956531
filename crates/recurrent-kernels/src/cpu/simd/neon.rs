//! The NEON instruction set.

use std::arch::aarch64::*;

use super::Simd;

/// 4 lanes.
#[derive(Clone, Copy)]
pub struct Neon;

// SAFETY, for every block below: the caller guarantees the instruction set and that the lanes behind a pointer are valid.
#[allow(clippy::undocumented_unsafe_blocks, reason = "the comment above holds for all blocks")]
impl Simd for Neon {
    type Vector = float32x4_t;
    const LANES: usize = 4;
    const TILE_ROWS: usize = 6;

    #[inline(always)]
    unsafe fn splat(x: f32) -> float32x4_t {
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> float32x4_t {
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, v: float32x4_t) {
        unsafe { vst1q_f32(to, v) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const f32, n: usize) -> float32x4_t {
        let mut lanes = [0.0f32; 4];
        for (lane, value) in lanes.iter_mut().enumerate().take(n) {
            *value = unsafe { *from.add(lane) };
        }
        unsafe { vld1q_f32(lanes.as_ptr()) }
    }
    #[inline(always)]
    unsafe fn store_first(to: *mut f32, v: float32x4_t, n: usize) {
        let mut lanes = [0.0f32; 4];
        unsafe { vst1q_f32(lanes.as_mut_ptr(), v) }
        for (lane, value) in lanes.iter().enumerate().take(n) {
            unsafe { *to.add(lane) = *value }
        }
    }
    #[inline(always)]
    unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn div(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vdivq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        unsafe { vfmaq_f32(c, a, b) }
    }
    // The result is NaN if either operand is.
    #[inline(always)]
    unsafe fn min(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vminq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vmaxq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn zero_where_abs_exceeds(a: float32x4_t, x: float32x4_t, bound: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vcagtq_f32(x, bound), vdupq_n_f32(0.0), a) }
    }
    #[inline(always)]
    unsafe fn zero_where_not_positive(a: float32x4_t, x: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vcleq_f32(x, vdupq_n_f32(0.0)), vdupq_n_f32(0.0), a) }
    }
    #[inline(always)]
    unsafe fn round(a: float32x4_t) -> float32x4_t {
        unsafe { vrndnq_f32(a) }
    }
    #[inline(always)]
    unsafe fn scale(a: float32x4_t, n: float32x4_t) -> float32x4_t {
        unsafe {
            let exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
            vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent)))
        }
    }
}
