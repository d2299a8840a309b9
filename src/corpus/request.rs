//! Requests for one action: what to do, how much, and the words around it.

use crate::board::Capabilities;
use crate::link::{ONES, family};
use crate::prompt::{Group, Scene, Selector, Step};
use crate::tool::Builtin;

use super::except::all_but;
use super::lexicon::Line;
use super::measure::measured;
use super::rng::Rng;
use super::several::can_be_meant;
use super::template::expand;
use super::who::{mention, plural, selected, targets};

/// A request being put together. Numbers in `steps` are indices into `values` until the sentence is
/// linked.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub text: String,
    pub steps: Vec<Step>,
    pub values: Vec<f64>,
    /// Words copied into an argument stand in it: it is not misspelt.
    pub verbatim: bool,
    pub question: bool,
}

impl Draft {
    /// Adds a number that is said, and tells its index.
    pub fn value(&mut self, value: f64) -> usize {
        self.values.push(value);
        self.values.len() - 1
    }

    /// Puts another request behind this one.
    pub fn join(&mut self, other: Draft, connector: &str) {
        let shift = self.values.len();
        self.text.push_str(connector);
        self.text.push_str(&other.text);
        self.values.extend(other.values);
        self.verbatim |= other.verbatim;
        self.steps.extend(other.steps.into_iter().map(|step| step.renumbered(|at| at + shift)));
    }
}

/// A number in words.
fn in_words(value: usize) -> String {
    const TENS: [&str; 10] =
        ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    match value {
        0..=19 => ONES[value].to_owned(),
        20..=99 if value.is_multiple_of(10) => TENS[value / 10].to_owned(),
        20..=99 => format!("{} {}", TENS[value / 10], ONES[value % 10]),
        100 => "a hundred".to_owned(),
        101..=999 => {
            let rest = value % 100;
            let head = format!("{} hundred", ONES[value / 100]);
            if rest == 0 { head } else { format!("{head} and {}", in_words(rest)) }
        }
        _ => value.to_string(),
    }
}

/// A number as people say it: in digits, or in words when it is whole and small.
pub(super) fn say_number(rng: &mut Rng, value: f64) -> String {
    // Digit by digit: "two seven zero".
    if value.fract() == 0.0 && (101.0..10000.0).contains(&value) && rng.chance(0.12) {
        let nought = *rng.pick(&["zero", "zero", "oh"]);
        let digit =
            |c: char| if c == '0' { nought } else { ONES[c.to_digit(10).unwrap_or_default() as usize] };
        return format!("{value}").chars().map(digit).collect::<Vec<_>>().join(" ");
    }
    if (0.0..1000.0).contains(&value) && rng.chance(0.35) {
        let mut whole = in_words(value.trunc() as usize);
        // "thirty-two"
        if rng.chance(0.25) {
            whole = whole.replace("ty ", "ty-");
        }
        if value.fract() == 0.0 {
            return whole;
        }
        if value.fract() == 0.5 {
            return format!("{whole} point five");
        }
    }
    format!("{value}")
}

/// What people say when they take back what they just said.
const TAKEN_BACK: &[&str] = &[
    ", sorry, ",
    ", no, ",
    "... no, ",
    ", i mean ",
    ", no wait, ",
    "... sorry, ",
    ", er, no, ",
    ", or rather ",
    ", no, i mean ",
    ", oops, ",
    " - no, ",
    " - sorry, ",
    ", correction, ",
    ", sorry, i mean ",
    ", make that ",
];

/// What stands between an article and a word that does not come at once.
const FALTERING: &[&str] = &[
    ", um, ",
    ", er, ",
    " uh ",
    " erm ",
    " um ",
    "... the ",
    "... er, ",
    ", what's it called, ",
    ", you know, ",
    ", the ",
];

