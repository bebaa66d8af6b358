//! The Chinese texts of the command line. The English ones are the doc comments of commands and options.
//!
//! A command has a message, named after the words that lead to it with `_` between them, and the command line as a whole has
//! `qiantang`. An argument has an attribute of its command's message, named after its id; a value that has a help of its own
//! has one named `ID--VALUE`. The first paragraph is what `-h` shows.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};

/// The files with the texts.
pub const SOURCES: [&str; 4] = [
    include_str!("../../locales/zh/command_line.ftl"),
    include_str!("../../locales/zh/jobs.ftl"),
    include_str!("../../locales/zh/center.ftl"),
    include_str!("../../locales/zh/twin.ftl"),
];

static TEXTS: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| {
    let mut bundle = FluentBundle::new_concurrent(vec!["zh-CN".parse().expect("a language's code")]);
    // The marks that keep directions apart would end up in the terminal.
    bundle.set_use_isolating(false);
    for source in SOURCES {
        let resource = match FluentResource::try_new(source.to_owned()) {
            Ok(resource) => resource,
            Err((_, errors)) => panic!("the texts of the command line are not Fluent: {errors:?}"),
        };
        if let Err(errors) = bundle.add_resource(resource) {
            panic!("a text of the command line is there twice: {errors:?}");
        }
    }
    bundle
});

/// The text of a message, or of an attribute of it; `None` where there is none.
pub fn find(message: &str, attribute: Option<&str>, args: &[(&str, &str)]) -> Option<String> {
    let message = TEXTS.get_message(message)?;
    let pattern = match attribute {
        Some(name) => message.get_attribute(name)?.value(),
        None => message.value()?,
    };
    let mut given = FluentArgs::new();
    for (name, value) in args {
        given.set(*name, *value);
    }
    Some(TEXTS.format_pattern(pattern, Some(&given), &mut Vec::new()).into_owned())
}

/// A text of the command line itself, such as a fault of what was typed.
pub fn own(name: &str, args: &[(&str, &str)]) -> String {
    // A test asks for each.
    find(name, None, args).unwrap_or_else(|| name.to_owned())
}
