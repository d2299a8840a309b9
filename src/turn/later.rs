//! Requests that name a time: to be carried out then, or now all the same, since the time is a tool's ("book a table for Ada, Friday at half past
//! two", "wake me in an hour") or waited for in between ("the fan on, and off again after five minutes").

use serde_json::Value;

use super::mind::Reading;
use super::schedule::{self, When, words};
use crate::agent::Agent;
use crate::link::{Number, numbers};
use crate::prompt::Scene;
use crate::tool::{Builtin, Call};

/// A request that names a time or a condition.
pub struct Later {
    pub(super) when: When,
    /// The request without it.
    pub(super) rest: String,
}

impl Later {
    /// `None` where a request names neither.
    pub fn of(request: &str, scene: &Scene, agent: &Agent) -> Option<Later> {
        schedule::split(request, scene, agent).map(|(when, rest)| Later { when, rest })
    }

    /// Whether it can be for now at all, whatever is made of it.
    pub(super) fn may_be_now(&self, scene: &Scene) -> bool {
        scene.user_tools().next().is_some() || matches!(self.when, When::After(_))
    }

    /// Whether what the whole of it was read as is to be done now, acting from a confidence of `act` on and asking from `ask` on.
    pub fn is_now(&self, reading: &Reading, scene: &Scene, act: f64, ask: f64) -> bool {
        // What gives a tool its time and is not sure is asked about, as without a time.
        (self.is_taken(&reading.calls, &reading.request, scene) && reading.confidence >= ask)
            || (self.is_between(&reading.calls) && reading.confidence >= act)
    }

    /// Whether a wait of just that time stands between other calls.
    fn is_between(&self, calls: &[Call]) -> bool {
        let When::After(time) = self.when else { return false };
        let waits = |call: &Call| {
            Builtin::from_name(&call.tool) == Some(Builtin::Wait)
                && call.arguments.get("seconds").and_then(Value::as_f64) == Some(time.as_secs_f64())
        };
        calls.iter().position(waits).is_some_and(|at| at > 0 && at + 1 < calls.len())
    }

    /// Whether a call of a user's tool takes the time: it copies its words, or has a number or a choice that is the time.
    fn is_taken(&self, calls: &[Call], request: &str, scene: &Scene) -> bool {
        let time = parted(request, &self.rest);
        let besides = numbers(&scene.index().links(&self.rest));
        let takes = |value: &Value| match value {
            Value::String(text) => copies(text, &time) || names(text, &time),
            Value::Number(number) => {
                number.as_f64().is_some_and(|number| counts(number, &self.when, &time, &besides))
            }
            _ => false,
        };
        let own = |call: &&Call| Builtin::from_name(&call.tool).is_none();
        calls.iter().filter(own).any(|call| call.arguments.values().any(takes))
    }
}

/// The words of a request that `rest` has not, but for those that lead to a time.
fn parted(request: &str, rest: &str) -> Vec<String> {
    const LEADING: &[&str] = &["at", "on", "in", "by", "for", "and", "after"];
    let mut left: Vec<String> = words(rest).into_iter().map(|word| word.text).collect();
    let mut parted = Vec::new();
    for word in words(request) {
        match left.iter().position(|known| *known == word.text) {
            Some(at) => drop(left.swap_remove(at)),
            None => parted.push(word.text),
        }
    }
    parted.retain(|word| !LEADING.contains(&word.as_str()));
    parted
}

fn copies(text: &str, time: &[String]) -> bool {
    let words = words(text);
    !time.is_empty() && time.iter().all(|word| words.iter().any(|known| known.text == *word))
}

/// Whether a choice is the clock time, of the morning or the evening: `4pm` for "four o'clock".
fn names(choice: &str, time: &[String]) -> bool {
    let choice: Vec<String> = words(choice).into_iter().map(|word| word.text).collect();
    let half_day = |(hour, minute): (u32, u32)| (hour % 12, minute);
    clock(time).is_some_and(|said| clock(&choice).map(half_day) == Some(half_day(said)))
}

/// Hour and minute that words begin with.
fn clock(words: &[String]) -> Option<(u32, u32)> {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    schedule::clock(&[word(0), word(1), word(2), word(3)]).map(|(time, _)| time)
}

/// Whether a number is the time's: its hour, or its length in seconds, minutes, hours or days. What is said `besides` may stand for something else.
fn counts(number: f64, when: &When, time: &[String], besides: &[Number]) -> bool {
    let times = match (when, clock(time)) {
        (When::After(time), _) => [1.0, 60.0, 3600.0, 86400.0].map(|unit| time.as_secs_f64() / unit).to_vec(),
        (_, Some((hour, 0))) => vec![f64::from(hour), f64::from((hour + 12) % 24)],
        _ => return false,
    };
    let is = |value: &f64| (value - number).abs() < 1e-6;
    times.iter().any(is) && !besides.iter().any(|said| is(&said.value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::agent::Agent;

    /// Whether a call with these arguments takes the time of a request.
    fn takes(request: &str, arguments: Value) -> bool {
        let source = "format = 1\n[agent]\nname = 'a'\n[devices.fan]\nkind = 'fan'\n[states.main]\n";
        let agent = Agent::parse(source, None).unwrap();
        let scene = crate::turn::scene(&agent, 0, &|_| true).unwrap();
        let later = Later::of(request, &scene, &agent).unwrap();
        let call = serde_json::from_value(json!({ "tool": "own", "arguments": arguments })).unwrap();
        let fan =
            serde_json::from_value(json!({ "tool": "on", "arguments": { "devices": ["fan"] } })).unwrap();
        later.is_taken(&[fan, call], request, &scene)
    }

    #[test]
    fn times_that_tools_take() {
        let book = "book a table for Ada, Friday at half past two";
        assert!(takes(book, json!({ "name": "Ada", "when": "Friday at half past two" })));
        assert!(takes(book, json!({ "name": "Ada", "when": "half past two" })));
        assert!(!takes(book, json!({ "name": "Ada", "when": "Friday" })));
        assert!(!takes(book, json!({})));
        let wake = "wake bed 9 in 45 minutes";
        assert!(takes(wake, json!({ "bed": 9, "minutes": 45 })));
        assert!(!takes(wake, json!({ "bed": 9, "minutes": 30 })));
        assert!(!takes(wake, json!({ "bed": 9 })));
        assert!(takes("wake me in an hour and a quarter", json!({ "minutes": 75, "wake": true })));
        assert!(takes("the laundry room at 7am", json!({ "hour": 7 })));
        let tour = "a tour for twelve at four o'clock";
        assert!(
            takes(tour, json!({ "people": 12, "slot": "4pm" })) && takes(tour, json!({ "slot": "16:00" }))
        );
        assert!(!takes(tour, json!({ "people": 12, "slot": "2pm" })));
        // The number is said for something else.
        assert!(!takes("put out four cups at four o'clock", json!({ "cups": 4 })));
        assert!(!takes("count to 10 in ten minutes", json!({ "to": 10 })));
    }
}
