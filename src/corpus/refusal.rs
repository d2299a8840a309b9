//! Requests that nothing in the scene serves.

use crate::board::Device;
use crate::link::{Mark, family};
use crate::prompt::Scene;
use crate::tool::Builtin;

use super::generator::part;
use super::request::{Draft, say_duration, say_number, say_percent, tag};
use super::rng::Rng;
use super::says::starved;
use super::template::expand;
use super::tools::SaidTool;
use super::who::{capable, mention, misplaced, sibling};
use super::world::{device_name, invented, odd_word};

/// A sentence of a tool's section about something named by `name`, with amounts that mean nothing here.
fn about(rng: &mut Rng, tool: Builtin, name: &str, kind: Option<&str>) -> Option<String> {
    let section = match tool {
        Builtin::ChangeLevel => *rng.pick(&["up", "down", "up_by", "down_by"]),
        Builtin::Blink => *rng.pick(&["blink", "blink_times", "blink_interval"]),
        tool => tool.name(),
    };
    let lines = rng.lexicon().sentences.get(section)?;
    let fit: Vec<_> = lines
        .iter()
        .filter(|line| {
            line.tag.is_none_or(|wanted| kind.is_some_and(|kind| tag(kind) == wanted || kind == wanted))
        })
        .collect();
    let line = *rng.pick(&fit);
    expand(rng, line.text, &mut |rng, slot| {
        let level = 5.0 * rng.below(21) as f64;
        let times = rng.range(2, 9) as f64;
        Some(match slot {
            "d" => name.to_owned(),
            "n" => say_percent(rng, level),
            "t" => format!("{} times", say_number(rng, times)),
            "c" => say_number(rng, times),
            _ => say_duration(rng).1,
        })
    })
}

/// "other pump" where there is but one.
fn other(rng: &mut Rng, scene: &Scene) -> Option<(String, usize)> {
    if scene.devices.is_empty() {
        return None;
    }
    let at = rng.below(scene.devices.len());
    let kin = |device: &Device| family(&device.kind) == family(&scene.devices[at].kind);
    let noun = scene.devices[at].name.rsplit(' ').next()?;
    let shared = scene.devices.iter().filter(|device| device.name.contains(noun)).count() > 1;
    let only = scene.devices.iter().filter(|device| kin(device)).count() == 1;
    let word = *rng.pick(&["other", "second", "spare", "third", "new"]);
    let known = scene
        .devices
        .iter()
        .any(|device| device.name.contains(word) || device.aliases.iter().any(|alias| alias.contains(word)));
    (only && !shared && !known).then(|| (format!("{word} {noun}"), at))
}

/// A thing that is not in the scene: its words, and its kind when it has one.
fn stranger(rng: &mut Rng, scene: &Scene) -> Option<(String, Option<&'static str>)> {
    let near = match rng.below(10) {
        // Its nearest kin is here, itself is not.
        0 | 1 => sibling(rng, scene),
        3 => misplaced(rng, scene),
        4 => other(rng, scene),
        _ => None,
    };
    if let Some((name, at)) = near {
        let kind =
            rng.lexicon().nouns.iter().map(|(kind, _)| *kind).find(|kind| *kind == scene.devices[at].kind);
        return Some((format!("{}{name}", rng.pick(&["the ", "the ", "the ", "my ", ""])), kind));
    }
    let (kind, nouns) = rng.pick(&rng.lexicon().nouns);
    let known_word = |word: &str| {
        let holds = |name: &str| name.split(' ').any(|known| known == word);
        scene.devices.iter().any(|device| {
            holds(&device.name)
                || device.aliases.iter().any(|alias| holds(alias))
                || device.area.as_deref().is_some_and(holds)
        })
    };
    let known_kind = scene.kinds.iter().any(|known| known == family(kind));
    let (name, kind) = match rng.below(6) {
        // A kind of thing that nothing here is.
        0 | 1 if !known_kind => (device_name(rng, kind, None), Some(*kind)),
        // A known sort of thing, in a place or of a make that is not here.
        2 | 3 => {
            let area = *rng.pick(&rng.lexicon().areas);
            let noun = *rng.pick(nouns);
            if area.split(' ').any(known_word) {
                return None;
            }
            let name =
                if rng.chance(0.5) { format!("{area} {noun}") } else { format!("{noun} in the {area}") };
            (name, Some(*kind))
        }
        4 => {
            let word = if rng.chance(0.5) {
                odd_word(rng)
            } else {
                (*rng.pick(&rng.lexicon().adjectives)).to_owned()
            };
            if known_word(&word) {
                return None;
            }
            (format!("{word} {}", rng.pick(nouns)), Some(*kind))
        }
        _ => (if rng.chance(0.5) { invented(rng) } else { odd_word(rng) }, None),
    };
    // What the matcher takes for a device by its whole name is no stranger.
    let links = scene.index().links(&name);
    let whole = links
        .iter()
        .any(|link| link.start == 0 && link.end == name.len() && matches!(link.marks[..], [Mark::Device(_)]));
    if whole {
        return None;
    }
    let article = *rng.pick(&["the ", "the ", "the ", "my ", ""]);
    Some((format!("{article}{name}"), kind))
}

