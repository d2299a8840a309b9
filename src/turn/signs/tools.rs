//! What speaks against the calls of the user's own tools.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::link::{Link, Mark, Number, answered, denies, spoken};
use crate::prompt::intent::Intent;
use crate::prompt::{Argument, Param, ParamKind, Step, Turn};

use super::texts::texts;
use super::words;

/// Words that say that something is not so, beside those that deny.
const FAILING: &str = "off hold failed fail lost false";

/// Words that take back, or take away, and what stands behind some of them.
const UNDOING: &[(&str, &str)] = &[
    ("remove delete erase unlist scratch strike", ""),
    ("take taking took cross crossing tick pull get knock leave", "off"),
    ("take taking", "out"),
];
/// What tools are called that take something back, or put an end to something.
const UNDOES: &str = "remove delete erase clear cancel undo drop strike cross take out off gone sold finish finished end done empty eighty less \
    reduce close return release free unbook unlist withdraw discard subtract used use up tick complete edit change amend manage update action";

/// The yes-or-no parameters that an answer gives, with their names.
fn flags<'t>(turn: &'t Turn<'_>, steps: &'t [Step]) -> impl Iterator<Item = (&'t str, bool)> {
    called(turn, steps).flat_map(|call| call.parameters.iter().zip(call.arguments)).filter_map(
        |(param, argument)| match argument {
            Some(Argument::Flag(value)) => Some((param.name.as_str(), *value)),
            _ => None,
        },
    )
}

fn contradicts(word: &str) -> bool {
    denies(word) || FAILING.split(' ').any(|failing| failing == word)
}

/// How many of them are denied in a request without a word that denies.
pub(super) fn denied(turn: &Turn<'_>, steps: &[Step]) -> usize {
    let request = turn.request.to_lowercase();
    let denies = words(&request).into_iter().any(contradicts);
    flags(turn, steps).filter(|(_, value)| !value && !denies).count()
}

/// How many calls go to tools that only put something somewhere, though the request takes it away: "take the eggs off the list".
pub(super) fn undone(turn: &Turn<'_>, steps: &[Step]) -> usize {
    let request = turn.request.to_lowercase();
    let said = words(&request);
    let telling = |word: &&&str| !word.is_empty() && !SMALL_WORDS.contains(**word);
    let first = said.iter().find(telling).copied().unwrap_or("");
    let undoing = UNDOING.iter().any(|(words, behind)| {
        words.split(' ').any(|word| word == first) && (behind.is_empty() || said.contains(behind))
    });
    if !undoing {
        return 0;
    }
    let tools = telling_stems(turn);
    let undoes: HashSet<String> = UNDOES.split_whitespace().map(stem).collect();
    called(turn, steps).filter(|call| tools[call.at].is_disjoint(&undoes)).count()
}

/// Words that a question begins with.
const QUESTION: &str = "what what's whats how how's when when's where where's who who's why which is isn't are aren't was were does did has";

/// How many texts calls of tools copy out of what begins as a question: "what's on the shopping list?" puts nothing on it.
pub(super) fn questioned(turn: &Turn<'_>, steps: &[Step]) -> usize {
    let request = turn.request.to_lowercase();
    let first = words(&request).into_iter().find(|word| !word.is_empty()).unwrap_or("");
    if !QUESTION.split(' ').any(|word| word == first) {
        return 0;
    }
    texts(steps).count()
}

/// How many of them are denied though their whole names are said, and no word denies: "queen seen".
pub(super) fn affirmed(turn: &Turn<'_>, steps: &[Step]) -> usize {
    let request = turn.request.to_lowercase();
    let words = words(&request);
    let said = |name: &str| name.to_lowercase().split(['_', '-', ' ']).all(|part| words.contains(&part));
    if words.iter().any(|word| contradicts(word)) {
        return 0;
    }
    flags(turn, steps).filter(|(name, value)| !value && said(name)).count()
}

/// How the yes-or-no parameters of calls go with what was said for them.
#[derive(Default)]
pub(super) struct Answers {
    /// Given though nothing like their names, nor anything for them, was said.
    pub flagged: usize,
    /// Left out though something was said.
    pub unanswered: usize,
    /// Answered otherwise.
    pub gainsaid: usize,
}

