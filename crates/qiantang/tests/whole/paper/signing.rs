//! Texts of contracts: who signs them, by what, in which order, and what binds before and after; amendments.

use std::process::Command;

use serde_json::{Value, json};
use testkit::{PASSWORD, Site, enrol, grant};

use super::{SETTINGS, alone, books_are_right, hears, person, register, sign, sign_with, take, texts};
use crate::{
    QIANTANG,
    tamper::{backup, tampered, verify},
};

pub(super) fn make(site: &Site, by: &str, contract: &str) -> (u16, Value) {
    site.ask("POST", &format!("/api/v1/contracts/{contract}/texts"), by, None)
}

pub(super) fn contract(site: &Site, id: &str) -> Value {
    site.get(&format!("/api/v1/contracts/{id}"), &site.operator)
}

/// A draft of a package for a tenant of that name, drawn up by its administrator; its id.
fn draft(site: &Site, by: &str, number: &str, tenant: &str) -> String {
    let queue = json!({ "weight": 1, "guaranteed_cards": 0, "max_running_cards": 8 });
    let terms = json!({ "kind": "prepaid", "package": 3_600_000_000_i64, "fee": 12_000_000_000_i64 });
    let new = json!({ "number": number, "terms": terms, "pools": ["ascend-910"], "queue": queue,
        "starts_at": "2020-01-01", "ends_at": "2099-01-01", "tenant": tenant });
    site.post("/api/v1/contracts", by, &new)["id"].as_str().expect("an id").to_owned()
}

pub(super) fn code((status, answer): (u16, Value)) -> (u16, String) {
    (status, answer["code"].as_str().unwrap_or_default().to_owned())
}

pub(super) fn refused(with: &str) -> (u16, String) {
    (409, with.to_owned())
}

/// A center whose duties are separate, with a tenant that is registered.
fn site() -> Site {
    let site = Site::new(QIANTANG, 1, &format!("{SETTINGS}[books]\n"));
    let new = json!({ "slug": "univ", "name_zh": "某某大学", "name_en": "Univ", "domain": "research" });
    site.post("/api/v1/tenants", &site.operator, &new);
    for role in ["admin", "finance", "developer"] {
        let new = json!({ "login": format!("univ-{role}"), "name": role, "role": role, "password": PASSWORD,
            "tenant": "univ" });
        site.post("/api/v1/members", &site.operator, &new);
    }
    site
}

