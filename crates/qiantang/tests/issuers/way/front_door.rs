//! A stranger finds the center, sees what it costs, and applies; is asked back, mends the application by its link, and is decided on
//! by two different people of the center.

use testkit::{PASSWORD, Person, join_form};

use super::{
    center::{Center, SLUG},
    opening::Staff,
};

const EMAIL: &str = "li.lei@example.com";

/// The stranger, once they are the administrator of a tenant.
pub struct Applied {
    pub admin: Person,
    /// The number of the quote that they accepted.
    pub quote: String,
}

pub fn play(center: &Center, staff: &Staff) -> Option<Applied> {
    let stranger = center.person("lilei", "zh")?;
    stranger.open("/");
    stranger.reads(&["钱塘", "¥ 12.345678", "ascend-910"]);
    stranger.follow("/apply");
    stranger.follow("/apply?domain=enterprise");
    let form = join_form("enterprise", SLUG);
    let fields: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    stranger.send("/apply", "hand-in", &fields);
    let path = stranger.path();
    let number = path.strip_prefix("/apply/").and_then(|rest| rest.split('?').next()).expect("a number");
    stranger.reads(&[number, "待评审"]);

    returned_and_mended(center, staff, &stranger, number);
    let quote = quoted(staff, &stranger, number);

    // Two people, and not one twice.
    let clerk = &staff.clerk.person;
    clerk.open(&format!("/applications/{number}"));
    clerk.send("/verdict", "approve", &[]);
    assert!(!clerk.source().contains("value=\"approve\""), "nobody speaks twice: {}", clerk.page());
    let operator = &staff.operator.person;
    operator.wait_for_words("/notices", number);
    operator.follow(&format!("/applications/{number}"));
    operator.reads(&["钱湾智能科技有限公司", "a speech model, from recordings of our own"]);
    operator.send("/verdict", "approve", &[]);
    operator.reads(&["in effect", SLUG, &format!("{}/apply/{number}/account?secret=", center.site.url)]);

    // The mail leads to the account of the one who is to administer the tenant.
    let link = center.link(&center.mail(EMAIL, "已生效"), "/apply/");
    stranger.open(&link);
    stranger.reads(&["qianwan-ai-admin"]);
    stranger.follow("/account");
    stranger.send("/account", "", &[("password", PASSWORD), ("again", PASSWORD)]);
    assert_eq!(stranger.path(), "/sign-in");
    stranger.send("/sign-in", "", &[("login", "qianwan-ai-admin"), ("password", PASSWORD)]);
    Some(Applied { admin: stranger, quote })
}

/// A reviewer sends it back with a reason, which the applicant reads in the mail and on the page, and hands it in again.
fn returned_and_mended(center: &Center, staff: &Staff, stranger: &Person, number: &str) {
    let clerk = &staff.clerk.person;
    clerk.wait_for_words("/notices", number);
    clerk.follow(&format!("/applications/{number}"));
    clerk.send("/verdict", "return", &[("reason", "训练数据从何而来？")]);
    clerk.reads(&["训练数据从何而来？"]);
    let mail = center.mail(EMAIL, "back with the applicant");
    assert!(mail.contains("训练数据从何而来？"), "{mail}");
    stranger.open(&center.link(&mail, "/apply/"));
    stranger.reads(&["训练数据从何而来？"]);
    let mended = [("purpose", "a speech model, from recordings of our own")];
    stranger.send(&format!("/apply/{number}"), "hand-in", &mended);
    stranger.reads(&["待评审"]);
}

/// A clerk makes an offer from the application's page; the applicant accepts it by the link. Its number.
fn quoted(staff: &Staff, stranger: &Person, number: &str) -> String {
    let clerk = &staff.clerk.person;
    clerk.open(&format!("/applications/{number}"));
    clerk.follow("/quotes/new");
    let terms = [
        ("kind", "metered"),
        ("credit", "1000"),
        ("starts", "2020-01-01"),
        ("ends", "2099-01-01"),
        ("pool-1", "ascend-910"),
        ("class-1", "normal"),
        ("cards-1", "16"),
        ("hours-1", "2,000"),
    ];
    clerk.send("/quotes/new", "", &terms);
    let quote = clerk.path().strip_prefix("/quotes/").expect("a quote").to_owned();
    clerk.send("/act", "send", &[]);
    stranger.open(&stranger.path());
    stranger.follow(&format!("quote={quote}"));
    stranger.reads(&[&quote, "¥ 12.345678"]);
    stranger.send("/quote", "", &[]);
    quote
}
