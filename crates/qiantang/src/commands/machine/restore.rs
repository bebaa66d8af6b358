//! Restoring a backup, on the center's machine, while the center is stopped.

use std::path::PathBuf;

use base::error::chain;
use center::{
    restore::{self, Allowed, RestoreError, Restored},
    settings::Settings,
};
use clap::Args;
use domain::{Both, Lang, both};
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
        let settings = Settings::load(Some(&self.config), std::env::vars_os())
            .map_err(|error| Failure::bad_settings(&error))?;
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
        RestoreError::NoBackup { .. } => (
            "no_backup",
            both(
                "请指明文件，或目录 `backup_dir` 中的备份",
                "name a file, or a backup in the folder `backup_dir`",
            ),
        ),
        RestoreError::OwnDatabase { .. } => {
            ("own_database", both("请指明备份；未作更改", "name a backup; nothing was changed"))
        }
        RestoreError::Damaged { .. } => {
            ("damaged_backup", both("请换一个备份；未作更改", "take another backup; nothing was changed"))
        }
        RestoreError::Faults { .. } => (
            "backup_has_faults",
            both(
                "`qiantang ledger verify FILE` 列出全部错误；--despite-faults 仍然恢复。未作更改",
                "`qiantang ledger verify FILE` names them all; --despite-faults restores it all the same. Nothing was changed",
            ),
        ),
        RestoreError::NotEmpty { .. } => (
            "data_folder_not_empty",
            both(
                "--replace 把已有的内容移到旁边的目录并恢复；未作更改",
                "--replace keeps what is there in a folder beside, and restores; nothing was changed",
            ),
        ),
        RestoreError::Live { .. } | RestoreError::Store(StoreError::AlreadyOpen { .. }) => {
            ("center_runs", both("请先停止中心；未作更改", "stop the center first; nothing was changed"))
        }
        RestoreError::RunsAlive { .. } => (
            "runs_alive",
            both(
                "请等它们结束，或启动中心取消它们，或重启机器；未作更改",
                "wait for their end, start the center and cancel them, or restart the machine; nothing was changed",
            ),
        ),
        RestoreError::Store(StoreError::SchemaTooNew { .. }) => (
            "newer_backup",
            both(
                "请使用写出它的程序或更新的版本；未作更改",
                "use the program that wrote it, or a newer one; nothing was changed",
            ),
        ),
        _ => {
            let hint = both(
                "请以中心数据目录的所有者运行，并留出数据库所需的空间",
                "run it as the owner of the center's data folder, with room for the database",
            );
            return Failure::system("not_restored", not_restored(error), hint);
        }
    };
    Failure::refused(code, not_restored(error), hint)
}

fn not_restored(error: &RestoreError) -> Both {
    let en = chain(error);
    let zh = match error {
        RestoreError::NoBackup { path } => format!("没有备份 {}", path.display()),
        RestoreError::OwnDatabase { path } => format!("{} 是这个中心的数据库，不是它的备份", path.display()),
        RestoreError::Damaged { path, cause } => format!("{} 不是完整的备份（{cause}）", path.display()),
        RestoreError::Faults { path, faults } => {
            format!("{} 中的账目不一致：{} 处错误（{}）", path.display(), faults.len(), faults[0])
        }
        RestoreError::NotEmpty { path, found } => {
            format!("数据目录 {} 不是空的：其中有 {found}", path.display())
        }
        RestoreError::Live { path } => format!("有中心正在使用数据目录 {}", path.display()),
        RestoreError::RunsAlive { path } => {
            format!("中心在 {} 上的运行还没有结束，会与重新启动的运行同时进行", path.display())
        }
        RestoreError::Store(StoreError::AlreadyOpen { .. }) => "中心正在运行".to_owned(),
        RestoreError::Store(StoreError::SchemaTooNew { .. }) => "备份由更新的程序写出".to_owned(),
        _ => format!("恢复没有完成（{en}）"),
    };
    both(zh, en)
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
