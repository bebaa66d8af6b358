//! How reasons read in Chinese.

use super::code::{Interruption, JobCause, JobEnd, NotStarted, RunEnd, SlurmPart, Step, limit, signal_name};
use crate::{Lang, Timestamp, Zone, job::JobOutcome, run::StopCause, spec::DependencyKind};

pub fn run_end(end: &RunEnd, zone: &Zone) -> String {
    match end {
        RunEnd::Succeeded => "成功".into(),
        RunEnd::Failed { exit_code } => format!("失败：退出码 {exit_code}"),
        RunEnd::Signaled { signal } => format!("失败：被{}终止", signal_words(*signal)),
        RunEnd::OutOfMemory { limit_mib: Some(mib) } => format!("内存超限：用量超过上限 {mib} MiB"),
        RunEnd::OutOfMemory { limit_mib: None } => "内存超限：用量超过允许的上限".into(),
        RunEnd::TimedOut { limit_ms: Some(limit_ms) } => format!("超时：达到时限 {}", limit(*limit_ms)),
        RunEnd::TimedOut { limit_ms: None } => "超时：达到时限".into(),
        RunEnd::Stopped { cause } => stopped(*cause).into(),
        RunEnd::FailedToStart { why: NotStarted::Other(said) } if said.is_empty() => "启动失败".into(),
        RunEnd::FailedToStart { why } => format!("启动失败：{}", not_started(why)),
        RunEnd::Lost { why: Interruption::Untold } => "因中心故障中断".into(),
        RunEnd::Lost { why } => format!("因故障中断：{}", interruption(why, zone)),
        RunEnd::TakenAway { why } => format!("中断：{}", interruption(why, zone)),
    }
}

fn stopped(cause: StopCause) -> &'static str {
    match cause {
        StopCause::Cancelled => "已由成员或运营人员取消",
        StopCause::BalanceEnded => "已停止：合同余额用尽",
        StopCause::BudgetEnded => "已停止：所属项目或成员的预算用尽",
        StopCause::ContractEnded => "已停止：合同到期、暂停或终止",
        StopCause::DiskFull => "已停止：中心磁盘空间不足时它仍在写入",
        StopCause::DiskQuota => "已停止：它或租户的目录超出了磁盘配额",
        StopCause::Preempted => "中断：加速卡被收回供其他作业使用，之后会重试",
    }
}

fn signal_words(signal: i32) -> String {
    match signal_name(signal) {
        Some(name) => format!("信号 {signal}（SIG{name}）"),
        None => format!("信号 {signal} "),
    }
}

pub fn not_started(why: &NotStarted) -> String {
    match why {
        NotStarted::Interpreter { path, error, has_windows_line_ends } => {
            let more = if *has_windows_line_ends {
                "；脚本使用 Windows 换行，请用 `sed -i 's/\\r$//'` 转换"
            } else {
                "（脚本首行指定的程序）"
            };
            format!("{path}：{}{more}", error.text(Lang::Zh))
        }
        NotStarted::NoProgramNamed { line } => format!("脚本首行 `{line}` 没有指定程序"),
        NotStarted::TooManyProcesses => "租户在本机的进程数已达上限".into(),
        NotStarted::ArgumentsTooLong => "参数和环境变量过长".into(),
        NotStarted::Program { error } => format!("脚本不能执行：{}", error.text(Lang::Zh)),
        NotStarted::Isolation { step, error } => {
            format!("隔离失败（{}）：{}", step_words(*step), error.text(Lang::Zh))
        }
        NotStarted::Preparation { step, error } => {
            format!("准备失败（{}）：{}", step_words(*step), error.text(Lang::Zh))
        }
        NotStarted::SecretsGone => "所需的密文变量已不存在".into(),
        NotStarted::NoPort => "本机没有空闲端口可用作 MASTER_PORT".into(),
        NotStarted::SupervisorLost { how } => format!("照管它的进程在启动前丢失（{how}）"),
        NotStarted::NoCards { node, missing } => {
            let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
            format!("节点 {node} 上没有分配给它的加速卡 {}，请用 `qiantang doctor` 核对", missing.join("、"))
        }
        NotStarted::Folder { path, node } => format!("在 {node} 上不能进入目录 {path}"),
        NotStarted::WrongNode { node } => format!("Slurm 在 {node} 上启动了它，而这不是它的节点"),
        NotStarted::SharedFolder { nodes } => format!("在 {} 上不能写入共享目录", nodes.join("、")),
        NotStarted::SlurmStart { nodes, reason } => slurm_start(nodes, reason),
        NotStarted::SlurmRefused { said } => format!("Slurm 拒绝了它：{said}"),
        NotStarted::NoUser { user } => format!("本机没有 Slurm 用户 `{user}`"),
        NotStarted::NotRoot { user } => format!("只有以 root 运行的中心才能以 `{user}` 的身份运行作业"),
        NotStarted::NoSuchNode { node } => format!("Slurm 中没有节点 `{node}`"),
        NotStarted::Launch { said } => format!("中心不能启动它：{said}"),
        NotStarted::Other(said) => said.clone(),
    }
}