/// Now and then another device is said first and taken back, or the word does not come at once.
fn hesitant(rng: &mut Rng, scene: &Scene, said: String, selectors: &[Selector]) -> String {
    if rng.chance(0.02) {
        let other = |at: &usize| !selectors.iter().any(|selector| selector.holds(scene, *at));
        let others: Vec<usize> = (0..scene.devices.len()).filter(other).collect();
        if !others.is_empty() {
            let at = *rng.pick(&others);
            let wrong = mention(rng, scene, at);
            return format!("{wrong}{}{said}", rng.pick::<&str>(TAKEN_BACK));
        }
    }
    if said.starts_with("the ") && rng.chance(0.015) {
        return said.replacen("the ", &format!("the{}", rng.pick::<&str>(FALTERING)), 1);
    }
    said
}

/// Now and then another number is said first and taken back; not where a later part of the sentence may say it again.
fn amended(rng: &mut Rng, value: f64, said: String) -> String {
    let wrong = 5.0 * rng.range(1, 19) as f64;
    if wrong == value || !rng.chance(0.02) {
        return said;
    }
    let wrong = say_number(rng, wrong);
    format!("{wrong}{}{said}", rng.pick::<&str>(TAKEN_BACK))
}

/// A share in percent as people say it.
pub(super) fn say_percent(rng: &mut Rng, value: f64) -> String {
    let special = match value as i64 {
        100 => Some(*rng.pick(&[
            "full",
            "max",
            "maximum",
            "full power",
            "100%",
            "the max",
            "flat out",
            "full blast",
            "full throttle",
            "top speed",
        ])),
        50 => Some(*rng.pick(&["half", "half way", "halfway", "50%", "half power"])),
        25 => Some("a quarter"),
        75 => Some("three quarters"),
        33 => Some("a third"),
        _ => None,
    };
    if let Some(special) = special.filter(|_| value.fract() == 0.0 && rng.chance(0.5)) {
        return special.to_owned();
    }
    let number = say_number(rng, value);
    match rng.below(6) {
        0 | 1 => number,
        2 | 3 if number.starts_with(|c: char| c.is_ascii_digit()) => format!("{number}%"),
        2 | 3 => format!("{number} percent"),
        4 => format!("{number} percent"),
        _ => number,
    }
}

/// A duration, and how it is said.
pub(super) fn say_duration(rng: &mut Rng) -> (f64, String) {
    let fixed: &[(f64, &str)] = &[
        (1.0, "a second"),
        (60.0, "a minute"),
        (30.0, "half a minute"),
        (0.5, "half a second"),
        (90.0, "a minute and a half"),
        (1.0, "one second"),
        (60.0, "one minute"),
    ];
    if rng.chance(0.12) {
        let (value, text) = *rng.pick(fixed);
        return (value, text.to_owned());
    }
    if rng.chance(0.3) {
        let minutes = rng.range(2, 10);
        let unit = *rng.pick(&["minutes", "minutes", "min", "mins"]);
        return (minutes as f64 * 60.0, format!("{} {unit}", say_number(rng, minutes as f64)));
    }
    let seconds = *rng.pick(&[
        2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 45.0, 7.0, 9.0, 90.0, 0.5,
        1.5, 2.5,
    ]);
    let said = say_number(rng, seconds);
    let unit = *rng.pick(&["seconds", "seconds", "seconds", "sec", "secs", "s"]);
    let glue = if unit == "s" && said.starts_with(|c: char| c.is_ascii_digit()) && rng.chance(0.5) {
        ""
    } else {
        " "
    };
    (seconds, format!("{said}{glue}{unit}"))
}

/// The tag of a kind, as lines of `sentences.txt` use it.
pub(super) fn tag(kind: &str) -> &str {
    match kind {
        "light" | "lamp" | "led" | "strip" | "dimmer" | "sign" => "light",
        "blind" | "curtain" | "shutter" | "awning" | "garage" | "hatch" | "vent" => "cover",
        "siren" | "alarm" | "buzzer" => "siren",
        "pump" | "sprinkler" => "pump",
        "heater" | "boiler" | "oven" => "heater",
        "contact" | "motion" | "button" | "input" => "contact",
        kind => kind,
    }
}

