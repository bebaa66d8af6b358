//! Drawing up a contract and changing its draft: one form with the four kinds, whose own fields show without scripts.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    moment,
    page::{
        extract::Sent,
        form::{Choice, Form},
        frame::{Page, Visitor, render},
        words::Ui,
    },
};
use domain::{QueueTerms, TenantId, contract::ContractKind, text::Line};

use crate::{
    actions,
    app::{
        contracts::{self, ContractView, DraftChange, NewContract},
        nodes::{self, PoolView},
    },
    center::Center,
    portal::tenants::tenants_by_name,
};

const KINDS: [&str; 4] = ["prepaid", "metered", "reserved", "grant"];
/// The most cards that a field takes: more than any center has.
const MOST_CARDS: u32 = 1_000_000;

#[derive(Template)]
#[template(path = "contract_form.html")]
pub struct DraftPage {
    page: Page,
    form: Form,
    kinds: [&'static str; 4],
    /// Empty for a tenant's own people.
    tenants: Vec<Choice>,
    pools: Vec<PoolView>,
    /// Where the form is sent to, and where one goes who leaves it.
    to: String,
    leave: String,
    /// The number of the draft that is changed; empty for a new one.
    number: String,
}

fn may_draft(center: &Center, visitor: &Visitor) -> Result<(), AppError> {
    let own: Option<TenantId> = visitor.caller.member.tenant;
    center.policies.check(&visitor.caller, actions::SUBMIT_CONTRACT, own)
}

pub async fn form(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    may_draft(&center, &visitor)?;
    let today = visitor.front.ui.zone.date(moment::now());
    let year: u32 = today.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default();
    // 29 February has no counterpart in the year after.
    let end = format!("{}{}", year + 1, today.get(4..).unwrap_or_default()).replace("-02-29", "-03-01");
    let mut begin = vec![
        ("kind", "prepaid".to_owned()),
        ("starts", today),
        ("ends", end),
        ("guaranteed", "0".to_owned()),
        ("weight", "1".to_owned()),
    ];
    let pools = pools(&center, &visitor)?;
    begin.extend(pools.iter().map(|pool| ("pool", pool.name.clone())));
    show(&center, &visitor, None, StatusCode::OK, Form::with(&begin)).await
}

fn pools(center: &Center, visitor: &Visitor) -> Result<Vec<PoolView>, AppError> {
    nodes::list_pools(center, &visitor.caller)
}

async fn show(
    center: &Center,
    visitor: &Visitor,
    draft: Option<&ContractView>,
    status: StatusCode,
    form: Form,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    // A draft keeps its tenant.
    let tenants = if draft.is_some() { Vec::new() } else { tenants_by_name(center, visitor).await? };
    let title = if draft.is_some() { "contract-edit" } else { "contract-draft" };
    let page = DraftPage {
        page: visitor.page("contracts", ui.t(title)),
        form,
        kinds: KINDS,
        tenants,
        pools: pools(center, visitor)?,
        to: draft.map_or_else(|| "/contracts/new".into(), |draft| format!("/contracts/{}/edit", draft.id)),
        leave: draft.map_or_else(|| "/contracts".into(), |draft| format!("/contracts/{}", draft.id)),
        number: draft.map(|draft| draft.number.clone()).unwrap_or_default(),
    };
    Ok(render(status, &page))
}

pub async fn create(
    State(center): State<Center>,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    may_draft(&center, &visitor)?;
    let ui = visitor.front.ui;
    let new = read(ui, &mut form, visitor.is_of_center());
    if !form.is_good() {
        return show(&center, &visitor, None, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    }
    match contracts::create(&center, &visitor.caller, new).await {
        Ok(made) => Ok(Redirect::to(&format!("/contracts/{}", made.id)).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, field)?;
            show(&center, &visitor, None, status, form).await
        }
    }
}

/// The draft of that id, for those who may change it.
async fn draft_of(center: &Center, visitor: &Visitor, id: &str) -> Result<ContractView, AppError> {
    let draft = contracts::show(center, &visitor.caller, id).await?;
    center.policies.check(&visitor.caller, actions::SUBMIT_CONTRACT, Some(draft.tenant))?;
    contracts::unless_draft(&draft.number, draft.state)?;
    Ok(draft)
}

/// The fields of a draft, as they are typed.
fn typed(ui: Ui, draft: &ContractView) -> Vec<(&'static str, String)> {
    let mut values = vec![
        ("number", draft.number.clone()),
        ("kind", draft.kind.code().to_owned()),
        ("starts", ui.zone.date(draft.starts_at.0)),
        ("ends", ui.zone.date(draft.ends_at.0)),
        ("guaranteed", draft.queue.guaranteed_cards.to_string()),
        ("most", draft.queue.max_running_cards.to_string()),
        ("weight", draft.queue.weight.to_string()),
    ];
    match &draft.terms {
        ContractKind::Prepaid { package, fee } => {
            values.extend([("package", ui.set_hours(package)), ("package-fee", fee.to_string())]);
        }
        ContractKind::Metered { credit_limit } => values.push(("credit", credit_limit.to_string())),
        ContractKind::Reserved { cards, fee } => {
            values.extend([("cards", cards.to_string()), ("cards-fee", fee.to_string())]);
        }
        ContractKind::Grant { cap } => values.extend(cap.map(|cap| ("cap", ui.set_hours(&cap)))),
    }
    let limits = [("borrowing", draft.queue.borrowing_limit), ("lending", draft.queue.lending_limit)];
    values.extend(limits.iter().filter_map(|(name, limit)| Some((*name, (*limit)?.to_string()))));
    values.extend(draft.pools.iter().map(|pool| ("pool", pool.clone())));
    values
}

pub async fn edit_form(
    State(center): State<Center>,
    Id(id): Id,
    visitor: Visitor,
) -> Result<Response, AppError> {
    let draft = draft_of(&center, &visitor, &id).await?;
    let form = Form::with(&typed(visitor.front.ui, &draft));
    show(&center, &visitor, Some(&draft), StatusCode::OK, form).await
}

pub async fn edit(
    State(center): State<Center>,
    Id(id): Id,
    Sent { visitor, mut form }: Sent,
) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let draft = draft_of(&center, &visitor, &id).await?;
    let new = read(ui, &mut form, false);
    if !form.is_good() {
        return show(&center, &visitor, Some(&draft), StatusCode::UNPROCESSABLE_ENTITY, form).await;
    }
    // Forms show dates and rounded amounts: what nobody typed anew stays as exact as it was.
    let was = Form::with(&typed(ui, &draft));
    let is_new = |names: &[&str]| names.iter().any(|name| form.value(name) != was.value(name));
    let amounts = ["kind", "package", "package-fee", "credit", "cards", "cards-fee", "cap"];
    let change = DraftChange {
        number: Some(new.number),
        terms: is_new(&amounts).then_some(new.terms),
        pools: Some(new.pools),
        starts_at: is_new(&["starts"]).then_some(new.starts_at),
        ends_at: is_new(&["ends"]).then_some(new.ends_at),
        queue: Some(new.queue),
    };
    match contracts::change(&center, &visitor.caller, &id, change).await {
        Ok(_) => Ok(Redirect::to(&format!("/contracts/{id}")).into_response()),
        Err(error) => {
            let status = form.explain(ui, error, field)?;
            show(&center, &visitor, Some(&draft), status, form).await
        }
    }
}

