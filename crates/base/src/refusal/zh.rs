//! How refusals read in Chinese.

use domain::{
    ContractState, Lang, RatePerCardHour, ServiceClass, TenantDomain, contract::ContractAction,
    job::JobStatus,
};

use super::{
    code::{ChangedPrice, Decided, Did, Refused, Wanted},
    paper, sign_in,
};
use crate::text::Sentence;
use store::invoices::InvoiceState;

/// The fault, and the advice on it.
pub fn words(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::AboveLimit { amount_micro_cny, most_micro_cny } => with(
            format!("金额 {amount_micro_cny} 元超出您的角色可审批的 {most_micro_cny} 元"),
            "请由运营人员（operator）审批；上限由设置 `books.approve_up_to_micro_cny` 规定",
        ),
        // The store names things in English alone.
        Refused::AlreadyThere { .. } => two("已经存在同样的一项", "换一个名称，或更改已有的"),
        // The words of a voucher's are with its reasons.
        Refused::Voucher { .. }
        | Refused::Attachment { .. }
        | Refused::ApplicationState { .. }
        | Refused::AlreadyReviewed
        | Refused::ConflictDeclared
        | Refused::NotYourStep { .. }
        | Refused::OwnApplication
        | Refused::PasswordWasSet
        | Refused::TooManyDrafts { .. } => super::application::zh(refused),
        Refused::ReferenceUsed { reference, booked_at, contract, amount_micro_cny, card_ms } => with(
            format!(
                "凭证号 `{reference}` 已于 {booked_at} 为合同 {contract} 入账：{amount_micro_cny} 元，{card_ms} 卡时"
            ),
            "每笔付款有自己的凭证号；入错的账用更正处理",
        ),
        Refused::AmendmentOpen { contract } => {
            with(format!("合同 {contract} 有一份补充协议尚未了结"), "请先审批它，或等它生效")
        }
        Refused::AlreadyDecided { thing, state } => {
            let (thing, hint) = match thing {
                Decided::Amendment => ("补充协议", "请另行起草"),
                Decided::Correction => ("更正", "请另行提出"),
                Decided::Funding => ("券款", "请另行提出"),
            };
            with(format!("该{thing}{}", decided(state)), hint)
        }
        Refused::AlreadyInvoiced { .. } | Refused::InvoiceState { .. } => of_invoices(refused),
        Refused::ContractNotActive { contract, state } => {
            with(format!("合同 {contract} {}", contract_state(*state)), "请联系租户管理员，或改用另一个项目")
        }
        Refused::ContractState { contract, state, wanted } => {
            with(format!("合同 {contract} {}", contract_state(*state)), allowed(*wanted))
        }
        Refused::ChangedMeanwhile { .. } | Refused::TermOver { .. } => of_contracts(refused),
        Refused::ActionOutOfTurn { state, action } => {
            with(format!("合同{}，不能{}", contract_state(*state), act(*action)), "请查看合同的经过")
        }
        Refused::IdempotencyAnswerLost | Refused::IdempotencyKeyReused => of_keys(refused),
        Refused::PeriodClosed { .. }
        | Refused::PeriodGoesOn { .. }
        | Refused::PeriodIncomplete { .. }
        | Refused::PeriodNotNext { .. } => of_periods(refused),
        Refused::PriceChange { count, first } => of_prices(*count, first),
        Refused::SamePerson { did } => with(
            format!("{}，而本中心实行职责分离", by_oneself(*did)),
            "请由其他人办理；职责分离由设置 `books.separate_duties` 规定",
        ),
        Refused::NoContract { .. }
        | Refused::NoHistory
        | Refused::NoPrice { .. }
        | Refused::NoProject
        | Refused::NotWaiting { .. }
        | Refused::TaskNotWaiting { .. }
        | Refused::TooManyJobs { .. }
        | Refused::TooManyRanges { .. }
        | Refused::TooManyRows { .. }
        | Refused::TooMuchWaiting { .. }
        | Refused::TwinIsBusy => of_jobs(refused),
        Refused::BackupFailed { .. }
        | Refused::NoSlurm
        | Refused::SlurmFailed { .. }
        | Refused::DiskFull
        | Refused::DiskBelowFloor { .. }
        | Refused::NoMail
        | Refused::NoSecretKey { .. }
        | Refused::NodeHasWorked { .. }
        | Refused::NodeLeaving { .. }
        | Refused::PoolRetired { .. }
        | Refused::TooManyBudgets { .. }
        | Refused::TooManySecrets { .. }
        | Refused::TooManyWebhooks { .. } => of_the_center(refused),
        Refused::IssuerFailed { .. }
        | Refused::IdentityTaken
        | Refused::TooManyIdentities { .. }
        | Refused::TooManyScimTokens { .. }
        | Refused::LastWayIn
        | Refused::NoPassword { .. }
        | Refused::SignInAgain { .. } => sign_in::zh_of_issuers(refused),
        Refused::ChooseTenant { .. }
        | Refused::InvitationOver
        | Refused::LastOperator
        | Refused::ResetOver
        | Refused::TooManyInvitations { .. }
        | Refused::OwnAccount
        | Refused::PersonsOwn
        | Refused::PersonIsOut => of_people(refused),
        Refused::Paper(paper) => paper::zh(paper),
        Refused::SecondFactorNeeded
        | Refused::CodeNeeded
        | Refused::NoSecondFactor
        | Refused::HasSecondFactor
        | Refused::TooManyDevices => sign_in::zh(refused),
    }
}