/// A line of a section that suits these kinds of device.
fn line<'a>(rng: &mut Rng, section: &str, kinds: &[&str], alone: bool) -> Option<&'a Line> {
    let lines = rng.lexicon().sentences.get(section)?;
    let suits = |line: &Line| {
        (alone || !line.alone)
            && line.tag.is_none_or(|wanted| {
                !kinds.is_empty() && kinds.iter().all(|kind| tag(kind) == wanted || *kind == wanted)
            })
    };
    let fit: Vec<&Line> = lines.iter().filter(|line| suits(line)).collect();
    let tagged: Vec<&Line> = fit.iter().copied().filter(|line| line.tag.is_some()).collect();
    if !tagged.is_empty() && rng.chance(0.4) {
        return Some(*rng.pick(&tagged));
    }
    (!fit.is_empty()).then(|| *rng.pick(&fit))
}

/// A level or value that all of these devices take.
fn amount(rng: &mut Rng, scene: &Scene, chosen: &[usize]) -> Option<f64> {
    let least = chosen.iter().map(|&at| scene.devices[at].limits()[0]).fold(f64::MIN, f64::max);
    let most = chosen.iter().map(|&at| scene.devices[at].limits()[1]).fold(f64::MAX, f64::min);
    if least > most {
        return None;
    }
    let round = if most - least > 20.0 && rng.chance(0.75) { 5.0 } else { 1.0 };
    let steps = ((most - least) / round) as usize;
    let mut value = least + round * rng.range(0, steps) as f64;
    if rng.chance(0.05) && value + 0.5 <= most {
        value += 0.5;
    }
    Some(value)
}

/// The section of sentences for a built-in tool, with the amounts it says.
fn section(rng: &mut Rng, tool: Builtin) -> (&'static str, bool) {
    match tool {
        Builtin::ChangeLevel => {
            *rng.pick(&[("up", false), ("down", true), ("up_by", false), ("down_by", true)])
        }
        Builtin::Blink => {
            (*rng.pick(&["blink", "blink_times", "blink_times", "blink_interval", "blink_both"]), false)
        }
        Builtin::On => (["on", "on", "on", "on", "for"][rng.below(5)], false),
        Builtin::Open => (["open", "open", "open", "open", "open", "open", "open_for"][rng.below(7)], false),
        tool => (tool.name(), false),
    }
}

