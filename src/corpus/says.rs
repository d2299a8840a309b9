//! Requests for the user's own tools, and requests that come near one and must be refused.

use crate::link::{Mark, ORDINALS};
use crate::prompt::{Argument, Param, ParamKind, Scene, Step};

use super::lexicon::Mood;
use super::phrases::free_text;
use super::request::{Draft, say_duration, say_number};
use super::rng::Rng;
use super::template::expand;
use super::tools::{SaidTool, foreign_choice};
use super::world::odd_word;

/// No larger numbers are said of a parameter that has no limits.
const FAR: f64 = 10_000.0;

/// A number that a parameter takes; round ones more often, as people say them.
fn number_within(rng: &mut Rng, min: f64, max: f64, integer: bool) -> f64 {
    // Without limits, or with wide ones: what people say in a kitchen.
    let min = if min.is_finite() && min > -1e9 { min } else { (max - FAR).clamp(-FAR, 0.0) };
    let max = max.min(min + FAR);
    let span = max - min;
    let top = if span > 60.0 && rng.chance(0.5) { min + 60.0 } else { max };
    let mut value = (min + rng.below((top - min) as usize + 1) as f64).ceil();
    if span >= 100.0 && rng.chance(0.4) {
        let round = (value / 10.0).round() * 10.0;
        if (min..=max).contains(&round) {
            value = round;
        }
    }
    if !integer && rng.chance(0.3) {
        value += 0.5;
    }
    value.min(max)
}

/// The two ways to say a flag: the words for yes and for no.
fn yes_and_no(flags: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let at = flags.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '|' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    })?;
    Some((&flags[..at], &flags[at + 1..]))
}

/// How often something is done: "twice", "3 times".
fn say_times(rng: &mut Rng, value: f64) -> String {
    match value as i64 {
        1 => "once".to_owned(),
        2 if rng.chance(0.6) => "twice".to_owned(),
        _ => format!("{} times", say_number(rng, value)),
    }
}

/// The words for a choice: itself, or a synonym that its archetype knows.
fn say_choice(rng: &mut Rng, said: &SaidTool, choice: &str) -> String {
    let others = said.synonyms.iter().find(|(known, _)| known == choice).map(|(_, others)| others);
    match others {
        Some(others) if rng.chance(0.35) => rng.pick(others).replace('_', " "),
        _ => choice.replace('_', " "),
    }
}

/// A text in quotation marks, or bare.
fn quoted(rng: &mut Rng, text: &str) -> String {
    match rng.below(20) {
        0 | 1 => format!("\"{text}\""),
        2 if !text.contains('\'') => format!("'{text}'"),
        _ => text.to_owned(),
    }
}

/// One parameter's argument and its words; the argument is `None` when nothing is said for it.
fn argument(
    rng: &mut Rng,
    scene: &Scene,
    said: &SaidTool,
    (at, param): (usize, &Param),
    flags: &str,
    draft: &mut Draft,
) -> Option<(Option<Argument>, String)> {
    Some(match &param.kind {
        ParamKind::Number { min, max, integer } => {
            let value = number_within(rng, *min, *max, *integer);
            if flags == "place" {
                let place = ORDINALS.get((value - 1.0) as usize).filter(|_| value >= 1.0)?;
                return Some((Some(Argument::Number(draft.value(value))), (*place).to_owned()));
            }
            let words = if flags == "times" { say_times(rng, value) } else { say_number(rng, value) };
            (Some(Argument::Number(draft.value(value))), words)
        }
        ParamKind::Choice(choices) => {
            let choice = rng.pick(choices);
            let place = scene.values.iter().position(|value| value == choice)?;
            (Some(Argument::Choice(place)), say_choice(rng, said, choice))
        }
        ParamKind::Text { max_length } => {
            let text = match said.texts.get(at) {
                Some(section) if rng.chance(0.9) => free_text(rng, section)?,
                _ => (0..rng.range(1, 4)).map(|_| odd_word(rng)).collect::<Vec<_>>().join(" "),
            };
            if text.chars().count() > *max_length {
                return None;
            }
            draft.verbatim = true;
            let words = quoted(rng, &text);
            (Some(Argument::Text(text)), words)
        }
        ParamKind::Flag => {
            let (yes, no) = yes_and_no(flags)?;
            let set = rng.chance(0.5);
            let words = expand(rng, if set { yes } else { no }, &mut |_, _| None)?;
            ((!words.is_empty()).then_some(Argument::Flag(set)), words)
        }
    })
}

/// Minutes that are said in another way.
const SPANS: &[(f64, &str)] = &[
    (60.0, "an hour"),
    (60.0, "one hour"),
    (90.0, "an hour and a half"),
    (90.0, "one and a half hours"),
    (30.0, "half an hour"),
    (15.0, "a quarter of an hour"),
    (45.0, "three quarters of an hour"),
    (120.0, "two hours"),
    (180.0, "three hours"),
    (1.0, "a minute"),
    (1.0, "sixty seconds"),
];
/// Stands behind one of them until the unit that the template has there is taken away.
const SPAN: char = '\u{1}';

