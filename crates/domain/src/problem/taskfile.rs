//! What is wrong with a task file.

/// A fault of a task file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskFileFault {
    TooLarge {
        bytes: usize,
        most: usize,
    },
    NotYaml {
        column: usize,
    },
    Alias,
    TooDeep,
    NotAMapping,
    UnknownKey {
        key: String,
        known: Vec<&'static str>,
    },
    MissingKey {
        key: &'static str,
    },
    Kind {
        key: String,
        wanted: KeyKind,
    },
    /// YAML whose keys and kinds are right, and which can't be read all the same.
    Unreadable {
        known: Vec<&'static str>,
    },
    Repeated {
        key: String,
    },
    EmptyValue {
        key: String,
    },
    NoCommands,
    CommandsAndScript,
    Duration {
        given: String,
    },
    CardsTwice,
}

/// The kind of value that a key of a task file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Text,
    Count,
    Truth,
    Texts,
    Mapping,
    Variables,
    Dependencies,
}
