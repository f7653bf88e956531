//! What the configurations of all tasks have in common.

use crate::fit::FitConfig;
use crate::settings::Settings;
use crate::{Error, Result};

/// The maximum number of parameters of a network: 2 GB, or 8 GB with gradients and the moments of Adam.
pub const MAX_PARAMETERS: usize = 500_000_000;

/// Checks the number of parameters of a network before it is made.
///
/// # Errors
/// [`Error::Input`] if there are more than [`MAX_PARAMETERS`].
pub(crate) fn check_num_parameters(count: usize) -> Result<()> {
    if count <= MAX_PARAMETERS {
        return Ok(());
    }
    Err(Error::Input {
        what: "the network".into(),
        expected: format!("at most {MAX_PARAMETERS} parameters (fewer hidden units, layers or tokens need less)"),
        found: if count == usize::MAX { format!("{count} or more") } else { count.to_string() },
    })
}

/// The configuration of a task: everything that the result of a run depends on. It is saved in the run's folder before the
/// first step, and reproduces the run. [`settings!`](macro@crate::settings) implements it.
pub trait TaskConfig: Settings + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The task's name, on the command line and in a run's folder.
    const TASK: &'static str;

    /// The name or path of the data.
    fn data(&self) -> &str;

    /// The SHA-256 of the data.
    fn sha256(&self) -> &str;

    /// How the network is trained.
    fn fit(&self) -> &FitConfig;

    /// How the network is trained, mutably.
    fn fit_mut(&mut self) -> &mut FitConfig;

    /// Checks all settings without opening the data.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is not allowed, with what was expected.
    fn check(&self) -> Result<()>;

    /// Compares the checksum of data with the one of this configuration.
    ///
    /// # Errors
    /// [`Error::Input`] if they differ.
    fn check_sha256(&self, found: &str) -> Result<()> {
        if found == self.sha256() {
            return Ok(());
        }
        Err(Error::Input {
            what: "the data of the run".into(),
            expected: format!("the bytes that it began with (sha256 {})", self.sha256()),
            found: format!("{} with other bytes (sha256 {found})", self.data()),
        })
    }
}
