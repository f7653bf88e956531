//! Buffers that are reused from one call to the next.
//!
//! Every training step needs the same few large buffers. If they were returned to the operating system in between, each
//! of their pages would have to be mapped and cleared again.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The unused buffers, and counts of elements.
#[derive(Default)]
struct BufferCache {
    free: Vec<Vec<f32>>,
    /// Elements in `free`.
    cached: usize,
    /// Elements in buffers that are in use.
    in_use: usize,
    /// The largest `in_use` so far. No more than that is kept in all.
    peak: usize,
}

static CACHE: Mutex<BufferCache> = Mutex::new(BufferCache { free: Vec::new(), cached: 0, in_use: 0, peak: 0 });

/// Locks the cache; a panic of another thread leaves it consistent.
fn cache() -> MutexGuard<'static, BufferCache> {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Frees the buffers that the CPU kernels keep for their next call.
pub fn release_buffers() {
    let mut cache = cache();
    *cache = BufferCache { in_use: cache.in_use, peak: cache.in_use, ..BufferCache::default() };
}

/// A buffer from the cache, returned to it on drop.
#[derive(Debug)]
pub struct Buffer {
    data: Vec<f32>,
    len: usize,
}

impl Buffer {
    /// `len` elements of arbitrary value.
    pub fn scratch(len: usize) -> Self {
        let mut cache = cache();
        let fits = |buffer: &Vec<f32>| buffer.len() >= len && buffer.len() <= 2 * len;
        let best = (0..cache.free.len()).filter(|at| fits(&cache.free[*at])).min_by_key(|at| cache.free[*at].len());
        let data = best.map(|at| {
            let data = cache.free.swap_remove(at);
            cache.cached -= data.len();
            data
        });
        let size = data.as_ref().map_or(len, Vec::len);
        cache.in_use += size;
        cache.peak = cache.peak.max(cache.in_use);
        drop(cache);
        #[allow(unused_mut, reason = "mutable in debug builds only")]
        let mut data = data.unwrap_or_else(|| vec![0.0; len]);
        // Makes a read before the first write visible.
        #[cfg(debug_assertions)]
        data.fill(f32::NAN);
        Self { data, len }
    }

    /// A copy of `from`, or zeros.
    pub fn copy(from: Option<&[f32]>, len: usize) -> Self {
        let mut buffer = Self::scratch(len);
        match from {
            Some(from) => buffer.copy_from_slice(from),
            None => buffer.fill(0.0),
        }
        buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        let mut cache = cache();
        cache.in_use -= data.len();
        cache.cached += data.len();
        cache.free.push(data);
        while cache.cached + cache.in_use > cache.peak {
            let oldest = cache.free.remove(0);
            cache.cached -= oldest.len();
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.data[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[..self.len]
    }
}

/// An uninitialized vector. The caller must write every element before it is read.
#[allow(unsafe_code, reason = "clearing elements that are overwritten at once costs as much as writing them")]
pub fn uninit_vec(len: usize) -> Vec<f32> {
    if cfg!(debug_assertions) {
        return vec![f32::NAN; len];
    }
    let mut data = Vec::with_capacity(len);
    #[allow(clippy::uninit_vec, reason = "all callers pass it to a kernel or a product that writes every element")]
    // SAFETY: the capacity is `len`, every bit pattern is an `f32`, and no element is read before it is written.
    unsafe {
        data.set_len(len);
    }
    data
}
