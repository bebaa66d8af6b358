#![no_main]
//! Job specifications as JSON. `cargo +nightly fuzz run spec`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(spec) = serde_json::from_slice::<domain::JobSpec>(bytes) {
        let is_right = spec.problems().is_empty();
        assert!(!is_right || spec.task_count() <= domain::spec::MAX_ARRAY_TASKS);
    }
});
