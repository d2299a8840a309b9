//! Who is meant: what people call a device, and lists of devices.

use crate::board::Device;
use crate::link::{Mark, family, kind_words};
use crate::prompt::{Group, Scene, Selector};
use crate::tool::Builtin;

use super::group::{group, two_groups};
use super::rng::Rng;

/// Words, and what they select.
pub(super) type Said = (String, Vec<Selector>);

/// Most devices that one list names one by one.
const MOST_LISTED: usize = 5;

pub(super) fn plural(word: &str) -> String {
    if word.ends_with('s') {
        return word.to_owned();
    }
    if ["x", "ch", "sh"].iter().any(|end| word.ends_with(end)) {
        return format!("{word}es");
    }
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ => format!("{word}s"),
    }
}

/// All marks of a phrase but those of numbers, tools and values.
fn marks(scene: &Scene, phrase: &str) -> Vec<Mark> {
    let links = scene.index().links(phrase).into_iter().flat_map(|link| link.marks);
    links.filter(|mark| !matches!(mark, Mark::Number(_) | Mark::Tool(_) | Mark::Value(_))).collect()
}

/// Whether the matcher takes a phrase for this one device and no other.
fn means(scene: &Scene, phrase: &str, at: usize) -> bool {
    let marks = marks(scene, phrase);
    !marks.is_empty() && marks.iter().all(|mark| *mark == Mark::Device(at) || matches!(mark, Mark::Area(_)))
}

/// Whether what is selected can be chosen when this is said: where words point at anything, the grammar lets
/// nothing else move.
pub(super) fn reachable(scene: &Scene, text: &str, selectors: &[Selector]) -> bool {
    let marks = marks(scene, text);
    if marks.is_empty() {
        return true;
    }
    let (mut some_kind, mut some_area) = (false, false);
    for mark in &marks {
        some_kind |= matches!(mark, Mark::Kind(_));
        some_area |= matches!(mark, Mark::Area(_));
    }
    let kind_said = |kind: usize| !some_kind || marks.contains(&Mark::Kind(kind));
    let area_said = |area: usize| !some_area || marks.contains(&Mark::Area(area));
    let device_said = |at: usize| {
        let device = &scene.devices[at];
        marks.contains(&Mark::Device(at))
            || scene.kind_of(device).is_some_and(|kind| marks.contains(&Mark::Kind(kind)))
            || scene.area_of(device).is_some_and(|area| marks.contains(&Mark::Area(area)))
    };
    fn all(
        selectors: &[Selector],
        device: &dyn Fn(usize) -> bool,
        kind: &dyn Fn(usize) -> bool,
        area: &dyn Fn(usize) -> bool,
    ) -> bool {
        selectors.iter().all(|selector| match selector {
            Selector::Device(at) => device(*at),
            Selector::Group(group) => {
                group.kind.is_none_or(kind)
                    && group.area.is_none_or(area)
                    && all(&group.except, device, kind, area)
            }
        })
    }
    all(selectors, &device_said, &kind_said, &area_said)
}

/// Whether words for a group point at nothing beside it: no area that it is not about, no device that is neither
/// in it nor an exception.
pub(super) fn sound(scene: &Scene, text: &str, selectors: &[Selector]) -> bool {
    let groups = || {
        selectors.iter().filter_map(|selector| match selector {
            Selector::Group(group) => Some(group),
            Selector::Device(_) => None,
        })
    };
    let about_area = |area: usize| {
        groups().any(|group| {
            let out = |except: &Selector| match except {
                Selector::Group(out) => out.area == Some(area),
                Selector::Device(at) => scene.area_of(&scene.devices[*at]) == Some(area),
            };
            group.area == Some(area) || group.except.iter().any(out)
        }) || selectors.iter().any(|selector| match selector {
            Selector::Device(at) => scene.area_of(&scene.devices[*at]) == Some(area),
            Selector::Group(_) => false,
        })
    };
    let about_device = |at: usize| {
        selectors.contains(&Selector::Device(at))
            || groups().any(|group| group.except.iter().any(|except| except.holds(scene, at)))
    };
    let strays = scene.index().links(text).into_iter().any(|link| {
        let areas: Vec<usize> =
            link.marks.iter().filter_map(|m| if let Mark::Area(at) = m { Some(*at) } else { None }).collect();
        let devices: Vec<usize> = link
            .marks
            .iter()
            .filter_map(|m| if let Mark::Device(at) = m { Some(*at) } else { None })
            .collect();
        let kinds = link.marks.iter().any(|mark| matches!(mark, Mark::Kind(_)));
        (!areas.is_empty() && !areas.iter().any(|&area| about_area(area)))
            || (!devices.is_empty()
                && !kinds
                && areas.is_empty()
                && !devices.iter().any(|&at| about_device(at)))
    });
    !strays && reachable(scene, text, selectors)
}

