//! The options: those of sbatch, with their names, short forms and whether they take a value, and the
//! center's own. Lines of scripts and the command line are read by this one table.

use super::note::NoteWhy;
use crate::problem::NotHere;

/// An option.
#[derive(Debug, PartialEq, Eq)]
pub struct Opt {
    pub name: &'static str,
    pub short: Option<char>,
    pub takes: Takes,
    pub role: Role,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// It may have one behind `=`.
    Perhaps,
    Value,
}

/// The way in which an option is dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    Read,
    /// It holds on a Slurm cluster only. The reason is for a center that starts processes itself.
    OnSlurm(NoteWhy),
    /// It does not change what the script does.
    Ignored(NoteWhy),
    /// It would change what a job gets, or when.
    Refused(NotHere),
    /// It is no option of sbatch, and stands on `#QIANTANG` lines and the command line.
    Own,
}

impl Opt {
    const fn new(name: &'static str, short: &str, takes: Takes, role: Role) -> Self {
        let short = match short.as_bytes() {
            [] => None,
            [c, ..] => Some(*c as char),
        };
        Self { name, short, takes, role }
    }

    /// An option of the center's own.
    pub const fn own(name: &'static str, takes: Takes) -> Self {
        Self::new(name, "", takes, Role::Own)
    }

    /// As it is written: `--nodes`.
    pub fn shown(&self) -> String {
        format!("--{}", self.name)
    }

    /// Whether this is `other` under another name.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name || (self.is_tasks_per_node() && other.is_tasks_per_node())
    }

    fn is_tasks_per_node(&self) -> bool {
        matches!(self.name, "ntasks-per-node" | "tasks-per-node")
    }
}

use NoteWhy as Why;
use Role::{Ignored, OnSlurm, Read, Refused};
use Takes::{Nothing, Perhaps, Value};

