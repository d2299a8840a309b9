//! Acts for later: "turn off the fan in ten minutes", "lamp on at 7 pm", "open the vent every day at noon".
//!
//! The time, or a [`super::condition`], is taken out of the request by rule, the rest is read as any request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Engine;
use super::condition::{self, Condition};
use super::events::Due;
use super::trace::Given;
use crate::agent::chart::Cron;
use crate::agent::graph::{call as in_words, duration};
use crate::agent::{Agent, By};
use crate::link::{Mark, Unit, telling};
use crate::prompt::Scene;
use crate::tool::Call;

/// Acts that may wait at most.
const MOST: usize = 64;
/// The longest and the shortest time to wait, and between two of a series.
const LONGEST: f64 = 366.0 * 86_400.0;
const SHORTEST: f64 = 1.0;

/// When something is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum When {
    /// Once, after this time.
    After(Duration),
    /// Again and again, each time after this time.
    Every(Duration),
    /// Once, when the clock on the wall gets there.
    At(Cron),
    /// Every day.
    Daily(Cron),
    /// When a device does something.
    If {
        condition: Condition,
        /// Whether it would be done if that held now.
        armed: bool,
    },
}

/// An act that waits.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub id: u32,
    pub calls: Vec<Call>,
    pub when: When,
    pub due: Due,
}

/// An act that waits, written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    id: u32,
    calls: Vec<Call>,
    when: When,
    /// Milliseconds that were left, of those that wait for time to pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
}

impl Scheduled {
    /// To be written down.
    pub fn kept(&self, now: Duration) -> Kept {
        let left = match self.due {
            Due::At(at) => Some(at.saturating_sub(now).as_millis() as u64),
            Due::Cron { .. } | Due::Open => None,
        };
        Kept { id: self.id, calls: self.calls.clone(), when: self.when.clone(), left }
    }
}

/// A time or a condition said in a request, and the request without it; `None` when there is none.
pub(super) fn split(request: &str, scene: &Scene, agent: &Agent) -> Option<(When, String)> {
    let words = words(request);
    let timed = span(request, scene, &words).or_else(|| hour(request, &words));
    timed.or_else(|| {
        let (condition, rest) = condition::split(request, scene, agent)?;
        Some((When::If { condition, armed: false }, rest))
    })
}

/// A word, in small letters and without punctuation, and its bytes.
pub(super) struct Word {
    pub text: String,
    pub start: usize,
    pub end: usize,
}

pub(super) fn words(request: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    for part in request.split_whitespace() {
        // The parts come in order, so that each is found behind the one before it.
        let start = request[at..].find(part).map_or(at, |found| at + found);
        at = start + part.len();
        let text = part.trim_matches([',', '.', '!', '?', ';']).to_lowercase();
        words.push(Word { text, start, end: at });
    }
    words
}

/// "in ten minutes", "after an hour", "half an hour from now", "every 20 minutes".
fn span(request: &str, scene: &Scene, words: &[Word]) -> Option<(When, String)> {
    let told = telling(request);
    for link in scene.index().links(request) {
        // "The audit is in an hour" asks for nothing in an hour.
        if told.iter().any(|clause| clause.contains(&link.start)) {
            continue;
        }
        let seconds = link.marks.iter().find_map(|mark| match mark {
            Mark::Number(number) if number.unit == Unit::Seconds => Some(number.value),
            _ => None,
        });
        let Some(seconds) = seconds.filter(|seconds| (SHORTEST..=LONGEST).contains(seconds)) else {
            continue;
        };
        let time = Duration::from_secs_f64(seconds);
        let before = words.iter().rfind(|word| word.end <= link.start);
        let mut after = words.iter().skip_while(|word| word.start < link.end).map(|word| word.text.as_str());
        let behind = [after.next().unwrap_or_default(), after.next().unwrap_or_default()];
        let tail = match behind {
            ["from", "now"] => 2,
            ["later", _] => 1,
            _ => 0,
        };
        let end = words
            .iter()
            .filter(|word| word.start >= link.end)
            .take(tail)
            .last()
            .map_or(link.end, |word| word.end);
        match before {
            Some(word) if tail == 0 && ["in", "after"].contains(&word.text.as_str()) => {
                return Some((When::After(time), without(request, word.start, end)));
            }
            // The interval of a blinking is its own.
            Some(word) if word.text == "every" && !blinks(words) => {
                return Some((When::Every(time), without(request, word.start, end)));
            }
            _ if tail > 0 => return Some((When::After(time), without(request, link.start, end))),
            _ => {}
        }
    }
    None
}

