//! Ctrl-C.

use anyhow::{Context, Result};
use burn::train::Interrupter;

/// An interrupter that Ctrl-C (or a polite `kill`) sets off.
pub fn on_ctrl_c() -> Result<Interrupter> {
    let interrupter = Interrupter::new();
    let handle = interrupter.clone();
    ctrlc::set_handler(move || handle.stop(Some("interrupted"))).context("cannot listen to Ctrl-C")?;
    Ok(interrupter)
}
