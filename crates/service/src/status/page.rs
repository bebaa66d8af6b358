//! The state of the center in a browser, for everybody.

use askama::Template;
use axum::{extract::State, response::Response};
use base::{
    error::AppError,
    page::frame::{Front, Page, ok},
};
use center::center::Center;

use super::ask::{self, MaintenanceView, PartView, StatusView};

#[derive(Template)]
#[template(path = "status/show.html")]
pub struct StatusPage {
    page: Page,
    now: StatusView,
}

impl StatusPage {
    /// A part as it is, and since when it fails.
    fn told(&self, part: &PartView) -> String {
        let ui = self.page.ui;
        let word = ui.word("status-part-is", part.state.code());
        match part.since {
            Some(since) => ui.t2("status-since", word, ui.short_text(since)),
            None => word,
        }
    }

    fn when(&self, work: &MaintenanceView) -> String {
        let ui = self.page.ui;
        ui.t2("status-from-until", ui.short_text(work.from), ui.short_text(work.until))
    }
}

pub async fn show(State(center): State<Center>, front: Front) -> Result<Response, AppError> {
    center.limits.request(&front.from)?;
    let ui = front.ui;
    let (title, description) =
        (ui.t("status-title"), ui.t1("status-description", "center", &front.center_name));
    let page = Page {
        description,
        generated: center.generated.map(|past| past.told(ui)).unwrap_or_default(),
        ..Page::new(front, "", title)
    };
    Ok(ok(&StatusPage { page, now: ask::status(&center) }))
}

#[cfg(test)]
impl StatusPage {
    /// A center that is well, and one with all that can be amiss.
    pub fn samples(page: &Page) -> Vec<Self> {
        use domain::Timestamp;

        use super::ask::{CenterState, NodeCounts, Part, PartState};
        let at = Timestamp::from_secs(1_800_000_000);
        let part =
            |part, state, is_failing: bool| PartView { part, state, since: is_failing.then(|| at.into()) };
        let sample = |state, is_well: bool| Self {
            page: page.clone(),
            now: StatusView {
                at: at.into(),
                state,
                is_disk_full: !is_well,
                counts: NodeCounts { nodes: 20, up: 17, out: 2, failed: 1, cards: 160, busy_cards: 40 },
                waiting_jobs: 7,
                parts: if is_well {
                    Part::ALL.map(|one| part(one, PartState::Works, false)).to_vec()
                } else {
                    PartState::ALL.map(|state| part(Part::Jobs, state, true)).to_vec()
                },
                maintenance: [false, true]
                    .map(|has_begun| MaintenanceView {
                        from: at.into(),
                        until: at.into(),
                        nodes: 2,
                        has_begun,
                    })
                    .into_iter()
                    .filter(|_| !is_well)
                    .collect(),
                is_all_virtual: is_well,
            },
        };
        CenterState::ALL.map(|state| sample(state, state == CenterState::InService)).into()
    }
}
