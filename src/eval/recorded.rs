//! Recorded requests as teaching material: the steps by which the bundled model would come to the calls that are expected.
//!
//! A case says which devices are meant, not how: "all lights but the hall lamp" is a list of names in it. The model
//! answers with pointers at what was said. Of the ways that come to the expected calls the one is taken that points at what the
//! matcher found in the request.

use serde_json::Value;

use super::Effects;
use crate::agent::Agent;
use crate::link::{Mark, Unit};
use crate::prompt::{Argument, Group, ParamKind, Selector, Step, Turn, merged, resolve, trimmed};
use crate::tool::{Blink, Builtin, Call, DEFAULT_CHANGE};

/// At most so many devices are named one by one when no group holds them.
const MOST_NAMED: usize = 6;
/// At most so many that were linked to one plural.
const MOST_TOGETHER: usize = 8;

/// Words for all of a sort.
const ALL: [&str; 10] =
    ["all", "every", "everything", "both", "each", "any", "anything", "whole", "entire", "lot"];
/// Words that leave something out.
const EXCEPTING: [&str; 26] = [
    "but",
    "except",
    "excepting",
    "not",
    "without",
    "apart",
    "besides",
    "minus",
    "save",
    "leave",
    "leaving",
    "bar",
    "other",
    "keep",
    "less",
    "than",
    "only",
    "just",
    "rest",
    "remaining",
    "stay",
    "stays",
    "excepted",
    "excluding",
    "spare",
    "unless",
];

/// Steps that come to `calls`; `None` when the bundled model's notation has none (a number or a text that was not said, a selection
/// that no group makes).
pub fn steps(agent: &Agent, turn: &Turn<'_>, calls: &[Call]) -> Option<Vec<Step>> {
    let calls = &trimmed_calls(turn, calls);
    let mut writer = Writer { turn, used: vec![false; turn.numbers.len()] };
    let steps = merged(calls.iter().map(|call| writer.step(call)).collect::<Option<_>>()?);
    let same = Effects::of(agent, &resolve(turn, &steps)) == Effects::of(agent, calls);
    same.then_some(steps)
}

/// The calls with their texts as answers come to them ([`trimmed`]).
fn trimmed_calls(turn: &Turn<'_>, calls: &[Call]) -> Vec<Call> {
    let mut calls = calls.to_vec();
    for call in &mut calls {
        let Some((_, _, parameters)) = turn.scene.user_tools().find(|(name, _, _)| *name == call.tool) else {
            continue;
        };
        for param in parameters.iter().filter(|param| matches!(param.kind, ParamKind::Text { .. })) {
            if let Some(Value::String(text)) = call.arguments.get_mut(&param.name) {
                *text = trimmed(&param.name, text, turn.request).to_owned();
            }
        }
    }
    calls
}

struct Writer<'t> {
    turn: &'t Turn<'t>,
    /// Which numbers of the request are pointed at already.
    used: Vec<bool>,
}

