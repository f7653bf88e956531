//! Using a trained predictor: [`Forecaster`] loads a run's folder and forecasts.
//!
//! `cargo run --release -p recurrent-examples --example weather_predictor [RUN]`, where RUN is a folder that
//! `train forecast` has made. Without one, a small network is trained first, in a few seconds.

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use recurrent::fit::Callbacks;
use recurrent::forecast::{ForecastConfig, ForecastRun, Forecaster};
use recurrent::prelude::*;

fn main() -> recurrent::Result<()> {
    let device = Device::default();
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => train_small(&scratch.path().join("weather"), &device)?,
    };

    let forecaster = Forecaster::load(&folder, &device)?;
    println!("{}", forecaster.summary());

    // From the end of the training data ...
    println!("\nThe next rows:\n{}", forecaster.forecast(None)?.to_csv());

    // ... and from other rows with the same columns: the weather up to the end of 2014.
    let series = forecaster.history(recurrent::open_data("weather")?.table()?)?;
    let history = series.head(366 + 365 + 365);
    let next = forecaster.predict(&[&history])?.swap_remove(0);
    println!("And after 2014-12-31: {:.1} for {}.", next.values[0][0], next.labels[0]);
    Ok(())
}

/// A network of eight units on windows of two weeks.
fn train_small(folder: &Path, device: &Device) -> recurrent::Result<PathBuf> {
    let source = recurrent::open_data("weather")?;
    let mut config = ForecastConfig::new(&source)?;
    (config.window, config.hidden_size, config.fit.epochs) = (14, vec![8], 5);
    let run = ForecastRun::create(config, source, folder, false)?;
    run.fit(device, Callbacks::quiet())?;
    Ok(folder.to_path_buf())
}
