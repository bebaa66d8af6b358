//! The loops of notices: one hands events on, one sends mail, one posts to endpoints. The last two wait for others, and are
//! threads of their own for that.

use std::time::{Duration, Instant};

use base::{
    error::AppError,
    moment,
    notice::{
        endpoint::{deliver, post, rows as endpoints},
        fan_out,
        mail::{outbox, turn as mail},
        rows,
    },
};
use domain::Millis;
use store::{Tx, events::Event};

use crate::{
    center::Center,
    notices::{outside, topics::ENDPOINT_DISABLED, warn},
    wakers::{MAIL, NOTICES, WEBHOOKS},
};

/// Between two looks.
pub const EVERY: Duration = Duration::from_secs(1);
/// How often warnings are looked at, and what is old removed.
const SELDOM: Duration = Duration::from_secs(30);
/// The longest pause after the relay did not answer.
const LONGEST: Duration = Duration::from_mins(5);

fn failed(center: &Center, name: &'static str, what: &str, error: &AppError) {
    let error = base::error::chain(error);
    tracing::error!(error, "{what}; it is tried again");
    center.loops.failed(name, &error);
}

/// Hands events on.
pub fn run(center: &Center) {
    let (mut place, mut seldom) = (None, None::<Instant>);
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        if let Err(error) = hand_on(center, &mut place) {
            failed(center, NOTICES, "events were not handed on to whom they concern", &error);
        }
        if seldom.is_none_or(|last| last.elapsed() >= SELDOM) {
            seldom = Some(begun);
            if let Err(error) = warn::turn(center).and_then(|()| prune(center)) {
                failed(center, NOTICES, "warnings were not given, or old notices not removed", &error);
            }
        }
        center.loops.turned(NOTICES, begun.elapsed());
        center.compute.wakers.pause(EVERY);
    }
}

fn hand_on(center: &Center, place: &mut Option<fan_out::Place>) -> Result<(), AppError> {
    let place = match place {
        Some(place) => place,
        None => place.insert(fan_out::place(center)?),
    };
    let beside = |tx: &Tx, event: &Event, now| outside::of_event(center, tx, event, now);
    while !center.compute.wakers.is_stopping() && fan_out::turn(center, place, &beside)? {}
    Ok(())
}

/// Removes what was read, went out or failed long ago.
fn prune(center: &Center) -> Result<(), AppError> {
    let days = i64::from(center.common.notices.kept_days);
    let before = moment::now().minus(Millis::from_hours(days * 24));
    let work = move |tx: &Tx| -> Result<usize, AppError> {
        Ok(rows::prune(tx, before)? + outbox::prune(tx, before)? + endpoints::prune(tx, before)?)
    };
    center.write_now(work, |_, _| ()).map(drop)
}

/// Sends mail.
pub fn run_mail(center: &Center) {
    let mut pause = EVERY;
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        match mail::turn(center, center) {
            Ok(turned) => pause = if turned.is_more { Duration::ZERO } else { EVERY },
            Err(error) => {
                failed(center, MAIL, "mail can't be sent", &error);
                pause = (pause.max(EVERY) * 2).min(LONGEST);
            }
        }
        center.loops.turned(MAIL, begun.elapsed());
        center.compute.wakers.pause(pause);
    }
}

/// Posts to endpoints.
pub fn run_webhooks(center: &Center) {
    let agent = post::agent(center.common.notices.addresses.clone());
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        let is_more = deliver::turn(center, center, &agent, ENDPOINT_DISABLED).unwrap_or_else(|error| {
            failed(center, WEBHOOKS, "events were not posted to their endpoints", &error);
            false
        });
        center.loops.turned(WEBHOOKS, begun.elapsed());
        // What was just posted may leave more that is due; an endpoint that fails rests by itself.
        center.compute.wakers.pause(if is_more { Duration::ZERO } else { EVERY });
    }
}
