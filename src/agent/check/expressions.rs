//! Expressions, sentences and data where they stand in a file: parsed, and their faults placed.

use std::ops::Range;

use super::super::chart::{Expr, Fault, Filled, Names, Shape, Template, Type, Value, parse};
use super::super::chart_file::Datum;
use super::super::file::{At, Table};
use super::super::finding::Findings;
use super::World;
use super::shown;

impl World<'_> {
    fn names<'a>(&'a self, shape: &'a Shape) -> Names<'a> {
        Names { variables: &self.variables, devices: self.devices, states: &self.names, event: shape }
    }

    /// An expression that has to be of a type.
    pub fn expression(
        &self,
        at: &At<String>,
        wanted: Type,
        shape: &Shape,
        findings: &mut Findings,
    ) -> Option<Expr> {
        match parse(&at.value, self.names(shape)) {
            Ok((expr, found)) if found.fits(wanted) => Some(expr),
            Ok((_, found)) => {
                findings.error(&at.span, format!("{wanted} is expected here, and this is {found}"));
                None
            }
            Err(fault) => {
                report(fault, at, findings);
                None
            }
        }
    }

    /// A sentence.
    pub fn sentence(&self, at: &At<String>, shape: &Shape, findings: &mut Findings) -> Option<Template> {
        Template::parse(&at.value, self.names(shape)).map_err(|fault| report(fault, at, findings)).ok()
    }

    /// A text that may be computed.
    pub fn filled(&self, at: &At<String>, shape: &Shape, findings: &mut Findings) -> Option<Filled> {
        Filled::parse(&at.value, self.names(shape)).map_err(|fault| report(fault, at, findings)).ok()
    }

    /// A value as it stands, or an expression.
    pub fn datum(&self, at: &At<Datum>, shape: &Shape, findings: &mut Findings) -> Option<(Expr, Type)> {
        match &at.value {
            Datum::Flag(flag) => Some((Expr::Literal(Value::Flag(*flag)), Type::Flag)),
            Datum::Number(number) if !number.is_finite() => {
                findings.error(&at.span, format!("{number} is no number to calculate with"));
                None
            }
            Datum::Number(number) => Some((Expr::Literal(Value::Number(*number)), Type::Number)),
            Datum::Expression(text) => {
                let at = At { value: text.clone(), span: at.span.clone() };
                let parsed = parse(text, self.names(shape));
                parsed
                    .map_err(|mut fault| {
                        if fault.message.starts_with("unknown variable") {
                            fault.help =
                                fault.help.map(|help| format!("{help}; a text is written \"'{text}'\""));
                        }
                        report(fault, &at, findings);
                    })
                    .ok()
            }
        }
    }

    /// Data of an event.
    pub fn data(
        &self,
        table: &Table<At<Datum>>,
        shape: &Shape,
        findings: &mut Findings,
    ) -> Vec<(String, Expr)> {
        let mut data = Vec::new();
        for (key, value) in &table.0 {
            if !super::is_word(&key.value) || ["name", "type"].contains(&key.value.as_str()) {
                findings
                    .error(&key.span, format!("`{}` cannot be the name of a datum", shown(&key.value)))
                    .help("letters, digits and _, and neither `name` nor `type`");
            }
            if let Some((expr, _)) = self.datum(value, shape, findings) {
                data.push((key.value.clone(), expr));
            }
        }
        data
    }
}

/// A fault at its place inside of the text, when the text stands in the file as it is.
fn report(fault: Fault, at: &At<String>, findings: &mut Findings) {
    let span = findings.inside(&at.span, &at.value, fault.at..fault.at + fault.len);
    let finding = findings.error(&span, fault.message);
    if let Some(help) = fault.help {
        finding.help(help);
    }
}

/// Where a part of a text stands, or the whole when it is written with escapes.
pub(in crate::agent) fn part(
    source: &str,
    whole: &Range<usize>,
    value: &str,
    part: Range<usize>,
) -> Range<usize> {
    let raw = source.get(whole.clone()).unwrap_or_default();
    let start = match raw.find(value) {
        Some(start) if !value.is_empty() && start <= 4 => whole.start + start,
        _ => return whole.clone(),
    };
    start + part.start.min(value.len())..start + part.end.min(value.len()).max(part.start.min(value.len()))
}
