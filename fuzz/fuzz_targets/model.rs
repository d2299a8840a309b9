//! `bodies/model.rs` under libFuzzer. Give it small models of every architecture as a corpus (`tests/golden/architectures`).

#![no_main]

#[path = "../bodies/model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    model::run(data);
});
