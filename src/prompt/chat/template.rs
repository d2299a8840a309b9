//! Chat templates: Jinja as the `transformers` library renders it, in an engine that can reach nothing outside.

use std::time::{SystemTime, UNIX_EPOCH};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};
use serde_json::{Value as Json, json};

use super::values::{python_json, python_repr};
use super::{ChatError, python};

/// Steps of the engine until a template is held to be endless: a hundred times what the longest known one takes.
const FUEL: u64 = 10_000_000;

/// A day of the calendar (UTC), for templates that tell the model the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    year: i64,
    /// 1 to 12.
    month: usize,
    /// 1 to 31.
    day: u32,
}

impl Default for Today {
    /// The first of January 2025.
    fn default() -> Today {
        Today { year: 2025, month: 1, day: 1 }
    }
}

impl Today {
    /// The day that holds this moment; days before 1970 are the first one.
    pub fn at(time: SystemTime) -> Today {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |past| past.as_secs());
        let mut left = seconds / 86_400;
        let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut year = 1970;
        // Every four centuries are alike; so a clock that is far off does not take long either.
        year += (left / 146_097 * 400) as i64;
        left %= 146_097;
        while left >= 365 + u64::from(leap(year)) {
            left -= 365 + u64::from(leap(year));
            year += 1;
        }
        let mut month = 1;
        for days in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if left < days {
                break;
            }
            left -= days;
            month += 1;
        }
        Today { year, month, day: left as u32 + 1 }
    }

    /// `strftime` with the codes of dates; other codes stay as they are.
    fn format(self, format: &str) -> String {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let name = MONTHS[self.month - 1];
        let mut out = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('Y') => out.push_str(&self.year.to_string()),
                Some('m') => out.push_str(&format!("{:02}", self.month)),
                Some('d') => out.push_str(&format!("{:02}", self.day)),
                Some('B') => out.push_str(name),
                Some('b') => out.push_str(&name[..3]),
                Some('H' | 'M' | 'S') => out.push_str("00"),
                Some(other) => out.extend(['%', other]),
                None => out.push('%'),
            }
        }
        out
    }
}

/// A compiled template with the tokens that it names.
pub(super) struct Template {
    engine: Environment<'static>,
    origin: String,
    bos: String,
    eos: String,
}

impl Template {
    /// Compiles a template; `origin` says in messages where it comes from.
    pub(super) fn new(origin: String, source: &str, bos: String, eos: String) -> Result<Template, ChatError> {
        let mut engine = Environment::new();
        let compile = |engine: &mut Environment<'static>| -> Result<(), Error> {
            engine.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
            engine.add_template_owned("chat", without_generation(source))
        };
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_fuel(Some(FUEL));
        engine.set_unknown_method_callback(python::method);
        engine.add_filter("tojson", tojson);
        engine.add_filter("string", shown);
        // To this engine what is not there has no items; to Python it cannot be asked for them.
        engine.add_test("iterable", |value: Value| {
            matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable | ValueKind::String)
        });
        engine.set_formatter(|out, _, value| Ok(out.write_str(&shown(value)?)?));
        engine.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        let compiled = compile(&mut engine);
        let template = Template { engine, origin, bos, eos };
        compiled.map_err(|error| template.error(said(&error)))?;
        Ok(template)
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn error(&self, problem: String) -> ChatError {
        ChatError::Template { origin: self.origin.clone(), problem }
    }

    /// Renders a conversation up to where the model's answer begins. Models that think aloud are told not to.
    pub(super) fn render(
        &self,
        messages: &Json,
        tools: Option<&Json>,
        today: Today,
    ) -> Result<String, ChatError> {
        let context = json!({
            "messages": messages,
            "tools": tools,
            "documents": null,
            "add_generation_prompt": true,
            "enable_thinking": false,
            "bos_token": self.bos,
            "eos_token": self.eos,
        });
        let now = Value::from_function(move |format: String| today.format(&format));
        let render = || {
            let context = minijinja::context! { strftime_now => now, ..Value::from(Serde(context)) };
            self.engine.get_template("chat")?.render(context)
        };
        render().map_err(|error| self.error(said(&error)))
    }
}

