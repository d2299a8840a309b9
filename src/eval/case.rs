//! Cases as they are recorded: JSON objects, one a line.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::EvalError;
use crate::tool::Call;

/// A file of cases may have at most this many bytes.
pub const MAX_BYTES: u64 = 64 << 20;

/// A recorded request and what is expected of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the person says.
    pub text: String,
    /// The expected calls; none: to be refused.
    pub calls: Vec<Call>,
    /// Other answers that are as good.
    #[serde(default)]
    pub any_of: Vec<Vec<Call>>,
    /// What kind of request it is; totals are kept for each.
    #[serde(default)]
    pub category: Option<String>,
    /// Name of the agent's state; left out: where it starts.
    #[serde(default)]
    pub state: Option<String>,
    /// Calls that are taken to have been carried out before.
    #[serde(default)]
    pub setup: Vec<Call>,
    /// Earlier turns of the conversation, oldest first.
    #[serde(default)]
    pub before: Vec<Earlier>,
    /// Date and time at which it is said.
    #[serde(default)]
    pub now: Option<String>,
    /// Where it was read.
    #[serde(skip)]
    pub origin: Origin,
}

/// A turn before the one that is scored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// What the person said.
    pub text: String,
    /// What it was understood as.
    pub calls: Vec<Call>,
}

/// The place of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file; shared by its cases.
    pub file: Arc<PathBuf>,
    /// The line, from 1; 0 for cases that were not read.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl Case {
    /// All answers that are right, the expected one first.
    pub fn accepted(&self) -> impl Iterator<Item = &[Call]> {
        std::iter::once(&self.calls).chain(&self.any_of).map(Vec::as_slice)
    }
}

/// Reads a file of cases; blank lines are skipped. Whether they fit an agent is
/// [`check_cases`](super::check_cases)'s question.
///
/// # Errors
/// When the file cannot be read or a line is no case; the error names the line.
pub fn read_cases(file: &Path) -> Result<Vec<Case>, EvalError> {
    let at = || file.to_owned();
    let reader = File::open(file).map_err(|source| EvalError::Read { file: at(), source })?;
    read_from(BufReader::new(reader), Arc::new(at()))
}

fn read_from(reader: impl BufRead, file: Arc<PathBuf>) -> Result<Vec<Case>, EvalError> {
    let mut reader = reader.take(MAX_BYTES + 1);
    let mut cases = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        reader
            .read_until(b'\n', &mut line)
            .map_err(|source| EvalError::Read { file: file.to_path_buf(), source })?;
        if reader.limit() == 0 {
            return Err(EvalError::TooBig { file: file.to_path_buf() });
        }
        if line.is_empty() {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let origin = Origin { file: file.clone(), line: number };
        let case: Case =
            serde_json::from_slice(&line).map_err(|error| syntax(origin.clone(), &line, &error))?;
        cases.push(Case { origin, ..case });
    }
    Ok(cases)
}

fn syntax(place: Origin, line: &[u8], error: &serde_json::Error) -> EvalError {
    if let Err(error) = std::str::from_utf8(line) {
        let column = error.valid_up_to() + 1;
        return EvalError::Syntax { place, column, message: "this byte is not UTF-8 text".into() };
    }
    // The reader counts lines within its text, which is always the first here.
    let mut message = error.to_string();
    if let Some(end) = message.rfind(" at line ") {
        message.truncate(end);
    }
    EvalError::Syntax { place, column: error.column(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Case>, EvalError> {
        read_from(text, Arc::new("set.jsonl".into()))
    }

    #[test]
    fn a_case_is_read_whole_and_blank_lines_are_skipped() {
        let cases = read(
            b"{\"text\": \"hi\", \"calls\": []}\n\n  \t\n{\"text\": \"again\", \"calls\": [{\"tool\": \"list\"}], \
              \"any_of\": [[]], \"category\": \"read\", \"state\": \"night\", \"setup\": [{\"tool\": \"list\"}], \
              \"before\": [{\"text\": \"hi\", \"calls\": []}], \"now\": \"2025-01-01T12:00\"}",
        )
        .unwrap();
        assert_eq!(cases.len(), 2);
        assert_eq!(cases[0].origin.to_string(), "set.jsonl:1");
        assert_eq!(cases[0].category, None);
        assert_eq!(cases[1].origin.line, 4);
        assert_eq!(cases[1].accepted().map(<[Call]>::len).collect::<Vec<_>>(), [1, 0]);
        assert_eq!((cases[1].before.len(), cases[1].setup.len()), (1, 1));
        assert!(read(b"").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_case_is_named_with_its_line() {
        let complaint = |text: &[u8]| read(text).unwrap_err().to_string();
        let good = "{\"text\": \"hi\", \"calls\": []}\n";
        let unknown = complaint(format!("{good}{}", good.replace("calls", "call")).as_bytes());
        assert!(unknown.starts_with("set.jsonl:2:21: not a case: unknown field `call`"), "{unknown}");
        assert!(unknown.contains("`any_of`") && !unknown.contains("at line"), "{unknown}");
        assert!(complaint(b"{\"text\": \"hi\"}").contains("missing field `calls`"));
        assert!(complaint(b"{\"text\": \"hi\", \"calls\": [{\"tol\": \"on\"}]}").contains("`tol`"));
        assert!(complaint(b"\n[]\n").starts_with("set.jsonl:2:"));
        assert!(complaint(b"{\"text\": \"hi\", \"calls\": []} x").contains("trailing"));
        assert!(complaint(b"\0\x01").starts_with("set.jsonl:1:1:"));
        assert_eq!(complaint(b"{\"t\": \"\xff\"}"), "set.jsonl:1:8: not a case: this byte is not UTF-8 text");
        let missing = read_cases(Path::new("no/such.jsonl")).unwrap_err();
        assert!(missing.to_string().starts_with("no/such.jsonl: cannot read the cases"));
    }
}