#[test]
fn a_contract_with_a_text_becomes_active_with_both_signatures() {
    let site = site();
    let (clerk, second) = (person(&site, "clerk", "contracts"), person(&site, "second", "operator"));
    let admin = site.login("univ-admin");
    let id = draft(&site, &clerk, "HZ-1", "univ");
    // A party that is not named as it is registered makes no contract.
    assert_eq!(code(make(&site, &clerk, &id)), refused("party_unnamed"));
    register(&site, "univ");
    let (status, text) = make(&site, &clerk, &id);
    assert_eq!((status, &text["version"]), (201, &json!(1)), "{text}");
    for told in ["HZ-1", "某某大学", "91330100799655058B", "1,000", "12,000.00", "ascend-910"] {
        assert!(text["zh"].as_str().expect("a text").contains(told), "{told}: {}", text["zh"]);
        assert!(text["en"].as_str().expect("a text").contains(told), "{told}: {}", text["en"]);
    }
    // A change of the draft is another text, and the same again is none.
    let path = format!("/api/v1/contracts/{id}");
    let terms =
        json!({ "terms": { "kind": "prepaid", "package": 3_600_000_000_i64, "fee": 9_000_000_000_i64 } });
    assert_eq!(site.ask("PATCH", &path, &clerk, Some(&terms)).0, 200);
    assert_eq!(make(&site, &clerk, &id).1["version"], 2);
    let all = texts(&site, &admin, &id);
    assert_eq!(all.iter().map(|text| text["is_current"] == true).collect::<Vec<_>>(), [false, true]);
    let text = all[1].clone();
    // The bytes that are signed are those of the digest.
    let file =
        testkit::Browser::signed_in(&site, "univ-admin").get(&format!("/contracts/{id}/text?format=txt"));
    let digest = store::chain::hex(&store::chain::sha256(file.body.as_bytes()));
    assert_eq!(json!(digest), text["sha256"]);

    // Nothing is signed before it is approved, and nothing becomes active before it is signed.
    assert_eq!(code(sign(&site, &admin, &id, &text)), refused("contract_state"));
    assert_eq!(take(&site, &clerk, &id, &["submit"]).0, 200);
    assert_eq!(code(sign(&site, &second, &id, &text)), refused("contract_state"));
    assert_eq!(take(&site, &site.operator, &id, &["approve"]).0, 200);
    assert_eq!(texts(&site, &admin, &id).len(), 2, "the submission made no other text");
    assert_eq!(code(take(&site, &site.operator, &id, &["activate"])), refused("not_signed"));

    // Who may not, with what is wrong, and what is not the text to sign.
    let (finance, developer) = (site.login("univ-finance"), site.login("univ-developer"));
    assert_eq!(sign(&site, &developer, &id, &text).0, 403);
    assert_eq!(code(sign(&site, &finance, &id, &text)), refused("not_a_signer"));
    let money = person(&site, "money", "center_finance");
    assert_eq!(sign(&site, &money, &id, &text).0, 403);
    let (status, wrong) = sign_with(&site, &admin, &id, &text, ("password", "another-long-password"));
    assert_eq!((status, &wrong["errors"][0]["field"]), (422, &json!("password")), "{wrong}");
    assert_eq!(code(sign(&site, &admin, &id, &all[0])), refused("text_over"));
    let other = json!({ "version": 2, "sha256": all[0]["sha256"] });
    assert_eq!(sign(&site, &admin, &id, &other).1["errors"][0]["field"], "sha256");
    assert_eq!(
        code(sign(&site, &clerk, &id, &text)),
        refused("same_person"),
        "who drew it up does not sign it"
    );
    assert!(texts(&site, &admin, &id)[1]["signatures"].as_array().expect("signatures").is_empty());

    let (status, half) = sign(&site, &second, &id, &text);
    assert_eq!((status, &half["missing"]), (201, &json!(["tenant"])), "{half}");
    assert_eq!(contract(&site, &id)["state"], "approved");
    let heard = testkit::Browser::signed_in(&site, "univ-admin").get("/events").body;
    assert_eq!(
        heard.matches(&format!("/contracts/{id}")).count(),
        3,
        "submitted, approved, signed by one: {heard}"
    );
    hears(&site, &admin, "contract_signed", &format!("/contracts/{id}/text"));
    hears(&site, &clerk, "contract_signed", &format!("/contracts/{id}/text"));
    assert_eq!(code(sign(&site, &site.operator, &id, &text)), refused("already_signed"));
    assert_eq!(code(make(&site, &clerk, &id)), refused("already_signed"));
    let (status, whole) = sign(&site, &admin, &id, &text);
    assert_eq!((status, &whole["missing"]), (201, &json!([])), "{whole}");
    let signed = &whole["signatures"][1];
    assert_eq!(
        (&signed["side"], &signed["login"], &signed["role"], &signed["factor"]),
        (&json!("tenant"), &json!("univ-admin"), &json!("admin"), &json!("password"))
    );
    assert!(signed["from_address"].as_str().is_some_and(|from| from.starts_with("127.")), "{signed}");
    let active = contract(&site, &id);
    assert_eq!(
        (&active["state"], &active["fee_open_micro_cny"]),
        (&json!("active"), &json!(9_000_000_000_i64))
    );
    assert_eq!(code(sign(&site, &admin, &id, &text)), refused("contract_state"));
    books_are_right(&site);
}

