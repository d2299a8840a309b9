//! Acts on a condition: "start the pump when the soil is dry", "as soon as the door opens turn on the light", "whenever it is
//! darker than 20 lux turn on the lamp".
//!
//! The condition is taken out of the request by rule: a device that is in the scene and what is said of it. "Dry", "dark" or
//! "warm" without a number mean what the agent's own transitions hold for that ([`Agent::threshold`]). What is not
//! understood is left as it is, and is refused as any request on a condition.

use serde::{Deserialize, Serialize};

use super::Engine;
use super::schedule::{When, Word, without, words};
use crate::agent::{Agent, By};
use crate::board::{Device, Direction, State};
use crate::link::{Link, Mark, Unit};
use crate::prompt::Scene;

/// Something that a device does, or comes to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Condition {
    /// The device, by name.
    pub device: String,
    /// What it is to do.
    pub is: Is,
    /// Whether it has to come about: "when the door opens" waits, though the door be open.
    pub change: bool,
    /// Each time, and not just once.
    pub again: bool,
}

/// What a device is to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Is {
    /// Switched on, open, an active input.
    On,
    /// Switched off, closed, an inactive input.
    Off,
    Above(f64),
    Below(f64),
}

impl Is {
    fn holds(self, state: State) -> bool {
        match (self, state) {
            (Is::On, State::On { .. } | State::Open | State::Active)
            | (Is::Off, State::Off | State::Closed | State::Inactive) => true,
            (Is::Above(limit), State::Value { value }) => value > limit,
            (Is::Below(limit), State::Value { value }) => value < limit,
            _ => false,
        }
    }
}

impl Condition {
    /// As it is told.
    pub fn words(&self, agent: &Agent) -> String {
        let device = agent.device(&self.device).map(|at| &agent.devices[at]);
        let unit =
            device.and_then(|device| device.unit.as_deref()).map_or(String::new(), |unit| format!(" {unit}"));
        let opens = device.is_some_and(opens);
        let verb = if self.change { "comes to be" } else { "is" };
        let is = match self.is {
            Is::On if opens => "open".to_owned(),
            Is::Off if opens => "closed".to_owned(),
            Is::On => "on".to_owned(),
            Is::Off => "off".to_owned(),
            Is::Above(limit) => format!("above {}{unit}", crate::board::Number(limit)),
            Is::Below(limit) => format!("below {}{unit}", crate::board::Number(limit)),
        };
        let when = if self.again { "Whenever" } else { "When" };
        format!("{when} {} {verb} {is}", self.device)
    }
}

fn opens(device: &Device) -> bool {
    ["door", "window", "gate", "garage", "hatch", "vent", "blind", "shutter", "curtain", "valve", "contact"]
        .contains(&device.kind.as_str())
}

/// Adjectives of what is measured, by whether much or little of it is meant, with the units that they go with.
const ADJECTIVES: [(&str, bool, &[&str]); 17] = [
    ("dry", false, &["%"]),
    ("wet", true, &["%"]),
    ("moist", true, &["%"]),
    ("damp", true, &["%"]),
    ("humid", true, &["%"]),
    ("dark", false, &["lux", "lx"]),
    ("bright", true, &["lux", "lx"]),
    ("light", true, &["lux", "lx"]),
    ("cold", false, &["°C", "°F", "C", "F"]),
    ("cool", false, &["°C", "°F", "C", "F"]),
    ("warm", true, &["°C", "°F", "C", "F"]),
    ("hot", true, &["°C", "°F", "C", "F"]),
    ("loud", true, &["dB"]),
    ("quiet", false, &["dB"]),
    ("low", false, &[]),
    ("high", true, &[]),
    ("full", true, &["%", "l", "L"]),
];

/// The adjective of a word, with its comparative.
fn adjective(word: &str) -> Option<(bool, &'static [&'static str])> {
    let stem = |known: &str| {
        let last = known.chars().next_back().unwrap_or_default();
        let doubled = format!("{known}{last}er");
        let changed = known.strip_suffix('y').map(|stem| format!("{stem}ier"));
        word == known
            || word == format!("{known}er")
            || word == doubled
            || changed.is_some_and(|changed| word == changed)
    };
    let found = ADJECTIVES.iter().find(|(known, ..)| stem(known));
    found.map(|(_, much, units)| (*much, *units))
}

