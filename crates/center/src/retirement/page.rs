//! The nodes and pools that go, in a browser.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base::{
    error::AppError,
    http::Id,
    page::{
        extract::Sent,
        form::Form,
        frame::{Page, Visitor, render},
    },
};
use domain::{NodeStatus, Rfc3339};

use super::{
    ask::{self, RetirementView},
    rule::RETIRE_NODE,
    told::DifferenceView,
    wish::{DifferenceKind, HereNode, HerePool, RetiredNode, Whose},
};
use crate::center::Center;

#[derive(Template)]
#[template(path = "retirement/show.html")]
pub struct RetirementPage {
    page: Page,
    whose: Whose,
    is_known: bool,
    differences: Vec<Row>,
    leaving: Vec<HereNode>,
    retired: Vec<RetiredNode>,
    pools: Vec<HerePool>,
    retired_pools: Vec<(String, Rfc3339)>,
    may_change: bool,
    form: Form,
}

/// A difference in the page's language, and the form that settles it, where one does.
struct Row {
    what: String,
    name: String,
    wish: String,
    is: String,
    to_do: String,
    act: Act,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    None,
    RetireNode,
    BringBackNode,
    RetirePool,
    BringBackPool,
}

fn act(kind: DifferenceKind) -> Act {
    match kind {
        DifferenceKind::NodeNotNamed
        | DifferenceKind::NodePool
        | DifferenceKind::NodeCards
        | DifferenceKind::NodeRings
        | DifferenceKind::NodeVirtual => Act::RetireNode,
        DifferenceKind::NodeRetired => Act::BringBackNode,
        DifferenceKind::PoolNotNamed | DifferenceKind::PoolModel => Act::RetirePool,
        DifferenceKind::PoolRetired => Act::BringBackPool,
        DifferenceKind::NodeWaits => Act::None,
    }
}

pub async fn show(State(center): State<Center>, visitor: Visitor) -> Result<Response, AppError> {
    shown(&center, &visitor, StatusCode::OK, Form::default())
}

fn shown(center: &Center, visitor: &Visitor, status: StatusCode, form: Form) -> Result<Response, AppError> {
    let ui = visitor.front.ui;
    let RetirementView { whose, is_known, differences, here } = ask::look(center, &visitor.caller)?;
    let row = |difference: DifferenceView| Row {
        what: ui.t(if difference.kind.is_of_pool() { "retirement-pool" } else { "node" }),
        wish: difference.wish.in_lang(ui.lang).to_owned(),
        is: difference.is.in_lang(ui.lang).to_owned(),
        to_do: difference.to_do.in_lang(ui.lang).to_owned(),
        act: act(difference.kind),
        name: difference.name,
    };
    let retired_pools = here.pools.iter().filter_map(|pool| Some((pool.name.clone(), pool.retired_at?)));
    let page = RetirementPage {
        page: visitor.page("retirement", ui.t("nav-retirement")),
        whose,
        is_known,
        differences: differences.into_iter().map(row).collect(),
        leaving: here.nodes.iter().filter(|node| node.state == NodeStatus::Leaving).cloned().collect(),
        retired_pools: retired_pools.collect(),
        pools: here.pools.into_iter().filter(|pool| pool.retired_at.is_none()).collect(),
        retired: here.retired,
        may_change: visitor.may(center, RETIRE_NODE, None),
        form,
    };
    Ok(render(status, &page))
}

/// The page again: as it is now, or with what is wrong.
fn answered(
    center: &Center,
    visitor: &Visitor,
    mut form: Form,
    done: Result<RetirementView, AppError>,
) -> Result<Response, AppError> {
    match done {
        Ok(_) => Ok(Redirect::to("/retirement").into_response()),
        Err(error) => {
            let status = form.explain(visitor.front.ui, error, |_| None)?;
            shown(center, visitor, status, form)
        }
    }
}

pub async fn retire_node(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let done = ask::retire_node(&center, &visitor.caller, &name, form.value("reason")).await;
    answered(&center, &visitor, form, done)
}

pub async fn remove_node(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let done = ask::remove_node(&center, &visitor.caller, &name).await;
    answered(&center, &visitor, form, done)
}

pub async fn bring_back_node(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let done = ask::bring_back_node(&center, &visitor.caller, &name).await;
    answered(&center, &visitor, form, done)
}

pub async fn retire_pool(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let done = ask::retire_pool(&center, &visitor.caller, &name, form.value("reason")).await;
    answered(&center, &visitor, form, done)
}

pub async fn bring_back_pool(
    State(center): State<Center>,
    Id(name): Id,
    Sent { visitor, form }: Sent,
) -> Result<Response, AppError> {
    let done = ask::bring_back_pool(&center, &visitor.caller, &name).await;
    answered(&center, &visitor, form, done)
}

#[cfg(test)]
mod samples {
    use super::*;
    use crate::portal::sample::{Sample, views};

    impl Sample for RetirementPage {
        fn samples(page: &Page) -> Vec<Self> {
            let row = |act| Row {
                what: page.t("node"),
                name: "Lab 02".into(),
                wish: "a < b".into(),
                is: "c & d".into(),
                to_do: "retire <it>".into(),
                act,
            };
            let acts = [Act::None, Act::RetireNode, Act::BringBackNode, Act::RetirePool, Act::BringBackPool];
            let node = HereNode {
                name: "Lab 03".into(),
                pool: "teaching".into(),
                state: NodeStatus::Leaving,
                reason: "sold < 2027".into(),
                cards: 8,
                ring_cards: 4,
                is_virtual: true,
            };
            let retired = RetiredNode {
                name: "Lab 04".into(),
                pool: "teaching".into(),
                cards: 8,
                is_virtual: true,
                since: views::AT.into(),
                retired_at: views::LATER.into(),
                reason: "sold & gone".into(),
            };
            let pool =
                HerePool { name: "teaching".into(), card_model: "Ascend 910".into(), retired_at: None };
            let mut wrong = Form::default();
            wrong.notice = "no <reason>".into();
            let sample = |is_full: bool, whose, may_change, form| Self {
                page: page.clone(),
                whose,
                is_known: is_full,
                differences: if is_full { acts.map(row).into() } else { Vec::new() },
                leaving: if is_full { vec![node.clone()] } else { Vec::new() },
                retired: if is_full { vec![retired.clone()] } else { Vec::new() },
                pools: if is_full { vec![pool.clone()] } else { Vec::new() },
                retired_pools: if is_full { vec![("old".into(), views::AT.into())] } else { Vec::new() },
                may_change,
                form,
            };
            vec![
                sample(true, Whose::Settings, true, Form::default()),
                sample(true, Whose::Slurm, true, wrong),
                sample(true, Whose::Settings, false, Form::default()),
                sample(false, Whose::Slurm, true, Form::default()),
                Self { is_known: true, ..sample(false, Whose::Settings, true, Form::default()) },
            ]
        }
    }
}
