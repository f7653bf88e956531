//! Benchmarks networks of this project's layers, or of Burn's, on the shapes that `scripts/bench_peers.py` compares with
//! PyTorch.
//!
//! `bench_worker [DEVICE] [burn-nn]` prints `READY` and a description, and then answers each line of its input,
//! `SHAPE CELL MODE WARM-UPS ITERATIONS`:
//!
//! - `OK` and the seconds of each iteration as `WALL:CPU`: wall time, and processor time of all threads;
//! - `SKIP` and the reason, if there is no such case.
//!
//! On a GPU it also prints to standard error how many kernels an iteration launches. An iteration uploads nothing and reads
//! back once, see [`Mode`](case::Mode).
//!
//! It exits at `quit` or the end of its input. The shapes are documented in `case.rs`. `NT` is the number of CPU threads,
//! 2 by default.

#![recursion_limit = "256"]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it answers on its standard streams")]

mod case;
mod layer;
mod network;
mod stopwatch;
mod work;

use anyhow::{Context, Result, bail};
use burn::nn;
use burn::tensor::Device;
use recurrent::models::{CellKind, Gru, Lstm, Rnn};

use crate::case::{Case, Work};
use crate::stopwatch::{Elapsed, Stopwatch};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "flex".into());
    let device = open(&name)?;
    let library = match arguments.next().as_deref() {
        None => Library::Recurrent,
        Some("burn-nn") => Library::BurnNn,
        Some(other) => bail!("unknown library `{other}`: expected burn-nn, or nothing for this project"),
    };
    let threads = threads()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    // The main thread belongs to the pool, as in `train`.
    if threads > 1 { pool.use_current_thread() } else { pool }.build_global()?;

    println!("READY {}, {name}, {threads} threads", library.name());
    for line in std::io::stdin().lines() {
        let line = line?;
        match line.trim() {
            "" => {}
            "quit" => break,
            line => match line.parse::<Case>() {
                Ok(case) => println!("OK {}", format_times(&library.run(&case, &device))),
                Err(reason) => println!("SKIP {reason}"),
            },
        }
    }
    Ok(())
}

/// The library whose layers are timed.
#[derive(Clone, Copy)]
enum Library {
    Recurrent,
    BurnNn,
}

impl Library {
    fn name(self) -> &'static str {
        match self {
            Self::Recurrent => concat!("recurrent ", env!("CARGO_PKG_VERSION")),
            Self::BurnNn => "burn::nn",
        }
    }

    fn run(self, case: &Case, device: &Device) -> Vec<Elapsed> {
        let watch = Stopwatch { device, warm_ups: case.warm_ups, iterations: case.iterations };
        match (&case.work, self) {
            (Work::MatrixProduct(sizes), _) => work::matrix_product(*sizes, &watch),
            (Work::Network { shape, cell, mode }, Self::Recurrent) => match cell {
                CellKind::Rnn => work::network::<Rnn>(*shape, *mode, &watch),
                CellKind::Lstm => work::network::<Lstm>(*shape, *mode, &watch),
                CellKind::Gru => work::network::<Gru>(*shape, *mode, &watch),
            },
            (Work::Network { shape, cell, mode }, Self::BurnNn) => match cell {
                CellKind::Rnn => work::network::<nn::Rnn>(*shape, *mode, &watch),
                CellKind::Lstm => work::network::<nn::Lstm>(*shape, *mode, &watch),
                CellKind::Gru => work::network::<nn::Gru>(*shape, *mode, &watch),
            },
        }
    }
}

fn open(name: &str) -> Result<Device> {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated, reason = "deprecated in favor of Flex, but supported while Burn ships it")]
        "ndarray" => Ok(Device::ndarray()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        _ => bail!("device {name}: it is not compiled in, build with --features {name}"),
    }
}

fn threads() -> Result<usize> {
    match std::env::var("NT") {
        Ok(text) => text.parse().with_context(|| format!("NT: expected a number of threads, found `{text}`")),
        Err(_) => Ok(2),
    }
}

fn format_times(times: &[Elapsed]) -> String {
    let pairs: Vec<String> = times.iter().map(|time| format!("{:.9}:{:.9}", time.wall, time.cpu)).collect();
    pairs.join(" ")
}
