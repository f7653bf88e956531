//! `train complete`: completions of a word while it is typed.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{self, Clear, ClearType};
use crossterm::{cursor, execute};
use recurrent::Predictor;
use recurrent::generate::{Completion, Generator};

use crate::args::RunArgs;
use crate::device;
use crate::output::{note, print, write};
use crate::tasks::note_unknown;

/// The number of last characters that are shown and that the network reads.
const CONTEXT_CHARS: usize = 200;

#[derive(Debug, Args)]
pub struct CompleteArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// The beginning of a text [default: interactive, or the lines of standard input]
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// The number of completions
    #[arg(short, long, value_name = "N", default_value_t = 5)]
    pub n: usize,
}

/// `train complete`.
pub fn run(args: &CompleteArgs) -> Result<ExitCode> {
    let device = device::open(&args.run.device)?;
    let generator = Generator::load(&args.run.run, &device)?;
    match &args.text {
        Some(text) => print_completions(&generator, text, args.n)?,
        None if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => {
            generator.complete("", args.n)?;
            note("Type text. Tab takes the first completion, a digit another one, Enter begins a new line, Esc quits.");
            let raw_mode = RawMode::new()?;
            let result = run_editor(&generator, args.n);
            drop(raw_mode);
            print("");
            result?;
        }
        None => {
            for line in std::io::stdin().lock().lines() {
                print_completions(&generator, &line.context("cannot read standard input")?, args.n)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints each completion on a line: its probability, and the completed text.
fn print_completions(generator: &Generator, text: &str, n: usize) -> Result<()> {
    note_unknown(text, &generator.unknown(text), None);
    for Completion { text: rest, probability } in generator.complete(text, n)? {
        print(format!("{:5.1} %  {text}{rest}", 100.0 * probability));
    }
    Ok(())
}

/// The raw mode of the terminal, which delivers each key at once, until it is dropped.
struct RawMode;

impl RawMode {
    fn new() -> Result<Self> {
        terminal::enable_raw_mode().context("cannot switch the terminal to raw mode")?;
        Ok(Self)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // Nothing can be done if it fails.
        let _ = terminal::disable_raw_mode();
    }
}

/// The effect of a key.
#[derive(Debug, PartialEq, Eq)]
enum Action {
    /// The text has changed.
    Edit,
    /// A new line begins.
    NewLine,
    /// The editor is left.
    Quit,
    /// Nothing happens.
    Ignore,
}

/// Shows completions after each key.
fn run_editor(generator: &Generator, n: usize) -> Result<()> {
    let mut text = String::new();
    let mut completions = generator.complete(&text, n)?;
    loop {
        show(&text, &completions)?;
        let Event::Key(key) = read().context("cannot read keys from the terminal")? else {
            continue;
        };
        match press(&mut text, key, &completions) {
            Action::Quit => return Ok(()),
            Action::Ignore => continue,
            Action::NewLine => {
                execute!(std::io::stdout(), Clear(ClearType::FromCursorDown)).context("cannot draw")?;
                write("\r\n");
                text.clear();
            }
            Action::Edit => {}
        }
        completions = generator.complete(tail(&text), n)?;
    }
}

fn press(text: &mut String, key: KeyEvent, completions: &[Completion]) -> Action {
    if key.kind == KeyEventKind::Release {
        return Action::Ignore;
    }
    match key.code {
        KeyCode::Esc => Action::Quit,
        KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Action::Quit,
        KeyCode::Enter => Action::NewLine,
        KeyCode::Tab => take(text, completions.first()),
        KeyCode::Char(digit @ '1'..='9') if completions.len() > digit as usize - '1' as usize => {
            take(text, completions.get(digit as usize - '1' as usize))
        }
        KeyCode::Char(c) => {
            text.push(c);
            Action::Edit
        }
        KeyCode::Backspace => {
            text.pop();
            Action::Edit
        }
        _ => Action::Ignore,
    }
}

fn take(text: &mut String, completion: Option<&Completion>) -> Action {
    match completion {
        Some(completion) => {
            text.push_str(&completion.text);
            Action::Edit
        }
        None => Action::Ignore,
    }
}

/// Draws the line and the completions below it, and moves the cursor back to the end of the line.
fn show(text: &str, completions: &[Completion]) -> Result<()> {
    let mut out = std::io::stdout();
    execute!(out, cursor::MoveToColumn(0), Clear(ClearType::FromCursorDown)).context("cannot draw")?;
    write(tail(text));
    let (column, _) = cursor::position().context("cannot read the position of the cursor")?;
    for (number, Completion { text: rest, probability }) in completions.iter().enumerate() {
        write(format_args!("\r\n  {}  {:5.1} %  …{rest}", number + 1, 100.0 * probability));
    }
    let up = u16::try_from(completions.len()).unwrap_or(u16::MAX);
    if up > 0 {
        execute!(out, cursor::MoveUp(up)).context("cannot draw")?;
    }
    execute!(out, cursor::MoveToColumn(column)).context("cannot draw")
}

/// The end of a text that the network reads.
fn tail(text: &str) -> &str {
    let from = text.char_indices().rev().nth(CONTEXT_CHARS - 1).map_or(0, |(at, _)| at);
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completions() -> Vec<Completion> {
        ["er", "ers"].map(|text| Completion { text: text.into(), probability: 0.4 }).to_vec()
    }

    #[test]
    fn keys_edit_the_text_and_take_completions() {
        let mut text = String::from("riv");
        let mut press = |code| super::press(&mut text, KeyEvent::new(code, KeyModifiers::NONE), &completions());
        assert_eq!(press(KeyCode::Tab), Action::Edit);
        assert_eq!(press(KeyCode::Backspace), Action::Edit);
        assert_eq!(press(KeyCode::Char('2')), Action::Edit);
        assert_eq!(press(KeyCode::Char('7')), Action::Edit);
        assert_eq!(press(KeyCode::Left), Action::Ignore);
        assert_eq!(press(KeyCode::Esc), Action::Quit);
        assert_eq!(text, "riveers7");
    }

    #[test]
    fn a_long_text_is_truncated_between_characters() {
        let text = "я".repeat(CONTEXT_CHARS + 5);
        assert_eq!(tail(&text).chars().count(), CONTEXT_CHARS);
        assert_eq!(tail("да"), "да");
    }
}
