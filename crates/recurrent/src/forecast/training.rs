//! Training and evaluation of a forecaster.

use burn::tensor::{Device, Distribution, Int, Tensor};
use recurrent_data::{
    CalendarFeatures, Cycle, DataSource, Dates, Frequency, Role, Scaler, Series, Split, Subset, Test, Train, Valid,
    WindowBatch, Windows,
};
use recurrent_models::networks::{ForecastInput, ForecastNetwork};

use super::baselines::{self, Baseline, HarmonicAutoregression, Problem};
use super::config::REPORTED_LEVELS;
use super::instance_norm::InstanceNorm;
use super::outputs::{OutputReader, ReadForecasts};
use super::transform::Fitted;
use super::{
    Calibration, Climatology, DistributionHead, ForecastConfig, ForecastTransform, Forecaster, OutputKind, PowerScale,
    PowerTransform, TestForecasts, check_counts, csv,
};
use crate::fit::{BatchSource, Loaders, Loss, Objective};
use crate::partial::Partial;
use crate::{Ensemble, Error, FittedParts, Result, Run, Task, TrainedRun};

/// Windows per batch in evaluation.
const EVALUATION_BATCH: usize = 256;
/// Validation windows from which intervals are calibrated, at most.
const MAX_CALIBRATION: usize = 2000;
/// The fraction of the training windows whose series is not told, so that the vector of an unknown series is learned.
const UNKNOWN_SERIES: f64 = 0.1;

/// A run of [`Forecasting`].
pub type ForecastRun = Run<Forecasting>;

/// The task of forecasting.
#[derive(Debug)]
pub struct Forecasting;

/// A table as windows of scaled columns.
#[derive(Debug)]
pub struct ForecastData {
    transform: ForecastTransform,
    head: DistributionHead,
    /// The rows as they are in the table, with the columns of the calendar.
    split: Split,
    train: Windows<Train>,
    valid: Windows<Valid>,
    test: Windows<Test>,
    notes: Vec<String>,
    /// The last rows as CSV, from which a prediction forecasts.
    history: String,
}

impl ForecastData {
    /// The distance between rows, inferred from the dates of the first series, if there are dates.
    pub fn frequency(&self) -> Option<Frequency> {
        self.split.train.series().dates().map(Dates::frequency)
    }

    /// The numbers of windows of the training, validation and test splits.
    pub fn windows(&self) -> [usize; 3] {
        [self.train.len(), self.valid.len(), self.test.len()]
    }

    /// The baselines of each target.
    fn baselines(&self, config: &ForecastConfig) -> Result<Vec<Vec<Box<dyn Baseline>>>> {
        let Split { train, valid, .. } = &self.split;
        let fit = |problem: &Problem| baselines::fit(train, valid, problem);
        Ok(problems(config, &self.transform, &self.split)?.iter().map(fit).collect())
    }

    /// The dates that the horizon of a window has.
    fn horizon_dates<R: Role>(&self, windows: &Windows<R>, window: usize) -> Option<Vec<recurrent_data::DateTime>> {
        let first = windows.origin(window) + 1;
        let dates = self.split.train.series().dates()?;
        Some(dates.timestamps()[first..first + self.transform.horizon].to_vec())
    }

    /// Forecasts from some windows, without the calibration of intervals.
    fn read<R: Role>(
        &self,
        windows: &Windows<R>,
        indices: &[usize],
        reader: OutputReader,
        device: &Device,
    ) -> Result<ReadForecasts> {
        let mut found = ReadForecasts::default();
        for chunk in indices.chunks(EVALUATION_BATCH) {
            let batch = WindowBatch::gather(windows, chunk, device);
            let dates: Vec<_> = chunk.iter().map(|window| self.horizon_dates(windows, *window)).collect();
            let input = ForecastInput { past: batch.past, future: batch.future, series: batch.series };
            reader.read(input, &dates, &mut found)?;
        }
        Ok(found)
    }