/// A name with the little word that people put before it.
fn article(rng: &mut Rng, name: &str) -> String {
    if name.contains("'s") || name.starts_with("the ") {
        return name.to_owned();
    }
    match rng.below(10) {
        0..=5 => format!("the {name}"),
        6 => format!("{} {name}", rng.pick(&["my", "our", "that", "this"])),
        _ => name.to_owned(),
    }
}

/// Things of a home, a boat or a shop that something can stand beside.
const SPOTS: &[&str] = &[
    "desk",
    "bench",
    "table",
    "stairs",
    "stair",
    "door",
    "window",
    "bed",
    "sofa",
    "bath",
    "pool",
    "pond",
    "tank",
    "gate",
    "porch",
    "deck",
    "mast",
    "sink",
    "stove",
    "shelf",
    "mirror",
    "cabinet",
    "counter",
    "bar",
    "wall",
    "fridge",
    "oven",
    "boiler",
    "well",
    "shed",
    "garage",
    "hall",
    "entrance",
    "roof",
    "floor",
    "ceiling",
    "piano",
    "fireplace",
    "tree",
    "path",
    "barn",
    "aquarium",
    "till",
    "stage",
    "altar",
    "press",
    "lathe",
    "hive",
    "coop",
    "nest",
    "bow",
    "stern",
    "galley",
    "berth",
    "cot",
    "crib",
    "wardrobe",
    "balcony",
    "terrace",
    "patio",
    "cellar",
    "attic",
];

/// "the lamp over by the desk" for a "desk lamp".
fn beside(rng: &mut Rng, name: &str) -> Option<String> {
    let (place, noun) = name.rsplit_once(' ')?;
    let near: &[&str] =
        &["over by", "by", "next to", "near", "at", "over", "on", "above", "from", "of", "beside"];
    SPOTS.contains(&place).then(|| format!("the {noun} {} the {place}", rng.pick(near)))
}

/// A part of a name of two words or more: its end, or one word of it.
fn part_of_name(rng: &mut Rng, name: &str) -> Option<String> {
    let words: Vec<&str> = name.split(' ').collect();
    if words.len() < 2 {
        return None;
    }
    let owner = words[0].ends_with("'s");
    match rng.below(4) {
        // "tom's lamp" for "tom's reading lamp".
        0 | 1 if owner && words.len() > 2 => Some(format!("{} {}", words[0], words[words.len() - 1])),
        0 | 1 => Some(words[words.len() - 1].to_owned()),
        2 => Some(words[1..].join(" ")),
        _ if words.len() > 2 => Some(format!("{} {}", words[words.len() - 2], words[words.len() - 1])),
        _ => Some(words[0].to_owned()).filter(|_| !owner),
    }
}

