//! A tenant sees its own rows, and none of another's.

use serde_json::json;
use testkit::job;

use crate::scene::{Scene, alpha_alone};

#[test]
fn a_tenant_never_sees_anothers_rows() {
    let scene = Scene::new();
    let beta_job = scene.site.submit(&scene.beta, &job("of-beta", "true"));
    scene.site.wait_for_end(&scene.beta.developer, &beta_job);
    let secrets =
        ["alpha", "secret-of-alpha", &scene.job, &scene.alpha.contract, &scene.member, &scene.project];
    let mut looked_at = 0;
    for (_, path) in scene.routes().into_iter().filter(|(method, _)| method == "GET") {
        for token in [&scene.beta.admin, &scene.beta.developer] {
            if path.contains('{') && !path.contains("/nodes/") {
                // Another's id answers as an id that nobody has.
                let answer = scene.send("GET", &scene.filled(&path), token, "", b"");
                // A link that nobody was sent opens nothing, for anybody.
                let is_no_link = path.contains("/join/") && answer.text.contains("invitation_over");
                assert!(
                    matches!(answer.status, 403 | 404) || is_no_link,
                    "{path}: {} {}",
                    answer.status,
                    answer.text
                );
                assert!(!answer.text.contains("secret-of-alpha"), "{path}: {}", answer.text);
                continue;
            }
            let answer = scene.send("GET", &path.replace("{name}", "npu-"), token, "", b"");
            if answer.status == 200 && !answer.content_type.starts_with("text/event-stream") {
                for secret in secrets {
                    assert!(!answer.text.contains(secret), "{path} shows `{secret}`: {}", answer.text);
                }
                looked_at += 1;
            }
        }
    }
    assert!(looked_at >= 20, "only {looked_at} lists were looked at");
}

#[test]
fn no_filter_and_no_cursor_reaches_anothers_jobs() {
    let scene = Scene::new();
    for query in ["name=secret", "state=succeeded", "pool=ascend-910", &format!("cursor={}", scene.job)] {
        let list = scene.site.get(&format!("/api/v1/jobs?{query}"), &scene.beta.developer);
        assert!(!list.to_string().contains("alpha"), "{query}: {list}");
    }
    // Names of others' things are answered as names that nothing has.
    for (query, field) in [("tenant=alpha", "tenant"), ("member=alpha-developer", "member")] {
        let (status, answer) =
            scene.site.ask("GET", &format!("/api/v1/jobs?{query}"), &scene.beta.developer, None);
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some(field)), "{query}: {answer}");
    }
}

#[test]
fn waiting_for_anothers_job_is_refused_as_if_it_were_not_there() {
    let scene = Scene::new();
    let mut spec = job("waits", "true");
    spec["after"] = json!([{ "job": scene.job, "when": "ended" }]);
    let (status, answer) = scene.site.ask("POST", "/api/v1/jobs", &scene.beta.developer, Some(&spec));
    assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some("after")), "{answer}");
}

#[test]
fn figures_are_for_the_center_s_people() {
    let (site, alpha) = alpha_alone();
    let (status, figures) = site.get_text("/metrics", &site.operator);
    assert!(status == 200 && figures.contains("qiantang_cards{state=\"idle\"} "), "{status} {figures}");
    let (status, refused) = site.get_text("/metrics", &alpha.admin);
    assert!(status == 403 && refused.contains("read_metrics"), "{status} {refused}");
    assert_eq!(site.get_text("/metrics", "").0, 401);
}
