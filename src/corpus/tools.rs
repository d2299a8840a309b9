//! Random user tools: archetypes from `tools.txt` and `more_tools.txt` under changing names, and tools put together
//! from a verb and a thing.

use crate::prompt::{Param, ParamKind, Tool};

use super::phrases::ANY;
use super::rng::Rng;
use super::world::odd_word;

/// A tool with sentences that ask for it. Slots of the sentences are named like `slots`, in the order of the
/// tool's parameters.
#[derive(Clone, Debug)]
pub(super) struct SaidTool {
    pub tool: Tool,
    pub slots: Vec<String>,
    pub says: Vec<String>,
    /// Sentences that leave out something the tool must have.
    pub bare: Vec<String>,
    /// For each parameter the section of `phrases.txt` that its texts come from.
    pub texts: Vec<&'static str>,
    /// Other words for choices.
    pub synonyms: Vec<(String, Vec<&'static str>)>,
    origin: Origin,
}

impl SaidTool {
    /// A tool of an agent's, with sentences for it.
    pub(super) fn new(tool: Tool, slots: Vec<String>, says: Vec<String>, bare: Vec<String>) -> SaidTool {
        let texts = vec![ANY; slots.len()];
        SaidTool { tool, slots, says, bare, texts, synonyms: Vec::new(), origin: Origin::Agent }
    }
}

/// Where a tool came from, so that another can be made to lie near it.
#[derive(Clone, Debug)]
enum Origin {
    /// An agent's own tool.
    Agent,
    Archetype(usize),
    Made {
        verbs: usize,
        thing: String,
    },
}

pub(super) struct Parameter {
    names: Vec<&'static str>,
    kind: ParamKind,
    required: bool,
    text: &'static str,
    synonyms: Vec<(&'static str, Vec<&'static str>)>,
}

/// A tool as a file tells it: what it may be called, what it takes, how it is asked for.
#[derive(Default)]
pub(super) struct Archetype {
    pub names: Vec<&'static str>,
    pub descriptions: Vec<&'static str>,
    parameters: Vec<Parameter>,
    pub says: Vec<&'static str>,
    pub bare: Vec<&'static str>,
}

fn alternatives(text: &'static str) -> Vec<&'static str> {
    text.split('|').map(str::trim).collect()
}

/// Reads a parameter: its word, its names and what it takes.
fn parameter(word: &str, rest: &'static str) -> Option<Parameter> {
    let (names, spec) = rest.split_once(':')?;
    let spec: Vec<&'static str> = spec.split_whitespace().collect();
    let (required, spec) = spec.split_last()?;
    let (mut text, mut synonyms) = (ANY, Vec::new());
    let kind = match word {
        "num" => ParamKind::Number {
            min: spec.first()?.parse().ok()?,
            max: spec.get(1)?.parse().ok()?,
            integer: spec.get(2) == Some(&"int"),
        },
        // A section of `phrases.txt` may stand before the length.
        "str" => {
            if spec.len() > 1 {
                text = spec[0];
            }
            ParamKind::Text { max_length: spec.last()?.parse().ok()? }
        }
        "choice" => {
            let mut choices = Vec::new();
            for choice in spec {
                let (choice, others) = choice.split_once('=').unwrap_or((choice, ""));
                choices.push(choice.to_owned());
                if !others.is_empty() {
                    synonyms.push((choice, others.split('/').collect()));
                }
            }
            ParamKind::Choice(choices)
        }
        "flag" => ParamKind::Flag,
        _ => return None,
    };
    Some(Parameter { names: alternatives(names), kind, required: *required == "req", text, synonyms })
}

fn parse(block: &'static str) -> Option<Archetype> {
    let mut out = Archetype::default();
    for line in block.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((word, rest)) = line.split_once(' ') else { continue };
        match word {
            "tool" => out.names = alternatives(rest),
            "desc" => out.descriptions = alternatives(rest),
            "say" => out.says.push(rest),
            "miss" => out.bare.push(rest),
            _ => out.parameters.push(parameter(word, rest)?),
        }
    }
    (!out.names.is_empty() && !out.descriptions.is_empty() && !out.says.is_empty()).then_some(out)
}

/// Reads files of archetypes: blocks of lines with an empty line between them.
pub(super) fn archetypes(text: &'static str) -> Vec<Archetype> {
    text.split("\n\n").filter_map(parse).collect()
}

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

/// Words that set two tools of the same sort apart.
const TWINS: &[[&str; 2]] = &[
    ["left", "right"],
    ["upper", "lower"],
    ["front", "rear"],
    ["north", "south"],
    ["old", "new"],
    ["big", "small"],
    ["inner", "outer"],
    ["main", "spare"],
    ["red", "blue"],
    ["kitchen", "garage"],
];

/// So many tools; some of them near others of them.
pub(super) fn random_tools(rng: &mut Rng, count: usize) -> Vec<SaidTool> {
    let mut out: Vec<SaidTool> = Vec::new();
    while out.len() < count {
        let last = out.last().map(|tool| tool.origin.clone());
        match last {
            Some(Origin::Archetype(at)) if rng.chance(0.25) => {
                // Neighbours in the file are of the same walk of life.
                let near = (at + rng.range(1, 4)).min(rng.lexicon().tools.len() - 1);
                out.push(from_archetype(rng, near));
            }
            Some(Origin::Made { verbs, thing }) if rng.chance(0.3) => {
                let other = rng.chance(0.5);
                let (verbs, thing) =
                    if other { (random_act(rng), thing) } else { (verbs, random_thing(rng)) };
                out.push(put_together(rng, verbs, thing));
            }
            _ if rng.chance(0.05) => out.extend(twins(rng)),
            _ => out.push(random_tool(rng)),
        }
    }
    out.truncate(count);
    out
}

/// A tool, more often of an archetype than put together.
fn random_tool(rng: &mut Rng) -> SaidTool {
    if rng.chance(0.7) {
        let at = random_archetype(rng);
        from_archetype(rng, at)
    } else {
        let (verbs, thing) = (random_act(rng), random_thing(rng));
        put_together(rng, verbs, thing)
    }
}

fn takes_text(archetype: &Archetype) -> bool {
    archetype.parameters.iter().any(|param| matches!(param.kind, ParamKind::Text { .. }))
}

/// An archetype. Those with free text are hard to read: they come up more often.
fn random_archetype(rng: &mut Rng) -> usize {
    let tools = &rng.lexicon().tools;
    let at = rng.below(tools.len());
    if !takes_text(&tools[at]) && rng.chance(0.3) { rng.below(tools.len()) } else { at }
}

/// The same archetype twice, told apart by a word.
fn twins(rng: &mut Rng) -> Vec<SaidTool> {
    let at = random_archetype(rng);
    if takes_text(&rng.lexicon().tools[at]) {
        return Vec::new();
    }
    let words = *rng.pick(TWINS);
    let (before, whose) = (rng.chance(0.5), *rng.pick(&["one", "one", "side", "unit", "machine"]));
    let mut first = from_archetype(rng, at);
    let second = first.clone();
    let tell = |tool: &mut SaidTool, word: &str| {
        if let Tool::User { name, description, .. } = &mut tool.tool {
            *name = if before { format!("{word}_{name}") } else { format!("{name}_{word}") };
            *description = format!("{description} ({word} {whose})");
        }
        for say in tool.says.iter_mut().chain(&mut tool.bare) {
            *say = format!("(on|with|for|at) the {word} {whose}, {say}");
        }
    };
    let mut second = second;
    tell(&mut first, words[0]);
    tell(&mut second, words[1]);
    vec![first, second]
}

/// A choice of some archetype.
pub(super) fn foreign_choice(rng: &mut Rng) -> Option<String> {
    let archetype = rng.pick(&rng.lexicon().tools);
    archetype.parameters.iter().find_map(|param| match &param.kind {
        ParamKind::Choice(choices) => Some(rng.pick(choices).clone()),
        _ => None,
    })
}

fn from_archetype(rng: &mut Rng, at: usize) -> SaidTool {
    let archetype = &rng.lexicon().tools[at];
    let mut synonyms = Vec::new();
    let parameters = archetype
        .parameters
        .iter()
        .map(|param| {
            let kind = match &param.kind {
                ParamKind::Choice(choices) => {
                    let choices = choices_like(rng, choices);
                    let known =
                        param.synonyms.iter().filter(|(choice, _)| choices.iter().any(|c| c == choice));
                    synonyms.extend(known.map(|(choice, others)| ((*choice).to_owned(), others.clone())));
                    ParamKind::Choice(choices)
                }
                kind => kind.clone(),
            };
            let minutes = |say: &&&str| {
                say.contains(&format!("{{{}}} min", param.names[0]))
                    || say.contains(&format!("{{{}}} (min", param.names[0]))
            };
            let unit = archetype.says.iter().find(minutes).map(|_| "minutes".to_owned());
            Param { name: (*rng.pick(&param.names)).to_owned(), kind, required: param.required, unit }
        })
        .collect();
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    SaidTool {
        tool: Tool::User {
            name: (*rng.pick(&archetype.names)).to_owned(),
            description: (*rng.pick(&archetype.descriptions)).to_owned(),
            parameters,
        },
        slots: archetype.parameters.iter().map(|param| param.names[0].to_owned()).collect(),
        says: owned(&archetype.says),
        bare: owned(&archetype.bare),
        texts: archetype.parameters.iter().map(|param| param.text).collect(),
        synonyms,
        origin: Origin::Archetype(at),
    }
}

/// Choices as given, some of them, or others in their place.
fn choices_like(rng: &mut Rng, choices: &[String]) -> Vec<String> {
    let mut out: Vec<String> = if rng.chance(0.15) {
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

/// What a tool that is put together does: a line of `acts.txt`.
fn random_act(rng: &mut Rng) -> usize {
    rng.below(rng.lexicon().acts.len())
}

/// What a tool that is put together acts on.
fn random_thing(rng: &mut Rng) -> String {
    let thing = match rng.below(5) {
        0 => odd_word(rng),
        1 => format!("{} {}", rng.pick(&rng.lexicon().adjectives), odd_word(rng)),
        2 => format!("{} {}", odd_word(rng), odd_word(rng)),
        3 => (*rng.pick(&rng.lexicon().words)).to_owned(),
        _ => {
            let (_, nouns) = rng.pick(&rng.lexicon().nouns);
            format!("{} {}", odd_word(rng), rng.pick(nouns))
        }
    };
    thing.replace('\'', "")
}

/// A parameter put together, and the words for it before and behind the request.
fn put_parameter(rng: &mut Rng, slot: &str) -> (&'static str, ParamKind, &'static str, String) {
    match rng.below(10) {
        0..=3 => {
            let (name, unit) = *rng.pick(UNITS);
            let integer = rng.chance(0.7);
            let least = rng.below(3) as f64;
            let most = *rng.pick(&[5.0, 10.0, 20.0, 60.0, 100.0, 180.0, 500.0]);
            let tail = if unit.is_empty() {
                format!("(with|at|, |and|using) (a |the |){name} (of |){{{slot}}}")
            } else {
                format!("(for|by|with|to|at|, |: ) {{{slot}}} {unit}")
            };
            (name, ParamKind::Number { min: least, max: most, integer }, ANY, tail)
        }
        4..=6 => {
            let choices: Vec<String> = (0..rng.range(2, 6)).map(|_| odd_word(rng)).collect();
            let name = *rng
                .pick(&["mode", "colour", "kind", "target", "side", "program", "style", "where", "which"]);
            let tail = format!("(with|to|in|using|on|, |as|for) (the |){{{slot}}} ({name}|)");
            (name, ParamKind::Choice(choices), ANY, tail)
        }
        7 | 8 => {
            let (name, section, tail) = *rng.pick(&[
                ("text", "note", "(saying|: |that says|with the text|with the words)"),
                ("label", "label", "(labelled|with the label|marked|: |label)"),
                ("message", "message", "(saying|: |with the message|to say)"),
                ("name", "name", "(called|named|by the name of|under the name)"),
                ("note", "note", "(with the note|noting that|: |and note that)"),
                ("title", "title", "(titled|with the title|called|: )"),
                ("code", "code", "(with code|with the code|code|using)"),
                ("file", "file", "(from|from file|into|using the file)"),
                ("person", "person", "(for|to|on behalf of)"),
                ("item", "item", "(with|for|together with)"),
                ("topic", "topic", "(about|on|on the subject of)"),
            ]);
            (name, ParamKind::Text { max_length: 80 }, section, format!("{tail} {{{slot}}}"))
        }
        _ => {
            let (name, words) = *rng.pick(&[
                ("fast", "(fast|quickly|in a hurry)|(slowly|not fast)"),
                ("quiet", "(quietly|without noise|silently)|(loudly|not quietly)"),
                ("force", "(by force|and force it)|(without force|but don't force it)"),
                ("loud", "(loudly|at full volume)|(not loud|softly)"),
                ("gentle", "(gently|with care)|(hard|not gently)"),
                ("repeat", "(and repeat it|on repeat|over and over)|(only once|and don't repeat)"),
                ("dry_run", "(as a dry run|just as a test)|(for real|not as a dry run)"),
            ]);
            (name, ParamKind::Flag, ANY, format!("{{{slot}:{words}}}"))
        }
    }
}

fn put_together(rng: &mut Rng, verbs: usize, thing: String) -> SaidTool {
    let origin = Origin::Made { verbs, thing: thing.clone() };
    let verbs = &rng.lexicon().acts[verbs];
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
    let (mut parameters, mut slots, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    // Each parameter can be said in some ways behind the request itself.
    let mut tails: Vec<(String, bool)> = Vec::new();
    for _ in 0..rng.weighted(&[30, 40, 22, 8]) {
        let slot = format!("p{}", slots.len());
        let required = rng.chance(0.6);
        let (name, kind, text, tail) = put_parameter(rng, &slot);
        if parameters.iter().any(|param: &Param| param.name == name) {
            continue;
        }
        parameters.push(Param { name: name.to_owned(), kind, required, unit: None });
        slots.push(slot);
        texts.push(text);
        tails.push((tail, required));
    }
    let needed = tails.iter().filter(|(_, required)| *required).count();
    let says = (0..6)
        .map(|_| {
            // Arguments come in any order, a text mostly last.
            let mut order: Vec<usize> = (0..tails.len()).collect();
            rng.shuffle(&mut order);
            if rng.chance(0.8) {
                order.sort_by_key(|&at| matches!(parameters[at].kind, ParamKind::Text { .. }));
            }
            let mut say = ask.clone();
            for at in order {
                let (tail, required) = &tails[at];
                if *required || rng.chance(0.5) {
                    say.push(' ');
                    say.push_str(tail);
                }
            }
            say
        })
        .collect();
    let mut bare = Vec::new();
    if needed > 0 {
        bare.push(ask.clone());
        for (tail, _) in tails.iter().filter(|(_, required)| needed > 1 || !required) {
            bare.push(format!("{ask} {tail}"));
        }
    }
    let tool = Tool::User { name: name.replace(' ', "_"), description, parameters };
    SaidTool { tool, slots, says, bare, texts, synonyms: Vec::new(), origin }
}

#[cfg(test)]
mod tests {
    use super::super::lexicon::Words;
    use super::super::phrases::phrase;
    use super::*;

    #[test]
    fn every_archetype_is_read_whole() {
        for words in Words::ALL {
            let text = words.files().tools;
            let wanted = text.lines().filter(|line| line.starts_with("tool ")).count();
            assert_eq!(words.lexicon().tools.len(), wanted);
            let mut rng = Rng::of(words, 4);
            for archetype in &words.lexicon().tools {
                fits(&mut rng, archetype);
            }
        }
    }

    /// Each sentence says what must be said, in slots that are there.
    fn fits(rng: &mut Rng, archetype: &Archetype) {
        for param in &archetype.parameters {
            if matches!(param.kind, ParamKind::Text { .. }) {
                assert!(phrase(rng, param.text).is_some(), "{:?}", archetype.names);
            }
            for say in archetype.says.iter().filter(|_| param.required) {
                let slot = say.contains(&format!("{{{}}}", param.names[0]));
                let flag = say.contains(&format!("{{{}:", param.names[0]));
                assert!(slot || flag, "{:?} lacks {} in {say:?}", archetype.names, param.names[0]);
            }
        }
        for say in archetype.says.iter().chain(&archetype.bare) {
            for slot in say.split('{').skip(1).filter_map(|rest| rest.split(['}', ':']).next()) {
                let known = archetype.parameters.iter().any(|param| param.names[0] == slot);
                assert!(known, "{:?} has no {slot} for {say:?}", archetype.names);
            }
        }
    }
}