/// A request for one built-in tool that is legal here and can be done; `None` when the draw fits nothing.
pub(super) fn builtin(rng: &mut Rng, scene: &Scene, tool: Builtin, alone: bool) -> Option<Draft> {
    let mut draft = Draft { question: tool == Builtin::Read, ..Draft::default() };
    let (section, down) = section(rng, tool);
    match tool {
        Builtin::List => {
            let line = line(rng, section, &[], alone)?;
            draft.text = expand(rng, line.text, &mut |_, _| None)?;
            draft.steps.push(Step::List);
            draft.question = rng.chance(0.5);
            return Some(draft);
        }
        Builtin::Wait => {
            let (value, said) = say_duration(rng);
            let line = line(rng, section, &[], alone)?;
            draft.text = expand(rng, line.text, &mut |_, _| Some(said.clone()))?;
            let at = draft.value(value);
            draft.steps.push(Step::Wait(at));
            return Some(draft);
        }
        Builtin::Read if rng.chance(0.4) => {
            if let Some(draft) = measured(rng, scene) {
                return Some(draft);
            }
        }
        Builtin::On | Builtin::Off | Builtin::Open | Builtin::Close if rng.chance(0.14) => {
            return all_but(rng, scene, tool);
        }
        _ => {}
    }
    let (said, selectors) = targets(rng, scene, tool)?;
    let said = hesitant(rng, scene, said, &selectors);
    let chosen = selected(scene, tool, &selectors);
    // A number must suit a whole group before something of it may be left out.
    let whole = selectors.iter().cloned().map(|mut selector| {
        if let Selector::Group(group) = &mut selector {
            group.except.clear();
        }
        selector
    });
    let reach = selected(scene, tool, &whole.collect::<Vec<_>>());
    let kinds: Vec<&str> = chosen.iter().map(|&at| scene.devices[at].kind.as_str()).collect();
    let line = line(rng, section, &kinds, alone)?;
    let step = |tool, amounts| Step::Devices { tool, down, selectors: selectors.clone(), amounts };
    let mut numbers: Vec<(char, f64, String)> = Vec::new();
    match tool {
        Builtin::SetLevel => {
            let value = amount(rng, scene, &reach)?;
            let said = say_percent(rng, value);
            let said = if alone { amended(rng, value, said) } else { said };
            numbers.push(('n', value, said));
        }
        Builtin::SetValue => {
            let value = amount(rng, scene, &reach)?;
            let unit =
                chosen.iter().all(|&at| scene.devices[at].unit.as_deref() == Some("°C")) && rng.chance(0.4);
            // Courses and bearings are said with three figures: "015".
            let turns = |&at: &usize| {
                let device = &scene.devices[at];
                device.unit.is_none() && device.limits()[1] == 360.0
            };
            let said = if value.fract() == 0.0 && chosen.iter().all(turns) && rng.chance(0.4) {
                format!("{value:03}")
            } else {
                say_number(rng, value)
            };
            let unit = if unit { *rng.pick(&[" degrees", "°", " °C", " degrees celsius"]) } else { "" };
            let said = format!("{said}{unit}");
            let said = if alone { amended(rng, value, said) } else { said };
            numbers.push(('n', value, said));
        }
        Builtin::ChangeLevel if section.ends_with("_by") => {
            let value = *rng.pick(&[5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 1.0, 2.0, 3.0, 12.0, 7.0]);
            numbers.push(('n', value, say_percent(rng, value)));
        }
        Builtin::Blink => {
            if matches!(section, "blink_times" | "blink_both") {
                let most = if rng.chance(0.8) { 10 } else { 50 };
                let times = rng.range(1, most);
                let said = match times {
                    1 => "once".to_owned(),
                    2 if rng.chance(0.6) => "twice".to_owned(),
                    _ => format!("{} times", say_number(rng, times as f64)),
                };
                numbers.push(('t', times as f64, said));
            }
            if matches!(section, "blink_interval" | "blink_both") {
                let (value, said) = say_duration(rng);
                if value > 60.0 {
                    return None;
                }
                numbers.push(('v', value, said));
            }
        }
        Builtin::On | Builtin::Open if section.ends_with("for") => {
            let (value, said) = say_duration(rng);
            numbers.push(('s', value, said));
        }
        _ => {}
    }
    draft.text = expand(rng, line.text, &mut |rng, slot| match slot {
        "d" => Some(said.clone()),
        // A bare count before a plural: "three flashes".
        "c" => {
            let times = numbers.iter().find(|(name, times, _)| *name == 't' && *times > 1.0);
            times.map(|(_, times, _)| say_number(rng, *times))
        }
        _ => numbers.iter().find(|(name, ..)| slot.starts_with(*name)).map(|(.., said)| said.clone()),
    })?;
    let at: Vec<usize> = numbers.iter().map(|(_, value, _)| draft.value(*value)).collect();
    let find = |name: char| numbers.iter().position(|(known, ..)| *known == name).map(|i| at[i]);
    match tool {
        Builtin::SetLevel | Builtin::SetValue | Builtin::ChangeLevel => {
            draft.steps.push(step(tool, vec![find('n')]))
        }
        Builtin::Blink => draft.steps.push(step(tool, vec![find('t'), find('v')])),
        Builtin::On | Builtin::Open if find('s').is_some() => {
            let after = if tool == Builtin::On { Builtin::Off } else { Builtin::Close };
            if !scene.has(after) || !scene.has(Builtin::Wait) {
                return None;
            }
            draft.steps.push(step(tool, Vec::new()));
            draft.steps.push(Step::Wait(find('s')?));
            draft.steps.push(step(after, Vec::new()));
        }
        tool => draft.steps.push(step(tool, Vec::new())),
    }
    can_be_meant(scene, &draft).then_some(draft)
}

