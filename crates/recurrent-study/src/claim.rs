//! The lecture's claims, and what the results say of each.

use recurrent::models::cells::gru::GruCell;
use recurrent::models::cells::lstm::LstmCell;
use recurrent::models::cells::rnn::RnnCell;
use recurrent::models::{Cell, CellKind};
use serde::{Deserialize, Serialize};

use crate::config::StudyConfig;
use crate::corruption::Corruption;
use crate::gradient_flow::GradientFlowConfig;
use crate::probe_model::ProbeModelConfig;
use crate::results::{Results, TrialResult};
use crate::significance::{MeanStd, WelchTest};
use crate::task::MemoryTask;
use crate::trial::Trial;

/// A claim of the lecture: a row of its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// An RNN has a bad memory, LSTM and GRU a good one.
    Memory,
    /// An RNN has one gate, an LSTM three, a GRU two.
    Gates,
    /// The complexity of an RNN is low, of an LSTM high, of a GRU medium.
    Complexity,
    /// An RNN trains fastest, an LSTM slowest.
    Speed,
    /// Gradients vanish in an RNN, and not in LSTM and GRU.
    Vanishing,
    /// Gradients can explode.
    Exploding,
    /// The order of the data matters.
    Order,
    /// Long sequences are hard even for an LSTM.
    LongSequences,
    /// All cells are sensitive to bad data.
    BadData,
}

impl Claim {
    /// All claims, in the order of the lecture.
    pub const ALL: [Self; 9] = [
        Self::Memory,
        Self::Gates,
        Self::Complexity,
        Self::Speed,
        Self::Vanishing,
        Self::Exploding,
        Self::Order,
        Self::LongSequences,
        Self::BadData,
    ];

    /// Whether the claim is about a difference between the cells, and not about a problem of all of them.
    pub fn is_about_differences(self) -> bool {
        matches!(self, Self::Memory | Self::Gates | Self::Complexity | Self::Speed | Self::Vanishing)
    }
}

/// What the results say of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The results support it.
    Confirmed,
    /// The results contradict it.
    Refuted,
    /// The results do neither.
    Inconclusive,
    /// There are no results for it.
    NotMeasured,
}

/// A claim with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimResult {
    /// The claim.
    pub claim: Claim,
    /// What the results say of it.
    pub verdict: Verdict,
    /// The measured quantity for RNN, LSTM and GRU.
    pub values: [Option<MeanStd>; 3],
    /// The tests behind the verdict.
    pub tests: Vec<CellTest>,
}

/// A test of two cells, or of one cell under two conditions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CellTest {
    /// The cell of the first sample.
    pub first: CellKind,
    /// The cell of the second sample.
    pub second: CellKind,
    /// The test.
    pub welch: WelchTest,
}

/// Evaluates every claim.
pub fn evaluate_claims(results: &Results) -> Vec<ClaimResult> {
    Claim::ALL.map(|claim| evaluate(claim, results)).to_vec()
}

fn evaluate(claim: Claim, results: &Results) -> ClaimResult {
    match claim {
        Claim::Memory => memory(results),
        Claim::Gates => gates(),
        Claim::Complexity => complexity(results),
        Claim::Speed => speed(results),
        Claim::Vanishing => vanishing(results),
        Claim::Exploding => exploding(results),
        Claim::Order => corruption_loss(claim, results, |corruption| corruption == Corruption::Shuffled),
        Claim::LongSequences => long_sequences(results),
        Claim::BadData => corruption_loss(claim, results, |corruption| {
            matches!(corruption, Corruption::Noise | Corruption::Missing | Corruption::Labels)
        }),
    }
}

fn means(samples: &[Vec<f64>]) -> [Option<MeanStd>; 3] {
    std::array::from_fn(|cell| MeanStd::of(&samples[cell]))
}