fn slurm_start(nodes: &[String], reason: &str) -> String {
    let reason = if reason.is_empty() { "原因见节点上 slurmd 的日志" } else { reason };
    format!("Slurm 不能在 {} 上启动它：{reason}", nodes.join("、"))
}

fn step_words(step: Step) -> &'static str {
    match step {
        Step::TenantFolders => "租户目录",
        Step::WorkFolder => "工作目录和脚本",
        Step::Cgroup => "cgroup",
        Step::RankTable => "rank table",
        Step::Outputs => "输出",
        Step::Record => "运行记录",
        Step::Process => "新进程",
        Step::Session => "独立会话",
        Step::Limits => "资源上限",
        Step::User => "租户的用户",
        Step::Privileges => "禁止提权",
        Step::Places => "可访问的路径",
        Step::Calls => "可用的系统调用",
        Step::Room => "独立命名空间",
        Step::Network => "租户网络",
    }
}

pub fn interruption(why: &Interruption, zone: &Zone) -> String {
    let on = |nodes: &[String]| nodes.join("、");
    let clock = |at: Timestamp| format!("{}（{zone}）", zone.clock(at));
    match why {
        Interruption::Vanished { last_seen } => {
            let seen = last_seen.map(|at| format!("，最后一次确认在 {}", clock(at))).unwrap_or_default();
            format!("没有记录到它的结束{seen}：照管它的进程被终止，或机器停机")
        }
        Interruption::NodeFailed { nodes } => format!("节点故障：{}", on(nodes)),
        Interruption::NodeDown { nodes } => format!("节点上的 slurmd 停止运行：{}", on(nodes)),
        Interruption::NeverBegan { nodes, down } => {
            let down = match down {
                SlurmPart::Node => "有节点的 slurmd 停止运行",
                SlurmPart::Controller => "Slurm 停止运行",
            };
            format!("{down}，没有在所有节点上开始：{}", on(nodes))
        }
        Interruption::EndMissed { nodes } => {
            format!("Slurm 在它开始后不久停止运行，没有记录到它在 {} 上的结束", on(nodes))
        }
        Interruption::Forgotten => "Slurm 控制器重启后没有它的记录".into(),
        Interruption::CancelledAtStart { nodes } => format!("在 {} 上启动时被 Slurm 取消", on(nodes)),
        Interruption::StartedAgain => "Slurm 失去了它的状态并再次启动了它".into(),
        Interruption::Requeued => "Slurm 把它放回了队列".into(),
        Interruption::NotLaunched { nodes, reason } => slurm_start(nodes, reason),
        Interruption::AccountClosed { waited_s } => format!("它在 Slurm 中的账户 {waited_s} 秒内不接受作业"),
        Interruption::NotStartedInTime { waited_s } => format!("Slurm 在 {waited_s} 秒内没有启动它"),
        Interruption::NoRoom => "中心的磁盘没有启动它所需的空间".into(),
        Interruption::NodesTaken => "Slurm 把它的节点分给了其他作业".into(),
        Interruption::Untold => "中心故障".into(),
    }
}

pub fn job_end(JobEnd { outcome, tasks, cause }: &JobEnd, zone: &Zone) -> String {
    match cause {
        Some(JobCause::Run { task: Some(task), run: _, end }) => {
            let (failed, stopped, total) = (tasks.failed, tasks.stopped, tasks.total);
            let ended = match (failed, stopped) {
                (0, stopped) => format!("{total} 个任务中 {stopped} 个被停止"),
                (failed, 0) => format!("{total} 个任务中 {failed} 个失败"),
                (failed, stopped) => format!("{total} 个任务中 {failed} 个失败、{stopped} 个被停止"),
            };
            format!("{ended}；最先是任务 {task}：{}", run_end(end, zone))
        }
        Some(JobCause::Run { end, .. }) => run_end(end, zone),
        Some(JobCause::Dependency { job, when, ended }) => {
            let wanted = match when {
                DependencyKind::Started => "开始",
                DependencyKind::Ended => "结束",
                DependencyKind::Succeeded => "成功",
                DependencyKind::Failed => "失败",
            };
            format!("未运行：要等作业 {job} {wanted}，而该作业{}", outcome_words(*ended))
        }
        Some(JobCause::DependencyGone { job }) => format!("未运行：它所等待的 {job} 已不存在"),
        Some(JobCause::Stopped { cause }) => stopped(*cause).into(),
        None => outcome_words(*outcome).into(),
    }
}

fn outcome_words(outcome: JobOutcome) -> &'static str {
    match outcome {
        JobOutcome::Succeeded => "成功",
        JobOutcome::Failed => "失败",
        JobOutcome::TimedOut => "超时",
        JobOutcome::Cancelled => "已取消",
        JobOutcome::Stopped => "随合同停止",
        JobOutcome::NeverRan => "未运行",
        JobOutcome::Lost => "因中心故障中断",
    }
}
