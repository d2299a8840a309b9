//! Findings: what is wrong in an agent file, where, and what to do about it.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Most likely a mistake; the agent runs.
    Warning,
    /// The agent does not run.
    Error,
}

/// One thing that was found, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in the line in characters, from 1.
    pub column: usize,
    /// The line's text, control characters replaced, cut to [`Finding::SHOWN`] characters.
    pub source: String,
    /// How many characters of the line are meant, at least 1.
    pub width: usize,
}

impl Finding {
    /// Characters of a source line that are shown at most.
    pub const SHOWN: usize = 160;

    /// Adds what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// The finding as text of several lines, `file` in front of its place.
    pub fn render(&self, file: &str) -> String {
        use fmt::Write;
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let gutter = self.line.to_string().len();
        let mut text = format!("{file}:{}:{}: {severity}: {}\n", self.line, self.column, self.message);
        if self.column <= self.source.chars().count() + 1 {
            let width = self.width.min(self.source.chars().count() + 1 - (self.column - 1)).max(1);
            let _ = writeln!(text, "{} | {}", self.line, self.source);
            let _ = writeln!(
                text,
                "{:gutter$} | {:indent$}{}",
                "",
                "",
                "^".repeat(width),
                indent = self.column - 1
            );
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "{:gutter$} = {help}", "");
        }
        text
    }
}

/// Findings that make an agent unfit to run, and the ones beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file's name as it is shown.
    pub file: String,
    /// All findings, in the order of the file.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{}", finding.render(&self.file))?;
        }
        let errors = self.count(Severity::Error);
        write!(f, "{}: {errors} error{}", self.file, if errors == 1 { "" } else { "s" })
    }
}

/// Gathers findings over one source text.
pub(super) struct Findings<'s> {
    source: &'s str,
    /// Byte offset at which each line starts.
    lines: Vec<usize>,
    found: Vec<(usize, Finding)>,
    errors: usize,
    /// Takes what comes after [`Findings::MOST`].
    spilt: Finding,
}

impl<'s> Findings<'s> {
    /// Findings after this many are dropped: a file that is wrong throughout is not worth the
    /// quadratic search for suggestions.
    const MOST: usize = 100;

    pub(super) fn new(source: &'s str) -> Self {
        let lines = std::iter::once(0).chain(source.match_indices('\n').map(|(i, _)| i + 1)).collect();
        let spilt = Finding {
            severity: Severity::Note,
            message: String::new(),
            help: None,
            line: 1,
            column: 1,
            source: String::new(),
            width: 1,
        };
        Findings { source, lines, found: Vec::new(), errors: 0, spilt }
    }

    pub(super) fn error(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Finding {
        self.push(Severity::Error, span, message.into())
    }

    pub(super) fn warning(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Finding {
        self.push(Severity::Warning, span, message.into())
    }

    pub(super) fn note(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Finding {
        self.push(Severity::Note, span, message.into())
    }

    /// An error on a name that is not known, with the nearest of those that are.
    pub(super) fn unknown<'a>(
        &mut self,
        span: &Range<usize>,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) {
        if self.found.len() == Self::MOST {
            self.error(span, format!("unknown {what} `{}`", shown(name)));
            return;
        }
        let help = match nearest(name, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match listed(known) {
                Some(list) => format!("known: {list}"),
                None => format!("there is no {what} yet"),
            },
        };
        self.error(span, format!("unknown {what} `{}`", shown(name))).help(help);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there were so far, those that were dropped included.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// The findings in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        self.found.sort_by_key(|(start, _)| *start);
        self.found.into_iter().map(|(_, finding)| finding).collect()
    }

    /// The line of a span, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.lines.partition_point(|&at| at <= span.start)
    }

    /// Where a part of a text stands that was read from `whole`.
    pub(super) fn inside(&self, whole: &Range<usize>, value: &str, part: Range<usize>) -> Range<usize> {
        super::check::expressions::part(self.source, whole, value, part)
    }

    fn push(&mut self, severity: Severity, span: &Range<usize>, message: String) -> &mut Finding {
        let first_error = severity == Severity::Error && self.errors == 0;
        self.errors += usize::from(severity == Severity::Error);
        if self.found.len() == Self::MOST {
            if !first_error {
                return &mut self.spilt;
            }
            // The last place is kept for an error, so that a flood of notes cannot hide it.
            self.found.pop();
        }
        let finding = self.place(severity, span, message);
        self.found.push((span.start, finding));
        let last = self.found.len() - 1;
        &mut self.found[last].1
    }

    fn place(&self, severity: Severity, span: &Range<usize>, message: String) -> Finding {
        let start = floor(self.source, span.start);
        let line = self.line(&(start..start)) - 1;
        let end_of_line = self.lines.get(line + 1).map_or(self.source.len(), |next| next - 1);
        let text = self.source[self.lines[line]..end_of_line].trim_end_matches('\r');
        let end = floor(self.source, span.end.clamp(start, end_of_line.max(start)));
        Finding {
            severity,
            message,
            help: None,
            line: line + 1,
            column: self.source[self.lines[line]..start].chars().count() + 1,
            source: text.chars().take(Finding::SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect(),
            width: self.source[start..end].chars().count().max(1),
        }
    }
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A word from the file as it may be shown in a message: short and without control characters.
pub(super) fn shown(word: &str) -> String {
    let mut text: String =
        word.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if word.chars().nth(64).is_some() {
        text.push('…');
    }
    text
}

/// The word of `known` that `word` was most likely meant to be: at most a third of its letters
/// (and at least one) may differ.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let most = ((word.chars().count() + 1) / 3).max(1);
    known
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.chars().count())
        .min_by_key(|(distance, candidate)| (*distance, !candidate.starts_with(&word)))
        .map(|(_, candidate)| candidate)
}

/// The first few of `known` as a list, or nothing when there are none.
fn listed<'a>(known: impl Iterator<Item = &'a str>) -> Option<String> {
    const FEW: usize = 8;
    let mut words: Vec<&str> = known.take(FEW + 1).collect();
    let more = words.len() > FEW;
    words.truncate(FEW);
    (!words.is_empty()).then(|| format!("{}{}", words.join(", "), if more { ", ..." } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_columns_in_characters() {
        let source = "a = 1\nüb = \"°C\"\r\nlast";
        let mut findings = Findings::new(source);
        let at = source.find("\"°C").unwrap();
        findings.error(&(at..at + 5), "no");
        findings.note(&(source.len()..source.len() + 9), "past the end");
        let found = findings.finish();
        assert_eq!((found[0].line, found[0].column, found[0].width), (2, 6, 4));
        assert_eq!(found[0].render("f"), "f:2:6: error: no\n2 | üb = \"°C\"\n  |      ^^^^\n");
        assert_eq!((found[1].line, found[1].column), (3, 5));
    }

    #[test]
    fn nearest_is_near() {
        let known = || ["kind", "area", "aliases"].into_iter();
        assert_eq!(nearest("aeria", known()), Some("area"));
        assert_eq!(nearest("alaises", known()), Some("aliases"));
        assert_eq!(nearest("zzz", known()), None);
        assert_eq!(nearest("", known()), None);
    }
}
