//! Handling of Ctrl-C.

use std::sync::{Mutex, Once, PoisonError};

use anyhow::{Context, Result};
use burn::train::Interrupter;

use crate::output::note;

/// The exit code after Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// What Ctrl-C does at present.
static ACTION: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);
static HANDLER: Once = Once::new();

/// A new interrupter, which Ctrl-C stops from now on.
pub fn on_ctrl_c() -> Result<Interrupter> {
    let interrupter = Interrupter::new();
    let handle = interrupter.clone();
    set_action(move || handle.stop(Some("interrupted")))?;
    Ok(interrupter)
}

/// From now on Ctrl-C prints a message and exits the program at once.
pub fn exit_on_ctrl_c(message: &'static str) -> Result<()> {
    set_action(move || {
        note(message);
        std::process::exit(INTERRUPTED.into());
    })
}

fn set_action(action: impl Fn() + Send + 'static) -> Result<()> {
    *ACTION.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(action));
    let mut result = Ok(());
    HANDLER.call_once(|| {
        result = ctrlc::set_handler(|| {
            if let Some(action) = &*ACTION.lock().unwrap_or_else(PoisonError::into_inner) {
                action();
            }
        });
    });
    result.context("cannot handle Ctrl-C")
}