/// The form's field for what the center names.
fn field(name: &str) -> Option<&'static str> {
    Some(match name {
        "number" | "already_there" => "number",
        "starts_at" => "starts",
        "ends_at" => "ends",
        "terms" => "kind",
        "queue" => "most",
        "pools" | "pool" => "pool",
        "tenant" => "tenant",
        _ => return None,
    })
}

/// The contract as it is written; what is wrong is said at its field.
fn read(ui: Ui, form: &mut Form, with_tenant: bool) -> NewContract {
    let number = form.value("number").to_owned();
    if let Err(wrong) = Line::<64>::parse(&*number) {
        form.blame_for(ui, "number", wrong);
    }
    let tenant = with_tenant.then(|| form.value("tenant").to_owned());
    if tenant.as_ref().is_some_and(String::is_empty) {
        form.blame_by(ui, "tenant", "tenant");
    }
    let terms = match form.value("kind") {
        "prepaid" => {
            ContractKind::Prepaid { package: form.hours(ui, "package"), fee: form.yuan(ui, "package-fee") }
        }
        "metered" => ContractKind::Metered { credit_limit: form.yuan(ui, "credit") },
        "reserved" => ContractKind::Reserved {
            cards: form.number(ui, "cards", 1..=MOST_CARDS),
            fee: form.yuan(ui, "cards-fee"),
        },
        kind => {
            if kind != "grant" {
                form.blame_by(ui, "kind", "kind");
            }
            ContractKind::Grant { cap: (!form.value("cap").is_empty()).then(|| form.hours(ui, "cap")) }
        }
    };
    let (starts_at, ends_at) = (form.day(ui, "starts"), form.day(ui, "ends"));
    if !starts_at.is_empty() && !ends_at.is_empty() && ends_at <= starts_at {
        form.blame_by(ui, "ends", "ends-at");
    }
    let queue = QueueTerms {
        guaranteed_cards: form.number(ui, "guaranteed", 0..=MOST_CARDS),
        borrowing_limit: form.number_or_none(ui, "borrowing", 0..=MOST_CARDS),
        lending_limit: form.number_or_none(ui, "lending", 0..=MOST_CARDS),
        weight: form.number(ui, "weight", 1..=MOST_CARDS),
        max_running_cards: form.number(ui, "most", 1..=MOST_CARDS),
    };
    if queue.guaranteed_cards > queue.max_running_cards && form.problem("most").is_empty() {
        form.blame_by(ui, "most", "queue");
    }
    let pools = form.all("pool");
    if pools.is_empty() {
        form.blame_by(ui, "pool", "pools");
    }
    NewContract { number, terms, pools, starts_at, ends_at, queue, tenant }
}

