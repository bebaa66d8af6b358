//! The audit log: filtered by whose things, who, what and when.

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    auth::Action,
    detail::{Detail, Reads},
    error::AppError,
    http::encode,
    noun::Platform,
    page::{
        extract::Asked,
        form::Choice,
        frame::{Page, Visitor, ok},
        words::Ui,
    },
};
use domain::{
    CardMs, MicroCny, Millis, Timestamp, Zone,
    problem::{Field, Wrong, field},
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    app::{
        audit_log::{self, AuditQuery, AuditView},
        members,
    },
    center::Center,
    portal::tenants::tenants_by_name,
    start::actions_of,
};

/// Logins that are offered for the filter.
const MOST_LOGINS: usize = 500;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuditPageQuery {
    tenant: String,
    actor: String,
    action: String,
    /// Days, both of them in it.
    from: String,
    to: String,
    cursor: String,
}

impl AuditPageQuery {
    fn href(&self, cursor: &str) -> String {
        let parts = [
            ("tenant", self.tenant.as_str()),
            ("actor", &self.actor),
            ("action", &self.action),
            ("from", &self.from),
            ("to", &self.to),
            ("cursor", cursor),
        ];
        let given: Vec<String> = parts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        if given.is_empty() { "/audit".to_owned() } else { format!("/audit?{}", given.join("&")) }
    }

    fn filter(&self, zone: &Zone) -> Result<AuditQuery, AppError> {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let from = day(zone, field::FROM, &self.from)?;
        let to = day(zone, field::TO, &self.to)?.map(|at| zone.day_begins(zone.day(at) + 1));
        Ok(AuditQuery {
            action: some(&self.action),
            actor: some(&self.actor),
            tenant: some(&self.tenant),
            from: from.map(|at| at.to_string()),
            to: to.map(|at| at.to_string()),
            cursor: some(&self.cursor),
            limit: None,
        })
    }
}

/// The instant at which a day begins at the center.
fn day(zone: &Zone, field: Field, text: &str) -> Result<Option<Timestamp>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = zone.parse(text).ok().filter(|_| text.len() == 10);
    read.map(Some).ok_or_else(|| AppError::invalid(field, Wrong::NotADay { given: text.to_owned() }))
}

struct AuditRow {
    entry: AuditView,
    /// The name of the thing that was changed, or its id; `href` is empty if the thing has no page.
    subject: String,
    href: String,
    details: Vec<(String, String)>,
    tenant: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    page: Page,
    query: AuditPageQuery,
    actions: Vec<Choice>,
    tenants: Vec<Choice>,
    logins: Vec<String>,
    lines: Vec<AuditRow>,
    is_filtered: bool,
    newest: String,
    older: String,
}

pub async fn page(
    State(center): State<Center>,
    Asked(wanted): Asked<AuditPageQuery>,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let filter = wanted.filter(ui.zone)?;
    let found = audit_log::list(&center, &visitor.caller, filter).await?;
    let codes = actions_of(center.platforms).filter(|action| action.is_change()).map(Action::code);
    let members = members::list(&center, &visitor.caller).await?;
    let mut logins: Vec<String> = members.into_iter().map(|member| member.login).take(MOST_LOGINS).collect();
    logins.push("center".into());
    let line = |entry: AuditView| AuditRow {
        subject: name_of(&entry.detail).unwrap_or(&entry.subject).to_owned(),
        href: href(&entry.subject),
        details: details(ui, named(center.platforms, &entry.action), &entry.detail),
        tenant: entry.owner.as_ref().map(|name| name.in_lang(ui.lang).to_owned()).unwrap_or_default(),
        entry,
    };
    let page = AuditPage {
        page: visitor.page("audit", ui.t("nav-audit")),
        is_filtered: wanted.href(&wanted.cursor) != "/audit",
        newest: if wanted.cursor.is_empty() { String::new() } else { wanted.href("") },
        older: found.next_cursor.map(|next| wanted.href(&next)).unwrap_or_default(),
        query: wanted,
        actions: codes.map(|code| Choice::new(code, ui.word("action", code))).collect(),
        tenants: tenants_by_name(&center, &visitor).await?,
        logins,
        lines: found.items.into_iter().map(line).collect(),
    };
    Ok(ok(&page))
}

