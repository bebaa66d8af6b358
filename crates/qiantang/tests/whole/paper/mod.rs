//! Quotes and the texts of contracts: from what is offered to what is signed.

mod quotes;
mod renewing;
mod signing;
mod way;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};
use testkit::{Dice, PASSWORD, Site, agent, ask, credit_code};

/// The center as a party to contracts, and limits that no test meets.
const SETTINGS: &str = "[limits]\nsign_ins_per_minute = 1000000\napplications_per_hour = 1000000\n\
    [books.payee]\nname = \"钱塘智算有限公司\"\ntax_number = \"91330100799655058B\"\nbank = \"ICBC\"\naccount = \"6222\"\n";
/// The settings of [`SETTINGS`], where one person may do everything.
fn alone() -> String {
    format!("{SETTINGS}[books]\nseparate_duties = false\n")
}

/// Somebody of the center, with a token.
fn person(site: &Site, login: &str, role: &str) -> String {
    let new = json!({ "login": login, "name": login, "role": role, "password": PASSWORD });
    site.post("/api/v1/members", &site.operator, &new);
    site.login(login)
}

/// Names a tenant as it is registered, so that contracts can be made with it.
fn register(site: &Site, slug: &str) {
    let names = json!({ "legal_name": "某某大学", "tax_number": credit_code(slug) });
    let path = format!("/api/v1/tenants/{slug}");
    let (status, answer) = site.ask("PATCH", &path, &site.operator, Some(&names));
    assert_eq!(status, 200, "{answer}");
}

/// A line of a quote: so many card-hours of normal work with 8 cards.
fn line(card_hours: i64, discount_bp: u32) -> Value {
    json!({ "pool": "ascend-910", "service_class": "normal", "cards": 8, "card_ms": card_hours * 3_600_000,
        "discount_bp": discount_bp })
}

/// A quote for a tenant, of that kind and with these lines.
fn quote_for(tenant: &str, kind: &str, lines: &[Value]) -> Value {
    json!({ "tenant": tenant, "kind": kind, "lines": lines, "starts_at": "2020-01-01", "ends_at": "2099-01-01" })
}

fn draw_up(site: &Site, by: &str, new: &Value) -> String {
    site.post("/api/v1/quotes", by, new)["number"].as_str().expect("a number").to_owned()
}

/// Does something with a quote: status and answer.
fn act(site: &Site, by: &str, number: &str, step: &str) -> (u16, Value) {
    site.ask("POST", &format!("/api/v1/quotes/{number}/{step}"), by, Some(&json!({})))
}

fn quote(site: &Site, by: &str, number: &str) -> Value {
    site.get(&format!("/api/v1/quotes/{number}"), by)
}

/// Takes a contract some steps further, as that person.
fn take(site: &Site, by: &str, contract: &str, steps: &[&str]) -> (u16, Value) {
    let path = format!("/api/v1/contracts/{contract}/actions");
    let mut last = (0, Value::Null);
    for step in steps {
        last = site.ask("POST", &path, by, Some(&json!({ "action": step })));
    }
    last
}

fn texts(site: &Site, by: &str, contract: &str) -> Vec<Value> {
    let all = site.get(&format!("/api/v1/contracts/{contract}/texts"), by);
    all.as_array().expect("texts").clone()
}

/// Signs a text with what shows who signs: status and answer.
fn sign_with(site: &Site, by: &str, contract: &str, text: &Value, shown: (&str, &str)) -> (u16, Value) {
    let body = json!({ "version": text["version"], "sha256": text["sha256"], shown.0: shown.1 });
    site.ask("POST", &format!("/api/v1/contracts/{contract}/signatures"), by, Some(&body))
}

fn sign(site: &Site, by: &str, contract: &str, text: &Value) -> (u16, Value) {
    sign_with(site, by, contract, text, ("password", PASSWORD))
}

/// Waits until a person's inbox has a notice of that topic, which leads to that page.
fn hears(site: &Site, by: &str, topic: &str, page: &str) {
    site.wait_for("the notice", || {
        let inbox = site.get("/api/v1/notices", by);
        let is_it = |one: &Value| one["topic"] == topic && one["href"] == page;
        inbox["items"].as_array()?.iter().any(is_it).then_some(())
    });
}

fn books_are_right(site: &Site) {
    let check = site.get("/api/v1/ledger/check", &site.operator);
    assert_eq!((&check["is_balanced"], &check["problems"]), (&json!(true), &json!([])), "{check}");
}

/// Posts one body after another as somebody who asks again whatever was not answered, with a thread of their own. How many were
/// answered that it was they who did it; a conflict says that it is done already.
fn click(site: &Site, token: String, wanted: Vec<(String, Value)>) -> JoinHandle<usize> {
    let url = site.url.clone();
    std::thread::spawn(move || {
        let is_done = |(path, body): &(String, Value)| loop {
            match ask(&agent(), &url, "POST", path, &token, Some(body), &[]) {
                Ok((200 | 201, _)) => return true,
                Ok((409, _)) => return false,
                _ => std::thread::yield_now(),
            }
        };
        wanted.iter().filter(|one| is_done(one)).count()
    })
}

/// Kills the center with SIGKILL and starts it again, within so many milliseconds each time, until all have done their clicks. How
/// many were told that they did it.
fn killed_meanwhile(site: &mut Site, clickers: Vec<JoinHandle<usize>>, within_ms: u64) -> usize {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let done = clickers.into_iter().map(|clicker| clicker.join().expect("it clicks")).sum();
            is_over.store(true, Ordering::SeqCst);
            done
        });
        let mut dice = Dice::by_the_clock();
        while !is_over.load(Ordering::SeqCst) {
            // The sleep picks a random instant; it waits for nothing.
            std::thread::sleep(Duration::from_millis(dice.below(within_ms)));
            site.kill();
            site.start();
        }
        watch.join().expect("all were clicked")
    })
}
