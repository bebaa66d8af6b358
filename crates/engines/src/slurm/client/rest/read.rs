//! Reads slurmrestd's answers, whichever version it speaks. A number is plain or an object that says whether
//! it is set, a state is a word or a list of words, and a list is a list or a text with commas.

use serde_json::Value;

use crate::slurm::client::{
    job::{JobRecord, JobState},
    node::{Daemon, NodeRecord},
    notation,
    refusal::is_over_already,
};

/// `7`, or `{ "set": true, "infinite": false, "number": 7 }`. `None` for a number that is not set or has no
/// end.
fn integer(value: &Value) -> Option<i64> {
    if value.is_object() {
        let is_number = value["set"] != false && value["infinite"] != true;
        return value["number"].as_i64().filter(|_| is_number);
    }
    value.as_i64()
}

fn number(value: &Value) -> Option<u32> {
    integer(value).and_then(|number| u32::try_from(number).ok())
}

/// A number of things.
pub(super) fn count(value: &Value) -> Option<u64> {
    integer(value).and_then(|count| u64::try_from(count).ok())
}

/// A time. 0 stands for one that has not come.
pub(super) fn seconds(value: &Value) -> Option<i64> {
    integer(value).filter(|seconds| *seconds > 0)
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The words of a list, or of a text with commas.
fn words(value: &Value) -> Vec<String> {
    let listed = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    let written = value.as_str().into_iter().flat_map(|text| text.split(','));
    listed.chain(written).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A job's state: one word, or a list of the state and its marks, of which the commands would show the
/// strongest.
fn job_state(value: &Value) -> Option<JobState> {
    let states: Vec<JobState> = words(value).iter().map(|word| notation::job_state(word)).collect();
    let strongest = [JobState::Completing, JobState::Requeued];
    let mark = strongest.into_iter().find(|strong| states.contains(strong));
    mark.or(states.first().copied())
}

/// The end of a job, as code and signal. The value is an object with both, or a wait status, which has both
/// in one number.
fn exit(value: &Value) -> (i32, i32) {
    if value.get("return_code").is_some() {
        let signal = &value["signal"];
        let signal = number(&signal["id"]).or_else(|| number(&signal["signal_id"])).unwrap_or(0);
        let small = |number: u32| i32::try_from(number).unwrap_or(0);
        return (small(number(&value["return_code"]).unwrap_or(0)), small(signal));
    }
    let status = integer(value).and_then(|status| i32::try_from(status).ok()).unwrap_or(0);
    notation::wait_status(status)
}

/// A job as the controller has it.
pub(super) fn listed(job: &Value) -> Option<JobRecord> {
    let (code, signal) = exit(&job["exit_code"]);
    let state = job_state(&job["job_state"])?;
    let (ended_s, ends_by_s) = state.read_end(seconds(&job["end_time"]));
    Some(JobRecord {
        id: number(&job["job_id"])?,
        name: word(&job["name"]),
        user: word(&job["user_name"]),
        account: word(&job["account"]),
        partition: word(&job["partition"]),
        state,
        reason: word(&job["state_reason"]),
        nodes: notation::hosts(job["nodes"].as_str().unwrap_or_default())?,
        cards: notation::cards_of_tres(job["tres_alloc_str"].as_str().unwrap_or_default()),
        started_s: seconds(&job["start_time"]),
        ended_s,
        ends_by_s,
        code,
        signal,
        restarts: number(&job["restart_cnt"]).unwrap_or(0),
    })
}

/// A job as the accounting has it. Up to v0.0.39 it shows no exit codes, and the controller's word counts.
pub(super) fn accounted(job: &Value) -> Option<JobRecord> {
    let (code, signal) = exit(&job["exit_code"]);
    let tres = |entry: &Value| {
        let (kind, name) = (entry["type"].as_str()?, entry["name"].as_str()?);
        Some(format!("{kind}/{name}={}", number(&entry["count"])?))
    };
    let tres: Vec<String> =
        job["tres"]["allocated"].as_array().into_iter().flatten().filter_map(tres).collect();
    Some(JobRecord {
        id: number(&job["job_id"])?,
        name: word(&job["name"]),
        user: word(&job["user"]),
        account: word(&job["account"]),
        partition: word(&job["partition"]),
        state: notation::accounted_state(
            job_state(&job["state"]["current"])?,
            // Older ones never say who cancelled a job. A job that is cancelled as it runs gets a signal.
            !word(&job["kill_request_user"]).is_empty() || signal != 0,
        ),
        reason: word(&job["state"]["reason"]),
        nodes: notation::hosts(job["nodes"].as_str().unwrap_or_default())?,
        cards: notation::cards_of_tres(&tres.join(",")),
        started_s: seconds(&job["time"]["start"]),
        ended_s: seconds(&job["time"]["end"]),
        ends_by_s: None,
        code,
        signal,
        restarts: 0,
    })
}

/// A node's state as sinfo would write it: `idle`, `mixed+drain`, `down*`.
fn node_state(node: &Value) -> String {
    let mut states = words(&node["state"]);
    states.extend(words(&node["state_flags"]));
    let (mut written, mut marks) = (Vec::new(), String::new());
    for state in states {
        match state.to_ascii_lowercase().as_str() {
            // A node that sleeps is woken for a job. It only gets a mark, or it would be taken for one that
            // is down.
            "powered_down" => marks.push('~'),
            "powering_down" => marks.push('%'),
            "power_down" => marks.push('!'),
            "power_up" | "powering_up" => marks.push('#'),
            "not_responding" => marks.push('*'),
            "maintenance" => written.push("maint".to_owned()),
            "invalid_reg" => written.push("inval".to_owned()),
            other => written.push(other.to_owned()),
        }
    }
    // The mark of silence counts before all others, and stands last.
    if marks.contains('*') {
        marks = marks.replace('*', "") + "*";
    }
    written.join("+") + &marks
}

/// The records of a node, one for each of its partitions.
pub(super) fn node(node: &Value) -> Vec<NodeRecord> {
    let state = node_state(node);
    let record = |partition: String| {
        Some(NodeRecord {
            name: node["name"].as_str()?.to_owned(),
            address: word(&node["address"]),
            partition,
            condition: notation::node_condition(&state),
            state: state.clone(),
            reason: word(&node["reason"]),
            gres: notation::gres_of_node(node["gres"].as_str().unwrap_or_default()),
            cpus: number(&node["cpus"])?,
            memory_mib: u64::try_from(integer(&node["real_memory"])?).ok()?,
            features: words(&node["features"]),
        })
    };
    words(&node["partitions"]).into_iter().filter_map(record).collect()
}

/// A node's daemon.
pub(super) fn daemon(node: &Value) -> Option<Daemon> {
    Some(Daemon {
        node: node["name"].as_str()?.to_owned(),
        address: word(&node["address"]),
        port: number(&node["port"]).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0),
        started_s: seconds(&node["slurmd_start_time"]),
    })
}

/// The number of the submitted job.
pub(super) fn submitted(answer: &Value) -> Option<u32> {
    let of = |answer: &Value| number(&answer["job_id"]).filter(|number| *number > 0);
    of(answer).or_else(|| of(&answer["result"]))
}

/// The errors in an answer, as one text.
pub(super) fn errors(answer: &Value) -> String {
    // A service that does not know the path answers in plain text.
    if let Some(text) = answer.as_str() {
        return text.trim().to_owned();
    }
    let of = |error: &Value| {
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        let parts: Vec<&str> =
            [text("description"), text("error")].into_iter().filter(|text| !text.is_empty()).collect();
        parts.join(": ")
    };
    let all: Vec<String> = answer["errors"].as_array().into_iter().flatten().map(of).collect();
    all.join("; ")
}

/// Whether one of an answer's errors has such a number.
pub(super) fn has_error(answer: &Value, numbers: std::ops::Range<i64>) -> bool {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["error_number"].as_i64()).any(|number| numbers.contains(&number))
}

