#![no_main]
//! Pod lists of the openb trace. `cargo +nightly fuzz run trace_openb`.

use libfuzzer_sys::fuzz_target;
use twin::Format;

fuzz_target!(|bytes: &[u8]| {
    let (trace, _) = twin::read(bytes, Some(Format::Openb));
    assert!(trace.jobs.iter().all(|job| job.submit_ms >= 0 && (1..=job.estimate_ms).contains(&job.run_ms)));
});
