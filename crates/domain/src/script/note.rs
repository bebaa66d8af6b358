//! Notes: options that were not taken as they stand, and why, in both languages.

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::Lang;

/// An option that was not taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// In the script, from 1; 0 for an option that was given beside the script.
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
    Unknown,
    NoDifference,
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
}

/// An option that was not taken as it stands.
#[derive(Serialize, ToSchema)]
struct Shown<'a> {
    /// In the script, from 1; 0 for an option that was given beside the script.
    line: u32,
    option: &'a str,
    action: NoteAction,
    /// Why, in English.
    text: String,
}

/// As the API shows notes: in English.
impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { line, option, action, why } = self;
        Shown { line: *line, option, action: *action, text: why.text(Lang::En) }.serialize(serializer)
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
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.zh(),
            Lang::En => self.en(),
        }
    }

    fn en(&self) -> String {
        let text = match self {
            Self::Unknown => "is not known here",
            Self::NoDifference => "makes no difference here",
            Self::ProcessorsShared => "processors are not divided among jobs",
            Self::MemoryShared => "memory is not divided among jobs",
            Self::OwnLogs => "each run has logs of its own, and a file that --output names is made anew",
            Self::NoMail => "the center sends no mail",
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
                "a center with Slurm starts the script once, on the first node, as sbatch does, and the script \
                 calls no srun; `--launch=each-node` starts it on each"
            }
        };
        text.to_owned()
    }

    fn zh(&self) -> String {
        let text = match self {
            Self::Unknown => "中心不认识这个选项",
            Self::NoDifference => "在这里没有作用",
            Self::ProcessorsShared => "处理器不在作业间划分",
            Self::MemoryShared => "内存不在作业间划分",
            Self::OwnLogs => "每次运行有自己的日志，--output 所指的文件会重新建立",
            Self::NoMail => "中心不发邮件",
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
            Self::SignalToScript { signal, before_s } => {
                return format!(
                    "只有脚本本身能收到信号：请写 --signal=B:{signal}@{before_s}，由脚本捕获信号后通知各个步骤"
                );
            }
            Self::NodesOfTasks { tasks, nodes } => {
                return format!("{tasks} 个任务用不到 {nodes} 个节点，只分配 {tasks} 个");
            }
            Self::FirstNodeOnly => {
                "在使用 Slurm 的中心，脚本与 sbatch 一样只在首个节点启动一次，而它没有调用 srun；\
                 --launch=each-node 可在每个节点启动"
            }
        };
        text.to_owned()
    }
}
