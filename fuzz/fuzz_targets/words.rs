#![no_main]
//! Ids, instants and amounts. `cargo +nightly fuzz run words`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = text.parse::<domain::JobId>();
    let _ = text.parse::<domain::Timestamp>();
    let _ = text.parse::<domain::MicroCny>();
});
