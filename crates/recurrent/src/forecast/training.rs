//! Training and evaluation of a forecaster.

use burn::tensor::{Device, Tensor};
use recurrent_data::{Cycle, DataSource, Scaler, Series, Split, Subset, Test, Train, Valid, WindowBatch, Windows};

use super::baselines::{self, Baseline, HarmonicAutoregression, Problem};
use super::{Climatology, ForecastConfig, ForecastEnsemble, ForecastTransform, Forecaster, TestForecasts, csv};
use crate::fit::{BatchSource, Loaders, Loss, Objective};
use crate::partial::Partial;
use crate::{Error, Result, Run, RunDir, Task, TrainedRun};

/// Windows per batch in evaluation.
const EVALUATION_BATCH: usize = 256;

/// A run of [`Forecasting`].
pub type ForecastRun = Run<Forecasting>;

/// The task of forecasting.
#[derive(Debug)]
pub struct Forecasting;

/// A table as windows of scaled columns.
#[derive(Debug)]
pub struct ForecastData {
    transform: ForecastTransform,
    /// The rows as they are in the table.
    split: Split,
    train: Windows<Train>,
    valid: Windows<Valid>,
    test: Windows<Test>,
    notes: Vec<String>,
    /// The last rows as CSV, from which a prediction forecasts.
    history: String,
}

impl ForecastData {
    /// The numbers of windows of the training, validation and test splits.
    pub fn windows(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.test.len()]
    }

    /// The baselines of each target.
    fn baselines(&self, config: &ForecastConfig) -> Result<Vec<Vec<Box<dyn Baseline>>>> {
        let Split { train, valid, .. } = &self.split;
        let fit = |problem: &Problem| baselines::fit(train, valid, problem);
        Ok(problems(config, &self.split)?.iter().map(fit).collect())
    }
}

impl Task for Forecasting {
    const ITEMS: &'static str = <Windows<Train> as BatchSource>::UNIT;

    type Config = ForecastConfig;
    type Source = DataSource;
    type Data = ForecastData;
    type Network = ForecastEnsemble;
    type Objective = ForecastObjective;
    type Evaluation = TestForecasts;
    type Predictor = Forecaster;

    fn default_config(source: &DataSource, given: &Partial) -> Result<ForecastConfig> {
        ForecastConfig::for_columns(source, given)
    }

    /// Table → series → splits → scaler → windows.
    fn prepare(config: &ForecastConfig, source: &DataSource, _run_dir: Option<&RunDir>) -> Result<ForecastData> {
        let series = source.table()?.series(&config.selection())?;
        let history = last_rows(&series, config);
        let undated = series.dates().is_none().then_some(
            "there is no column of dates (`date`): the rows are taken to be in the order of time, as they are in the file",
        );
        let split = series.split(&config.split)?;
        let climatologies = climatologies(config, &split)?;
        let unscaled = ForecastTransform::new(config, Scaler::fit(&split.train, config.scaler), climatologies);
        let seen = unscaled.deseasonalize(split.train.series())?.split(&config.split)?;
        let transform = ForecastTransform { scaler: Scaler::fit(&seen.train, config.scaler), ..unscaled };
        let shape = transform.shape()?;
        Ok(ForecastData {
            train: Windows::new(&transform.scaler.scale(&seen.train)?, shape.clone())?,
            valid: Windows::new(&transform.scaler.scale(&seen.valid)?, shape.clone())?,
            test: Windows::new(&transform.scaler.scale(&seen.test)?, shape)?,
            split,
            transform,
            notes: undated.into_iter().map(String::from).collect(),
            history,
        })
    }

    fn artifacts(_config: &ForecastConfig, data: &ForecastData) -> Vec<(&'static str, String)> {
        let transform = crate::run_dir::to_toml(&data.transform);
        vec![(ForecastTransform::FILE, transform), ("history.csv", data.history.clone())]
    }

    fn notes(data: &ForecastData) -> Vec<String> {
        data.notes.clone()
    }

    fn items(data: &ForecastData) -> usize {
        data.train.len()
    }

    fn num_parameters(config: &ForecastConfig, _data: &ForecastData) -> usize {
        config.network().num_parameters().saturating_mul(config.ensemble)
    }

    fn network(config: &ForecastConfig, _data: &ForecastData, device: &Device) -> ForecastEnsemble {
        ForecastEnsemble::new(&config.network(), config.ensemble, device)
    }

    fn input_shape(config: &ForecastConfig) -> Vec<usize> {
        vec![config.window, config.features.len()]
    }

    fn objective(_config: &ForecastConfig, _data: &ForecastData) -> ForecastObjective {
        ForecastObjective
    }

    fn loaders(config: &ForecastConfig, data: &ForecastData, device: &Device) -> Loaders<WindowBatch> {
        let splits = (data.train.clone(), data.valid.clone());
        Loaders::shuffled(splits, [config.fit.batch_size, EVALUATION_BATCH], device)
    }

