//! Times networks of these layers, or of Burn's own, on the shapes that `scripts/bench_peers.py` compares with PyTorch.
//!
//! `bench_worker [DEVICE] [burn-nn]` says `READY` and who it is, and then answers each line of its input,
//! `SHAPE CELL MODE WARM-UPS ITERATIONS`:
//!
//! - `OK` and the seconds of each iteration, `WALL:CPU`, by the clock and of all threads' processor time;
//! - `SKIP` and why, if there is no such case.
//!
//! On a GPU it also says, on its standard error, how many kernels an iteration launches. An iteration uploads nothing, and
//! reads back once, as [`Mode`](case::Mode) says.
//!
//! It ends at `quit` or where its input ends. `case.rs` says what the shapes are. `NT` is the number of threads on a CPU,
//! 2 if it is not set.

#![recursion_limit = "256"]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it says is what it is for")]

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
    let layers = match arguments.next().as_deref() {
        None => Layers::Recurrent,
        Some("burn-nn") => Layers::BurnNn,
        Some(other) => bail!("unknown layers `{other}`: expected burn-nn, or nothing for those of this project"),
    };
    let threads = threads()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    // The main thread is one of several, as it is in `train`.
    if threads > 1 { pool.use_current_thread() } else { pool }.build_global()?;

    println!("READY {}, {name}, {threads} threads", layers.name());
    for line in std::io::stdin().lines() {
        let line = line?;
        match line.trim() {
            "" => {}
            "quit" => break,
            asked => match asked.parse::<Case>() {
                Ok(case) => println!("OK {}", written(&layers.run(&case, &device))),
                Err(why) => println!("SKIP {why}"),
            },
        }
    }
    Ok(())
}

/// Whose layers are timed.
#[derive(Clone, Copy)]
enum Layers {
    Recurrent,
    BurnNn,
}

impl Layers {
    fn name(self) -> &'static str {
        match self {
            Self::Recurrent => concat!("recurrent ", env!("CARGO_PKG_VERSION")),
            Self::BurnNn => "burn::nn",
        }
    }

    fn run(self, case: &Case, device: &Device) -> Vec<Elapsed> {
        let watch = Stopwatch { device, warm: case.warm, iterations: case.iterations };
        match (&case.work, self) {
            (Work::Product(sizes), _) => work::product(*sizes, &watch),
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
        #[allow(deprecated, reason = "deprecated in favour of Flex, and offered here for as long as Burn ships it")]
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
        Ok(text) => text.parse().with_context(|| format!("NT is the number of threads, got `{text}`")),
        Err(_) => Ok(2),
    }
}

fn written(times: &[Elapsed]) -> String {
    let pairs: Vec<String> = times.iter().map(|time| format!("{:.9}:{:.9}", time.wall, time.cpu)).collect();
    pairs.join(" ")
}
