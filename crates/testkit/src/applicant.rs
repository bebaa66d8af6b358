//! Somebody who has no account and applies for one.

use crate::{Browser, Site};

/// A unified social credit code whose check digit is right.
pub const CREDIT_CODE: &str = "91330100799655058B";

/// The form for joining, which lacks nothing, for an organisation of that short name.
pub fn join_form(slug: &str) -> Vec<(&'static str, String)> {
    [
        ("legal_name", "钱湾智能科技有限公司"),
        ("name_en", "Qianwan AI"),
        ("tax_number", CREDIT_CODE),
        ("slug", slug),
        ("contact", "Li Lei"),
        ("email", "li.lei@example.com"),
        ("phone", "0571-8888 0000"),
        ("work", "speech"),
        ("cards", "16"),
        ("card_hours", "2,000"),
        ("purpose", "training a speech model"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// Hands an application to join in. Gives its number, and the secret by which it is found.
pub fn apply(site: &Site, domain: &str, slug: &str) -> (String, String) {
    let form = join_form(slug);
    let fields = form.iter().map(|(name, value)| (*name, value.as_str()));
    let fields: Vec<_> = fields.chain([("domain", domain), ("act", "hand-in")]).collect();
    let answer = Browser::new(site).post("/apply", &fields, &[]);
    assert_eq!(answer.status, 303, "{}", answer.body);
    let to = answer.header("location");
    let found = to.strip_prefix("/apply/").and_then(|to| to.split_once("?secret="));
    let (number, secret) = found.unwrap_or_else(|| panic!("{to}"));
    (number.to_owned(), secret.to_owned())
}
