//! `train complete`: the likeliest ways to go on with a word, while it is typed.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, Result};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{self, Clear, ClearType};
use crossterm::{cursor, execute};
use recurrent::Predictor;
use recurrent::generate::{Completion, Generator};

use crate::cli::CompleteArgs;
use crate::device;
use crate::output::{note, print, write};

/// Characters of what was typed that are shown and looked at, the last ones.
const LOOKED_AT: usize = 200;

/// `train complete`.
pub fn run(args: &CompleteArgs) -> Result<ExitCode> {
    let device = device::open(&args.run.device)?;
    let generator = Generator::load(&args.run.run, &device)?;
    match &args.text {
        Some(text) => answer(&generator, text, args.n)?,
        None if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => {
            generator.complete("", args.n)?;
            note("Type; Tab takes the first offer, a digit another one, Enter begins a new line, Esc ends.");
            let raw = Raw::new()?;
            let typed = converse(&generator, args.n);
            drop(raw);
            print("");
            typed?;
        }
        None => {
            for line in std::io::stdin().lock().lines() {
                answer(&generator, &line.context("cannot read standard input")?, args.n)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One way to go on a line: its probability, and the text with it.
fn answer(generator: &Generator, text: &str, n: usize) -> Result<()> {
    for Completion { text: rest, probability } in generator.complete(text, n)? {
        print(format!("{:5.1} %  {text}{rest}", 100.0 * probability));
    }
    Ok(())
}

/// A terminal that gives each key at once, until it is dropped.
struct Raw;

impl Raw {
    fn new() -> Result<Self> {
        terminal::enable_raw_mode().context("the terminal does not give keys one by one")?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nothing else could be done about a terminal that does not listen.
        let _ = terminal::disable_raw_mode();
    }
}

/// What a key does to what was typed.
#[derive(Debug, PartialEq, Eq)]
enum Deed {
    /// The text is another one now.
    Typed,
    /// A line is done.
    Line,
    /// It is over.
    Leave,
    /// Nothing.
    Ignored,
}

/// Offers completions after each key.
fn converse(generator: &Generator, n: usize) -> Result<()> {
    let mut text = String::new();
    let mut offers = generator.complete(&text, n)?;
    loop {
        show(&text, &offers)?;
        let Event::Key(key) = read().context("the terminal gives no keys")? else {
            continue;
        };
        match press(&mut text, key, &offers) {
            Deed::Leave => return Ok(()),
            Deed::Ignored => continue,
            Deed::Line => {
                execute!(std::io::stdout(), Clear(ClearType::FromCursorDown)).context("cannot draw")?;
                write("\r\n");
                text.clear();
            }
            Deed::Typed => {}
        }
        offers = generator.complete(tail(&text), n)?;
    }
}

fn press(text: &mut String, key: KeyEvent, offers: &[Completion]) -> Deed {
    if key.kind == KeyEventKind::Release {
        return Deed::Ignored;
    }
    match key.code {
        KeyCode::Esc => Deed::Leave,
        KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Deed::Leave,
        KeyCode::Enter => Deed::Line,
        KeyCode::Tab => take(text, offers.first()),
        KeyCode::Char(digit @ '1'..='9') if offers.len() > digit as usize - '1' as usize => {
            take(text, offers.get(digit as usize - '1' as usize))
        }
        KeyCode::Char(c) => {
            text.push(c);
            Deed::Typed
        }
        KeyCode::Backspace => {
            text.pop();
            Deed::Typed
        }
        _ => Deed::Ignored,
    }
}

fn take(text: &mut String, offer: Option<&Completion>) -> Deed {
    match offer {
        Some(offer) => {
            text.push_str(&offer.text);
            Deed::Typed
        }
        None => Deed::Ignored,
    }
}

/// Draws the line and the offers below it, and puts the cursor back to the line's end.
fn show(text: &str, offers: &[Completion]) -> Result<()> {
    let mut out = std::io::stdout();
    execute!(out, cursor::MoveToColumn(0), Clear(ClearType::FromCursorDown)).context("cannot draw")?;
    write(tail(text));
    let (column, _) = cursor::position().context("the terminal does not say where its cursor is")?;
    for (number, Completion { text: rest, probability }) in offers.iter().enumerate() {
        write(format_args!("\r\n  {}  {:5.1} %  …{rest}", number + 1, 100.0 * probability));
    }
    let up = u16::try_from(offers.len()).unwrap_or(u16::MAX);
    if up > 0 {
        execute!(out, cursor::MoveUp(up)).context("cannot draw")?;
    }
    execute!(out, cursor::MoveToColumn(column)).context("cannot draw")
}

/// The end of a text, as far as it is looked at.
fn tail(text: &str) -> &str {
    let from = text.char_indices().rev().nth(LOOKED_AT - 1).map_or(0, |(at, _)| at);
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Vec<Completion> {
        ["er", "ers"].map(|text| Completion { text: text.into(), probability: 0.4 }).to_vec()
    }

    #[test]
    fn keys_write_and_take_offers() {
        let mut text = String::from("riv");
        let mut press = |code| super::press(&mut text, KeyEvent::new(code, KeyModifiers::NONE), &offers());
        assert_eq!(press(KeyCode::Tab), Deed::Typed);
        assert_eq!(press(KeyCode::Backspace), Deed::Typed);
        assert_eq!(press(KeyCode::Char('2')), Deed::Typed);
        assert_eq!(press(KeyCode::Char('7')), Deed::Typed);
        assert_eq!(press(KeyCode::Left), Deed::Ignored);
        assert_eq!(press(KeyCode::Esc), Deed::Leave);
        assert_eq!(text, "riveers7");
    }

    #[test]
    fn the_end_of_a_long_text_is_cut_between_characters() {
        let text = "я".repeat(LOOKED_AT + 5);
        assert_eq!(tail(&text).chars().count(), LOOKED_AT);
        assert_eq!(tail("да"), "да");
    }
}
