//! What a list of calls would do, in a form in which equal doings are equal.
//!
//! Waits divide a list into *stretches*. Within a stretch each device has a *lane*: what happens to it, in order.
//! The user's own tools share one lane, because nothing is known of what they touch, and `list` has one. Lanes
//! are independent of each other, so all of these fall out by themselves:
//!
//! - `devices` is a set, and `close(a), close(b)` is `close(a, b)`;
//! - calls on different devices may change places, calls on the same device may not;
//! - nothing may move across a `wait`.
//!
//! Doing at once again what leaves a device as it is (`on`, `on`) is doing it once; `toggle`, `change_level` and
//! `blink` are counted. Defaults are filled in and numbers compared by value, so that 3 is 3.0.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value};

use crate::agent::{Agent, ToolRef};
use crate::tool::{Blink, Builtin, Call};

/// What a list of calls would do. Compared with `==`.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// One more than there are waits.
    stretches: Vec<BTreeMap<Lane, Vec<Deed>>>,
    waits: Vec<Value>,
}

/// What deeds are in order among themselves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Device(String),
    List,
    /// The user's own tools, and calls that could not be carried out.
    Tools,
}

/// One thing done: a tool and its arguments without `devices`.
#[derive(Clone, Debug, PartialEq)]
struct Deed {
    tool: String,
    arguments: Value,
}

impl Effects {
    /// What `calls` would do. Calls need not be legal; one that could not be carried out equals only itself.
    pub fn of(agent: &Agent, calls: &[Call]) -> Effects {
        Effects::filled(calls, |tool, arguments| fill_defaults(agent, tool, arguments))
    }

    /// What `calls` would do that say all that they mean: nothing is filled in.
    pub fn whole(calls: &[Call]) -> Effects {
        Effects::filled(calls, |_, _| {})
    }

    fn filled(calls: &[Call], fill: impl Fn(&str, &mut Map<String, Value>)) -> Effects {
        let mut effects = Effects { stretches: vec![BTreeMap::new()], waits: Vec::new() };
        for call in calls {
            let mut arguments = call.arguments.clone();
            fill(&call.tool, &mut arguments);
            effects.add(call, arguments);
        }
        effects
    }

    fn add(&mut self, call: &Call, mut arguments: Map<String, Value>) {
        let builtin = Builtin::from_name(&call.tool);
        if builtin == Some(Builtin::Wait) {
            self.waits.push(by_value(Value::Object(arguments)));
            self.stretches.push(BTreeMap::new());
            return;
        }
        let takes_devices = builtin.is_some_and(|tool| tool.needs().is_some());
        let lanes: BTreeSet<Lane> = match device_names(&arguments).filter(|_| takes_devices) {
            Some(names) => {
                arguments.shift_remove("devices");
                names.into_iter().map(Lane::Device).collect()
            }
            None if builtin == Some(Builtin::List) => [Lane::List].into(),
            None => [Lane::Tools].into(),
        };
        let deed = Deed { tool: call.tool.clone(), arguments: by_value(Value::Object(arguments)) };
        let Some(stretch) = self.stretches.last_mut() else { return };
        for lane in lanes {
            let settled = lane != Lane::Tools && builtin.is_some_and(is_idempotent);
            let deeds = stretch.entry(lane).or_default();
            if !(settled && deeds.last() == Some(&deed)) {
                deeds.push(deed.clone());
            }
        }
    }

    /// Whether nothing is done at all: a refusal.
    pub fn is_nothing(&self) -> bool {
        self.waits.is_empty() && self.stretches.iter().all(BTreeMap::is_empty)
    }

    /// Whether the same tools are used between the same number of waits, whatever their arguments, how often
    /// and in which order.
    pub fn same_tools(&self, other: &Effects) -> bool {
        let tools = |effects: &Effects| -> Vec<BTreeSet<String>> {
            let names = |stretch: &BTreeMap<Lane, Vec<Deed>>| {
                stretch.values().flatten().map(|deed| deed.tool.clone()).collect()
            };
            effects.stretches.iter().map(names).collect()
        };
        tools(self) == tools(other)
    }