/// What a person may call a device.
pub(super) fn mention(rng: &mut Rng, scene: &Scene, at: usize) -> String {
    let device = &scene.devices[at];
    let name = device.name.as_str();
    let area = device.area.as_deref();
    let words =
        || kind_words().find(|(kind, _)| *kind == device.kind).map(|(_, words)| words.collect::<Vec<_>>());
    let in_the =
        |rng: &mut Rng| *rng.pick(&["in the", "in the", "in", "of the", "at the", "from the", "on the"]);
    let alias = if device.aliases.is_empty() { 0 } else { 22 };
    let phrase = match rng.weighted(&[46, alias, 10, 8, 16, 12, 4, 2]) {
        1 => {
            let alias = rng.pick(&device.aliases).clone();
            let short = part_of_name(rng, &alias)
                .filter(|short| rng.chance(0.15) && means(scene, &format!("the {short}"), at));
            return article(rng, &short.unwrap_or(alias));
        }
        2 => area.map(|area| {
            let rest = name.strip_prefix(area).map_or(name, str::trim_start);
            let place = in_the(rng);
            format!("{} {place} {area}", article(rng, rest))
        }),
        3 => area.filter(|area| !name.contains(*area)).map(|area| article(rng, &format!("{area} {name}"))),
        4 => part_of_name(rng, name).map(|part| if rng.chance(0.8) { format!("the {part}") } else { part }),
        5 => words().map(|words| {
            let word = *rng.pick(&words);
            match area.filter(|_| rng.chance(0.6)) {
                Some(area) if rng.chance(0.5) => format!("the {word} {} {area}", in_the(rng)),
                Some(area) => article(rng, &format!("{area} {word}")),
                None => article(rng, word),
            }
        }),
        6 => beside(rng, name),
        // One that comes in wings is said in the plural.
        7 if matches!(
            device.kind.as_str(),
            "garage" | "gate" | "door" | "window" | "blind" | "curtain" | "shutter"
        ) =>
        {
            Some(format!("the {}", plural(name)))
        }
        _ => None,
    };
    match phrase.filter(|phrase| !phrase.contains("  ") && means(scene, phrase, at)) {
        Some(phrase) => phrase,
        None => article(rng, name),
    }
}

/// The devices that can serve a tool.
pub(super) fn capable(scene: &Scene, tool: Builtin) -> Vec<usize> {
    let Some(needs) = tool.needs() else { return Vec::new() };
    (0..scene.devices.len()).filter(|&at| scene.devices[at].can.has(needs)).collect()
}

/// The devices that selectors hold and that can serve a tool.
pub(super) fn selected(scene: &Scene, tool: Builtin, selectors: &[Selector]) -> Vec<usize> {
    capable(scene, tool).into_iter().filter(|&at| selectors.iter().any(|s| s.holds(scene, at))).collect()
}

/// Several things as people string them together.
pub(super) fn string_up(rng: &mut Rng, said: &[String]) -> Option<String> {
    let (last, head) = said.split_last()?;
    let Some(first) = head.first() else { return Some(last.clone()) };
    if head.len() == 1 && rng.chance(0.3) {
        return Some(match rng.below(9) {
            0 | 1 => format!("both {first} and {last}"),
            2 => format!("not only {first} but also {last}"),
            3 => format!("not just {first} but {last} too"),
            4 => format!("{first} (and {last})"),
            5 => format!("{first}, and {last} too"),
            6 => format!("{first}, {last} as well"),
            7 => format!("{first} and {last} both"),
            _ => format!("{first} and {last} together"),
        });
    }
    let and = *rng.pick(&[
        " and ",
        " and ",
        " and ",
        " and ",
        ", and ",
        ", ",
        " as well as ",
        " plus ",
        " and also ",
        " along with ",
        " together with ",
        " + ",
        " & ",
    ]);
    let comma = if and == " + " || (and == " and " && rng.chance(0.2)) { and } else { ", " };
    Some(format!("{}{and}{last}", head.join(comma)))
}

/// Devices of which these are all that end in the same word: the word, and who.
fn namesakes(rng: &mut Rng, scene: &Scene, able: &[usize]) -> Option<(String, Vec<usize>)> {
    let ending = |at: usize| scene.devices[at].name.rsplit(' ').next().unwrap_or_default();
    let noun = ending(*rng.pick(able));
    // Numbers and letters stand behind the noun.
    let (noun, tail) = if noun.len() < 2 || noun.parse::<f64>().is_ok() {
        let device = &scene.devices[*rng.pick(able)];
        (device.name.rsplit(' ').nth(1)?, true)
    } else {
        (noun, false)
    };
    if noun.len() < 3 {
        return None;
    }
    let holds = |device: &Device| {
        let mut words = device.name.rsplit(' ');
        words.next() == Some(noun) || (tail && words.next() == Some(noun))
    };
    let all: Vec<usize> = (0..scene.devices.len()).filter(|&at| holds(&scene.devices[at])).collect();
    (all.len() > 1 && all.len() <= MOST_LISTED && all.iter().all(|at| able.contains(at)))
        .then(|| (noun.to_owned(), all))
}

