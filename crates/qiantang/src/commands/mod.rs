//! The commands, a file a noun. A command is a line of the table below and a file with its options and what it does; all but
//! a few talk to a center over HTTP.

mod account;
mod alliances;
mod applications;
mod completions;
mod contracts;
mod corrections;
mod demo;
mod examples;
mod history;
mod jobs;
mod ledger;
mod machine;
mod money;
mod nodes;
mod notices;
mod people;
mod prices;
mod projects;
mod retirement;
mod runs;
pub mod sbatch;
mod secrets;
mod serve;
mod slurm;
mod submit;
mod tenants;
mod twin;
mod usage;
mod vouchers;

use clap::Subcommand;

use crate::context::{Context, Done, Run};

/// The table of commands: a name, and the type of its options, whose doc comment is its help and which [`Run`].
macro_rules! commands {
    ($($(#[$meta:meta])* $name:ident($options:ty),)*) => {
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($(#[$meta])* $name($options),)*
        }

        impl Command {
            pub fn run(self, context: &Context) -> Done {
                match self { $(Self::$name(options) => options.run(context),)* }
            }
        }
    };
}

impl Command {
    /// The command needs no sign-in before: it makes one, or is for everybody.
    pub fn needs_no_sign_in(&self) -> bool {
        matches!(self, Self::Login(_) | Self::Status(_))
    }
}

commands! {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Login(account::Login),
    Logout(account::Logout),
    Whoami(account::Whoami),
    Passwd(account::Passwd),
    Tokens(account::Tokens),
    Sessions(account::Sessions),
    #[command(alias = "notice")]
    Notices(notices::Notices),
    Profiles(account::Profiles),
    Submit(Box<submit::Submit>),
    Apply(submit::Apply),
    Examples(examples::Examples),
    Jobs(jobs::Jobs),
    #[command(alias = "secret")]
    Secrets(secrets::Secrets),
    Show(jobs::Show),
    Logs(jobs::Logs),
    Cancel(jobs::Cancel),
    #[command(subcommand)]
    Runs(runs::Runs),
    Wait(jobs::Wait),
    Why(jobs::Why),
    Nodes(nodes::Nodes),
    Drain(nodes::Drain),
    Resume(nodes::Resume),
    Label(nodes::Label),
    Maintain(nodes::Maintain),
    Pools(retirement::Pools),
    History(history::History),
    Usage(usage::Usage),
    Statement(money::statements::Statement),
    #[command(alias = "period")]
    Periods(money::periods::Periods),
    #[command(alias = "application")]
    Applications(applications::Applications),
    #[command(alias = "quote")]
    Quotes(money::quotes::Quotes),
    Contracts(contracts::Contracts),
    Corrections(corrections::Corrections),
    Vouchers(vouchers::Vouchers),
    Debts(money::debts::Debts),
    Focus(money::focus::Focus),
    #[command(alias = "invoice")]
    Invoices(money::invoices::Invoices),
    #[command(alias = "budget")]
    Budgets(money::budgets::Budgets),
    Prices(prices::Prices),
    Tenants(tenants::Tenants),
    Members(people::members::Members),
    Persons(people::persons::Persons),
    #[command(alias = "issuer")]
    Issuers(people::issuers::ListIssuers),
    ScimTokens(people::issuers::ScimTokens),
    Projects(projects::Projects),
    Alliances(alliances::Alliances),
    #[command(alias = "webhook")]
    Webhooks(notices::Webhooks),
    Mail(notices::Mail),
    Status(machine::Status),
    Backup(machine::Backup),
    Restore(machine::Restore),
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    #[command(subcommand)]
    Slurm(slurm::Slurm),
    Disk(machine::Disk),
    Doctor(machine::Doctor),
    #[command(subcommand)]
    Twin(twin::Twin),
    Completions(completions::Completions),
}
