//! A request that can't be read or done is answered with a page in the reader's language.

use testkit::PASSWORD;

use crate::scene::Scene;

#[test]
fn what_can_not_be_read_is_a_page_in_the_reader_s_language() {
    let scene = Scene::new();
    let mut admin = scene.browser("alpha-admin");
    let csrf = admin.csrf();
    let members = scene.site.get("/api/v1/members", &scene.site.operator);
    let mut members = members.as_array().expect("members").iter();
    let finance = members.find(|member| member["login"] == "alpha-finance").expect("finance");
    let member = format!("/people/members/{}", finance["id"].as_str().expect("an id"));
    let huge = |kib: usize| format!("csrf={csrf}&script={}", "x".repeat(kib * 1024));
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let json = ("Content-Type", "application/json");
    let cases = [
        // A little more than a form may have, and far more.
        ("/submit", form, huge(513), 413),
        ("/submit", form, huge(3000), 413),
        ("/submit", json, "{}".into(), 415),
        ("/tokens", ("X-Nothing", "at all"), String::new(), 415),
        (member.as_str(), form, format!("csrf={csrf}&is_enabled=perhaps"), 400),
        ("/people/members/%FF", form, format!("csrf={csrf}&is_enabled=true"), 404),
    ];
    for lang in ["zh", "en"] {
        admin.lang = lang;
        for (path, header, body, want) in &cases {
            let answer = admin.send("POST", path, Some(body.clone()), &[*header]);
            assert_eq!(answer.status, *want, "{path} {want}: {}", answer.body);
            assert!(answer.header("content-type").starts_with("text/html"), "{path} {want}");
            let said = answer.body.split("class=\"fault\"").nth(1).expect("the page says what is wrong");
            if lang == "zh" {
                for english in ["Failed", "failed", "request body", "provided", "Expected", "the form"] {
                    assert!(!said.contains(english), "{path} {want} says `{english}` in Chinese: {said}");
                }
            }
        }
    }
    let kept = scene.site.get("/api/v1/members", &scene.site.operator).to_string();
    assert!(!kept.contains("\"is_enabled\":false"), "{kept}");
}

#[test]
fn a_refused_script_is_explained_in_chinese_alone() {
    let scene = Scene::new();
    let mut admin = scene.browser("alpha-admin");
    admin.lang = "zh";
    for script in
        ["#!/bin/sh\n#SBATCH --gres=tpu:1 --time=soon nonsense\n", "name: [\n", "name: x\nnodes: none\n"]
    {
        let refused = admin.send_form("/submit", &[("script", script)]);
        assert_eq!(refused.status, 422);
        let alert = refused.body.split("role=\"alert\"").nth(1);
        let said = alert.and_then(|rest| rest.split("</section>").next()).expect("an alert");
        for english in [" is ", " not ", "write ", "ask for", "expected", "missing", "line "] {
            assert!(!said.contains(english), "`{english}` in {said}");
        }
    }
}

#[test]
fn a_login_that_is_taken_is_said_in_chinese_at_its_field() {
    let scene = Scene::new();
    let mut admin = scene.browser("alpha-admin");
    admin.lang = "zh";
    let taken = [
        ("member_login", "alpha-finance"),
        ("member_name", "x"),
        ("member_role", "finance"),
        ("member_password", PASSWORD),
    ];
    let refused = admin.send_form("/people/members", &taken);
    assert_eq!(refused.status, 409);
    let is_at_field = refused.body.contains("id=\"member_login-error\"");
    assert!(is_at_field && refused.body.contains("已经存在"), "{}", refused.body);
}
