//! Groups and what is left out of them: "the lights in the hall", "everything except the fans".

use crate::link::kind_words;
use crate::prompt::{Group, Scene, Selector};
use crate::tool::Builtin;

use super::rng::Rng;
use super::who::{Said, alike, capable, mention, plural, reachable, selected, sound};

/// Words before an exception.
pub(super) const BUT: &[&str] = &[
    " except ",
    " but ",
    " apart from ",
    " other than ",
    " but not ",
    " except for ",
    ", just not ",
    " save for ",
    " excluding ",
    ", not ",
    " bar ",
    " without ",
    " minus ",
    " and not ",
    " aside from ",
    " besides ",
    ", except ",
    ", but not ",
    " with the exception of ",
    " (not ",
    " (except ",
    " but for ",
    ", leaving out ",
    ", only not ",
];

/// The whole place, where somebody lives, works or sails.
pub(super) const EVERYWHERE: &[&str] = &[
    "everywhere",
    "in the house",
    "in here",
    "in the building",
    "on the boat",
    "in the van",
    "in the whole house",
    "around the house",
    "on board",
    "in the place",
    "anywhere",
    "throughout",
    "in the entire place",
    "on site",
    "we have",
    "in the flat",
    "that there are",
    "you can find",
    "in the shop",
];

/// Words for all devices.
const EVERY: &[&str] = &[
    "everything",
    "everything",
    "everything",
    "all devices",
    "all of it",
    "the lot",
    "every device",
    "all",
    "every single thing",
    "every last thing",
    "the whole lot",
    "all things",
    "all the devices",
    "anything",
    "all of them",
];

/// A word for a kind that is no part of any device's name: there it would mean those devices.
pub(super) fn kind_noun(rng: &mut Rng, scene: &Scene, kind: usize) -> String {
    let name = scene.kinds[kind].as_str();
    let words: Vec<&str> =
        kind_words().find(|(known, _)| *known == name).map_or(vec![name], |(_, words)| words.collect());
    let word = if rng.chance(0.7) { name } else { *rng.pick(&words) };
    let free = scene
        .devices
        .iter()
        .all(|device| !device.name.contains(word) && !device.aliases.iter().any(|a| a.contains(word)));
    plural(if free { word } else { name })
}

/// Singular again, of a noun that `plural` made.
fn one_of(noun: &str) -> &str {
    noun.strip_suffix('s').unwrap_or(noun)
}

fn the(rng: &mut Rng, noun: &str) -> String {
    match rng.below(7) {
        0 | 1 => format!("all {noun}"),
        2 => format!("all the {noun}"),
        3 => format!("all of the {noun}"),
        4 | 5 => format!("the {noun}"),
        _ => noun.to_owned(),
    }
}

/// Words for all of a kind, of an area, of both, or for everything.
pub(super) fn group_words(rng: &mut Rng, scene: &Scene, kind: Option<usize>, area: Option<usize>) -> String {
    let noun = kind.map(|kind| kind_noun(rng, scene, kind));
    let place = area.map(|area| scene.areas[area].as_str());
    let in_the =
        |rng: &mut Rng| *rng.pick(&["in the", "in the", "in", "of the", "at the", "on the", "inside the"]);
    match (&noun, place) {
        (Some(noun), Some(place)) => match rng.below(8) {
            0 | 1 => the(rng, &format!("{place} {noun}")),
            2 => format!("every {} {} {place}", one_of(noun), in_the(rng)),
            3 => format!("every {place} {}", one_of(noun)),
            4 => match rng.below(3) {
                0 => format!("just the {noun} {} {place}", in_the(rng)),
                1 => format!("only the {place} {noun}"),
                _ => format!("the {place} {noun} only"),
            },
            5 => format!("any {} {} {place}", if rng.chance(0.5) { noun } else { one_of(noun) }, in_the(rng)),
            _ => format!("{} {} {place}", the(rng, noun), in_the(rng)),
        },
        (Some(noun), None) => match rng.below(8) {
            0 => format!("every {}", one_of(noun)),
            1 => format!("every {} {}", one_of(noun), rng.pick(EVERYWHERE)),
            2 | 3 => format!("{} {}", the(rng, noun), rng.pick(EVERYWHERE)),
            4 => format!("every single {}", one_of(noun)),
            _ => the(rng, noun),
        },
        (None, Some(place)) => match rng.below(9) {
            0 | 1 => format!("the {} {place}", rng.pick(&["whole", "entire", "complete"])),
            2 => format!("{} {place}", rng.pick(&["the", "the", ""])),
            3 => format!("all that's in the {place}"),
            4 => format!("{} in the {place}", rng.pick(&["anything that's", "whatever is", "all there is"])),
            5 => format!("{} that's in the {place}", rng.pick(EVERY)),
            _ => format!("{} {} {place}", rng.pick(EVERY), in_the(rng)),
        },
        (None, None) => {
            let all = *rng.pick(EVERY);
            if rng.chance(0.25) { format!("{all} {}", rng.pick(EVERYWHERE)) } else { all.to_owned() }
        }
    }
}