    /// Whether something would change that changes in none of `accepted`. Reading, listing and waiting change
    /// nothing; order does not count here, but how often a thing is done does where that matters.
    pub fn exceeds(&self, accepted: &[Effects]) -> bool {
        self.beyond(accepted).next().is_some()
    }

    /// Whether a device among it would change as it changes in none of `accepted`, and not only something that a tool of the user's does.
    pub fn exceeds_on_devices(&self, accepted: &[Effects]) -> bool {
        self.beyond(accepted).any(|(lane, _)| matches!(lane, Lane::Device(_)))
    }

    fn beyond<'a>(&'a self, accepted: &'a [Effects]) -> impl Iterator<Item = (&'a Lane, &'a Deed)> {
        self.changes().filter(|change| {
            let change = *change;
            let mine = self.count(change);
            let allowed = accepted.iter().map(|other| other.count(change)).max().unwrap_or(0);
            let settled =
                *change.0 != Lane::Tools && Builtin::from_name(&change.1.tool).is_some_and(is_idempotent);
            if settled { allowed == 0 } else { mine > allowed }
        })
    }

    fn deeds(&self) -> impl Iterator<Item = (&Lane, &Deed)> {
        let stretches = self.stretches.iter().flatten();
        stretches.flat_map(|(lane, deeds)| deeds.iter().map(move |deed| (lane, deed)))
    }

    fn changes(&self) -> impl Iterator<Item = (&Lane, &Deed)> {
        let quiet = |tool: &str| {
            matches!(Builtin::from_name(tool), Some(Builtin::Read | Builtin::List | Builtin::Wait))
        };
        self.deeds().filter(move |(_, deed)| !quiet(&deed.tool))
    }

    fn count(&self, change: (&Lane, &Deed)) -> usize {
        self.deeds().filter(|other| *other == change).count()
    }
}

/// Whether doing it twice in a row is the same as once.
fn is_idempotent(tool: Builtin) -> bool {
    !matches!(tool, Builtin::Toggle | Builtin::ChangeLevel | Builtin::Blink | Builtin::Wait)
}

/// The devices of a call; `None` when it names none, and so does nothing that could be compared by device.
fn device_names(arguments: &Map<String, Value>) -> Option<Vec<String>> {
    let names = arguments.get("devices")?.as_array()?;
    let names: Option<Vec<String>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    names.filter(|names| !names.is_empty())
}

fn fill_defaults(agent: &Agent, tool: &str, arguments: &mut Map<String, Value>) {
    match agent.tool(tool) {
        Some(ToolRef::Builtin(Builtin::Blink)) => {
            let mut fill = |name: &str, value: Value| {
                arguments.entry(name).or_insert(value);
            };
            fill("times", Blink::default_times().into());
            fill("interval", Blink::default_interval().into());
        }
        Some(ToolRef::User(at)) => agent.tools[at].parameters.fill_defaults(arguments),
        Some(ToolRef::Builtin(_)) | None => {}
    }
}

/// Every number that a double holds as a double.
fn by_value(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(as_double(&number).unwrap_or(number)),
        Value::Array(items) => Value::Array(items.into_iter().map(by_value).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, by_value(value))).collect())
        }
        other => other,
    }
}

