//! Progress of training: burn-train's dashboard on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
#[cfg(unix)]
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::train::renderer::default_renderer;
use crossterm::terminal;
use recurrent::fit::{AfterEpoch, Callbacks, Epoch, History, ProgressRenderer, SplitProgress};
use recurrent::metrics::significant;

use crate::interrupt;
use crate::output::note;

/// The shortest time between two lines within an epoch.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The size of a training run.
#[derive(Debug, Clone, Copy)]
pub struct TrainingSize {
    /// The number of epochs.
    pub epochs: usize,
    /// The number of items that an epoch trains on.
    pub items: usize,
    /// The name of the items.
    pub unit: &'static str,
}

/// Callbacks that show progress and are interrupted by Ctrl-C.
///
/// `dashboard` shows burn-train's dashboard if there is a terminal. `after_epoch` is called after the line about each
/// epoch.
pub fn callbacks(size: TrainingSize, dashboard: bool, mut after_epoch: AfterEpoch) -> Result<Callbacks> {
    let interrupter = interrupt::on_ctrl_c()?;
    if dashboard && std::io::stdout().is_terminal() && std::io::stderr().is_terminal() {
        raw_mode_with_ctrl_c()?;
        let renderer = default_renderer(interrupter.clone(), None);
        return Ok(Callbacks { renderer, interrupter, after_epoch, ..Callbacks::quiet() });
    }
    let mut lines = Lines::new();
    Ok(Callbacks {
        renderer: Box::new(ProgressRenderer::new(move |progress: &SplitProgress| lines.update(progress))),
        interrupter,
        after_epoch: Box::new(move |history| {
            note(epoch_line(history, size));
            after_epoch(history);
        }),
        ..Callbacks::quiet()
    })
}

/// Switches the terminal to raw mode, as the dashboard would, but Ctrl-C stays a signal and is no key that it ignores. The
/// dashboard finds the terminal in raw mode, and restores it at its end.
fn raw_mode_with_ctrl_c() -> Result<()> {
    terminal::enable_raw_mode().context("cannot switch the terminal to raw mode")?;
    #[cfg(unix)]
    {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        // With another standard input, the keys come from the terminal of the session.
        let session = std::fs::File::open("/dev/tty");
        let terminal = match &session {
            Ok(session) if !stdin.is_terminal() => session.as_fd(),
            _ => stdin.as_fd(),
        };
        let mut modes = tcgetattr(terminal).context("cannot read the modes of the terminal")?;
        modes.local_modes.insert(LocalModes::ISIG);
        tcsetattr(terminal, OptionalActions::Now, &modes).context("cannot set the modes of the terminal")?;
    }
    Ok(())
}

/// `epoch 3/40: training loss 0.3120, validation loss 0.4210 (best), 2.1 s (437 windows a second), at most 1 min 18 s
/// left`.
fn epoch_line(history: &History, TrainingSize { epochs, items, unit }: TrainingSize) -> String {
    let Some(Epoch { epoch, train_loss, valid_loss, seconds, .. }) = history.epochs.last() else {
        return String::new();
    };
    let best = history.best().is_some_and(|best| best.epoch == *epoch);
    let mark = if best { " (best)" } else { "" };
    let rate = items as f64 / seconds;
    let left = duration(seconds * epochs.saturating_sub(*epoch) as f64);
    let [train_loss, valid_loss] = [*train_loss, *valid_loss].map(|loss| significant(loss, 4));
    format!(
        "epoch {epoch}/{epochs}: training loss {train_loss}, validation loss {valid_loss}{mark}, {seconds:.1} s \
         ({rate:.0} {unit} a second), at most {left} left"
    )
}

/// `1 min 18 s`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// Lines about the progress within a long epoch.
#[derive(Debug)]
struct Lines {
    start: Instant,
    last: Instant,
}

impl Lines {
    fn new() -> Self {
        Self { start: Instant::now(), last: Instant::now() }
    }

    fn update(&mut self, progress: &SplitProgress) {
        let SplitProgress { split, done, total } = progress;
        if *done == 0 {
            *self = Self::new();
        } else if self.last.elapsed() >= LINE_INTERVAL {
            self.last = Instant::now();
            let rate = *done as f64 / self.start.elapsed().as_secs_f64();
            let left = duration(total.saturating_sub(*done) as f64 / rate);
            let percent = 100 * done / total.max(&1);
            note(format!("  {split}: {percent} %, {left} left"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_suitable_units() {
        assert_eq!([0.4, 59.0, 78.0, 3700.0].map(duration), ["0 s", "59 s", "1 min 18 s", "1 h 1 min"]);
    }

    #[test]
    fn each_epoch_has_one_line() {
        let epoch = |epoch, valid_loss| Epoch {
            ranks: 1,
            epoch,
            train_loss: 0.5,
            valid_loss,
            learning_rate: 0.1,
            gradient_norm: 1.0,
            clipped: 0.0,
            seconds: 2.0,
        };
        let size = TrainingSize { epochs: 3, items: 100, unit: "windows" };
        let mut history = History { epochs: vec![epoch(1, 0.25)] };
        assert_eq!(
            epoch_line(&history, size),
            "epoch 1/3: training loss 0.5000, validation loss 0.2500 (best), 2.0 s (50 windows a second), at most 4 s left"
        );
        history.epochs.push(epoch(2, 0.75));
        assert!(epoch_line(&history, size).starts_with("epoch 2/3: training loss 0.5000, validation loss 0.7500, "));
    }
}