/// Takes the units behind spans away; `None` where there is none.
fn spanned(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(SPAN) {
        out.push_str(before);
        let after = after.trim_start();
        let unit =
            ["minutes", "minute", "mins", "min"].into_iter().find_map(|unit| after.strip_prefix(unit))?;
        if unit.starts_with(char::is_alphabetic) {
            return None;
        }
        rest = unit;
    }
    out.push_str(rest);
    Some(out)
}

/// A template in which "lane {lane}" is "the third lane", where the parameter's name has the word.
fn placed(say: &str, slot: &str, name: &str) -> String {
    let word = name.rsplit('_').next().unwrap_or(name);
    let counted = format!("{word} {{{slot}}}");
    if word.len() < 3 || !say.contains(&counted) {
        return say.to_owned();
    }
    say.replace(&counted, &format!("the {{{slot}:place}} {word}")).replace("the the ", "the ")
}

/// A request for a user's tool.
pub(super) fn user(rng: &mut Rng, scene: &Scene, said: &SaidTool, at: usize) -> Option<Draft> {
    let (_, _, parameters) = scene.user_tools().nth(at)?;
    let mut draft = Draft::default();
    let mut arguments: Vec<Option<Argument>> = vec![None; parameters.len()];
    let mut say = rng.pick(&said.says).clone();
    // A number of this slot is a place ("the third lane") or a span ("half an hour").
    let mut other = None;
    for (slot, param) in said.slots.iter().zip(parameters) {
        if matches!(param.kind, ParamKind::Number { .. }) && rng.chance(0.2) {
            say = placed(&say, slot, &param.name);
            other = Some(slot.as_str());
        }
    }
    let text = expand(rng, &say, &mut |rng, slot| {
        let (name, flags) = slot.split_once(':').unwrap_or((slot, ""));
        let at = said.slots.iter().position(|known| known == name)?;
        if other == Some(name)
            && flags.is_empty()
            && [" min", " (min"].iter().any(|unit| say.contains(&format!("{{{name}}}{unit}")))
        {
            let ParamKind::Number { min, max, .. } = parameters[at].kind else { return None };
            let fit: Vec<_> = SPANS.iter().filter(|(value, _)| (min..=max).contains(value)).collect();
            if !fit.is_empty() {
                let (value, words) = *rng.pick(&fit);
                // In seconds, as the matcher reads it.
                arguments[at] = Some(Argument::Number(draft.value(value * 60.0)));
                return Some(format!("{words}{SPAN}"));
            }
        }
        let (given, words) = argument(rng, scene, said, (at, &parameters[at]), flags, &mut draft)?;
        arguments[at] = given;
        Some(words)
    })?;
    let text = spanned(&text)?;
    if parameters.iter().zip(&arguments).any(|(param, argument)| param.required && argument.is_none()) {
        return None;
    }
    draft.text = text;
    if draft.verbatim && rng.chance(0.08) {
        draft.text.push_str(rng.pick::<&str>(AFTER_TEXT));
    }
    draft.steps.push(Step::User { tool: at, arguments });
    Some(draft)
}

/// Words behind a copied text that are no part of it.
const AFTER_TEXT: &[&str] =
    &[" please", ", please", ", thanks", ", thank you", " please", ", would you", ", ok", ", cheers"];

/// A request that comes near a user's tool and that no call of it serves.
pub(super) fn starved(rng: &mut Rng, scene: &Scene, said: &SaidTool, at: usize) -> Option<String> {
    match rng.weighted(&[45, 25, 18, 12]) {
        0 => misfit(rng, scene, said, at),
        1 => lacking(rng, scene, said, at),
        2 => postponed(rng, scene, said, at),
        _ => overasked(rng, scene, said, at),
    }
}

/// A number out of bounds, or a value that is no choice.
fn misfit(rng: &mut Rng, scene: &Scene, said: &SaidTool, at: usize) -> Option<String> {
    let (_, _, parameters) = scene.user_tools().nth(at)?;
    let strict: Vec<usize> = (0..parameters.len())
        .filter(|&at| matches!(parameters[at].kind, ParamKind::Number { .. } | ParamKind::Choice(_)))
        .collect();
    if strict.is_empty() {
        return None;
    }
    let wrong = *rng.pick(&strict);
    let say = rng.pick(&said.says).clone();
    let (mut spoilt, mut draft) = (false, Draft::default());
    let text = expand(rng, &say, &mut |rng, slot| {
        let (name, flags) = slot.split_once(':').unwrap_or((slot, ""));
        let at = said.slots.iter().position(|known| known == name)?;
        let param = &parameters[at];
        if at != wrong {
            return argument(rng, scene, said, (at, param), flags, &mut draft).map(|(_, words)| words);
        }
        spoilt = true;
        match &param.kind {
            ParamKind::Number { min, max, .. } => {
                let value = if *min >= 2.0 && rng.chance(0.3) {
                    (min - 1.0).floor()
                } else {
                    (max + *rng.pick(&[1.0, 5.0, 10.0, 100.0, 1000.0])).round()
                };
                Some(if flags == "times" { say_times(rng, value) } else { say_number(rng, value) })
            }
            ParamKind::Choice(choices) => stranger_to(rng, scene, said, choices),
            _ => None,
        }
    })?;
    spoilt.then_some(text)
}

