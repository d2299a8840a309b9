//! The tools that pintail itself is, run again inside the cage: `pintail tool-main NAME`, arguments as JSON on
//! standard input, the answer as JSON on standard output.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{notes, sysinfo};

/// The hidden command.
pub const MAIN: &str = "tool-main";

/// Runs one of them.
///
/// # Errors
/// What the person should be told.
pub fn main(name: &str) -> Result<(), String> {
    let mut text = String::new();
    std::io::stdin()
        .take(1 << 20)
        .read_to_string(&mut text)
        .map_err(|error| format!("arguments on standard input: {error}"))?;
    let arguments =
        serde_json::from_str(&text).map_err(|error| format!("arguments on standard input: {error}"))?;
    let answer = match name {
        "sysinfo" => sysinfo::answer(arguments, Path::new("/")),
        "notes" => {
            let folder = std::env::var_os("PINTAIL_STATE").map(PathBuf::from);
            notes::answer(arguments, &folder.ok_or("no private folder: write = [\"state\"] is missing")?)
        }
        other => Err(format!("there is no tool `{other}` inside pintail")),
    }?;
    println!("{answer}");
    Ok(())
}
