//! The scores of a backtest.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Fold;
use crate::forecast::{ForecastScore, TestForecasts};
use crate::metrics::{diebold_mariano, significant};

/// The p-value below which a difference counts.
const SIGNIFICANCE: f64 = 0.05;

/// The forecasts of the folds, as far as scores need them.
#[derive(Debug, Default)]
pub struct BacktestScores {
    /// Of each target.
    targets: Vec<TargetScores>,
}

#[derive(Debug)]
struct TargetScores {
    target: String,
    /// The name of the network.
    network: String,
    horizon: usize,
    folds: Vec<FoldScore>,
    /// The error of the network, y − ŷ, `[origin][step]`, over all folds.
    errors: Vec<Vec<f64>>,
    /// The squared error of the network minus that of the best baseline, a mean over the steps, by origin; `None` if a
    /// fold has no baseline.
    differences: Option<Vec<f64>>,
}

/// The scores of one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoldScore {
    /// Its number, from 1.
    pub fold: usize,
    /// The date of its first origin, or its row.
    pub from: String,
    /// The date of its last origin, or its row.
    pub to: String,
    /// The number of its origins.
    pub origins: usize,
    /// The errors of the network.
    pub network: ForecastScore,
    /// The name of the baseline with the smallest root mean squared error in this fold.
    pub best_baseline: Option<String>,
    /// The errors of that baseline.
    pub baseline: Option<ForecastScore>,
}

impl FoldScore {
    /// Whether the network has a smaller root mean squared error than the best baseline.
    pub fn wins(&self) -> bool {
        self.baseline.is_none_or(|baseline| self.network.rmse < baseline.rmse)
    }
}

/// A mean over folds, and the standard deviation of a sample of them; that of a single one is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanStd {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std: Option<f64>,
}

impl MeanStd {
    /// That of some values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        Some(Self { mean, std: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) })
    }
}

/// The scores of a target over all folds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BacktestTable {
    /// The column.
    pub target: String,
    /// The name of the network.
    pub network: String,
    /// Steps of each forecast.
    pub horizon: usize,
    /// The scores of each fold.
    pub folds: Vec<FoldScore>,
    /// The root mean squared error of the network over folds, in the column's unit.
    pub network_rmse: Option<MeanStd>,
    /// The mean absolute error of the network over folds, in the column's unit.
    pub network_mae: Option<MeanStd>,
    /// The root mean squared error of each fold's best baseline over folds.
    pub baseline_rmse: Option<MeanStd>,
    /// The mean absolute error of each fold's best baseline over folds.
    pub baseline_mae: Option<MeanStd>,
    /// In how many folds the network has a smaller root mean squared error.
    pub wins: usize,
    /// The p-value of the hypothesis that the network is as accurate as each fold's best baseline, of squared errors
    /// over the origins of all folds ([`diebold_mariano`]).
    pub p_value: Option<f64>,
}

impl BacktestScores {
    /// Adds the forecasts of the next fold by a network of this name.
    pub fn add(&mut self, fold: &Fold, network: &str, forecasts: &TestForecasts) {
        for (index, table) in forecasts.scores(network).into_iter().enumerate() {
            let Some(of_network) = table.network().copied() else { continue };
            let best = table.best_baseline().and_then(|best| Some((best.name.clone(), best.score?)));
            let [from, to] = fold.labels().clone();
            let score = FoldScore {
                fold: fold.number(),
                from,
                to,
                origins: forecasts.len(),
                network: of_network,
                best_baseline: best.as_ref().map(|(name, _)| name.clone()),
                baseline: best.as_ref().map(|(_, score)| *score),
            };
            if self.targets.len() == index {
                let (target, horizon) = (table.target.clone(), table.horizon);
                let (folds, errors, differences) = (Vec::new(), Vec::new(), Some(Vec::new()));
                self.targets.push(TargetScores {
                    network: network.into(),
                    target,
                    horizon,
                    folds,
                    errors,
                    differences,
                });
            }
            self.targets[index].add(score, index, forecasts);
        }
    }

    /// The scores of each target.
    pub fn tables(&self) -> Vec<BacktestTable> {
        self.targets.iter().map(TargetScores::table).collect()
    }

    /// A quantile of the errors of the network on a target, `step` (from 1) rows ahead, over the origins of all folds:
    /// between two errors it is interpolated (Hyndman & Fan 1996, definition 7). `None` without an error, or if one is
    /// NaN.
    ///
    /// # Panics
    /// If there is no such target or step.
    pub fn error_quantile(&self, target: usize, step: usize, probability: f64) -> Option<f64> {
        let mut errors: Vec<f64> = self.errors(target).iter().map(|errors| errors[step - 1]).collect();
        errors.sort_unstable_by(f64::total_cmp);
        let at = probability.clamp(0.0, 1.0) * errors.len().checked_sub(1)? as f64;
        let (low, high) = (errors[at.floor() as usize], errors[at.ceil() as usize]);
        let quantile = low + (at - at.floor()) * (high - low);
        (!errors.iter().any(|error| error.is_nan())).then_some(quantile)
    }

