//! Asking back: which other readings a request has, and what a person's answer means.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::mind::{Mind, MindError, Reading};
use crate::agent::graph::call as in_words;
use crate::link::Mark;
use crate::prompt::{Scene, Turn, pintail, resolve};
use crate::tool::{Builtin, Call};

/// Readings that a person is shown at most.
pub(super) const MOST: usize = 3;
/// How sure the model has to be of a reading with one of the devices that a name may mean.
const LEAST: f64 = 0.3;
/// Devices that an ambiguous mention is tried with at most.
const MOST_TRIED: usize = 4;

/// A reading that a person may choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What would be done, in words.
    pub words: String,
    /// What would be done.
    pub calls: Vec<Call>,
}

impl Choice {
    /// A choice of these calls.
    pub(super) fn new(calls: Vec<Call>) -> Choice {
        Choice { words: calls.iter().map(in_words).collect::<Vec<_>>().join(", then "), calls }
    }
}

/// The question that goes with some choices.
pub(super) fn question(choices: &[Choice]) -> String {
    match choices {
        [one] => format!("Shall I do this? {}", one.words),
        several => {
            let mut text = String::from("Which of these?");
            for (at, choice) in several.iter().enumerate() {
                text.push_str(&format!("\n  {}  {}", at + 1, choice.words));
            }
            text
        }
    }
}

/// What a person says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The choice at this place.
    Pick(usize),
    /// None of it.
    No,
    /// Yes, to several choices: which one is not said.
    Unclear,
    /// Something else: a new request.
    Other,
}

impl Answer {
    /// Reads an answer to a question with so many choices.
    pub fn read(text: &str, choices: usize) -> Answer {
        const PLACES: [&[&str]; MOST] =
            [&["1", "one", "first", "1st"], &["2", "two", "second", "2nd"], &["3", "three", "third", "3rd"]];
        const YES: [&str; 9] = ["y", "yes", "yeah", "yep", "ok", "okay", "sure", "do it", "go ahead"];
        const NO: [&str; 9] =
            ["n", "no", "nope", "none", "neither", "cancel", "stop", "never mind", "none of them"];
        let text = text.to_lowercase();
        let text = text.trim().trim_end_matches(['.', '!', ')']).trim_end();
        // "the second one, please" is "second".
        let text = text.strip_suffix("please").map_or(text, |rest| rest.trim_end_matches([' ', ',']));
        let text = text.strip_prefix("the ").or_else(|| text.strip_prefix("number ")).unwrap_or(text);
        let place = match text.strip_suffix(" one") {
            Some(rest) => rest,
            None => text,
        };
        let said = PLACES.iter().position(|words| words.contains(&place));
        if let Some(at) = said.or_else(|| (place == "last").then_some(choices.wrapping_sub(1))) {
            return if at < choices { Answer::Pick(at) } else { Answer::Unclear };
        }
        if YES.contains(&text) {
            return if choices == 1 { Answer::Pick(0) } else { Answer::Unclear };
        }
        if NO.contains(&text) { Answer::No } else { Answer::Other }
    }
}

/// A mention of several devices of which a reading takes one, or none: the link's place and the devices, best first.
/// Not ambiguous is what the rest of the request settles: a mentioned area in which just one of them stands. Nor is what only
/// looks: the answer says what was read, and a wrong one does no harm.
fn ambiguous(turn: &Turn<'_>, calls: &[Call]) -> Option<(usize, Vec<usize>)> {
    if !calls.is_empty() && calls.iter().all(looks) {
        return None;
    }
    turn.links.iter().enumerate().find_map(|(place, link)| {
        let meant: Vec<usize> = link.devices().collect();
        if meant.len() < 2 || settled(turn, place, &meant) {
            return None;
        }
        let name = |device: &usize| turn.scene.devices[*device].name.as_str();
        let addressed = |device: &&usize| calls.iter().any(|call| addresses(call, name(device)));
        let taken: Vec<&usize> = meant.iter().filter(addressed).collect();
        let guessed = match taken[..] {
            _ if calls.is_empty() => true,
            [one] => !named_elsewhere(turn, place, *one),
            _ => false,
        };
        guessed.then_some((place, meant))
    })
}