fn as_double(number: &Number) -> Option<Number> {
    let double = number.as_f64()?;
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    // Beyond 2^53 neighbouring whole numbers would fall together.
    if whole.is_some_and(|whole| double as i128 != whole) {
        return None;
    }
    Number::from_f64(double)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Lamps `a`, `b`, `c`, a blind `d`, and tools `feed` (grams, times by default 2) and `note` (text).
    pub fn agent() -> Agent {
        let source = "format = 1\n[agent]\nname = 'test'\nstart = 'main'\n\
            [devices.a]\nkind = 'lamp'\n[devices.b]\nkind = 'lamp'\n[devices.c]\nkind = 'lamp'\n[devices.d]\nkind = 'blind'\n\
            [tools.feed]\ndescription = 'Feed'\n\
            parameters = { type = 'object', properties = { grams = { type = 'number' }, \
            times = { type = 'integer', default = 2 } }, required = ['grams'] }\n\
            [tools.note]\ndescription = 'Note'\n\
            parameters = { type = 'object', properties = { text = { type = 'string' } }, required = ['text'] }\n\
            [states.main]\n[states.night]\ntools = ['on', 'off', 'feed']\ndevices = ['a']\n";
        Agent::parse(source, None).unwrap()
    }

    /// `"on a b"`, `"set_level a percent=3"`, `"wait seconds=1"`: calls between semicolons.
    pub fn calls(text: &str) -> Vec<Call> {
        text.split(';').map(str::trim).filter(|text| !text.is_empty()).map(call).collect()
    }

    fn call(text: &str) -> Call {
        let mut words = text.split_whitespace();
        let tool = words.next().unwrap().to_owned();
        let (named, devices): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
        let mut arguments = Map::new();
        if !devices.is_empty() {
            arguments.insert("devices".into(), json!(devices));
        }
        for (name, value) in named.iter().filter_map(|word| word.split_once('=')) {
            arguments.insert(name.into(), serde_json::from_str(value).unwrap_or_else(|_| json!(value)));
        }
        Call { tool, arguments }
    }

    fn same(left: &str, right: &str) -> bool {
        let agent = agent();
        Effects::of(&agent, &calls(left)) == Effects::of(&agent, &calls(right))
    }

    #[test]
    fn defaults_are_filled() {
        assert!(same("blink a", "blink a times=3 interval=0.5"));
        assert!(!same("blink a", "blink a times=4"));
        assert!(same("feed grams=5", "feed grams=5 times=2"));
        assert!(!same("feed grams=5", "feed grams=5 times=3"));
        assert!(!same("note text=x", "note text=x times=2"));
    }

    #[test]
    fn numbers_count_by_value() {
        assert!(same("set_level a percent=3", "set_level a percent=3.0"));
        assert!(!same("set_level a percent=3", "set_level a percent=3.5"));
        assert!(!same("set_level a percent=3", "set_level a percent=\"3\""));
        assert!(same("change_level a percent=0", "change_level a percent=-0.0"));
        assert!(same("wait seconds=60", "wait seconds=60.0"));
        assert!(same("note text=[1,{\"n\":2}]", "note text=[1.0,{\"n\":2.0}]"));
        assert!(!same("feed grams=9007199254740992", "feed grams=9007199254740993"));
        assert!(!same("feed grams=9223372036854775807", "feed grams=9223372036854775808"));
    }

    #[test]
    fn devices_are_a_set() {
        assert!(same("on a b", "on b a"));
        assert!(same("toggle a a", "toggle a"));
        assert!(!same("on a b", "on a"));
        assert!(!same("on a", "on b"));
    }

    #[test]
    fn calls_of_one_tool_are_one_call() {
        assert!(same("on a; on b", "on a b"));
        assert!(same("on a b; on b c", "on a b c"));
        assert!(same("set_level a percent=5; set_level b percent=5", "set_level a b percent=5"));
        assert!(!same("set_level a percent=5; set_level b percent=6", "set_level a b percent=5"));
        assert!(!same("on a; on b", "on a; off b"));
    }

    #[test]
    fn doing_again_counts_only_where_it_has_an_effect() {
        assert!(same("on a; on a", "on a"));
        assert!(!same("toggle a; toggle a", "toggle a"));
        assert!(!same("change_level a percent=10; change_level a percent=10", "change_level a percent=10"));
        assert!(!same("blink a; blink a", "blink a"));
        assert!(!same("feed grams=5; feed grams=5", "feed grams=5"));
        assert!(!same("on a; off a; on a", "off a; on a"));
        assert!(same("list; list", "list"));
    }

    #[test]
    fn order_counts_on_one_device() {
        assert!(same("on a; off b", "off b; on a"));
        assert!(!same("on a; off a", "off a; on a"));
        assert!(same("on a; off b; off a", "off b; on a; off a"));
        assert!(!same("read a; on a", "on a; read a"));
        assert!(same("read b; on a", "on a; read b"));
    }

    #[test]
    fn tools_of_ones_own_keep_their_order_among_themselves() {
        assert!(same("feed grams=5; on a", "on a; feed grams=5"));
        assert!(!same("feed grams=5; note text=x", "note text=x; feed grams=5"));
        assert!(!same("feed grams=5; feed grams=6", "feed grams=6; feed grams=5"));
        assert!(same("list; feed grams=5", "feed grams=5; list"));
    }

    #[test]
    fn nothing_moves_across_a_wait() {
        assert!(same("on a; on b; wait seconds=2; off a", "on a b; wait seconds=2; off a"));
        assert!(!same("on a; wait seconds=2; on b", "on a b; wait seconds=2"));
        assert!(!same("on a; wait seconds=2; on a", "on a; wait seconds=2"));
        assert!(!same("on a; wait seconds=2; off a", "on a; wait seconds=3; off a"));
        assert!(!same("on a; wait seconds=2; off b", "wait seconds=2; on a; off b"));
        assert!(!same("feed grams=5; wait seconds=2", "wait seconds=2; feed grams=5"));
    }

    #[test]
    fn what_cannot_be_carried_out_equals_only_itself() {
        assert!(same("on", "on"));
        assert!(!same("on", ""));
        assert!(!same("on devices=[]", ""));
        assert!(!same("on devices=[1]", "on devices=[2]"));
        assert!(!same("fly a", "on a"));
        assert!(!same("wait seconds=1", ""));
        assert!(same("", ""));
    }

    #[test]
    fn only_an_empty_list_is_a_refusal() {
        let nothing = |text: &str| Effects::of(&agent(), &calls(text)).is_nothing();
        assert!(nothing(""));
        for text in ["list", "wait seconds=1", "on a", "on", "feed grams=1"] {
            assert!(!nothing(text), "{text}");
        }
    }

    #[test]
    fn tools_are_compared_between_waits() {
        let agent = agent();
        let same = |left: &str, right: &str| {
            Effects::of(&agent, &calls(left)).same_tools(&Effects::of(&agent, &calls(right)))
        };
        assert!(same("on a", "on b c"));
        assert!(same("on a; off b", "off a; on c"));
        assert!(same("feed grams=1", "feed grams=2; feed grams=3"));
        assert!(same("on a; wait seconds=1; off a", "on b; wait seconds=2; off a"));
        assert!(!same("on a", "off a"));
        assert!(!same("on a", "on a; off a"));
        assert!(!same("on a; wait seconds=1; off a", "off a; wait seconds=1; on a"));
        assert!(!same("on a", "on a; wait seconds=1"));
        assert!(!same("on a", ""));
        assert!(same("", ""));
    }

    #[test]
    fn what_no_answer_does_is_in_excess() {
        let agent = agent();
        let exceeds = |found: &str, accepted: &[&str]| {
            let accepted: Vec<Effects> =
                accepted.iter().map(|text| Effects::of(&agent, &calls(text))).collect();
            Effects::of(&agent, &calls(found)).exceeds(&accepted)
        };
        assert!(!exceeds("on a", &["on a b"]));
        assert!(exceeds("on a b", &["on a"]));
        assert!(exceeds("on a", &[""]));
        assert!(exceeds("set_level a percent=80", &["set_level a percent=50"]));
        assert!(!exceeds("on b", &["on a", "on b"]));
        assert!(exceeds("on c", &["on a", "on b"]));
        assert!(!exceeds("read a; list; wait seconds=5", &[""]));
        assert!(!exceeds("on a; off a", &["on a; wait seconds=1; off a"]));
        assert!(!exceeds("on a; wait seconds=1; on a", &["on a"]));
        assert!(exceeds("toggle a; toggle a", &["toggle a"]));
        assert!(!exceeds("toggle a; toggle a", &["toggle a; toggle a"]));
        assert!(exceeds("feed grams=5; feed grams=5", &["feed grams=5"]));
        assert!(exceeds("feed grams=5", &["note text=x"]));
        assert!(!exceeds("feed grams=5.0", &["feed grams=5 times=2"]));
        assert!(!exceeds("", &["on a"]));
    }
}
