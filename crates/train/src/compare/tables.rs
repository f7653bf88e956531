//! The tables: those of the lecture with numbers in them, and those that the numbers are from.

use recurrent::compare::{
    Claim, Damage, Gradient, Judged, Look, Looked, Memory, Outcome, Place, Read, Results, Spread, Tested, Tried,
    Verdict,
};
use recurrent::models::CellKind;

use super::table::Table;
use super::words::{Tests, Words, filled};
use super::{cost, number, quality};

/// The names of the cells, in the order of [`CellKind::ALL`].
pub const CELLS: [&str; 3] = ["RNN", "LSTM", "GRU"];

/// All of them, with their titles.
pub fn all(results: &Results, claims: &[Judged], words: &Words) -> Vec<(String, Table)> {
    let all = [
        (words.cells.title, lecture(claims, Claim::is_of_a_cell, words)),
        (words.problems.title, lecture(claims, |claim| !claim.is_of_a_cell(), words)),
        (words.memory.title, memory(results, words)),
        (words.fails, fails(results, words)),
        (words.clipped, clipped(results, words)),
        (words.gradients.title, gradients(results, words)),
        (words.explosion, explosions(results, words)),
        (words.gates.title, readings(results, words)),
        (words.cost.title, cost::table(results, words)),
    ];
    let all = all.into_iter().map(|(title, table)| (title.to_string(), table));
    all.chain(quality::tables(results, words)).filter(|(_, table)| !table.rows.is_empty()).collect()
}

/// A table without rows: some columns, one for each cell if there are any, and some more.
pub fn head(first: &[&str], cells: bool, last: &[&str]) -> Table {
    let cells: &[&str] = if cells { &CELLS } else { &[] };
    Table::new([first, cells, last].concat().into_iter().map(String::from).collect())
}

/// A table of the lecture, each number beside what it is about.
pub fn lecture(claims: &[Judged], which: impl Fn(Claim) -> bool, words: &Words) -> Table {
    let mut table = head(&[words.head.property], true, &[words.head.verdict, words.head.why]);
    for judged in claims.iter().filter(|judged| which(judged.claim)) {
        let of_claim = &words.claims[place(&Claim::ALL, &judged.claim)];
        let mut row = vec![of_claim.name.to_string()];
        row.extend(of_claim.said.iter().zip(&judged.numbers).map(|(said, number)| match number {
            Some(number) => format!("{said}: {}", number::spread(number)),
            None => format!("{said}: {}", words.not_measured),
        }));
        row.push(verdict(judged.verdict, words).to_string());
        row.push(how_sure(judged, &words.tests));
        table.rows.push(row);
    }
    table
}

/// What each number of the lecture's tables is, and what decides.
pub fn rules(words: &Words) -> Table {
    let mut table = head(&[words.head.property, words.head.numbers, words.head.rule], false, &[]);
    table.rows =
        words.claims.iter().map(|claim| [claim.name, claim.numbers, claim.rule].map(String::from).to_vec()).collect();
    table
}

pub fn place<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|other| other == one).expect("one of all")
}

pub fn verdict(verdict: Verdict, words: &Words) -> &'static str {
    let order = [Verdict::Confirmed, Verdict::Refuted, Verdict::Undecided, Verdict::Unmeasured];
    words.verdicts[place(&order, &verdict)]
}

/// What a cell is called.
pub fn name(cell: CellKind) -> &'static str {
    CELLS[place(&CellKind::ALL, &cell)]
}

fn how_sure(judged: &Judged, words: &Tests) -> String {
    if judged.verdict == Verdict::Unmeasured {
        return String::new();
    }
    match judged.claim {
        Claim::Gates | Claim::Complexity => return words.counted.to_string(),
        Claim::Vanishing | Claim::Exploding => return words.rule.to_string(),
        _ => {}
    }
    let said: Vec<String> = judged.tests.iter().map(|test| tested(test, words)).collect();
    if said.is_empty() { words.few.to_string() } else { said.join("; ") }
}

fn tested(test: &Tested, words: &Tests) -> String {
    let Tested { first, second, welch } = test;
    let text = match first == second {
        true if welch.is_more() => words.loses,
        true if welch.is_less() => words.gains,
        true => words.keeps,
        false if welch.is_more() => words.above,
        false if welch.is_less() => words.below,
        false => words.chance,
    };
    filled(text, &[("first", name(*first)), ("second", name(*second)), ("p", &number::probability(welch.p))])
}

