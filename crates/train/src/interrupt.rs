//! Handling of Ctrl-C.

use std::io::stdout;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use burn::train::Interrupter;
use crossterm::event::DisableMouseCapture;
use crossterm::{cursor, execute, terminal};

use crate::output::note;

/// The exit code after Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// How long the message of an exit may take: standard error may be a pipe that nobody reads.
const MESSAGE_TIMEOUT: Duration = Duration::from_millis(200);

/// What Ctrl-C does at present.
static ACTION: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);
static HANDLER: Once = Once::new();
/// Whether Ctrl-C was pressed since [`on_ctrl_c`].
static PRESSED: AtomicBool = AtomicBool::new(false);

/// A new interrupter, which Ctrl-C stops from now on. A second Ctrl-C exits the program at once.
pub fn on_ctrl_c() -> Result<Interrupter> {
    let interrupter = Interrupter::new();
    let handle = interrupter.clone();
    PRESSED.store(false, Ordering::SeqCst);
    set_action(move || match PRESSED.swap(true, Ordering::SeqCst) {
        false => handle.stop(Some("interrupted")),
        true => exit("interrupted".into()),
    })?;
    Ok(interrupter)
}

/// From now on Ctrl-C prints a message and exits the program at once; it does so now if it came too late to stop an
/// [interrupter](on_ctrl_c).
pub fn exit_on_ctrl_c(message: impl Into<String>) -> Result<()> {
    let message = message.into();
    let late = message.clone();
    set_action(move || exit(message.clone()))?;
    if PRESSED.swap(false, Ordering::SeqCst) {
        exit(late);
    }
    Ok(())
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

/// Restores the terminal, prints a message and exits the program, whatever its other threads do.
fn exit(message: String) -> ! {
    let (printed, wait) = mpsc::channel();
    thread::spawn(move || {
        if terminal::is_raw_mode_enabled().unwrap_or(false) {
            let _ = execute!(stdout(), DisableMouseCapture, terminal::LeaveAlternateScreen, cursor::Show);
            let _ = terminal::disable_raw_mode();
        }
        note(message);
        let _ = printed.send(());
    });
    let _ = wait.recv_timeout(MESSAGE_TIMEOUT);
    std::process::exit(INTERRUPTED.into())
}