#[cfg(test)]
mod tests {
    use domain::{CardMs, Lang, MicroCny};

    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for DraftPage {
        fn samples(page: &Page) -> Vec<Self> {
            let sample = |form: Form, tenants| Self {
                page: page.clone(),
                form,
                kinds: KINDS,
                tenants,
                pools: vec![views::pool()],
                to: "/contracts/new".into(),
                leave: "/contracts".into(),
                number: String::new(),
            };
            let typed = [("number", "HZ-1".to_owned()), ("kind", "grant".into()), ("tenant", "corp".into())];
            let mut wrong = Form::with(&typed);
            read(page.ui, &mut wrong, true);
            let begun = Form::with(&[
                ("kind", "prepaid".into()),
                ("pool", "HALL-1".into()),
                ("ends", "2027-05-20".into()),
            ]);
            let draft = Form::with(&super::typed(page.ui, &views::contract()));
            let changed = Self { number: "HZ-1".into(), ..sample(draft, Vec::new()) };
            vec![sample(begun, Vec::new()), sample(wrong, views::tenants()), changed]
        }
    }

    #[test]
    fn what_a_draft_says_is_read_as_it_was() {
        let draft = views::contract();
        let mut form = Form::with(&typed(ui(), &draft));
        let read = read(ui(), &mut form, false);
        assert!(form.is_good(), "{form:?}");
        assert_eq!((read.terms, read.queue, read.pools), (draft.terms, draft.queue, draft.pools));
    }

    fn ui() -> Ui {
        Ui::of(Lang::En)
    }

    fn filled(more: &[(&'static str, &str)]) -> Form {
        let mut values: Vec<(&str, String)> =
            more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        for (name, value) in [
            ("number", "HZ-1"),
            ("tenant", "a"),
            ("kind", "prepaid"),
            ("package", "1,000"),
            ("package-fee", "5000"),
            ("pool", "ascend-910"),
            ("starts", "2026-05-20"),
            ("ends", "2027-05-20"),
            ("guaranteed", "8"),
            ("most", "16"),
            ("weight", "2"),
            ("lending", ""),
            ("borrowing", "4"),
        ] {
            if !values.iter().any(|(known, _)| *known == name) {
                values.push((name, value.to_owned()));
            }
        }
        Form::with(&values)
    }

    #[test]
    fn each_kind_reads_its_own_fields() {
        let mut form = filled(&[]);
        let new = read(ui(), &mut form, true);
        assert!(form.is_good(), "{form:?}");
        let package = CardMs(3_600_000_000);
        assert_eq!(new.terms, ContractKind::Prepaid { package, fee: MicroCny::from_yuan(5000) });
        assert_eq!((new.queue.lending_limit, new.queue.borrowing_limit), (None, Some(4)));
        assert_eq!(new.starts_at, "2026-05-19T16:00:00.000Z");
        let mut form = filled(&[("kind", "metered"), ("credit", "0"), ("package", "")]);
        assert_eq!(read(ui(), &mut form, true).terms, ContractKind::Metered { credit_limit: MicroCny::ZERO });
        assert!(form.is_good(), "another kind's fields don't matter: {form:?}");
        let mut form = filled(&[("kind", "grant"), ("cap", "")]);
        assert_eq!(read(ui(), &mut form, true).terms, ContractKind::Grant { cap: None });
        let mut form = filled(&[("kind", "reserved"), ("cards", "8"), ("cards-fee", "1.5")]);
        let fee = MicroCny(1_500_000);
        assert_eq!(read(ui(), &mut form, true).terms, ContractKind::Reserved { cards: 8, fee });
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        for (name, value, at) in [
            ("number", "", "number"),
            ("tenant", "", "tenant"),
            ("kind", "lease", "kind"),
            ("package", "0", "package"),
            ("package-fee", "free", "package-fee"),
            ("starts", "soon", "starts"),
            ("ends", "2026-05-20", "ends"),
            ("guaranteed", "17", "most"),
            ("most", "0", "most"),
            ("weight", "0", "weight"),
            ("borrowing", "-1", "borrowing"),
        ] {
            let mut form = filled(&[(name, value)]);
            read(ui(), &mut form, true);
            assert!(!form.problem(at).is_empty(), "{name}={value}: {form:?}");
            assert_eq!(form.value(name), value, "what was typed is kept");
        }
    }
}
