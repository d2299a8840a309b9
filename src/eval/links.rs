//! What the matcher alone finds of what requests need, before any model reads them.
//!
//! The links *point at* the devices that they mark, those of the kinds that they mark (in the areas that they mark, where they mark
//! some), and where they mark areas alone, those of the areas. "Everything" is no mention of anything and points at nothing.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::link::{Link, Mark, Number, numbers};
use crate::prompt::{Param, ParamKind, Scene};
use crate::tool::{Blink, Builtin, Call, DEFAULT_CHANGE};

/// Counts of requests, while they are gone through.
#[derive(Clone, Debug, Default)]
pub struct LinkTally {
    devices: Count,
    alone: Count,
    numbers: Count,
    choices: Count,
    tools: Count,
    quiet: Count,
}

/// So many requests, and in how many of them it was so.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: usize,
    found: usize,
}

impl Count {
    fn add(&mut self, found: bool) {
        self.requests += 1;
        self.found += usize::from(found);
    }

    fn share(self) -> Found {
        Found { requests: self.requests, share: self.found as f64 / self.requests.max(1) as f64 }
    }
}

/// Of so many requests, the share in which it was so: 0 to 1, and 0 of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Found {
    /// The requests that it could be so in.
    pub requests: usize,
    /// The share of them.
    pub share: f64,
}

/// What the matcher finds of what requests need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LinkTotals {
    /// Of the requests for devices: the links point at all that are meant, among others.
    pub devices: Found,
    /// Of the same: they point at those that are meant and at no other that could do it. So often the matcher alone would choose right.
    pub alone: Found,
    /// Of the requests that say numbers which end in a call: all of these are found.
    pub numbers: Found,
    /// Of the requests with choices of the user's tools: all of these are found.
    pub choices: Found,
    /// Of the requests for the user's tools: all of these are hinted at.
    pub tools: Found,
    /// Of the requests to be refused: nothing is found but numbers.
    pub quiet: Found,
}

impl LinkTally {
    /// Counts a request in: its scene, its links, and the calls that are expected.
    pub fn add(&mut self, scene: &Scene, links: &[Link], expected: &[Call]) {
        let marks: Vec<Mark> = links.iter().flat_map(|link| &link.marks).copied().collect();
        if expected.is_empty() {
            self.quiet.add(marks.iter().all(|mark| matches!(mark, Mark::Number(_))));
            return;
        }
        self.add_devices(scene, &marks, expected);
        let (said, mut wanted) = (numbers(links), Vec::new());
        let (mut choices, mut tools) = (Vec::new(), Vec::new());
        for call in expected {
            if Builtin::from_name(&call.tool).is_some() {
                wanted.extend(amounts(call).into_iter().map(|amount| holds(&said, amount, None)));
                continue;
            }
            let Some((at, parameters)) = user_tool(scene, &call.tool) else { continue };
            tools.push(marks.contains(&Mark::Tool(at)));
            for param in parameters {
                match (call.arguments.get(&param.name), &param.kind) {
                    (Some(value), ParamKind::Number { .. }) => {
                        wanted.extend(value.as_f64().map(|amount| holds(&said, amount, Some(param))));
                    }
                    (Some(Value::String(choice)), ParamKind::Choice(_)) => {
                        let place = scene.values.iter().position(|value| value == choice);
                        choices.push(place.is_some_and(|at| marks.contains(&Mark::Value(at))));
                    }
                    _ => {}
                }
            }
        }
        for (count, found) in
            [(&mut self.numbers, wanted), (&mut self.choices, choices), (&mut self.tools, tools)]
        {
            if !found.is_empty() {
                count.add(found.into_iter().all(|found| found));
            }
        }
    }

    fn add_devices(&mut self, scene: &Scene, marks: &[Mark], expected: &[Call]) {
        let (mut meant, mut able) = (BTreeSet::new(), BTreeSet::new());
        for call in expected {
            let Some(names) = call.arguments.get("devices").and_then(Value::as_array) else { continue };
            let Some(needs) = Builtin::from_name(&call.tool).and_then(Builtin::needs) else { continue };
            let named = |name: &str| scene.devices.iter().position(|device| device.name == name);
            meant.extend(names.iter().filter_map(Value::as_str).filter_map(named));
            able.extend((0..scene.devices.len()).filter(|&at| scene.devices[at].can.has(needs)));
        }
        if meant.is_empty() {
            return;
        }
        let pointed = pointed_at(scene, marks);
        self.devices.add(meant.is_subset(&pointed));
        self.alone.add(pointed.intersection(&able).eq(&meant));
    }

    /// The shares.
    pub fn totals(&self) -> LinkTotals {
        LinkTotals {
            devices: self.devices.share(),
            alone: self.alone.share(),
            numbers: self.numbers.share(),
            choices: self.choices.share(),
            tools: self.tools.share(),
            quiet: self.quiet.share(),
        }
    }
}

/// The devices that links point at, as the head of this file says.
fn pointed_at(scene: &Scene, marks: &[Mark]) -> BTreeSet<usize> {
    let any = |wanted: fn(&Mark) -> bool| marks.iter().any(wanted);
    let (kinds, areas) = (any(|m| matches!(m, Mark::Kind(_))), any(|m| matches!(m, Mark::Area(_))));
    let by_name = any(|m| matches!(m, Mark::Device(_)));
    (0..scene.devices.len())
        .filter(|&at| {
            let device = &scene.devices[at];
            let of_kind = scene.kind_of(device).is_some_and(|kind| marks.contains(&Mark::Kind(kind)));
            let in_area = scene.area_of(device).is_some_and(|area| marks.contains(&Mark::Area(area)));
            marks.contains(&Mark::Device(at))
                || (of_kind && (in_area || !areas))
                || (in_area && !kinds && !by_name)
        })
        .collect()
}

