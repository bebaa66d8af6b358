//! The center's accounts in Slurm.

use std::fmt::Write as _;

use clap::Subcommand;
use domain::{Lang, both};
use serde_json::Value;

use crate::context::{Context, Done, Run};
use crate::{
    errors::Failure,
    output::{items, list, pick, table, text},
    words,
};

/// Say what the center keeps in Slurm.
#[derive(Debug, Subcommand)]
pub enum Slurm {
    /// Show the accounts of tenants and projects in Slurm, and what would be changed there (the center's people).
    Accounts {
        /// Make these changes now, once (operators).
        #[arg(long)]
        apply: bool,
    },
}

impl Run for Slurm {
    fn run(self, context: &Context) -> Done {
        match self {
            Self::Accounts { apply } => accounts(context, apply),
        }
    }
}

/// Shows accounts and what is to be done; with `apply` does it. Fails if a part of it failed.
fn accounts(context: &Context, apply: bool) -> Done {
    let answer = if apply {
        context.client.post("/api/v1/slurm/accounts/apply", &Value::Null)?
    } else {
        context.client.get("/api/v1/slurm/accounts")?
    };
    let steps = list(&answer["steps"])?;
    let accounts = list(&answer["accounts"])?;
    context.print(&answer, |lang| shown(lang, &answer, accounts, steps, apply))?;
    let failed = steps.iter().filter(|step| step["is_done"] == false).count();
    if failed == 0 {
        return Ok(());
    }
    let message =
        both(format!("Slurm 中有 {failed} 项更改失败"), format!("{failed} of the changes in Slurm failed"));
    let hint =
        both("请看各项下面 Slurm 的说明，再重新执行", "see what Slurm says under each; then apply again");
    Err(Failure::refused("slurm_failed", message, hint))
}

fn shown(lang: Lang, answer: &Value, accounts: &[Value], steps: &[Value], is_applied: bool) -> String {
    let figure = |row: &Value, key: &str| row[key].as_u64().map_or_else(String::new, |n| n.to_string());
    let row = |row: &Value| {
        vec![
            text(row, "account").to_owned(),
            text(row, "tenant_slug").to_owned(),
            text(row, "project_slug").to_owned(),
            words::word(lang, "slurm", text(row, "state")),
            figure(row, "limit_cards"),
            figure(row, "used_card_min"),
            figure(row, "limit_card_min"),
        ]
    };
    let titles = match lang {
        Lang::Zh => ["账户", "租户", "项目", "状态", "卡数上限", "已用卡分钟", "卡分钟上限"],
        Lang::En => ["account", "tenant", "project", "state", "cards", "used card-min", "limit card-min"],
    };
    let mut shown = table(&titles, accounts.iter().map(row).collect(), 4);
    let title = match (steps.is_empty(), is_applied) {
        (true, _) => pick(lang, "Slurm 与中心一致，无需改动。", "Slurm is in step: nothing to change."),
        (false, true) => pick(lang, "已执行：", "Done:"),
        (false, false) => pick(lang, "将执行：", "To be done:"),
    };
    let _ = write!(shown, "\n\n{title}");
    for step in steps {
        let _ = write!(shown, "\n  {}", text(step, "command"));
        if step["is_done"] == false {
            let _ = write!(shown, "\n    {} {}", pick(lang, "失败：", "failed:"), text(step, "error"));
        }
    }
    let language = pick(lang, "zh", "en");
    for conflict in items(answer, "conflicts") {
        let (what, to_do) = (text(&conflict["text"], language), text(&conflict["what_to_do"], language));
        let _ = write!(shown, "\n\n! {what}\n  {to_do}");
    }
    if answer["is_kept"] == false {
        let note = pick(
            lang,
            "中心不会自动维护（engine.slurm.accounts.keep = false）；`qiantang slurm accounts --apply` 执行一次。",
            "The center does not keep it by itself ([engine.slurm.accounts] keep = false); `qiantang slurm accounts --apply` \
             does it once.",
        );
        let _ = write!(shown, "\n\n{note}");
    }
    shown
}
