//! The tool `notes`: a text file in the tool's own folder, a note a line.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Most notes in one answer.
const MOST: usize = 20;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Append `text`.
    Add,
    /// Find the notes with every word of `text`.
    Search,
    /// The latest notes.
    List,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    action: Option<Action>,
    #[serde(default)]
    text: String,
}

/// Answers one call; the notes are in `folder`.
///
/// # Errors
/// When the arguments do not fit or the file cannot be read or written.
pub fn answer(arguments: Value, folder: &Path) -> Result<Value, String> {
    let arguments: Arguments = serde_json::from_value(arguments).map_err(|error| error.to_string())?;
    let file = folder.join("notes.txt");
    let failed = |error: std::io::Error| format!("notes.txt: {error}");
    // A note is a line: line breaks and other control characters in it become spaces.
    let text: String = arguments.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // "Note: buy milk" says what to note and not that it is to be added.
    let action = arguments.action.unwrap_or(if text.is_empty() { Action::List } else { Action::Add });
    match action {
        Action::Add if text.is_empty() => Err("there is no text to note".into()),
        Action::Add => {
            let mut notes =
                std::fs::OpenOptions::new().create(true).append(true).open(&file).map_err(failed)?;
            // One write, so that a full disk or the size limit cannot leave half a line without its end being seen.
            notes.write_all(format!("{text}\n").as_bytes()).map_err(failed)?;
            notes.sync_all().map_err(failed)?;
            Ok(json!({ "added": text }))
        }
        Action::Search | Action::List => {
            let words: Vec<String> = match action {
                Action::List => Vec::new(),
                _ => text.to_lowercase().split(' ').map(str::to_owned).collect(),
            };
            let (notes, total) = search(&file, &words).map_err(failed)?;
            Ok(json!({ "notes": notes, "total": total }))
        }
    }
}

/// The latest notes that hold every word, newest first, and how many there are in all.
fn search(file: &Path, words: &[String]) -> std::io::Result<(Vec<String>, usize)> {
    let notes = match std::fs::File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        other => other?,
    };
    let mut found = std::collections::VecDeque::new();
    let mut total = 0;
    let mut lines = BufReader::new(notes);
    let mut line = Vec::new();
    // A line is bounded, so that a file damaged by a crash cannot take the memory.
    while lines.by_ref().take(1 << 16).read_until(b'\n', &mut line)? > 0 {
        let note = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        let lower = note.to_lowercase();
        if note.is_empty() || !words.iter().all(|word| lower.contains(word.as_str())) {
            continue;
        }
        total += 1;
        found.push_front(note);
        found.truncate(MOST);
    }
    Ok((found.into(), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_added_found_and_listed_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let ask = |arguments| answer(arguments, folder.path());
        assert_eq!(ask(json!({})).unwrap(), json!({ "notes": [], "total": 0 }));
        ask(json!({ "action": "add", "text": "Buy  seeds\nfor the garden" })).unwrap();
        assert_eq!(ask(json!({ "text": "Pump needs oil" })).unwrap(), json!({ "added": "Pump needs oil" }));
        let found = ask(json!({ "action": "search", "text": "GARDEN seeds" })).unwrap();
        assert_eq!(found, json!({ "notes": ["Buy seeds for the garden"], "total": 1 }));
        let all = ask(json!({ "action": "list" })).unwrap();
        assert_eq!(all["notes"], json!(["Pump needs oil", "Buy seeds for the garden"]));
        assert!(ask(json!({ "action": "add", "text": " \n" })).is_err());
        assert!(ask(json!({ "action": "burn" })).is_err());
    }

    #[test]
    fn an_answer_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let many: String = (0..1000).map(|n| format!("note {n}\n")).collect();
        std::fs::write(folder.path().join("notes.txt"), many).unwrap();
        let all = answer(json!({}), folder.path()).unwrap();
        assert_eq!(all["total"], 1000);
        assert_eq!(all["notes"].as_array().unwrap().len(), MOST);
        assert_eq!(all["notes"][0], "note 999");
    }
}
