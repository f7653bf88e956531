//! What the lecture claims, and what the numbers say of it.

use recurrent_models::cells::gru::GruCell;
use recurrent_models::cells::lstm::LstmCell;
use recurrent_models::cells::rnn::RnnCell;
use recurrent_models::{Cell, CellKind};
use serde::{Deserialize, Serialize};

use super::damage::Damage;
use super::look::Look;
use super::plan::StudyConfig;
use super::reader::ReaderShape;
use super::results::{Results, Tried};
use super::significance::{Spread, Welch};
use super::task::Memory;
use super::trial::Trial;

/// A line of the lecture's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// An RNN remembers badly, LSTM and GRU well.
    Memory,
    /// An RNN has one gate, an LSTM three, a GRU two.
    Gates,
    /// An RNN is simple, an LSTM complex, a GRU between them.
    Complexity,
    /// An RNN trains fastest, an LSTM slowest.
    Speed,
    /// Gradients vanish in an RNN, and not in LSTM and GRU.
    Vanishing,
    /// Gradients can explode.
    Exploding,
    /// The order of data matters.
    Order,
    /// Long sequences are hard even for an LSTM.
    LongSequences,
    /// All are sensitive to bad data.
    BadData,
}

impl Claim {
    /// All of them, in the order of the lecture.
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

    /// Whether it sets the cells apart; otherwise it is about a problem that they share.
    pub fn is_of_a_cell(self) -> bool {
        matches!(self, Self::Memory | Self::Gates | Self::Complexity | Self::Speed | Self::Vanishing)
    }
}

/// What the numbers say of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They show it.
    Confirmed,
    /// They show otherwise.
    Refuted,
    /// They show neither: the difference may be chance.
    Undecided,
    /// There are none: what it is about was not measured.
    Unmeasured,
}

/// A claim with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// What was claimed.
    pub claim: Claim,
    /// What the numbers say of it.
    pub verdict: Verdict,
    /// A number for each of RNN, LSTM, GRU, as far as there is one.
    pub numbers: [Option<Spread>; 3],
    /// The comparisons that the verdict rests on.
    pub tests: Vec<Tested>,
}

/// One comparison: of two cells, or of a cell with itself under other circumstances.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Whose number is the first.
    pub first: CellKind,
    /// Whose is the second.
    pub second: CellKind,
    /// What the test says.
    pub welch: Welch,
}

/// What the results say of each claim.
pub fn judge(results: &Results) -> Vec<Judged> {
    Claim::ALL.map(|claim| judged(claim, results)).to_vec()
}

fn judged(claim: Claim, results: &Results) -> Judged {
    match claim {
        Claim::Memory => memory(results),
        Claim::Gates => gates(),
        Claim::Complexity => complexity(results),
        Claim::Speed => speed(results),
        Claim::Vanishing => vanishing(results),
        Claim::Exploding => exploding(results),
        Claim::Order => loses(claim, results, |damage| damage == Damage::Shuffled),
        Claim::LongSequences => long_sequences(results),
        Claim::BadData => {
            loses(claim, results, |damage| matches!(damage, Damage::Noise | Damage::Missing | Damage::Labels))
        }
    }
}

fn spreads(samples: &[Vec<f64>]) -> [Option<Spread>; 3] {
    std::array::from_fn(|cell| Spread::of(&samples[cell]))
}

/// The test of two cells' samples, which are in the order of [`CellKind::ALL`].
fn tested(samples: &[Vec<f64>], first: CellKind, second: CellKind) -> Option<Tested> {
    let of = |cell: CellKind| &samples[CellKind::ALL.iter().position(|kind| *kind == cell).expect("one of all")];
    Some(Tested { first, second, welch: Welch::of(of(first), of(second))? })
}

fn is_memory(trial: &Trial) -> bool {
    trial.task.is_generated() && trial.damage == Damage::None
}

/// The mean skill over generated tasks and lengths. Confirmed if LSTM and GRU both have more than the RNN, refuted if
/// one of them has less.
fn memory(results: &Results) -> Judged {
    let samples = CellKind::ALL.map(|cell| results.by_seed(cell, is_memory, Tried::skill));
    let tests: Vec<Tested> =
        [CellKind::Lstm, CellKind::Gru].into_iter().filter_map(|cell| tested(&samples, cell, CellKind::Rnn)).collect();
    let verdict = match &samples {
        _ if samples.iter().all(Vec::is_empty) => Verdict::Unmeasured,
        _ if tests.len() == 2 && tests.iter().all(|test| test.welch.is_more()) => Verdict::Confirmed,
        _ if tests.iter().any(|test| test.welch.is_less()) => Verdict::Refuted,
        _ => Verdict::Undecided,
    };
    Judged { claim: Claim::Memory, verdict, numbers: spreads(&samples), tests }
}

