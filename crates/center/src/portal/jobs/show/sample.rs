//! Jobs that wait, run, have ended, and were handed to Slurm directly.

use base::page::{
    frame::{Page, Tab},
    words::Html,
};
use domain::{CardMs, JobStatus, MicroCny, Rfc3339, RunStatus, ServiceClass, Timestamp};

use super::{Array, Ended, Figure, Free, JobPage, RunsPart, Script, Shown, Step, Why};
use crate::{
    app::jobs::JobView,
    portal::{
        jobs::{
            log::{Choice, Found},
            runs::RunLine,
        },
        sample::{Sample, views},
    },
};

impl Sample for JobPage {
    fn samples(page: &Page) -> Vec<Self> {
        let running = running(page);
        let waiting = Self {
            job: JobView { state: JobStatus::Queued, service_class: ServiceClass::Normal, ..views::job() },
            contract: None,
            may_submit: false,
            why: Some(why(page, true)),
            array: Some(array(page, true)),
            log: None,
            runs: RunsPart::default(),
            tiles: Vec::new(),
            ..self::running(page)
        };
        let ended = Self {
            job: JobView { state: JobStatus::Failed, ..views::job() },
            is_live: false,
            may_cancel: false,
            may_see_evidence: false,
            may_read: false,
            why: Some(why(page, false)),
            array: Some(array(page, false)),
            log: Some(log(false)),
            runs: of_array(page),
            ..self::running(page)
        };
        let never = Self {
            job: JobView { state: JobStatus::NeverRan, ended_at: Some(Rfc3339(views::AT)), ..views::job() },
            is_live: false,
            ended: Some(Ended {
                code: "dependency".into(),
                text: page.t("ended-why"),
                other: Some("job_1".into()),
            }),
            log: None,
            runs: RunsPart::default(),
            ..self::running(page)
        };
        let direct =
            Self { direct: Some(page.t2("direct-text", 12, "li")), log: None, ..self::running(page) };
        vec![running, waiting, ended, never, direct]
    }
}

impl JobPage {
    /// The page of a job of which this is known.
    pub fn of_view(page: &Page, job: JobView) -> Self {
        let (why, ended) = (super::why(page.ui, &job), super::ended(page.ui, &job));
        Self { why, ended, is_live: false, job, ..running(page) }
    }
}

fn runs(page: &Page) -> Vec<RunLine> {
    let run = |state: RunStatus, note: &str, started_at: Option<Timestamp>| RunLine {
        id: "run_1".into(),
        short_id: "R1".into(),
        name: page.t1("attempt-n", "n", 1),
        state,
        note: note.into(),
        places: "HZ-01 0-7".into(),
        is_virtual: note.is_empty(),
        started_at: started_at.map(Rfc3339),
        elapsed_ms: 61_000,
        used: CardMs(7_200_000),
        charge: MicroCny(3_500_000),
    };
    vec![run(RunStatus::Running, "", Some(views::AT)), run(RunStatus::Failed, "3", None)]
}

fn of_array(page: &Page) -> RunsPart {
    let tab = |word: String, count: &str| Tab {
        href: "/jobs/job_1?state=failed".into(),
        word,
        count: count.into(),
        is_current: count.is_empty(),
    };
    RunsPart {
        lines: runs(page),
        states: vec![tab(page.t("all"), ""), tab(page.word("state", "failed"), "1")],
        shown: page.t2("shown-of", 2, "300"),
        older: "/jobs/job_1?cursor=2".into(),
        is_array: true,
        task: "7".into(),
    }
}

