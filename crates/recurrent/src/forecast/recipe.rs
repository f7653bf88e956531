//! The recipe, from top to bottom.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn::train::{InferenceStep, RegressionOutput, TrainOutput, TrainStep};
use recurrent_data::{Scaler, Series, Split, Test, Train, Valid, WindowBatch, Windows};
use recurrent_models::networks::ForecastNetwork;

use super::{ForecastCodec, ForecastPlan, Source, TestRows, csv};
use crate::fit::{
    Ending, EpochCounter, History, Loaders, Order, Schedule, Session, Task, WindowLoader, epochs_done, fit,
};
use crate::{Bundle, Error, Result};

/// Windows a step where no gradient is needed.
const SCORING_BATCH: usize = 256;

/// A forecasting run: data that has become windows, and a folder.
#[derive(Debug)]
pub struct ForecastRun {
    plan: ForecastPlan,
    codec: ForecastCodec,
    train: Windows<Train>,
    valid: Windows<Valid>,
    test: Windows<Test>,
    training_rows: usize,
    bundle: Bundle,
}

impl ForecastRun {
    /// Makes the data ready and the run's folder with it. Whatever is wrong with plan or data is found here, before
    /// the first step.
    ///
    /// # Errors
    /// If plan or data are wrong, or the folder is there already.
    pub fn create(plan: ForecastPlan, source: &Source, folder: &Path, force: bool) -> Result<Self> {
        let (prepared, latest) = Prepared::new(&plan, source)?;
        let files = [
            ("plan.toml", crate::bundle::to_toml(&plan)),
            ("codec.toml", crate::bundle::to_toml(&prepared.codec)),
            ("history.csv", latest),
        ];
        let bundle = Bundle::create(folder, &files, force)?;
        Ok(prepared.into_run(plan, bundle))
    }

    /// Opens a run's folder to go on with it, or to score it. The rows must be those that it began with.
    ///
    /// # Errors
    /// If the folder is not a forecasting run's, or the data have changed.
    pub fn open(folder: &Path) -> Result<Self> {
        let bundle = Bundle::open(folder)?;
        let plan: ForecastPlan = bundle.plan()?;
        let source = Source::open(&plan.data)?;
        if source.sha256 != plan.sha256 {
            return Err(Error::Plan {
                setting: "the data of the run",
                expected: format!("the bytes that it began with (sha256 {})", plan.sha256),
                found: format!("{} with other bytes (sha256 {})", plan.data, source.sha256),
            });
        }
        let (prepared, _) = Prepared::new(&plan, &source)?;
        Ok(prepared.into_run(plan, bundle))
    }

    /// Trains the network, or goes on where training was interrupted. Weights, metrics and checkpoints are in the
    /// folder when it returns.
    ///
    /// # Errors
    /// If the loss is no number any more, or a file cannot be written or read.
    pub fn fit(&self, device: &Device, session: Session) -> Result<(History, Ending)> {
        let device = device.clone().autodiff();
        device.seed(self.plan.fit.seed);
        let model = ForecastTask { network: self.plan.network().init(&device) };
        let epoch = EpochCounter::default();
        let batch = self.plan.fit.batch;
        let shuffled = Order::Shuffled(epoch.clone());
        let loaders = Loaders {
            train: Arc::new(WindowLoader::new(self.train.clone(), batch, shuffled, &device)),
            valid: Arc::new(WindowLoader::new(self.valid.clone(), SCORING_BATCH, Order::InTime, &device)),
            epoch,
        };
        fit(model, loaders, &self.plan.fit, &self.bundle, &device, session)
    }

    /// Asks the network of the best epoch about every window of the test part.
    ///
    /// # Errors
    /// If the weights are missing or damaged.
    pub fn score(&self, device: &Device) -> Result<TestRows> {
        let mut network: ForecastNetwork = self.plan.network().init(device);
        self.bundle.read_weights(&mut network)?;
        let indices: Vec<usize> = (0..self.test.len()).collect();
        let mut forecasts = Vec::with_capacity(indices.len() * self.plan.horizon * self.plan.target.len());
        for chunk in indices.chunks(SCORING_BATCH) {
            let batch = WindowBatch::gather(&self.test, chunk, device);
            let said = network.forward(batch.past).into_data();
            let targets = (0..self.plan.target.len()).cycle();
            forecasts.extend(
                targets
                    .zip(said.iter::<f32>())
                    .map(|(target, said)| self.codec.decode(self.test.shape(), target, said)),
            );
        }
        let season = (self.plan.season > 0).then_some(self.plan.season);
        Ok(TestRows::new(self.test.clone(), forecasts, self.training_rows, season))
    }

