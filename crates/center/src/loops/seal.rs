//! The seal loop, which adds links to the chain of the books; and the roots loop, which makes roots as a day or a month
//! ends, and gives them out. No job waits for either.

use std::time::{Duration, Instant};

use crate::{
    app::roots,
    center::Center,
    wakers::{ROOTS, SEAL},
};
use base::{error::AppError, moment};

/// Between two links.
pub const SEAL_EVERY: Duration = Duration::from_secs(2);
/// Between two looks whether a root is due.
pub const ROOTS_EVERY: Duration = Duration::from_secs(5);

pub fn run(center: &Center) {
    turns(center, SEAL, SEAL_EVERY, roots::seal);
}

pub fn run_roots(center: &Center) {
    turns(center, ROOTS, ROOTS_EVERY, |center| {
        let mut made = Ok(());
        for occasion in roots::due(center, moment::now())? {
            made = roots::make(center, &occasion).map(|_| ());
        }
        // What was made before is given out, whatever came of the last.
        let written = roots::write_file(center);
        let pushed = roots::push(center);
        made.and(written).and(pushed)
    });
}

/// Does it again and again until the center stops.
fn turns(
    center: &Center,
    name: &'static str,
    every: Duration,
    turn: impl Fn(&Center) -> Result<(), AppError>,
) {
    let mut last = None;
    while !center.compute.wakers.is_stopping() {
        let begun = Instant::now();
        let told = turn(center).err().map(|error| base::error::chain(&error));
        if let Some(error) = &told {
            // A problem that persists is logged once.
            if last.as_ref() != Some(error) {
                tracing::error!(
                    name,
                    error,
                    "the books are not sealed or given out as they should be; it is tried again"
                );
            }
            center.loops.failed(name, error);
        }
        last = told;
        center.loops.turned(name, begun.elapsed());
        center.compute.wakers.pause(every);
    }
}
