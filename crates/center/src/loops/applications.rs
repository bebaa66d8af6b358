//! The applications loop, which ends what the clock has ended: drafts that nobody handed in, and what nobody decided; and
//! what of other nouns has a time that ends.

use std::time::{Duration, Instant};

use base::{
    approval::keep,
    error::AppError,
    moment,
    noun::{Expire, nouns},
};

use crate::{center::Center, wakers::APPLICATIONS};

/// Between two looks. The rule itself refuses what is over from the instant on.
pub const EVERY: Duration = Duration::from_secs(20);

pub fn run(center: &Center) {
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        let others = nouns(center.platforms).filter_map(|noun| noun.expire);
        for expire in std::iter::once(turn as Expire<Center>).chain(others) {
            if let Err(error) = expire(center) {
                let error = base::error::chain(&error);
                tracing::error!(error, "what is over by the clock stays open; it is tried again");
                center.loops.failed(APPLICATIONS, &error);
            }
        }
        center.loops.turned(APPLICATIONS, begun.elapsed());
        center.compute.wakers.pause(EVERY);
    }
}

/// Ends them, in as many transactions as it takes.
fn turn(center: &Center) -> Result<(), AppError> {
    let terms = center.common.approval.terms();
    loop {
        let now = moment::now();
        let ended = center.write_now(
            move |tx| keep::expire(tx, now, &terms),
            |center, ended| {
                for event in ended.iter().flat_map(|kept| &kept.events) {
                    center.tell(event.clone());
                }
            },
        )?;
        if ended.is_empty() {
            return Ok(());
        }
    }
}