/// A remark about a place ("it's dark in the hall") that asks for the lights, the heating, the air there.
pub(super) fn remark(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    if rng.chance(0.3) {
        return measured(rng, scene).filter(|_| scene.has(Builtin::Read));
    }
    if scene.areas.is_empty() {
        return None;
    }
    let area = rng.below(scene.areas.len());
    let (section, tool, kinds): (_, _, &[&str]) = *rng.pick::<(&str, Builtin, &[&str])>(&[
        ("dark", Builtin::On, &["light"]),
        ("dark", Builtin::On, &["light"]),
        ("bright", Builtin::Off, &["light"]),
        ("cold", Builtin::On, &["heater"]),
        ("hot", Builtin::On, &["fan", "cooler"]),
        ("how_warm", Builtin::Read, &["thermometer"]),
        ("how_humid", Builtin::Read, &["hygrometer"]),
    ]);
    if !scene.has(tool) {
        return None;
    }
    let here: Vec<usize> = (0..scene.devices.len())
        .filter(|&at| {
            let device = &scene.devices[at];
            let kind = if tool == Builtin::Read { device.kind.as_str() } else { family(&device.kind) };
            kinds.contains(&kind) && scene.area_of(device) == Some(area)
        })
        .collect();
    let able: Vec<usize> = here
        .into_iter()
        .filter(|&at| scene.devices[at].can.has(tool.needs().unwrap_or(Capabilities::NONE)))
        .collect();
    let selectors = match (able.as_slice(), kinds) {
        ([], _) => return None,
        ([only], _) => vec![Selector::Device(*only)],
        (_, ["light"]) => {
            let kind = scene.kinds.iter().position(|kind| kind == "light")?;
            vec![Selector::Group(Group { kind: Some(kind), area: Some(area), except: Vec::new() })]
        }
        _ => return None,
    };
    let line = line(rng, section, &[], true)?;
    let text = expand(rng, line.text, &mut |_, _| Some(scene.areas[area].clone()))?;
    let question = tool == Builtin::Read;
    let steps = vec![Step::Devices { tool, down: false, selectors, amounts: Vec::new() }];
    Some(Draft { text, steps, question, ..Draft::default() })
}

/// A question about all devices of a kind ("which lights are on").
pub(super) fn which(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    if scene.kinds.is_empty() || !scene.has(Builtin::Read) {
        return None;
    }
    let kind = rng.below(scene.kinds.len());
    let members: Vec<usize> =
        (0..scene.devices.len()).filter(|&at| scene.kind_of(&scene.devices[at]) == Some(kind)).collect();
    let cover = members.iter().all(|&at| scene.devices[at].can.has(Capabilities::COVER));
    let line = line(rng, if cover { "which_open" } else { "which" }, &[], true)?;
    let text = expand(rng, line.text, &mut |_, _| Some(plural(&scene.kinds[kind])))?;
    let selector = match members.as_slice() {
        [only] => Selector::Device(*only),
        _ => Selector::Group(Group { kind: Some(kind), ..Group::default() }),
    };
    let steps = vec![Step::Devices {
        tool: Builtin::Read,
        down: false,
        selectors: vec![selector],
        amounts: Vec::new(),
    }];
    Some(Draft { text, steps, question: true, ..Draft::default() })
}