/// The test of two cells' samples, which are in the order of [`CellKind::ALL`].
fn test_cells(samples: &[Vec<f64>], first: CellKind, second: CellKind) -> Option<CellTest> {
    let of = |cell: CellKind| &samples[CellKind::ALL.iter().position(|other| *other == cell).expect("in ALL")];
    Some(CellTest { first, second, welch: WelchTest::of(of(first), of(second))? })
}

fn is_synthetic_and_clean(trial: &Trial) -> bool {
    trial.task.is_synthetic() && trial.corruption == Corruption::None
}

/// The mean skill score over synthetic tasks and lengths. Confirmed if those of LSTM and GRU are significantly higher
/// than the RNN's, refuted if one of them is significantly lower.
fn memory(results: &Results) -> ClaimResult {
    let samples = CellKind::ALL.map(|cell| results.by_seed(cell, is_synthetic_and_clean, TrialResult::skill));
    let gated = [CellKind::Lstm, CellKind::Gru];
    let tests: Vec<CellTest> = gated.into_iter().filter_map(|cell| test_cells(&samples, cell, CellKind::Rnn)).collect();
    let verdict = match &samples {
        _ if samples.iter().all(Vec::is_empty) => Verdict::NotMeasured,
        _ if tests.len() == 2 && tests.iter().all(|test| test.welch.is_greater()) => Verdict::Confirmed,
        _ if tests.iter().any(|test| test.welch.is_less()) => Verdict::Refuted,
        _ => Verdict::Inconclusive,
    };
    ClaimResult { claim: Claim::Memory, verdict, values: means(&samples), tests }
}

/// The number of multiplicative sigmoid gates: the blocks of recurrent weights without that of the candidate. An RNN has
/// only the candidate, which the lecture counts as a gate.
fn gates() -> ClaimResult {
    let gates = CellKind::ALL.map(|cell| weight_blocks(cell) - 1);
    let verdict = if gates == [1, 3, 2] { Verdict::Confirmed } else { Verdict::Refuted };
    let values = gates.map(|gates| MeanStd::of(&[gates as f64]));
    ClaimResult { claim: Claim::Gates, verdict, values, tests: Vec::new() }
}

/// The number of blocks of recurrent weights, each `[hidden, hidden]`.
fn weight_blocks(cell: CellKind) -> usize {
    match cell {
        CellKind::Rnn => RnnCell::GATES,
        CellKind::Lstm => LstmCell::GATES,
        CellKind::Gru => GruCell::GATES,
    }
}

/// The number of parameters at equal hidden size, which is exact and needs no test.
fn complexity(results: &Results) -> ClaimResult {
    let task = MemoryTask::Recall;
    let parameters = CellKind::ALL.map(|cell| {
        let hidden_size = results.config.hidden_size;
        ProbeModelConfig::new(cell, task.input_size(), hidden_size, task.output_size()).num_parameters()
    });
    let [rnn, lstm, gru] = parameters;
    let verdict = if rnn < gru && gru < lstm { Verdict::Confirmed } else { Verdict::Refuted };
    let values = parameters.map(|parameters| MeanStd::of(&[parameters as f64]));
    ClaimResult { claim: Claim::Complexity, verdict, values, tests: Vec::new() }
}

/// The milliseconds per training step at the largest size. Confirmed if the GRU is significantly slower than the RNN and
/// the LSTM than the GRU, refuted if one of the two is significantly faster.
fn speed(results: &Results) -> ClaimResult {
    let samples = CellKind::ALL
        .map(|cell| results.largest_speed(cell).map_or(Vec::new(), |speed| speed.step_milliseconds.clone()));
    let pairs = [(CellKind::Gru, CellKind::Rnn), (CellKind::Lstm, CellKind::Gru)];
    let tests: Vec<CellTest> = pairs.into_iter().filter_map(|(slow, fast)| test_cells(&samples, slow, fast)).collect();
    let verdict = match &samples {
        _ if tests.is_empty() => Verdict::NotMeasured,
        _ if tests.len() == 2 && tests.iter().all(|test| test.welch.is_greater()) => Verdict::Confirmed,
        _ if tests.iter().any(|test| test.welch.is_less()) => Verdict::Refuted,
        _ => Verdict::Inconclusive,
    };
    ClaimResult { claim: Claim::Speed, verdict, values: means(&samples), tests }
}

