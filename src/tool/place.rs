//! Where in a TOML text something is, and what was probably meant.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::ToolError;

/// Line and column (from 1, the column in characters) of a byte offset.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Reads a TOML text into a type that denies unknown fields; errors carry line, column and a suggestion.
pub fn parse<T: DeserializeOwned>(text: &str, file: &Path) -> Result<T, ToolError> {
    toml::from_str(text).map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |Range { start, .. }| start));
        let mut message = error.message().trim().replace('\n', " ");
        if let Some(near) = unknown_field(&message) {
            message = format!("{message}; did you mean `{near}`?");
        }
        ToolError::Syntax { file: file.to_owned(), line, column, message }
    })
}

/// From serde's "unknown field `x`, expected one of `a`, `b`" the one that is nearest to `x`.
fn unknown_field(message: &str) -> Option<String> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let found = quoted.next()?;
    nearest(found, quoted).map(str::to_owned)
}

/// The candidate that is most like `word`, if one is like it enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Where the dotted key stands in a text; of a key that is not there, the nearest table around it.
pub fn of_key(text: &str, key: &str) -> Option<(usize, usize)> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut found = None;
    for part in key.split('.') {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref().as_ref() == part) else {
            break;
        };
        found = Some(name.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    found.map(|offset| position(text, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_an_editor() {
        assert_eq!(position("a\nbö c", 5), (2, 3));
        assert_eq!(position("", 9), (1, 1));
        let text = "x = 1\n[limits]\ntime = \"5\"\n";
        assert_eq!(of_key(text, "limits.time"), Some((3, 1)));
        assert_eq!(of_key(text, "limits.other"), Some((2, 2)));
        assert_eq!(of_key(text, "none"), None);
    }

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest("comand", ["description", "command"]), Some("command"));
        assert_eq!(nearest("zzz", ["description", "command"]), None);
    }
}