/// Sigmoids that multiply: a cell has a block of weights for each, and one more for the candidate. An RNN's only block
/// is its candidate, and so it has no gate where the lecture counts one.
fn gates() -> Judged {
    let gates = CellKind::ALL.map(|cell| blocks(cell) - 1);
    let verdict = if gates == [1, 3, 2] { Verdict::Confirmed } else { Verdict::Refuted };
    let numbers = gates.map(|gates| Spread::of(&[gates as f64]));
    Judged { claim: Claim::Gates, verdict, numbers, tests: Vec::new() }
}

/// Blocks of weights, each `[hidden, hidden]`.
fn blocks(cell: CellKind) -> usize {
    match cell {
        CellKind::Rnn => RnnCell::GATES,
        CellKind::Lstm => LstmCell::GATES,
        CellKind::Gru => GruCell::GATES,
    }
}

/// Parameters at equal hidden size, which are counted and need no test.
fn complexity(results: &Results) -> Judged {
    let task = Memory::Recall;
    let parameters = CellKind::ALL.map(|cell| {
        ReaderShape { cell, inputs: task.width(), hidden: results.plan.hidden, outputs: task.outputs() }.parameters()
    });
    let [rnn, lstm, gru] = parameters;
    let verdict = if rnn < gru && gru < lstm { Verdict::Confirmed } else { Verdict::Refuted };
    let numbers = parameters.map(|parameters| Spread::of(&[parameters as f64]));
    Judged { claim: Claim::Complexity, verdict, numbers, tests: Vec::new() }
}

/// Milliseconds of a step at the largest size. Confirmed if a GRU's takes longer than an RNN's and an LSTM's longer than
/// a GRU's, refuted if one of the two is the other way round.
fn speed(results: &Results) -> Judged {
    let samples =
        CellKind::ALL.map(|cell| results.largest(cell).map_or(Vec::new(), |speed| speed.milliseconds.clone()));
    let pairs = [(CellKind::Gru, CellKind::Rnn), (CellKind::Lstm, CellKind::Gru)];
    let tests: Vec<Tested> = pairs.into_iter().filter_map(|(slow, fast)| tested(&samples, slow, fast)).collect();
    let verdict = match &samples {
        _ if tests.is_empty() => Verdict::Unmeasured,
        _ if tests.len() == 2 && tests.iter().all(|test| test.welch.is_more()) => Verdict::Confirmed,
        _ if tests.iter().any(|test| test.welch.is_less()) => Verdict::Refuted,
        _ => Verdict::Undecided,
    };
    Judged { claim: Claim::Speed, verdict, numbers: spreads(&samples), tests }
}

/// By what a gradient is multiplied for each step back, after training, in the bottom layer: it reads the input, and what
/// arrives there came by all ways, through the layers above too. It vanishes if less than [`ARRIVES`] of it is left at
/// the first step. Confirmed if that is so with every seed of the RNN and with none of LSTM and GRU, refuted if
/// it is otherwise with every seed of one of them.
fn vanishing(results: &Results) -> Judged {
    let decays = CellKind::ALL.map(|cell| -> Vec<f64> {
        let asked = |look: &Look| look.cell == cell && look.is_default() && look.clip == results.plan.clip;
        let of_cell = results.looked.iter().filter(|looked| asked(&looked.look));
        of_cell.filter_map(|looked| looked.trained.as_ref()?.first()?.decay).collect()
    });
    let steps = results.plan.gradient_length.max(2) - 1;
    let vanishes = |decay: &f64| (decay * steps as f64).exp() < ARRIVES;
    let claimed = [true, false, false];
    let all = |as_claimed: bool, cell: usize| {
        !decays[cell].is_empty() && decays[cell].iter().all(|decay| (vanishes(decay) == claimed[cell]) == as_claimed)
    };
    let verdict = match &decays {
        _ if decays.iter().all(Vec::is_empty) => Verdict::Unmeasured,
        _ if (0..3).all(|cell| all(true, cell)) => Verdict::Confirmed,
        _ if (0..3).any(|cell| all(false, cell)) => Verdict::Refuted,
        _ => Verdict::Undecided,
    };
    let factors = decays.map(|decays| decays.into_iter().map(f64::exp).collect::<Vec<f64>>());
    Judged { claim: Claim::Vanishing, verdict, numbers: spreads(&factors), tests: Vec::new() }
}