/// A word that is none of the choices: a value of another tool, of another archetype, or any word.
fn stranger_to(rng: &mut Rng, scene: &Scene, said: &SaidTool, choices: &[String]) -> Option<String> {
    let word = match rng.below(10) {
        0..=2 if !scene.values.is_empty() => rng.pick(&scene.values).clone(),
        0..=6 => foreign_choice(rng)?,
        _ => odd_word(rng),
    };
    let synonym = said.synonyms.iter().any(|(_, others)| others.contains(&word.as_str()));
    let near = choices.iter().any(|choice| choice.contains(&word) || word.contains(choice.as_str()));
    (!near && !synonym).then(|| word.replace('_', " "))
}

/// The tool asked for without what it must have.
fn lacking(rng: &mut Rng, scene: &Scene, said: &SaidTool, at: usize) -> Option<String> {
    let (name, _, parameters) = scene.user_tools().nth(at)?;
    if !parameters.iter().any(|param| param.required) {
        return None;
    }
    if said.bare.is_empty() {
        let name = name.replace('_', " ");
        let ask = *rng.pick(&["", "", "please ", "the ", "i need the ", "can you ", "now "]);
        return name.contains(' ').then(|| format!("{ask}{name}"));
    }
    let say = rng.pick(&said.bare).clone();
    let mut draft = Draft::default();
    let text = expand(rng, &say, &mut |rng, slot| {
        let (name, flags) = slot.split_once(':').unwrap_or((slot, ""));
        let at = said.slots.iter().position(|known| known == name)?;
        argument(rng, scene, said, (at, &parameters[at]), flags, &mut draft).map(|(_, words)| words)
    })?;
    // "Run the mixer" may well be said to the device of that name.
    let links = scene.index().links(&text);
    let device = links.iter().flat_map(|link| &link.marks).any(|mark| matches!(mark, Mark::Device(_)));
    (!device).then_some(text)
}

/// Words of tools that have to do with time, for which "tomorrow" may well be part of the request.
const TIMELY: &[&str] = &[
    "time", "alarm", "remind", "schedule", "calendar", "event", "book", "forecast", "weather", "log", "day",
    "hour", "minutes", "list", "note",
];

/// A request for the tool under a condition, or at another time.
fn postponed(rng: &mut Rng, scene: &Scene, said: &SaidTool, at: usize) -> Option<String> {
    let (name, description, _) = scene.user_tools().nth(at)?;
    if TIMELY.iter().any(|word| name.contains(word) || description.contains(word)) {
        return None;
    }
    // A condition fits an order only.
    let draft = user(rng, scene, said, at)
        .filter(|draft| !draft.verbatim && rng.lexicon().mood(&draft.text) == Mood::Order)?;
    let section = if rng.chance(0.85) { "later" } else { "negated" };
    let line = rng.pick(rng.lexicon().sentences.get(section)?);
    expand(rng, line.text, &mut |rng, slot| {
        Some(if slot == "x" { draft.text.clone() } else { say_duration(rng).1 })
    })
}

/// A request with an amount for which the tool has no place.
fn overasked(rng: &mut Rng, scene: &Scene, said: &SaidTool, at: usize) -> Option<String> {
    let (_, _, parameters) = scene.user_tools().nth(at)?;
    if parameters.iter().any(|param| matches!(param.kind, ParamKind::Number { .. })) {
        return None;
    }
    let draft = user(rng, scene, said, at).filter(|draft| !draft.verbatim && !draft.text.contains('?'))?;
    let (_, time) = say_duration(rng);
    let percent = 5 * rng.range(1, 19);
    let tail = match rng.below(5) {
        0 | 1 => format!("for {time}"),
        2 => format!("over {time}"),
        3 => format!("at {percent} percent"),
        _ => format!("every {time}"),
    };
    Some(format!("{} {tail}", draft.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_within_limits_of_any_width() {
        let mut rng = Rng::new(2);
        let far = f64::INFINITY;
        for (min, max) in [
            (-far, far),
            (0.0, far),
            (-far, 5.0),
            (f64::MIN, f64::MAX),
            (-1e12, 3.0),
            (0.0, 0.25),
            (200.0, 15000.0),
        ] {
            for integer in [true, false] {
                for _ in 0..200 {
                    let value = number_within(&mut rng, min, max, integer);
                    assert!((min..=max).contains(&value) && value.abs() <= 2.0 * FAR, "{min} {max}: {value}");
                }
            }
        }
    }
}
