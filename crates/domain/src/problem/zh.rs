//! How problems read in Chinese.

mod invoice;
mod option;

use super::{
    code::{ContractFault, JobFault, Quantity, Things, Wrong},
    quote,
    shown::{Words, grouped, hours, shown, yuan},
    sign_in,
    taskfile::{KeyKind, TaskFileFault},
};
use crate::{
    Role,
    contract::ContractKind,
    job::{JobOutcome, JobState},
    spec::{
        MAX_ARG_BYTES, MAX_ARRAY_TASKS, MAX_ENV_BYTES, MAX_LABEL_BYTES, MAX_NODES, MAX_PASSED_BYTES,
        MAX_SCRIPT_BYTES,
    },
    tenant::{CREDIT_CODE_LEN, CreditCodeFault},
    text::{InvalidLine, LineFault},
};

const NOT_TEXT: &str = "含有空字符（NUL）";
const SEND_TEXT: &str = "请提供纯文本";

pub fn words(wrong: &Wrong) -> Words {
    match wrong {
        Wrong::Unknown { given, known } => {
            (format!("不能是“{}”", shown(given)), format!("可用的值：{}", known.join("、")))
        }
        Wrong::Line(InvalidLine { most, fault }) => match fault {
            LineFault::Empty => ("不能为空".into(), format!("请使用 1 至 {most} 个可见字符")),
            LineFault::TooLong { given } => (format!("有 {given} 个字符"), format!("最多 {most} 个可见字符")),
            LineFault::Unprintable => ("含有控制字符".into(), format!("请使用 1 至 {most} 个可见字符")),
        },
        Wrong::Path(InvalidLine { most, fault }) => {
            let problem = match fault {
                LineFault::Empty => "不能为空".into(),
                LineFault::TooLong { given } => format!("有 {given} 字节"),
                LineFault::Unprintable => "含有控制字符".into(),
            };
            (problem, format!("请使用 1 至 {most} 字节的可见字符"))
        }
        Wrong::TooLong { chars, most } => (format!("有 {chars} 个字符"), format!("最多 {most} 个字符")),
        Wrong::Twice { what } => (format!("重复写了“{}”", shown(what)), "请只写一次".into()),
        Wrong::HasNul => (NOT_TEXT.into(), SEND_TEXT.into()),
        Wrong::OutOfRange { of, given, least, most } => out_of_range(*of, *given, *least, *most),
        Wrong::Count { of, given, least, most } => count(*of, *given, *least, *most),
        Wrong::NoSuch { given } => {
            (format!("没有您可以查看的“{}”", shown(given)), "请按列表中显示的名称填写".into())
        }
        Wrong::NoPartOfAnId { given, least } => (
            format!("“{}”不是编号的一部分", shown(given)),
            format!("请填写编号开头或末尾的 {least} 至 32 位十六进制数字"),
        ),
        Wrong::NotAnInstant { given } => (
            format!("“{}”不是时间", shown(given)),
            "请写成 2026-05-20T08:00:00Z 的样子；只写 2026-05-20 表示中心时区当天的零点".into(),
        ),
        Wrong::NotADay { given } => {
            (format!("“{}”不是日期", shown(given)), "请写成 2026-05-20 的样子".into())
        }
        Wrong::NotAMonth { given } => (format!("“{}”不是月份", shown(given)), "请写成 2026-05 的样子".into()),
        Wrong::NotAfter { other } => (format!("不晚于{}", other.zh), "请填写更晚的时间".into()),
        Wrong::AfterEnd { end } => (format!("晚于{}", end.zh), "请填写更早的时间".into()),
        Wrong::InTheFuture => ("还没有到".into(), "请填写过去的时间".into()),
        Wrong::NotWholeDays { zone } => {
            (format!("不是{zone}的零点，而用量按整天统计"), "请写成 2026-05-20 的样子".into())
        }
        Wrong::InThePast => ("已经过去".into(), "请填写将来的时间".into()),
        Wrong::NotASlug { given } => (
            format!("不能是“{}”", shown(given)),
            "请使用 1 至 40 个小写字母、数字或中间的连字符，如 west-lake-univ".into(),
        ),
        Wrong::CreditCode { given, fault } => (
            match fault {
                CreditCodeFault::Length { chars } => format!("“{}”有 {chars} 个字符", shown(given)),
                CreditCodeFault::Character { given: character } => {
                    format!("“{}”含有统一社会信用代码不用的字符“{character}”", shown(given))
                }
                CreditCodeFault::CheckDigit { given: digit } => {
                    format!("“{}”的校验码“{digit}”不对", shown(given))
                }
            },
            format!("请填写 {CREDIT_CODE_LEN} 位统一社会信用代码"),
        ),
        Wrong::NotBeside { other } => (format!("与“{}”同时填写", other.zh), "请只填其中一项".into()),
        Wrong::NotALogin => {
            ("格式不对".into(), "请使用 1 至 64 个字母、数字或 @ . _ - +，例如邮箱地址".into())
        }
        Wrong::NoReason
        | Wrong::NeedsScore
        | Wrong::TakesNoScore
        | Wrong::NotAWholeNumber { .. }
        | Wrong::NotAnEmail { .. }
        | Wrong::NotAUrl { .. }
        | Wrong::NotAPhone { .. }
        | Wrong::NameTaken { .. }
        | Wrong::CodeTaken { .. } => of_application(wrong),
        Wrong::SignIn(fault) => sign_in::zh(fault),
        Wrong::RoleElsewhere { role } => (
            format!("在这里不能是{}", role_word(*role)),
            "运营、审计、合同和中心财务属于中心，管理员、开发者和财务属于租户".into(),
        ),
        Wrong::TenantNotNamed => ("没有指定".into(), "请填写租户的短名".into()),
        Wrong::ContractNotNamed => ("没有指定".into(), "请选择自己的一个合同".into()),
        Wrong::NotAnIdempotencyKey => {
            ("格式不对".into(), "请使用 1 至 128 个可见的 ASCII 字符，例如 UUID".into())
        }
        Wrong::NotACursor => {
            ("不是这个列表给出的".into(), "请原样使用上一页的 next_cursor，或从翻页链接进入".into())
        }
        Wrong::NotAmongBackups { folder } => (
            format!("不是备份目录 {folder} 中的文件"),
            "请写出该目录中一个新文件的名称；备份目录由设置项 backup_dir 指定".into(),
        ),
        Wrong::NoNodesToTry => ("不能是 0".into(), "中心还没有节点：请写明按多少个节点推演".into()),
        Wrong::Job(fault) => job(fault),
        Wrong::Option(fault) => option::words(fault),
        Wrong::TaskFile(fault) => task_file(fault),
        Wrong::Contract(fault) => contract(fault),
        Wrong::Quote(fault) => quote::zh(fault),
        Wrong::OtherDigest { version } => {
            (format!("不是第 {version} 版文本的摘要"), "请重新阅读该版文本，并填写其下方的摘要".into())
        }
        Wrong::Invoice(fault) => invoice::words(fault),
    }
}

