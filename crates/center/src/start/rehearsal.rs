//! Rehearsals: a center whose clock is ahead.

use std::ffi::OsString;

use base::moment;
use domain::Millis;
use engines::AHEAD_VARIABLE;

/// Sets the clock ahead, where that is asked for. Fails with what was given where it is no number of milliseconds.
pub(super) fn begin(ahead: Option<OsString>) -> Result<(), String> {
    let Some(given) = ahead else { return Ok(()) };
    let ahead = given
        .to_str()
        .and_then(|ms| ms.parse().ok())
        .map(Millis)
        .ok_or_else(|| given.to_string_lossy().into_owned())?;
    moment::set_ahead(ahead);
    tracing::warn!(ahead_ms = ahead.0, now = %moment::now(), "the clock is set ahead by {AHEAD_VARIABLE}: this is a rehearsal");
    Ok(())
}