/// Loss and right answers of each cell at each length; or that it diverged, which is no number.
pub fn memory(results: &Results, words: &Words) -> Table {
    let mut table = head(&[words.head.task, words.head.length, words.head.chance], true, &[]);
    for place in undamaged(results) {
        let (task, length, _) = place;
        let mut row = vec![task_name(task, words).to_string(), length_of(place), number::short(task.chance(length))];
        row.extend(CellKind::ALL.map(|cell| loss_and_right(&results.at(place, cell), words)));
        table.rows.push(row);
    }
    table
}

/// Places of the memory part.
pub fn undamaged(results: &Results) -> Vec<Place> {
    let is_memory = |place: &Place| place.2 == Damage::None && results.plan.tasks.contains(&place.0);
    results.places().into_iter().filter(is_memory).collect()
}

/// The length T as a task has it: what is to be copied is not counted in it.
fn length_of((task, length, _): Place) -> String {
    if task.is_generated() { length } else { task.steps(length) }.to_string()
}

pub fn task_name(task: Memory, words: &Words) -> &'static str {
    words.tasks[place(&Memory::ALL, &task)].name
}

fn loss_and_right(tried: &[&Tried], words: &Words) -> String {
    if let Some(diverged) = diverged(&outcomes(tried), words) {
        return diverged;
    }
    let spread = |of: fn(&Outcome) -> Option<f64>| {
        let numbers: Vec<f64> = tried.iter().filter_map(|tried| of(&tried.outcome)).collect();
        Spread::of(&numbers)
    };
    let loss = spread(|outcome| outcome.loss).map_or(String::new(), |loss| number::spread(&loss));
    let right = spread(|outcome| outcome.right).map_or(String::new(), |right| format!(", {}", percent(right.mean)));
    loss + &right
}

pub fn outcomes<'a>(tried: &[&'a Tried]) -> Vec<&'a Outcome> {
    tried.iter().map(|tried| &tried.outcome).collect()
}

/// How many diverged, if one did.
pub fn diverged(outcomes: &[&Outcome], words: &Words) -> Option<String> {
    let count = outcomes.iter().filter(|outcome| outcome.diverged.is_some()).count();
    let values = [("count", &*count.to_string()), ("all", &*outcomes.len().to_string())];
    (count > 0).then(|| filled(words.diverged, &values))
}

/// The length at which each cell fails each generated task.
pub fn fails(results: &Results, words: &Words) -> Table {
    let mut table = head(&[words.head.task], true, &[]);
    let tried: Vec<Memory> = undamaged(results).iter().map(|place| place.0).collect();
    for task in Memory::ALL.into_iter().filter(|task| task.is_generated() && tried.contains(task)) {
        let at =
            |cell| results.fails_at(task, cell).map_or(words.nowhere.to_string(), |length| format!("T = {length}"));
        let mut row = vec![task_name(task, words).to_string()];
        row.extend(CellKind::ALL.map(at));
        table.rows.push(row);
    }
    table
}

/// The share of steps that were clipped, of each cell at each length.
pub fn clipped(results: &Results, words: &Words) -> Table {
    let mut table = head(&[words.head.task, words.head.length], true, &[]);
    if results.plan.clip == 0.0 {
        return table;
    }
    for place in undamaged(results) {
        let mut row = vec![task_name(place.0, words).to_string(), length_of(place)];
        row.extend(CellKind::ALL.map(|cell| share_clipped(&outcomes(&results.at(place, cell)))));
        table.rows.push(row);
    }
    table
}

/// By what the gradient of each layer of each network is multiplied for a step back, before training and after it, and
/// how many steps of training were clipped.
pub fn gradients(results: &Results, words: &Words) -> Table {
    let names = &words.head;
    let columns = [names.network, names.layer, names.fresh, names.trained, names.half, names.share_clipped];
    let mut table = head(&columns, false, &[]);
    for look in Look::all(&results.plan).into_iter().filter(|look| look.seed == 0) {
        let same = |other: &Look| Look { seed: 0, ..*other } == look;
        let seen: Vec<&Looked> = results.looked.iter().filter(|looked| same(&looked.look)).collect();
        if !seen.is_empty() {
            table.rows.extend((0..look.layers).map(|layer| gradient(&look, &seen, layer, words)));
        }
    }
    table
}