fn out_of_range(of: Quantity, given: i64, least: i64, most: i64) -> Words {
    let hint = match of {
        Quantity::Nodes => format!("可申请 {least} 至 {most} 个节点"),
        Quantity::CardsPerNode => format!("每个节点可申请 {least} 至 {most} 张加速卡"),
        Quantity::Number => format!("范围是 {} 至 {}", grouped(least), grouped(most)),
        Quantity::TimeLimitMs => format!("范围是 {least} 毫秒至 {} 天", most / 86_400_000),
        Quantity::Items => format!("每页可取 {least} 至 {most} 项"),
        Quantity::Weight => format!("权重的范围是 {least} 至 {}", grouped(most)),
        Quantity::MicroCny => format!("范围是 {} 至 {} 元", yuan(least), yuan(most)),
        Quantity::CardMs => format!("须大于 {} 卡时，最多 {} 卡时", hours(least - 1), hours(most)),
    };
    let problem = match of {
        Quantity::TimeLimitMs => format!("不能是 {given} 毫秒"),
        Quantity::Weight => format!("权重不能是 {given}"),
        Quantity::MicroCny => format!("不能是 {} 元", yuan(given)),
        Quantity::CardMs => format!("不能是 {} 卡时", hours(given)),
        _ => format!("不能是 {given}"),
    };
    (problem, hint)
}