fn href(subject: &str) -> String {
    match subject.split_once('_') {
        Some(("job", _)) => format!("/jobs/{subject}"),
        Some(("con", _)) => format!("/contracts/{subject}"),
        _ => String::new(),
    }
}

/// Fields by which the thing itself is called.
const NAMES: [&str; 5] = ["number", "name", "login", "slug", "node"];

fn name_of(detail: &Value) -> Option<&str> {
    NAMES.iter().find_map(|key| detail.get(key)?.as_str())
}

/// The details that the audit log keeps of an action.
fn named(platforms: &[Platform<Center>], action: &str) -> &'static [Detail] {
    actions_of(platforms).find(|known| known.code() == action).map_or(&[], Action::details)
}

/// The details that were recorded of a change, in words and in the order in which its action names them, without the name
/// of the thing changed. One that its action no longer names stands as it was kept.
fn details(ui: Ui, named: &[Detail], detail: &Value) -> Vec<(String, String)> {
    let Value::Object(fields) = detail else { return Vec::new() };
    let name = NAMES.iter().find(|key| detail.get(key).is_some_and(Value::is_string)).copied();
    let is_said = |(key, value): &(&str, &Value)| {
        name != Some(*key) && !value.is_null() && **value != "" && **value != 0
    };
    let of_action = named.iter().filter_map(|one| Some((one, fields.get(one.key)?)));
    let of_action = of_action.filter(|(one, value)| is_said(&(one.key, value)));
    let of_action = of_action.map(|(one, value)| (ui.t(&one.text_key()), value_text(ui, one.reads, value)));
    let others = fields.iter().map(|(key, value)| (key.as_str(), value)).filter(is_said);
    let others = others.filter(|(key, _)| named.iter().all(|one| one.key != *key));
    let others = others.map(|(key, value)| (key.to_owned(), value_text(ui, Reads::Text, value)));
    of_action.chain(others).collect()
}

