//! Text to [`AgentFile`]: what TOML and the shape of each table say, before any name is resolved.
//!
//! Each device, tool and state is read by itself, so that the findings of all of them come at once.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

use super::file::{AgentFile, At, Table};
use super::finding::{Findings, nearest, shown};

/// Reads the tables; what does not fit goes to `findings` and is left out.
pub(super) fn read(source: &str, findings: &mut Findings) -> AgentFile {
    let (document, errors) = DeTable::parse_recoverable(source);
    for error in &errors {
        shape_error(error, &(0..0), findings);
    }
    if !errors.is_empty() {
        return AgentFile::default();
    }
    let mut file = AgentFile::default();
    for (key, value) in document.into_inner() {
        let span = key.span();
        match key.get_ref().as_ref() {
            "format" => file.format = one(value, findings),
            "agent" => file.agent = one(value, findings),
            "devices" => file.devices = table(value, findings),
            "tools" => file.tools = table(value, findings),
            "variables" => file.variables = table(value, findings),
            "states" => file.states = table(value, findings),
            other => {
                const KEYS: [&str; 6] = ["format", "agent", "devices", "tools", "variables", "states"];
                let help = match nearest(other, KEYS.into_iter()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", KEYS.join(", ")),
                };
                findings.error(&span, format!("unknown key `{}`", shown(other))).help(help);
            }
        }
    }
    file
}

fn one<T: DeserializeOwned>(value: Spanned<DeValue>, findings: &mut Findings) -> Option<T> {
    let span = value.span();
    match T::deserialize(ValueDeserializer::from(value)) {
        Ok(value) => Some(value),
        Err(error) => {
            shape_error(&error, &span, findings);
            None
        }
    }
}

fn table<T: DeserializeOwned>(value: Spanned<DeValue>, findings: &mut Findings) -> Table<T> {
    let span = value.span();
    let DeValue::Table(entries) = value.into_inner() else {
        findings
            .error(&span, "a table of named tables is expected here")
            .help("write [devices.\"NAME\"] and so on");
        return Table::default();
    };
    let mut table = Table::default();
    for (key, value) in entries {
        // The span of a [table] is its header; an error that has no place of its own points there.
        let name = At { value: key.get_ref().to_string(), span: key.span() };
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => table.0.push((name, value)),
            Err(error) => shape_error(&error, &name.span, findings),
        }
    }
    table
}

/// An error of the TOML reader or of serde, in the words of this file's other findings.
fn shape_error(error: &Error, fallback: &Range<usize>, findings: &mut Findings) {
    let span =
        error.span().filter(|span| !span.is_empty() || fallback.is_empty()).unwrap_or(fallback.clone());
    let message = error.message().trim_end();
    // serde says "unknown field `aeria`, expected one of `kind`, `area`, ..."; between the back
    // quotes stand first what was found, then what would have been right.
    let mut quoted = message.split('`').skip(1).step_by(2);
    let kind = if message.starts_with("unknown field") {
        "key"
    } else if message.starts_with("unknown variant") {
        "word"
    } else {
        findings.error(&span, message);
        return;
    };
    let found = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let help = match nearest(found, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    };
    findings.error(&span, format!("unknown {kind} `{}`", shown(found))).help(help);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::finding::Finding;

    fn findings_of(source: &str) -> Vec<Finding> {
        let mut findings = Findings::new(source);
        read(source, &mut findings);
        findings.finish()
    }

    #[test]
    fn misspelt_keys_of_all_tables_are_found_at_once() {
        let source = "[agent]\nname = 'a'\nstrat = 'x'\n[devices.lamp]\nkind = 'lamp'\naeria = 'hall'\n\
                      [devices.pump]\nkind = 'pump'\ndirection = 'on'\n[states.s]\non = [ { cal = 'on' } ]\n[stats.x]\n";
        let found = findings_of(source);
        let lines: Vec<_> =
            found.iter().map(|f| (f.line, f.column, f.message.as_str(), f.help.as_deref())).collect();
        assert_eq!(
            lines,
            [
                (3, 1, "unknown key `strat`", Some("did you mean `start`?")),
                (6, 1, "unknown key `aeria`", Some("did you mean `area`?")),
                (9, 13, "unknown word `on`", Some("did you mean `in`?")),
                (11, 10, "unknown key `cal`", Some("did you mean `call`?")),
                (12, 2, "unknown key `stats`", Some("did you mean `states`?")),
            ]
        );
    }

    #[test]
    fn broken_toml_has_a_place() {
        let found = findings_of("format = 1\n[agent\nname = 'a'\n");
        assert_eq!(found[0].line, 2);
        let twice = findings_of("[agent]\nname = 'a'\nname = 'b'\n");
        assert_eq!((twice[0].line, twice[0].column), (3, 1));
    }

    #[test]
    fn missing_keys_point_at_the_header() {
        let found = findings_of("[agent]\nname = 'a'\n\n[devices.lamp]\narea = 'hall'\n");
        assert_eq!(found[0].message, "missing field `kind`");
        assert_eq!(found[0].line, 4);
    }
}