#[test]
fn the_sides_sign_in_either_order_and_nobody_for_both() {
    let site = Site::new(QIANTANG, 1, &alone());
    let univ = site.tenant("univ", "research", &grant(), 8);
    register(&site, "univ");
    let id = draft(&site, &univ.admin, "HZ-1", "univ");
    assert_eq!(make(&site, &univ.admin, &id).0, 201, "a tenant's administrator has it made");
    take(&site, &site.operator, &id, &["submit", "approve"]);
    let text = texts(&site, &univ.admin, &id)[0].clone();
    // One person who is a member on both sides.
    let both = json!({ "login": "univ-admin", "role": "operator" });
    site.post("/api/v1/members", &site.operator, &both);
    let at = |place: &str| {
        let body = json!({ "login": "univ-admin", "password": PASSWORD, "tenant": place });
        site.post("/api/v1/login", "", &body)["token"].as_str().expect("a token").to_owned()
    };
    assert_eq!(sign(&site, &at("univ"), &id, &text).0, 201);
    assert_eq!(code(sign(&site, &at("-"), &id, &text)), refused("one_for_both"));
    assert_eq!(sign(&site, &site.operator, &id, &text).0, 201);
    assert_eq!(contract(&site, &id)["state"], "active");
    // Another tenant does not know of any of it.
    let beta = site.tenant("beta", "research", &grant(), 8);
    assert_eq!(site.ask("GET", &format!("/api/v1/contracts/{id}/texts"), &beta.admin, None).0, 404);
    assert_eq!(sign(&site, &beta.admin, &id, &text).0, 404);
    assert_eq!(make(&site, &beta.admin, &id).0, 404);
}

#[test]
fn whoever_has_a_second_factor_signs_by_a_code_of_it() {
    let site = Site::new(QIANTANG, 1, &alone());
    let univ = site.tenant("univ", "research", &grant(), 8);
    register(&site, "univ");
    let ready = |number: &str| {
        let id = draft(&site, &univ.admin, number, "univ");
        make(&site, &univ.admin, &id);
        take(&site, &site.operator, &id, &["submit", "approve"]);
        let text = texts(&site, &univ.admin, &id)[0].clone();
        (id, text)
    };
    let (id, text) = ready("HZ-1");
    let browser = testkit::Browser::signed_in(&site, "univ-admin");
    assert!(browser.get(&format!("/contracts/{id}/text")).body.contains("name=\"password\""));
    let (mut device, recovery_codes) = enrol(&browser, PASSWORD);
    let page = browser.get(&format!("/contracts/{id}/text")).body;
    assert!(page.contains("name=\"code\"") && !page.contains("name=\"password\""), "{page}");
    // The password is not enough any more, and a code is good once.
    assert_eq!(code(sign(&site, &univ.admin, &id, &text)), (403, "code_needed".to_owned()));
    let with = |id: &str, text: &Value, given: &str| sign_with(&site, &univ.admin, id, text, ("code", given));
    let wrong = [device.wrong_code(), device.last_code(), "123".to_owned()];
    for given in wrong {
        let (status, answer) = with(&id, &text, &given);
        assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("code")), "{given}: {answer}");
    }
    assert!(texts(&site, &univ.admin, &id)[0]["signatures"].as_array().expect("signatures").is_empty());
    let fields = [
        ("version", "1".to_owned()),
        ("sha256", text["sha256"].as_str().expect("a digest").to_owned()),
        ("code", device.code()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.send_form(&format!("/contracts/{id}/sign"), &fields).status, 303);
    assert_eq!(texts(&site, &univ.admin, &id)[0]["signatures"][0]["factor"], "code");
    let (id, text) = ready("HZ-2");
    let (status, signed) = with(&id, &text, &recovery_codes[0]);
    assert_eq!((status, &signed["signatures"][0]["factor"]), (201, &json!("recovery_code")), "{signed}");
    let page = browser.get(&format!("/contracts/{id}/text")).body;
    assert!(page.contains("recovery code"), "{page}");
    books_are_right(&site);
}