    /// The calibration of each target's intervals on the validation windows.
    fn calibrations(&self, reader: OutputReader, device: &Device) -> Result<Vec<Calibration>> {
        let stride = self.valid.len().div_ceil(MAX_CALIBRATION);
        let indices: Vec<usize> = (0..self.valid.len()).step_by(stride).collect();
        let found = self.read(&self.valid, &indices, reader, device)?;
        let (series, horizon, targets) = (self.split.valid.series(), self.transform.horizon, &self.transform.targets);
        let levels = reader.levels.len();
        let calibration = |(target, name): (usize, &String)| {
            let values = series.column(name)?;
            let rows = indices.iter().flat_map(|window| {
                let first = self.valid.origin(*window) + 1;
                first..first + horizon
            });
            let actual: Vec<f64> = rows.map(|row| values[row]).collect();
            let of_target = |index: &usize| index % targets.len() == target;
            let items = (0..actual.len() * targets.len()).filter(of_target);
            if self.head.kind() == OutputKind::Point {
                let points: Vec<f64> = items.map(|item| found.points[item]).collect();
                return Calibration::of_points(reader.levels, horizon, &points, &actual);
            }
            let quantiles: Vec<f64> =
                items.flat_map(|item| found.quantiles[item * levels..][..levels].iter().copied()).collect();
            Calibration::of_quantiles(reader.levels, horizon, &quantiles, &actual)
        };
        targets.iter().enumerate().map(calibration).collect()
    }
}

impl Task for Forecasting {
    const ITEMS: &'static str = <Windows<Train> as BatchSource>::UNIT;

    type Config = ForecastConfig;
    type Source = DataSource;
    type Data = ForecastData;
    type Network = Ensemble<ForecastNetwork>;
    type Objective = ForecastObjective;
    type Evaluation = TestForecasts;
    type Predictor = Forecaster;

    fn default_config(source: &DataSource, given: &Partial) -> Result<ForecastConfig> {
        ForecastConfig::for_columns(source, given)
    }

    /// Table → series → splits → transform → windows. The transform of an existing run is that of its folder.
    fn prepare(config: &ForecastConfig, source: &DataSource, fitted: FittedParts<'_>) -> Result<ForecastData> {
        let series = source.table()?.series(&config.selection())?;
        let rows = config.rows(series.len())?;
        let series = series.slice(rows);
        if config.output == OutputKind::NegativeBinomial {
            config.target.iter().try_for_each(|name| check_counts(name, series.column(name)?))?;
        }
        let history = last_rows(&series, config);
        let undated = series.dates().is_none().then_some(
            "there is no column of dates (`date`): the rows are taken to be in the order of time, as they are in the file",
        );
        let split = series.split(&config.split)?;
        let transform = match fitted.run_dir() {
            Some(run_dir) => ForecastTransform::read(run_dir, config)?,
            None => fit_transform(config, &split)?,
        };
        let table = transform.fitted.calendar.add_to(Series::clone(split.train.series()))?;
        let seen = transform.see_targets(&table)?.split(&config.split)?;
        let split = table.split(&config.split)?;
        let shape = transform.shape()?;
        let scaler = &transform.fitted.scaler;
        Ok(ForecastData {
            train: Windows::new(&scaler.scale(&seen.train)?, shape.clone())?,
            valid: Windows::new(&scaler.scale(&seen.valid)?, shape.clone())?,
            test: Windows::new(&scaler.scale(&seen.test)?, shape)?,
            head: config.head()?,
            split,
            transform,
            notes: undated.into_iter().map(String::from).collect(),
            history,
        })
    }

    fn artifacts(_config: &ForecastConfig, data: &ForecastData) -> Vec<(&'static str, String)> {
        let transform = crate::run_dir::to_toml(&data.transform);
        vec![(ForecastTransform::FILE, transform), (Forecaster::HISTORY, data.history.clone())]
    }

    fn notes(data: &ForecastData) -> Vec<String> {
        data.notes.clone()
    }

    fn items(data: &ForecastData) -> usize {
        data.train.len()
    }

    fn num_parameters(config: &ForecastConfig, data: &ForecastData) -> usize {
        data.transform.network(config).num_parameters().saturating_mul(config.ensemble)
    }

    fn network(config: &ForecastConfig, data: &ForecastData, device: &Device) -> Ensemble<ForecastNetwork> {
        let network = data.transform.network(config);
        Ensemble::new(config.ensemble, || network.init(device))
    }

    fn input_shape(config: &ForecastConfig) -> Vec<usize> {
        vec![config.window, config.inputs().len()]
    }