/// The share of a gradient that has to arrive at the first step.
const ARRIVES: f64 = 1e-3;

/// The largest norm of the gradients without clipping. Confirmed if the RNN that nothing bounds diverges and is saved by
/// clipping, refuted if it does not diverge.
fn exploding(results: &Results) -> Judged {
    let free = |cell: CellKind| -> Vec<f64> {
        let run = results.exploded.iter().find(|run| run.explosion.cell == cell);
        run.map(|run| run.free.largest_norm).into_iter().collect()
    };
    let rnn = results.exploded.iter().find(|run| run.explosion.relu);
    let verdict = match rnn {
        None => Verdict::Unmeasured,
        Some(run) if run.free.diverged.is_none() => Verdict::Refuted,
        Some(run) if run.clipped.diverged.is_none() => Verdict::Confirmed,
        Some(_) => Verdict::Undecided,
    };
    Judged { claim: Claim::Exploding, verdict, numbers: spreads(&CellKind::ALL.map(free)), tests: Vec::new() }
}

/// What damaged data cost: of the share of right digits, and in standard deviations of the forecast, their mean.
/// Confirmed if every cell loses, refuted if none does.
fn loses(claim: Claim, results: &Results, damaged: impl Fn(Damage) -> bool) -> Judged {
    let spoiled = |trial: &Trial| StudyConfig::SPOILED.contains(&trial.task);
    let mut samples = Vec::new();
    let mut tests = Vec::new();
    for cell in CellKind::ALL {
        let whole = results.by_seed(cell, |trial| spoiled(trial) && trial.damage == Damage::None, Tried::goodness);
        let hurt = results.by_seed(cell, |trial| spoiled(trial) && damaged(trial.damage), Tried::goodness);
        tests.extend(Welch::of(&whole, &hurt).map(|welch| Tested { first: cell, second: cell, welch }));
        samples.push(whole.iter().zip(&hurt).map(|(whole, hurt)| whole - hurt).collect::<Vec<f64>>());
    }
    let verdict = match &samples {
        _ if samples.iter().all(Vec::is_empty) => Verdict::Unmeasured,
        _ if tests.len() == 3 && tests.iter().all(|test| test.welch.is_more()) => Verdict::Confirmed,
        _ if tests.len() == 3 && tests.iter().all(|test| test.welch.difference <= 0.0) => Verdict::Refuted,
        _ => Verdict::Undecided,
    };
    Judged { claim, verdict, numbers: spreads(&samples), tests }
}