#[test]
fn without_a_text_contracts_go_on_as_before_unless_the_settings_want_one() {
    let mut site = Site::new(QIANTANG, 1, &alone());
    let univ = site.tenant("univ", "research", &grant(), 8);
    let plain = draft(&site, &site.operator, "HZ-1", "univ");
    assert_eq!(take(&site, &site.operator, &plain, &["submit", "approve", "activate"]).1["state"], "active");
    let before = draft(&site, &site.operator, "HZ-2", "univ");
    take(&site, &site.operator, &before, &["submit", "approve"]);
    site.stop();
    site.change_settings(
        "[books.payee]",
        "[signing]\nrequired = true\ntenant_roles = [\"finance\"]\n[books.payee]",
    );
    site.start();
    let wanted = draft(&site, &site.operator, "HZ-3", "univ");
    assert_eq!(code(take(&site, &site.operator, &wanted, &["submit"])), refused("party_unnamed"));
    assert_eq!(contract(&site, &wanted)["state"], "draft");
    register(&site, "univ");
    assert_eq!(take(&site, &site.operator, &wanted, &["submit", "approve"]).0, 200);
    let text = texts(&site, &univ.admin, &wanted)[0].clone();
    assert_eq!(code(sign(&site, &univ.admin, &wanted, &text)), refused("not_a_signer"));
    assert_eq!(sign(&site, &site.login("univ-finance"), &wanted, &text).0, 201);
    assert_eq!(sign(&site, &site.operator, &wanted, &text).0, 201);
    assert_eq!(contract(&site, &wanted)["state"], "active");
    // One that was approved before the settings wanted a text has it made now.
    assert_eq!(code(take(&site, &site.operator, &before, &["activate"])), refused("not_signed"));
    assert_eq!(make(&site, &site.operator, &before).0, 201);
}

#[test]
fn an_amendment_of_a_signed_contract_is_signed_before_it_is_approved() {
    let site = site();
    let (clerk, second) = (person(&site, "clerk", "contracts"), person(&site, "second", "operator"));
    let admin = site.login("univ-admin");
    register(&site, "univ");
    let id = draft(&site, &clerk, "HZ-1", "univ");
    make(&site, &clerk, &id);
    take(&site, &clerk, &id, &["submit"]);
    take(&site, &site.operator, &id, &["approve"]);
    let first = texts(&site, &admin, &id)[0].clone();
    for by in [&second, &admin] {
        assert_eq!(sign(&site, by, &id, &first).0, 201);
    }
    let change = json!({ "reason": "more work", "add_card_ms": 3_600_000, "add_fee_micro_cny": 12_000_000 });
    let amendment = site.post(&format!("/api/v1/contracts/{id}/amendments"), &clerk, &change);
    let decide = || {
        let path = format!("/api/v1/amendments/{}/decide", amendment["id"].as_str().expect("an id"));
        site.ask("POST", &path, &site.operator, Some(&json!({ "approve": true })))
    };
    assert_eq!(code(decide()), refused("not_signed"));
    let text = texts(&site, &admin, &id)[1].clone();
    assert_eq!((&text["amendment"], &text["version"]), (&amendment["id"], &json!(2)));
    let zh = text["zh"].as_str().expect("a text");
    for told in ["more work", first["sha256"].as_str().expect("a digest"), "12,012.00", "1,001"] {
        assert!(zh.contains(told), "{told}: {zh}");
    }
    for by in [&second, &admin] {
        assert_eq!(sign(&site, by, &id, &text).0, 201);
    }
    let (status, decided) = decide();
    assert_eq!((status, &decided["state"]), (200, &json!("in_force")), "{decided}");
    assert_eq!(contract(&site, &id)["terms"]["fee"], json!(12_012_000_000_i64));
    books_are_right(&site);
}