/// Compares the yes-or-no parameters with what was said.
pub(super) fn flags_answered(turn: &Turn<'_>, steps: &[Step]) -> Answers {
    let request = turn.request.to_lowercase();
    let said = |name: &str| {
        name.to_lowercase().split(['_', '-', ' ']).any(|part| {
            part.len() > 2
                && request.contains(part.char_indices().nth(4).map_or(part, |(end, _)| &part[..end]))
        })
    };
    let mut answers = Answers::default();
    for (param, argument) in called(turn, steps).flat_map(|call| call.parameters.iter().zip(call.arguments)) {
        if param.kind != ParamKind::Flag {
            continue;
        }
        match (argument, answered(&param.name, turn.request)) {
            (None, Some(_)) => answers.unanswered += 1,
            (Some(Argument::Flag(given)), Some(said)) => answers.gainsaid += usize::from(*given != said),
            (Some(_), None) => answers.flagged += usize::from(!said(&param.name)),
            _ => {}
        }
    }
    answers
}

/// How unlikely it is by the words of a request that an answer calls the tools that it does, in nats.
#[derive(Default)]
pub(super) struct Unmeant {
    /// These and no others, ...
    pub mistaken: f64,
    /// ... any at all, ...
    pub uncalled: f64,
    /// ... or none.
    pub overheard: f64,
}

/// Compares the tools that an answer calls with those that the request is likely for.
pub(super) fn unmeant(intent: &Intent, steps: &[Step]) -> Unmeant {
    let called = steps.iter().filter_map(|step| match step {
        Step::User { tool, .. } => Some(-intent.of_tool(*tool)),
        _ => None,
    });
    called.reduce(|sum, more| sum + more).map_or_else(
        || Unmeant { overheard: -intent.of_none(), ..Unmeant::default() },
        |mistaken| Unmeant { mistaken, uncalled: -intent.of_any(), overheard: 0.0 },
    )
}

/// A call of a user's tool: its place among the user's tools, its name and description, its parameters beside the arguments.
pub(super) struct UserCall<'t> {
    at: usize,
    pub name: &'t str,
    pub description: &'t str,
    pub parameters: &'t [Param],
    pub arguments: &'t [Option<Argument>],
}

/// The user's tools that an answer calls.
pub(super) fn called<'t>(turn: &'t Turn<'_>, steps: &'t [Step]) -> impl Iterator<Item = UserCall<'t>> {
    steps.iter().filter_map(|step| {
        let Step::User { tool, arguments } = step else { return None };
        let (name, description, parameters) = turn.scene.user_tools().nth(*tool)?;
        Some(UserCall { at: *tool, name, description, parameters, arguments })
    })
}

/// How many texts hold a number that a parameter left out of the same call would take.
pub(super) fn uncounted(turn: &Turn<'_>, steps: &[Step]) -> usize {
    let within = |text: &str, number: &mut dyn FnMut(&Number) -> bool| {
        let Some(start) = turn.request.find(text) else { return false };
        let inside = |link: &&Link| link.start >= start && link.end <= start + text.len();
        turn.links.iter().filter(inside).flat_map(|link| &link.marks).any(|mark| match mark {
            Mark::Number(said) => number(said),
            _ => false,
        })
    };
    called(turn, steps)
        .map(|UserCall { parameters, arguments, .. }| {
            let left_out = |number: &Number| {
                parameters.iter().zip(arguments).any(|(param, argument)| {
                    let counts = matches!(param.kind, ParamKind::Number { .. });
                    argument.is_none() && counts && param.number(number).is_some()
                })
            };
            let text = |argument: &&Option<Argument>| match argument {
                Some(Argument::Text(text)) => within(text, &mut |number| left_out(number)),
                _ => false,
            };
            arguments.iter().filter(text).count()
        })
        .sum()
}

/// Words that tell nothing of what is meant.
const SMALL: &str = "the a an of to for and or in on with at by from as is it its be this that all i you we us our my me your please can could \
    would will what how do does are was were have has had so but not up out off then there need want just get got some any been into about \
    now ok okay hey hi thanks thank let lets go if when they them he she his her their one too also s t ll re d m ve im";

/// Words of acts and amounts: what built-in tools are asked for with.
const ACTS: &str = "turn switch put set open close shut start stop run kill blink flash dim raise lower bring read check show tell say wait list \
    power light percent degrees minutes seconds half full hundred times twice once make give take add write log note send";

