//! `bodies/template.rs` under libFuzzer. Give it `src/prompt/chat/templates` as a corpus.

#![no_main]

#[path = "../bodies/template.rs"]
mod template;

libfuzzer_sys::fuzz_target!(|text: &str| {
    template::run(text);
});
