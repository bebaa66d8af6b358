//! Answers to the questions of a form.

use serde_json::{Map, Value};

/// By the names of the questions: texts and whole numbers.
pub type Answers = Map<String, Value>;