fn blinks(words: &[Word]) -> bool {
    words
        .iter()
        .any(|word| ["blink", "flash", "pulse", "flicker"].iter().any(|verb| word.text.starts_with(verb)))
}

/// "at 7 pm", "at 19:30", "at half past six", "at noon", each with "every day" if need be.
fn hour(request: &str, words: &[Word]) -> Option<(When, String)> {
    let told = telling(request);
    let asked = |word: &Word| !told.iter().any(|clause| clause.contains(&word.start));
    let at = words.iter().position(|word| word.text == "at" && asked(word))?;
    let text = |place: usize| words.get(place).map_or("", |word| word.text.as_str());
    let ((hour, minute), mut count) = clock(&[text(at + 1), text(at + 2), text(at + 3), text(at + 4)])?;
    count += 1;
    let cron = Cron::parse(&format!("{minute} {hour} * * *")).ok()?;
    let (mut first, mut last) = (at, at + count - 1);
    let every = |place: usize| text(place) == "every" && text(place + 1) == "day";
    let mut daily = false;
    if at >= 2 && every(at - 2) {
        (first, daily) = (at - 2, true);
    } else if every(last + 1) {
        (last, daily) = (last + 2, true);
    } else if at >= 1 && text(at - 1) == "daily" {
        (first, daily) = (at - 1, true);
    }
    let rest = without(request, words.get(first)?.start, words.get(last)?.end);
    Some((if daily { When::Daily(cron) } else { When::At(cron) }, rest))
}

/// Hour and minute at the beginning of these words, and how many of them it takes. A bare number is no time: "set it at 21".
pub(super) fn clock(words: &[&str; 4]) -> Option<((u32, u32), usize)> {
    let small = |word: &str| {
        let written = crate::link::ONES.iter().position(|one| *one == word).map(|at| at as u32);
        written.or_else(|| word.parse().ok().filter(|_| word.bytes().all(|byte| byte.is_ascii_digit())))
    };
    match *words {
        ["noon", ..] => return Some(((12, 0), 1)),
        ["midnight", ..] => return Some(((0, 0), 1)),
        ["half", "past", hour, half] => {
            let (hour, more) = of_day(small(hour).filter(|hour| (1..=12).contains(hour))?, half);
            return Some(((hour, 30), 3 + more));
        }
        _ => {}
    }
    if let Some((hour, minute)) = words[0].split_once(':') {
        // "7:30pm" in one word.
        let (minute, half) =
            minute.split_at(minute.find(|c: char| !c.is_ascii_digit()).unwrap_or(minute.len()));
        let (hour, minute) = (small(hour)?, small(minute).filter(|minute| *minute < 60)?);
        let (hour, more) = if half.is_empty() { of_day(hour, words[1]) } else { (of_day(hour, half).0, 0) };
        return (hour < 24).then_some(((hour, minute), 1 + more));
    }
    for half in ["am", "pm"] {
        if let Some(hour) = words[0].strip_suffix(half).and_then(small).filter(|hour| (1..=12).contains(hour))
        {
            return Some(((of_day(hour, half).0, 0), 1));
        }
    }
    let hour = small(words[0]).filter(|hour| *hour < 24)?;
    if ["o'clock", "oclock"].contains(&words[1]) {
        let (hour, more) = of_day(hour, words[2]);
        return Some(((hour, 0), 2 + more));
    }
    let (hour, more) = of_day(hour, words[1]);
    (more == 1).then_some(((hour, 0), 2))
}

/// An hour with "am" or "pm" behind it, and whether that was there.
fn of_day(hour: u32, half: &str) -> (u32, usize) {
    match half {
        "am" | "a.m" => (if hour == 12 { 0 } else { hour }, 1),
        "pm" | "p.m" => (if hour < 12 { hour + 12 } else { hour }, 1),
        _ => (hour, 0),
    }
}

