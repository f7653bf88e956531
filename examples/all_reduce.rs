//! What the message of a gradient step costs: the sum over all ranks of so many numbers, for networks of different sizes.
//!
//! ```sh
//! cargo build --release -p recurrent-examples --example all_reduce --features mpi
//! mpirun -n 2 target/release/examples/all_reduce
//! ```
//!
//! A line for each size: the numbers of single precision, and the median milliseconds of a sum.

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;
use std::time::{Duration, Instant};

use recurrent::fit::ranks::{Mpi, Ranks};

/// As many parameters have the smallest and the largest networks of the zoo and ten times that.
const SIZES: [usize; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Numbers that are summed for a size, in all repetitions together.
const TOTAL: usize = 100_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let ranks = Mpi::start(Duration::from_secs(60), |error| panic!("{error}"))?;
    for size in SIZES {
        let mut values = vec![1.0; size];
        let repetitions = (TOTAL / size).min(200);
        let mut times = Vec::with_capacity(repetitions);
        for _ in 0..repetitions {
            values.fill(1.0);
            let start = Instant::now();
            ranks.sum(&mut values)?;
            times.push(start.elapsed());
        }
        assert!(values.iter().all(|value| *value == ranks.size() as f32), "a sum over all ranks");
        times.sort_unstable();
        if ranks.is_first() {
            println!("{size} {:.4}", times[repetitions / 2].as_secs_f64() * 1e3);
        }
    }
    ranks.finish();
    Ok(())
}
