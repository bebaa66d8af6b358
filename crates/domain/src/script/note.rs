//! Notes: options that were not taken as they stand, and why, in both languages.

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{JobSpec, Lang, Launch};

/// An option that was not taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// In the script, from 1; 0 for an option that was given beside the script, and for the whole script.
    pub line: u32,
    pub option: String,
    pub action: NoteAction,
    pub why: NoteWhy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteAction {
    Ignored,
    /// Taken in another sense than its own.
    Mapped,
    /// Taken as it stands on a center with Slurm; ignored by one with an engine of its own.
    OnSlurm,
}

/// Why an option was ignored, or what was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteWhy {
    NoDifference,
    CenterPlaces,
    CenterLimits,
    Frequencies,
    DiskShared,
    OrderByClass,
    WholeGang,
    WholeLimit,
    MostNodes,
    OwnCards,
    NeverRan,
    ProcessorsShared,
    MemoryShared,
    OwnLogs,
    NoMail,
    NoLicences,
    AlwaysRetried,
    PoolsOfContract,
    EmptyInput,
    ForSrun,
    OneProcess,
    OutputKept,
    ErrorKept,
    OwnFolder,
    Terminated,
    /// The script alone can get a signal before its time limit.
    SignalToScript {
        signal: String,
        before_s: u32,
    },
    /// Fewer tasks than nodes.
    NodesOfTasks {
        tasks: u32,
        nodes: u32,
    },
    /// The script asks for several nodes and starts nothing on the others.
    FirstNodeOnly,
    /// It calls a program of Slurm where there is none.
    NoSlurm,
    /// An option that stands after the first command.
    TooLate,
    /// A comment that reads like a line of options.
    OddMark,
    /// `#SLURM`.
    OldMark,
    /// A line of options for another system, such as `#PBS`.
    OtherSystem,
    ByteOrderMark,
    /// So many lines end as on Windows.
    LineEnds {
        count: usize,
    },
    /// The script is no UTF-8.
    Encoding,
    /// A variable whose name says that it is a password or a token.
    LooksSecret {
        name: String,
    },
}

/// An option that was not taken as it stands.
#[derive(Serialize, ToSchema)]
struct Shown<'a> {
    /// In the script, from 1; 0 for an option that was given beside the script.
    line: u32,
    option: &'a str,
    action: NoteAction,
    /// Why, as a word for programs.
    code: &'static str,
    /// Why, in English.
    text: String,
}

/// As the API shows notes: in English.
impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { line, option, action, why } = self;
        Shown { line: *line, option, action: *action, code: why.code(), text: why.text(Lang::En) }
            .serialize(serializer)
    }
}

impl PartialSchema for Note {
    fn schema() -> RefOr<Schema> {
        Shown::schema()
    }
}

impl ToSchema for Note {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Shown::schemas(schemas);
    }
}

