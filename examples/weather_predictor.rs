//! A trained predictor in a program of one's own: [`Forecaster`] opens a run's folder and says what comes next.
//!
//! `cargo run --release -p recurrent-examples --example weather_predictor [RUN]`, where RUN is a folder that
//! `train forecast` has made. Without one, a small network is trained first, in a few seconds.

#![allow(clippy::print_stdout, reason = "it is an example, and has something to say")]

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use recurrent::Run;
use recurrent::fit::Callbacks;
use recurrent::forecast::{ForecastConfig, ForecastRun, Forecaster, Source};

fn main() -> recurrent::Result<()> {
    let device = Device::default();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => train_a_little(&scratch.path().join("weather"), &device)?,
    };

    let forecaster = Forecaster::load(&folder, &device)?;
    println!("{}", forecaster.summary());

    // From where its data ended …
    println!("\nWhat comes next:\n{}", forecaster.forecast(None)?.to_csv());

    // … and from any other rows that have the same columns: here the weather as it was known at the end of 2014.
    let series = forecaster.history(&Source::open("weather")?.table)?;
    let next = forecaster.predict(&series.head(366 + 365 + 365))?;
    println!("And after 2014-12-31: {:.1} for {}.", next.values[0][0], next.labels[0]);
    Ok(())
}

/// A network of eight units on windows of two weeks.
fn train_a_little(folder: &Path, device: &Device) -> recurrent::Result<PathBuf> {
    let source = Source::open("weather")?;
    let mut plan = ForecastConfig::new("weather", &source, None, None)?;
    (plan.window, plan.hidden, plan.fit.epochs) = (14, vec![8], 5);
    let run = ForecastRun::create(plan, &source, folder, false)?;
    run.fit(device, Callbacks::quiet())?;
    Ok(folder.to_path_buf())
}
