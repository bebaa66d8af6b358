//! The digital twin, asked by an operator on a page.

use testkit::{Answer, Browser};

use crate::scene::Scene;

/// An operator who asks the twin.
struct Asking {
    scene: Scene,
    operator: Browser,
}

impl Asking {
    fn new() -> Self {
        let scene = Scene::new();
        // The twin replays what has run.
        scene.failed_job();
        let operator = scene.browser("operator");
        Self { scene, operator }
    }

    /// Sends the form with one field changed, or none.
    fn ask(&self, change: Option<(&str, &str)>) -> Answer {
        let mut fields = [
            ("days", "30"),
            ("policy", "fcfs"),
            ("nodes", "4"),
            ("cards", "8"),
            ("demand", "150"),
            ("mtbf", ""),
            ("repair", "4"),
        ];
        if let Some((name, value)) = change {
            let field = fields.iter_mut().find(|(known, _)| *known == name).expect("a field of the form");
            field.1 = value;
        }
        self.operator.send_form("/twin", &fields)
    }

    /// The page of a question, once the twin has answered it.
    fn answer(&self, page: &str) -> Answer {
        self.scene.site.wait_for("the twin's answer", || {
            let page = self.operator.get(page);
            (!page.body.contains("Replaying")).then_some(page)
        })
    }
}

#[test]
fn a_question_that_can_not_be_is_refused_as_it_was_typed() {
    let asking = Asking::new();
    for (name, bad) in [("nodes", "0"), ("demand", "much"), ("policy", "luck"), ("mtbf", "-1"), ("days", "")]
    {
        let answer = asking.ask(Some((name, bad)));
        assert_eq!(answer.status, 422, "{name}");
        assert!(answer.body.contains("value=\"150\"") || name == "demand", "the other fields stay: {name}");
    }
    assert!(asking.operator.get("/twin").body.contains("Nothing was asked yet"));
}

#[test]
fn an_operator_asks_the_twin_what_if() {
    let asking = Asking::new();
    assert!(asking.operator.get("/twin").body.contains("Nothing was asked yet"));
    let asked = asking.ask(None);
    assert_eq!((asked.status, asked.header("location")), (303, "/twin/1"));
    let page = asking.answer("/twin/1");
    for part in ["4 nodes × 8 cards", "demand 150 %", "Mean wait", "/twin/1/report"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let report = asking.operator.get("/twin/1/report");
    assert_eq!(
        (report.status, report.header("content-security-policy")),
        (200, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    );
    let are_both_shown =
        ["now · fair-share+easy", "then · fcfs"].iter().all(|name| report.body.contains(name));
    assert!(are_both_shown, "{}", report.body);
    assert_eq!(asking.ask(Some(("mtbf", "100"))).header("location"), "/twin/2");
    assert!(asking.operator.get("/twin").body.contains("/twin/2"));
}

#[test]
fn with_no_job_left_nothing_is_called_better_or_worse() {
    let asking = Asking::new();
    assert_eq!(asking.ask(Some(("demand", "1"))).header("location"), "/twin/1");
    let page = asking.answer("/twin/1");
    for wrong in ["is-good", "is-bad", ">-0"] {
        assert!(!page.body.contains(wrong), "{wrong}: {}", page.body);
    }
}