    fn objective(config: &ForecastConfig, data: &ForecastData) -> ForecastObjective {
        ForecastObjective {
            head: data.head.clone(),
            scales: data.transform.target_scales(),
            normalized: data.transform.target_features().filter(|_| config.instance_norm),
        }
    }

    fn loaders(config: &ForecastConfig, data: &ForecastData, device: &Device) -> Loaders<WindowBatch> {
        let splits = (data.train.clone(), data.valid.clone());
        Loaders::shuffled(splits, [config.fit.batch_size, EVALUATION_BATCH], device)
    }

    /// Forecasts from every window of the test split, by the network and by baselines that are fitted on the training split
    /// and chosen on the validation split. Intervals are calibrated on the validation split, and the calibration is saved.
    fn evaluate(run: TrainedRun<Self>, device: &Device) -> Result<TestForecasts> {
        let TrainedRun { config, data, network, run_dir } = run;
        let reader = OutputReader {
            network: &network,
            head: &data.head,
            transform: &data.transform,
            instance_norm: config.instance_norm,
            levels: &REPORTED_LEVELS,
        };
        let calibrations = data.calibrations(reader, device)?;
        match Forecaster::write_calibrations(run_dir, &calibrations) {
            // On a read-only disk it is the one of before, or none.
            Err(error) if error.is_read_only() => {}
            written => written?,
        }
        let indices: Vec<usize> = (0..data.test.len()).collect();
        let mut forecasts = data.read(&data.test, &indices, reader, device)?;
        reader.calibrate(&calibrations, &mut forecasts);
        let season = (config.season > 0).then_some(config.season);
        let baselines = data.baselines(config)?;
        let windows = (data.split.test.series().clone(), data.test.clone());
        Ok(TestForecasts::new(windows, forecasts, &baselines, &data.split.train, season))
    }
}

/// The transform that is fitted on the training rows.
fn fit_transform(config: &ForecastConfig, split: &Split) -> Result<ForecastTransform> {
    let series = split.train.series();
    let calendar = if config.calendar { CalendarFeatures::fit(&split.train) } else { CalendarFeatures::default() };
    if config.calendar && calendar.cycles.is_empty() {
        let expected = "rows that pass at least twice through a day, a week or a year";
        return Err(Error::setting("calendar", expected, "fewer"));
    }
    let mut fitted = Fitted {
        ids: series.ids().to_vec(),
        calendar,
        powers: powers(config, &split.train)?,
        climatologies: Vec::new(),
        scaler: Scaler::fit(&split.train, config.scaler),
    };
    if config.deseasonalize {
        let without = ForecastTransform::new(config, fitted.clone());
        let transformed = without.see(series)?.split(&config.split)?;
        fitted.climatologies = climatologies(config, &without, &transformed)?;
    }
    let seen = ForecastTransform::new(config, fitted.clone()).see(series)?.split(&config.split)?;
    fitted.scaler = Scaler::fit(&seen.train, config.scaler);
    Ok(ForecastTransform::new(config, fitted))
}

/// The power transform of each target, if there is to be one.
fn powers(config: &ForecastConfig, train: &Subset<Train>) -> Result<Vec<PowerScale>> {
    if config.transform == PowerTransform::None {
        return Ok(Vec::new());
    }
    let fit = |name: &String| {
        let values: Vec<f64> = train.values(train.series().index_of(name)?).collect();
        config.transform.fit(name, &values)
    };
    let fitted = config.target.iter().map(fit).collect::<Result<Vec<Option<PowerScale>>>>()?;
    Ok(fitted.into_iter().flatten().collect())
}

/// What the baselines of each target forecast, and from what.
fn problems(config: &ForecastConfig, transform: &ForecastTransform, split: &Split) -> Result<Vec<Problem>> {
    let series = split.train.series();
    let indices = |names: &[String]| {
        names.iter().map(|name| series.index_of(name)).collect::<recurrent_data::Result<Vec<usize>>>()
    };
    let problem = |name: &String| {
        Ok(Problem {
            column: series.index_of(name)?,
            features: indices(&config.inputs())?,
            future: indices(&transform.known())?,
            window: config.window,
            horizon: config.horizon,
            seasons: seasons(&split.train, config.season),
        })
    };
    config.target.iter().map(problem).collect()
}

