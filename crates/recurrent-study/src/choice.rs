//! Names of enum variants on the command line.

use std::fmt::Display;

/// The choice with this name.
///
/// # Errors
/// If there is none; the message lists all of them and calls them `kind`.
pub fn parse_choice<T: Display + Copy>(kind: &str, choices: &[T], name: &str) -> Result<T, String> {
    let found = choices.iter().find(|choice| choice.to_string() == name);
    found.copied().ok_or_else(|| format!("unknown {kind} `{name}`: expected {}", enumeration(choices)))
}

/// `memory, cost or quality`.
fn enumeration(choices: &[impl Display]) -> String {
    let names: Vec<String> = choices.iter().map(ToString::to_string).collect();
    match names.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_name_is_refused_with_all_choices() {
        assert_eq!(parse_choice("letter", &['a', 'b', 'c'], "b"), Ok('b'));
        let error = parse_choice("letter", &['a', 'b', 'c'], "d").unwrap_err();
        assert_eq!(error, "unknown letter `d`: expected a, b or c");
        assert_eq!(parse_choice("letter", &['a'], "d").unwrap_err(), "unknown letter `d`: expected a");
    }
}