#[test]
fn a_text_or_a_signature_that_was_altered_is_told() {
    let mut site = Site::new(QIANTANG, 1, &alone());
    let univ = site.tenant("univ", "research", &grant(), 8);
    register(&site, "univ");
    let id = draft(&site, &univ.admin, "HZ-1", "univ");
    make(&site, &univ.admin, &id);
    take(&site, &site.operator, &id, &["submit", "approve"]);
    let text = texts(&site, &univ.admin, &id)[0].clone();
    let half = backup(&site, "half.db");
    for by in [&site.operator, &univ.admin] {
        assert_eq!(sign(&site, by, &id, &text).0, 201);
    }
    let whole = backup(&site, "whole.db");
    let faults = |name: &str, sql: &str| {
        let (_, answer) = verify(&tampered(&whole, name, sql), &[]);
        let all = answer["faults"].as_array().expect("faults").iter();
        all.map(|fault| {
            let text = |key: &str| fault[key].as_str().unwrap_or_default();
            format!("{} {} {}", text("code"), text("table"), text("field")).trim_end().to_owned()
        })
        .collect::<Vec<_>>()
    };
    assert!(faults("untouched", "SELECT 1").is_empty());
    for (name, sql, want) in [
        (
            "text",
            "UPDATE contract_texts SET zh = replace(zh, '12,000', '2,000')",
            "books_disagree contract_texts zh",
        ),
        (
            "text-with-digest",
            "UPDATE contract_texts SET sha256 = zeroblob(32)",
            "row_changed contract_texts sha256",
        ),
        ("signer", "UPDATE signatures SET name = 'Han'", "row_changed signatures name"),
        ("signature-removed", "DELETE FROM signatures WHERE side = 'tenant'", "row_missing signatures"),
        (
            "signed-otherwise",
            "UPDATE signatures SET sha256 = zeroblob(32)",
            "books_disagree signatures sha256",
        ),
        ("unsigned", "DELETE FROM signatures WHERE side = 'center'", "books_disagree contract_texts"),
    ] {
        let found = faults(name, sql);
        assert!(found.iter().any(|fault| fault == want), "{name}: {want} is not among {found:#?}");
    }
    // A center whose text was altered says so on the page, and takes no signature on it.
    let altered = tampered(&half, "altered", "UPDATE contract_texts SET en = replace(en, '12,000', '2,000')");
    site.stop();
    let file = site.data().join("database/center.db");
    std::fs::copy(&altered, &file).expect("it is copied");
    for log in ["center.db-wal", "center.db-shm"] {
        let _ = std::fs::remove_file(file.with_file_name(log));
    }
    site.start();
    let page = testkit::Browser::signed_in(&site, "univ-admin").get(&format!("/contracts/{id}/text")).body;
    assert!(page.contains("altered in the database"), "{page}");
    let admin = site.login("univ-admin");
    assert_eq!(texts(&site, &admin, &id)[0]["is_intact"], false);
    assert_eq!(code(sign(&site, &admin, &id, &text)), refused("text_altered"));
}

#[test]
fn templates_of_one_s_own_are_looked_at_before_the_center_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let serve = |template: &str| {
        let path = |name: &str| folder.path().join(name);
        for lang in ["zh", "en"] {
            std::fs::write(path(&format!("{lang}.txt")), template).expect("it is written");
        }
        let text = format!(
            "listen = \"127.0.0.1:0\"\ndata_dir = \"{}\"\n[signing]\ntemplate_zh = \"{}\"\ntemplate_en = \"{}\"\n",
            path("data").display(),
            path("zh.txt").display(),
            path("en.txt").display()
        );
        std::fs::write(path("center.toml"), text).expect("they are written");
        let mut command = Command::new(QIANTANG);
        command.args(["serve", "--config"]).arg(path("center.toml"));
        let output = command.output().expect("it runs");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let whole = "# T\n{number} {center_name} {center_code} {tenant_name} {tenant_code} {pools} {starts} {ends} {prices} ";
    let said = serve(&format!("{whole}{{waivers}} {{term}}"));
    assert!(
        said.contains("`term`") && said.contains("terms") && said.contains("signing.template_zh"),
        "{said}"
    );
    let said = serve(&format!("{whole}{{waivers}}"));
    assert!(said.contains("it lacks the places terms"), "{said}");
    assert!(!folder.path().join("data").join("database").exists(), "nothing was begun");
    // One that is whole is what contracts are made from.
    let settings = format!(
        "{}[signing]\ntemplate_zh = \"{}\"\ntemplate_en = \"{}\"\n",
        alone(),
        folder.path().join("zh.txt").display(),
        folder.path().join("en.txt").display()
    );
    for lang in ["zh", "en"] {
        let text = format!("{whole}{{waivers}}\n## Our own\n{{terms}}\n");
        std::fs::write(folder.path().join(format!("{lang}.txt")), text).expect("it is written");
    }
    let site = Site::new(QIANTANG, 1, &settings);
    let univ = site.tenant("univ", "research", &grant(), 8);
    register(&site, "univ");
    let id = draft(&site, &univ.admin, "HZ-1", "univ");
    let (_, text) = make(&site, &univ.admin, &id);
    assert!(
        text["en"].as_str().is_some_and(|text| text.contains("## Our own\nThe package has 1,000 card-hours")),
        "{text}"
    );
}
