//! What counts as an answer, and as a setting.

use domain::{
    Millis, TenantDomain,
    problem::{Field, Place, Wrong, field},
};
use serde_json::{Value, json};

use super::{Answer, Answers, Form, Question, settings::ApprovalSettings};
use crate::error::AppError;

const DAY: i64 = 24;

const FIELD: Field = Field { code: "contact", zh: "联系人" };
const QUESTIONS: &[Question] = &[
    Question { field: FIELD, answer: Answer::Line, is_required: true, only: &[] },
    Question { field: field::TAX_NUMBER, answer: Answer::CreditCode, is_required: true, only: &[] },
    Question {
        field: Field { code: "email", zh: "邮箱" },
        answer: Answer::Email,
        is_required: true,
        only: &[],
    },
    Question {
        field: Field { code: "phone", zh: "电话" },
        answer: Answer::Phone,
        is_required: false,
        only: &[],
    },
    Question {
        field: field::CARDS,
        answer: Answer::Number { least: 1, most: 64 },
        is_required: false,
        only: &[],
    },
    Question { field: field::SLUG, answer: Answer::Slug, is_required: false, only: &[] },
    Question { field: field::NOTE, answer: Answer::Text, is_required: false, only: &[] },
];
const RESEARCH: TenantDomain = TenantDomain::Research;
const FORM: Form = Form { version: 1, questions: QUESTIONS };

fn answers(given: &Value) -> Answers {
    given.as_object().expect("an object").clone()
}

fn faults(read: Result<Answers, AppError>) -> Vec<&'static str> {
    let Err(AppError::Invalid(problems)) = read else { return Vec::new() };
    let place = |place: &Place| match place {
        Place::Field(field) => field.code,
        _ => "elsewhere",
    };
    problems.iter().map(|problem| place(&problem.place)).collect()
}

#[test]
fn a_form_takes_right_answers_and_names_wrong_ones() {
    let right = json!({ "contact": " 李雷 ", "tax_number": "91330100799655058b", "email": "li.lei@example.com",
        "phone": "+86 (571) 8888-0000", "cards": "1,0", "slug": "west-lake", "note": "a\r\nb" });
    let read = FORM.read(RESEARCH, &answers(&right), false).expect("all of it is right");
    assert_eq!(
        Value::Object(read),
        json!({ "contact": "李雷", "tax_number": "91330100799655058B", "email": "li.lei@example.com",
            "phone": "+86 (571) 8888-0000", "cards": 10, "slug": "west-lake", "note": "a\nb" })
    );
    let wrong = json!({ "tax_number": "91330100799655058C", "email": "li lei@x", "phone": "call me", "cards": 65,
        "slug": "West Lake", "note": "a\u{7}" });
    let wrong = answers(&wrong);
    let all = ["contact", "tax_number", "email", "phone", "cards", "slug", "note"];
    assert_eq!(faults(FORM.read(RESEARCH, &wrong, false)), all);
    // A draft keeps what somebody has begun to write, but nothing that no text may have.
    assert_eq!(faults(FORM.read(RESEARCH, &wrong, true)), ["note"]);
    let long = "x".repeat(2001);
    assert_eq!(faults(FORM.read(RESEARCH, &answers(&json!({ "contact": long })), true)), ["contact"]);
    assert_eq!(faults(FORM.read(RESEARCH, &answers(&json!({ "other": 1 })), true)), ["value"]);
    for email in ["a@b", "@b.c", "a@.c", "a@b.c.", "a b@c.d", "a@b@c.d"] {
        assert_eq!(
            faults(FORM.read_changes(RESEARCH, &answers(&json!({ "email": email })))),
            ["email"],
            "{email}"
        );
    }
    assert!(
        FORM.read_changes(RESEARCH, &answers(&json!({ "cards": 3 }))).is_ok(),
        "a change says nothing of the rest"
    );
    // What can't be read is told as it was given.
    let Err(AppError::Invalid(problems)) =
        FORM.read_changes(RESEARCH, &answers(&json!({ "cards": "a few" })))
    else {
        panic!("no number");
    };
    assert_eq!(problems[0].wrong, Wrong::NotAWholeNumber { given: "a few".into() });
}

#[test]
fn no_message_names_a_field_that_the_form_lacks() {
    let wrong =
        json!({ "tax_number": "9133", "email": "x", "phone": "call me", "cards": 65, "slug": "West Lake" });
    let Err(AppError::Invalid(problems)) = FORM.read(RESEARCH, &answers(&wrong), false) else {
        panic!("it is wrong");
    };
    for problem in problems {
        for lang in domain::Lang::ALL {
            let told = problem.wrong.text(lang);
            for other in [field::OTHER_TAX_NUMBER.code, field::OTHER_TAX_NUMBER.zh] {
                assert!(!told.contains(other), "{told}");
            }
        }
    }
}

#[test]
fn a_domain_is_asked_its_own_questions() {
    const OWN: Form = Form {
        version: 1,
        questions: &[
            Question { field: field::NOTE, answer: Answer::Line, is_required: true, only: &[RESEARCH] },
            Question { field: field::SLUG, answer: Answer::Slug, is_required: true, only: &[] },
        ],
    };
    let (all, one) = (answers(&json!({ "note": "a", "slug": "a" })), answers(&json!({ "slug": "a" })));
    assert!(
        OWN.read(RESEARCH, &all, false).is_ok() && OWN.read(TenantDomain::Government, &one, false).is_ok()
    );
    assert_eq!(faults(OWN.read(RESEARCH, &one, false)), ["note"]);
    assert_eq!(faults(OWN.read(TenantDomain::Government, &all, false)), ["value"]);
    assert_eq!(
        faults(OWN.read_changes(TenantDomain::Government, &answers(&json!({ "note": "a" })))),
        ["value"]
    );
}

#[test]
fn settings_that_can_t_be_are_refused() {
    let read = |text: &str| toml::from_str::<ApprovalSettings>(text).ok().map(|settings| settings.problem());
    let good = "due_days = 5\n[join.enterprise]\nsteps = [{ role = \"contracts\" }, { role = \"operator\", quorum = 2, of = 3 }]";
    assert_eq!(read(good), Some(None));
    let settings: ApprovalSettings = toml::from_str(good).expect("it is good");
    let path = settings.path("join", TenantDomain::Enterprise).expect("it is named");
    assert_eq!((path.len(), path[1].most(), settings.terms().due), (2, 3, Millis::from_hours(5 * DAY)));
    assert_eq!(settings.path("join", TenantDomain::Research), None);
    for bad in [
        "due_days = 0",
        "[join.enterprise]\nsteps = []",
        "[join.enterprise]\nsteps = [{ role = \"admin\" }]",
        "[join.enterprise]\nsteps = [{ role = \"operator\", quorum = 0 }]",
        "[join.enterprise]\nsteps = [{ role = \"operator\", quorum = 3, of = 2 }]",
        "[join.enterprise]\nsteps = [{ role = \"operator\", least_average = 101 }]",
        "[join.enterprise]\nsteps = [{ role = \"operator\", least_average = 60, of = 2 }]",
    ] {
        assert!(read(bad).flatten().is_some(), "{bad}");
    }
    for unread in [
        "nonsense = 1",
        "[join.industry]\nsteps = [{ role = \"operator\" }]",
        "[join.enterprise]\nsteps = [{ role = \"operator\", cards = 1 }]",
        "[join.enterprise]\nsteps = [{ role = \"operator\" }]\nmore = 1",
    ] {
        assert_eq!(read(unread), None, "{unread}");
    }
}