/// The climatology of each target.
fn climatologies(config: &ForecastConfig, transform: &ForecastTransform, split: &Split) -> Result<Vec<Climatology>> {
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
    problems(config, transform, split)?.iter().map(fit).collect()
}

/// The rows of a day, of a week and of the season of the settings, as far as the training rows pass through them twice.
fn seasons(train: &Subset<Train>, season: usize) -> Vec<usize> {
    let calendar = [Cycle::Day, Cycle::Week].into_iter().filter_map(|cycle| {
        let in_cycle = train.rows_in(cycle)?;
        ((in_cycle - in_cycle.round()).abs() < 0.01 * in_cycle).then_some(in_cycle.round() as usize)
    });
    let mut seasons: Vec<usize> = calendar.chain((season > 0).then_some(season)).collect();
    seasons.sort_unstable();
    seasons.dedup();
    seasons
}

/// The last `window` rows of each series with their dates as CSV; more, if needed to infer the spacing of the dates.
fn last_rows(series: &Series, config: &ForecastConfig) -> String {
    const SPACING_ROWS: usize = 30;
    let count = config.window.max(SPACING_ROWS);
    let id = config.series.clone();
    // Without a first column named by a word, numeric column names would not be recognized as a header.
    let date = config.date.clone().filter(|_| series.dates().is_some());
    let first = date.unwrap_or_else(|| csv::row_header(series.names()));
    let header = std::iter::once(first.as_str()).chain(id.as_deref()).chain(series.names().iter().map(String::as_str));
    let segments = series.last_segments().into_iter().map(|index| &series.segments()[index]);
    let rows = segments.flat_map(|segment| {
        let first = segment.rows.end.saturating_sub(count).max(segment.rows.start);
        (first..segment.rows.end).map(|row| (segment.id, row))
    });
    let cells = |(id, row): (Option<usize>, usize)| {
        let label = series.dates().map_or_else(|| row.to_string(), |dates| dates.label(row));
        let id = id.map(|id| series.ids()[id].clone());
        let values = (0..series.names().len()).map(|column| series.value(row, column).to_string());
        std::iter::once(label).chain(id).chain(values).collect()
    };
    csv::text(header, rows.map(cells))
}

/// The loss of the outputs that the networks learn to put out.
#[derive(Debug, Clone)]
pub struct ForecastObjective {
    head: DistributionHead,
    /// The shift and the scale of each target.
    scales: Vec<(f64, f64)>,
    /// The targets among the features, if each window is normalized by itself.
    normalized: Option<Vec<usize>>,
}

impl Objective<Ensemble<ForecastNetwork>> for ForecastObjective {
    type Batch = WindowBatch;

    /// The mean loss of the members, which learn on their own; that of the mean forecast in the validation of points.
    fn loss(&self, network: &Ensemble<ForecastNetwork>, batch: WindowBatch, training: bool) -> Loss {
        let items = batch.len();
        let WindowBatch { past, targets, future, series } = batch;
        let (past, targets) = match &self.normalized {
            Some(features) => {
                let (norm, past) = InstanceNorm::normalize(past, features);
                (past, norm.apply(targets))
            }
            None => (past, targets),
        };
        let series = series.map(|series| if training { forget_some(series) } else { series });
        let input = ForecastInput { past, future, series };
        let outputs = |member: &ForecastNetwork| member.forward(input.clone());
        let mean = if training || self.head.kind() != OutputKind::Point {
            network.mean(|member| self.loss_of(outputs(member), targets.clone()))
        } else {
            self.loss_of(network.mean(outputs), targets)
        };
        Loss { mean, items }
    }
}

impl ForecastObjective {
    /// The loss of a member's outputs `[batch, horizon, targets * outputs]`.
    fn loss_of(&self, outputs: Tensor<3>, targets: Tensor<3>) -> Tensor<1> {
        let [batch, horizon, count] = targets.dims();
        self.head.loss(outputs.reshape([batch, horizon, count, self.head.num_outputs()]), targets, &self.scales)
    }
}

/// Replaces a random part of the series `[batch]` by the unknown one.
fn forget_some(series: Tensor<1, Int>) -> Tensor<1, Int> {
    let uniform = Tensor::<1>::random(series.dims(), Distribution::Uniform(0.0, 1.0), &series.device());
    series.mask_fill(uniform.lower_elem(UNKNOWN_SERIES), 0)
}