/// Prices that are dropped, doubled or free: `count` of them, of which the first are named.
fn of_prices(count: usize, first: &[ChangedPrice]) -> (String, String) {
    let named: Vec<String> = first.iter().map(price).collect();
    let rest = if count > first.len() { format!("，共 {count} 项") } else { String::new() };
    let fault = format!("有价格被取消、翻倍或变为免费（元/卡时）：{}{rest}", named.join("，"));
    (fault, "没有价格的作业会被拒绝；确认无误请以确认方式重新发布".to_owned())
}

/// Refusals of jobs, and of questions about them.
fn of_jobs(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::TwinIsBusy => two("孪生正在回答另一个问题", "等它结束，或在自己的机器上用 `qiantang twin`"),
        Refused::NoContract { project } => {
            with(format!("项目 `{project}` 没有可用的合同"), "请租户管理员为项目指定合同")
        }
        Refused::NoHistory => two("这段时间没有结束的运行", "把天数放大，或用 `qiantang twin` 回放日志"),
        Refused::NoPrice { class } => with(
            format!("现行价目没有本领域{}作业在合同资源池中的价格", service_class(*class)),
            "请换用其他服务等级，或请中心发布价格",
        ),
        Refused::NoProject => two("租户还没有项目", "请租户管理员建立项目"),
        Refused::NotWaiting { state, why: Some(why) } => with(
            format!("作业不在等待，已经结束：{}", why.in_lang(Lang::Zh)),
            match state {
                JobStatus::Succeeded => "用 `qiantang show` 查看它的经过",
                _ => "解决后请重新提交",
            },
        ),
        Refused::NotWaiting { state, why: None } => {
            with(format!("作业{}，没有等待的部分", job_status(*state)), "请等它结束，或查看日志")
        }
        Refused::TaskNotWaiting { task, state } => {
            with(format!("任务 {task} {}，不在等待", job_status(*state)), "用 `qiantang show` 查看它的经过")
        }
        Refused::TooManyJobs { active, most } => with(
            format!("排队或运行的作业已有 {active} 个，最多 {most} 个"),
            "等一些结束，或使用数组：数组只算一个作业",
        ),
        Refused::TooManyRanges { most } => {
            with(format!("取消的任务会分成超过 {most} 个不相连的区间"), "请取消整段区间，或取消整个作业")
        }
        Refused::TooManyRows { most } => with(format!("结果会超过 {most} 行"), "请缩短时间范围"),
        Refused::TooMuchWaiting { waiting_bytes, asked_bytes, most_bytes } => with(
            format!(
                "等待中作业的脚本、参数和变量共 {waiting_bytes} 字节，本作业 {asked_bytes} 字节，合计最多 {most_bytes} 字节"
            ),
            "等一些作业启动，使用数组，或把大的内容放在文件里",
        ),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals of months and their closing.
fn of_periods(refused: &Refused) -> (String, String) {
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::PeriodClosed { month } => {
            with(format!("{month} 账期已结账"), "属于该月的用量作为更正记入当前账期")
        }
        Refused::PeriodGoesOn { month } => with(format!("{month} 还未结束"), "月末之后再结账"),
        Refused::PeriodIncomplete { month, missing, first } => (
            format!("{month} 还不能结账：{}", incomplete(*missing, first)),
            format!("`qiantang periods show {month}` 列出全部；运行的状态每隔几秒更新一次"),
        ),
        Refused::PeriodNotNext { month, next } => {
            (format!("{next} 在 {month} 之前，还没有结账"), format!("请先为 {next} 结账"))
        }
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals of idempotency keys.
fn of_keys(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::IdempotencyAnswerLost => {
            two("请求已经执行而结果没有保存，或正在执行", "请查看它要更改的内容；要再做一次请换新的键")
        }
        Refused::IdempotencyKeyReused => two("同一个 Idempotency-Key 已用于另一个请求", "新的请求请用新的键"),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals of contracts that are not as whoever asks took them to be.
fn of_contracts(refused: &Refused) -> (String, String) {
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::ChangedMeanwhile { contract } => {
            with(format!("草稿 {contract} 刚被他人修改"), "请重新查看后再改")
        }
        Refused::TermOver { contract, ends_at } => {
            with(format!("合同 {contract} 的期限已于 {ends_at} 结束"), "请终止它，另行起草")
        }
        _ => <(String, String)>::default(),
    }
}

/// Refusals of persons, members and their sign-ins.
fn of_people(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::ChooseTenant { tenants } => (
            format!("您在多处是成员：{}", tenants.join("、")),
            "请指明以哪个成员身份登录：填写租户短名，“-”表示本中心".to_owned(),
        ),
        Refused::ResetOver => {
            two("这个链接已失效：它在一小时内有效，并且只能使用一次", "请在“忘记密码”中重新申请")
        }
        Refused::InvitationOver => two("链接已失效：已被使用、被撤回或已过期", "请向发送链接的人另要一个"),
        Refused::TooManyInvitations { most } => {
            (format!("已有 {most} 个待接受的邀请"), "请撤回一些，或等它们被接受或过期".to_owned())
        }
        Refused::LastOperator => {
            two("这是中心最后一位运营人员，停用后将无人运营中心", "请先添加另一位运营人员")
        }
        Refused::OwnAccount => two("不能停用自己，也不能修改自己的角色", "请另一位管理员操作"),
        Refused::PersonsOwn => two(
            "此人自行管理账号，通过邀请加入的人都是如此",
            "姓名和密码由本人在自己的账号页修改，中心的运营人员也可以修改",
        ),
        Refused::PersonIsOut => two("中心已停用此人的账号", "请中心的运营人员恢复"),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals for what the center has, and has not.
fn of_the_center(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::BackupFailed { said } => {
            with(format!("备份没有完成：{said}"), "请换一个尚不存在的文件，并确认所在目录存在")
        }
        Refused::NoSlurm => {
            two("中心在自己的机器上运行作业，没有使用 Slurm", "如何接入 Slurm 见 docs/slurm.md")
        }
        Refused::SlurmFailed { said } => with(
            format!("Slurm 没有完成这一操作：{said}"),
            "中心需要 sacctmgr、sshare、sinfo 和 scontrol，并以 root 或 Slurm 管理员的身份运行",
        ),
        Refused::DiskFull => {
            two("中心磁盘空间不足，没有保存任何内容", "请稍后重新提交；运营人员可以看到是哪个磁盘已满")
        }
        Refused::DiskBelowFloor { disk, free_mib, floor_mib } => with(
            format!("中心的磁盘 `{disk}` 剩余 {free_mib} MiB，至少应有 {floor_mib} MiB"),
            "没有保存任何内容，请稍后重新提交",
        ),
        Refused::NoMail => two(
            "中心不发送邮件：设置中没有邮件服务器",
            "请您自己转交链接；运营人员可在 `[mail]` 中设置邮件服务器",
        ),
        Refused::TooManyWebhooks { most } => {
            with(format!("已有 {most} 个接收端"), "请先删除不再需要的接收端")
        }
        Refused::NoSecretKey { path } => with(
            format!("在 {path} 找不到中心的密文变量密钥"),
            "请运营人员放回密钥文件；没有它就无法读出密文变量，只能重新设置",
        ),
        Refused::NodeHasWorked { node } => {
            with(format!("节点 {node} 上运行过作业，不能删除"), "请改为退役：历史会保留")
        }
        Refused::NodeLeaving { node } => {
            (format!("节点 {node} 正在退役"), format!("请先重新启用：`qiantang nodes bring-back {node}`"))
        }
        Refused::PoolRetired { pool } => {
            (format!("资源池 {pool} 已退役"), format!("请先重新启用：`qiantang pools bring-back {pool}`"))
        }
        Refused::TooManyBudgets { most } => {
            (format!("租户已有 {most} 项预算"), "请先撤销不再需要的".to_owned())
        }
        Refused::TooManySecrets { most } => {
            with(format!("租户的密文变量已有 {most} 个，达到上限"), "请删除作业不再使用的密文变量")
        }
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

fn price(change: &ChangedPrice) -> String {
    let told = |rate: Option<RatePerCardHour>| rate.map_or("无价格".to_owned(), |rate| rate.0.to_string());
    let domain = match change.domain {
        TenantDomain::Research => "科研",
        TenantDomain::Enterprise => "企业",
        TenantDomain::Government => "政务",
    };
    let class = service_class(change.class);
    format!("{} {domain}{class}：{} → {}", change.pool, told(change.before), told(change.after))
}

fn incomplete(missing: usize, first: &[Sentence]) -> String {
    let told: Vec<&str> = first.iter().map(|one| one.zh.as_str()).collect();
    let rest = if missing > first.len() { format!("；共 {missing} 项") } else { String::new() };
    told.join("；") + &rest
}

fn of_invoices(refused: &Refused) -> (String, String) {
    let with = |fault: String, hint: &str| (fault, hint.to_owned());
    match refused {
        Refused::AlreadyInvoiced { statement, request } => with(
            format!("账单 {statement} 已在发票 {request} 中"),
            "一张账单只能开在一张发票中；该发票撤回、驳回或冲红之后，账单可以重新申请",
        ),
        Refused::InvoiceState { request, state } => with(
            format!("发票 {request} {}", invoice_state(*state)),
            "请重新查看：只有待开具的申请可以开具、驳回或撤回，只有已开具的发票可以冲红",
        ),
        _ => Default::default(),
    }
}

fn invoice_state(state: InvoiceState) -> &'static str {
    match state {
        InvoiceState::Requested => "尚未开具",
        InvoiceState::Issued => "已开具",
        InvoiceState::Reversed => "已冲红",
        InvoiceState::Withdrawn => "已撤回",
        InvoiceState::Refused => "已驳回",
    }
}

fn decided(state: &str) -> &'static str {
    match state {
        "refused" => "已驳回",
        "approved" => "已批准",
        "in_force" => "已生效",
        "lapsed" => "已失效",
        "booked" => "已入账",
        _ => "已办结",
    }
}

fn service_class(class: ServiceClass) -> &'static str {
    match class {
        ServiceClass::Urgent => "加急",
        ServiceClass::Normal => "普通",
        ServiceClass::Spot => "闲时",
    }
}

fn contract_state(state: ContractState) -> &'static str {
    match state {
        ContractState::Draft => "还是草稿",
        ContractState::Submitted => "待审批",
        ContractState::Approved => "已批准但未启用",
        ContractState::Active => "已启用",
        ContractState::Exhausted => "余额已用尽",
        ContractState::Suspended => "已暂停",
        ContractState::Expired => "已到期",
        ContractState::Terminated => "已终止",
    }
}