/// The request without these bytes.
pub(super) fn without(request: &str, start: usize, end: usize) -> String {
    let (before, after) = (request[..start].trim_end(), request[end..].trim_start());
    let loose = [' ', ',', '.', ';'];
    let text = format!("{} {}", before.trim_end_matches(loose), after.trim_start_matches(loose));
    text.trim().to_owned()
}

impl Engine {
    /// Puts calls away for later; what the person is told.
    pub(super) fn schedule(&mut self, mut when: When, calls: Vec<Call>) -> String {
        if self.scheduled.len() == MOST {
            return format!("{MOST} acts are waiting already; /cancel takes one away.");
        }
        if let When::If { condition, armed } = &mut when {
            *armed = !condition.change || !self.holds(condition);
        }
        let Some(due) = self.due(&when) else {
            return "I cannot do that: the clock is not set.".to_owned();
        };
        let id = self.scheduled.iter().map(|known| known.id).max().unwrap_or(0) + 1;
        let act = Scheduled { id, calls, when, due };
        // A request alone has no session in which it could be taken back.
        let more = if self.stays {
            format!("/cancel {id} takes it back")
        } else {
            "while the agent runs".to_owned()
        };
        let text = format!("{}. ({more})", told(&act, &self.agent));
        self.scheduled.push(act);
        self.commit();
        text
    }

    fn due(&self, when: &When) -> Option<Due> {
        match when {
            When::After(time) | When::Every(time) => Some(Due::At(self.outside.now().saturating_add(*time))),
            When::If { .. } => Some(Due::Open),
            When::At(cron) | When::Daily(cron) => {
                let now = self.outside.wall()?;
                Some(Due::Cron { cron: *cron, set_at: Some(now), next: cron.after(now) })
            }
        }
    }

    /// What waits to be done, a line each with its number.
    pub fn scheduled(&self) -> Vec<String> {
        self.scheduled.iter().map(|act| format!("{:>2}  {}", act.id, told(act, &self.agent))).collect()
    }

    /// How many acts wait that are lost when the program ends, because the agent keeps no journal.
    pub fn forgets(&self) -> usize {
        if self.journal.is_some() { 0 } else { self.scheduled.len() }
    }

    /// Forgets what waits under this number; whether there was such a thing.
    pub fn cancel_scheduled(&mut self, id: u32) -> bool {
        let work = |engine: &mut Engine| {
            let before = engine.scheduled.len();
            engine.scheduled.retain(|act| act.id != id);
            engine.commit();
            engine.scheduled.len() < before
        };
        self.given(|| Given::Cancel(id), work, |done| Some((*done).into()))
    }

    /// Does what is due; whether anything was. It is held to what the state allows now.
    pub(super) fn do_scheduled(&mut self, said: &mut Vec<String>) -> bool {
        let (now, wall) = (self.outside.now(), self.outside.wall());
        let (mut at, mut moved) = (0, false);
        while at < self.scheduled.len() {
            let act = &mut self.scheduled[at];
            if !act.due.is_due(now, wall) {
                at += 1;
                continue;
            }
            let calls = act.calls.clone();
            let again = match act.when {
                // From now on: what was missed while the machine was busy or off is not made up for.
                When::Every(time) => Some(Due::At(now.saturating_add(time))),
                When::Daily(cron) => {
                    Some(Due::Cron { cron, set_at: wall, next: wall.and_then(|wall| cron.after(wall)) })
                }
                When::After(_) | When::At(_) | When::If { .. } => None,
            };
            match again {
                Some(due) => {
                    act.due = due;
                    at += 1;
                }
                None => drop(self.scheduled.remove(at)),
            }
            self.act(calls, false, By::Turn, said);
            self.commit();
            moved = true;
        }
        moved
    }

