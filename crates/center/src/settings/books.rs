//! The settings of the books' roots: who signs them, and where they are given out.

use std::path::PathBuf;

use domain::MicroCny;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BooksSettings {
    /// Whether who draws up a contract may not approve it, who approves it may not take its money, and who proposes a
    /// correction may not decide it. On in new centers where left out; as it was in those of before.
    pub separate_duties: Option<bool>,
    /// The most money that those may approve who are no operators: of a contract or amendment its fee or credit, of a
    /// correction its amount. Without it there is no such bound.
    pub approve_up_to_micro_cny: Option<MicroCny>,
    /// The secret key that signs roots, as `qiantang ledger key new` makes it.
    pub signing_key: Option<PathBuf>,
    /// A program that signs instead, with its arguments: it reads a root on its standard input, and writes the signature.
    pub sign_command: Vec<String>,
    /// The file that roots are appended to; `roots.jsonl` in `data_dir` where it is left out.
    pub roots_file: Option<PathBuf>,
    /// Where each root is sent as well, with POST.
    pub roots_url: Option<String>,
}

impl BooksSettings {
    /// The first thing that is wrong with these settings.
    pub(super) fn problem(&self) -> Option<String> {
        if let Some(most) = self.approve_up_to_micro_cny.filter(|most| most.0 < 0) {
            return Some(format!("`books.approve_up_to_micro_cny` is {}: it must be 0 or more", most.0));
        }
        if self.signing_key.is_some() && !self.sign_command.is_empty() {
            return Some(
                "`books.signing_key` and `books.sign_command` both say who signs: name one".to_owned(),
            );
        }
        let is_known = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        let url = self.roots_url.as_ref().filter(|url| !is_known(url))?;
        Some(format!("`books.roots_url` is `{url}`: it must begin with http:// or https://"))
    }
}
