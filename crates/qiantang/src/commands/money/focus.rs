//! Charges in the columns of FOCUS, the specification of the `FinOps` Foundation.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::Lang;
use serde_json::json;

use crate::{
    context::{Context, Done, Run, query},
    file::save,
};

/// Export the charges of a month in the columns of FOCUS 1.3.
#[derive(Debug, Args)]
pub struct Focus {
    #[command(subcommand)]
    dataset: Dataset,
}

#[derive(Debug, Subcommand)]
enum Dataset {
    /// Write the charges of a month as CSV.
    CostAndUsage(Asked),
    /// Write the commitments that were in force in a month as CSV.
    ContractCommitments(Asked),
}

#[derive(Debug, Args)]
struct Asked {
    /// The month by the center's calendar, as YYYY-MM.
    #[arg(long)]
    month: String,
    /// A tenant's short name (for the center's people, who get all where it is left out).
    #[arg(long)]
    tenant: Option<String>,
    /// The file to write; standard output where left out.
    #[arg(long, short)]
    out: Option<PathBuf>,
}

impl Run for Focus {
    fn run(self, context: &Context) -> Done {
        let (dataset, Asked { month, tenant, out }) = match self.dataset {
            Dataset::CostAndUsage(asked) => ("cost-and-usage", asked),
            Dataset::ContractCommitments(asked) => ("contract-commitments", asked),
        };
        let asked = query(&[("month", Some(month)), ("tenant", tenant)]);
        let path = format!("/api/v1/focus/{dataset}{asked}");
        let Some(file) = out else {
            context.refuse_beside_json("`focus` without --out", true)?;
            return context.client.copy(&path, "text/csv", &mut std::io::stdout().lock()).map(drop);
        };
        let bytes = save(&file, |out| context.client.copy(&path, "text/csv", out))?;
        context.print(&json!({ "dataset": dataset, "path": file, "bytes": bytes }), |lang| match lang {
            Lang::Zh => format!("已写入 {}", file.display()),
            Lang::En => format!("Written to {}", file.display()),
        })
    }
}