/// The skill at the greatest length, against that at the least. Confirmed if the LSTM's is lower, refuted if the LSTM
/// does the greatest length as well as it does any.
fn long_sequences(results: &Results) -> Judged {
    let [shortest, longest] = [results.plan.lengths.iter().min(), results.plan.lengths.iter().max()];
    let at = |cell, length: Option<&usize>| {
        results.by_seed(cell, |trial| is_memory(trial) && Some(&trial.length) == length, Tried::skill)
    };
    let samples = CellKind::ALL.map(|cell| at(cell, longest));
    let lstm = Welch::of(&at(CellKind::Lstm, shortest), &at(CellKind::Lstm, longest));
    let tests: Vec<Tested> =
        lstm.iter().map(|welch| Tested { first: CellKind::Lstm, second: CellKind::Lstm, welch: *welch }).collect();
    let verdict = match lstm {
        _ if samples.iter().all(Vec::is_empty) => Verdict::Unmeasured,
        Some(welch) if welch.is_more() => Verdict::Confirmed,
        Some(welch) if welch.difference <= 0.0 && shortest != longest => Verdict::Refuted,
        _ => Verdict::Undecided,
    };
    Judged { claim: Claim::LongSequences, verdict, numbers: spreads(&samples), tests }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Gradient, Looked, Outcome};

    fn outcome(loss: f64, right: f64) -> Outcome {
        Outcome {
            hidden: 8,
            parameters: 100,
            steps: 10,
            seconds: 1.0,
            loss: Some(loss),
            right: Some(right),
            diverged: None,
            clipped: 0.0,
            largest_norm: 1.0,
            curve: Vec::new(),
        }
    }

    /// Three seeds of each trial, with the loss and the right answers that `of` gives for a cell and its trial.
    fn results(of: impl Fn(&Trial) -> (f64, f64)) -> Results {
        let plan = StudyConfig { seeds: 3, lengths: vec![10, 100], ..StudyConfig::quick() };
        let tried = plan.trials().into_iter().map(|trial| {
            let (loss, right) = of(&trial);
            // No two seeds are the same.
            let off = 1.0 + 0.01 * trial.seed as f64;
            Tried { trial, outcome: outcome(loss * off, right / off) }
        });
        Results {
            tried: tried.collect(),
            looked: Vec::new(),
            exploded: Vec::new(),
            readings: Vec::new(),
            speeds: Vec::new(),
            plan,
        }
    }

    fn verdict(claim: Claim, results: &Results) -> Verdict {
        judged(claim, results).verdict
    }

    #[test]
    fn memory_is_decided_by_who_has_more_of_it() {
        let with =
            |lost: fn(CellKind) -> f64| results(|trial| (lost(trial.cell) * trial.task.chance(trial.length), 0.5));
        let rnn_is_worse = with(|cell| if cell == CellKind::Rnn { 0.9 } else { 0.2 });
        assert_eq!(verdict(Claim::Memory, &rnn_is_worse), Verdict::Confirmed);
        let rnn_is_better = with(|cell| if cell == CellKind::Rnn { 0.2 } else { 0.9 });
        assert_eq!(verdict(Claim::Memory, &rnn_is_better), Verdict::Refuted);
        assert_eq!(verdict(Claim::Memory, &with(|_| 0.5)), Verdict::Undecided);
        let mut none = with(|_| 0.5);
        none.tried.clear();
        assert_eq!(verdict(Claim::Memory, &none), Verdict::Unmeasured);
    }

    #[test]
    fn damage_is_decided_by_what_every_cell_loses() {
        let hurt = results(|trial| if trial.damage == Damage::None { (0.1, 0.9) } else { (0.5, 0.5) });
        assert_eq!(verdict(Claim::Order, &hurt), Verdict::Confirmed);
        assert_eq!(verdict(Claim::BadData, &hurt), Verdict::Confirmed);
        let unhurt = results(|_| (1.0, 0.9));
        assert_eq!(verdict(Claim::Order, &unhurt), Verdict::Refuted);
    }

    #[test]
    fn long_sequences_are_decided_by_the_lstm() {
        let hard =
            results(|trial| (if trial.length == 100 { 0.9 } else { 0.1 } * trial.task.chance(trial.length), 0.5));
        assert_eq!(verdict(Claim::LongSequences, &hard), Verdict::Confirmed);
        let easy = results(|trial| (0.1 * trial.task.chance(trial.length), 0.5));
        assert_eq!(verdict(Claim::LongSequences, &easy), Verdict::Refuted);
    }

    /// A network of two layers by whose bottom one a gradient goes back with an exponent, and by whose top one it does
    /// not change.
    fn looked(look: Look, decay: f64) -> Looked {
        let layer = |decay| Gradient { norms: Vec::new(), decay: Some(decay) };
        let layers = vec![layer(decay), layer(0.0)];
        Looked { look, fresh: layers.clone(), trained: Some(layers), outcome: outcome(1.0, 0.5) }
    }

    #[test]
    fn vanishing_is_decided_by_the_bottom_layer_of_networks_as_they_are_by_default() {
        let seen = |decays: [f64; 3]| {
            let mut all = results(|_| (1.0, 0.5));
            let of = |look: &Look| match (look.is_default() && look.clip == all.plan.clip, look.cell) {
                (false, _) => -0.1,
                (true, CellKind::Rnn) => decays[0],
                (true, CellKind::Lstm) => decays[1],
                (true, CellKind::Gru) => decays[2],
            };
            all.looked = Look::all(&all.plan).into_iter().map(|look| looked(look, of(&look))).collect();
            verdict(Claim::Vanishing, &all)
        };
        assert_eq!(seen([-0.5, 0.0, -0.1]), Verdict::Confirmed);
        assert_eq!(seen([-0.5, 0.0, -0.5]), Verdict::Refuted);
        assert_eq!(seen([0.0, 0.0, 0.0]), Verdict::Refuted);
    }

    #[test]
    fn what_is_counted_needs_no_run() {
        let judged = judge(&results(|_| (1.0, 0.5)));
        let of = |claim| judged.iter().find(|judged| judged.claim == claim).unwrap();
        assert_eq!(of(Claim::Gates).numbers.map(|gates| gates.unwrap().mean), [0.0, 3.0, 2.0]);
        assert_eq!(of(Claim::Complexity).verdict, Verdict::Confirmed);
        for claim in [Claim::Speed, Claim::Vanishing, Claim::Exploding] {
            assert_eq!(of(claim).verdict, Verdict::Unmeasured);
        }
    }
}
