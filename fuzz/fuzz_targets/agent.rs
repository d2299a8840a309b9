//! Any bytes as an agent file: sound, or findings that can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pintail::agent::Agent;

fuzz_target!(|data: &[u8]| {
    let Ok(source) = std::str::from_utf8(data) else { return };
    match Agent::parse(source, None) {
        Ok(agent) => assert!(agent.start < agent.states.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