/// Why jobs could not be cancelled; `None` also for jobs that have ended.
pub(super) fn cancel_problem(status: u16, answer: &Value) -> Option<String> {
    let of_job = |job: &Value| {
        let error = &job["error"];
        let why = word(&error["string"]);
        let has_failed = number(&error["code"]).unwrap_or(0) > 0 && !is_over_already(&why);
        has_failed.then(|| format!("job {}: {why}", word(&job["step_id"])))
    };
    let of_jobs = answer["status"].as_array().into_iter().flatten().filter_map(of_job);
    let of_all =
        Some(errors(answer)).filter(|why| !is_over_already(why) && (status != 200 || !why.is_empty()));
    let all: Vec<String> = of_all.into_iter().chain(of_jobs).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::client::node::NodeCondition;
    use serde_json::json;

    fn set(number: i64) -> Value {
        json!({ "set": true, "infinite": false, "number": number })
    }

    #[test]
    fn numbers_are_plain_or_say_whether_they_are_set() {
        for (value, want) in [
            (json!(7), Some(7)),
            (set(7), Some(7)),
            (json!({ "set": false, "infinite": false, "number": 0 }), None),
            (json!({ "set": false, "infinite": true, "number": 0 }), None),
            (json!({ "set": true, "infinite": true, "number": 0 }), None),
            (json!("7"), None),
            (Value::Null, None),
        ] {
            assert_eq!(integer(&value), want, "{value}");
        }
    }

    #[test]
    fn a_job_of_the_controller_is_the_same_in_all_versions() {
        let job = |state: Value, exit: Value, start: Value, end: Value| {
            json!({
                "job_id": 9, "name": "qt-1", "user_name": "alice", "account": "lab", "partition": "npu",
                "job_state": state, "state_reason": "NonZeroExitCode", "nodes": "npu[1-2]",
                "tres_alloc_str": "cpu=2,gres/npu=2", "start_time": start, "end_time": end,
                "exit_code": exit, "restart_cnt": 1,
            })
        };
        let want = JobRecord {
            id: 9,
            name: "qt-1".into(),
            user: "alice".into(),
            account: "lab".into(),
            partition: "npu".into(),
            state: JobState::Failed,
            reason: "NonZeroExitCode".into(),
            nodes: vec!["npu1".into(), "npu2".into()],
            cards: 2,
            started_s: Some(1_700_000_000),
            ended_s: Some(1_700_000_009),
            ends_by_s: None,
            code: 7,
            signal: 0,
            restarts: 1,
        };
        let (from, until) = (1_700_000_000, 1_700_000_009);
        let v40 = json!({
            "status": ["ERROR"],
            "return_code": set(7),
            "signal": { "id": { "set": false, "infinite": false, "number": 0 }, "name": "" },
        });
        for (version, job) in [
            (38, job(json!("FAILED"), json!(7 << 8), json!(from), json!(until))),
            (39, job(json!("FAILED"), set(7 << 8), json!(from), json!(until))),
            (40, job(json!(["FAILED"]), v40, set(from), set(until))),
        ] {
            assert_eq!(listed(&job).as_ref(), Some(&want), "v0.0.{version}");
        }
    }

    #[test]
    fn a_running_job_has_not_ended() {
        let job = json!({
            "job_id": 9, "job_state": ["RUNNING"], "nodes": "npu1", "start_time": set(5), "end_time": set(9),
        });
        let read = listed(&job).unwrap();
        assert_eq!((read.state, read.started_s, read.ended_s), (JobState::Running, Some(5), None));
        assert_eq!(read.ends_by_s, Some(9));
        assert_eq!(listed(&json!({ "job_id": 9, "job_state": [], "nodes": "" })), None);
    }

    #[test]
    fn marks_of_a_state_count_as_the_commands_show_them() {
        for (state, want) in [
            (json!("COMPLETING"), JobState::Completing),
            (json!(["CANCELLED", "COMPLETING"]), JobState::Completing),
            (json!(["PENDING", "REQUEUED"]), JobState::Requeued),
            (json!(["RUNNING", "CONFIGURING"]), JobState::Running),
            (json!(["OUT_OF_MEMORY"]), JobState::OutOfMemory),
            (json!(["COMPLETED", "SOMETHING_NEW"]), JobState::Completed),
        ] {
            assert_eq!(job_state(&state), Some(want), "{state}");
        }
    }

    #[test]
    fn a_job_of_the_accounting_is_the_same_in_all_versions() {
        let job = |state: Value, exit: Value| {
            json!({
                "job_id": 9, "name": "qt-1", "user": "alice", "account": "lab", "partition": "npu",
                "nodes": "npu1", "state": { "current": state, "reason": "None" }, "exit_code": exit,
                "time": { "start": 5, "end": 9 },
                "tres": { "allocated": [
                    { "type": "cpu", "name": "", "count": 4 },
                    { "type": "gres", "name": "npu", "count": 2 },
                    { "type": "gres", "name": "npu:ascend910", "count": 2 },
                ]},
            })
        };
        let signal = json!({ "id": set(9), "name": "KILL" });
        let unset = json!({ "set": false, "infinite": false, "number": 0 });
        let v40 = json!({ "status": ["SIGNALED"], "return_code": unset, "signal": signal });
        let v39 = json!({ "status": "SIGNALED", "return_code": -127, "signal": { "signal_id": 9 } });
        for (version, job) in [(39, job(json!("FAILED"), v39)), (40, job(json!(["FAILED"]), v40))] {
            let read = accounted(&job).unwrap();
            assert_eq!((read.id, read.state, read.cards), (9, JobState::Failed, 2), "v0.0.{version}");
            assert_eq!((read.code, read.signal), (0, 9), "v0.0.{version}");
            assert_eq!((read.started_s, read.ended_s), (Some(5), Some(9)), "v0.0.{version}");
        }
        let code = job(json!(["FAILED"]), json!({ "return_code": set(7), "signal": { "id": set(0) } }));
        assert_eq!(accounted(&code).map(|job| (job.code, job.signal)), Some((7, 0)));
    }

    #[test]
    fn nodes_are_the_same_in_all_versions() {
        let node_of = |state: Value, flags: Value, features: Value, partitions: Value| {
            json!({
                "name": "npu1", "address": "10.0.0.1", "state": state, "state_flags": flags, "reason": "",
                "gres": "npu:ascend910:8(S:0-1)", "cpus": 64, "real_memory": 16000,
                "features": features, "partitions": partitions,
            })
        };
        let (both, one) = (json!(["rings", "rack1"]), json!(["npu"]));
        for (node_of, state, condition) in [
            (
                node_of(json!("mixed"), json!(["DRAIN"]), json!("rings,rack1"), one.clone()),
                "mixed+drain",
                NodeCondition::Drained,
            ),
            (node_of(json!(["IDLE"]), Value::Null, both.clone(), json!("npu")), "idle", NodeCondition::Up),
            (
                node_of(
                    json!(["IDLE", "NOT_RESPONDING", "POWERING_UP"]),
                    Value::Null,
                    both.clone(),
                    one.clone(),
                ),
                "idle#*",
                NodeCondition::Down,
            ),
            (
                node_of(json!(["IDLE", "CLOUD", "POWERED_DOWN"]), Value::Null, both.clone(), one.clone()),
                "idle+cloud~",
                NodeCondition::Up,
            ),
            (
                node_of(json!(["IDLE", "MAINTENANCE"]), Value::Null, both.clone(), one.clone()),
                "idle+maint",
                NodeCondition::Drained,
            ),
            (
                node_of(json!(["IDLE", "INVALID_REG"]), Value::Null, both.clone(), one.clone()),
                "idle+inval",
                NodeCondition::Drained,
            ),
            (node_of(json!(["DOWN"]), Value::Null, both, one), "down", NodeCondition::Down),
        ] {
            let read = node(&node_of);
            let [read] = read.as_slice() else { panic!("{read:?}") };
            assert_eq!((read.state.as_str(), read.condition), (state, condition));
            assert_eq!((read.partition.as_str(), read.cpus, read.memory_mib), ("npu", 64, 16_000));
            assert_eq!(read.features, ["rings", "rack1"]);
            assert_eq!(read.gres, Some(("npu".into(), Some("ascend910".into()), 8)));
        }
    }

    #[test]
    fn answers_to_a_submission() {
        for (answer, want) in [
            (json!({ "job_id": 7 }), Some(7)),
            (json!({ "result": { "job_id": 7 }, "errors": [] }), Some(7)),
            (json!({ "job_id": 0, "errors": [{ "error": "no" }] }), None),
            (json!("Unable to parse query."), None),
        ] {
            assert_eq!(submitted(&answer), want, "{answer}");
        }
        let answer = json!({ "errors": [
            { "description": "Batch job submission failed", "error_number": 2000, "error": "Invalid partition" },
            { "error": "again" },
        ]});
        assert_eq!(errors(&answer), "Batch job submission failed: Invalid partition; again");
        assert!(has_error(&answer, 2000..2001) && !has_error(&answer, 9000..10_000));
        assert_eq!(errors(&json!("Unable to parse query.\n")), "Unable to parse query.");
    }

    #[test]
    fn what_has_ended_need_not_be_cancelled() {
        let of_job = |code: u32, why: &str| json!({ "status": [{ "step_id": "7", "error": { "code": code, "string": why } }], "errors": [] });
        let failed = |why: &str| json!({ "errors": [{ "error": why }] });
        for (status, answer, want) in [
            (200, json!({ "errors": [] }), None),
            (500, failed("Job/step already completing or completed"), None),
            (404, failed("Invalid job id specified"), None),
            (200, of_job(2017, "Invalid job id specified"), None),
            (200, of_job(2021, "Job/step already completing or completed"), None),
            (200, of_job(0, "No error"), None),
            (200, of_job(2002, "Access/permission denied"), Some("job 7: Access/permission denied")),
            (502, failed("Unable to contact slurm controller"), Some("Unable to contact slurm controller")),
            (500, Value::Null, Some("")),
        ] {
            assert_eq!(cancel_problem(status, &answer).as_deref(), want, "{answer}");
        }
    }
}