fn act(action: ContractAction) -> &'static str {
    match action {
        ContractAction::Submit => "提交",
        ContractAction::Return => "退回",
        ContractAction::Approve => "批准",
        ContractAction::Activate => "启用",
        ContractAction::Exhaust => "记为余额用尽",
        ContractAction::Replenish => "恢复余额",
        ContractAction::Suspend => "暂停",
        ContractAction::Resume => "恢复",
        ContractAction::Expire => "记为到期",
        ContractAction::Terminate => "终止",
    }
}

fn job_status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "在排队",
        JobStatus::Running => "正在运行",
        JobStatus::Stopping => "正在停止",
        JobStatus::Succeeded => "已成功",
        JobStatus::Failed => "已失败",
        JobStatus::TimedOut => "已超时",
        JobStatus::Cancelled => "已取消",
        JobStatus::Stopped => "已停止",
        JobStatus::NeverRan => "没有运行",
        JobStatus::Lost => "因故障中断",
    }
}

fn by_oneself(did: Did) -> &'static str {
    match did {
        Did::SubmittedContract => "合同由您本人提交",
        Did::ApprovedContract => "合同由您本人批准",
        Did::DrewUpAmendment => "补充协议由您本人起草",
        Did::ProposedCorrection => "更正由您本人提出",
        Did::DrewUpQuote => "报价单由您本人起草",
        Did::ProposedFunding => "券款由您本人提出",
        Did::RequestedInvoice => "发票由您本人申请",
    }
}

fn allowed(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Change => "只有草稿可以修改：已提交的先退回，已启用的用补充协议",
        Wanted::Amend => "补充协议只用于已启用且未结束的合同；草稿可直接修改",
        Wanted::PayIn => "付款从合同批准起至结束为止可以入账",
        Wanted::MakeText => "合同文本在合同启用之前生成",
        Wanted::Sign => "合同在批准之后、启用之前签署",
        Wanted::Renew => "合同自启用起可以续签，已终止的除外",
    }
}
