//! Shares in per cent, as people type them.

use base::page::{form::Form, words::Ui};
use domain::decimal;

/// A share in per cent as basis points, 0 where nothing is typed. What is none is said at its field.
pub fn read(ui: Ui, form: &mut Form, name: &str) -> u32 {
    let typed = form.value(name).trim_end_matches(['%', '％']).trim().to_owned();
    if typed.is_empty() {
        return 0;
    }
    let read = decimal::millionths(&typed).filter(|millionths| millionths % 10_000 == 0);
    let bp = read.and_then(|millionths| u32::try_from(millionths / 10_000).ok()).filter(|bp| *bp <= 10_000);
    bp.unwrap_or_else(|| {
        form.blame_by(ui, name, "discount");
        0
    })
}
