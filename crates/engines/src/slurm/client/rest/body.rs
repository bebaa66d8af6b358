//! The body of a submission, for which each version has words of its own.

use serde_json::{Value, json};

use super::version::Version;
use crate::slurm::client::job::Submission;

/// PATH of the batch script, until that sets the run's own. Slurm takes no job without an environment.
const PATH: &str = "/usr/bin:/bin";

/// The body of a submission. `release` is that of Slurm itself: `(24, 11)`.
pub(super) fn submission(job: &Submission, version: Version, release: (u32, u32)) -> Value {
    let is_old = version < Version(39);
    let nodes = job.nodes.len();
    let mut all = json!({
        "name": job.name,
        "comment": job.comment,
        "current_working_directory": job.work_dir.display().to_string(),
        "standard_output": job.stdout_pattern(),
        "standard_error": job.stderr_pattern(),
    });
    let number = |number: u64| json!({ "set": true, "infinite": false, "number": number });
    for (name, value) in job.counts() {
        let is_object = !is_old && name.starts_with("memory");
        all[name] = if is_object { number(value) } else { json!(value) };
    }
    for (name, value) in [("account", &job.account), ("partition", &job.partition), ("qos", &job.qos)] {
        if let Some(value) = value {
            all[name] = json!(value);
        }
    }
    if is_old {
        all["no_requeue"] = json!(true);
        all["open_mode"] = json!("append");
        all["nodes"] = json!([nodes, nodes]);
        all["nodelist"] = json!(job.nodes.join(","));
        all["time_limit"] = json!(job.time_limit_min);
        all["environment"] = json!({ "PATH": PATH });
        if let Some(gres) = &job.gres {
            all["gres"] = json!(gres);
        }
        // These versions refuse `exclusive` whatever it says. The center keeps its other jobs from the nodes
        // itself.
        return json!({ "script": job.script, "job": all });
    }
    all["script"] = json!(job.script);
    all["requeue"] = json!(false);
    all["open_mode"] = json!(["APPEND"]);
    all["nodes"] = json!(format!("{nodes}-{nodes}"));
    all["required_nodes"] = json!(job.nodes);
    all["time_limit"] = number(job.time_limit_min.into());
    all["environment"] = json!([format!("PATH={PATH}")]);
    if let Some(gres) = &job.gres {
        // The service hands the text on to the controller, which changed its notation between 23.02 and
        // 23.11.
        let kind = if version < Version(40) && release < (23, 11) { "gres:" } else { "gres/" };
        let named: Vec<String> = gres.split(',').map(|one| format!("{kind}{one}")).collect();
        all["tres_per_node"] = json!(named.join(","));
    }
    json!({ "job": all })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_gets_its_own_words() {
        let job = Submission {
            name: "qt-1".into(),
            script: "#!/bin/sh\n".into(),
            stdout: "/share/100%/stdout".into(),
            nodes: vec!["n1".into(), "n2".into()],
            gres: Some("npu:ascend910:8".into()),
            account: Some("lab".into()),
            time_limit_min: 5,
            memory_mib_per_node: Some(100),
            tasks_per_node: Some(1),
            cpus_per_task: Some(8),
            ..Submission::default()
        };
        let old = submission(&job, Version(38), (22, 5));
        assert_eq!(old["script"], "#!/bin/sh\n");
        let old = &old["job"];
        assert_eq!((&old["nodes"], &old["nodelist"]), (&json!([2, 2]), &json!("n1,n2")));
        assert_eq!((&old["no_requeue"], &old["gres"]), (&json!(true), &json!("npu:ascend910:8")));
        assert_eq!((&old["time_limit"], &old["memory_per_node"]), (&json!(5), &json!(100)));
        assert_eq!(old["environment"], json!({ "PATH": "/usr/bin:/bin" }));

        let new = submission(&job, Version(42), (24, 11));
        assert!(new.get("script").is_none(), "{new}");
        let new = &new["job"];
        assert_eq!((&new["script"], &new["account"]), (&json!("#!/bin/sh\n"), &json!("lab")));
        assert_eq!((&new["nodes"], &new["required_nodes"]), (&json!("2-2"), &json!(["n1", "n2"])));
        assert_eq!((&new["requeue"], &new["tres_per_node"]), (&json!(false), &json!("gres/npu:ascend910:8")));
        assert_eq!((&new["time_limit"]["number"], &new["memory_per_node"]["set"]), (&json!(5), &json!(true)));
        assert_eq!(new["environment"], json!(["PATH=/usr/bin:/bin"]));
        assert_eq!((&new["tasks"], &new["standard_output"]), (&json!(2), &json!("/share/100%%/stdout")));
        assert!(new.get("qos").is_none() && new.get("partition").is_none(), "{new}");

        for (release, want) in [((23, 2), "gres:npu:ascend910:8"), ((24, 5), "gres/npu:ascend910:8")] {
            assert_eq!(submission(&job, Version(39), release)["job"]["tres_per_node"], want);
        }
    }
}
