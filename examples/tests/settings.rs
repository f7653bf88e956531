//! The table of settings in `docs/` says what the settings are.
//!
//! `WRITE_SETTINGS=1 cargo test -p recurrent-examples --test settings` writes it.

use std::fmt::Write;
use std::path::Path;

use recurrent::classify::ClassifyConfig;
use recurrent::compose::ComposeConfig;
use recurrent::fit::FitConfig;
use recurrent::forecast::ForecastConfig;
use recurrent::generate::GenerateConfig;
use recurrent::settings::{Bound, Settings, to_table};
use recurrent::transcribe::TranscribeConfig;
use recurrent::translate::TranslateConfig;

/// A heading and a table of settings with their defaults.
fn section<S: Settings>(title: &str) -> String {
    let defaults = to_table(&S::defaults());
    let mut text = format!("\n## {title}\n\n| setting | default | bound | what it is |\n| --- | --- | --- | --- |\n");
    for setting in S::OWN {
        let default = setting.default_help(&defaults).filter(|default| !default.is_empty());
        let bound = if setting.bound == Bound::Any { String::new() } else { setting.bound.expected() };
        let cells = [default.unwrap_or_default(), bound, setting.help()].map(|cell| cell.replace('|', "\\|"));
        writeln!(text, "| `{}` | {} |", setting.name, cells.join(" | ")).expect("text");
    }
    text
}

#[test]
fn the_documented_settings_are_the_real_ones() {
    let expected = [
        "# Settings\n\nThe settings of every task: a key in a file of settings, and a flag on the command line \
         (`hidden_size` is `--hidden-size`). This page is generated.\n"
            .into(),
        section::<ForecastConfig>("Forecast"),
        section::<GenerateConfig>("Generate"),
        section::<TranslateConfig>("Translate"),
        section::<ClassifyConfig>("Classify"),
        section::<TranscribeConfig>("Transcribe"),
        section::<ComposeConfig>("Compose"),
        section::<FitConfig>("Training, of every task"),
    ]
    .concat();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/settings.md");
    if std::env::var_os("WRITE_SETTINGS").is_some() {
        std::fs::write(&path, &expected).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&path).expect("the page");
    assert!(found == expected, "docs/src/settings.md is out of date: write it with WRITE_SETTINGS=1");
}