/// The factor of the gradient norm per step back, after training, in the bottom layer, whose gradient has passed through
/// all layers above. The gradient vanishes if less than [`VANISHING_RATIO`] of it reaches the first step. Confirmed if it
/// vanishes with every seed of the RNN and with none of LSTM and GRU, refuted if a cell shows the opposite with every
/// seed.
fn vanishing(results: &Results) -> ClaimResult {
    let decays = CellKind::ALL.map(|cell| -> Vec<f64> {
        let config = &results.config;
        let is_default = |network: &GradientFlowConfig| {
            network.cell == cell && network.has_default_init(config) && network.clip_norm == config.clip_norm
        };
        let of_cell = results.gradient_flow.iter().filter(|flow| is_default(&flow.config));
        of_cell.filter_map(|flow| flow.trained.as_ref()?.first()?.decay).collect()
    });
    let steps = results.config.gradient_length.max(2) - 1;
    let vanishes = |decay: &f64| (decay * steps as f64).exp() < VANISHING_RATIO;
    let claimed = [true, false, false];
    let all = |as_claimed: bool, cell: usize| {
        !decays[cell].is_empty() && decays[cell].iter().all(|decay| (vanishes(decay) == claimed[cell]) == as_claimed)
    };
    let verdict = match &decays {
        _ if decays.iter().all(Vec::is_empty) => Verdict::NotMeasured,
        _ if (0..3).all(|cell| all(true, cell)) => Verdict::Confirmed,
        _ if (0..3).any(|cell| all(false, cell)) => Verdict::Refuted,
        _ => Verdict::Inconclusive,
    };
    let factors = decays.map(|decays| decays.into_iter().map(f64::exp).collect::<Vec<f64>>());
    ClaimResult { claim: Claim::Vanishing, verdict, values: means(&factors), tests: Vec::new() }
}

/// The fraction of a gradient that has to reach the first step.
const VANISHING_RATIO: f64 = 1e-3;

/// The largest gradient norm without clipping. Confirmed if the RNN with ReLU diverges without clipping and not with it,
/// refuted if it does not diverge.
fn exploding(results: &Results) -> ClaimResult {
    let unclipped = |cell: CellKind| -> Vec<f64> {
        let run = results.explosions.iter().find(|run| run.config.cell == cell);
        run.map(|run| run.unclipped.max_grad_norm).into_iter().collect()
    };
    let rnn = results.explosions.iter().find(|run| run.config.relu);
    let verdict = match rnn {
        None => Verdict::NotMeasured,
        Some(run) if run.unclipped.diverged_at.is_none() => Verdict::Refuted,
        Some(run) if run.clipped.diverged_at.is_none() => Verdict::Confirmed,
        Some(_) => Verdict::Inconclusive,
    };
    let values = means(&CellKind::ALL.map(unclipped));
    ClaimResult { claim: Claim::Exploding, verdict, values, tests: Vec::new() }
}