impl NoteWhy {
    /// The word for it, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDifference => "no_difference",
            Self::CenterPlaces => "center_places",
            Self::CenterLimits => "center_limits",
            Self::Frequencies => "frequencies",
            Self::DiskShared => "disk_shared",
            Self::OrderByClass => "order_by_class",
            Self::WholeGang => "whole_gang",
            Self::WholeLimit => "whole_limit",
            Self::MostNodes => "most_nodes",
            Self::OwnCards => "own_cards",
            Self::NeverRan => "never_ran",
            Self::ProcessorsShared => "processors_shared",
            Self::MemoryShared => "memory_shared",
            Self::OwnLogs => "own_logs",
            Self::NoMail => "no_mail",
            Self::NoLicences => "no_licences",
            Self::AlwaysRetried => "always_retried",
            Self::PoolsOfContract => "pools_of_contract",
            Self::EmptyInput => "empty_input",
            Self::ForSrun => "for_srun",
            Self::OneProcess => "one_process",
            Self::OutputKept => "output_kept",
            Self::ErrorKept => "error_kept",
            Self::OwnFolder => "own_folder",
            Self::Terminated => "terminated",
            Self::SignalToScript { .. } => "signal_to_script",
            Self::LooksSecret { .. } => "looks_secret",
            Self::NodesOfTasks { .. } => "nodes_of_tasks",
            Self::FirstNodeOnly => "first_node_only",
            Self::NoSlurm => "no_slurm",
            Self::TooLate => "too_late",
            Self::OddMark => "odd_mark",
            Self::OldMark => "old_mark",
            Self::OtherSystem => "other_system",
            Self::ByteOrderMark => "byte_order_mark",
            Self::LineEnds { .. } => "line_ends",
            Self::Encoding => "encoding",
        }
    }

    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.zh(),
            Lang::En => self.en(),
        }
    }

    fn en(&self) -> String {
        let text = match self {
            Self::NoDifference => "makes no difference here",
            Self::CenterPlaces => "the center chooses nodes that are close together",
            Self::CenterLimits => "the center sets the limits of processes",
            Self::Frequencies => "the center sets no clock frequencies",
            Self::DiskShared => "disks are not divided among jobs",
            Self::OrderByClass => "the service class (--qos) and fair shares decide the order",
            Self::WholeGang => "a run has all of its nodes, and ends when one of them fails",
            Self::WholeLimit => "the time limit is never shortened",
            Self::MostNodes => "a run takes as many nodes of the range as are free when it starts",
            Self::OwnCards => {
                "cards are never shared; what else a node has is shared unless --exclusive is given"
            }
            Self::NeverRan => "a job whose dependency can't come about ends as `never_ran`",
            Self::ProcessorsShared => "processors are not divided among jobs",
            Self::MemoryShared => "memory is not divided among jobs",
            Self::OwnLogs => "each run has logs of its own, and a file that --output names is made anew",
            Self::NoMail => "mail about jobs is asked for under Notices",
            Self::NoLicences => "the center keeps no licences",
            Self::AlwaysRetried => "a run that the center loses is always tried again",
            Self::PoolsOfContract => {
                "the contract says which pools are used; choose a card model with --constraint"
            }
            Self::EmptyInput => "standard input is empty; write `< FILE` behind the command that reads it",
            Self::ForSrun => "give it to `srun` in the script",
            Self::OneProcess => "one process is started on each node; it starts the others",
            Self::OutputKept => {
                "standard output is kept by the center: the job's page and `qiantang logs JOB` show it"
            }
            Self::ErrorKept => {
                "standard error is kept by the center: the job's page and `qiantang logs JOB --stderr` \
                 show it"
            }
            Self::OwnFolder => "a job starts in a work folder of its own",
            Self::Terminated => "a run gets SIGTERM before it is killed",
            Self::LooksSecret { name } => {
                return format!(
                    "all who may see the job see the value of {name}; keep it by `qiantang secrets set {name}`, and name it by \
                     --secrets={name}"
                );
            }
            Self::SignalToScript { signal, before_s } => {
                return format!(
                    "only the script itself gets a signal: write --signal=B:{signal}@{before_s}, and let it trap \
                     that and tell its steps"
                );
            }
            Self::NodesOfTasks { tasks, nodes } => {
                return format!("{tasks} tasks have no use for {nodes} nodes; they get {tasks}");
            }
            Self::FirstNodeOnly => {
                "the script is started once, on the first node, as sbatch does, and it calls no srun; \
                 `--launch=each-node` starts it on each"
            }
            Self::NoSlurm => {
                "the script calls it, and this center has no Slurm: it starts the script on each node by itself. \
                 Leave the call out; RANK, WORLD_SIZE and MASTER_ADDR tell a process its place"
            }
            Self::TooLate => "stands after the first command, where sbatch reads no options; move it up",
            Self::OddMark => "is a comment, as for sbatch; an option's line begins with #SBATCH",
            Self::OldMark => "is read as #SBATCH, as sbatch does; write that",
            Self::OtherSystem => "is for another system; write its options as #SBATCH lines",
            Self::ByteOrderMark => "the byte order mark at the beginning was taken out",
            Self::LineEnds { count } => {
                return format!("{count} lines ended as on Windows (CR LF); the CR was taken out of each");
            }
            Self::Encoding => {
                "the script is not UTF-8; its bytes are kept and run as they are, and shown as if it was in this \
                 encoding"
            }
        };
        text.to_owned()
    }

    fn zh(&self) -> String {
        let text = match self {
            Self::NoDifference => "在这里没有作用",
            Self::CenterPlaces => "中心会选择彼此靠近的节点",
            Self::CenterLimits => "进程的限制由中心设定",
            Self::Frequencies => "中心不设定时钟频率",
            Self::DiskShared => "磁盘不在作业间划分",
            Self::OrderByClass => "次序由服务等级（--qos）和公平份额决定",
            Self::WholeGang => "运行总是获得全部节点，其中一个故障时整个运行结束",
            Self::WholeLimit => "时间上限不会缩短",
            Self::MostNodes => "运行在开始时按范围取尽可能多的空闲节点",
            Self::OwnCards => "加速卡从不共用；没有 --exclusive 时，节点上的其他资源共用",
            Self::NeverRan => "依赖不可能满足的作业以“没有运行”结束",
            Self::ProcessorsShared => "处理器不在作业间划分",
            Self::MemoryShared => "内存不在作业间划分",
            Self::OwnLogs => "每次运行有自己的日志，--output 所指的文件会重新建立",
            Self::NoMail => "作业的邮件在“通知”中设置",
            Self::NoLicences => "中心不管理许可证",
            Self::AlwaysRetried => "中心丢失的运行总会重试",
            Self::PoolsOfContract => "使用哪些资源池由合同决定；请用 --constraint 选择加速卡型号",
            Self::EmptyInput => "标准输入为空；请在读取它的命令后写“< 文件”",
            Self::ForSrun => "请在脚本里写给 srun",
            Self::OneProcess => "每个节点启动一个进程，由它启动其他进程",
            Self::OutputKept => "标准输出由中心保存，可在作业页或用 qiantang logs 查看",
            Self::ErrorKept => "标准错误由中心保存，可在作业页或用 qiantang logs --stderr 查看",
            Self::OwnFolder => "作业在自己的工作目录中启动",
            Self::Terminated => "运行在被终止前会先收到 SIGTERM",
            Self::LooksSecret { name } => {
                return format!(
                    "能查看作业的人都能看到 {name} 的值；请用 qiantang secrets set {name} 保存，再用 --secrets={name} 取用"
                );
            }
            Self::SignalToScript { signal, before_s } => {
                return format!(
                    "只有脚本本身能收到信号：请写 --signal=B:{signal}@{before_s}，由脚本捕获信号后通知各个步骤"
                );
            }
            Self::NodesOfTasks { tasks, nodes } => {
                return format!("{tasks} 个任务用不到 {nodes} 个节点，只分配 {tasks} 个");
            }
            Self::FirstNodeOnly => {
                "脚本与 sbatch 一样只在首个节点启动一次，而它没有调用 srun；--launch=each-node 可在每个节点启动"
            }
            Self::NoSlurm => {
                "脚本调用了它，而本中心没有 Slurm：脚本由中心在每个节点启动。请去掉这一调用；\
                 进程可由 RANK、WORLD_SIZE、MASTER_ADDR 得知自己的位置"
            }
            Self::TooLate => "写在第一条命令之后，sbatch 不读那里的选项；请移到前面",
            Self::OddMark => "与 sbatch 一样视为注释；选项行以 #SBATCH 开头",
            Self::OldMark => "与 sbatch 一样按 #SBATCH 读取；请改写为 #SBATCH",
            Self::OtherSystem => "属于其他系统；请把选项写成 #SBATCH 行",
            Self::ByteOrderMark => "开头的字节顺序标记已去掉",
            Self::LineEnds { count } => {
                return format!("有 {count} 行以 Windows 方式（CR LF）结尾，其中的 CR 已去掉");
            }
            Self::Encoding => "脚本不是 UTF-8；其字节原样保存和运行，并按这一编码显示",
        };
        text.to_owned()
    }
}