fn count(of: Things, given: usize, least: usize, most: usize) -> Words {
    let things = match of {
        Things::Arguments => "个参数",
        Things::Variables => "个变量",
        Things::Labels => "个标签",
        Things::Secrets => "个密文变量",
        Things::Jobs => "个作业",
        Things::Prices => "项价格",
        Things::Pools => "个资源池",
        Things::Filters => "项筛选条件",
        Things::Lines => "行",
        Things::Shares => "个提醒比例",
        Things::Moments => "个不重复的时机（each_task 除外）",
    };
    let hint = match least {
        0 => format!("最多 {most} {things}"),
        _ => format!("请给出 {least} 至 {most} {things}"),
    };
    match given {
        0 => ("没有内容".into(), hint),
        _ => (format!("有 {given} {things}"), hint),
    }
}

fn ranges() -> String {
    format!(
        "请由小到大给出各个区间，首项不大于末项，步长至少为 1，合计 1 至 {} 个任务",
        grouped(MAX_ARRAY_TASKS)
    )
}

fn job(fault: &JobFault) -> Words {
    match fault {
        JobFault::BlankScript => ("没有内容".into(), "请至少写一条命令".into()),
        JobFault::NoInterpreter => ("不是以 #! 开头的脚本".into(), "请让第一行以 #!/bin/bash 开头".into()),
        JobFault::Utf16 => ("是 UTF-16 编码".into(), "请把脚本存为 UTF-8".into()),
        JobFault::NotInEncoding { encoding } => {
            (format!("有 {encoding} 里没有的字符"), "请去掉编码，脚本即按 UTF-8 处理".into())
        }
        JobFault::CardsOnNodes { cards, most_nodes } => (
            format!("{} 张加速卡不能平均分到至多 {} 个节点", grouped(*cards), grouped(*most_nodes)),
            "请写明节点数和每个节点的加速卡数".into(),
        ),
        JobFault::ScriptTooLarge { bytes } => {
            (format!("有 {bytes} 字节"), format!("最多 {} KiB；数据请放到文件里", MAX_SCRIPT_BYTES >> 10))
        }
        JobFault::ArgumentTooLong { position, bytes } => (
            format!("第 {position} 个参数有 {bytes} 字节"),
            format!("每个参数最多 {} KiB", MAX_ARG_BYTES >> 10),
        ),
        JobFault::VariableName { name } => {
            (format!("“{}”不能作变量名", shown(name)), "变量名由字母、数字和下划线组成，不以数字开头".into())
        }
        JobFault::VariableTooLong { name, bytes } => (
            format!("变量“{}”有 {bytes} 字节", shown(name)),
            format!("每个变量连名带值最多 {} KiB", MAX_ENV_BYTES >> 10),
        ),
        JobFault::VariableHasNul { name } => (format!("变量“{}”{NOT_TEXT}", shown(name)), SEND_TEXT.into()),
        JobFault::PassesTooMuch { bytes } => (
            format!("连同参数共有 {bytes} 字节"),
            format!("合计最多 {} KiB；数据请放到文件里", MAX_PASSED_BYTES >> 10),
        ),
        JobFault::MaxNodes { given, nodes } => {
            (format!("不能是 {given}"), format!("不能少于申请的 {nodes} 个节点，最多 {MAX_NODES} 个"))
        }
        JobFault::NotALabel { given } => (
            format!("“{}”不能作标签", shown(given)),
            format!("标签由字母、数字、. _ - 组成，最多 {MAX_LABEL_BYTES} 个字符"),
        ),
        JobFault::EmptyRange { first, last, step } => {
            (format!("区间 {first}-{last}:{step} 中没有任务"), ranges())
        }
        JobFault::RangesNotRising { last, first } => {
            (format!("从 {first} 起的区间排在到 {last} 为止的区间之后"), ranges())
        }
        JobFault::ArrayTasks { tasks } => (format!("有 {} 个任务", grouped(*tasks)), ranges()),
        JobFault::NoTaskAtOnce => ("不允许任何任务运行".into(), "max_running 至少为 1，或者不写".into()),
        JobFault::NotASignal { given } => {
            (format!("“{}”不是信号", shown(given)), "请写信号名，如 USR1".into())
        }
        JobFault::NoSuchSecret { name } => (
            format!("这个作业没有可用的密文变量“{}”", shown(name)),
            "用 qiantang secrets 查看可用的名称；租户和项目的密文变量由管理员保管".into(),
        ),
        JobFault::SecretName { name } => (
            format!("“{}”不能作密文变量的名称", shown(name)),
            "最多 64 个字母、数字和下划线，不以数字开头；不能用 shell 或运行已有的名称，如 PATH、SLURM_ 开头的名称".into(),
        ),
        JobFault::SecretAndVariable { name } => {
            (format!("“{}”同时又是环境变量", shown(name)), "请去掉其中一个".into())
        }
        JobFault::NoSuchProject { slug, own } => {
            (format!("没有“{}”这个项目", shown(slug)), own_projects(own))
        }
        JobFault::ProjectNotNamed { own } => ("没有指定，而您有多个项目".into(), own_projects(own)),
        JobFault::ModelNotCovered { model, contract, covered } => (
            format!("合同 {contract} 不包含“{}”", shown(model)),
            format!("可用的型号：{}", covered.join("、")),
        ),
        JobFault::NoSuchJob { job } => (format!("没有作业 {job}"), "请写自己的作业".into()),
        JobFault::NeverMet { job, state } => (
            format!("作业 {job} {}，这一条件不可能再满足", state_word(*state)),
            "请去掉这一依赖，或改为依赖其他作业".into(),
        ),
        JobFault::NeverFits { zh, .. } => (
            zh.trim_end_matches('。').to_owned(),
            "请按现有资源申请，可在节点页或用 qiantang nodes 查看".into(),
        ),
    }
}

