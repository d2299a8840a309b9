//! `bodies/matcher.rs` under libFuzzer.

#![no_main]

#[path = "../bodies/matcher.rs"]
mod matcher;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    matcher::run(data);
});
