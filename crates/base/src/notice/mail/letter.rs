//! The words of a mail, in a person's language or in both, as text and as HTML.

use domain::Lang;
use serde_json::Value;

use super::outbox::Mail;
use crate::{
    handle::Base,
    notice::said,
    page::{
        texts,
        words::{Ui, escape},
    },
};

/// A mail in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The address at which mail of this kind ends.
    pub unsubscribe: Option<String>,
}

/// The purpose of a mail that brings notices.
pub const NOTICES: &str = "notices";

/// A paragraph: words, and the address that they lead to.
struct Paragraph {
    words: String,
    link: Option<String>,
}

/// Writes a mail. `secret` is the end of its link, `unsubscribe` the path at which mail of its kind ends.
pub fn write(base: &Base, mail: &Mail, secret: Option<&str>, unsubscribe: Option<&str>) -> Letter {
    let link = match (mail.path.as_str(), secret) {
        ("", _) => None,
        (path, secret) => Some(base.common.notices.link(&format!("{path}{}", secret.unwrap_or_default()))),
    };
    let unsubscribe = unsubscribe.map(|path| base.common.notices.link(path));
    let langs = match mail.lang.as_deref().and_then(Lang::from_code) {
        Some(lang) => vec![lang],
        None => vec![Lang::Zh, Lang::En],
    };
    let subjects: Vec<String> = langs.iter().map(|lang| subject(base, *lang, mail)).collect();
    let (mut texts, mut htmls) = (Vec::new(), Vec::new());
    for lang in &langs {
        let paragraphs = paragraphs(base, *lang, mail, link.as_deref(), unsubscribe.as_deref());
        texts.push(as_text(&paragraphs));
        htmls.push(as_html(*lang, &paragraphs));
    }
    let lang = langs.first().map_or("zh-CN", |lang| html_lang(*lang));
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n\
         <body style=\"font-family:sans-serif;line-height:1.6\">\n{}</body></html>\n",
        escape(subjects.join(" / ")),
        htmls.join("<hr>\n")
    );
    Letter { subject: subjects.join(" / "), text: texts.join("\n----\n\n"), html, unsubscribe }
}

fn html_lang(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "zh-CN",
        Lang::En => "en",
    }
}

/// The notices that a mail brings.
fn items(mail: &Mail) -> impl Iterator<Item = &Value> {
    mail.data.get("items").and_then(Value::as_array).into_iter().flatten()
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn item_line(base: &Base, lang: Lang, item: &Value) -> String {
    let data = item.get("data").unwrap_or(&Value::Null);
    said::line(base.kinds(), lang, text_of(item, "topic"), data)
}

/// A line that ends no header: names are printable, and this makes sure of it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

fn subject(base: &Base, lang: Lang, mail: &Mail) -> String {
    let name = base.name(lang);
    let subject = match (mail.purpose.as_str(), items(mail).count()) {
        (NOTICES, 1) => items(mail).map(|item| item_line(base, lang, item)).collect(),
        (NOTICES, count) => texts::text(lang, "mail-notices-subject", &[("n", &count.to_string())]),
        (purpose, _) => words(base, lang, mail, &format!("mail-{purpose}-subject")),
    };
    one_line(&format!("[{name}] {subject}"))
}

/// A text of a mail with the values of its data.
fn words(base: &Base, lang: Lang, mail: &Mail, key: &str) -> String {
    let families =
        [("state", "state"), ("deed", "deed"), ("role", "role"), ("application", "application-state")];
    let mut args = said::args(&families, lang, &mail.data);
    // What has a name in each language goes by the one of this text.
    let mark = format!("-{}", lang.code());
    for (name, _) in &mut args {
        if let Some(plain) = name.strip_suffix(&mark) {
            *name = plain.to_owned();
        }
    }
    args.push(("center".to_owned(), base.name(lang).to_owned()));
    texts::text(lang, key, &said::pairs(&args))
}

fn paragraphs(
    base: &Base,
    lang: Lang,
    mail: &Mail,
    link: Option<&str>,
    unsubscribe: Option<&str>,
) -> Vec<Paragraph> {
    let mut all = Vec::new();
    let ui = Ui { lang, zone: base.common.time_zone };
    if mail.purpose == NOTICES {
        for item in items(mail) {
            let at = text_of(item, "at").parse::<domain::Timestamp>().ok();
            let at = at.map(|at| ui.zone.rfc3339(at).chars().take(16).collect::<String>().replace('T', " "));
            let words = format!("{} {}", at.unwrap_or_default(), item_line(base, lang, item));
            let href = text_of(item, "href");
            let link = (!href.is_empty()).then(|| base.common.notices.link(href));
            all.push(Paragraph { words, link });
        }
    } else {
        let words = words(base, lang, mail, &format!("mail-{}-text", mail.purpose));
        all.extend(
            words
                .lines()
                .filter(|line| !line.is_empty())
                .map(|line| Paragraph { words: line.to_owned(), link: None }),
        );
        if let (Some(last), Some(link)) = (all.last_mut(), link) {
            last.link = Some(link.to_owned());
        }
    }
    let footer = texts::text(lang, "mail-footer", &[("center", base.name(lang))]);
    all.push(Paragraph { words: footer, link: None });
    if let Some(unsubscribe) = unsubscribe {
        all.push(Paragraph { words: ui.t("mail-unsubscribe"), link: Some(unsubscribe.to_owned()) });
    }
    all
}

fn as_text(paragraphs: &[Paragraph]) -> String {
    let lines = paragraphs.iter().map(|Paragraph { words, link }| match link {
        Some(link) => format!("{words}\n{link}\n\n"),
        None => format!("{words}\n\n"),
    });
    lines.collect()
}

fn as_html(lang: Lang, paragraphs: &[Paragraph]) -> String {
    let lines = paragraphs.iter().map(|Paragraph { words, link }| {
        let words = escape(words);
        match link.as_deref().map(escape) {
            Some(link) => format!("<p>{words}<br><a href=\"{link}\">{link}</a></p>\n"),
            None => format!("<p>{words}</p>\n"),
        }
    });
    format!("<div lang=\"{}\">\n{}</div>\n", html_lang(lang), lines.collect::<String>())
}
