//! The report of a backtest.

use anyhow::Result;
use recurrent::data::Series;
use recurrent::forecast::{Backtest, BacktestScores, BacktestTable, Forecast};
use recurrent::metrics::{autocorrelations, ljung_box};
use recurrent_study::Language;

use crate::plots::{self, Fan, Interval, Line};
use crate::report::{Block, Report, Section};

/// The largest lag of a residual autocorrelation.
const MAX_LAG: usize = 60;
/// The rows of history beside a forecast, in horizons, and at least.
const HISTORY: (usize, usize) = (3, 40);
/// The probabilities of the intervals, the widest first.
const INTERVALS: [(f64, &str); 3] = [(0.95, "95 %"), (0.8, "80 %"), (0.5, "50 %")];

/// The network that was trained on all rows.
pub struct Final {
    /// Its epochs.
    pub epochs: usize,
    /// All rows.
    pub series: Series,
    /// Its forecast of the rows after them.
    pub forecast: Forecast,
}

/// The report: a section for each target, and one for the final run.
pub fn report(backtest: &Backtest, scores: &BacktestScores, last: Option<&Final>) -> Result<Report> {
    let tables = scores.tables();
    let targets = tables.iter().enumerate();
    let mut sections: Vec<Section> =
        targets.map(|(index, table)| target(backtest, scores, index, table)).collect::<Result<_>>()?;
    if let Some(last) = last {
        sections.push(final_section(backtest, scores, &tables, last)?);
    }
    let title = format!("Backtest of {}", backtest.config().forecast.target.join(", "));
    Ok(Report { language: Language::English, title, lead: lead(backtest), sections })
}

fn lead(backtest: &Backtest) -> String {
    let config = backtest.config();
    let (data, window, horizon) = (&config.forecast.data, config.forecast.window, config.forecast.horizon);
    let fitted = match config.sliding {
        true => "Each fold is fitted on as many rows before it as the first has.",
        false => "Each fold is fitted on all rows before it.",
    };
    let network = match config.refit {
        true => "The network is trained again for each fold, and so are the baselines.",
        false => {
            "That holds for the baselines; the network is trained for the first fold alone, and forecasts the later \
             ones with the later rows as its history."
        }
    };
    format!(
        "From {window} rows of {data} to the next {horizon}, from the origins of {} consecutive folds. {fitted} \
         {network} The best baseline of a fold is the one with the smallest error in this very fold: nobody could have \
         known which it would be.",
        backtest.folds().len()
    )
}

fn target(backtest: &Backtest, scores: &BacktestScores, index: usize, table: &BacktestTable) -> Result<Section> {
    let rows = table.rows().into_iter().map(Vec::from).collect();
    let mut blocks = vec![Block::Table { head: table.head().to_vec(), rows }, rmse_by_fold(table)?];
    blocks.extend(residuals(backtest, scores, index, table)?);
    Ok(Section { title: table.target.clone(), lead: table.verdict(), blocks })
}

fn rmse_by_fold(table: &BacktestTable) -> Result<Block> {
    let labels: Vec<String> = table.folds.iter().map(|fold| fold.fold.to_string()).collect();
    let network: Vec<f64> = table.folds.iter().map(|fold| fold.network.rmse).collect();
    let baseline = table.folds.iter().map(|fold| fold.baseline.map_or(f64::NAN, |score| score.rmse));
    let baseline: Vec<f64> = baseline.collect();
    let lines = [
        Line { name: &table.network, values: &network },
        Line { name: "best baseline of the fold", values: &baseline },
    ];
    let caption = format!("Root mean squared error of {} by fold", table.target);
    Ok(Block::Plot { svg: plots::line_chart(&caption, "fold", "RMSE", &labels, &lines)?, caption })
}

/// The autocorrelation of the errors one row ahead, which should have no pattern left.
fn residuals(
    backtest: &Backtest,
    scores: &BacktestScores,
    index: usize,
    table: &BacktestTable,
) -> Result<Option<Block>> {
    let residuals: Vec<f64> = scores.errors(index).iter().map(|errors| errors[0]).collect();
    let lags = (residuals.len() / 4).min(MAX_LAG);
    let Some(test) = ljung_box(&residuals, lags) else { return Ok(None) };
    let season = backtest.config().forecast.season;
    let title = format!("Autocorrelation of the errors of {} one row ahead", table.target);
    let svg = plots::autocorrelation(&title, &autocorrelations(&residuals, lags), residuals.len(), &[season])?;
    let meaning = if test.p_value < 0.05 { "the network leaves a pattern in them" } else { "no pattern is left" };
    let caption = format!("{title}. By the test of Ljung and Box, {meaning} (p = {:.3}).", test.p_value);
    Ok(Some(Block::Plot { caption, svg }))
}

fn final_section(
    backtest: &Backtest,
    scores: &BacktestScores,
    tables: &[BacktestTable],
    last: &Final,
) -> Result<Section> {
    let (rows, horizon) = (last.series.len(), backtest.config().forecast.horizon);
    let lead = format!(
        "The run `final` is trained on the first {} of {rows} rows, for {} epoch(s), the median of the best epochs of \
         the folds that were trained, without early stopping; it predicts with its last epoch. Its validation and test \
         rows are the last two horizons, too few to judge it by: the folds do that.",
        rows.saturating_sub(2 * horizon),
        last.epochs
    );
    let charts = tables.iter().enumerate().map(|(index, table)| fan(scores, index, table, last));
    let charts: Vec<Option<Block>> = charts.collect::<Result<_>>()?;
    Ok(Section { title: "Final run".into(), lead, blocks: charts.into_iter().flatten().collect() })
}

/// The forecast after the last row, with intervals from the quantiles of the errors of the folds.
fn fan(scores: &BacktestScores, index: usize, table: &BacktestTable, last: &Final) -> Result<Option<Block>> {
    let Final { series, forecast, .. } = last;
    let (horizons, least) = HISTORY;
    let first = series.len() - (horizons * table.horizon).max(least).min(series.len());
    let history = &series.column(&table.target)?[first..];
    let label = |row: usize| series.dates().map_or_else(|| row.to_string(), |dates| dates.label(row));
    let labels: Vec<String> = (first..series.len()).map(label).chain(forecast.labels.iter().cloned()).collect();
    let quantile = |probability: f64| -> Option<Vec<f64>> {
        let steps = (1..).zip(&forecast.values);
        steps.map(|(step, row)| Some(row[index] + scores.error_quantile(index, step, probability)?)).collect()
    };
    let ends = INTERVALS.map(|(probability, _)| {
        let low = quantile(0.5 - probability / 2.0)?;
        Some(low.into_iter().zip(quantile(0.5 + probability / 2.0)?).collect::<Vec<(f64, f64)>>())
    });
    let (Some(median), [Some(a), Some(b), Some(c)]) = (quantile(0.5), ends) else { return Ok(None) };
    let intervals: Vec<Interval> =
        INTERVALS.iter().zip([&a, &b, &c]).map(|((_, name), ends)| Interval { name, ends }).collect();
    let fan = Fan { history, median: &median, intervals: &intervals, actual: &[] };
    let title = format!("{}: the {} row(s) after the data", table.target, table.horizon);
    let svg = plots::fan_chart(&title, &table.target, &labels, &fan)?;
    let origins = scores.errors(index).len();
    let caption =
        format!("{title}. The intervals are quantiles of the errors from the {origins} origins of the folds.");
    Ok(Some(Block::Plot { caption, svg }))
}