fn value_text(ui: Ui, reads: Reads, value: &Value) -> String {
    match (reads, value) {
        (Reads::Money, Value::Number(n)) => format!("¥ {}", MicroCny(n.as_i64().unwrap_or_default())),
        (Reads::CardTime, Value::Number(n)) => {
            format!("{} {}", ui.exact_hours(&CardMs(n.as_i64().unwrap_or_default())), ui.t("card-hours"))
        }
        (Reads::Millis, Value::Number(n)) => ui.span(Millis(n.as_i64().unwrap_or_default())),
        (Reads::Count, Value::Number(n)) => ui.count(n),
        (Reads::Word { family, .. }, Value::String(code)) => ui.word(family, code),
        (Reads::Instant, Value::String(text)) => {
            text.parse::<Timestamp>().map_or_else(|_| text.clone(), |at| ui.zone.clock(at))
        }
        (Reads::Fields(named), Value::Object(_)) => {
            let told = details(ui, named, value).into_iter().map(|(word, value)| format!("{word} {value}"));
            told.collect::<Vec<_>>().join(ui.t("comma").as_str())
        }
        (_, Value::Array(each)) => {
            let texts: Vec<String> = each.iter().map(|each| value_text(ui, reads, each)).collect();
            texts.join(ui.t("comma").as_str())
        }
        (_, Value::Bool(true)) => ui.t("yes"),
        (_, Value::Bool(false)) => ui.t("no"),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use domain::Lang;
    use serde_json::json;

    use super::*;
    use crate::{
        actions,
        portal::sample::{Sample, views},
    };

    impl Sample for AuditPage {
        fn samples(page: &Page) -> Vec<Self> {
            let entry = AuditView {
                id: views::id("aud_"),
                at: views::AT.into(),
                actor: "li".into(),
                role: "admin".into(),
                tenant: Some(views::id("ten_")),
                owner: Some(views::owner().name),
                action: "submit_job".into(),
                subject: views::job().id.to_string(),
                from: "10.0.0.1".into(),
                detail: Value::Null,
            };
            let by_itself = AuditView { actor: "center".into(), from: String::new(), ..entry.clone() };
            let line = |entry: AuditView, href: &str| AuditRow {
                entry,
                subject: "Sweep".into(),
                href: href.into(),
                details: vec![("8".into(), "<16>".into()), ("2".into(), "3".into())],
                tenant: "Univ".into(),
            };
            let full = Self {
                page: page.clone(),
                query: AuditPageQuery {
                    actor: "li".into(),
                    action: "top_up".into(),
                    tenant: "univ".into(),
                    ..AuditPageQuery::default()
                },
                actions: vec![Choice::new("top_up", page.word("action", "top_up"))],
                tenants: views::tenants(),
                logins: vec!["li".into()],
                lines: vec![line(entry, "/jobs/job_1"), line(by_itself, "")],
                is_filtered: true,
                newest: "/audit".into(),
                older: "/audit?cursor=2".into(),
            };
            let empty = Self {
                page: page.clone(),
                query: AuditPageQuery::default(),
                actions: Vec::new(),
                tenants: Vec::new(),
                logins: Vec::new(),
                lines: Vec::new(),
                is_filtered: false,
                newest: String::new(),
                older: String::new(),
            };
            vec![full, empty]
        }
    }

    #[test]
    fn days_are_the_center_s_and_both_are_in() {
        let wanted = AuditPageQuery {
            from: "2026-05-20".into(),
            to: "2026-05-20".into(),
            ..AuditPageQuery::default()
        };
        let china = Zone::default();
        let filter = wanted.filter(&china).unwrap();
        assert_eq!(filter.from.as_deref(), Some("2026-05-19T16:00:00.000Z"));
        assert_eq!(filter.to.as_deref(), Some("2026-05-20T16:00:00.000Z"));
        for bad in ["soon", "2026-05-20T00:00:00Z", "2026-05-32"] {
            assert!(
                AuditPageQuery { from: bad.into(), ..AuditPageQuery::default() }.filter(&china).is_err(),
                "{bad}"
            );
        }
        // The day on which the clocks go back there has 25 hours.
        let wanted = AuditPageQuery {
            from: "2026-11-01".into(),
            to: "2026-11-01".into(),
            ..AuditPageQuery::default()
        };
        let filter = wanted.filter(&"America/New_York".parse().unwrap()).unwrap();
        assert_eq!(filter.from.as_deref(), Some("2026-11-01T04:00:00.000Z"));
        assert_eq!(filter.to.as_deref(), Some("2026-11-02T05:00:00.000Z"));
    }

    #[test]
    fn a_page_keeps_the_filter() {
        let wanted =
            AuditPageQuery { actor: "a b".into(), action: "top_up".into(), ..AuditPageQuery::default() };
        assert_eq!(wanted.href("x"), "/audit?actor=a%20b&action=top_up&cursor=x");
        assert_eq!(AuditPageQuery::default().href(""), "/audit");
    }

    #[test]
    fn details_are_words() {
        let told = |action: Action, detail: &Value| {
            let ui = crate::portal::sample::ui(Lang::Zh);
            let told = details(ui, named(&[crate::PLATFORM], action.code()), detail);
            let told: Vec<String> = told.into_iter().map(|(word, value)| format!("{word} {value}")).collect();
            told.join("; ")
        };
        let paid = json!({ "number": "HZ-1", "amount_micro_cny": 1_500_000, "card_ms": 0, "reference": "",
            "purpose": "fee" });
        assert_eq!(told(actions::TOP_UP, &paid), "金额 ¥ 1.50; 用途 合同费用");
        let back = json!({ "number": "HZ-1", "used_card_ms": -3_600_000, "charge_micro_cny": -2_000_000 });
        assert_eq!(told(actions::WAKE_CONTRACT, &back), "用量 − 1.0000 卡时; 费用 ¥ -2.00");
        let work = json!({ "node": "gpu-1", "maintenance":
            { "from": "2026-05-20T00:00:00.000Z", "until": "2026-05-20T01:00:00.000Z", "reason": "fans" } });
        assert_eq!(
            told(actions::CHANGE_NODE, &work),
            "维护 从 2026-05-20 08:00:00，到 2026-05-20 09:00:00，原因 fans"
        );
        assert_eq!(
            told(actions::CHANGE_NODE, &json!({ "node": "gpu-1", "labels": ["a", "b"] })),
            "标签 a，b"
        );
        assert_eq!(told(actions::CLOCK_SET, &json!({ "by_ms": 2500 })), "偏移 2.5 秒");
        assert_eq!(
            told(actions::CLOCK_SET, &json!({ "of_old": 7 })),
            "of_old 7",
            "as an older center kept it"
        );
    }
}