    /// The errors of the network on a target, y − ŷ, from all origins of all folds in the order of time:
    /// `[origin][step]`.
    ///
    /// # Panics
    /// If there is no such target.
    pub fn errors(&self, target: usize) -> &[Vec<f64>] {
        &self.targets[target].errors
    }
}

impl TargetScores {
    fn add(&mut self, score: FoldScore, target: usize, forecasts: &TestForecasts) {
        let actual = forecasts.series().column(&self.target).unwrap_or_default();
        let error = |window: usize, step: usize, forecast: f64| actual[forecasts.row(window, step)] - forecast;
        let steps = 1..=self.horizon;
        for window in 0..forecasts.len() {
            let ours = steps.clone().map(|step| error(window, step, forecasts.forecast(window, step, target)));
            let ours: Vec<f64> = ours.collect();
            let best = score.best_baseline.as_deref();
            let theirs = best.and_then(|name| {
                let at = |step| Some(error(window, step, forecasts.baseline_forecast(name, window, step, target)?));
                steps.clone().map(at).collect::<Option<Vec<f64>>>()
            });
            let difference = theirs.map(|theirs| mean_square(&ours) - mean_square(&theirs));
            self.differences = self.differences.take().zip(difference).map(|(mut differences, difference)| {
                differences.push(difference);
                differences
            });
            self.errors.push(ours);
        }
        self.folds.push(score);
    }

    fn table(&self) -> BacktestTable {
        let network = |value: fn(&ForecastScore) -> f64| {
            MeanStd::of(&self.folds.iter().map(|fold| value(&fold.network)).collect::<Vec<_>>())
        };
        let baseline = |value: fn(&ForecastScore) -> f64| {
            let values = self.folds.iter().filter_map(|fold| fold.baseline.as_ref().map(value));
            MeanStd::of(&values.collect::<Vec<_>>())
        };
        BacktestTable {
            target: self.target.clone(),
            network: self.network.clone(),
            horizon: self.horizon,
            folds: self.folds.clone(),
            network_rmse: network(|score| score.rmse),
            network_mae: network(|score| score.mae),
            baseline_rmse: baseline(|score| score.rmse),
            baseline_mae: baseline(|score| score.mae),
            wins: self.folds.iter().filter(|fold| fold.wins()).count(),
            p_value: self.differences.as_ref().and_then(|differences| diebold_mariano(differences, self.horizon)),
        }
    }
}

fn mean_square(errors: &[f64]) -> f64 {
    errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64
}

impl BacktestTable {
    /// The head of the table.
    pub fn head(&self) -> [String; 8] {
        let network = &self.network;
        let errors =
            [format!("RMSE {network}"), "RMSE baseline".into(), format!("MAE {network}"), "MAE baseline".into()];
        let [a, b, c, d] = errors;
        ["fold".into(), "origins".into(), "number".into(), a, b, c, d, "best baseline".into()]
    }

    /// The rows of the table: one for each fold, then mean and standard deviation.
    pub fn rows(&self) -> Vec<[String; 8]> {
        let number = |value: f64| significant(value, 4);
        let of_baseline = |fold: &FoldScore, value: fn(&ForecastScore) -> f64| {
            fold.baseline.as_ref().map_or_else(|| "–".into(), |score| number(value(score)))
        };
        let fold = |fold: &FoldScore| {
            [
                fold.fold.to_string(),
                if fold.from == fold.to { fold.from.clone() } else { format!("{} to {}", fold.from, fold.to) },
                fold.origins.to_string(),
                number(fold.network.rmse),
                of_baseline(fold, |score| score.rmse),
                number(fold.network.mae),
                of_baseline(fold, |score| score.mae),
                fold.best_baseline.clone().unwrap_or_else(|| "none".into()),
            ]
        };
        let all = [self.network_rmse, self.baseline_rmse, self.network_mae, self.baseline_mae];
        let row = |name: &str, value: fn(MeanStd) -> Option<f64>| {
            let [a, b, c, d] = all.map(|all| all.and_then(value).map_or_else(|| "–".into(), number));
            [name.into(), String::new(), String::new(), a, b, c, d, String::new()]
        };
        let mut rows: Vec<_> = self.folds.iter().map(fold).collect();
        rows.push(row("mean", |all| Some(all.mean)));
        rows.push(row("std", |all| all.std));
        rows
    }

