//! Secrets on a Slurm cluster: in a file of the run's user until the run has read it, and nowhere else.

use serde_json::json;
use testkit::{grant, open_folder};

use crate::spec;

#[test]
fn runs_get_their_secrets_and_no_file_keeps_them() {
    let Some((_alone, cluster)) = crate::cluster() else { return };
    let shared = open_folder();
    let site = crate::center(&cluster.settings(shared.path()));
    let tenant = site.tenant("univ", "research", &grant(), 256);
    let value = "s3cr3t of 'all' \"4711\"";
    let new = json!({ "name": "API_KEY", "scope": "tenant", "value": value });
    let (status, answer) = site.ask("PUT", "/api/v1/secrets", &tenant.admin, Some(&new));
    assert_eq!(status, 204, "{answer}");
    for (nodes, script) in [
        (1, "printf '%s\\n' \"$API_KEY\""),
        // It looks at its own text, and so is run from a file.
        (1, "true \"$0\"; printf '%s\\n' \"$API_KEY\""),
        (2, "printf '%s\\n' \"$API_KEY\""),
    ] {
        let mut spec = spec("uses", nodes, 1, script);
        spec["secrets"] = json!(["API_KEY"]);
        let id = site.submit(&tenant, &spec);
        let ended = site.wait_for_end(&tenant.developer, &id);
        assert_eq!(ended["state"], "succeeded", "{ended}\n{}", site.log());
        let count = usize::try_from(nodes).expect("small");
        assert_eq!(site.stdout(&tenant.developer, &id), format!("{value}\n").repeat(count));
        let runs = site.get(&format!("/api/v1/jobs/{id}/runs"), &tenant.developer);
        let run = runs["items"][0]["id"].as_str().expect("an id").to_owned();
        let kept = shared.path().join("runs").join(&run).join("secrets");
        site.wait_for("the file to be empty", || (std::fs::metadata(&kept).ok()?.len() == 0).then_some(()));
    }
    let found = std::process::Command::new("grep")
        .args(["-rl", "--exclude=stdout", "4711"])
        .args([shared.path(), site.folder.path()])
        .output()
        .expect("grep runs");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}