fn running(page: &Page) -> JobPage {
    let step = |look, gap: &str| Step {
        look,
        text: page.t("submitted"),
        gap: gap.into(),
        when: page.short(views::AT),
    };
    let figure = |note: &str| Figure {
        name: page.t("cards"),
        value: Html(r#"16<span class="unit">= 2 × 8</span>"#.into()),
        note: Html(note.into()),
    };
    JobPage {
        page: page.clone(),
        job: views::job(),
        place: "Univ · Vision".into(),
        contract: Some("con_1".into()),
        now: views::AT,
        follows: "job_1".into(),
        is_live: true,
        has_log: false,
        may_submit: true,
        may_cancel: true,
        may_read: true,
        may_see_evidence: true,
        ended: None,
        why: None,
        figures: vec![figure("910"), figure("")],
        array: None,
        log: Some(log(true)),
        runs: RunsPart { lines: runs(page), shown: page.t2("shown-of", 2, 2), ..RunsPart::default() },
        script: Script {
            text: "#!/bin/sh\necho '<b>'\n\nexit 3\n".into(),
            encoding: Some("GB18030"),
            encodings: vec![Choice { value: "GB18030".into(), href: String::new(), is_shown: true }],
            download: "/jobs/job_1/script".into(),
        },
        direct: None,
        steps: vec![step("done", ""), step("now", "2m")],
        tiles: views::tiles(),
        cards_text: "HZ-01 0-7".into(),
        cards_virtual: true,
    }
}

fn why(page: &Page, has_cards: bool) -> Why {
    let free = || Free { now: 4, missing: 4, bar: page.progress(&[("b-left", 4)], &8, 12, "4 < 8") };
    Why {
        code: "free_cards".into(),
        text: "4 < 8".into(),
        forecast: page.short(views::LATER),
        certainty: page.word("certainty", "estimate"),
        ahead: 2,
        waited: "2m".into(),
        cards: has_cards.then(free),
    }
}

fn array(page: &Page, is_small: bool) -> Array {
    Array {
        ended: 2,
        total: 8,
        max_running: is_small.then_some(4),
        bar: page.progress(&[("b-ok", 2)], &8, 16, "2 / 8"),
        legend: vec![
            ("task-succeeded", page.word("state", "succeeded"), 2),
            ("idle", page.word("state", "queued"), 6),
        ],
        cells: if is_small { vec!["task-succeeded", "task-running", "idle"] } else { Vec::new() },
    }
}

fn log(is_live: bool) -> Shown {
    let choice =
        |value: &str, is_shown| Choice { value: value.into(), href: "/jobs/job_1#job-log".into(), is_shown };
    let only = |is_there: bool, text: &str| if is_there { text.to_owned() } else { String::new() };
    let rows = "<span class=\"ln\" data-at=\"08:00:00.000\">epoch 1\n</span><span class=\"ln is-err\">&lt;b&gt;\n</span>";
    Shown {
        part: "log-run_1-".into(),
        run: views::id("run_"),
        id: "run_1".into(),
        streams: vec![choice("all", is_live), choice("stdout", false), choice("stderr", !is_live)],
        nodes: if is_live { vec![choice("HZ-01", false), choice("HZ-02", true)] } else { Vec::new() },
        encodings: vec![choice("UTF-8", !is_live), choice("GB18030", is_live)],
        encoding: "GB18030",
        is_chosen: !is_live,
        is_guessed: is_live,
        is_live,
        is_unordered: !is_live,
        is_lost: !is_live,
        left_out: (!is_live).then(|| "1,234".to_owned()),
        stream: "/jobs/job_1/log/stream?run=run_1&resume=0-0,0-0".into(),
        rows: Html(rows.into()),
        open: Html(only(is_live, "<span class=\"ln\">torn\n</span>")),
        to_end: only(!is_live, "/jobs/job_1#job-log"),
        later: only(!is_live, "/jobs/job_1?at=1-1#job-log"),
        q: only(!is_live, "loss"),
        found: (!is_live).then(|| Found {
            lines: vec![(
                "stdout".into(),
                "/jobs/job_1?at=1-1#job-log".into(),
                Html("<mark>loss</mark>".into()),
            )],
            more: "/jobs/job_1?q=loss&more=1-1/1-1#job-log".into(),
        }),
        downloads: vec![
            ("all", "/jobs/job_1/log".into()),
            ("stdout", "/jobs/job_1/log?stream=stdout".into()),
        ],
        accuracy: None,
    }
}