// Every reading of every request asks these lists of each word.
pub(super) static SMALL_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| SMALL.split_whitespace().collect());
static ACT_STEMS: LazyLock<HashSet<String>> = LazyLock::new(|| ACTS.split_whitespace().map(stem).collect());

/// Letters of a word that tell it from others: "announce" and "announcement" are of one stem.
const STEM: usize = 5;

/// The stems of a text's words, but for small ones.
pub(super) fn stems(text: &str) -> HashSet<String> {
    let lower = text.to_lowercase();
    words(&lower)
        .into_iter()
        .flat_map(|word| word.split('\''))
        .filter(|word| !word.is_empty() && !SMALL_WORDS.contains(*word))
        .map(stem)
        .collect()
}

pub(super) fn stem(word: &str) -> String {
    match word.char_indices().nth(STEM) {
        Some((end, _)) => word[..end].to_owned(),
        None => word.strip_suffix('s').filter(|stem| stem.len() > 2).unwrap_or(word).to_owned(),
    }
}

/// The stems by which each of the user's tools may be asked for: of its name and description, of its parameters and their choices.
fn telling_stems(turn: &Turn<'_>) -> Vec<HashSet<String>> {
    let of = |(name, description, parameters): (&str, &str, &[Param])| {
        let mut text = format!("{} {description}", spoken(name));
        for param in parameters {
            text.push(' ');
            text.push_str(&spoken(&param.name));
            if let ParamKind::Choice(choices) = &param.kind {
                choices.iter().for_each(|choice| text.extend([" ", choice]));
            }
        }
        stems(&text.replace(['_', '-'], " "))
    };
    turn.scene.user_tools().map(of).collect()
}

/// What the words of a request have to do with the user's tools that an answer calls.
#[derive(Default)]
pub(super) struct Heard {
    /// Calls of tools of which nothing was said.
    pub unhinted: usize,
    /// By how many words others are nearer than the tools that are called, three at most for each.
    pub nearer: usize,
    /// Optional parameters that are left out.
    pub skipped: usize,
    /// Texts that hold a word of their tool's or parameter's name, or end with somebody's thing that the tool is about: "put on the list" asks
    /// for no "list".
    pub titled: usize,
    /// Words of the request that have to do with nothing of what it does, three at most.
    pub untold: usize,
}

/// Compares the words of the request with those of the tools that an answer calls, and with what else serves it (`held`: mentions).
pub(super) fn heard<'t>(turn: &'t Turn<'_>, held: impl Iterator<Item = &'t str>, steps: &'t [Step]) -> Heard {
    const MOST_NEARER: usize = 3;
    const MOST_UNTOLD: usize = 3;
    let said = stems(turn.request);
    let tools = telling_stems(turn);
    let common: Vec<usize> = tools.iter().map(|tool| tool.intersection(&said).count()).collect();
    let best = common.iter().copied().max().unwrap_or(0);
    let mut heard = Heard::default();
    let mut told: HashSet<String> = held.chain(texts(steps)).flat_map(stems).collect();
    for call in called(turn, steps) {
        heard.unhinted += usize::from(common[call.at] == 0);
        heard.nearer += (best - common[call.at]).min(MOST_NEARER);
        heard.skipped += call.arguments.iter().filter(|argument| argument.is_none()).count();
        for (param, argument) in call.parameters.iter().zip(call.arguments) {
            if let Some(Argument::Text(text)) = argument {
                let names = stems(&format!("{} {}", spoken(call.name), spoken(&param.name)));
                // "Put that on Mr Okafor's card", of a tool that writes on cards.
                let owned = ["'s ", "’s "].iter().find_map(|mark| Some(text.rsplit_once(mark)?.1));
                let theirs = owned.is_some_and(|owned| !tools[call.at].is_disjoint(&stems(owned)));
                heard.titled += usize::from(theirs || !names.is_disjoint(&stems(text)));
            }
        }
        told.extend(tools[call.at].iter().cloned());
    }
    let idle = |word: &String| {
        !told.contains(word) && !ACT_STEMS.contains(word) && !word.starts_with(|c: char| c.is_ascii_digit())
    };
    if !steps.is_empty() {
        heard.untold = said.iter().filter(|word| idle(word)).count().min(MOST_UNTOLD);
    }
    heard
}
