//! Any bytes as a tool file, and any JSON behind it (after a 0 byte) as its arguments.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pintail::tool::UserTool;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let Ok(source) = std::str::from_utf8(&data[..at]) else { return };
    let tool = match UserTool::parse("fuzzed", source, Path::new("fuzzed.toml")) {
        Ok(tool) => tool,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let arguments = data.get(at + 1..).unwrap_or_default();
    if let Ok(serde_json::Value::Object(mut arguments)) = serde_json::from_slice(arguments) {
        if tool.parameters.validate(&arguments).is_ok() {
            tool.parameters.fill_defaults(&mut arguments);
            assert!(tool.parameters.validate(&arguments).is_ok(), "defaults fit");
        }
    }
});
