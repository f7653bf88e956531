//! How long it takes.

use std::hint::black_box;
use std::time::Instant;

use burn::tensor::Device;

/// Seconds of one iteration.
#[derive(Debug, Clone, Copy)]
pub struct Elapsed {
    /// By the clock.
    pub wall: f64,
    /// Processor time of all threads; no number where the system does not tell.
    pub cpu: f64,
}

/// Times the same thing over and over.
pub struct Stopwatch<'a> {
    /// Where it is computed.
    pub device: &'a Device,
    /// Iterations before the clock runs.
    pub warm: usize,
    /// Iterations that are timed.
    pub iterations: usize,
}

impl Stopwatch<'_> {
    /// The time of each iteration, until the device has done all of it.
    pub fn time<T>(&self, mut iteration: impl FnMut() -> T) -> Vec<Elapsed> {
        let mut once = || {
            let (wall, cpu) = (Instant::now(), processor_seconds());
            black_box(iteration());
            self.device.sync().expect("the device is there");
            Elapsed { wall: wall.elapsed().as_secs_f64(), cpu: processor_seconds() - cpu }
        };
        for _ in 0..self.warm {
            once();
        }
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        if recurrent::kernels::gpu::Limits::of_device(self.device).is_some() {
            let (_, launches) = recurrent::kernels::gpu::count_launches(&mut once);
            eprintln!("  {launches} launches an iteration");
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
