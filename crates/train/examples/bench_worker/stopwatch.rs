//! Measures wall and processor time.

use std::hint::black_box;
use std::time::Instant;

use burn::tensor::Device;

/// The times of one iteration, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Elapsed {
    /// Wall time.
    pub wall: f64,
    /// Processor time of all threads; NaN if the system does not report it.
    pub cpu: f64,
}

/// Times repeated iterations.
pub struct Stopwatch<'a> {
    /// The device, which is synchronized after each iteration.
    pub device: &'a Device,
    /// Untimed iterations before the timed ones.
    pub warm_ups: usize,
    /// Timed iterations.
    pub iterations: usize,
}

impl Stopwatch<'_> {
    /// The times of each iteration.
    pub fn time<T>(&self, mut iteration: impl FnMut() -> T) -> Vec<Elapsed> {
        let mut once = || {
            let (wall, cpu) = (Instant::now(), processor_seconds());
            black_box(iteration());
            self.device.sync().expect("the device can be synchronized");
            Elapsed { wall: wall.elapsed().as_secs_f64(), cpu: processor_seconds() - cpu }
        };
        for _ in 0..self.warm_ups {
            once();
        }
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        if recurrent::kernels::gpu::Limits::of_device(self.device).is_some() {
            let (_, launches) = recurrent::kernels::gpu::count_launches(&mut once);
            eprintln!("  {launches} launches per iteration");
        }
        (0..self.iterations).map(|_| once()).collect()
    }
}

#[cfg(unix)]
fn processor_seconds() -> f64 {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every Unix has this clock");
    std::time::Duration::from(time).as_secs_f64()
}

#[cfg(not(unix))]
fn processor_seconds() -> f64 {
    f64::NAN
}