    /// A sentence that says in how many folds the network wins, and whether that can be chance.
    pub fn verdict(&self) -> String {
        let Self { target, wins, folds, .. } = self;
        let folds = folds.len();
        let origins: usize = self.folds.iter().map(|fold| fold.origins).sum();
        let p = match self.p_value {
            None => {
                return format!(
                    "On `{target}` the network beats the best baseline in {wins} of {folds} folds; the {origins} \
                     origins are too few for a test."
                );
            }
            Some(p) if p < 0.001 => "p < 0.001".into(),
            Some(p) => format!("p = {p:.3}"),
        };
        let is_better = self.network_rmse.map(|rmse| rmse.mean) < self.baseline_rmse.map(|rmse| rmse.mean);
        let result = match (self.p_value.is_some_and(|p| p < SIGNIFICANCE), is_better) {
            (true, true) => "it is better",
            (true, false) => "it is worse: prefer the baseline",
            (false, _) => "the difference may be chance: prefer the baseline, which is simpler",
        };
        format!(
            "On `{target}` the network beats the best baseline of each fold in {wins} of {folds} folds; over all \
             {origins} origins {result} ({p})."
        )
    }
}

impl fmt::Display for BacktestTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} folds, forecasts of {} step(s)", self.target, self.folds.len(), self.horizon)?;
        let rows = [vec![self.head()], self.rows()].concat();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..8).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                2..=6 => format!("{cell:>width$}"),
                _ => format!("{cell:width$}"),
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        write!(f, "{}", self.verdict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(rmse: f64) -> ForecastScore {
        ForecastScore { mae: rmse / 2.0, rmse, smape: 1.0, mase: None, skill: None }
    }

    fn fold(number: usize, network: f64, baseline: f64) -> FoldScore {
        FoldScore {
            fold: number,
            from: format!("2020-0{number}-01"),
            to: format!("2020-0{number}-09"),
            origins: 9,
            network: score(network),
            best_baseline: Some("drift".into()),
            baseline: Some(score(baseline)),
        }
    }

    /// Differences as in the test of [`diebold_mariano`].
    fn scores(differences: Option<Vec<f64>>) -> TargetScores {
        TargetScores {
            target: "y".into(),
            network: "GRU".into(),
            horizon: 1,
            folds: vec![fold(1, 1.0, 2.0), fold(2, 3.0, 2.5)],
            errors: Vec::new(),
            differences,
        }
    }

    /// The standard deviation of 1 and 3 is √2.
    #[test]
    fn means_and_wins_by_hand() {
        let table = scores(Some(vec![-0.5, -0.9, -0.4, 0.1, -0.3, -0.8, -1.1, -0.2])).table();
        assert_eq!(table.network_rmse, Some(MeanStd { mean: 2.0, std: Some(2.0_f64.sqrt()) }));
        assert_eq!((table.baseline_mae.unwrap().mean, table.wins), (1.125, 1));
        assert!((table.p_value.unwrap() - 0.008262275056704058).abs() < 1e-9);
        assert!(table.verdict().ends_with("in 1 of 2 folds; over all 18 origins it is better (p = 0.008)."));
        let text = table.to_string();
        assert!(text.contains("1     2020-01-01 to 2020-01-09       9    1.0000         2.0000"), "{text}");
        assert!(text.contains("\nstd "), "{text}");
    }

    /// By `numpy.quantile`.
    #[test]
    fn quantiles_are_interpolated() {
        let errors = |values: &[f64]| {
            let errors = values.iter().map(|value| vec![0.0, *value]).collect();
            BacktestScores { targets: vec![TargetScores { errors, ..scores(None) }] }
        };
        let some = errors(&[3.0, -1.0, 0.5, 2.0]);
        for (probability, expected) in [(0.0, -1.0), (0.1, -0.55), (0.5, 1.25), (0.9, 2.7), (1.0, 3.0)] {
            assert!((some.error_quantile(0, 2, probability).unwrap() - expected).abs() < 1e-12);
        }
        assert_eq!(errors(&[]).error_quantile(0, 2, 0.5), None);
        assert_eq!(errors(&[1.0, f64::NAN]).error_quantile(0, 2, 0.5), None);
    }

    #[test]
    fn a_single_fold_has_no_deviation_and_few_origins_no_test() {
        assert_eq!(MeanStd::of(&[2.0]), Some(MeanStd { mean: 2.0, std: None }));
        assert_eq!(MeanStd::of(&[]), None);
        let table = scores(None).table();
        assert!(table.p_value.is_none() && table.verdict().contains("too few for a test"));
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<BacktestTable>(&json).unwrap(), table);
    }
}