/// The selector of a kind: the only one of its kind is linked as a device.
pub(super) fn of_kind(scene: &Scene, kind: usize) -> Selector {
    let kin = Selector::Group(Group { kind: Some(kind), ..Group::default() });
    let mut members = (0..scene.devices.len()).filter(|&at| kin.holds(scene, at));
    match (members.next(), members.next()) {
        (Some(only), None) => Selector::Device(only),
        _ => kin,
    }
}

/// One thing left out of a group, and its words.
pub(super) fn exception(
    rng: &mut Rng,
    scene: &Scene,
    group: &Group,
    members: &[usize],
) -> Option<(String, Vec<Selector>)> {
    match rng.below(9) {
        0 if group.area.is_none() && !scene.areas.is_empty() => {
            let out = rng.below(scene.areas.len());
            let words = *rng.pick(&[
                "the {}",
                "the {}",
                "what's in the {}",
                "the ones in the {}",
                "those in the {}",
                "the {} ones",
            ]);
            Some((
                words.replace("{}", &scene.areas[out]),
                vec![Selector::Group(Group { area: Some(out), ..Group::default() })],
            ))
        }
        1 | 2 if group.kind.is_none() => {
            let out = rng.below(scene.kinds.len());
            Some((format!("the {}", kind_noun(rng, scene, out)), vec![of_kind(scene, out)]))
        }
        3 => alike(rng, scene, members).filter(|(_, out)| {
            out.len() <= 3 && out.iter().all(|s| matches!(s, Selector::Device(_)) || group.kind.is_none())
        }),
        _ => {
            let out = *rng.pick(members);
            Some((mention(rng, scene, out), vec![Selector::Device(out)]))
        }
    }
}

/// A group drawn by its form, and the devices of it that can serve a tool.
pub(super) fn some_group(rng: &mut Rng, scene: &Scene, tool: Builtin) -> Option<(Group, Vec<usize>)> {
    let able = capable(scene, tool);
    let form = rng.weighted(&[30, 28, 18, 10]);
    let kind = (form <= 1 && !scene.kinds.is_empty()).then(|| rng.below(scene.kinds.len()));
    let area = (matches!(form, 0 | 2) && !scene.areas.is_empty()).then(|| rng.below(scene.areas.len()));
    if (form <= 1 && kind.is_none()) || (matches!(form, 0 | 2) && area.is_none()) {
        return None;
    }
    let group = Group { kind, area, except: Vec::new() };
    let whole = Selector::Group(group.clone());
    let members: Vec<usize> = able.into_iter().filter(|&at| whole.holds(scene, at)).collect();
    (!members.is_empty() && (form != 3 || members.len() > 1)).then_some((group, members))
}

/// Leaves `out` out of a group; `None` when that leaves nothing, or nothing out.
pub(super) fn less(scene: &Scene, group: &Group, members: &[usize], out: Vec<Selector>) -> Option<Group> {
    let rest = Group { except: out, ..group.clone() };
    let left = Selector::Group(rest.clone());
    let kept = members.iter().filter(|&&at| left.holds(scene, at)).count();
    (rest.except.len() <= 4 && kept > 0 && kept < members.len()).then_some(rest)
}