impl Writer<'_> {
    fn step(&mut self, call: &Call) -> Option<Step> {
        let scene = self.turn.scene;
        let number = |name: &str| call.arguments.get(name).and_then(Value::as_f64);
        if let Some(tool) = scene.user_tools().position(|(name, _, _)| name == call.tool) {
            return self.user(tool, call);
        }
        let tool = Builtin::from_name(&call.tool)?;
        match tool {
            Builtin::List => return Some(Step::List),
            Builtin::Wait => return self.number(number("seconds")?, &[Unit::Seconds]).map(Step::Wait),
            _ => {}
        }
        let names = call.arguments.get("devices")?.as_array()?;
        let devices: Vec<usize> = names
            .iter()
            .map(|name| scene.devices.iter().position(|device| Some(device.name.as_str()) == name.as_str()))
            .collect::<Option<_>>()?;
        let selectors = self.selectors(tool, &devices)?;
        let mut down = false;
        let amounts = match tool {
            Builtin::SetLevel => vec![Some(self.number(number("percent")?, &[Unit::Percent, Unit::Plain])?)],
            Builtin::SetValue => vec![Some(self.number(number("value")?, &[Unit::Degrees, Unit::Plain])?)],
            Builtin::ChangeLevel => {
                let change = number("percent")?;
                down = change < 0.0;
                vec![self.or_default(change.abs(), DEFAULT_CHANGE, &[Unit::Percent, Unit::Plain])?]
            }
            Builtin::Blink => {
                let (times, interval) = (f64::from(Blink::default_times()), Blink::default_interval());
                let plain = [Unit::Times, Unit::Plain];
                let times = self.or_default(number("times").unwrap_or(times), times, &plain)?;
                let every = number("interval").unwrap_or(interval);
                vec![times, self.or_default(every, interval, &[Unit::Seconds])?]
            }
            _ => Vec::new(),
        };
        Some(Step::Devices { tool, down, selectors, amounts })
    }

    /// The said number with this value: one that is not used yet and has one of the units, if there is one.
    fn number(&mut self, value: f64, units: &[Unit]) -> Option<usize> {
        let numbers = &self.turn.numbers;
        let fits = (0..numbers.len()).filter(|&at| numbers[at].value == value);
        let best = fits.min_by_key(|&at| (!units.contains(&numbers[at].unit), self.used[at]))?;
        self.used[best] = true;
        Some(best)
    }

    /// The same, or the default: `Some(None)`.
    fn or_default(&mut self, value: f64, default: f64, units: &[Unit]) -> Option<Option<usize>> {
        let numbers = &self.turn.numbers;
        let said = (0..numbers.len())
            .any(|at| numbers[at].value == value && units.contains(&numbers[at].unit) && !self.used[at]);
        match self.number(value, units).filter(|_| said || value != default) {
            Some(at) => Some(Some(at)),
            None => (value == default).then_some(None),
        }
    }

    fn user(&mut self, tool: usize, call: &Call) -> Option<Step> {
        let turn = self.turn;
        let (_, _, parameters) = turn.scene.user_tools().nth(tool)?;
        let mut arguments = Vec::new();
        for param in parameters {
            let Some(given) = call.arguments.get(&param.name) else {
                arguments.push(None);
                continue;
            };
            arguments.push(Some(match &param.kind {
                ParamKind::Choice(_) => {
                    let given = given.as_str()?;
                    Argument::Choice(turn.scene.values.iter().position(|value| value == given)?)
                }
                ParamKind::Flag => Argument::Flag(given.as_bool()?),
                ParamKind::Text { .. } => {
                    Argument::Text(whole_words(turn.request, given.as_str()?)?.to_owned())
                }
                ParamKind::Number { .. } => {
                    let value = given.as_f64()?;
                    let fits = |at: &usize| param.number(&turn.numbers[*at]) == Some(value);
                    let best = (0..turn.numbers.len()).filter(fits).min_by_key(|&at| self.used[at])?;
                    self.used[best] = true;
                    Argument::Number(best)
                }
            }));
        }
        Some(Step::User { tool, arguments })
    }

    /// What selects exactly these devices.
    fn selectors(&self, tool: Builtin, wanted: &[usize]) -> Option<Vec<Selector>> {
        let named: Vec<usize> = self.mentioned(true).into_iter().filter(|at| wanted.contains(at)).collect();
        let each = |devices: &[usize]| Some(devices.iter().map(|&at| Selector::Device(at)).collect());
        let whole = self.says_all();
        if wanted.len() == named.len() && !(whole && wanted.len() == 1 && self.places(wanted[0])) {
            return each(&named);
        }
        if let Some(together) = self.together(wanted) {
            return each(&together);
        }
        let groups = self.groups(tool, wanted);
        let whole_group = |(selector, held, _): &&(Selector, Vec<usize>, i32)| {
            held.len() == wanted.len() && matches!(selector, Selector::Group(_))
        };
        if wanted.len() == 1 && !whole {
            return each(wanted);
        }
        // One group; of several the one that takes up most of what was said, with the fewest exceptions.
        if let Some((selector, ..)) = groups.iter().filter(whole_group).max_by_key(|(.., said)| *said) {
            return Some(vec![selector.clone()]);
        }
        // Two groups, or a group and what is named beside it.
        for (first, held, _) in &groups {
            let rest: Vec<usize> = wanted.iter().copied().filter(|at| !held.contains(at)).collect();
            if rest.iter().all(|at| named.contains(at)) {
                let beside = named.iter().filter(|at| rest.contains(at)).map(|&at| Selector::Device(at));
                return Some(std::iter::once(first.clone()).chain(beside).collect());
            }
            let second = groups.iter().find(|(_, held, _)| rest.iter().all(|at| held.contains(at)));
            if let Some((second, ..)) = second {
                return Some(vec![first.clone(), second.clone()]);
            }
        }
        let mut rest = named.clone();
        rest.extend(wanted.iter().copied().filter(|at| !named.contains(at)));
        (wanted.len() <= MOST_NAMED).then(|| each(&rest)).flatten()
    }

    /// The devices in the order they are said, where words for just them are linked to no kind or place: "both mics".
    fn together(&self, wanted: &[usize]) -> Option<Vec<usize>> {
        let mut out = Vec::new();
        for link in &self.turn.links {
            if link.marks.iter().any(|mark| matches!(mark, Mark::Kind(_) | Mark::Area(_))) {
                continue;
            }
            if link.devices().all(|at| wanted.contains(&at)) {
                for at in link.devices() {
                    if !out.contains(&at) {
                        out.push(at);
                    }
                }
            }
        }
        (out.len() == wanted.len() && out.len() <= MOST_TOGETHER).then_some(out)
    }

    /// Whether a mention of this device may be one of a place: "the hall", where the hall lamp is.
    fn places(&self, device: usize) -> bool {
        let area = |mark: &Mark| matches!(mark, Mark::Area(_));
        self.turn
            .links
            .iter()
            .any(|link| link.marks.contains(&Mark::Device(device)) && link.marks.iter().any(area))
    }

    /// Devices that are mentioned, in the order they are said; `alone`: where no other device may be meant.
    fn mentioned(&self, alone: bool) -> Vec<usize> {
        let mut out = Vec::new();
        for link in &self.turn.links {
            let said = !alone || link.devices().count() == 1;
            for at in link.devices().filter(|_| said) {
                if !out.contains(&at) {
                    out.push(at);
                }
            }
        }
        out
    }

    fn says(&self, words: &[&str]) -> bool {
        let request = self.turn.request.to_lowercase();
        request.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
    }

    /// Whether all of a sort are meant: by a word for it or by a plural.
    fn says_all(&self) -> bool {
        let plural = self.turn.links.iter().any(|link| {
            matches!(link.marks[..], [Mark::Kind(_)])
                && self.turn.request.get(link.start..link.end).is_some_and(|word| word.ends_with('s'))
        });
        plural || self.says(&ALL)
    }

    /// Groups of said kinds and areas that hold none but the wanted devices, with what they hold and how much of what was said they
    /// take up (less their exceptions).
    fn groups(&self, tool: Builtin, wanted: &[usize]) -> Vec<(Selector, Vec<usize>, i32)> {
        let scene = self.turn.scene;
        let marks = || self.turn.links.iter().flat_map(|link| &link.marks);
        let mut kinds: Vec<Option<usize>> = vec![None];
        let mut areas: Vec<Option<usize>> = vec![None];
        for mark in marks() {
            match mark {
                Mark::Kind(at) if !kinds.contains(&Some(*at)) => kinds.push(Some(*at)),
                Mark::Area(at) if !areas.contains(&Some(*at)) => areas.push(Some(*at)),
                _ => {}
            }
        }
        let said = (kinds.len(), areas.len());
        // "The lamps in the study" is linked to these lamps.
        for link in &self.turn.links {
            let of = link
                .devices()
                .map(|at| &scene.devices[at])
                .map(|device| (scene.kind_of(device), scene.area_of(device)));
            let of: Vec<(Option<usize>, Option<usize>)> = of.collect();
            if of.len() > 1 && of.iter().all(|(kind, _)| *kind == of[0].0) && !kinds.contains(&of[0].0) {
                kinds.push(of[0].0);
            }
            if of.len() > 1 && of.iter().all(|(_, area)| *area == of[0].1) && !areas.contains(&of[0].1) {
                areas.push(of[0].1);
            }
        }
        let able = |at: &usize| tool.needs().is_some_and(|needs| scene.devices[*at].can.has(needs));
        let members = |selector: &Selector| -> Vec<usize> {
            (0..scene.devices.len()).filter(able).filter(|&at| selector.holds(scene, at)).collect()
        };
        let mut out = Vec::new();
        for (k, &kind) in kinds.iter().enumerate() {
            for (a, &area) in areas.iter().enumerate() {
                let mut group = Group { kind, area, except: Vec::new() };
                let all = members(&Selector::Group(group.clone()));
                let extra: Vec<usize> = all.iter().copied().filter(|at| !wanted.contains(at)).collect();
                if all.len() == extra.len() {
                    continue;
                }
                let Some(except) = self.exceptions(&all, extra, &kinds, &areas) else { continue };
                // The kind of the devices that were said is pointed at sooner than none, their place is not.
                let worth = |at: usize, said: usize, inferred: i32| match at {
                    0 => 0,
                    at if at < said => 4,
                    _ => inferred,
                };
                let said = worth(k, said.0, 1) + worth(a, said.1, -2) - except.len().min(3) as i32;
                group.except = except;
                let selector = Selector::Group(group);
                let held = members(&selector);
                out.push((selector, held, said));
            }
        }
        out.sort_by_key(|(_, held, said)| std::cmp::Reverse((*said, held.len())));
        out
    }

    /// Said devices, kinds and areas that are exactly these members of a group.
    fn exceptions(
        &self,
        all: &[usize],
        mut extra: Vec<usize>,
        kinds: &[Option<usize>],
        areas: &[Option<usize>],
    ) -> Option<Vec<Selector>> {
        let scene = self.turn.scene;
        let mut out = Vec::new();
        if extra.is_empty() {
            return Some(out);
        }
        if !self.says(&EXCEPTING) {
            return None;
        }
        let mentioned = self.mentioned(false);
        let parts = kinds
            .iter()
            .flatten()
            .map(|&kind| Group { kind: Some(kind), ..Group::default() })
            .chain(areas.iter().flatten().map(|&area| Group { area: Some(area), ..Group::default() }));
        for part in parts {
            let part = Selector::Group(part);
            let held: Vec<usize> = all.iter().copied().filter(|&at| part.holds(scene, at)).collect();
            let apart = held.len() > 1 || held.iter().any(|at| !mentioned.contains(at));
            if apart && !held.is_empty() && held.iter().all(|at| extra.contains(at)) {
                extra.retain(|at| !held.contains(at));
                out.push(part);
            }
        }
        if !extra.iter().all(|at| mentioned.contains(at)) {
            return None;
        }
        out.extend(mentioned.iter().filter(|at| extra.contains(at)).map(|&at| Selector::Device(at)));
        Some(out)
    }
}