/// What stands before the shared word in a device's name, or behind it ("pump 2").
fn modifier<'a>(device: &'a Device, noun: &str) -> Option<&'a str> {
    let name = device.name.as_str();
    let front = name
        .strip_suffix(noun)
        .or_else(|| name.rsplit_once(' ').filter(|(rest, _)| rest.ends_with(noun)).map(|(_, tail)| tail));
    front.map(str::trim).filter(|rest| !rest.is_empty())
}

/// Devices that share a word, said once: "the left and right spots", "both spots", "pumps 1 to 3".
pub(super) fn alike(rng: &mut Rng, scene: &Scene, able: &[usize]) -> Option<Said> {
    let (noun, all) = namesakes(rng, scene, able)?;
    let many = plural(&noun);
    if all.len() > 2 && rng.chance(0.4) || rng.chance(0.5) {
        // Some of them by their own words; the plural is what the matcher marks.
        let mut chosen = all.clone();
        if chosen.len() > 2 {
            rng.shuffle(&mut chosen);
            chosen.truncate(rng.range(2, all.len() - 1));
        }
        let own: Option<Vec<String>> =
            chosen.iter().map(|&at| modifier(&scene.devices[at], &noun).map(str::to_owned)).collect();
        let own = own?;
        let behind = chosen.iter().all(|&at| !scene.devices[at].name.ends_with(&noun));
        let together = own.join(if own.len() == 2 { " and " } else { ", " });
        let together = match own.split_last() {
            Some((last, head)) if head.len() > 1 => format!("{} and {last}", head.join(", ")),
            _ => together,
        };
        let word = if rng.chance(0.7) { many.as_str() } else { noun.as_str() };
        let text = match (behind, rng.below(4)) {
            (true, _) => format!("{word} {together}"),
            (false, 0) => format!("{together} {word}"),
            (false, 1) if own.len() == 2 => format!("both the {together} {word}"),
            (false, 2) if own.len() == 2 => format!("the {} {noun} and the {} one", own[0], own[1]),
            (false, _) => format!("the {together} {word}"),
        };
        let selectors: Vec<Selector> = chosen.into_iter().map(Selector::Device).collect();
        return sound(scene, &text, &selectors).then_some((text, selectors));
    }
    const COUNTS: [&str; 6] = ["", "", "two", "three", "four", "five"];
    let count = COUNTS[all.len()];
    let text = match (all.len(), rng.below(8)) {
        (2, 0..=2) => format!("both {many}"),
        (2, 3) => format!("both of the {many}"),
        (2, 4) => format!("both the {many}"),
        (_, 0..=2) => format!("all {count} {many}"),
        (_, 3 | 4) => format!("all the {many}"),
        (_, 5) => format!("the {count} {many}"),
        (_, 6) => format!("every {noun}"),
        _ => format!("the {many}"),
    };
    let selectors = whole(scene, &text, &all)?;
    sound(scene, &text, &selectors).then_some((text, selectors))
}

/// "the right one", of a device that was named beside its namesake.
pub(super) fn the_one(scene: &Scene, before: usize, at: usize) -> Option<String> {
    let noun = scene.devices[at].name.rsplit_once(' ')?.1;
    let text = format!("the {} one", modifier(&scene.devices[at], noun)?);
    (scene.devices[before].name.ends_with(noun) && means(scene, &text, at)).then_some(text)
}

/// These devices as the matcher sees words for all of them: the kind when it is marked and has no other members, else
/// one by one.
fn whole(scene: &Scene, text: &str, all: &[usize]) -> Option<Vec<Selector>> {
    let marks = marks(scene, text);
    let of_kind = marks.iter().find_map(|mark| match mark {
        Mark::Kind(kind) => {
            let kin = Selector::Group(Group { kind: Some(*kind), ..Group::default() });
            let members: Vec<usize> = (0..scene.devices.len()).filter(|&at| kin.holds(scene, at)).collect();
            (members == all).then(|| vec![kin])
        }
        _ => None,
    });
    let one_by_one = || {
        let marked = (0..scene.devices.len()).filter(|&at| marks.contains(&Mark::Device(at)));
        marked.eq(all.iter().copied()).then(|| all.iter().copied().map(Selector::Device).collect())
    };
    of_kind.or_else(one_by_one)
}

