//! How the demo is to run, and what all its parts know.

use std::{net::SocketAddr, path::PathBuf};

use domain::Lang;

/// All sign-ins of the demo have this password; the center is on loopback and gone with the demo.
pub const PASSWORD: &str = "qiantang-demo";

/// The seed of the generated past, where none is given.
pub const SEED: u32 = 2022;

/// How the demo is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stop after the work.
    pub once: bool,
    /// Print one JSON object instead of text.
    pub json: bool,
    pub listen: Option<SocketAddr>,
    /// Keep the center's data here; a new folder that is removed at the end where left out.
    pub data_dir: Option<PathBuf>,
    /// The seed of the dice that the past is generated with.
    pub seed: u32,
    /// Run without isolation, for machines that can't isolate.
    pub no_isolation: bool,
    /// On a Slurm cluster instead of virtual nodes.
    pub slurm: Option<OnSlurm>,
    pub lang: Lang,
}

/// The cluster that the demo runs on.
#[derive(Clone, Debug)]
pub struct OnSlurm {
    /// `SLURM_CONF`; Slurm's own default where left out.
    pub conf: Option<PathBuf>,
    /// A folder that the nodes have, too, under the same path; one in the data folder where left out.
    pub shared_dir: Option<PathBuf>,
    /// Whose jobs they are there; the demo's own user where left out.
    pub user: Option<String>,
}

pub fn in_lang(lang: Lang, zh: &str, en: &str) -> String {
    match lang {
        Lang::Zh => zh.to_owned(),
        Lang::En => en.to_owned(),
    }
}
