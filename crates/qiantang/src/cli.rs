//! The command line: what holds for every command. The commands themselves are listed in [`crate::commands`].

use clap::Parser;

use crate::commands::Command;

#[derive(Debug, Parser)]
#[command(
    name = "qiantang",
    version,
    about = "Qiantang 钱塘: the operations platform of an AI computing center"
)]
pub struct Cli {
    /// Print JSON for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// zh or en; by LANG where left out.
    #[arg(long, global = true, value_parser = ["zh", "en"])]
    pub lang: Option<String>,
    /// The center's address.
    #[arg(long, global = true, env = "QIANTANG_URL")]
    pub url: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