fn own_projects(own: &[String]) -> String {
    format!("您的项目：{}", own.join("、"))
}

fn state_word(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "正在排队",
        JobState::Running => "正在运行",
        JobState::Stopping { .. } => "正在停止",
        JobState::Ended { outcome, .. } => match outcome {
            JobOutcome::Succeeded => "已成功结束",
            JobOutcome::Failed => "已失败",
            JobOutcome::TimedOut => "已超时",
            JobOutcome::Cancelled => "已取消",
            JobOutcome::Stopped => "已停止",
            JobOutcome::NeverRan => "没有运行",
            JobOutcome::Lost => "已因故障中断",
        },
    }
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Operator => "运营",
        Role::Auditor => "审计",
        Role::Contracts => "合同管理",
        Role::CenterFinance => "中心财务",
        Role::DataBureau => "数据局",
        Role::FinanceBureau => "财政局",
        Role::Admin => "管理员",
        Role::Developer => "开发者",
        Role::Finance => "财务",
    }
}

fn task_file(fault: &TaskFileFault) -> Words {
    match fault {
        TaskFileFault::TooLarge { bytes, most } => {
            (format!("有 {bytes} 字节"), format!("最多 {} KiB；数据请放到文件里", most >> 10))
        }
        TaskFileFault::NotYaml { column } => {
            (format!("从第 {column} 列起不是 YAML"), "请检查此处及上文的缩进、引号和括号".into())
        }
        TaskFileFault::Alias => ("使用了 YAML 的锚点或别名".into(), "请把值直接写出".into()),
        TaskFileFault::TooDeep => ("嵌套太深".into(), "任务文件只有两层".into()),
        TaskFileFault::NotAMapping => ("不是由键和值组成的".into(), "请以 name: … 开头，每个键一行".into()),
        TaskFileFault::UnknownKey { key, known } => {
            (format!("没有“{}”这个键", shown(key)), format!("可用的键：{}", known.join("、")))
        }
        TaskFileFault::MissingKey { key } => (format!("缺少 {key}"), format!("请加上一行 {key}: …")),
        TaskFileFault::Kind { key, wanted } => {
            let wanted = match wanted {
                KeyKind::Text => "文本",
                KeyKind::Count => "不小于 0 的整数",
                KeyKind::Truth => "true 或 false",
                KeyKind::Texts => "文本的列表",
                KeyKind::Mapping => "下一层的键和值",
                KeyKind::Variables => "变量名和值，或 NAME=VALUE 的列表",
                KeyKind::Dependencies => "作业的列表，每项如 { job: job_…, when: succeeded }",
            };
            (format!("{} 的值类型不对", shown(key)), format!("请写{wanted}"))
        }
        TaskFileFault::Unreadable { known } => {
            ("不符合任务文件的格式".into(), format!("可用的键（各写一次）：{}", known.join("、")))
        }
        TaskFileFault::Repeated { key } => (format!("“{}”写了不止一次", shown(key)), "请只保留一个".into()),
        TaskFileFault::EmptyValue { key } => {
            (format!("“{}”没有值", shown(key)), "请写上值（空文本写 \"\"），或去掉这个键".into())
        }
        TaskFileFault::NoCommands => ("没有给出".into(), COMMANDS.into()),
        TaskFileFault::CommandsAndScript => ("与脚本同时给出".into(), COMMANDS.into()),
        TaskFileFault::Duration { given } => {
            (format!("“{}”不是时长", shown(given)), "请写成 90s、5m、2h 或 1d".into())
        }
        TaskFileFault::CardsTwice => {
            ("同时写了 cards 和 cards_per_node".into(), "请只写一个：两者都是每节点的加速卡数".into())
        }
    }
}

