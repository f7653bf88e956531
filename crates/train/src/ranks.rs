//! The ranks of a job that a launcher of MPI has started: `mpirun -n 4 train forecast`.
//!
//! The first rank has the run's folder, and it alone prints. An error of any rank ends the job.

use std::fmt::Display;
use std::process::exit;
use std::sync::Arc;
#[cfg(feature = "mpi")]
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use recurrent::fit::CheckpointEvery;
#[cfg(feature = "mpi")]
use recurrent::fit::ranks::Mpi;
use recurrent::fit::ranks::{Alone, Ranks};

use crate::error::BadInput;
use crate::output;

/// How long another rank waits until it tells an error: the first one may have the same.
const AFTER_FIRST: Duration = Duration::from_secs(2);

/// The environment in which Open MPI, and MPICH with all that derive from it, start a process: its rank and the number of
/// ranks, then both among those of the machine.
const LAUNCHERS: [[&str; 4]; 2] = [
    ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"],
    ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"],
];

#[derive(Debug, Args)]
pub struct RanksArgs {
    /// Under mpirun: how long a rank waits for another one until it ends the job (90s, 10m, 2h)
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub rank_timeout: Duration,
}

impl Default for RanksArgs {
    fn default() -> Self {
        Self { rank_timeout: Duration::from_secs(600) }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(CheckpointEvery::Time(time)) => Ok(time),
        _ => Err("expected a time such as 90s, 10m or 2h".into()),
    }
}

/// The place of this process in a job of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub rank: usize,
    pub size: usize,
    /// Among the ranks of this machine.
    pub local_rank: usize,
    pub local_size: usize,
}

impl Place {
    /// The place that the launcher gave this process, unless it is the only one.
    pub fn of_process() -> Option<Self> {
        Self::in_environment(|name| std::env::var(name).ok()?.parse().ok())
    }

    fn in_environment(number: impl Fn(&str) -> Option<usize>) -> Option<Self> {
        let [rank, size, local_rank, local_size] = LAUNCHERS.into_iter().find(|names| number(names[1]).is_some())?;
        let (rank, size) = (number(rank)?, number(size)?);
        let local_size = number(local_size).unwrap_or(1).max(1);
        (size > 1).then(|| Self { rank, size, local_rank: number(local_rank).unwrap_or(0), local_size })
    }

    /// Whether this process leaves all output to another one.
    fn is_silent(self) -> bool {
        self.rank > 0
    }
}

/// The job, once this process has joined it.
#[cfg(feature = "mpi")]
static JOB: OnceLock<Arc<Mpi>> = OnceLock::new();

/// Silences all ranks but the first.
pub fn start() {
    if Place::of_process().is_some_and(Place::is_silent) {
        output::silence();
    }
}

/// Joins the job, if this process is one of several.
///
/// # Errors
/// If this program is built without MPI.
pub fn join(args: &RanksArgs) -> Result<Arc<dyn Ranks>> {
    let Some(place) = Place::of_process() else { return Ok(Arc::new(Alone)) };
    #[cfg(feature = "mpi")]
    {
        let _ = place;
        let give_up = |error| fail(format!("error: {error} (--rank-timeout)"), 1);
        let job = Arc::new(Mpi::start(args.rank_timeout, give_up)?);
        Ok(JOB.get_or_init(|| job).clone())
    }
    #[cfg(not(feature = "mpi"))]
    {
        let _ = args;
        let message =
            format!("started as {} ranks: this program is built without MPI, build with --features mpi", place.size);
        Err(BadInput(message).into())
    }
}

/// Refuses a command that does not train.
///
/// # Errors
/// If this process is one of several.
pub fn refuse() -> Result<()> {
    match Place::of_process() {
        None => Ok(()),
        Some(Place { size, .. }) => {
            Err(BadInput(format!("started as {size} ranks: they train and resume, all else runs on one")).into())
        }
    }
}

/// Leaves the job, once all ranks are here.
pub fn leave() {
    #[cfg(feature = "mpi")]
    if let Some(job) = JOB.get() {
        job.finish();
    }
}

/// Leaves it to the first rank to end the job by an error that all of them have. Another one goes on, and may speak, if the
/// error is its own.
pub fn wait_for_first() {
    if Place::of_process().is_some_and(Place::is_silent) {
        thread::sleep(AFTER_FIRST);
        output::speak();
    }
}

/// Tells an error, and ends the whole job if there is one.
pub fn fail(error: impl Display, code: u8) -> ! {
    wait_for_first();
    output::note(error);
    #[cfg(feature = "mpi")]
    if let Some(job) = JOB.get() {
        job.abort(code);
    }
    exit(code.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_told_apart() {
        let place = |variables: &[(&str, usize)]| {
            let variables = variables.to_vec();
            Place::in_environment(move |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
            })
        };
        assert_eq!(place(&[]), None);
        assert_eq!(place(&[("OMPI_COMM_WORLD_RANK", 0), ("OMPI_COMM_WORLD_SIZE", 1)]), None);
        let [rank, size, local_rank, local_size] = LAUNCHERS[0];
        let expected = Place { rank: 5, size: 8, local_rank: 1, local_size: 4 };
        assert_eq!(place(&[(rank, 5), (size, 8), (local_rank, 1), (local_size, 4)]), Some(expected));
        let expected = Place { rank: 1, size: 2, local_rank: 0, local_size: 1 };
        assert_eq!(place(&[("PMI_RANK", 1), ("PMI_SIZE", 2)]), Some(expected));
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(time("90s").unwrap().as_secs(), 90);
        for wrong in ["", "500", "0s", "soon"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
