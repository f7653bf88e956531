//! The product at the heart of every step: a few rows times a panel, in registers.
#![allow(unsafe_code, reason = "vector instructions and pointers without bounds checks, in the innermost loop")]

use super::lanes::{self, Lanes};
use super::panels::WIDTH;

/// Lanes of the widest vector that there is.
pub const MOST_LANES: usize = 16;
/// Numbers of a line of the cache.
const LINE: usize = 16;

/// The left side of a product, `[rows, k]`.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    pub numbers: *const f32,
    /// From row to row.
    pub stride: usize,
    pub rows: usize,
    pub k: usize,
}

/// The right side of a product: a panel `[k][width][lanes]`.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    pub numbers: *const f32,
    /// The panel after this one, which is fetched meanwhile.
    pub next: *const f32,
    /// Vectors.
    pub width: usize,
}

/// The product, compiled for an instruction set once: it is large, and every cell uses it.
pub trait Product: Lanes {
    /// `z = left · right`, or `z += left · right` unless `fresh`; `z` is `[rows][width][lanes]`.
    ///
    /// # Safety
    /// The machine has the instruction set; the pointers lead to as many numbers as are said (`next` may lead anywhere).
    unsafe fn product(left: Left, right: Right, z: *mut f32, fresh: bool);
}

macro_rules! impl_product {
    ($(#[$attribute:meta])* $isa:ty, $function:ident) => {
        $(#[$attribute])*
        #[inline(never)]
        unsafe fn $function(left: Left, right: Right, z: *mut f32, fresh: bool) {
            // SAFETY: this function has the instruction set; the caller answers for the rest.
            unsafe { product::<$isa>(left, right, z, fresh) }
        }

        impl Product for $isa {
            #[inline(always)]
            unsafe fn product(left: Left, right: Right, z: *mut f32, fresh: bool) {
                // SAFETY: the caller has the instruction set, and answers for the rest.
                unsafe { $function(left, right, z, fresh) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
impl_product!(
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    lanes::Avx512,
    avx512
);
#[cfg(target_arch = "x86_64")]
impl_product!(
    #[target_feature(enable = "avx2,fma")]
    lanes::Avx2,
    avx2
);
#[cfg(target_arch = "aarch64")]
impl_product!(
    #[target_feature(enable = "neon")]
    lanes::Neon,
    neon
);
impl_product!(lanes::Portable, portable);

/// See [`Product::product`].
///
/// Each number of z is one chain of multiply-adds in the order of k, whatever the rows beside it and wherever the chain
/// is cut: so a result does not depend on how rows are shared among threads, or on how many there are.
///
/// # Safety
/// As of [`Product::product`].
#[inline(always)]
unsafe fn product<S: Lanes>(left: Left, right: Right, z: *mut f32, fresh: bool) {
    const ZEROS: [f32; WIDTH * MOST_LANES] = [0.0; WIDTH * MOST_LANES];
    let row = right.width * S::L;
    let blocks = left.rows.div_ceil(S::ROWS);
    let mut done = 0;
    for block in 0..blocks {
        // 32 rows by 6 are 6 + 6 + 5 + 5 + 5 + 5, and not 5 times 6 and 2.
        let rows = (left.rows + blocks - 1 - block) / blocks;
        // SAFETY: the rows from `done` on are inside what the caller gave.
        unsafe {
            let a = left.numbers.add(done * left.stride);
            let z = z.add(done * row);
            let start = if fresh { (ZEROS.as_ptr(), 0) } else { (z.cast_const(), row) };
            // A row of tiles fetches a line of each row of the next panel; the lines are shared among them.
            let next = right.next.wrapping_add((block % row.div_ceil(LINE)) * LINE);
            macro_rules! tile {
                ($($m:literal)*) => {
                    match (rows, right.width) {
                        $(($m, 1) if $m <= S::ROWS => tile::<S, $m, 1>(a, left.stride, right.numbers, left.k, next, start, z),
                          ($m, 2) if $m <= S::ROWS => tile::<S, $m, 2>(a, left.stride, right.numbers, left.k, next, start, z),
                          ($m, 3) if $m <= S::ROWS => tile::<S, $m, 3>(a, left.stride, right.numbers, left.k, next, start, z),
                          ($m, 4) if $m <= S::ROWS => tile::<S, $m, 4>(a, left.stride, right.numbers, left.k, next, start, z),)*
                        (rows, width) => unreachable!("a tile of {rows} x {width}"),
                    }
                };
            }
            tile!(1 2 3 4 5 6);
        }
        done += rows;
    }
    const { assert!(S::L <= MOST_LANES) };
}

/// `M` rows by `N` vectors, all of them in registers.
///
/// `start` is what the sums begin with, and its stride from row to row: with a branch instead, the compiler keeps the
/// sums in memory, at half the speed.
///
/// # Safety
/// As of [`product`].
#[inline(always)]
unsafe fn tile<S: Lanes, const M: usize, const N: usize>(
    a: *const f32,
    stride: usize,
    mut panel: *const f32,
    k: usize,
    next: *const f32,
    start: (*const f32, usize),
    z: *mut f32,
) {
    // SAFETY: `M` rows of `a` have `k` numbers, the panel has `k` times `N` vectors, z and `start` have `M` times `N`.
    unsafe {
        let mut sums = [[S::splat(0.0); N]; M];
        for (m, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(start.0.add(m * start.1 + v * S::L));
            }
        }
        for at in 0..k {
            S::prefetch(next.wrapping_add(at * N * S::L));
            let mut right = [S::splat(0.0); N];
            for (v, right) in right.iter_mut().enumerate() {
                *right = S::load(panel.add(v * S::L));
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                let left = S::splat(*a.add(m * stride + at));
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum = S::fma(left, right, *sum);
                }
            }
            panel = panel.add(N * S::L);
        }
        for (m, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                S::store(z.add((m * N + v) * S::L), *sum);
            }
        }
    }
}
