//! Restoring a backup, on the center's machine, while the center is stopped.

use std::path::PathBuf;

use base::error::chain;
use center::{
    restore::{self, Allowed, RestoreError, Restored},
    settings::Settings,
};
use clap::Args;
use domain::Lang;
use serde_json::json;
use store::StoreError;

use crate::context::{Context, Done, Run};
use crate::errors::Failure;

/// Put a backup in the place of the center's database, on its machine, while the center is stopped.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup: a file, or its name in the center's folder for backups.
    backup: PathBuf,
    /// The center's settings file.
    #[arg(long, short)]
    config: PathBuf,
    /// Put what is in the data folder aside. It is kept in a folder there, and nothing is removed.
    #[arg(long)]
    replace: bool,
    /// Restore it though its books don't agree.
    #[arg(long)]
    despite_faults: bool,
}

impl Run for Restore {
    fn run(self, context: &Context) -> Done {
        let settings = Settings::load(Some(&self.config), std::env::vars_os()).map_err(|error| {
            Failure::usage("settings", format!("{error:#}"), "give the file that `serve` is given")
        })?;
        let allowed = Allowed { replaces: self.replace, has_faults: self.despite_faults };
        let done = restore::restore(&settings, &self.backup, allowed).map_err(|error| failure(&error))?;
        let zone = settings.time_zone;
        let answer = json!({ "backup": done.backup, "data_dir": done.data_dir, "taken_at": done.taken_at.to_string(),
            "links": done.links, "faults": done.faults, "runs_lost": done.runs, "jobs": done.jobs, "before": done.before });
        let taken_at = format!("{} {zone}", zone.clock(done.taken_at));
        context.print(&answer, |lang| told(lang, &done, &taken_at))
    }
}

fn failure(error: &RestoreError) -> Failure {
    let (code, hint) = match error {
        RestoreError::NoBackup { .. } => ("no_backup", "name a file, or a backup in the folder `backup_dir`"),
        RestoreError::OwnDatabase { .. } => ("own_database", "name a backup; nothing was changed"),
        RestoreError::Damaged { .. } => ("damaged_backup", "take another backup; nothing was changed"),
        RestoreError::Faults { .. } => (
            "backup_has_faults",
            "`qiantang ledger verify FILE` names them all; --despite-faults restores it all the same. Nothing was changed",
        ),
        RestoreError::NotEmpty { .. } => (
            "data_folder_not_empty",
            "--replace keeps what is there in a folder beside, and restores; nothing was changed",
        ),
        RestoreError::Live { .. } | RestoreError::Store(StoreError::AlreadyOpen { .. }) => {
            ("center_runs", "stop the center first; nothing was changed")
        }
        RestoreError::RunsAlive { .. } => (
            "runs_alive",
            "wait for their end, start the center and cancel them, or restart the machine; nothing was changed",
        ),
        RestoreError::Store(StoreError::SchemaTooNew { .. }) => {
            ("newer_backup", "use the program that wrote it, or a newer one; nothing was changed")
        }
        _ => {
            let hint = "run it as the owner of the center's data folder, with room for the database";
            return Failure::system("not_restored", chain(error), hint);
        }
    };
    Failure::refused(code, chain(error), hint)
}

fn told(lang: Lang, done: &Restored, taken_at: &str) -> String {
    let Restored { backup, data_dir, links, faults, runs, jobs, before, .. } = done;
    let (backup, data_dir) = (backup.display(), data_dir.display());
    let mut lines = match lang {
        Lang::Zh => vec![
            format!("已恢复 {backup}（截至 {taken_at}）到 {data_dir}"),
            format!(
                "已校验 {links} 个链节，{}",
                if faults.is_empty() { "账目一致".into() } else { format!("{} 处错误", faults.len()) }
            ),
            format!(
                "备份时进行中的运行 {runs} 个：中心启动时记为丢失，按已观测到的用量计费；未结束的作业 {jobs} 个，将继续排队"
            ),
        ],
        Lang::En => vec![
            format!("Restored {backup}, as of {taken_at}, to {data_dir}"),
            format!(
                "Verified {links} links; {}",
                if faults.is_empty() { "the books agree".into() } else { format!("{} faults", faults.len()) }
            ),
            format!(
                "Runs under way at the backup: {runs}. They end as lost when the center starts, charged as far as they were \
                 seen. Jobs that had not ended: {jobs}. They go on waiting"
            ),
        ],
    };
    if let Some(before) = before {
        let before = before.display();
        lines.push(match lang {
            Lang::Zh => format!("原有数据保存在 {before}"),
            Lang::En => format!("What was there before is in {before}"),
        });
    }
    lines.push(match lang {
        Lang::Zh => "下一步：启动中心，补录备份之后的收款，重新吊销备份之后吊销的令牌".into(),
        Lang::En => "Next: start the center, book the payments that came after the backup, and revoke again the tokens \
                     that were revoked after it"
            .into(),
    });
    lines.join("\n")
}
