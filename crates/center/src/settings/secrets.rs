//! Settings of secrets.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretSettings {
    /// The file of the key that secrets are sealed under; `secrets.key` in `data_dir` where left out.
    pub key_file: Option<PathBuf>,
}