/// A condition said in a request, and the request without it; `None` when there is none that is understood.
pub(super) fn split(request: &str, scene: &Scene, agent: &Agent) -> Option<(Condition, String)> {
    let words = words(request);
    let links = scene.index().links(request);
    (0..words.len()).find_map(|at| {
        let (subject, again) = conjunction(&words, at)?;
        let clause = Clause { words: &words, links: &links, scene, agent };
        let (device, is, change, last) = clause.read(subject)?;
        let condition = Condition { device, is, change: change || again, again };
        let rest = without(request, words[at].start, words[last].end);
        // A condition behind the order ends the request; one before it leaves the order.
        let behind = at > 0;
        let ends = words[last + 1..]
            .iter()
            .all(|word| ["please", "then", "ok", "again"].contains(&word.text.as_str()));
        let rest = rest.strip_prefix("then ").map_or(rest.clone(), str::to_owned);
        // A second condition is none of what was understood.
        let more = ["and ", "or ", "but ", "while ", "unless "]
            .iter()
            .any(|word| rest.to_lowercase().starts_with(word));
        let whole = if behind { ends } else { !more };
        (whole && !rest.trim().is_empty()).then_some((condition, rest))
    })
}

/// Where the clause behind a conjunction begins, and whether it means each time.
fn conjunction(words: &[Word], at: usize) -> Option<(usize, bool)> {
    let text = |place: usize| words.get(place).map_or("", |word| word.text.as_str());
    let back = at.checked_sub(1).map_or("", text);
    // "See if", "tell me when" ask something.
    if ["see", "check", "know", "me", "us", "tell", "ask", "whether"].contains(&back) {
        return None;
    }
    match [text(at), text(at + 1), text(at + 2)] {
        ["when" | "once" | "if", ..] => Some((at + 1, false)),
        ["whenever", ..] => Some((at + 1, true)),
        ["as", "soon", "as"] => Some((at + 3, false)),
        ["every" | "each", "time", _] => Some((at + 2, true)),
        ["the", "moment", _] => Some((at + 2, false)),
        _ => None,
    }
}

struct Clause<'a> {
    words: &'a [Word],
    links: &'a [Link],
    scene: &'a Scene,
    agent: &'a Agent,
}

