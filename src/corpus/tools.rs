//! Random user tools: archetypes from `tools.txt` under changing names, and tools put together from a verb and a thing.

use std::sync::LazyLock;

use crate::prompt::{Param, ParamKind, Tool};

use super::lexicon::LEXICON;
use super::rng::Rng;
use super::world::odd_word;

/// A tool with sentences that ask for it. Slots of the sentences are named like `slots`, in the order of the
/// tool's parameters.
#[derive(Clone, Debug)]
pub(super) struct SaidTool {
    pub tool: Tool,
    pub slots: Vec<String>,
    pub says: Vec<String>,
}

struct Archetype {
    names: Vec<&'static str>,
    descriptions: Vec<&'static str>,
    parameters: Vec<(Vec<&'static str>, ParamKind, bool)>,
    says: Vec<&'static str>,
}

fn alternatives(text: &'static str) -> Vec<&'static str> {
    text.split('|').map(str::trim).collect()
}

fn parse(block: &'static str) -> Option<Archetype> {
    let mut out =
        Archetype { names: Vec::new(), descriptions: Vec::new(), parameters: Vec::new(), says: Vec::new() };
    for line in block.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((word, rest)) = line.split_once(' ') else { continue };
        match word {
            "tool" => out.names = alternatives(rest),
            "desc" => out.descriptions = alternatives(rest),
            "say" => out.says.push(rest),
            _ => {
                let (names, spec) = rest.split_once(':')?;
                let spec: Vec<&'static str> = spec.split_whitespace().collect();
                let (required, spec) = spec.split_last()?;
                let kind = match word {
                    "num" => ParamKind::Number {
                        min: spec.first()?.parse().ok()?,
                        max: spec.get(1)?.parse().ok()?,
                        integer: spec.get(2) == Some(&"int"),
                    },
                    "str" => ParamKind::Text { max_length: spec.first()?.parse().ok()? },
                    "choice" => ParamKind::Choice(spec.iter().map(|choice| (*choice).to_owned()).collect()),
                    "flag" => ParamKind::Flag,
                    _ => return None,
                };
                out.parameters.push((alternatives(names), kind, *required == "req"));
            }
        }
    }
    (!out.names.is_empty() && !out.descriptions.is_empty() && !out.says.is_empty()).then_some(out)
}

static ARCHETYPES: LazyLock<Vec<Archetype>> =
    LazyLock::new(|| include_str!("lexicon/tools.txt").split("\n\n").filter_map(parse).collect());

/// Verbs for tools put together, each with other ways to say it.
const VERBS: &[&[&str]] = &[
    &["start", "begin", "launch", "kick off", "fire up"],
    &["log", "record", "note down", "write down"],
    &["measure", "check", "take a reading of", "test"],
    &["calibrate", "zero", "recalibrate"],
    &["clean", "rinse", "flush", "wash"],
    &["move", "shift", "bring", "send"],
    &["print", "run off", "make a print of"],
    &["load", "fetch", "bring up"],
    &["feed", "give some to", "serve"],
    &["spin", "rotate", "turn round"],
    &["scan", "look over", "sweep"],
    &["mix", "stir", "blend"],
    &["announce", "call out", "say aloud"],
    &["count", "tally", "add up"],
    &["save", "store", "keep", "remember"],
    &["reset", "clear", "wipe"],
    &["play", "put on", "let me hear"],
    &["select", "choose", "pick", "switch to"],
    &["show", "display", "put up"],
    &["water", "irrigate", "sprinkle"],
    &["dispense", "pour", "give out", "hand out"],
    &["lift", "hoist", "pick up"],
    &["send", "pass on", "transmit", "forward"],
    &["book", "reserve", "set aside"],
];

const UNITS: &[(&str, &str)] = &[
    ("seconds", "seconds"),
    ("minutes", "minutes"),
    ("grams", "grams"),
    ("litres", "litres"),
    ("steps", "steps"),
    ("degrees", "degrees"),
    ("rounds", "rounds"),
    ("count", ""),
    ("amount", ""),
    ("angle", "degrees"),
    ("speed", ""),
    ("volume", ""),
    ("cups", "cups"),
    ("metres", "metres"),
    ("copies", "copies"),
    ("level", ""),
    ("millilitres", "ml"),
];

/// A tool with this share of archetypes; the others are put together.
pub(super) fn random_tool(rng: &mut Rng) -> SaidTool {
    if rng.chance(0.6) { from_archetype(rng) } else { put_together(rng) }
}

fn from_archetype(rng: &mut Rng) -> SaidTool {
    // Tools that take free text are rare among the archetypes and hard to read: they come up more often.
    let takes_text =
        |a: &Archetype| a.parameters.iter().any(|(_, kind, _)| matches!(kind, ParamKind::Text { .. }));
    let mut archetype = rng.pick(&ARCHETYPES);
    for _ in 0..2 {
        if !takes_text(archetype) && rng.chance(0.5) {
            archetype = rng.pick(&ARCHETYPES);
        }
    }
    let parameters = archetype
        .parameters
        .iter()
        .map(|(names, kind, required)| {
            let kind = match kind {
                ParamKind::Choice(choices) => ParamKind::Choice(choices_like(rng, choices)),
                kind => kind.clone(),
            };
            Param { name: (*rng.pick(names)).to_owned(), kind, required: *required }
        })
        .collect();
    SaidTool {
        tool: Tool::User {
            name: (*rng.pick(&archetype.names)).to_owned(),
            description: (*rng.pick(&archetype.descriptions)).to_owned(),
            parameters,
        },
        slots: archetype.parameters.iter().map(|(names, ..)| names[0].to_owned()).collect(),
        says: archetype.says.iter().map(|say| (*say).to_owned()).collect(),
    }
}

/// Choices as given, some of them, or others in their place.
fn choices_like(rng: &mut Rng, choices: &[String]) -> Vec<String> {
    let mut out: Vec<String> = if rng.chance(0.25) {
        (0..rng.range(2, 6)).map(|_| odd_word(rng)).collect()
    } else {
        choices.to_vec()
    };
    rng.shuffle(&mut out);
    if out.len() > 3 && rng.chance(0.3) {
        out.truncate(3);
    }
    out.dedup();
    out
}

fn put_together(rng: &mut Rng) -> SaidTool {
    let verbs = *rng.pick(VERBS);
    let thing = match rng.below(4) {
        0 => odd_word(rng),
        1 => format!("{} {}", rng.pick(&LEXICON.adjectives), odd_word(rng)),
        2 => format!("{} {}", odd_word(rng), odd_word(rng)),
        _ => {
            let (_, nouns) = rng.pick(&LEXICON.nouns);
            format!("{} {}", odd_word(rng), rng.pick(nouns))
        }
    };
    let thing = thing.replace('\'', "");
    let verb = verbs[0];
    let name = match rng.below(3) {
        0 => format!("{verb} {thing}"),
        1 => format!("{thing} {verb}"),
        _ => thing.clone(),
    };
    let description = match rng.below(3) {
        0 => format!("{verb} the {thing}"),
        1 => format!("{} the {thing}", rng.pick(verbs)),
        _ => format!("{verb} {thing}"),
    };
    let ask = format!("({}) (the|my|) {thing}", verbs.join("|"));
    let mut parameters = Vec::new();
    let mut slots = Vec::new();
    // Each parameter can be said in some ways behind the request itself.
    let mut tails: Vec<(String, bool)> = Vec::new();
    for at in 0..rng.weighted(&[30, 40, 22, 8]) {
        let slot = format!("p{at}");
        let required = rng.chance(0.6);
        let (name, kind, tail) = match rng.below(10) {
            0..=3 => {
                let (name, unit) = *rng.pick(UNITS);
                let integer = rng.chance(0.7);
                let least = rng.below(3) as f64;
                let most = *rng.pick(&[5.0, 10.0, 20.0, 60.0, 100.0, 180.0, 500.0]);
                let tail = if unit.is_empty() {
                    format!("(with|at|, |and|) (a|) {name} (of |){{{slot}}}")
                } else {
                    format!("(for|by|with|to|at|, ) {{{slot}}} {unit}")
                };
                (name.to_owned(), ParamKind::Number { min: least, max: most, integer }, tail)
            }
            4..=7 => {
                let choices: Vec<String> = (0..rng.range(2, 6)).map(|_| odd_word(rng)).collect();
                let name = *rng.pick(&[
                    "mode", "colour", "kind", "target", "side", "program", "style", "where", "which",
                ]);
                let tail = format!("(with|to|in|using|on|, |as|for) (the|) {{{slot}}} ({name}|)");
                (name.to_owned(), ParamKind::Choice(choices), tail)
            }
            8 => {
                let name = *rng.pick(&["text", "label", "message", "name", "note", "title"]);
                let tail =
                    format!("(saying|called|: |with the {name}|named|that says|with {name}) {{{slot}}}");
                (name.to_owned(), ParamKind::Text { max_length: 80 }, tail)
            }
            _ => {
                let name = *rng.pick(&["fast", "quiet", "force", "loud", "gentle"]);
                (name.to_owned(), ParamKind::Flag, format!("{{{slot}:{name}|not {name}}}"))
            }
        };
        if parameters.iter().any(|param: &Param| param.name == name) {
            continue;
        }
        parameters.push(Param { name, kind, required });
        slots.push(slot);
        tails.push((tail, required));
    }
    let says = (0..6)
        .map(|_| {
            let mut say = ask.clone();
            for (tail, required) in &tails {
                if *required || rng.chance(0.5) {
                    say.push(' ');
                    say.push_str(tail);
                }
            }
            say
        })
        .collect();
    SaidTool { tool: Tool::User { name: name.replace(' ', "_"), description, parameters }, slots, says }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_archetype_is_read_whole() {
        let text = include_str!("lexicon/tools.txt");
        let wanted = text.lines().filter(|line| line.starts_with("tool ")).count();
        assert_eq!(ARCHETYPES.len(), wanted);
        for archetype in ARCHETYPES.iter() {
            for (names, _, required) in &archetype.parameters {
                for say in archetype.says.iter().filter(|_| *required) {
                    let slot = say.contains(&format!("{{{}}}", names[0]));
                    let flag = say.contains(&format!("{{{}:", names[0]));
                    assert!(slot || flag, "{:?} lacks {} in {say:?}", archetype.names, names[0]);
                }
            }
        }
    }
}
