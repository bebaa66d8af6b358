#![no_main]
//! What npu-smi and nvidia-smi print. `cargo +nightly fuzz run cards`.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = engines::detect::parse_npu_table(text);
    let _ = engines::detect::npu_rings(text);
    let _ = engines::detect::parse_gpu_list(text);
});