impl Clause<'_> {
    fn text(&self, place: usize) -> &str {
        self.words.get(place).map_or("", |word| word.text.as_str())
    }

    /// Device, what it is to do, whether that has to come about, and the last word of it.
    fn read(&self, from: usize) -> Option<(String, Is, bool, usize)> {
        let start = self.words.get(from)?.start;
        let link = self.links.iter().find(|link| {
            link.start >= start
                && link.marks.iter().any(|mark| matches!(mark, Mark::Device(_) | Mark::Kind(_)))
        });
        // "It" is the weather, or nothing at all.
        let it = ["it", "its", "it's"].contains(&self.text(from));
        let behind = match link {
            Some(link) if !it => {
                // Between conjunction and device stand at most two words: "the bloody door".
                let place = self.words.iter().position(|word| word.end >= link.end)?;
                let first = self.words.iter().position(|word| word.end > link.start)?;
                if first > from + 2 {
                    return None;
                }
                place + 1
            }
            _ if it => from + 1,
            _ => return None,
        };
        let (is, change, last, units) = self.predicate(behind, self.text(from) == "it's")?;
        let fits = |device: &&Device| match is {
            Said::Is(Is::Above(_) | Is::Below(_)) | Said::Much(_) => device.measures(),
            _ => !device.measures(),
        };
        let candidates: Vec<&Device> = match link {
            Some(link) if !it => self.meant(link).into_iter().filter(fits).collect(),
            _ => {
                let unit =
                    |device: &&Device| device.unit.as_deref().is_some_and(|unit| units.contains(&unit));
                self.scene.devices.iter().filter(unit).filter(fits).collect()
            }
        };
        let [device] = candidates[..] else { return None };
        let is = match is {
            Said::Is(is) => is,
            Said::Much(much) => {
                let limit = self.agent.threshold(self.agent.device(&device.name)?, much)?;
                if much { Is::Above(limit) } else { Is::Below(limit) }
            }
        };
        Some((device.name.clone(), is, change, last))
    }

    /// The devices that a mention may mean; of a kind those that say something.
    fn meant(&self, link: &Link) -> Vec<&Device> {
        let mut all = Vec::new();
        for mark in &link.marks {
            match *mark {
                Mark::Device(at) => all.push(&self.scene.devices[at]),
                Mark::Kind(kind) => {
                    let inputs = self.scene.devices.iter().filter(|device| {
                        self.scene.kind_of(device) == Some(kind) && device.direction == Direction::In
                    });
                    all.extend(inputs);
                }
                _ => {}
            }
        }
        all.sort_by_key(|device| device.name.as_str());
        all.dedup_by_key(|device| device.name.as_str());
        all
    }

    /// What is said from this word on.
    fn predicate(&self, from: usize, is: bool) -> Option<(Said, bool, usize, &'static [&'static str])> {
        let mut at = from;
        let mut change = false;
        if !is {
            match self.text(at) {
                "is" | "are" | "s" | "stays" => at += 1,
                "gets" | "goes" | "becomes" | "turns" | "comes" | "drops" | "falls" | "rises" | "climbs"
                | "sinks" | "grows" | "get" | "switches" => {
                    change = true;
                    at += 1;
                }
                _ => {}
            }
        }
        while ["too", "very", "really", "again", "being"].contains(&self.text(at)) {
            at += 1;
        }
        let verb = at > from || is;
        let simple = |is: Is, change: bool| Some((Said::Is(is), change, at, &[][..]));
        match self.text(at) {
            "opens" => return simple(Is::On, true),
            "closes" | "shuts" => return simple(Is::Off, true),
            "rings" | "triggers" => return simple(Is::On, true),
            "open" | "opened" if verb => return simple(Is::On, change || self.text(at) == "opened"),
            "closed" | "shut" if verb => return simple(Is::Off, change),
            "on" | "active" if verb => return simple(Is::On, change),
            "off" | "inactive" if verb => return simple(Is::Off, change),
            "pressed" | "pushed" | "triggered" if verb => return simple(Is::On, true),
            "released" if verb => return simple(Is::Off, true),
            "detects" | "sees" | "senses" => {
                let what = ["motion", "movement", "something", "someone", "somebody", "anything"];
                let more = usize::from(what.contains(&self.text(at + 1)));
                return Some((Said::Is(Is::On), true, at + more, &[]));
            }
            _ => {}
        }
        // "Above 25 degrees", "more than 25", "exceeds 25"; "warmer than 25"; "warm".
        let (much, units, mut next) = match (self.text(at), self.text(at + 1)) {
            ("above" | "over" | "exceeds" | "past", _) => (true, &[][..], at + 1),
            ("below" | "under" | "beneath", _) => (false, &[][..], at + 1),
            ("more" | "higher" | "greater", "than") => (true, &[][..], at + 2),
            ("less" | "lower" | "fewer", "than") => (false, &[][..], at + 2),
            (word, "than") => {
                let (much, units) = adjective(word)?;
                (much, units, at + 2)
            }
            (word, _) if verb => {
                let (much, units) = adjective(word)?;
                return Some((Said::Much(much), change, at, units));
            }
            _ => return None,
        };
        let start = self.words.get(next)?.start;
        let (link, number) = self.links.iter().find_map(|link| {
            let number = link.marks.iter().find_map(|mark| match mark {
                Mark::Number(number) => Some(*number),
                _ => None,
            });
            number.filter(|_| link.start == start).map(|number| (link, number))
        })?;
        if !matches!(number.unit, Unit::Plain | Unit::Percent | Unit::Degrees) {
            return None;
        }
        next = self.words.iter().rposition(|word| word.start < link.end)?;
        let unit = ["degrees", "celsius", "percent", "%", "lux", "lx", "db", "degree"];
        while unit.contains(&self.text(next + 1)) {
            next += 1;
        }
        let is = if much { Is::Above(number.value) } else { Is::Below(number.value) };
        Some((Said::Is(is), change, next, units))
    }
}

/// What is said of a device, before its limits are known.
enum Said {
    Is(Is),
    /// Much, or little, of what it measures.
    Much(bool),
}

impl Engine {
    /// Whether what is asked for need not be waited for by the clock.
    pub(super) fn holds(&mut self, condition: &Condition) -> bool {
        let Some(place) = self.agent.device(&condition.device) else { return false };
        let states = self.outside.states(&[place]);
        states.get(&place).is_some_and(|state| condition.is.holds(*state))
    }

    /// Places of the devices that acts wait for.
    pub(super) fn awaited(&self) -> impl Iterator<Item = usize> {
        self.scheduled.iter().filter_map(|act| match &act.when {
            When::If { condition, .. } => self.agent.device(&condition.device),
            _ => None,
        })
    }

