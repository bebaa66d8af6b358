//! The mail that a job's submitter asked for, in the way of sbatch's `--mail-type` and `--mail-user`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::codes;

/// The most characters of whom mail goes to.
pub const MAX_MAIL_TO: usize = 254;

codes! {
    /// A moment of a job at which mail goes out.
    pub enum MailOn {
        /// Its first run begins.
        Begin = "begin",
        /// It ends, whichever way.
        End = "end",
        /// It ends, and neither well nor because somebody cancelled it.
        Fail = "fail",
        /// A run of it is tried again.
        Requeue = "requeue",
        /// It can never run, since what it waited for can't come about.
        NeverRan = "never_ran",
        /// A run reached its time limit.
        TimeLimit = "time_limit",
        /// All of this holds for each task of an array, and not for the array as a whole.
        EachTask = "each_task",
    }
}

/// The mail that is asked for with a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobMail {
    #[schema(min_items = 1, max_items = 7)]
    pub on: Vec<MailOn>,
    /// The login or the address of somebody of the tenant; whoever submits where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254)]
    pub to: Option<String>,
}

impl JobMail {
    pub(crate) fn is_on(&self, on: MailOn) -> bool {
        self.on.contains(&on)
    }

    /// Whether each task is told of, and not the job as a whole.
    pub fn is_of_tasks(&self) -> bool {
        self.is_on(MailOn::EachTask)
    }
}

/// What the words of `--mail-type` ask for. A word is sbatch's, in capitals or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailTypes {
    /// In their order, each once.
    pub on: Vec<MailOn>,
    /// Words for which the center sends no mail.
    pub not_sent: Vec<String>,
}

/// Reads the words of `--mail-type`, which are sbatch's. `NONE` takes back what stands before it.
pub fn mail_types(value: &str) -> MailTypes {
    let mut types = MailTypes::default();
    for word in value.split(',').filter(|word| !word.is_empty()) {
        let word = word.to_ascii_uppercase();
        let on: &[MailOn] = match word.as_str() {
            "NONE" => {
                types = MailTypes::default();
                &[]
            }
            "BEGIN" => &[MailOn::Begin],
            "END" => &[MailOn::End],
            "FAIL" => &[MailOn::Fail],
            "REQUEUE" => &[MailOn::Requeue],
            "INVALID_DEPEND" => &[MailOn::NeverRan],
            "TIME_LIMIT" => &[MailOn::TimeLimit],
            "ARRAY_TASKS" => &[MailOn::EachTask],
            "ALL" => &[MailOn::Begin, MailOn::End, MailOn::Fail, MailOn::Requeue, MailOn::NeverRan],
            _ => {
                types.not_sent.push(word);
                &[]
            }
        };
        types.on.extend(on);
    }
    types.on.sort_by_key(|on| MailOn::ALL.iter().position(|known| known == on));
    types.on.dedup();
    // Tasks alone are no moment.
    if types.on == [MailOn::EachTask] {
        types.on.clear();
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_sbatch_are_moments() {
        use MailOn::{Begin, EachTask, End, Fail, NeverRan, Requeue};
        assert_eq!(mail_types("end,BEGIN,END").on, [Begin, End]);
        assert_eq!(mail_types("ALL").on, [Begin, End, Fail, Requeue, NeverRan]);
        assert_eq!(mail_types("END,NONE").on, []);
        assert_eq!(mail_types("NONE,FAIL").on, [Fail]);
        assert_eq!(mail_types("ARRAY_TASKS").on, []);
        assert_eq!(mail_types("ARRAY_TASKS,FAIL").on, [Fail, EachTask]);
        let early = mail_types("END,time_limit_80,STAGE_OUT");
        assert_eq!((early.on, early.not_sent), (vec![End], vec!["TIME_LIMIT_80".into(), "STAGE_OUT".into()]));
    }
}