/// Whether another mention is the name of this device and of no other: "dino lamp", where "dino" is one of the lamps.
fn named_elsewhere(turn: &Turn<'_>, place: usize, device: usize) -> bool {
    let mut links = turn.links.iter().enumerate();
    links.any(|(at, link)| at != place && link.named && link.devices().eq([device]))
}

/// Whether two lists of calls are of the same tools.
fn same_tools(one: &[Call], other: &[Call]) -> bool {
    one.iter().map(|call| &call.tool).eq(other.iter().map(|call| &call.tool))
}

fn settled(turn: &Turn<'_>, place: usize, meant: &[usize]) -> bool {
    let areas =
        turn.links.iter().enumerate().filter(|(at, _)| *at != place).flat_map(|(_, link)| &link.marks);
    let areas = areas.filter_map(|mark| match mark {
        Mark::Area(area) => turn.scene.areas.get(*area),
        _ => None,
    });
    let areas: Vec<&String> = areas.collect();
    let within = |device: &&usize| {
        turn.scene.devices[**device].area.as_ref().is_some_and(|area| areas.contains(&area))
    };
    meant.iter().filter(within).count() == 1
}

/// Whether a call moves nothing.
fn looks(call: &Call) -> bool {
    call.tool == Builtin::Read.name()
}

/// Whether a call addresses a device.
fn addresses(call: &Call, device: &str) -> bool {
    let devices = call.arguments.get("devices").and_then(|devices| devices.as_array());
    devices.is_some_and(|devices| devices.iter().any(|addressed| addressed == device))
}

/// The turn with one mention narrowed to one device.
fn narrowed<'s>(turn: &Turn<'s>, place: usize, device: usize) -> Turn<'s> {
    let mut links = turn.links.clone();
    links[place].marks = vec![Mark::Device(device)];
    links[place].named = true;
    let scene: &'s Scene = turn.scene;
    Turn::with_links(scene, turn.request, links)
}

impl Mind {
    /// Of a mention that means several devices: what the request would be for each of them.
    pub(super) fn disambiguate(
        &mut self,
        turn: &Turn<'_>,
        ids: &[u32],
        reading: &mut Reading,
        cancel: &AtomicBool,
    ) -> Result<(), MindError> {
        let Some((place, devices)) = ambiguous(turn, &reading.calls) else { return Ok(()) };
        let mut found: Vec<Choice> = Vec::new();
        for device in devices.into_iter().take(MOST_TRIED) {
            let narrowed = narrowed(turn, place, device);
            let prepared = self.prepare(&narrowed, ids, 0)?;
            let (decoded, more) = self.decode(&prepared.prompt, &[], prepared.grammar, &[], cancel)?;
            reading.tokens.sampled += more.sampled;
            reading.tokens.forced += more.forced;
            let sure = decoded.confidence() >= LEAST;
            let steps = pintail::parse(&narrowed, &prepared.pointers, &self.pieces(&decoded.tokens, ids))?;
            let calls = resolve(&narrowed, &steps);
            let name = &turn.scene.devices[device].name;
            // What is to be done is not in question, only with what: "bedroom to 19" is no question of dimming its lamp.
            let alike = reading.calls.is_empty() || same_tools(&calls, &reading.calls);
            let serves = sure && alike && calls.iter().any(|call| addresses(call, name) && !looks(call));
            if serves && found.iter().all(|known| known.calls != calls) {
                found.push(Choice::new(calls));
            }
        }
        found.truncate(MOST);
        // One that is left is no choice: it is what was meant, unless nothing was to be done at all.
        if found.len() > 1 || (found.len() == 1 && reading.calls.is_empty()) {
            reading.choices = found;
            reading.ambiguous = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        for (text, choices, answer) in [
            ("1", 3, Answer::Pick(0)),
            ("the second", 3, Answer::Pick(1)),
            ("The third one, please.", 3, Answer::Pick(2)),
            ("number two", 2, Answer::Pick(1)),
            ("last one", 2, Answer::Pick(1)),
            ("3", 2, Answer::Unclear),
            ("yes", 1, Answer::Pick(0)),
            ("Yes!", 2, Answer::Unclear),
            ("no", 2, Answer::No),
            ("never mind", 1, Answer::No),
            ("turn on the second lamp", 2, Answer::Other),
            ("", 2, Answer::Other),
            ("one more light please", 2, Answer::Other),
        ] {
            assert_eq!(Answer::read(text, choices), answer, "{text}");
        }
    }
}
