//! `bodies/grammar.rs` under libFuzzer. Give it `grammars` (a 0 byte before each) and schemas (a 1) as a corpus.

#![no_main]

#[path = "../bodies/grammar.rs"]
mod grammar;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    grammar::run(data);
});