/// A group of capable devices and its words; `None` when the draw fits nothing here.
pub(super) fn group(rng: &mut Rng, scene: &Scene, tool: Builtin) -> Option<Said> {
    let (mut group, members) = some_group(rng, scene, tool)?;
    let mut text = group_words(rng, scene, group.kind, group.area);
    if let Some(kind) = group.kind
        && let Selector::Device(only) = of_kind(scene, kind)
    {
        let selectors = vec![Selector::Device(only)];
        return reachable(scene, &text, &selectors).then_some((text, selectors));
    }
    let all = group.kind.is_none() && group.area.is_none();
    if members.len() > 1 && rng.chance(if all { 0.7 } else { 0.28 }) {
        let but = *rng.pick(BUT);
        let mut said = Vec::new();
        let mut out: Vec<Selector> = Vec::new();
        for _ in 0..rng.weighted(&[0, 76, 20, 4]) {
            let (words, which) = exception(rng, scene, &group, &members)?;
            if which.iter().any(|which| out.contains(which)) {
                return None;
            }
            said.push(words);
            out.extend(which);
        }
        let or = *rng.pick(&[" and ", " and ", " or "]);
        text.push_str(but);
        text.push_str(&said.join(or));
        if but.contains('(') {
            text.push(')');
        }
        group = less(scene, &group, &members, out)?;
    }
    let selectors = vec![Selector::Group(group)];
    sound(scene, &text, &selectors).then_some((text, selectors))
}

/// Two groups at once: one kind in two areas, two kinds in one area, or two areas.
pub(super) fn two_groups(rng: &mut Rng, scene: &Scene, tool: Builtin) -> Option<Said> {
    let pair = |rng: &mut Rng, of: usize| {
        let (a, b) = (rng.below(of), rng.below(of));
        (a != b).then_some((a, b))
    };
    let form = rng.below(4);
    let (text, groups) = match form {
        0 | 1 => {
            let (a, b) = pair(rng, scene.areas.len())?;
            let kind = (!scene.kinds.is_empty() && form == 0).then(|| rng.below(scene.kinds.len()));
            let (x, y) = (&scene.areas[a], &scene.areas[b]);
            let and = *rng.pick(&["and", "and", "and the", "and", "as well as the", "plus the"]);
            let text = match kind.map(|kind| kind_noun(rng, scene, kind)) {
                Some(noun) => match rng.below(4) {
                    0 => format!("the {x} {and} {y} {noun}"),
                    1 => format!("{x} and {y} {noun}"),
                    2 => format!("{} in the {x} {and} {y}", the(rng, &noun)),
                    _ => format!("{} in both the {x} and the {y}", the(rng, &noun)),
                },
                None => match rng.below(3) {
                    0 => format!("the {x} and the {y}"),
                    _ => format!("{} in the {x} {and} {y}", rng.pick(EVERY)),
                },
            };
            (text, [(kind, Some(a)), (kind, Some(b))])
        }
        _ => {
            let (a, b) = pair(rng, scene.kinds.len())?;
            let area = (!scene.areas.is_empty() && form == 3).then(|| rng.below(scene.areas.len()));
            let (x, y) = (kind_noun(rng, scene, a), kind_noun(rng, scene, b));
            let place = area.map_or(String::new(), |area| format!(" in the {}", scene.areas[area]));
            let text = match rng.below(3) {
                0 => format!("{} and the {y}{place}", the(rng, &x)),
                1 => format!("all {x} and {y}{place}"),
                _ => format!("the {x} and {y}{place}"),
            };
            (text, [(Some(a), area), (Some(b), area)])
        }
    };
    let mut selectors = Vec::new();
    for (kind, area) in groups {
        let selector = match (kind, area) {
            (Some(kind), None) => of_kind(scene, kind),
            _ => Selector::Group(Group { kind, area, except: Vec::new() }),
        };
        if selected(scene, tool, std::slice::from_ref(&selector)).is_empty() {
            return None;
        }
        selectors.push(selector);
    }
    sound(scene, &text, &selectors).then_some((text, selectors))
}
