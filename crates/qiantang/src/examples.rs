//! The examples, as they are in `examples/`, carried in the binary so that it needs no checkout.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

use center::settings::Settings;

/// The scripts that are submitted, and what they run.
pub const DIGITS_ONE_CARD: &str = include_str!("../../../examples/digits-one-card.sh");
pub const DIGITS_TWO_NODES: &str = include_str!("../../../examples/digits-two-nodes.sh");
pub const SWEEP_ARRAY: &str = include_str!("../../../examples/sweep-array.sh");
pub const VOICE: &str = include_str!("../../../examples/voice-keywords.sh");
pub const BUILDING: &str = include_str!("../../../examples/building-load.sh");
pub const CITY: &str = include_str!("../../../examples/city-traffic.sh");
pub const FAILS: &str = include_str!("../../../examples/fails.sh");
pub const OVERRUNS: &str = include_str!("../../../examples/overruns.sh");

pub const TASK_FILE: &str = include_str!("../../../examples/task.yaml");
pub const MINDSPORE: &str = include_str!("../../../examples/mindspore/digits-mindspore.sh");

/// The scripts and task files that people submit, by their names.
pub const SUBMITTED: &[(&str, &str)] = &[
    ("building-load.sh", BUILDING),
    ("city-traffic.sh", CITY),
    ("digits-mindspore.sh", MINDSPORE),
    ("digits-one-card.sh", DIGITS_ONE_CARD),
    ("digits-two-nodes.sh", DIGITS_TWO_NODES),
    ("fails.sh", FAILS),
    ("overruns.sh", OVERRUNS),
    ("sweep-array.sh", SWEEP_ARRAY),
    ("task.yaml", TASK_FILE),
    ("voice-keywords.sh", VOICE),
];

/// The variable that tells runs where the files below are.
pub const VARIABLE: &str = "QIANTANG_EXAMPLES";

const FILES: &[(&str, &[u8])] = &[
    ("data/digits/digits.csv", include_bytes!("../../../examples/data/digits/digits.csv")),
    ("data/digits/SOURCE.md", include_bytes!("../../../examples/data/digits/SOURCE.md")),
    ("digits/train.py", include_bytes!("../../../examples/digits/train.py")),
    ("digits/collective.py", include_bytes!("../../../examples/digits/collective.py")),
    ("voice/keywords.py", include_bytes!("../../../examples/voice/keywords.py")),
    ("building/load.py", include_bytes!("../../../examples/building/load.py")),
    ("mindspore/train_digits.py", include_bytes!("../../../examples/mindspore/train_digits.py")),
    ("city/traffic.py", include_bytes!("../../../examples/city/traffic.py")),
];

/// Has a center keep the files of the examples where its runs can read them, and tells runs where that is. Where the settings
/// name such a place themselves, that holds.
pub fn keep(settings: &mut Settings, beneath: &Path) -> std::io::Result<()> {
    if settings.jobs.env.contains_key(VARIABLE) {
        return Ok(());
    }
    let folder = beneath.join("examples");
    write(&folder)?;
    settings.jobs.env.insert(VARIABLE.into(), folder.display().to_string());
    settings.engine.readable.push(folder);
    Ok(())
}

/// Writes them into `folder`, for runs to read: users of their own read them through folders that let them pass.
fn write(folder: &Path) -> std::io::Result<()> {
    for (name, bytes) in FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
            std::fs::set_permissions(parent, Permissions::from_mode(0o755))?;
        }
        std::fs::write(&path, bytes)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o644))?;
    }
    std::fs::set_permissions(folder, Permissions::from_mode(0o755))
}
