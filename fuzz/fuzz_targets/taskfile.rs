#![no_main]
//! Task files. `cargo +nightly fuzz run taskfile`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(spec) = domain::taskfile::parse(text) {
        let _ = spec.problems();
    }
});
