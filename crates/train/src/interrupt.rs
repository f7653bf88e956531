//! Ctrl-C.

use std::sync::{Mutex, Once, PoisonError};

use anyhow::{Context, Result};
use burn::train::Interrupter;

use crate::output::note;

/// The status of a program that Ctrl-C has ended.
pub const INTERRUPTED: u8 = 130;

/// What Ctrl-C (or a polite `kill`) does now.
static NOW: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);
static LISTENING: Once = Once::new();

/// A new interrupter, which Ctrl-C sets off from now on.
pub fn on_ctrl_c() -> Result<Interrupter> {
    let interrupter = Interrupter::new();
    let handle = interrupter.clone();
    listen(move || handle.stop(Some("interrupted")))?;
    Ok(interrupter)
}

/// From now on Ctrl-C ends the program at once, with these last words.
pub fn leave_on_ctrl_c(words: &'static str) -> Result<()> {
    listen(move || {
        note(words);
        std::process::exit(INTERRUPTED.into());
    })
}

fn listen(act: impl Fn() + Send + 'static) -> Result<()> {
    *NOW.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(act));
    let mut listening = Ok(());
    LISTENING.call_once(|| {
        listening = ctrlc::set_handler(|| {
            if let Some(act) = &*NOW.lock().unwrap_or_else(PoisonError::into_inner) {
                act();
            }
        });
    });
    listening.context("cannot listen to Ctrl-C")
}
