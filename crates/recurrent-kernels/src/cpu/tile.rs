//! The product inside every step: a few rows times a panel, in registers.
#![allow(unsafe_code, reason = "vector instructions and unchecked pointers, in the innermost loop")]

use super::panels::PANEL_VECTORS;
use super::simd::{self, Simd};

/// Lanes of the widest vector.
pub const MAX_LANES: usize = 16;
/// Elements of a cache line.
const CACHE_LINE: usize = 16;

/// The left operand of a product, `[rows, k]`.
#[derive(Debug, Clone, Copy)]
pub struct LeftOperand {
    pub data: *const f32,
    /// From row to row.
    pub stride: usize,
    pub rows: usize,
    pub k: usize,
}

/// The right operand of a product: a panel `[k][width][lanes]`.
#[derive(Debug, Clone, Copy)]
pub struct RightOperand {
    pub data: *const f32,
    /// The next panel, which is prefetched.
    pub next: *const f32,
    /// Width in vectors.
    pub width: usize,
}

/// The product, compiled once per instruction set: it is large, and every cell uses it.
pub trait TileMatmul: Simd {
    /// `z = left · right` with `overwrite`, `z += left · right` without; `z` is `[rows][width][lanes]`.
    ///
    /// # Safety
    /// The machine has the instruction set, and the pointers are valid for the sizes given (`next` may be any address).
    unsafe fn matmul(left: LeftOperand, right: RightOperand, z: *mut f32, overwrite: bool);
}

macro_rules! impl_matmul {
    ($(#[$attribute:meta])* $isa:ty, $function:ident) => {
        $(#[$attribute])*
        #[inline(never)]
        unsafe fn $function(left: LeftOperand, right: RightOperand, z: *mut f32, overwrite: bool) {
            // SAFETY: this function has the instruction set; the caller guarantees the rest.
            unsafe { matmul::<$isa>(left, right, z, overwrite) }
        }

        impl TileMatmul for $isa {
            #[inline(always)]
            unsafe fn matmul(left: LeftOperand, right: RightOperand, z: *mut f32, overwrite: bool) {
                // SAFETY: the caller guarantees the instruction set and the rest.
                unsafe { $function(left, right, z, overwrite) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
impl_matmul!(
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    simd::Avx512,
    avx512
);
#[cfg(target_arch = "x86_64")]
impl_matmul!(
    #[target_feature(enable = "avx2,fma")]
    simd::Avx2,
    avx2
);
#[cfg(target_arch = "aarch64")]
impl_matmul!(
    #[target_feature(enable = "neon")]
    simd::Neon,
    neon
);
impl_matmul!(simd::Portable, portable);

/// See [`TileMatmul::matmul`].
///
/// Each element of z is one chain of multiply-adds in the order of k, whatever rows are beside it and wherever the chain
/// is interrupted. So a result depends neither on how rows are divided among threads nor on the number of threads.
///
/// # Safety
/// As [`TileMatmul::matmul`].
#[inline(always)]
unsafe fn matmul<S: Simd>(left: LeftOperand, right: RightOperand, z: *mut f32, overwrite: bool) {
    const ZEROS: [f32; PANEL_VECTORS * MAX_LANES] = [0.0; PANEL_VECTORS * MAX_LANES];
    let row = right.width * S::LANES;
    let blocks = left.rows.div_ceil(S::TILE_ROWS);
    let mut done = 0;
    for block in 0..blocks {
        // Balances the blocks: 32 rows by 6 are 6 + 6 + 5 + 5 + 5 + 5 rather than 5 times 6 and 2.
        let rows = (left.rows + blocks - 1 - block) / blocks;
        // SAFETY: the rows from `done` on are inside the operands.
        unsafe {
            let a = left.data.add(done * left.stride);
            let z = z.add(done * row);
            let start = if overwrite { (ZEROS.as_ptr(), 0) } else { (z.cast_const(), row) };
            // Each block of rows prefetches one cache line of every row of the next panel.
            let next = right.next.wrapping_add((block % row.div_ceil(CACHE_LINE)) * CACHE_LINE);
            macro_rules! tile {
                ($($m:literal)*) => {
                    match (rows, right.width) {
                        $(($m, 1) if $m <= S::TILE_ROWS => tile::<S, $m, 1>(a, left.stride, right.data, left.k, next, start, z),
                          ($m, 2) if $m <= S::TILE_ROWS => tile::<S, $m, 2>(a, left.stride, right.data, left.k, next, start, z),
                          ($m, 3) if $m <= S::TILE_ROWS => tile::<S, $m, 3>(a, left.stride, right.data, left.k, next, start, z),
                          ($m, 4) if $m <= S::TILE_ROWS => tile::<S, $m, 4>(a, left.stride, right.data, left.k, next, start, z),)*
                        (rows, width) => unreachable!("a tile of {rows} x {width}"),
                    }
                };
            }
            tile!(1 2 3 4 5 6);
        }
        done += rows;
    }
    const { assert!(S::LANES <= MAX_LANES) };
}

/// `M` rows by `N` vectors, all of them in registers.
///
/// `start` holds the initial values of the sums and their row stride: with a branch instead, the compiler keeps the sums
/// in memory, at half the speed.
///
/// # Safety
/// As [`matmul`].
#[inline(always)]
unsafe fn tile<S: Simd, const M: usize, const N: usize>(
    a: *const f32,
    stride: usize,
    mut panel: *const f32,
    k: usize,
    next: *const f32,
    start: (*const f32, usize),
    z: *mut f32,
) {
    // SAFETY: `M` rows of `a` have `k` elements, the panel has `k` times `N` vectors, z and `start` have `M` times `N`.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; M];
        for (m, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(start.0.add(m * start.1 + v * S::LANES));
            }
        }
        for at in 0..k {
            S::prefetch(next.wrapping_add(at * N * S::LANES));
            let mut right = [S::splat(0.0); N];
            for (v, right) in right.iter_mut().enumerate() {
                *right = S::load(panel.add(v * S::LANES));
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                let left = S::splat(*a.add(m * stride + at));
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum = S::fma(left, right, *sum);
                }
            }
            panel = panel.add(N * S::LANES);
        }
        for (m, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                S::store(z.add((m * N + v) * S::LANES), *sum);
            }
        }
    }
}
