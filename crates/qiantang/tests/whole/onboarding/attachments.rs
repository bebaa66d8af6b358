//! Files that applicants add to their applications.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{Answer, Browser, Site, join_form};

use super::{SETTINGS, approve, judge, led_to, person, send, shown};
use crate::QIANTANG;

const PDF: &[u8] = b"%PDF-1.7\nA licence\n%%EOF\n";

/// Sends files from the page of an application, as a browser does.
fn attach(browser: &Browser, (number, secret): (&str, &str), files: &[(&str, &[u8])]) -> Answer {
    let body = multipart(&[("secret", secret)], files);
    send_multipart(browser, number, body)
}

fn remove(browser: &Browser, (number, secret): (&str, &str), which: &str) -> Answer {
    send_multipart(browser, number, multipart(&[("secret", secret), ("remove", which)], &[]))
}

fn send_multipart(browser: &Browser, number: &str, body: Vec<u8>) -> Answer {
    let kind = ("Content-Type", "multipart/form-data; boundary=----between");
    browser.send_bytes("POST", &format!("/apply/{number}/attachments"), body, &[kind])
}

fn multipart(fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |head: String, content: &[u8]| {
        body.extend_from_slice(
            format!("------between\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    for (name, value) in fields {
        part(format!("name=\"{name}\""), value.as_bytes());
    }
    for (name, content) in files {
        part(
            format!("name=\"files\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream"),
            content,
        );
    }
    body.extend_from_slice(b"------between--\r\n");
    body
}

fn attachments(site: &Site, number: &str) -> Vec<Value> {
    shown(site, number)["attachments"].as_array().expect("a list").clone()
}

/// A draft of a stranger.
fn draft(stranger: &Browser, slug: &str) -> (String, String) {
    let whole = join_form("research", slug);
    led_to(&send(stranger, "/apply", &whole, &[("domain", "research"), ("act", "save")]))
}

fn hand_in(stranger: &Browser, slug: &str, (number, secret): (&str, &str), act: &str) {
    let whole = join_form("research", slug);
    let answer = send(stranger, &format!("/apply/{number}"), &whole, &[("secret", secret), ("act", act)]);
    assert_eq!(answer.status, 303, "{}", answer.body);
}

#[test]
fn files_go_with_an_application_to_its_reviewers_and_end_with_what_came_to_nothing() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let clerk = person(&site, "clerk", "contracts");
    let stranger = Browser::new(&site);
    let drawn = draft(&stranger, "lab");
    let whose = (drawn.0.as_str(), drawn.1.as_str());
    let number = whose.0;

    let added =
        attach(&stranger, whose, &[("C:\\scans\\营业执照.pdf", PDF), ("seal.png", b"\x89PNG\r\n\x1a\nseal")]);
    assert_eq!(added.status, 303, "{}", added.body);
    let page = stranger.get(added.header("location"));
    assert!(page.body.contains("营业执照.pdf") && !page.body.contains("scans"), "{}", page.body);
    assert_eq!(remove(&stranger, whose, "2").status, 303);
    let there = attachments(&site, number);
    assert_eq!(there.len(), 1, "{there:?}");
    assert_eq!(
        (there[0]["kind"].as_str(), there[0]["bytes"].as_u64()),
        (Some("pdf"), Some(PDF.len() as u64))
    );

    // Whoever has the secret reads it, and nobody else does; it is never a page of the center.
    let own = |secret: &str| stranger.get(&format!("/apply/{number}/attachments/1?secret={secret}"));
    let got = own(whose.1);
    assert_eq!((got.status, got.body.as_bytes()), (200, PDF));
    assert!(
        got.header("content-disposition").starts_with("attachment; filename*=UTF-8''%E8%90%A5"),
        "{got:?}"
    );
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert!(got.header("content-security-policy").contains("sandbox"), "{got:?}");
    for wrong in ["", "x", &whose.1[1..]] {
        assert_eq!(own(wrong).status, 404);
    }
    assert_eq!(attach(&stranger, (number, "x"), &[("a.pdf", PDF)]).status, 404);

    // What was handed in stays as it is, and its reviewers have it, in the browser, over the API and by the command line.
    hand_in(&stranger, "lab", whose, "hand-in");
    assert_eq!(attach(&stranger, whose, &[("b.pdf", PDF)]).status, 409);
    assert_eq!(remove(&stranger, whose, "1").status, 409);
    let desk = Browser::signed_in(&site, "clerk");
    let link = format!("/applications/{number}/attachments/1");
    assert!(desk.get(&format!("/applications/{number}")).body.contains(&link));
    assert_eq!(desk.get(&link).body.as_bytes(), PDF);
    assert_eq!(desk.get(&format!("/applications/{number}/attachments/7")).status, 404);
    let (status, told) =
        site.ask("GET", &format!("/api/v1/applications/{number}/attachments/x"), &clerk, None);
    assert_eq!((status, told["code"].as_str()), (404, Some("not_found")));
    let out = site.folder.path().join("licence.pdf");
    let run = Command::new(QIANTANG)
        .args(["--url", &site.url, "applications", "attachment", number, "1", "--out"])
        .arg(&out)
        .env("QIANTANG_TOKEN", &clerk)
        .output()
        .expect("it runs");
    assert!(run.status.success(), "{run:?}");
    assert_eq!(std::fs::read(&out).expect("it is there"), PDF);

    // It came back and may be mended; what was decided keeps its files.
    assert_eq!(judge(&site, &clerk, number, &json!({ "verdict": "return", "reason": "unreadable" })).0, 201);
    assert_eq!(attach(&stranger, whose, &[("again.pdf", PDF)]).status, 303);
    hand_in(&stranger, "lab", whose, "hand-in");
    assert_eq!(judge(&site, &clerk, number, &approve()).0, 201);
    assert_eq!(attachments(&site, number).len(), 2);
    let audit = site.get("/api/v1/audit?limit=200", &site.operator).to_string();
    assert!(audit.contains("attach_file") && audit.contains("remove_attachment"), "{audit}");

    // What is withdrawn has none any more.
    let drawn = draft(&stranger, "other");
    let whose = (drawn.0.as_str(), drawn.1.as_str());
    assert_eq!(attach(&stranger, whose, &[("a.pdf", PDF)]).status, 303);
    assert_eq!(attachments(&site, whose.0).len(), 1);
    hand_in(&stranger, "other", whose, "withdraw");
    assert_eq!(attachments(&site, whose.0), Vec::<Value>::new());
}

#[test]
fn a_file_is_taken_by_what_it_is_and_within_its_bounds() {
    let site = Site::new(QIANTANG, 1, SETTINGS);
    let stranger = Browser::new(&site);
    let drawn = draft(&stranger, "lab");
    let whose = (drawn.0.as_str(), drawn.1.as_str());
    let large = |bytes: usize| [b"%PDF-".as_slice(), &vec![b' '; bytes - 5]].concat();
    let is_told = |files: &[(&str, &[u8])], told: &str| {
        let answer = attach(&stranger, whose, files);
        assert_eq!(answer.status, 409, "{told}: {}", answer.body);
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
    };
    is_told(&[("page.pdf", b"<html><script>alert(1)</script>")], "`page.pdf` is in a form that is not taken");
    is_told(&[("empty.pdf", b"")], "`empty.pdf` is empty");
    is_told(&[("long.pdf", &large((10 << 20) + 1))], "`long.pdf` is above 10 MiB");
    // Of several, all are added or none.
    is_told(&[("good.pdf", PDF), ("bad.doc", b"\xd0\xcf\x11\xe0")], "`bad.doc` is in a form");
    assert!(attachments(&site, whose.0).is_empty());
    let none = attach(&stranger, whose, &[]);
    assert!(none.status == 422 && none.body.contains("Choose a file first."), "{}", none.body);

    let ten = large(10 << 20);
    assert_eq!(attach(&stranger, whose, &[("a.pdf", &ten), ("b.pdf", &ten)]).status, 303);
    is_told(&[("c.pdf", &ten), ("d.pdf", PDF)], "at most 30 MiB together, so `d.pdf` was not added");
    let small: Vec<_> = (0..6).map(|_| ("s.pdf", PDF)).collect();
    assert_eq!(attach(&stranger, whose, &small).status, 303);
    is_told(&[("ninth.pdf", PDF)], "at most 8 attachments, so `ninth.pdf` was not added");
    // A form that is above all bounds is not read to its end, and the page says so.
    let beyond = large(40 << 20);
    let refused = attach(&stranger, whose, &[("beyond.pdf", &beyond)]);
    assert_eq!(refused.status, 413, "{}", refused.body);
    assert_eq!(attachments(&site, whose.0).len(), 8);
    // A form that takes no files reads none.
    let kind = ("Content-Type", "multipart/form-data; boundary=----between");
    let files = multipart(&[("login", "li")], &[("a.pdf", &ten)]);
    assert_eq!(stranger.send_bytes("POST", "/sign-in", files, &[kind]).status, 415);
}
