//! For which moments of a job mail goes out.

use super::JobOutcome;
use crate::spec::mail::{JobMail, MailOn};

/// What happened to a job, or to a task of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    Began,
    TriedAgain,
    Ended(JobOutcome),
}

impl JobMail {
    /// Whether mail goes out for this.
    pub fn wants(&self, happened: Happened) -> bool {
        let on = |on| self.is_on(on);
        match happened {
            Happened::Began => on(MailOn::Begin),
            Happened::TriedAgain => on(MailOn::Requeue),
            Happened::Ended(JobOutcome::Succeeded | JobOutcome::Cancelled) => on(MailOn::End),
            Happened::Ended(JobOutcome::NeverRan) => on(MailOn::NeverRan) || on(MailOn::End),
            Happened::Ended(JobOutcome::TimedOut) => {
                on(MailOn::TimeLimit) || on(MailOn::Fail) || on(MailOn::End)
            }
            Happened::Ended(JobOutcome::Failed | JobOutcome::Stopped | JobOutcome::Lost) => {
                on(MailOn::Fail) || on(MailOn::End)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::mail::mail_types;

    fn mail(value: &str) -> JobMail {
        JobMail { on: mail_types(value).on, to: None }
    }

    #[test]
    fn an_end_is_told_by_what_it_was() {
        use JobOutcome::{Failed, Lost, NeverRan, Stopped, TimedOut};
        let told = |value: &str| {
            let mail = mail(value);
            JobOutcome::ALL.into_iter().filter(|how| mail.wants(Happened::Ended(*how))).collect::<Vec<_>>()
        };
        assert_eq!(told("END"), JobOutcome::ALL);
        assert_eq!(told("FAIL"), [Failed, TimedOut, Stopped, Lost]);
        assert_eq!(told("INVALID_DEPEND"), [NeverRan]);
        assert_eq!(told("TIME_LIMIT"), [TimedOut]);
        assert_eq!(told("BEGIN,REQUEUE"), []);
        assert!(mail("BEGIN").wants(Happened::Began) && !mail("END").wants(Happened::Began));
        assert!(mail("REQUEUE").wants(Happened::TriedAgain) && !mail("BEGIN").wants(Happened::TriedAgain));
        assert!(mail("ALL,ARRAY_TASKS").is_of_tasks() && !mail("ALL").is_of_tasks());
    }
}