/// The options of sbatch.
pub static SBATCH: &[Opt] = &[
    Opt::new("account", "A", Value, Read),
    Opt::new("acctg-freq", "", Value, Ignored(Why::NoDifference)),
    Opt::new("array", "a", Value, Read),
    Opt::new("batch", "", Value, Refused(NotHere::Nodes)),
    Opt::new("bb", "", Value, Refused(NotHere::BurstBuffer)),
    Opt::new("bbf", "", Value, Refused(NotHere::BurstBuffer)),
    Opt::new("begin", "b", Value, Refused(NotHere::Begin)),
    Opt::new("chdir", "D", Value, OnSlurm(Why::OwnFolder)),
    Opt::new("cluster", "", Value, Refused(NotHere::Clusters)),
    Opt::new("cluster-constraint", "", Value, Refused(NotHere::Clusters)),
    Opt::new("clusters", "M", Value, Refused(NotHere::Clusters)),
    Opt::new("comment", "", Value, Read),
    Opt::new("constraint", "C", Value, Read),
    Opt::new("container", "", Value, Refused(NotHere::Container)),
    Opt::new("context", "", Value, Refused(NotHere::Identity)),
    Opt::new("contiguous", "", Nothing, Ignored(Why::CenterPlaces)),
    Opt::new("core-spec", "S", Value, Ignored(Why::ProcessorsShared)),
    Opt::new("cores-per-socket", "", Value, Ignored(Why::ProcessorsShared)),
    Opt::new("cpu-freq", "", Value, Ignored(Why::Frequencies)),
    Opt::new("cpus-per-gpu", "", Value, Ignored(Why::ProcessorsShared)),
    Opt::new("cpus-per-task", "c", Value, OnSlurm(Why::ProcessorsShared)),
    Opt::new("deadline", "", Value, Refused(NotHere::Deadline)),
    Opt::new("delay-boot", "", Value, Ignored(Why::NoDifference)),
    Opt::new("dependency", "d", Value, Read),
    Opt::new("distribution", "m", Value, Ignored(Why::ForSrun)),
    Opt::new("error", "e", Value, OnSlurm(Why::ErrorKept)),
    Opt::new("exclude", "x", Value, Refused(NotHere::Nodes)),
    Opt::new("exclusive", "", Perhaps, Read),
    Opt::new("export", "", Value, Read),
    Opt::new("export-file", "", Value, Refused(NotHere::ExportFile)),
    Opt::new("extra-node-info", "B", Value, Ignored(Why::ProcessorsShared)),
    Opt::new("get-user-env", "", Perhaps, Refused(NotHere::UserEnv)),
    Opt::new("gid", "", Value, Refused(NotHere::Identity)),
    Opt::new("gpu-bind", "", Value, Ignored(Why::ForSrun)),
    Opt::new("gpu-freq", "", Value, Ignored(Why::Frequencies)),
    Opt::new("gpus", "G", Value, Read),
    Opt::new("gpus-per-node", "", Value, Read),
    Opt::new("gpus-per-socket", "", Value, Refused(NotHere::PerSocket)),
    Opt::new("gpus-per-task", "", Value, Read),
    Opt::new("gres", "", Value, Read),
    Opt::new("gres-flags", "", Value, Ignored(Why::NoDifference)),
    Opt::new("help", "h", Nothing, Ignored(Why::NoDifference)),
    Opt::new("hint", "", Value, Ignored(Why::ForSrun)),
    Opt::new("hold", "H", Nothing, Refused(NotHere::Hold)),
    Opt::new("ignore-pbs", "", Nothing, Ignored(Why::NoDifference)),
    Opt::new("input", "i", Value, Ignored(Why::EmptyInput)),
    Opt::new("job-name", "J", Value, Read),
    Opt::new("kill-on-invalid-dep", "", Value, Ignored(Why::NeverRan)),
    Opt::new("licenses", "L", Value, Ignored(Why::NoLicences)),
    Opt::new("mail-type", "", Value, Read),
    Opt::new("mail-user", "", Value, Read),
    Opt::new("mcs-label", "", Value, Ignored(Why::NoDifference)),
    Opt::new("mem", "", Value, OnSlurm(Why::MemoryShared)),
    Opt::new("mem-bind", "", Value, Ignored(Why::ForSrun)),
    Opt::new("mem-per-cpu", "", Value, OnSlurm(Why::MemoryShared)),
    Opt::new("mem-per-gpu", "", Value, OnSlurm(Why::MemoryShared)),
    Opt::new("mincpus", "", Value, Ignored(Why::ProcessorsShared)),
    Opt::new("network", "", Value, Ignored(Why::NoDifference)),
    Opt::new("nice", "", Perhaps, Ignored(Why::OrderByClass)),
    Opt::new("no-kill", "k", Perhaps, Ignored(Why::WholeGang)),
    Opt::new("no-requeue", "", Nothing, Ignored(Why::AlwaysRetried)),
    Opt::new("nodefile", "F", Value, Refused(NotHere::Nodes)),
    Opt::new("nodelist", "w", Value, Refused(NotHere::Nodes)),
    Opt::new("nodes", "N", Value, Read),
    Opt::new("ntasks", "n", Value, OnSlurm(Why::OneProcess)),
    Opt::new("ntasks-per-core", "", Value, Ignored(Why::ForSrun)),
    Opt::new("ntasks-per-gpu", "", Value, Refused(NotHere::TasksPerCard)),
    Opt::new("ntasks-per-node", "", Value, OnSlurm(Why::OneProcess)),
    Opt::new("ntasks-per-socket", "", Value, Ignored(Why::ForSrun)),
    Opt::new("ntasks-per-tres", "", Value, Refused(NotHere::TasksPerCard)),
    Opt::new("open-mode", "", Value, Ignored(Why::OwnLogs)),
    Opt::new("output", "o", Value, OnSlurm(Why::OutputKept)),
    Opt::new("overcommit", "O", Nothing, Ignored(Why::ProcessorsShared)),
    Opt::new("oversubscribe", "s", Nothing, Ignored(Why::OwnCards)),
    Opt::new("parsable", "", Nothing, Ignored(Why::NoDifference)),
    Opt::new("partition", "p", Value, Ignored(Why::PoolsOfContract)),
    Opt::new("power", "", Value, Ignored(Why::NoDifference)),
    Opt::new("prefer", "", Value, Ignored(Why::CenterPlaces)),
    Opt::new("priority", "", Value, Ignored(Why::OrderByClass)),
    Opt::new("profile", "", Value, Ignored(Why::NoDifference)),
    Opt::new("propagate", "", Perhaps, Ignored(Why::CenterLimits)),
    Opt::new("qos", "q", Value, Read),
    Opt::new("quiet", "Q", Nothing, Ignored(Why::NoDifference)),
    Opt::new("reboot", "", Nothing, Refused(NotHere::Reboot)),
    Opt::new("requeue", "", Nothing, Ignored(Why::AlwaysRetried)),
    Opt::new("reservation", "", Value, Refused(NotHere::Reservation)),
    Opt::new("signal", "", Value, OnSlurm(Why::Terminated)),
    Opt::new("sockets-per-node", "", Value, Ignored(Why::ProcessorsShared)),
    Opt::new("spread-job", "", Nothing, Ignored(Why::CenterPlaces)),
    Opt::new("switches", "", Value, Ignored(Why::CenterPlaces)),
    Opt::new("tasks-per-node", "", Value, OnSlurm(Why::OneProcess)),
    Opt::new("test-only", "", Nothing, Refused(NotHere::TestOnly)),
    Opt::new("thread-spec", "", Value, Ignored(Why::ProcessorsShared)),
    Opt::new("threads-per-core", "", Value, Ignored(Why::ForSrun)),
    Opt::new("time", "t", Value, Read),
    Opt::new("time-min", "", Value, Ignored(Why::WholeLimit)),
    Opt::new("tmp", "", Value, Ignored(Why::DiskShared)),
    Opt::new("uid", "", Value, Refused(NotHere::Identity)),
    Opt::new("usage", "", Nothing, Ignored(Why::NoDifference)),
    Opt::new("use-min-nodes", "", Nothing, Ignored(Why::MostNodes)),
    Opt::new("verbose", "v", Nothing, Ignored(Why::NoDifference)),
    Opt::new("version", "V", Nothing, Ignored(Why::NoDifference)),
    Opt::new("wait", "W", Nothing, Ignored(Why::NoDifference)),
    Opt::new("wait-all-nodes", "", Value, Ignored(Why::WholeGang)),
    Opt::new("wckey", "", Value, Ignored(Why::NoDifference)),
    Opt::new("wrap", "", Value, Refused(NotHere::Wrap)),
];

/// The center's own options for a job.
pub static OWN: &[Opt] = &[Opt::own("launch", Value), Opt::own("secrets", Value)];

/// The option of sbatch with this full name.
pub fn named(name: &str) -> Option<&'static Opt> {
    SBATCH.iter().find(|opt| opt.name == name)
}
