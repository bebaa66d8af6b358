//! Somebody who has no account and applies for one.

use crate::{Browser, Site};

/// The unified social credit code of the organisation with that short name, whose check digit is right.
pub fn credit_code(slug: &str) -> String {
    let number = slug.bytes().fold(7_u64, |sum, byte| (sum * 131 + u64::from(byte)) % 10_000_000_000_000);
    let body = format!("9133{number:013}");
    let mut all = ('0'..='9').chain('A'..='Z').map(|last| format!("{body}{last}"));
    all.find(|code| domain::tenant::read_credit_code(code).is_ok()).expect("one check digit is right")
}

/// The form for joining in a domain, which lacks nothing, for an organisation of that short name.
pub fn join_form(domain: &str, slug: &str) -> Vec<(&'static str, String)> {
    let own: &[_] = match domain {
        "research" => &[("group", "School of Computer Science")],
        "enterprise" => &[("staff", "86")],
        "government" => &[("approval", "2026-12"), ("protection", "3")],
        other => panic!("`{other}` is no domain"),
    };
    let code = credit_code(slug);
    let all = [
        ("legal_name", "钱湾智能科技有限公司"),
        ("name_en", "Qianwan AI"),
        ("tax_number", code.as_str()),
        ("slug", slug),
        ("contact", "Li Lei"),
        ("email", "li.lei@example.com"),
        ("phone", "0571-8888 0000"),
        ("work", "speech"),
        ("cards", "16"),
        ("card_hours", "2,000"),
        ("purpose", "training a speech model"),
    ];
    all.iter().chain(own).map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// Hands an application to join in. Gives its number, and the secret by which it is found.
pub fn apply(site: &Site, domain: &str, slug: &str) -> (String, String) {
    let form = join_form(domain, slug);
    let fields = form.iter().map(|(name, value)| (*name, value.as_str()));
    let fields: Vec<_> = fields.chain([("domain", domain), ("act", "hand-in")]).collect();
    let answer = Browser::new(site).post("/apply", &fields, &[]);
    assert_eq!(answer.status, 303, "{}", answer.body);
    let to = answer.header("location");
    let found = to.strip_prefix("/apply/").and_then(|to| to.split_once("?secret="));
    let (number, secret) = found.unwrap_or_else(|| panic!("{to}"));
    (number.to_owned(), secret.to_owned())
}