    /// Does what waited for what a device does now. `edge`: an input that has just changed.
    pub(super) fn do_awaited(&mut self, place: usize, state: State, edge: bool, said: &mut Vec<String>) {
        let name = self.agent.devices[place].name.clone();
        let mut due = Vec::new();
        self.scheduled.retain_mut(|act| {
            let When::If { condition, armed } = &mut act.when else { return true };
            if condition.device != name {
                return true;
            }
            let holds = condition.is.holds(state);
            let fires = holds && (*armed || edge);
            if fires {
                due.push(act.calls.clone());
            }
            *armed = !holds;
            !fires || condition.again
        });
        for calls in due {
            self.act(calls, false, By::Turn, said);
            self.commit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "format = 1\n[agent]\nname = 'a'\n[devices.fan]\nkind = 'fan'\n[devices.pump]\nkind = 'pump'\n\
        [devices.'hall light']\nkind = 'light'\n[devices.'front door']\nkind = 'contact'\n[devices.bell]\nkind = 'button'\n\
        [devices.'soil probe']\nkind = 'sensor'\nunit = '%'\naliases = ['soil']\n[devices.thermometer]\nkind = 'thermometer'\nunit = '°C'\n\
        [devices.'light meter']\nkind = 'meter'\nunit = 'lux'\n\
        [states.main]\non = [{ sensor = 'soil probe', below = 30, say = 'dry' }]\n";

    fn agent() -> (Agent, Scene) {
        let agent = Agent::parse(SOURCE, None).unwrap();
        let scene = crate::turn::scene(&agent, 0, &|_| true).unwrap();
        (agent, scene)
    }

    #[test]
    fn conditions_are_taken_out_of_requests() {
        let (agent, scene) = agent();
        for (request, device, is, change, again, rest) in [
            (
                "start the pump when the soil is dry",
                "soil probe",
                Is::Below(30.0),
                false,
                false,
                "start the pump",
            ),
            (
                "when the soil is dry start the pump",
                "soil probe",
                Is::Below(30.0),
                false,
                false,
                "start the pump",
            ),
            (
                "when the front door opens, turn on the hall light",
                "front door",
                Is::On,
                true,
                false,
                "turn on the hall light",
            ),
            (
                "turn on the hall light as soon as the front door opens",
                "front door",
                Is::On,
                true,
                false,
                "turn on the hall light",
            ),
            (
                "fan on if the thermometer rises above 25 degrees",
                "thermometer",
                Is::Above(25.0),
                true,
                false,
                "fan on",
            ),
            (
                "fan on when it is warmer than 25 degrees please",
                "thermometer",
                Is::Above(25.0),
                false,
                false,
                "fan on please",
            ),
            (
                "whenever it gets darker than 20 lux turn on the hall light",
                "light meter",
                Is::Below(20.0),
                true,
                true,
                "turn on the hall light",
            ),
            (
                "toggle the hall light every time the bell is pressed",
                "bell",
                Is::On,
                true,
                true,
                "toggle the hall light",
            ),
            ("turn the fan off once the pump is off", "pump", Is::Off, false, false, "turn the fan off"),
            (
                "hall light off when the front door is closed",
                "front door",
                Is::Off,
                false,
                false,
                "hall light off",
            ),
            (
                "start the pump when the soil probe drops below 20 %",
                "soil probe",
                Is::Below(20.0),
                true,
                false,
                "start the pump",
            ),
        ] {
            let condition = Condition { device: device.into(), is, change, again };
            assert_eq!(split(request, &scene, &agent), Some((condition, rest.to_owned())), "{request}");
        }
        for request in [
            "turn on the fan",
            "tell me when the front door opens",
            "see if the front door is open",
            "fan on when you can",
            "fan on when it is warm",
            "fan on if the soil is wet",
            "fan on when anna comes home",
            "when the front door opens",
            "when is the front door open",
            "fan on when the front door opens and the bell rings",
            "when the front door opens and the bell rings fan on",
            "when",
            "",
        ] {
            assert_eq!(split(request, &scene, &agent), None, "{request}");
        }
    }

    #[test]
    fn conditions_are_told() {
        let (agent, scene) = agent();
        for (request, told) in [
            ("start the pump when the soil is dry", "When soil probe is below 30 %"),
            ("fan on every time the front door opens", "Whenever front door comes to be open"),
            ("fan on when the pump is off", "When pump is off"),
        ] {
            assert_eq!(split(request, &scene, &agent).unwrap().0.words(&agent), told);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "(when|if|as soon as|whenever|the|soil|bell|front door|is|gets|dry|opens|than|above|[0-9]{1,3}|%|[a-zé.,]{0,4}| ){0,14}") {
            let (agent, scene) = agent();
            let _ = split(&text, &scene, &agent);
        }
    }
}