    /// Takes up what was written down; `away` is how long the power was.
    pub(super) fn reschedule(&mut self, kept: Vec<Kept>, away: Duration, since: Option<u64>) {
        let now = self.outside.now();
        for act in kept {
            let due = match (&act.when, act.left) {
                (When::At(cron) | When::Daily(cron), _) => {
                    Due::Cron { cron: *cron, set_at: since, next: since.and_then(|since| cron.after(since)) }
                }
                (When::If { .. }, _) => Due::Open,
                (_, left) => {
                    let left = Duration::from_millis(left.unwrap_or(0));
                    Due::At(now.saturating_add(left.saturating_sub(away)))
                }
            };
            self.scheduled.push(Scheduled { id: act.id, calls: act.calls, when: act.when, due });
        }
        self.scheduled.truncate(MOST);
    }
}

fn told(act: &Scheduled, agent: &Agent) -> String {
    let what = act.calls.iter().map(in_words).collect::<Vec<_>>().join(", then ");
    match &act.when {
        When::After(time) => format!("In {}: {what}", duration(*time)),
        When::Every(time) => format!("Every {}: {what}", duration(*time)),
        When::At(cron) => format!("At {}: {what}", hours(cron)),
        When::Daily(cron) => format!("Every day at {}: {what}", hours(cron)),
        When::If { condition, .. } => format!("{}: {what}", condition.words(agent)),
    }
}

/// `7:05` of a cron that was made from an hour and a minute.
fn hours(cron: &Cron) -> String {
    let text = cron.to_string();
    let mut fields = text.split(' ');
    let (minute, hour) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    format!("{hour}:{minute:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (Agent, Scene) {
        let source = "format = 1\n[agent]\nname = 'a'\n[devices.fan]\nkind = 'fan'\n[devices.lamp]\nkind = 'lamp'\n[states.main]\n";
        let agent = crate::agent::Agent::parse(source, None).unwrap();
        let scene = crate::turn::scene(&agent, 0, &|_| true).unwrap();
        (agent, scene)
    }

    #[test]
    fn times_are_taken_out_of_requests() {
        let (agent, scene) = world();
        let after = |seconds| When::After(Duration::from_secs(seconds));
        let at = |text: &str| Cron::parse(text).unwrap();
        for (request, when, rest) in [
            ("turn off the fan in ten minutes", after(600), "turn off the fan"),
            ("in 30 seconds turn on the lamp", after(30), "turn on the lamp"),
            ("In an hour, switch the fan off.", after(3600), "switch the fan off."),
            ("turn the lamp on 5 minutes from now", after(300), "turn the lamp on"),
            ("toggle the lamp every 20 minutes", When::Every(Duration::from_secs(1200)), "toggle the lamp"),
            ("fan on at 7 pm", When::At(at("0 19 * * *")), "fan on"),
            ("fan on at 7pm please", When::At(at("0 19 * * *")), "fan on please"),
            ("fan on at 19:30", When::At(at("30 19 * * *")), "fan on"),
            ("at 7:05 am turn the lamp on", When::At(at("5 7 * * *")), "turn the lamp on"),
            ("lamp on at half past six", When::At(at("30 6 * * *")), "lamp on"),
            ("lamp on at six o'clock", When::At(at("0 6 * * *")), "lamp on"),
            ("lamp off at midnight", When::At(at("0 0 * * *")), "lamp off"),
            ("lamp on every day at noon", When::Daily(at("0 12 * * *")), "lamp on"),
            ("lamp on at 12 am every day", When::Daily(at("0 0 * * *")), "lamp on"),
        ] {
            assert_eq!(split(request, &scene, &agent), Some((when, rest.to_owned())), "{request}");
        }
        for request in [
            "turn on the lamp",
            "turn on the fan for ten minutes",
            "blink the lamp every 2 seconds",
            "dim the lamp at 30 percent",
            "set the lamp at 21",
            "look at the lamp",
            "lamp on at 25:00",
            "turn on the lamp, we're leaving in ten minutes",
            "the show is at 7 pm, turn on the lamp",
            "when the door opens turn on the lamp",
            "at",
            "",
        ] {
            assert_eq!(split(request, &scene, &agent), None, "{request}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "(in|at|every|day|[0-9:]{1,5}|pm|half past|[a-zé.,]{0,5}| |minutes|from now){0,12}") {
            let (agent, scene) = world();
            let _ = split(&text, &scene, &agent);
        }
    }
}
