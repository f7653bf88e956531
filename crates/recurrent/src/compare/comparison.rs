//! A comparison's folder, and the grid that fills it.
//!
//! ```text
//! runs/compare-1/
//!   config.toml            what is compared, complete
//!   measured/*.json      a file for each cell of the grid, once it is measured
//!   compare.json         all of it, and what it says of the lecture's claims
//!   report.html          the same for readers
//! ```

use std::fs::File;
use std::path::Path;

use burn::tensor::Device;
use recurrent_models::CellKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::claim::{Judged, judge};
use super::look::{Exploded, Explosion, Look};
use super::plan::{Part, StudyConfig};
use super::reading::{Read, Reading};
use super::results::{Results, Tried};
use super::speed::speed;
use super::trial::{Outcome, Recipe, Trial, train};
use crate::{Error, Result, RunDir};

/// A comparison, in a folder of its own.
#[derive(Debug)]
pub struct Comparison {
    plan: StudyConfig,
    run_dir: RunDir,
    _lock: File,
}

/// What is told while a comparison goes on: a cell of the grid is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// How many are, with this one.
    pub done: usize,
    /// How many there are.
    pub total: usize,
    /// Its name.
    pub name: String,
    /// What came of it, in a word; `None` if it was measured before.
    pub came: Option<String>,
}

/// A cell of the grid.
enum Cell {
    Trial(Trial),
    Look(Look),
    Explosion(Explosion),
    /// The gates of who reads a text.
    Text(CellKind),
    /// The gates of who reads a series.
    Series(CellKind),
    Speed {
        cell: CellKind,
        hidden: usize,
        length: usize,
    },
}

impl Cell {
    fn name(&self) -> String {
        match self {
            Self::Trial(trial) => trial.to_string(),
            Self::Look(look) => look.to_string(),
            Self::Explosion(explosion) => explosion.to_string(),
            Self::Text(cell) => format!("gates-text-{cell}"),
            Self::Series(cell) => format!("gates-series-{cell}"),
            Self::Speed { cell, hidden, length } => format!("speed-T{length}-h{hidden}-{cell}"),
        }
    }
}

impl Comparison {
    /// Begins a comparison in a folder that is not there yet, or goes on with the one that is there, if its plan is the
    /// same.
    ///
    /// # Errors
    /// If the plan cannot be, the folder is something else's, has another plan, or another process works in it.
    pub fn begin(plan: StudyConfig, folder: &Path) -> Result<Self> {
        plan.check()?;
        if !folder.exists() {
            let text = RunDir::config_text("compare", &plan);
            return Self::locked(plan, RunDir::create(folder, &[(PLAN, text)], false)?);
        }
        let there = Self::open(folder)?;
        match difference(&there.plan, &plan) {
            None => Ok(there),
            Some((setting, expected, found)) => Err(Error::RunDir {
                path: folder.join(PLAN),
                expected: format!("`{setting} = {expected}` as asked for (or name another folder with --out)"),
                found: format!("`{found}`"),
            }),
        }
    }

    /// Opens the folder of a comparison.
    ///
    /// # Errors
    /// If it is not one, its plan is damaged, or another process works in it.
    pub fn open(folder: &Path) -> Result<Self> {
        let run_dir = RunDir::open(folder)?;
        let plan: StudyConfig = run_dir.read_config("compare")?;
        plan.check()?;
        Self::locked(plan, run_dir)
    }

    /// Whether a folder is a comparison's.
    pub fn is_in(folder: &Path) -> bool {
        RunDir::open(folder).and_then(|run_dir| run_dir.header()).is_ok_and(|header| header.task == "compare")
    }

    fn locked(plan: StudyConfig, run_dir: RunDir) -> Result<Self> {
        let _lock = run_dir.lock()?;
        Ok(Self { plan, run_dir, _lock })
    }

    /// What is compared.
    pub fn plan(&self) -> &StudyConfig {
        &self.plan
    }

    /// Its folder.
    pub fn run_dir(&self) -> &RunDir {
        &self.run_dir
    }

    fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = Vec::new();
        if self.plan.parts.contains(&Part::Cost) {
            for length in &self.plan.cost_lengths {
                for hidden in &self.plan.cost_hidden {
                    let sized = |cell| Cell::Speed { cell, hidden: *hidden, length: *length };
                    cells.extend(CellKind::ALL.map(sized));
                }
            }
        }
        if self.plan.parts.contains(&Part::Gradients) {
            cells.extend(Look::all(&self.plan).into_iter().map(Cell::Look));
            cells.extend(Explosion::ALL.map(Cell::Explosion));
        }
        if self.plan.parts.contains(&Part::Gates) {
            let gated = [CellKind::Lstm, CellKind::Gru];
            cells.extend(gated.map(Cell::Text));
            cells.extend(gated.map(Cell::Series));
        }
        cells.extend(self.plan.trials().into_iter().map(Cell::Trial));
        cells
    }

    /// Measures what is not measured yet, each cell of the grid with a file of its own; `None` if `stop` says so before
    /// the end. `tell` hears of each.
    ///
    /// # Errors
    /// If a file cannot be written, one that is there is damaged, or the series of the plan cannot be read any more.
    pub fn run(
        &self,
        device: &Device,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Event),
    ) -> Result<Option<Results>> {
        let mut results = Results {
            plan: self.plan.clone(),
            tried: Vec::new(),
            looked: Vec::new(),
            exploded: Vec::new(),
            readings: Vec::new(),
            speeds: Vec::new(),
        };
        let cells = self.cells();
        let total = cells.len();
        for (number, cell) in (1..).zip(&cells) {
            if stop() {
                return Ok(None);
            }
            let name = cell.name();
            let Some(came) = self.measured(cell, &name, device, stop, &mut results)? else { return Ok(None) };
            tell(&Event { done: number, total, name, came });
        }
        Ok(Some(results))
    }

    /// Adds a cell of the grid to the results, and gives what came of it, in a word, if it is new; `None` if `stop` says
    /// so first.
    fn measured(
        &self,
        cell: &Cell,
        name: &str,
        device: &Device,
        stop: &dyn Fn() -> bool,
        results: &mut Results,
    ) -> Result<Option<Option<String>>> {
        let (plan, recipe) = (&self.plan, self.plan.recipe());
        // Gradients are looked at after the same number of steps, whatever is held equal.
        let steps = Recipe { steps: plan.steps, seconds: None, ..recipe.clone() };
        let word = match cell {
            Cell::Trial(trial) => {
                let tried = || {
                    let trained = train(trial, plan.hidden_of(trial), &recipe, device, stop);
                    Ok(trained.map(|(_, outcome)| Tried { trial: *trial, outcome }))
                };
                self.once(name, tried, |tried| in_a_word(&tried.outcome), &mut results.tried)?
            }
            Cell::Look(look) => {
                let looked = || Ok(look.look(plan.hidden, &steps, device, stop));
                self.once(name, looked, |looked| in_a_word(&looked.outcome), &mut results.looked)?
            }
            Cell::Explosion(explosion) => {
                let exploded = || Ok(explosion.run(plan.hidden, &steps, device, stop));
                let word = |run: &Exploded| format!("{}; clipped: {}", in_a_word(&run.free), in_a_word(&run.clipped));
                self.once(name, exploded, word, &mut results.exploded)?
            }
            Cell::Text(cell) => {
                let reading = || Ok(Reading::of_text(*cell, &plan.text, plan.lr, device, stop));
                self.once(name, reading, how_well, &mut results.readings)?
            }
            Cell::Series(cell) => {
                let reading = || Ok(Reading::of_series(*cell, &plan.signal()?, plan.lr, device, stop));
                self.once(name, reading, how_well, &mut results.readings)?
            }
            Cell::Speed { cell, hidden, length } => {
                let timed = || Ok(Some(speed(*cell, *hidden, *length, plan.batch, device)));
                self.once(name, timed, |speed| format!("{:.2} ms a step", speed.typical()), &mut results.speeds)?
            }
        };
        Ok(word)
    }

    /// Adds to `all` what is in the file of this name, or else what `measure` gives, once it is written there; gives
    /// the word for it if it is new.
    fn once<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        measure: impl FnOnce() -> Result<Option<T>>,
        word: impl Fn(&T) -> String,
        all: &mut Vec<T>,
    ) -> Result<Option<Option<String>>> {
        let file = format!("measured/{name}.json");
        let path = self.run_dir.path(&file);
        let new = !path.exists();
        if new {
            let Some(measured) = measure()? else { return Ok(None) };
            self.run_dir.write(&file, in_json(&measured))?;
        }
        // What is new is read back too: a number that goes through a file may lose its last bit.
        let measured: T = serde_json::from_str(&self.run_dir.read(&file)?).map_err(|cause| Error::RunDir {
            path,
            expected: "what was measured (delete the file to measure it again)".into(),
            found: cause.to_string(),
        })?;
        let word = new.then(|| word(&measured));
        all.push(measured);
        Ok(Some(word))
    }

    /// Writes everything into `compare.json`, with what it says of the claims.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, results: &Results) -> Result<Vec<Judged>> {
        #[derive(Serialize)]
        struct All<'a> {
            claims: &'a [Judged],
            #[serde(flatten)]
            results: &'a Results,
        }
        let claims = judge(results);
        self.run_dir.write("compare.json", in_json(&All { claims: &claims, results }))?;
        Ok(claims)
    }
}

const PLAN: &str = "config.toml";

fn in_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain numbers and names") + "\n"
}

fn in_a_word(outcome: &Outcome) -> String {
    match (outcome.diverged, outcome.loss) {
        (None, Some(loss)) => format!("loss {loss:.4}, {:.1} s", outcome.seconds),
        (at, _) => format!("diverged at step {}", at.unwrap_or(outcome.steps)),
    }
}

fn how_well(reading: &Reading) -> String {
    match &reading.read {
        Read::Text { right, .. } => format!("{:.0} % foretold", 100.0 * right.unwrap_or(0.0)),
        Read::Series { error, .. } => format!("off by {:.3} standard deviations", error.unwrap_or(f64::NAN)),
    }
}

/// The first setting in which two plans differ, with what each says.
fn difference(there: &StudyConfig, asked: &StudyConfig) -> Option<(String, String, String)> {
    let [there, asked] =
        [there, asked].map(|plan| toml::Table::try_from(plan).expect("a plan is a table of plain values"));
    asked.into_iter().find_map(|(setting, asked)| {
        let there = there.get(&setting)?;
        (*there != asked).then(|| (setting, asked.to_string(), there.to_string()))
    })
}
