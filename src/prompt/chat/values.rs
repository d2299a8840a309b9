//! Values as Python writes them: chat templates were made for its `json.dumps` and its `repr`.

use serde_json::Value as Json;

/// JSON with the spaces of Python's `json.dumps`.
pub(super) fn python_json(json: &Json, indent: Option<usize>) -> String {
    let mut out = String::new();
    write_json(json, indent, 0, &mut out);
    out
}

fn write_json(json: &Json, indent: Option<usize>, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    let separator = if indent.is_some() { "," } else { ", " };
    match json {
        Json::Array(all) if !all.is_empty() => {
            out.push('[');
            for (i, item) in all.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { separator });
                line(out, depth + 1);
                write_json(item, indent, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Json::Object(all) if !all.is_empty() => {
            out.push('{');
            for (i, (key, item)) in all.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { separator });
                line(out, depth + 1);
                out.push_str(&format!("{}: ", Json::from(key.as_str())));
                write_json(item, indent, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// `repr` of lists, dictionaries and what they hold.
pub(super) fn python_repr(json: &Json) -> String {
    let joined = |all: Vec<String>| all.join(", ");
    match json {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::Array(all) => format!("[{}]", joined(all.iter().map(python_repr).collect())),
        Json::Object(all) => {
            let pair = |(key, item): (&String, &Json)| format!("{}: {}", quoted(key), python_repr(item));
            format!("{{{}}}", joined(all.iter().map(pair).collect()))
        }
        Json::String(text) => quoted(text),
    }
}

/// In single quotes, unless only those stand in the text.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_python_s() {
        let json = json!({ "b": [1, 2.5, "é<\"\n"], "a": {}, "c": { "d": null } });
        assert_eq!(python_json(&json, None), r#"{"b": [1, 2.5, "é<\"\n"], "a": {}, "c": {"d": null}}"#);
        let pretty = "{\n  \"b\": [\n    1,\n    2.5,\n    \"é<\\\"\\n\"\n  ],\n  \"a\": {},\n  \"c\": {\n    \"d\": null\n  }\n}";
        assert_eq!(python_json(&json, Some(2)), pretty);
    }

    #[test]
    fn repr_is_python_s() {
        let json = json!({ "a": [true, null, 1, 0.5], "it's": "say \"it's\"\n\u{1}\\" });
        assert_eq!(python_repr(&json), r#"{'a': [True, None, 1, 0.5], "it's": 'say "it\'s"\n\x01\\'}"#);
    }
}
