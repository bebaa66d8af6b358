//! A center in another time zone: pages, commands, dates and days go by its own clock; the API stays in UTC.

use domain::{Timestamp, Zone};
use serde_json::Value;
use testkit::{Browser, Site, Terminal, grant, job};

use crate::QIANTANG;

/// A center in New York, and its clock.
fn site() -> (Site, Zone) {
    let site = Site::new(QIANTANG, 1, "time_zone = \"America/New_York\"\n");
    (site, "America/New_York".parse().expect("a zone"))
}

fn at(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("an instant: {value}"))
}

#[test]
fn a_job_s_times_are_told_by_the_center_s_clock() {
    let (site, zone) = site();
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let id = site.submit(&tenant, &job("elsewhere", "true"));
    site.wait_for_end(&tenant.developer, &id);
    let developer = Terminal::signed_in(&site, "univ-developer");
    let shown = developer.json(&["show", &id]);
    let (submitted, started) = (&shown["submitted_at"], &shown["runs"][0]["started_at"]);
    assert!(submitted.as_str().is_some_and(|text| text.ends_with('Z')), "programs read UTC: {shown}");
    let (submitted, started) = (zone.clock(at(submitted)), zone.clock(at(started)));

    let said = developer.ok(&["show", &id]);
    for text in ["submitted (America/New_York)", "started (America/New_York)", &submitted, &started] {
        assert!(said.contains(text), "no `{text}`: {said}");
    }
    let said = developer.ok(&["jobs", "--lang", "zh"]);
    assert!(said.contains("提交（America/New_York）") && said.contains(&submitted), "{said}");

    let browser = Browser::signed_in(&site, "univ-developer");
    let page = browser.get(&format!("/jobs/{id}")).body;
    for text in [&format!(">{started}<"), "Times: America/New_York (UTC−"] {
        assert!(page.contains(text), "no `{text}`: {page}");
    }
    // Every answer of the API names the zone, a refusal as well.
    for path in ["/api/v1/jobs", "/api/v1/jobs/none", "/api/v1/no-such-thing"] {
        assert_eq!(browser.get(path).header("center-time-zone"), "America/New_York", "{path}");
    }
}

#[test]
fn dates_begin_at_the_center_s_midnight() {
    let (site, zone) = site();
    site.tenant("univ", "research", &grant(), 8);
    let at_terminal = Terminal::signed_in(&site, "operator");
    let browser = Browser::signed_in(&site, "operator");
    // Summer time holds on the first day and not on the last.
    let (first, last) = ("2026-07-01", "2099-01-01");
    let terms =
        ["--tenant", "univ", "--kind", "grant", "--pool", "ascend-910", "--from", first, "--until", last];
    at_terminal.ok(&[&["contracts", "new", "by-command"], &terms[..]].concat());
    let fields = [
        ("number", "by-form"),
        ("tenant", "univ"),
        ("kind", "grant"),
        ("cap", ""),
        ("pool", "ascend-910"),
        ("starts", first),
        ("ends", last),
        ("guaranteed", "0"),
        ("most", "8"),
        ("weight", "1"),
        ("borrowing", ""),
        ("lending", ""),
    ];
    let made = browser.send_form("/contracts/new", &fields);
    assert_eq!(made.status, 303, "{}", made.body);
    let all = site.get("/api/v1/contracts", &site.operator);
    for number in ["by-command", "by-form"] {
        let contract = all.as_array().into_iter().flatten().find(|contract| contract["number"] == number);
        let contract = contract.unwrap_or_else(|| panic!("no {number}: {all}"));
        assert_eq!(contract["starts_at"], "2026-07-01T04:00:00.000Z", "{number}");
        assert_eq!(contract["ends_at"], "2099-01-01T05:00:00.000Z", "{number}");
    }
    let page = browser.get(made.header("location")).body;
    assert!(page.contains(&format!(">{first}<")) && page.contains(&format!(">{last}<")), "{page}");

    // The days of the audit log are the center's, both of them in it.
    let newest = &site.get("/api/v1/audit?action=submit_contract&limit=1", &site.operator)["items"][0];
    let day = zone.day(at(&newest["at"]));
    let day = |later: i64| zone.date(zone.day_begins(day + later));
    let shows = |from: &str, to: &str| {
        browser.get(&format!("/audit?action=submit_contract&from={from}&to={to}")).body.contains("by-form")
    };
    assert!(shows(&day(0), &day(0)));
    assert!(!shows(&day(-1), &day(-1)) && !shows(&day(1), &day(1)));
    let whole_day = site.get(&format!("/api/v1/audit?from={}&to={}", day(0), day(1)), &site.operator);
    assert!(whole_day.to_string().contains("by-form"), "{whole_day}");
}

#[test]
fn use_is_told_by_whole_days_of_the_center() {
    let (site, zone) = site();
    let tenant = site.tenant("univ", "research", &grant(), 8);
    let id = site.submit(&tenant, &job("used", "sleep 0.05"));
    let ended = site.wait_for_end(&tenant.developer, &id);
    let usage = |query: &str| site.ask("GET", &format!("/api/v1/usage?{query}"), &tenant.developer, None);

    let (status, told) = usage("from=2025-07-01&to=2025-07-02");
    assert_eq!(status, 200, "{told}");
    assert_eq!(
        (at(&told["from"]), at(&told["to"])),
        (
            "2025-07-01T04:00:00Z".parse().expect("an instant"),
            "2025-07-02T04:00:00Z".parse().expect("an instant"),
        )
    );
    assert_eq!(
        usage("from=2025-07-01T04:00:00Z&to=2025-07-02T04:00:00Z").1,
        told,
        "the same days as instants"
    );
    let (status, refused) = usage("from=2025-07-01T00:00:00Z");
    assert_eq!(status, 422);
    assert!(refused.to_string().contains("America/New_York"), "it says whose days: {refused}");

    // The job was used on the days on which it ran, and on none before.
    let day = |instant: &Value, later: i64| zone.date(zone.day_begins(zone.day(at(instant)) + later));
    let (first, end) = (day(&ended["submitted_at"], 0), day(&ended["ended_at"], 1));
    let used =
        |from: &str, to: &str| usage(&format!("from={from}&to={to}")).1["total"]["used_card_ms"].clone();
    assert_eq!(used(&first, &end), ended["used_card_ms"], "{ended}");
    assert_eq!(used(&day(&ended["submitted_at"], -1), &first), 0);
}