/// Slurm's programs that scripts call.
const PROGRAMS: [&str; 8] = ["srun", "sbatch", "salloc", "sbcast", "scancel", "scontrol", "squeue", "sacct"];

/// Notes on how a job is started: that it calls Slurm's programs where there are none, or that
/// Slurm starts it on the first of its nodes alone and it starts nothing on the others.
pub fn notes_on_start(spec: &JobSpec, is_slurm: bool) -> Vec<Note> {
    let called = |program: &str| {
        (1..).zip(spec.script.lines()).find(|(_, line)| calls(line, program)).map(|(line, _)| line)
    };
    if !is_slurm {
        let note = |program: &&str| {
            let (option, why) = ((*program).to_owned(), NoteWhy::NoSlurm);
            Some(Note { line: called(program)?, option, action: NoteAction::Mapped, why })
        };
        return PROGRAMS.iter().filter_map(note).collect();
    }
    let is_alone = spec.launch == Launch::Batch && spec.nodes > 1;
    if !is_alone || ["srun", "mpirun", "mpiexec"].iter().any(|starter| spec.script.contains(*starter)) {
        return Vec::new();
    }
    let (option, why) = ("--nodes".to_owned(), NoteWhy::FirstNodeOnly);
    vec![Note { line: 0, option, action: NoteAction::Mapped, why }]
}

/// Notes on variables that look like passwords, which a job shows to all who may see it.
pub fn notes_on_secrets(spec: &JobSpec) -> Vec<Note> {
    const WORDS: [&str; 7] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS"];
    let looks_secret = |name: &str| {
        let name = name.to_ascii_uppercase();
        // By whole words: `TOKENIZERS_PARALLELISM` is none.
        name.split('_').any(|word| WORDS.contains(&word))
            || ["API_KEY", "ACCESS_KEY", "PRIVATE_KEY"].iter().any(|key| name.ends_with(key))
    };
    let note = |(name, value): (&String, &String)| {
        let why = NoteWhy::LooksSecret { name: name.clone() };
        let option = "--export".to_owned();
        (looks_secret(name) && !value.is_empty()).then_some(Note {
            line: 0,
            option,
            action: NoteAction::Mapped,
            why,
        })
    };
    spec.env.iter().filter_map(note).collect()
}

/// Whether a line of a shell script calls a program: its name stands where a command begins.
fn calls(line: &str, program: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if line.trim_start().starts_with('#') {
        return false;
    }
    line.match_indices(program).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + program.len()..]);
        if before.ends_with(is_part) || after.starts_with(is_part) || after.starts_with('=') {
            return false;
        }
        let before = before.trim_end();
        let word = before.rsplit(|c: char| !is_part(c)).next().unwrap_or_default();
        before.is_empty()
            || before.ends_with([';', '&', '|', '(', '`', '!', '{'])
            || ["then", "do", "else", "exec", "time", "eval", "command"].contains(&word)
    })
}
