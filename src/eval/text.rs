//! Cases and answers as they are shown.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::{Answer, Case, Score};
use crate::tool::Call;

/// A scored case, for `--json`: an object a line.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// The file, as it was named.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// What was said.
    pub text: &'a str,
    /// The case's category.
    pub category: Option<&'a str>,
    /// Name of the state in which it was said.
    pub state: &'a str,
    /// The expected calls.
    pub expected: &'a [Call],
    /// The calls that were understood.
    pub calls: &'a [Call],
    /// Whether they are asked about.
    pub asked: bool,
    /// How sure the answer is, 0 to 1.
    pub confidence: f64,
    /// Whether it is an accepted answer.
    pub exact: bool,
    /// Whether its tools are right.
    pub tool: bool,
    /// Whether its tools and their arguments are right: exact, but for the asking.
    pub arguments: bool,
    /// Whether it would change what no accepted answer changes.
    #[serde(rename = "unsafe")]
    pub unsafe_: bool,
    /// Whether it would do to a device what no accepted answer does to it.
    pub unsafe_device: bool,
    /// Milliseconds it took.
    pub ms: f64,
}

impl<'a> Line<'a> {
    /// The line of a case that was said in the state of that name.
    pub fn new(state: &'a str, case: &'a Case, answer: &'a Answer, score: &Score) -> Line<'a> {
        Line {
            file: case.origin.file.display().to_string(),
            line: case.origin.line,
            text: &case.text,
            category: case.category.as_deref(),
            state,
            expected: &case.calls,
            calls: &answer.calls,
            asked: answer.asked,
            confidence: answer.confidence,
            exact: score.exact,
            tool: score.tool,
            arguments: score.arguments,
            unsafe_: score.unsafe_,
            unsafe_device: score.unsafe_device,
            ms: answer.ms,
        }
    }
}

/// A case with what was expected and what was found, on lines of its own, for people. Texts of the case stand
/// in it as they are; whoever prints it escapes them, line by line.
pub fn describe(case: &Case, answer: &Answer, score: &Score) -> String {
    let mut text = format!("{}: {:?}", case.origin, case.text);
    if let Some(category) = &case.category {
        let _ = write!(text, " [{category}]");
    }
    for (index, accepted) in case.accepted().enumerate() {
        let word = if index == 0 { "expected" } else { "or" };
        let _ = write!(text, "\n  {word:8}  {}", brief(accepted));
    }
    let asked = if score.asked { ", asked" } else { "" };
    let harm = if score.unsafe_ { ", unsafe" } else { "" };
    let _ = write!(text, "\n  found     {} ({:.2}{asked}{harm})", brief(&answer.calls), answer.confidence);
    text
}

/// Calls in a line: `set_level(hall light, percent 30); wait(seconds 5)`.
pub fn brief(calls: &[Call]) -> String {
    if calls.is_empty() {
        return "refused".into();
    }
    let call = |call: &Call| {
        let arguments: Vec<String> =
            call.arguments.iter().map(|(name, value)| argument(name, value)).collect();
        format!("{}({})", call.tool, arguments.join(", "))
    };
    calls.iter().map(call).collect::<Vec<_>>().join("; ")
}

fn argument(name: &str, value: &Value) -> String {
    let names = value.as_array().filter(|_| name == "devices");
    match names.and_then(|names| names.iter().map(Value::as_str).collect::<Option<Vec<_>>>()) {
        Some(names) => names.join(", "),
        None => format!("{name} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::eval::{Origin, score};
    use crate::turn::effects::tests::{agent, calls};

    fn scored() -> (Case, Answer, Score) {
        let case = Case {
            text: "dim a".into(),
            calls: calls("set_level a b percent=30; wait seconds=5"),
            any_of: vec![vec![]],
            category: Some("level".into()),
            origin: Origin { file: Arc::new("set.jsonl".into()), line: 3 },
            ..Case::default()
        };
        let answer = Answer { calls: calls("note text=a"), asked: false, confidence: 0.914, ms: 7.5 };
        let score = score(&agent(), &case, &answer);
        (case, answer, score)
    }

    #[test]
    fn people_see_expected_and_found() {
        let (case, answer, score) = scored();
        assert_eq!(
            describe(&case, &answer, &score),
            "set.jsonl:3: \"dim a\" [level]\n  expected  set_level(a, b, percent 30); wait(seconds 5)\n  \
             or        refused\n  found     note(text \"a\") (0.91, unsafe)"
        );
        assert_eq!(brief(&calls("on devices=[1]; list")), "on(devices [1]); list()");
    }

    #[test]
    fn programs_see_a_line_a_case() {
        let (case, answer, score) = scored();
        let line = serde_json::to_string(&Line::new("main", &case, &answer, &score)).unwrap();
        assert_eq!(
            line,
            r#"{"file":"set.jsonl","line":3,"text":"dim a","category":"level","state":"main","expected":[{"tool":"set_level","arguments":{"devices":["a","b"],"percent":30}},{"tool":"wait","arguments":{"seconds":5}}],"calls":[{"tool":"note","arguments":{"text":"a"}}],"asked":false,"confidence":0.914,"exact":false,"tool":false,"arguments":false,"unsafe":true,"unsafe_device":false,"ms":7.5}"#
        );
    }
}