/// A request that nothing here serves.
pub(super) fn refusal(rng: &mut Rng, scene: &Scene, said: &[SaidTool]) -> Option<Draft> {
    let any_tool = |rng: &mut Rng| Builtin::ALL[rng.weighted(&[20, 20, 5, 12, 10, 8, 8, 4, 8, 12, 6, 0, 0])];
    let text = match rng.weighted(&[24, 24, 9, 8, 8, 9, 3, 3, 16, 4]) {
        0 => {
            let line = *rng.pick(&rng.lexicon().offtopic);
            expand(rng, line, &mut |_, _| None)?
        }
        1 => {
            let tool = any_tool(rng);
            let (name, kind) = stranger(rng, scene)?;
            about(rng, tool, &name, kind)?
        }
        // A device that cannot do it.
        2 => {
            let tool = any_tool(rng);
            let needs = tool.needs()?;
            let unable: Vec<usize> = (0..scene.devices.len())
                .filter(|&at| !scene.devices[at].can.has(needs))
                .filter(|&at| !means_another(tool, &scene.devices[at]))
                .collect();
            if unable.is_empty() {
                return None;
            }
            let at = *rng.pick(&unable);
            let name = mention(rng, scene, at);
            let text = about(rng, tool, &name, Some("sign").filter(|_| tool == Builtin::SetLevel))?;
            if says_another(tool, &scene.devices[at], &text) {
                return None;
            }
            text
        }
        // A tool that is not legal in this state.
        3 => {
            let tool = any_tool(rng);
            if scene.has(tool) || capable(scene, tool).is_empty() {
                return None;
            }
            let at = *rng.pick(&capable(scene, tool));
            if tool == Builtin::SetLevel && scene.has(Builtin::SetValue)
                || tool == Builtin::SetValue && scene.has(Builtin::SetLevel)
            {
                return None;
            }
            let name = mention(rng, scene, at);
            about(rng, tool, &name, Some(&scene.devices[at].kind))?
        }
        // A number outside the device's limits.
        4 => {
            let tool = *rng.pick(&[Builtin::SetLevel, Builtin::SetValue, Builtin::SetValue]);
            let able = capable(scene, tool);
            if able.is_empty() || !scene.has(tool) {
                return None;
            }
            let at = *rng.pick(&able);
            let [least, most] = scene.devices[at].limits();
            let step = *rng.pick(&[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 250.0]);
            let value = if rng.chance(0.75) || least <= 0.0 { most + step } else { least - step };
            if value < 0.0 {
                return None;
            }
            let said =
                if tool == Builtin::SetLevel { say_percent(rng, value) } else { say_number(rng, value) };
            let name = mention(rng, scene, at);
            let lines = rng.lexicon().sentences.get(tool.name())?;
            let fit: Vec<_> = lines
                .iter()
                .filter(|line| line.tag.is_none_or(|wanted| wanted == tag(&scene.devices[at].kind)))
                .collect();
            let line = *rng.pick(&fit);
            expand(rng, line.text, &mut |_, slot| {
                Some(if slot == "d" { name.clone() } else { said.clone() })
            })?
        }
        // Not now, or not at all.
        5 | 6 => {
            let draft = part(rng, scene, said, false).filter(|draft| draft.values.is_empty())?;
            let section = if rng.chance(0.75) { "later" } else { "negated" };
            let line = rng.pick(rng.lexicon().sentences.get(section)?);
            expand(rng, line.text, &mut |rng, slot| {
                Some(if slot == "x" { draft.text.clone() } else { say_duration(rng).1 })
            })?
        }
        // A group that is empty here.
        7 => {
            if scene.kinds.is_empty() || scene.areas.is_empty() {
                return None;
            }
            let (kind, area) = (rng.below(scene.kinds.len()), rng.below(scene.areas.len()));
            let here =
                |device: &Device| scene.kind_of(device) == Some(kind) && scene.area_of(device) == Some(area);
            if scene.devices.iter().any(here) {
                return None;
            }
            let tool = *rng.pick(&[Builtin::On, Builtin::Off, Builtin::Open, Builtin::Close]);
            about(rng, tool, &format!("the {}s in the {}", scene.kinds[kind], scene.areas[area]), None)?
        }
        // Near a user's tool, and no call of it.
        8 => {
            if said.is_empty() {
                return None;
            }
            let at = rng.below(said.len());
            starved(rng, scene, &said[at], at)?
        }
        // Words without sense.
        _ => (0..rng.range(1, 7)).map(|_| odd_word(rng)).collect::<Vec<_>>().join(" "),
    };
    Some(Draft { text, ..Draft::default() })
}

/// Whether people ask this tool of such a device and mean another one ("turn on the valve", "lock the door").
fn means_another(tool: Builtin, device: &Device) -> bool {
    use crate::board::Capabilities as Can;
    match tool {
        Builtin::On | Builtin::Off => {
            device.can.has(Can::COVER) && (device.kind == "valve" || device.kind == "lock")
        }
        Builtin::Open | Builtin::Close => false,
        // "set the thermostat to 20" and "set the light to 20" are the same words.
        Builtin::SetLevel => device.can.has(Can::VALUE),
        Builtin::SetValue => device.can.has(Can::LEVEL),
        // "stop the fan" is to switch it off, "raise the blind" to open it.
        Builtin::Stop => device.can.has(Can::SWITCH),
        Builtin::ChangeLevel => device.can.has(Can::COVER),
        _ => false,
    }
}

/// Whether what is said for one tool is as well said for another one, which the device serves ("shut off the lamp",
/// "stop the blind").
fn says_another(tool: Builtin, device: &Device, text: &str) -> bool {
    use crate::board::Capabilities as Can;
    let says = |words: &[&str]| text.split(' ').any(|said| words.contains(&said));
    match tool {
        Builtin::Off => device.can.has(Can::STOP) && says(&["stop", "halt", "stopped"]),
        Builtin::Open => device.can.has(Can::SWITCH) && says(&["on", "up", "run"]),
        Builtin::Close => device.can.has(Can::SWITCH) && says(&["off", "up", "down"]),
        _ => false,
    }
}