    /// Forecasts from every window of the test split, by the network and by baselines that are fitted on the training split
    /// and chosen on the validation split.
    fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<TestForecasts> {
        let TrainedRun { config, data, network, .. } = run;
        let (series, horizon, targets) = (data.split.test.series(), config.horizon, config.target.len());
        let indices: Vec<usize> = (0..data.test.len()).collect();
        let mut forecasts = Vec::with_capacity(indices.len() * horizon * targets);
        for chunk in indices.chunks(EVALUATION_BATCH) {
            let batch = WindowBatch::gather(&data.test, chunk, device);
            let outputs: Vec<f32> = network.forward(batch.past).into_data().iter::<f32>().collect();
            for (window, outputs) in chunk.iter().zip(outputs.chunks(horizon * targets)) {
                let mut rows = data.transform.decode(outputs)?;
                let first = data.test.origin(*window) + 1;
                let dates = series.dates().map(|dates| &dates.timestamps()[first..first + horizon]);
                data.transform.reseasonalize(&mut rows, dates)?;
                forecasts.extend(rows.concat());
            }
        }
        let season = (config.season > 0).then_some(config.season);
        let baselines = data.baselines(config)?;
        let training_rows = data.split.train.rows().len();
        Ok(TestForecasts::new((series.clone(), data.test.clone()), forecasts, &baselines, training_rows, season))
    }
}

/// What the baselines of each target forecast, and from what.
fn problems(config: &ForecastConfig, split: &Split) -> Result<Vec<Problem>> {
    let series = split.train.series();
    let features =
        config.features.iter().map(|name| series.index_of(name)).collect::<recurrent_data::Result<Vec<_>>>()?;
    let problem = |name: &String| {
        Ok(Problem {
            column: series.index_of(name)?,
            features: features.clone(),
            window: config.window,
            horizon: config.horizon,
            seasons: seasons(&split.train, config.season),
        })
    };
    config.target.iter().map(problem).collect()
}

/// The climatology of each target, if it is to be subtracted.
fn climatologies(config: &ForecastConfig, split: &Split) -> Result<Vec<Climatology>> {
    if !config.deseasonalize {
        return Ok(Vec::new());
    }
    // With as many harmonics as serve a model that knows the last rows too.
    let fit = |problem: &Problem| {
        let fitted = HarmonicAutoregression::fit(&split.train, &split.valid, problem);
        fitted
            .map(HarmonicAutoregression::into_climatology)
            .filter(|climatology| !climatology.is_constant())
            .ok_or_else(|| {
                let expected =
                    "rows that pass at least twice through a year, a week or a day, with a course of their own";
                Error::setting("deseasonalize", expected, "rows without one")
            })
    };
    problems(config, split)?.iter().map(fit).collect()
}

/// The rows of a day, of a week and of the season of the settings, as far as the training rows pass through them twice.
fn seasons(train: &Subset<Train>, season: usize) -> Vec<usize> {
    let rows = train.rows().len();
    let calendar = [Cycle::Day, Cycle::Week].into_iter().filter_map(|cycle| {
        let in_cycle = train.series().dates()?.rows_in(cycle, rows)?;
        ((in_cycle - in_cycle.round()).abs() < 0.01 * in_cycle).then_some(in_cycle.round() as usize)
    });
    let mut seasons: Vec<usize> = calendar.chain((season > 0).then_some(season)).collect();
    seasons.sort_unstable();
    seasons.dedup();
    seasons
}

/// The last `window` rows with their dates as CSV; more, if needed to infer the spacing of the dates.
fn last_rows(series: &Series, config: &ForecastConfig) -> String {
    const SPACING_ROWS: usize = 30;
    // Without a first column named by a word, numeric column names would not be recognized as a header.
    let date = config.date.clone().filter(|_| series.dates().is_some());
    let first = date.unwrap_or_else(|| csv::row_header(series.names()));
    let header = std::iter::once(first.as_str()).chain(series.names().iter().map(String::as_str));
    let rows = series.len().saturating_sub(config.window.max(SPACING_ROWS))..series.len();
    let cells = |row: usize| {
        let label = series.dates().map_or_else(|| row.to_string(), |dates| dates.label(row));
        let values = (0..series.names().len()).map(|column| series.value(row, column).to_string());
        std::iter::once(label).chain(values).collect()
    };
    csv::text(header, rows.map(cells))
}

/// The mean squared error of scaled values.
#[derive(Debug, Clone)]
pub struct ForecastObjective;

impl Objective<ForecastEnsemble> for ForecastObjective {
    type Batch = WindowBatch;

    /// In training the mean loss of the members, which learn on their own; otherwise that of the mean forecast.
    fn loss(&self, network: &ForecastEnsemble, batch: WindowBatch, training: bool) -> Loss {
        let items = batch.len();
        let loss = |outputs: Tensor<3>| (outputs - batch.future.clone()).powi_scalar(2).mean();
        let mean = if training {
            let losses: Vec<Tensor<1>> = network.forward_each(batch.past).map(loss).collect();
            let members = losses.len() as f64;
            losses.into_iter().reduce(|sum, loss| sum + loss).expect("an ensemble has members").div_scalar(members)
        } else {
            loss(network.forward(batch.past))
        };
        Loss { mean, items }
    }
}
