//! The document is the contract: schemathesis sends what it allows and what it forbids, as four kinds of callers, and each
//! answer has to be one that it names. A client that openapi-python-client makes of it works.

use std::{path::Path, process::Command};

use serde_json::json;
use testkit::{PASSWORD, job, python_tool};

use crate::scene::alpha_alone;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/contract/schemathesis.toml");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/contract/client.py");

/// What is held against the document in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,negative_data_rejection,positive_data_acceptance,unsupported_method";

/// Streams do not end, and a backup fills the disk.
const LEFT_OUT: &str = "^/api/v1/events$|/stream$|/backup$";

/// The generator knows no bodies of plain text: a script goes as bytes, as it does here.
const GENERATOR: &str = "package_name_override: qiantang_client\npost_hooks: []\n\
                         content_type_overrides:\n  text/plain: application/octet-stream\n";

fn succeeded(command: &mut Command, what: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}\n{err}", output.status);
}

#[test]
fn answers_are_those_of_the_document() {
    let Some(schemathesis) = python_tool("schemathesis") else { return };
    let (site, alpha) = alpha_alone();
    site.publish_price(1_000_000);
    let id = site.submit(&alpha, &job("one", "echo one"));
    site.wait_for_end(&alpha.developer, &id);
    let eve = json!({ "login": "eve", "name": "Eve", "role": "auditor", "password": PASSWORD });
    site.post("/api/v1/members", &site.operator, &eve);
    let auditor = site.login("eve");
    for (who, token) in [
        ("operator", &site.operator),
        ("auditor", &auditor),
        ("admin", &alpha.admin),
        ("developer", &alpha.developer),
    ] {
        let folder = testkit::open_folder();
        let mut command = Command::new(&schemathesis);
        command
            .current_dir(folder.path())
            .args(["--config-file", CONFIG, "run"])
            .arg(format!("{}/api/openapi.json", site.url))
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "7"])
            .args(["--checks", CHECKS, "--exclude-path-regex", LEFT_OUT])
            .args(["--continue-on-failure", "--no-shrink", "--request-timeout", "30"]);
        succeeded(&mut command, &format!("as {who}"));
    }
}

#[test]
fn a_client_made_of_the_document_works() {
    let (Some(generator), Some(python)) = (python_tool("openapi-python-client"), python_tool("python3"))
    else {
        return;
    };
    let (site, _alpha) = alpha_alone();
    let folder = testkit::open_folder();
    let names = folder.path().join("names.yaml");
    std::fs::write(&names, GENERATOR).expect("the settings are written");
    let made = folder.path().join("made");
    let mut generate = Command::new(generator);
    generate.arg("generate").args(["--url", &format!("{}/api/openapi.json", site.url)]);
    generate.args(["--meta", "none", "--fail-on-warning", "--config"]).arg(&names);
    generate.arg("--output-path").arg(made.join("qiantang_client"));
    std::fs::create_dir(&made).expect("a folder is made");
    succeeded(&mut generate, "the client is made");
    let mut run = Command::new(python);
    run.arg(CLIENT).args([&site.url, "alpha-developer", PASSWORD]).env("PYTHONPATH", Path::new(&made));
    succeeded(&mut run, "the client is used");
}
