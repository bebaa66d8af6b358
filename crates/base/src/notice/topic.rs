//! What people hear of: the topics of events, whom each concerns, and by which channels it reaches them where nobody said
//! otherwise. All of it is data beside the kinds of events.

use domain::Role;
use serde_json::Value;

domain::codes! {
    /// How a notice reaches a person.
    pub enum Channel {
        /// The inbox in the portal, which always works.
        Inbox = "inbox",
        Mail = "mail",
    }
}

/// Whom a topic concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The member who submitted the event's job.
    Submitter,
    /// The member who asks, for an application.
    Applicant,
    /// The people of the event's tenant in a role.
    Tenant(Role),
    /// The center's own people in a role.
    Center(Role),
    /// The center's own people in the role that the event's data names under a key; it is one of a few.
    CenterNamed { key: &'static str, among: &'static [Role] },
}

/// A thing that people hear of. Its words are the text `notice-<code>`, with the event's data as values; how it is called
/// among the wishes is `topic-<code>`.
#[derive(Debug)]
pub struct Topic {
    pub code: &'static str,
    pub to: &'static [Audience],
    /// Whether an event of the kind, by its data, is about this.
    pub when: fn(&Value) -> bool,
    /// By which channels it comes where a person did not say otherwise.
    pub by_default: &'static [Channel],
    /// The page that it is about, with values of the data in braces: `/jobs/{job}`.
    pub page: &'static str,
    /// Values that are codes, each with the family of texts that has its word: `("outcome", "state")`.
    pub words: &'static [(&'static str, &'static str)],
}

impl Topic {
    /// The text's key: `notice-job-failed`.
    pub fn key(&self) -> String {
        format!("notice-{}", self.code.replace('_', "-"))
    }

    /// The page that an event is about: empty where a value of its address is missing.
    pub fn page_of(&self, data: &Value) -> String {
        let mut page = String::new();
        for (at, part) in self.page.split(['{', '}']).enumerate() {
            if at % 2 == 0 {
                page.push_str(part);
                continue;
            }
            match data.get(part).and_then(Value::as_str) {
                Some(value) => page.push_str(value),
                None => return String::new(),
            }
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_page_is_that_of_the_data() {
        let topic = |page| Topic { code: "a_b", to: &[], when: |_| true, by_default: &[], page, words: &[] };
        assert_eq!(topic("/jobs/{job}/log").page_of(&json!({ "job": "job_1" })), "/jobs/job_1/log");
        assert_eq!(topic("/jobs/{job}").page_of(&json!({ "run": "run_1" })), "");
        assert_eq!(topic("/periods").page_of(&json!({})), "/periods");
        assert_eq!(topic("").key(), "notice-a-b");
    }
}
