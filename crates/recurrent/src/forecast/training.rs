//! The recipe, from top to bottom.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use recurrent_data::{Scaler, Series, Split, Test, Train, Valid, WindowBatch, Windows};
use recurrent_models::networks::ForecastNetwork;

use super::{ForecastCodec, ForecastConfig, Source, TestRows, csv};
use crate::fit::{BatchSource, Callbacks, History, Loaders, Loss, StopReason, Trainable, fit};
use crate::run::{Plan, Run};
use crate::{Result, RunDir};

/// Windows a step where no gradient is needed.
const SCORING_BATCH: usize = 256;

/// A forecasting run: data that has become windows, and a folder.
#[derive(Debug)]
pub struct ForecastRun {
    plan: ForecastConfig,
    codec: ForecastCodec,
    train: Windows<Train>,
    valid: Windows<Valid>,
    test: Windows<Test>,
    training_rows: usize,
    run_dir: RunDir,
}

impl ForecastRun {
    /// Makes the data ready and the run's folder with it. Whatever is wrong with plan or data is found here, before
    /// the first step.
    ///
    /// # Errors
    /// If plan or data are wrong, or the folder is there already.
    pub fn create(plan: ForecastConfig, source: &Source, folder: &Path, force: bool) -> Result<Self> {
        let (prepared, latest) = Prepared::new(&plan, source)?;
        let files = [
            ("plan.toml", crate::run_dir::to_toml(&plan)),
            ("codec.toml", crate::run_dir::to_toml(&prepared.codec)),
            ("history.csv", latest),
        ];
        let run_dir = RunDir::create(folder, &files, force)?;
        Ok(prepared.into_run(plan, run_dir))
    }

    /// Asks the network of the best epoch about every window of the test part.
    ///
    /// # Errors
    /// If the weights are missing or damaged.
    pub fn score(&self, device: &Device) -> Result<TestRows> {
        let mut network: ForecastNetwork = self.plan.network().init(device);
        self.run_dir.read_weights(&mut network)?;
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

    /// How many windows training, validation and test have.
    pub fn windows(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.test.len()]
    }
}

impl Run for ForecastRun {
    type Plan = ForecastConfig;

    const UNIT: &'static str = <Windows<Train> as BatchSource>::UNIT;

    fn open(folder: &Path) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let plan = <ForecastConfig as Plan>::of(&run_dir)?;
        let source = Source::open(&plan.data)?;
        plan.check_bytes(&source.sha256)?;
        let (prepared, _) = Prepared::new(&plan, &source)?;
        Ok(prepared.into_run(plan, run_dir))
    }

    fn plan(&self) -> &ForecastConfig {
        &self.plan
    }

    fn plan_mut(&mut self) -> &mut ForecastConfig {
        &mut self.plan
    }

    fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    fn items(&self) -> usize {
        self.train.len()
    }

    fn fit(&self, device: &Device, session: Callbacks) -> Result<(History, StopReason)> {
        let device = device.clone().autodiff();
        device.seed(self.plan.fit.seed);
        let model = ForecastObjective { network: self.plan.network().init(&device) };
        let sources = (self.train.clone(), self.valid.clone());
        let loaders = Loaders::shuffled(sources, [self.plan.fit.batch, SCORING_BATCH], &device);
        fit(model, loaders, &self.plan.fit, &self.run_dir, &device, session)
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
    fn new(plan: &ForecastConfig, source: &Source) -> Result<(Self, String)> {
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

    fn into_run(self, plan: ForecastConfig, run_dir: RunDir) -> ForecastRun {
        ForecastRun {
            plan,
            codec: self.codec,
            train: self.train,
            valid: self.valid,
            test: self.test,
            training_rows: self.training_rows,
            run_dir,
        }
    }
}

/// The last `window` rows with their dates as CSV, and a few more, from which the spacing of the dates is seen.
fn last_rows(series: &Series, plan: &ForecastConfig) -> String {
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
pub struct ForecastObjective {
    network: ForecastNetwork,
}

impl ForecastObjective {
    fn loss(&self, batch: WindowBatch) -> Loss {
        let items = batch.len();
        let said = self.network.forward(batch.past);
        Loss { mean: (said - batch.future).powi_scalar(2).mean(), items }
    }
}

impl TrainStep for ForecastObjective {
    type Input = WindowBatch;
    type Output = Loss;

    fn step(&self, batch: WindowBatch) -> TrainOutput<Loss> {
        let loss = self.loss(batch);
        TrainOutput::new(self, loss.mean.backward(), loss)
    }
}

impl InferenceStep for ForecastObjective {
    type Input = WindowBatch;
    type Output = Loss;

    fn step(&self, batch: WindowBatch) -> Loss {
        self.loss(batch)
    }
}

impl Trainable for ForecastObjective {
    type Network = ForecastNetwork;

    fn network(&self) -> &ForecastNetwork {
        &self.network
    }
}