/// Some devices that can serve a tool, and their words.
pub(super) fn targets(rng: &mut Rng, scene: &Scene, tool: Builtin) -> Option<Said> {
    let able = capable(scene, tool);
    if able.is_empty() {
        return None;
    }
    (0..3).find_map(|_| some_targets(rng, scene, tool, &able))
}

fn some_targets(rng: &mut Rng, scene: &Scene, tool: Builtin, able: &[usize]) -> Option<Said> {
    match rng.weighted(&[44, 14, 26, 10, 6]) {
        1 if able.len() > 1 => {
            let mut chosen = able.to_vec();
            rng.shuffle(&mut chosen);
            chosen.truncate(2 + rng.weighted(&[68, 22, 8, 2]));
            let said: Vec<String> = chosen.iter().map(|&at| mention(rng, scene, at)).collect();
            let text = string_up(rng, &said)?;
            let selectors: Vec<Selector> = chosen.into_iter().map(Selector::Device).collect();
            reachable(scene, &text, &selectors).then_some((text, selectors))
        }
        2 => group(rng, scene, tool),
        3 => alike(rng, scene, able),
        4 => two_groups(rng, scene, tool),
        _ => one(rng, scene, able),
    }
}

/// One of these devices.
pub(super) fn one(rng: &mut Rng, scene: &Scene, able: &[usize]) -> Option<Said> {
    if able.is_empty() {
        return None;
    }
    let at = *rng.pick(able);
    Some((mention(rng, scene, at), vec![Selector::Device(at)]))
}

/// A made-up neighbour of a device here: same sort of thing, other word before it or number behind it.
pub(super) fn sibling(rng: &mut Rng, scene: &Scene) -> Option<(String, usize)> {
    if scene.devices.is_empty() {
        return None;
    }
    let at = rng.below(scene.devices.len());
    let device = &scene.devices[at];
    let (head, tail) = device.name.rsplit_once(' ')?;
    let name = if let Ok(number) = tail.parse::<usize>() {
        format!("{head} {}", number + rng.range(1, 7))
    } else {
        let nouns =
            rng.lexicon().nouns.iter().find(|(kind, _)| *kind == device.kind).map(|(_, nouns)| nouns)?;
        let other = nouns.iter().filter(|noun| noun.rsplit(' ').next() == Some(tail) && **noun != tail);
        let other: Vec<&&str> = other.collect();
        match rng.below(3) {
            0 if !other.is_empty() => (**rng.pick(&other)).to_owned(),
            1 => format!("{} {tail}", rng.pick(&rng.lexicon().areas)),
            _ => format!("{} {tail}", rng.pick(&rng.lexicon().adjectives)),
        }
    };
    let other = name.rsplit_once(' ')?.0;
    let known = |word: &str| {
        let holds = |name: &str| name.split(' ').any(|known| known == word);
        scene.devices.iter().any(|device| {
            holds(&device.name)
                || device.aliases.iter().any(|alias| holds(alias))
                || device.area.as_deref().is_some_and(holds)
        })
    };
    let number = tail.parse::<usize>().is_ok();
    let fresh = if number {
        !scene.devices.iter().any(|device| device.name == name || device.aliases.contains(&name))
    } else {
        !other.split(' ').any(known)
    };
    fresh.then_some((name, at))
}

/// A known thing in a known place where there is none of its family.
pub(super) fn misplaced(rng: &mut Rng, scene: &Scene) -> Option<(String, usize)> {
    if scene.devices.is_empty() || scene.areas.is_empty() {
        return None;
    }
    let (at, area) = (rng.below(scene.devices.len()), rng.below(scene.areas.len()));
    let kin = family(&scene.devices[at].kind);
    let there = |device: &Device| scene.area_of(device) == Some(area) && family(&device.kind) == kin;
    let place = &scene.areas[area];
    let clash = |device: &Device| {
        device.name.contains(place.as_str()) || device.aliases.iter().any(|a| a.contains(place.as_str()))
    };
    if scene.devices[at].area.is_none()
        || scene.devices.iter().any(|device| there(device) || clash(device) && family(&device.kind) == kin)
    {
        return None;
    }
    let word = kind_words()
        .find(|(kind, _)| *kind == scene.devices[at].kind)
        .and_then(|(_, mut words)| words.next())?;
    let text = if rng.chance(0.5) { format!("{word} in the {place}") } else { format!("{place} {word}") };
    Some((text, at))
}
