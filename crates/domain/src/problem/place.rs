//! Where something is wrong.

use super::{Wrong, field::Field};

/// One place that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecProblem {
    pub place: Place,
    pub wrong: Wrong,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Field(Field),
    /// A line of a script or task file, from 1.
    Line(u32),
    /// An option on a line of a script.
    OptionAt(u32, String),
    /// An option that was given beside the script.
    Option(String),
}

impl Place {
    /// The line; 0 where it is none.
    pub fn line(&self) -> u32 {
        match self {
            Self::Line(line) | Self::OptionAt(line, _) => *line,
            Self::Field(_) | Self::Option(_) => 0,
        }
    }
}

impl From<Field> for Place {
    fn from(field: Field) -> Self {
        Self::Field(field)
    }
}
