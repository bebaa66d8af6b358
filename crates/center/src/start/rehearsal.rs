//! Rehearsals: a center whose clock is ahead.

use std::ffi::OsString;

use base::moment;
use domain::Millis;
use engines::AHEAD_VARIABLE;

use super::StartError;

/// Sets the clock ahead, where that is asked for.
pub(super) fn begin(ahead: Option<OsString>) -> Result<(), StartError> {
    let Some(given) = ahead else { return Ok(()) };
    let ahead = given
        .to_str()
        .and_then(|ms| ms.parse().ok())
        .map(Millis)
        .ok_or_else(|| StartError::Clock { given: given.to_string_lossy().into_owned() })?;
    moment::set_ahead(ahead);
    tracing::warn!(ahead_ms = ahead.0, now = %moment::now(), "the clock is set ahead by {AHEAD_VARIABLE}: this is a rehearsal");
    Ok(())
}
