//! Tab completion: commands, devices, areas.

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};

/// The commands of the session and what they do.
pub(super) const COMMANDS: &[(&str, &str)] = &[
    ("/help", "say what there is"),
    ("/devices", "show every device and what it does"),
    ("/state", "show the agent's state"),
    ("/tools", "show the tools that are legal now"),
    ("/model", "show which model reads"),
    ("/why", "show how the last request was read"),
    ("/scheduled", "list what waits to be done"),
    ("/cancel", "take back what waits, by its number"),
    ("/budget", "show what the prompt costs, part by part"),
    ("/reset", "go back to the first state"),
    ("/quit", "leave (as Ctrl-D)"),
];

/// Completes what stands before the cursor.
pub(super) struct Names {
    /// Names of devices and areas.
    pub names: Vec<String>,
}

impl Names {
    /// Where the completed word begins, and what it may become.
    fn candidates(&self, line: &str) -> (usize, Vec<String>) {
        if line.starts_with('/') {
            let fit = COMMANDS.iter().map(|(name, _)| *name).filter(|name| name.starts_with(line));
            return (0, fit.map(str::to_owned).collect());
        }
        // A name may have several words: the longest tail of the line that begins a name wins.
        let starts = std::iter::once(0).chain(line.match_indices(' ').map(|(at, _)| at + 1));
        for start in starts {
            let tail = line[start..].to_lowercase();
            let fit: Vec<String> = self
                .names
                .iter()
                .filter(|name| !tail.is_empty() && name.to_lowercase().starts_with(&tail))
                .cloned()
                .collect();
            if !fit.is_empty() {
                return (start, fit);
            }
        }
        (line.len(), Vec::new())
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        Ok(self.candidates(&line[..pos]))
    }
}

impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_names_of_several_words_are_completed() {
        let names = Names { names: vec!["kitchen light".into(), "kitchen".into(), "hall light".into()] };
        assert_eq!(names.candidates("/st"), (0, vec!["/state".to_owned()]));
        assert_eq!(names.candidates("turn on the kitchen l"), (12, vec!["kitchen light".to_owned()]));
        assert_eq!(names.candidates("dim ha"), (4, vec!["hall light".to_owned()]));
        assert_eq!(names.candidates("dim "), (4, Vec::new()));
    }
}
