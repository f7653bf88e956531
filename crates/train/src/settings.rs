//! The settings of a task as arguments of its command.

use clap::{Arg, ArgAction, ArgMatches};
use recurrent::settings::{Arity, Setting, Value, to_table};
use recurrent::{Partial, TaskConfig};

/// One argument for each setting, with its help and default.
pub fn args<C: TaskConfig>() -> impl Iterator<Item = Arg> {
    let defaults = to_table(&C::defaults());
    C::settings().map(move |setting| arg(setting, setting.default_help(&defaults)))
}

fn arg(setting: &'static Setting, default: Option<String>) -> Arg {
    let parse = setting.parse;
    let help = match default.filter(|default| !default.is_empty()) {
        Some(default) => format!("{} [default: {default}]", setting.help()),
        None => setting.help(),
    };
    let arg = Arg::new(setting.name)
        .long(setting.name.replace('_', "-"))
        .value_name(setting.value_name)
        .help(help)
        .value_parser(move |text: &str| parse(text));
    match setting.arity {
        Arity::One => arg.action(ArgAction::Set),
        Arity::Switch => arg.action(ArgAction::Set).num_args(0..=1).default_missing_value("true"),
        Arity::List => arg.action(ArgAction::Append),
    }
}

/// The settings that were typed.
pub fn typed<C: TaskConfig>(matches: &ArgMatches) -> Partial {
    let mut given = Partial::default();
    for setting in C::settings() {
        for value in matches.get_many::<Value>(setting.name).into_iter().flatten() {
            given.set(setting.name, value.clone());
        }
    }
    given
}