    /// What the run is to do.
    pub fn plan(&self) -> &ForecastPlan {
        &self.plan
    }

    /// The same run with another number of epochs in all, written into its folder.
    ///
    /// # Errors
    /// If more are done already, or the schedule reaches its end with the epochs first planned, and so has no next.
    pub fn with_epochs(mut self, epochs: usize) -> Result<Self> {
        if self.plan.fit.schedule == Schedule::Cosine && epochs != self.plan.fit.epochs {
            return Err(Error::Plan {
                setting: "--epochs",
                expected: format!(
                    "{}, for the cosine schedule ends there (constant and exponential go on)",
                    self.plan.fit.epochs
                ),
                found: epochs.to_string(),
            });
        }
        let done = epochs_done(&self.bundle)?;
        if epochs < done {
            return Err(Error::Plan {
                setting: "--epochs",
                expected: format!("at least {done}, for so many are done"),
                found: epochs.to_string(),
            });
        }
        self.plan.fit.epochs = epochs;
        self.plan.check()?;
        self.bundle.write_toml("plan.toml", &self.plan)?;
        Ok(self)
    }

    /// The folder.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// How many windows training, validation and test have.
    pub fn windows(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.test.len()]
    }
}

/// Data on its way from a table to windows.
struct Prepared {
    codec: ForecastCodec,
    train: Windows<Train>,
    valid: Windows<Valid>,
    test: Windows<Test>,
    training_rows: usize,
}

impl Prepared {
    /// Table → series → split → scaler → windows; also the last rows, as CSV, where a forecast begins.
    fn new(plan: &ForecastPlan, source: &Source) -> Result<(Self, String)> {
        plan.check()?;
        let series = source.table.series(&plan.request())?;
        let latest = last_rows(&series, plan);
        let Split { train, valid, test, .. } = series.split(&plan.split)?;
        let codec = ForecastCodec::new(plan, Scaler::fit(&train, plan.scaler));
        let shape = codec.shape()?;
        let prepared = Self {
            training_rows: train.rows().len(),
            train: Windows::new(&codec.scaler.scale(&train)?, shape.clone())?,
            valid: Windows::new(&codec.scaler.scale(&valid)?, shape.clone())?,
            test: Windows::new(&codec.scaler.scale(&test)?, shape)?,
            codec,
        };
        Ok((prepared, latest))
    }

    fn into_run(self, plan: ForecastPlan, bundle: Bundle) -> ForecastRun {
        ForecastRun {
            plan,
            codec: self.codec,
            train: self.train,
            valid: self.valid,
            test: self.test,
            training_rows: self.training_rows,
            bundle,
        }
    }
}

/// The last `window` rows with their dates as CSV, and a few more, from which the spacing of the dates is seen.
fn last_rows(series: &Series, plan: &ForecastPlan) -> String {
    const SPACING_ROWS: usize = 30;
    // A table of columns named by numbers alone would look as if it had no header.
    let first = if series.dates().is_some() { plan.date.as_deref().unwrap_or("date") } else { "row" };
    let header = std::iter::once(first).chain(series.names().iter().map(String::as_str));
    let rows = series.len().saturating_sub(plan.window.max(SPACING_ROWS))..series.len();
    let cells = |row: usize| {
        let label = series.dates().map_or_else(|| row.to_string(), |dates| dates.label(row));
        let values = (0..series.names().len()).map(|column| series.value(row, column).to_string());
        std::iter::once(label).chain(values).collect()
    };
    csv::text(header, rows.map(cells))
}

/// The network with its loss, the mean squared error in scaled units.
#[derive(Module, Debug)]
pub struct ForecastTask {
    network: ForecastNetwork,
}

impl ForecastTask {
    fn output(&self, batch: WindowBatch) -> RegressionOutput {
        let said = self.network.forward(batch.past);
        let [rows, horizon, targets] = said.dims();
        let flat = |x: Tensor<3>| x.reshape([rows, horizon * targets]);
        let loss = (said.clone() - batch.future.clone()).powi_scalar(2).mean();
        RegressionOutput::new(loss, flat(said), flat(batch.future))
    }
}

impl TrainStep for ForecastTask {
    type Input = WindowBatch;
    type Output = RegressionOutput;

    fn step(&self, batch: WindowBatch) -> TrainOutput<RegressionOutput> {
        let output = self.output(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for ForecastTask {
    type Input = WindowBatch;
    type Output = RegressionOutput;

    fn step(&self, batch: WindowBatch) -> RegressionOutput {
        self.output(batch)
    }
}

impl Task for ForecastTask {
    type Network = ForecastNetwork;

    fn network(&self) -> &ForecastNetwork {
        &self.network
    }
}