/// The source without the tags `generation` and `endgeneration`, which mark for training what the assistant said: blocks that
/// are always taken stand for them.
fn without_generation(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, tag)) = rest.split_once("{%") {
        let Some((inside, after)) = tag.split_once("%}") else { break };
        let is_sign = |c: char| matches!(c, '-' | '+');
        let instead = match inside.trim_matches(is_sign).trim() {
            "generation" => inside.replace("generation", "if true"),
            "endgeneration" => inside.replace("endgeneration", "endif"),
            _ => {
                // Only this mark is passed: the tag may be text (in a comment or a string) around a real one.
                out.push_str(&rest[..before.len() + 2]);
                rest = tag;
                continue;
            }
        };
        out.extend([before, "{%", &instead, "%}"]);
        rest = after;
    }
    out + rest
}

/// A value as Python shows it; what is not there is shown as nothing.
fn shown(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined => Ok(String::new()),
        ValueKind::Bool | ValueKind::None | ValueKind::Seq | ValueKind::Map => {
            Ok(python_repr(&json_of(value)?))
        }
        _ => Ok(value.to_string()),
    }
}

fn json_of(value: &Value) -> Result<Json, Error> {
    serde_json::to_value(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// An error of the engine with its line.
fn said(error: &Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

/// The filter as `transformers` has it: Python's `json.dumps` without escapes for HTML or other alphabets.
fn tojson(value: &Value, arguments: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = arguments.get("indent")?;
    // Other arguments (`ensure_ascii`, `separators`) ask for what is done anyway.
    Ok(python_json(&json_of(value)?, indent.map(|indent| indent.min(16))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_of_the_calendar() {
        let day = |days: u64| Today::at(UNIX_EPOCH + Duration::from_secs(days * 86_400 + 5));
        assert_eq!(day(0).format("%d %b %Y"), "01 Jan 1970");
        assert_eq!(day(59).format("%d %B %Y"), "01 March 1970");
        assert_eq!(day(11_016).format("%Y-%m-%d"), "2000-02-29");
        assert_eq!(day(11_322).format("%Y-%m-%d"), "2000-12-31");
        assert_eq!(day(20_453).format("%Y-%m-%d %H:%M %j %"), "2025-12-31 00:00 %j %");
        // The centuries that are no leap years: 2100 in the same four, 2500 in the next.
        assert_eq!(day(47_540).format("%Y-%m-%d"), "2100-02-28");
        assert_eq!(day(47_541).format("%Y-%m-%d"), "2100-03-01");
        assert_eq!(day(47_541 + 146_097).format("%Y-%m-%d"), "2500-03-01");
    }

    fn render(source: &str) -> Result<String, ChatError> {
        let template = Template::new("test".into(), source, "<s>".into(), "</s>".into())?;
        let messages = json!([
            { "role": "system", "content": "  Be brief. " },
            { "role": "user", "content": "a,b,,c" },
        ]);
        let tools = json!([{ "z": 1, "a": "<x>" }]);
        template.render(&messages, Some(&tools), Today::default())
    }

    /// `tests/golden/make_chats.py` rendered these with Python's jinja2.
    #[test]
    fn built_in_templates_render_as_in_python() {
        let root = env!("CARGO_MANIFEST_DIR");
        let cases = std::fs::read_to_string(format!("{root}/tests/golden/chats.json")).unwrap();
        let cases: Vec<Json> = serde_json::from_str(&cases).unwrap();
        assert_eq!(cases.len(), 29);
        for case in cases {
            let name = case["template"].as_str().unwrap();
            let source = std::fs::read_to_string(format!("{root}/src/prompt/chat/templates/{name}")).unwrap();
            let template = Template::new(name.into(), &source, "<s>".into(), "</s>".into()).unwrap();
            let tools = Some(&case["tools"]).filter(|tools| !tools.is_null());
            let ours = template.render(&case["messages"], tools, Today::default()).unwrap();
            assert_eq!(ours, case["expected"].as_str().unwrap(), "{name}");
        }
    }

    #[test]
    fn what_templates_use_of_python_works() {
        for (source, expected) in [
            ("{{ bos_token }}{{ messages[0]['content'].strip() }}{{ eos_token }}", "<s>Be brief.</s>"),
            ("{{ messages[1].content.split(',') | join('|') }}", "a|b||c"),
            ("{{ messages[1].content.split(',')[-1] }}", "c"),
            ("{{ messages[1].content.split(',', 1)[1] }}", "b,,c"),
            ("{% for m in messages[::-1] %}{{ m.role }} {% endfor %}", "user system "),
            ("{{ 'abc'.startswith('ab') and 'abc'.endswith('bc') }}", "True"),
            ("{{ '\n\nx\n'.lstrip('\n') }}", "x\n"),
            ("{{ 'x--'.rstrip('-').upper() }}{{ 'a b'.title() }}", "XA B"),
            ("{% for k, v in tools[0].items() %}{{ k }}={{ v }};{% endfor %}", "z=1;a=<x>;"),
            ("{{ tools[0].get('a') }}{{ tools[0].get('q', 7) }}{{ tools[0].get('q') is none }}", "<x>7True"),
            ("{{ tools | tojson }}", r#"[{"z": 1, "a": "<x>"}]"#),
            ("{{ tools[0] | tojson(indent=4) }}", "{\n    \"z\": 1,\n    \"a\": \"<x>\"\n}"),
            ("{{ tools[0] | tojson(ensure_ascii=False) }}", r#"{"z": 1, "a": "<x>"}"#),
            (
                "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
                "2",
            ),
            ("{%- if tools is not none %}\n    {{- 'tools' }}\n{%- endif %}\n", "tools"),
            ("  {% if true %}\nline\n  {% endif %}\n", "line\n"),
            ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(1) }}", "[1]"),
            (
                "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% endfor %}",
                "user",
            ),
            ("a {%- generation -%} b {% endgeneration %}{% generation %}c{% endgeneration %}", "ab c"),
            ("{{ strftime_now('%d %b %Y') }}", "01 Jan 2025"),
            ("{{ messages[0].content is string and messages is iterable and tools[0] is mapping }}", "True"),
            ("{{ none is iterable }}{{ {} is iterable }}{{ [] is iterable }}", "FalseTrueTrue"),
            ("{{ 'a-b'.replace('-', '+') }}{{ messages[0]['content'] | trim | length }}", "a+b9"),
            ("{{ undefined_thing is defined }}{{ builtin_tools }}", "False"),
            (
                "{{ tools }}{{ [none, true, 'it\\'s'] | string }}",
                "[{'z': 1, 'a': '<x>'}][None, True, \"it's\"]",
            ),
        ] {
            assert_eq!(render(source).map_err(|error| format!("{source}: {error}")).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn bad_templates_are_errors_with_their_line() {
        for (source, expected) in [
            ("one\n{% if %}", "line 2"),
            ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
            ("{{ 1 | no_such_filter }}", "no_such_filter"),
            ("{{ 'x'.no_such_method() }}", "no_such_method"),
            ("{% include 'other' %}", "other"),
            (
                "{% for a in range(99999) %}{% for b in range(99999) %}{{ a * b }}{% endfor %}{% endfor %}",
                "fuel",
            ),
            ("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "recursion"),
        ] {
            let error = render(source).unwrap_err().to_string();
            assert!(error.starts_with("the chat template (test): ") && error.contains(expected), "{error}");
        }
    }
}