/// The mean loss of score by corrupted training data: of digits in accuracy, of the forecast in standard deviations.
/// Confirmed if every cell loses significantly, refuted if none loses.
fn corruption_loss(claim: Claim, results: &Results, is_corrupted: impl Fn(Corruption) -> bool) -> ClaimResult {
    let is_selected = |trial: &Trial| StudyConfig::CORRUPTED_TASKS.contains(&trial.task);
    let mut samples = Vec::new();
    let mut tests = Vec::new();
    for cell in CellKind::ALL {
        let is_clean = |trial: &Trial| is_selected(trial) && trial.corruption == Corruption::None;
        let clean = results.by_seed(cell, is_clean, TrialResult::score);
        let is_corrupted = |trial: &Trial| is_selected(trial) && is_corrupted(trial.corruption);
        let corrupted = results.by_seed(cell, is_corrupted, TrialResult::score);
        let welch = WelchTest::of(&clean, &corrupted);
        tests.extend(welch.map(|welch| CellTest { first: cell, second: cell, welch }));
        samples.push(clean.iter().zip(&corrupted).map(|(clean, corrupted)| clean - corrupted).collect::<Vec<f64>>());
    }
    let verdict = match &samples {
        _ if samples.iter().all(Vec::is_empty) => Verdict::NotMeasured,
        _ if tests.len() == 3 && tests.iter().all(|test| test.welch.is_greater()) => Verdict::Confirmed,
        _ if tests.len() == 3 && tests.iter().all(|test| test.welch.difference <= 0.0) => Verdict::Refuted,
        _ => Verdict::Inconclusive,
    };
    ClaimResult { claim, verdict, values: means(&samples), tests }
}