fn user_tool<'s>(scene: &'s Scene, name: &str) -> Option<(usize, &'s [Param])> {
    let mut tools = scene.user_tools().enumerate();
    tools.find(|(_, (known, ..))| *known == name).map(|(at, (.., parameters))| (at, parameters))
}

/// The numbers of a built-in tool's call that somebody must have said: its defaults may as well be filled in.
fn amounts(call: &Call) -> Vec<f64> {
    let defaults = [
        ("times", f64::from(Blink::default_times())),
        ("interval", Blink::default_interval()),
        ("percent", DEFAULT_CHANGE),
    ];
    let said = |(name, value): (&String, &Value)| {
        let value = value.as_f64()?.abs();
        let filled = defaults.iter().any(|(known, default)| name == known && value == *default);
        let changes = name != "percent" || call.tool == Builtin::ChangeLevel.name();
        (!(filled && changes)).then_some(value)
    };
    call.arguments.iter().filter_map(said).collect()
}

fn holds(said: &[Number], amount: f64, param: Option<&Param>) -> bool {
    let near = |value: f64| (value.abs() - amount.abs()).abs() < 1e-6;
    said.iter().any(|number| {
        near(number.value)
            || near(number.said)
            || param.and_then(|param| param.number(number)).is_some_and(near)
    })
}

impl fmt::Display for LinkTotals {
    /// A line a share; lines end in line breaks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the matcher alone   of requests")?;
        for (name, Found { requests, share }) in [
            ("right devices", self.devices),
            ("and no others", self.alone),
            ("right numbers", self.numbers),
            ("right choices", self.choices),
            ("right tools", self.tools),
            ("quiet at refusals", self.quiet),
        ] {
            writeln!(f, "{name:18}  {requests:11}  {:5.1} %", 100.0 * share)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Device;
    use crate::prompt::Tool;
    use serde_json::json;

    fn scene() -> Scene {
        let device = |name: &str, kind: &str, area: &str| Device::of_kind(name, kind, Some(area));
        let devices = vec![
            device("hall light", "light", "hall"),
            device("desk lamp", "light", "den"),
            device("fan", "fan", "den"),
        ];
        let param = |name: &str, kind| Param { name: name.into(), kind, required: true, unit: None };
        let feed = Tool::User {
            name: "feed".into(),
            description: "give the fish food".into(),
            parameters: vec![
                param("grams", ParamKind::Number { min: 0.0, max: 50.0, integer: false }),
                param("food", ParamKind::Choice(vec!["flakes".into(), "pellets".into()])),
            ],
        };
        let mut tools: Vec<Tool> = Builtin::ALL.into_iter().map(Tool::Builtin).collect();
        tools.push(feed);
        Scene::new(tools, devices)
    }

    fn counted(requests: &[(&str, Value)]) -> LinkTotals {
        let (scene, mut tally) = (scene(), LinkTally::default());
        for (request, expected) in requests {
            let expected: Vec<Call> = serde_json::from_value(expected.clone()).unwrap();
            tally.add(&scene, &scene.index().links(request), &expected);
        }
        tally.totals()
    }

    fn found(requests: usize, share: f64) -> Found {
        Found { requests, share }
    }

    #[test]
    fn devices_are_found_by_name_kind_and_area() {
        let call = |tool: &str, devices: &[&str]| json!([{"tool": tool, "arguments": {"devices": devices}}]);
        let totals = counted(&[
            ("hall light on", call("on", &["hall light"])),
            ("all lights on", call("on", &["hall light", "desk lamp"])),
            // The den is not told from the lamp in it.
            ("everything in the den off", call("off", &["desk lamp", "fan"])),
            // Nothing is mentioned.
            ("everything off", call("off", &["hall light", "desk lamp", "fan"])),
            // The fan is mentioned, and meant is what is not.
            ("everything but the fan off", call("off", &["hall light", "desk lamp"])),
        ]);
        assert_eq!((totals.devices, totals.alone), (found(5, 0.6), found(5, 0.6)));
        assert_eq!((totals.numbers, totals.tools), (found(0, 0.0), found(0, 0.0)));
    }

    #[test]
    fn numbers_choices_and_tools_are_found_where_they_are_said() {
        let feed =
            |grams: f64, food: &str| json!([{"tool": "feed", "arguments": {"grams": grams, "food": food}}]);
        let totals = counted(&[
            ("feed 3 grams of flakes", feed(3.0, "flakes")),
            ("something nice for nemo", feed(2.0, "pellets")),
            (
                "hall light to half",
                json!([{"tool": "set_level", "arguments": {"devices": ["hall light"], "percent": 50}}]),
            ),
            // What nobody says is filled in.
            (
                "blink the desk lamp",
                json!([{"tool": "blink", "arguments": {"devices": ["desk lamp"],
                    "times": Blink::default_times(), "interval": Blink::default_interval()}}]),
            ),
        ]);
        assert_eq!(totals.numbers, found(3, 2.0 / 3.0));
        assert_eq!((totals.choices, totals.tools), (found(2, 0.5), found(2, 0.5)));
        assert!(totals.to_string().contains("right choices"), "{totals}");
    }

    #[test]
    fn refusals_are_quiet_where_nothing_is_mentioned() {
        let totals = counted(&[("what is 3 plus 4", json!([])), ("marry the fan", json!([]))]);
        assert_eq!(totals.quiet, found(2, 0.5));
        assert_eq!(totals.devices.requests, 0);
    }
}