const COMMANDS: &str = "请在 commands（列表）和 script（文本）中写一个";

fn contract(fault: &ContractFault) -> Words {
    match fault {
        ContractFault::PackageRate { most } => {
            ("折算的卡时单价过高".into(), format!("费用折合每卡时不能超过 {most} 元"))
        }
        ContractFault::Terms { most } => (
            "数额超出范围".into(),
            format!("各项数额的范围是 0 至 {}，卡时包和加速卡数要大于 0", grouped(*most)),
        ),
        ContractFault::Guarantee { guaranteed, most } => (
            format!("保障 {guaranteed} 张加速卡，却最多只能同时运行 {most} 张"),
            "最多同时运行的加速卡不能少于保障的加速卡".into(),
        ),
        ContractFault::NoCardRuns => ("不允许任何加速卡运行".into(), "最多同时运行的加速卡至少为 1".into()),
        ContractFault::NoPools => ("没有选择".into(), "请至少选择一个资源池".into()),
        ContractFault::Amounts { most } => {
            ("超出范围".into(), format!("请填写金额或卡时，范围是 0 至 {}，不能都为 0", grouped(*most)))
        }
        ContractFault::NoMoney { kind } => {
            (format!("{}合同不能充入金额", kind_word(*kind)), "请改为充入卡时".into())
        }
        ContractFault::MoreThanFee { open } => {
            (format!("超过未付的费用：{open} 元"), "请填写未付的金额，或充入按量计费的合同".into())
        }
        ContractFault::OnlyTransfer => ("只用于转账".into(), "请留空，或把类型改为转账".into()),
        ContractFault::NoOtherContract => ("不是另一份合同".into(), "请填写资金转入的合同".into()),
        ContractFault::AlreadyReversed => {
            ("这笔付款已经冲正，或已提出冲正".into(), "一笔付款只能冲正一次".into())
        }
        ContractFault::CorrectsNothing => (
            "不是这份合同下计过费的内容".into(),
            "请填写该合同的运行、分录序号或月份（如 2026-11）；退款、转账和核销也可填写付款凭证号或合同编号"
                .into(),
        ),
        ContractFault::TakesNoTransfer => (
            "不能接收转入的余额".into(),
            "请填写已批准且未结束的按量计费合同；其他合同的费用请以付款方式缴纳".into(),
        ),
        ContractFault::AlreadyPaidOut => {
            ("这个银行凭证号已用于另一笔退款".into(), "一笔转出只入账一次".into())
        }
        ContractFault::NoSuchPayment => ("不是这份合同的付款".into(), "请填写入账时的凭证号".into()),
        ContractFault::NotWholePayment { paid } => {
            (format!("不等于整笔付款 {paid} 元"), "冲正须整笔退回".into())
        }
        ContractFault::MoreThanThere { most } => {
            (format!("超过现有的 {most} 元"), "请填写不超过该数的金额".into())
        }
        ContractFault::NoBankReference => ("没有填写".into(), "请填写资金转出的银行凭证号".into()),
        ContractFault::NoSuchTerm { kind, term } => {
            (format!("{}合同没有可变更的 {term}", kind_word(*kind)), "请不要填写".into())
        }
        ContractFault::CheaperThanPackage => {
            ("增加的卡时单价低于原套餐".into(), "请按不低于原套餐的单价增加费用，或另行起草合同".into())
        }
        ContractFault::NothingAmended => ("没有任何变更".into(), "请填写要变更的内容".into()),
        ContractFault::MoreThanReserved { cards, most } => (
            format!("允许同时运行 {most} 张卡，而预留的只有 {cards} 张"),
            "最多同时运行的加速卡不能多于预留的卡；超出部分请用按量计费的合同".into(),
        ),
        ContractFault::NoCardTime { kind } => {
            (format!("{}合同不能充入卡时", kind_word(*kind)), "请改为充入金额".into())
        }
        ContractFault::ByCenter { known } => {
            ("由中心自动执行".into(), format!("可用的操作：{}", known.join("、")))
        }
    }
}