/// The row of a layer, the bottom one being 0, over all seeds.
fn gradient(look: &Look, seen: &[&Looked], layer: usize, words: &Words) -> Vec<String> {
    let decay = |layers: &[Gradient]| layers.get(layer)?.decay;
    let fresh: Vec<f64> = seen.iter().filter_map(|looked| decay(&looked.fresh)).collect();
    let trained: Vec<f64> = seen.iter().filter_map(|looked| decay(looked.trained.as_deref()?)).collect();
    let factor = |decays: &[f64]| {
        let factors: Vec<f64> = decays.iter().map(|decay| decay.exp()).collect();
        Spread::of(&factors).map_or("–".to_string(), |factor| number::spread(&factor))
    };
    let half = Spread::of(&trained).filter(|decay| decay.mean < 0.0).map(|decay| 2.0_f64.ln() / -decay.mean);
    let outcomes: Vec<&Outcome> = seen.iter().map(|looked| &looked.outcome).collect();
    vec![
        format!("{}, {}", network(look, words), clipping(look, words)),
        format!("{} / {}", layer + 1, look.layers),
        factor(&fresh),
        diverged(&outcomes, words).unwrap_or_else(|| factor(&trained)),
        half.map_or("–".to_string(), number::short),
        if look.clip > 0.0 { share_clipped(&outcomes) } else { words.never.to_string() },
    ]
}

/// The mean share of steps whose gradients were clipped.
fn share_clipped(outcomes: &[&Outcome]) -> String {
    let shares: Vec<f64> = outcomes.iter().map(|outcome| outcome.clipped).collect();
    Spread::of(&shares).map_or(String::new(), |share| percent(share.mean))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// What a network under the microscope is called.
pub fn network(look: &Look, words: &Words) -> String {
    let weights = if look.gaussian { words.gaussian } else { words.orthogonal };
    let bias = match look.cell {
        CellKind::Lstm => format!(", {}", filled(words.forget_bias, &[("bias", &look.forget_bias.to_string())])),
        _ => String::new(),
    };
    format!("{}, {weights}{bias}", name(look.cell))
}

/// How its gradients are clipped while it learns.
pub fn clipping(look: &Look, words: &Words) -> String {
    match look.clip {
        0.0 => words.unclipped.to_string(),
        clip => filled(words.clipped_to, &[("clip", &clip.to_string())]),
    }
}

/// Runs that are made to explode, without clipping and with it.
pub fn explosions(results: &Results, words: &Words) -> Table {
    let names = &words.head;
    let columns = [names.network, names.largest_norm, names.free, names.clipped, names.share_clipped];
    let mut table = head(&columns, false, &[]);
    for run in &results.exploded {
        let loss = |outcome: &Outcome| {
            let learned = || outcome.loss.map_or(String::new(), number::short);
            diverged(&[outcome], words).unwrap_or_else(learned)
        };
        let function = if run.explosion.relu { " (relu)" } else { "" };
        table.rows.push(vec![
            format!("{}{function}", name(run.explosion.cell)),
            format!("{:.1e}", run.free.largest_norm),
            loss(&run.free),
            loss(&run.clipped),
            percent(run.clipped.clipped),
        ]);
    }
    table
}

/// How well those whose gates are shown foretell what they read.
pub fn readings(results: &Results, words: &Words) -> Table {
    let mut table = head(&[words.head.cell, words.head.read, words.head.foretold], false, &[]);
    for reading in &results.readings {
        let (read, foretold) = match &reading.read {
            Read::Text { right, .. } => (words.read_text.to_string(), right.map(percent)),
            Read::Series { column, error, .. } => {
                let off = |error: f64| filled(words.off_by, &[("error", &number::short(error))]);
                (format!("{}: {column}", words.read_series), error.map(off))
            }
        };
        table.rows.push(vec![name(reading.cell).to_string(), read, foretold.unwrap_or("–".to_string())]);
    }
    table
}
