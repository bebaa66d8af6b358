//! The examples, as they are in `examples/`, carried in the binary so that it needs no checkout.

use std::path::Path;

/// The scripts that are submitted, and what they run.
pub const DIGITS_ONE_CARD: &str = include_str!("../../../../examples/digits-one-card.sh");
pub const DIGITS_TWO_NODES: &str = include_str!("../../../../examples/digits-two-nodes.sh");
pub const SWEEP_ARRAY: &str = include_str!("../../../../examples/sweep-array.sh");
pub const VOICE: &str = include_str!("../../../../examples/voice-keywords.sh");
pub const BUILDING: &str = include_str!("../../../../examples/building-load.sh");
pub const CITY: &str = include_str!("../../../../examples/city-traffic.sh");
pub const FAILS: &str = include_str!("../../../../examples/fails.sh");
pub const OVERRUNS: &str = include_str!("../../../../examples/overruns.sh");

const FILES: &[(&str, &[u8])] = &[
    ("data/digits/digits.csv", include_bytes!("../../../../examples/data/digits/digits.csv")),
    ("data/digits/SOURCE.md", include_bytes!("../../../../examples/data/digits/SOURCE.md")),
    ("digits/train.py", include_bytes!("../../../../examples/digits/train.py")),
    ("digits/collective.py", include_bytes!("../../../../examples/digits/collective.py")),
    ("voice/keywords.py", include_bytes!("../../../../examples/voice/keywords.py")),
    ("building/load.py", include_bytes!("../../../../examples/building/load.py")),
    ("city/traffic.py", include_bytes!("../../../../examples/city/traffic.py")),
];

/// Writes them into `folder`, for runs to read.
pub fn write(folder: &Path) -> std::io::Result<()> {
    for (name, bytes) in FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, bytes)?;
    }
    Ok(())
}
