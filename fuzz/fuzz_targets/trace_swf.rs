#![no_main]
//! Traces in the Standard Workload Format. `cargo +nightly fuzz run trace_swf`.

use libfuzzer_sys::fuzz_target;
use twin::Format;

fuzz_target!(|bytes: &[u8]| {
    let (trace, _) = twin::read(bytes, Some(Format::Swf));
    assert!(trace.jobs.iter().all(|job| job.submit_ms >= 0 && (1..=job.estimate_ms).contains(&job.run_ms)));
});