fn kind_word(kind: ContractKind) -> &'static str {
    match kind {
        ContractKind::Prepaid { .. } => "预付",
        ContractKind::Metered { .. } => "按量",
        ContractKind::Reserved { .. } => "预留",
        ContractKind::Grant { .. } => "资助",
    }
}

/// Faults of applications, and of verdicts on them.
fn of_application(wrong: &Wrong) -> Words {
    match wrong {
        Wrong::NoReason => ("没有填写".into(), "请写明原因，供申请人阅读".into()),
        Wrong::NeedsScore => {
            ("没有填写或超出范围".into(), "本步骤按评分决定：请在通过时给出 0 至 100 的评分".into())
        }
        Wrong::TakesNoScore => ("在本步骤中不起作用".into(), "请不要填写".into()),
        Wrong::NotAWholeNumber { given } => {
            (format!("“{}”不是整数", shown(given)), "请用阿拉伯数字填写，可用逗号分隔千位".into())
        }
        Wrong::NotAnEmail { given } => {
            (format!("“{}”不是电子邮箱地址", shown(given)), "请写成 name@example.com 的样子".into())
        }
        Wrong::NotAUrl { given, host } => (
            format!("“{}”不是可用的地址", shown(given)),
            match host {
                Some(host) => format!("请填写群聊给出的完整地址，以 https://{host}/ 开头"),
                None => "请写成 https://host/path 的样子，不要带用户名和密码".into(),
            },
        ),
        Wrong::NotAPhone { given } => (
            format!("“{}”不是电话号码", shown(given)),
            "请填写 5 至 20 位数字，可含空格和连字符；境外号码以 + 开头".into(),
        ),
        Wrong::NameTaken { given } => {
            (format!("“{}”已被其他单位使用或申请", shown(given)), "请换一个".into())
        }
        Wrong::CodeTaken { given } => (
            format!("“{}”已有单位入驻或正在申请", shown(given)),
            "请向同事索取该申请的链接或邀请，或与中心联系".into(),
        ),
        _ => Words::default(),
    }
}
