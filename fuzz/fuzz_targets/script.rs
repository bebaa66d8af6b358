#![no_main]
//! Scripts with #SBATCH lines. `cargo +nightly fuzz run script`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = domain::script::parse(text) {
        assert_eq!(parsed.spec.script, text);
        let _ = parsed.spec.problems();
    }
});