/// The skill score at the longest length, compared with that at the shortest. Confirmed if the LSTM's is significantly
/// lower, refuted if it is not lower at all.
fn long_sequences(results: &Results) -> ClaimResult {
    let [shortest, longest] = [results.config.lengths.iter().min(), results.config.lengths.iter().max()];
    let at = |cell, length: Option<&usize>| {
        let has_length = |trial: &Trial| is_synthetic_and_clean(trial) && Some(&trial.length) == length;
        results.by_seed(cell, has_length, TrialResult::skill)
    };
    let samples = CellKind::ALL.map(|cell| at(cell, longest));
    let lstm = WelchTest::of(&at(CellKind::Lstm, shortest), &at(CellKind::Lstm, longest));
    let tests: Vec<CellTest> =
        lstm.iter().map(|welch| CellTest { first: CellKind::Lstm, second: CellKind::Lstm, welch: *welch }).collect();
    let verdict = match lstm {
        _ if samples.iter().all(Vec::is_empty) => Verdict::NotMeasured,
        Some(welch) if welch.is_greater() => Verdict::Confirmed,
        Some(welch) if welch.difference <= 0.0 && shortest != longest => Verdict::Refuted,
        _ => Verdict::Inconclusive,
    };
    ClaimResult { claim: Claim::LongSequences, verdict, values: means(&samples), tests }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradient_flow::{GradientFlowResult, LayerGradient};
    use crate::training::TrainResult;

    fn train_result(loss: f64, accuracy: f64) -> TrainResult {
        TrainResult {
            hidden_size: 8,
            num_parameters: 100,
            steps: 10,
            seconds: 1.0,
            loss: Some(loss),
            accuracy: Some(accuracy),
            diverged_at: None,
            clipped_fraction: 0.0,
            max_grad_norm: 1.0,
            loss_curve: Vec::new(),
        }
    }

    /// Three seeds of each trial, with the loss and the accuracy that `of` gives.
    fn results(of: impl Fn(&Trial) -> (f64, f64)) -> Results {
        let config = StudyConfig { seeds: 3, lengths: vec![10, 100], ..StudyConfig::quick() };
        let trials = config.trials().into_iter().map(|trial| {
            let (loss, accuracy) = of(&trial);
            // Seeds differ a little.
            let factor = 1.0 + 0.01 * trial.seed as f64;
            TrialResult { trial, result: train_result(loss * factor, accuracy / factor) }
        });
        Results { trials: trials.collect(), ..Results::new(config) }
    }

    fn verdict(claim: Claim, results: &Results) -> Verdict {
        evaluate(claim, results).verdict
    }

    #[test]
    fn memory_verdict_follows_the_skill_scores() {
        let with_loss = |fraction: fn(CellKind) -> f64| {
            results(|trial| (fraction(trial.cell) * trial.task.chance_loss(trial.length), 0.5))
        };
        let rnn_is_worse = with_loss(|cell| if cell == CellKind::Rnn { 0.9 } else { 0.2 });
        assert_eq!(verdict(Claim::Memory, &rnn_is_worse), Verdict::Confirmed);
        let rnn_is_better = with_loss(|cell| if cell == CellKind::Rnn { 0.2 } else { 0.9 });
        assert_eq!(verdict(Claim::Memory, &rnn_is_better), Verdict::Refuted);
        assert_eq!(verdict(Claim::Memory, &with_loss(|_| 0.5)), Verdict::Inconclusive);
        let mut none = with_loss(|_| 0.5);
        none.trials.clear();
        assert_eq!(verdict(Claim::Memory, &none), Verdict::NotMeasured);
    }

    #[test]
    fn corruption_verdicts_need_a_loss_of_every_cell() {
        let worse = results(|trial| if trial.corruption == Corruption::None { (0.1, 0.9) } else { (0.5, 0.5) });
        assert_eq!(verdict(Claim::Order, &worse), Verdict::Confirmed);
        assert_eq!(verdict(Claim::BadData, &worse), Verdict::Confirmed);
        let equal = results(|_| (1.0, 0.9));
        assert_eq!(verdict(Claim::Order, &equal), Verdict::Refuted);
    }

    #[test]
    fn long_sequences_verdict_follows_the_lstm() {
        let hard =
            results(|trial| (if trial.length == 100 { 0.9 } else { 0.1 } * trial.task.chance_loss(trial.length), 0.5));
        assert_eq!(verdict(Claim::LongSequences, &hard), Verdict::Confirmed);
        let easy = results(|trial| (0.1 * trial.task.chance_loss(trial.length), 0.5));
        assert_eq!(verdict(Claim::LongSequences, &easy), Verdict::Refuted);
    }

    /// A network of two layers with a decay in the bottom one and none in the top one.
    fn flow(config: GradientFlowConfig, decay: f64) -> GradientFlowResult {
        let layer = |decay| LayerGradient { norms: Vec::new(), decay: Some(decay) };
        let layers = vec![layer(decay), layer(0.0)];
        GradientFlowResult { config, initial: layers.clone(), trained: Some(layers), result: train_result(1.0, 0.5) }
    }

    #[test]
    fn vanishing_verdict_follows_the_bottom_layers_of_default_networks() {
        let with_decays = |decays: [f64; 3]| {
            let mut results = results(|_| (1.0, 0.5));
            let config = &results.config;
            let is_default = |network: &GradientFlowConfig| {
                network.has_default_init(config) && network.clip_norm == config.clip_norm
            };
            let decay = |network: &GradientFlowConfig| match (is_default(network), network.cell) {
                (false, _) => -0.1,
                (true, CellKind::Rnn) => decays[0],
                (true, CellKind::Lstm) => decays[1],
                (true, CellKind::Gru) => decays[2],
            };
            let networks = GradientFlowConfig::all(&results.config);
            results.gradient_flow = networks.into_iter().map(|network| flow(network, decay(&network))).collect();
            verdict(Claim::Vanishing, &results)
        };
        assert_eq!(with_decays([-0.5, 0.0, -0.1]), Verdict::Confirmed);
        assert_eq!(with_decays([-0.5, 0.0, -0.5]), Verdict::Refuted);
        assert_eq!(with_decays([0.0, 0.0, 0.0]), Verdict::Refuted);
    }

    #[test]
    fn counted_claims_need_no_measurement() {
        let claims = evaluate_claims(&results(|_| (1.0, 0.5)));
        let of = |claim| claims.iter().find(|result| result.claim == claim).unwrap();
        assert_eq!(of(Claim::Gates).values.map(|gates| gates.unwrap().mean), [0.0, 3.0, 2.0]);
        assert_eq!(of(Claim::Complexity).verdict, Verdict::Confirmed);
        for claim in [Claim::Speed, Claim::Vanishing, Claim::Exploding] {
            assert_eq!(of(claim).verdict, Verdict::NotMeasured);
        }
    }
}
