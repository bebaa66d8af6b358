#![no_main]
//! Traces of any format, packed or not. `cargo +nightly fuzz run trace`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = twin::read(bytes, None);
});