/// The text as it stands in the request, where it begins and ends with words.
fn whole_words<'r>(request: &'r str, text: &str) -> Option<&'r str> {
    let text = text.trim();
    let lower = request.to_lowercase();
    if lower.len() != request.len() || text.is_empty() {
        return None;
    }
    let wanted = text.to_lowercase();
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    lower
        .match_indices(&wanted)
        .map(|(start, _)| start..start + wanted.len())
        .find(|at| !inside(lower[..at.start].chars().next_back()) && !inside(lower[at.end..].chars().next()))
        .and_then(|at| request.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Scene, Tool};

    /// An agent of three lamps in two rooms, a fan, a valve and a tool that takes notes.
    fn agent() -> Agent {
        let source = "format = 1\n[agent]\nname = 'test'\nstart = 'main'\n\
            [devices.'desk lamp']\nkind = 'lamp'\narea = 'study'\n[devices.'floor lamp']\nkind = 'lamp'\narea = 'study'\n\
            [devices.'wall lamp']\nkind = 'lamp'\narea = 'hall'\n[devices.'big fan']\nkind = 'fan'\narea = 'hall'\n\
            [devices.'gas valve']\nkind = 'valve'\narea = 'hall'\n\
            [tools.note]\ndescription = 'Take a note'\ncommand = ['/bin/true']\n\
            parameters = { type = 'object', properties = { text = { type = 'string' }, grams = { type = 'number' }, \
            mood = { type = 'string', enum = ['good', 'bad'] }, loud = { type = 'boolean' } }, required = ['text'] }\n\
            [states.main]\n";
        Agent::parse(source, None).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn written(request: &str, calls: &str) -> Option<Vec<Step>> {
        let agent = agent();
        let scene: Scene = crate::turn::scene(&agent, agent.start, &|_| true).unwrap();
        assert!(scene.tools.iter().any(|tool| matches!(tool, Tool::User { .. })));
        let turn = Turn::new(&scene, request);
        let calls: Vec<Call> = serde_json::from_str(calls).unwrap();
        steps(&agent, &turn, &calls)
    }

    #[test]
    fn what_was_said_is_pointed_at() {
        let on = |devices: &str| format!("[{{\"tool\": \"on\", \"arguments\": {{\"devices\": {devices}}}}}]");
        let selectors = |request: &str, devices: &str| match written(request, &on(devices)).unwrap().remove(0)
        {
            Step::Devices { selectors, .. } => selectors,
            other => panic!("{other:?}"),
        };
        assert_eq!(selectors("wall lamp on", "[\"wall lamp\"]"), [Selector::Device(2)]);
        assert_eq!(
            selectors("floor lamp and desk lamp on", "[\"desk lamp\", \"floor lamp\"]"),
            [Selector::Device(1), Selector::Device(0)]
        );
        let group = |kind, area, except| Selector::Group(Group { kind, area, except });
        let study = "[\"desk lamp\", \"floor lamp\"]";
        assert_eq!(selectors("the lamps in the study on", study), [group(Some(0), Some(0), vec![])]);
        assert_eq!(
            selectors("all lamps but the wall lamp on", study),
            [group(Some(0), None, vec![Selector::Device(2)])]
        );
        assert_eq!(
            selectors(
                "lamps in the study and the big fan on",
                "[\"desk lamp\", \"floor lamp\", \"big fan\"]"
            ),
            [group(Some(0), Some(0), vec![]), Selector::Device(3)]
        );
    }

    #[test]
    fn what_is_linked_together_is_pointed_at_one_by_one_and_once() {
        let source = "format = 1\n[agent]\nname = 'test'\nstart = 'main'\n\
            [devices.'host mic']\nkind = 'relay'\narea = 'studio'\n[devices.'guest mic']\nkind = 'relay'\narea = 'studio'\n\
            [devices.'pump']\nkind = 'relay'\narea = 'cellar'\n[states.main]\n";
        let agent = Agent::parse(source, None).unwrap_or_else(|error| panic!("{error:?}"));
        let scene: Scene = crate::turn::scene(&agent, agent.start, &|_| true).unwrap();
        let read = |request: &str, calls: &[&[&str]]| {
            let call = |devices: &&[&str]| -> Call {
                serde_json::from_value(
                    serde_json::json!({ "tool": "on", "arguments": { "devices": devices } }),
                )
                .unwrap()
            };
            let calls: Vec<Call> = calls.iter().map(call).collect();
            steps(&agent, &Turn::new(&scene, request), &calls).unwrap()
        };
        let on = |devices: &[usize]| Step::Devices {
            tool: Builtin::On,
            down: false,
            selectors: devices.iter().map(|&at| Selector::Device(at)).collect(),
            amounts: Vec::new(),
        };
        // Though they are all the relays of the studio.
        assert_eq!(read("both mics on", &[&["host mic", "guest mic"]]), [on(&[0, 1])]);
        assert_eq!(read("pump on, guest mic on", &[&["pump"], &["guest mic"]]), [on(&[2, 1])]);
    }

    #[test]
    fn numbers_and_words_come_from_the_request() {
        let level =
            "[{\"tool\": \"set_level\", \"arguments\": {\"devices\": [\"big fan\"], \"percent\": 50}}]";
        let steps = written("big fan to half", level).unwrap();
        assert!(matches!(&steps[..], [Step::Devices { amounts, .. }] if *amounts == [Some(0)]), "{steps:?}");
        assert_eq!(written("big fan to 60", level), None);
        let blink = "[{\"tool\": \"blink\", \"arguments\": {\"devices\": [\"wall lamp\"], \"times\": 3, \"interval\": 2}}]";
        let steps = written("blink the wall lamp every 2 seconds", blink).unwrap();
        assert!(
            matches!(&steps[..], [Step::Devices { amounts, .. }] if *amounts == [None, Some(0)]),
            "{steps:?}"
        );
        let note = "[{\"tool\": \"note\", \"arguments\": {\"text\": \"rye flour\", \"grams\": 500, \"mood\": \"good\"}}]";
        let steps = written("note half a kilo of rye flour, good", note).unwrap();
        let Step::User { arguments, .. } = &steps[0] else { panic!("{steps:?}") };
        assert_eq!(
            arguments[..],
            [
                Some(Argument::Text("rye flour".into())),
                Some(Argument::Number(0)),
                Some(Argument::Choice(0)),
                None
            ]
        );
        assert_eq!(written("note half a kilo of wheat, good", note), None);
    }
}
