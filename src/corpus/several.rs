//! Requests for several actions: joined, with a shared verb, with waits and pronouns between them.

use crate::prompt::{Scene, Selector, Step};
use crate::tool::Builtin;

use super::generator::part;
use super::group::{EVERYWHERE, kind_noun, less, some_group};
use super::measure::measured;
use super::request::{Draft, builtin, say_duration, say_percent};
use super::rng::Rng;
use super::tools::SaidTool;
use super::who::{capable, mention, one, reachable, selected, targets, the_one};

/// Words between two actions.
const CONNECTORS: &[&str] = &[
    " and ",
    " and ",
    " and ",
    " and ",
    " and then ",
    ", ",
    ", ",
    ", then ",
    " then ",
    ", and ",
    "; ",
    " and also ",
    ". ",
    ", after that ",
    " plus ",
    " & ",
    ", also ",
    ". also ",
    " as well as ",
    ", and while you're at it ",
    ". while you're at it, ",
    " oh and ",
    ", oh and also ",
    ". oh, and ",
    ". then ",
    ". after that ",
    " and after that ",
    ", next ",
    " + ",
    ", plus ",
    " and while you are there ",
    ", when that's done ",
    " followed by ",
    ". next, ",
    " afterwards ",
    ", in addition ",
    ", but ",
    " but ",
    " and while you're at it ",
    ", while you're at it ",
    ", and while you are at it, ",
    ", and also ",
    ", and then ",
    ", and after that ",
    " and plus ",
    ", and, um, ",
    " and, er, ",
    ", oh, and ",
    "... oh, and ",
    "... and ",
    "... then ",
    ". and ",
    ". and then ",
    ". also, ",
    ". plus ",
    ". next ",
    ", that done, ",
    " and in the same go ",
    " and at the same time ",
    ", at the same time ",
    ", and likewise ",
    ", besides ",
    ", besides that ",
    ", apart from that ",
    ", on top of that ",
    ", and on top of it ",
    ", as well as that ",
    ", moreover ",
    ", additionally ",
    ", not forgetting: ",
    ", and don't forget: ",
    ", and please ",
    ", then please ",
    " and if you would, ",
    ", and secondly ",
    ". another thing: ",
    ". one more thing: ",
    ". oh, one more thing: ",
    " -- ",
    " - then ",
    " - and ",
    " / ",
    " -> ",
];

/// What is said between an action and the one after a pause; `{}` is its length.
const PAUSES: &[&str] = &[
    ", wait {}",
    ", wait {}",
    ", wait for {}",
    ", give it {}",
    " and wait {}",
    ", pause for {}",
    ", hold on {}",
    ". wait {}",
    ", leave it {}",
    ", let {} go by",
    ", let {} pass",
    ", rest {}",
    ", sleep {}",
    ". pause {}",
    "... {}...",
    ", hang on {}",
    ", allow {}",
    ", count off {}",
    ", a pause of {}",
];

pub(super) fn step(tool: Builtin, selectors: Vec<Selector>, amounts: Vec<Option<usize>>) -> Step {
    Step::Devices { tool, down: false, selectors, amounts }
}

/// Consecutive actions of one tool without amounts of their own are one action on all their devices.
fn merged(scene: &Scene, steps: Vec<Step>) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    for step in steps {
        if let Step::Devices { tool, down, selectors, amounts } = &step
            && let Some(Step::Devices { tool: before, down: downwards, selectors: theirs, amounts: said }) =
                out.last_mut()
            && tool == before
            && down == downwards
            && amounts.iter().chain(said.iter()).all(Option::is_none)
        {
            let (a, b) = (selected(scene, *tool, theirs), selected(scene, *tool, selectors));
            if !a.iter().any(|at| b.contains(at)) {
                theirs.extend(selectors.iter().cloned());
                continue;
            }
        }
        out.push(step);
    }
    out
}

/// Whether all that a draft selects can be chosen when its text is said.
pub(super) fn can_be_meant(scene: &Scene, draft: &Draft) -> bool {
    draft.steps.iter().all(|step| match step {
        Step::Devices { selectors, .. } => reachable(scene, &draft.text, selectors),
        _ => true,
    })
}

/// Draws of one request before a scene is given up: a sentence of many parts fits seldom at once.
const TRIES: usize = 6;

/// A request for several actions.
pub(super) fn several(rng: &mut Rng, scene: &Scene, said: &[SaidTool]) -> Option<Draft> {
    (0..TRIES).find_map(|_| drawn(rng, scene, said))
}

fn drawn(rng: &mut Rng, scene: &Scene, said: &[SaidTool]) -> Option<Draft> {
    let mut draft = match rng.weighted(&[50, 20, 13, 6, 5, 6]) {
        0 => joined(rng, scene, said)?,
        1 => shared_verb(rng, scene)?,
        2 => sequence(rng, scene, said)?,
        3 => reads(rng, scene)?,
        4 => and_the_rest(rng, scene)?,
        _ => chain(rng, scene)?,
    };
    draft.steps = merged(scene, draft.steps);
    can_be_meant(scene, &draft).then_some(draft)
}

fn joined(rng: &mut Rng, scene: &Scene, said: &[SaidTool]) -> Option<Draft> {
    let count = 2 + rng.weighted(&[62, 27, 11]);
    let mut out = part(rng, scene, said, false)?;
    let first = rng.chance(0.08);
    if first {
        out.text = format!("{} {}", rng.pick(&["first", "first", "first of all,", "to start,"]), out.text);
    }
    for at in 1..count {
        let last = at + 1 == count;
        let next = part(rng, scene, said, last)?;
        // Few people speak of the same thing twice without a wait.
        if touched(scene, &next).iter().any(|at| touched(scene, &out).contains(at)) && rng.chance(0.85) {
            return None;
        }
        let connector = if first && rng.chance(0.7) {
            *rng.pick(&[", then ", " then ", " and then ", ", second ", ", after that ", ", next "])
        } else if last && count > 2 && rng.chance(0.3) {
            *rng.pick(&[" and finally ", ", and finally ", " and ", ", and "])
        } else if !last && rng.chance(0.5) {
            ", "
        } else {
            *rng.pick(CONNECTORS)
        };
        out.join(next, connector);
    }
    out.question = false;
    Some(out)
}

/// The devices that a draft's steps are about.
fn touched(scene: &Scene, draft: &Draft) -> Vec<usize> {
    let about = |step: &Step| match step {
        Step::Devices { tool, selectors, .. } => selected(scene, *tool, selectors),
        _ => Vec::new(),
    };
    draft.steps.iter().flat_map(about).collect()
}

/// A state as a word behind what is in it; what hangs or rolls also goes up and down.
fn state(rng: &mut Rng, tool: Builtin, hangs: bool) -> &'static str {
    let words: &[&str] = match tool {
        Builtin::On => &["on"],
        Builtin::Off => &["off", "off", "off", "out"],
        Builtin::Open if hangs => &["open", "up"],
        Builtin::Open => &["open"],
        _ if hangs => &["closed", "shut", "down"],
        _ => &["closed", "shut"],
    };
    rng.pick::<&str>(words)
}

/// Whether all of these go up and down.
fn all_hang(scene: &Scene, devices: &[usize]) -> bool {
    let hangs = ["blind", "curtain", "shutter", "awning", "garage"];
    devices.iter().all(|&at| hangs.contains(&scene.devices[at].kind.as_str()))
}

/// "A on, B off, C to 40": two to four things with what is to become of each, the verb at most once.
fn shared_verb(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    if rng.chance(0.12) {
        return twins(rng, scene);
    }
    let mut draft = Draft::default();
    let count = 2 + rng.weighted(&[68, 24, 8]);
    // Covers among themselves, and what is switched or dimmed among itself.
    let covers = rng.chance(0.3);
    let levels = rng.chance(0.45);
    let to = *rng.pick(&["to ", "to ", "at ", "on ", "", "= ", "to "]);
    let mut pieces: Vec<(String, Builtin)> = Vec::new();
    let mut taken: Vec<usize> = Vec::new();
    for _ in 0..count {
        let tool = if covers {
            *rng.pick(&[Builtin::Open, Builtin::Close])
        } else if levels && rng.chance(0.65) {
            Builtin::SetLevel
        } else {
            *rng.pick(&[Builtin::On, Builtin::Off])
        };
        if !scene.has(tool) {
            return None;
        }
        let able = capable(scene, tool);
        let kin = taken.last().and_then(|&last| {
            let free = able.iter().copied().filter(|at| !taken.contains(at));
            free.filter_map(|at| Some((the_one(scene, last, at)?, vec![Selector::Device(at)]))).next()
        });
        let (who, selectors) = match kin.filter(|_| rng.chance(0.4)) {
            Some(kin) => kin,
            None if rng.chance(0.6) => one(rng, scene, &able)?,
            None => targets(rng, scene, tool)?,
        };
        let chosen = selected(scene, tool, &selectors);
        if chosen.iter().any(|at| taken.contains(at)) {
            return None;
        }
        taken.extend(&chosen);
        if tool == Builtin::SetLevel {
            let value = 5.0 * rng.below(21) as f64;
            let fits = |&at: &usize| {
                let [least, most] = scene.devices[at].limits();
                (least..=most).contains(&value)
            };
            if !chosen.iter().all(fits) {
                return None;
            }
            draft.values.push(value);
            draft.steps.push(step(tool, selectors, vec![Some(draft.values.len() - 1)]));
            let said = say_percent(rng, value);
            pieces.push((format!("{who} {to}{said}"), tool));
        } else {
            draft.steps.push(step(tool, selectors, Vec::new()));
            let word = state(rng, tool, all_hang(scene, &chosen));
            pieces.push((format!("{who} {word}"), tool));
        }
    }
    let same = pieces.iter().all(|(_, tool)| *tool == pieces[0].1);
    let said: Vec<String> = pieces.iter().map(|(text, _)| text.clone()).collect();
    let and = *rng.pick(&[" and ", " and ", ", ", ", ", " but ", ", and ", "; ", " while ", " / "]);
    let (last, head) = said.split_last()?;
    let text = format!("{}{}{last}", head.join(", "), if and == " but " && same { " and " } else { and });
    let verb = match pieces[0].1 {
        Builtin::SetLevel => {
            *rng.pick(&["set ", "put ", "turn ", "bring ", "dim ", "move ", "", "", "have "])
        }
        Builtin::On | Builtin::Off => {
            *rng.pick(&["turn ", "switch ", "put ", "", "", "get ", "have ", "i want "])
        }
        _ => *rng.pick(&["", "", "", "get ", "have ", "i want ", "put "]),
    };
    draft.text = format!("{verb}{text}");
    Some(draft)
}

/// "turn off the left spot and on the right one", "A on and B off" with the verb before its things.
fn twins(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    let (first, second) = *rng.pick(&[(Builtin::On, Builtin::Off), (Builtin::Off, Builtin::On)]);
    if !scene.has(first) || !scene.has(second) {
        return None;
    }
    let ((a, x), (b, y)) = (targets(rng, scene, first)?, targets(rng, scene, second)?);
    if selected(scene, first, &x).iter().any(|at| selected(scene, second, &y).contains(at)) {
        return None;
    }
    let word = |tool| if tool == Builtin::On { "on" } else { "off" };
    let verb = *rng.pick(&["turn", "switch", "put", "flick"]);
    let text = format!(
        "{verb} {} {a}{}{} {b}",
        word(first),
        rng.pick(&[" and ", ", ", " but ", " and "]),
        word(second)
    );
    Some(Draft {
        text,
        steps: vec![step(first, x, Vec::new()), step(second, y, Vec::new())],
        ..Draft::default()
    })
}

/// "shut the hatch, the awning and the valve" with a verb each: "hatch shut, awning shut, valve open".
fn chain(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    let tool = *rng.pick(&[
        Builtin::On,
        Builtin::Off,
        Builtin::Open,
        Builtin::Close,
        Builtin::Toggle,
        Builtin::Stop,
    ]);
    let able = capable(scene, tool);
    if !scene.has(tool) || able.len() < 2 {
        return None;
    }
    let mut chosen = able;
    rng.shuffle(&mut chosen);
    chosen.truncate(rng.range(2, 4));
    let verbs: &[(&str, &str)] = match tool {
        Builtin::On => &[("turn on ", ""), ("", " on"), ("switch on ", ""), ("start ", ""), ("turn ", " on")],
        Builtin::Off => &[
            ("turn off ", ""),
            ("", " off"),
            ("switch off ", ""),
            ("kill ", ""),
            ("shut off ", ""),
            ("turn ", " off"),
        ],
        Builtin::Open => &[("open ", ""), ("", " open"), ("open up ", "")],
        Builtin::Close => &[("close ", ""), ("", " shut"), ("shut ", ""), ("", " closed")],
        Builtin::Toggle => &[("toggle ", ""), ("flip ", "")],
        _ => &[("stop ", ""), ("halt ", "")],
    };
    let same = rng.chance(0.6);
    let fixed = *rng.pick(verbs);
    let said: Vec<String> = chosen
        .iter()
        .map(|&at| {
            let (before, after) = if same { fixed } else { *rng.pick(verbs) };
            format!("{before}{}{after}", mention(rng, scene, at))
        })
        .collect();
    let (last, head) = said.split_last()?;
    let and = *rng.pick(&[" and ", ", ", ", and ", ". ", " and then ", ", then "]);
    let text = format!("{}{and}{last}", head.join(", "));
    let steps = chosen.into_iter().map(|at| step(tool, vec![Selector::Device(at)], Vec::new())).collect();
    Some(Draft { text, steps, ..Draft::default() })
}

/// "temperature and humidity please", "how warm is the water and is the hatch open".
fn reads(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    if !scene.has(Builtin::Read) {
        return None;
    }
    let ask = |rng: &mut Rng| match measured(rng, scene) {
        Some(draft) if rng.chance(0.7) => Some(draft),
        _ => builtin(rng, scene, Builtin::Read, false),
    };
    let mut out = ask(rng)?;
    for _ in 0..rng.weighted(&[0, 85, 15]) {
        let next = ask(rng)?;
        if next.steps.iter().any(|step| out.steps.contains(step)) {
            return None;
        }
        out.join(
            next,
            rng.pick::<&str>(&[
                " and ",
                " and ",
                " and ",
                ", and ",
                ", ",
                " plus ",
                "? ",
                "? and ",
                " & ",
                " and also ",
            ]),
        );
    }
    out.question = true;
    Some(out)
}

/// "turn A on and the rest off", "desk lamp on, all the other lights off".
fn and_the_rest(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    let (first, second) = *rng.pick(&[
        (Builtin::On, Builtin::Off),
        (Builtin::On, Builtin::Off),
        (Builtin::Off, Builtin::On),
        (Builtin::Open, Builtin::Close),
        (Builtin::Close, Builtin::Open),
    ]);
    if !scene.has(first) || !scene.has(second) {
        return None;
    }
    let (group, members) = some_group(rng, scene, second)?;
    let able: Vec<usize> = members.iter().copied().filter(|at| capable(scene, first).contains(at)).collect();
    let (who, selectors) = one(rng, scene, &able)?;
    let rest = less(scene, &group, &members, selectors.clone())?;
    let place = group.area.map_or(String::new(), |area| format!(" in the {}", scene.areas[area]));
    let rest_said = match group.kind {
        Some(kind) => {
            let noun = kind_noun(rng, scene, kind);
            match rng.below(4) {
                0 => format!("the other {noun}{place}"),
                1 => format!("all other {noun}{place}"),
                2 => format!("the rest of the {noun}{place}"),
                _ => format!("all the other {noun}{place}"),
            }
        }
        None => {
            let words = *rng.pick(&[
                "everything else",
                "the rest",
                "all the rest",
                "all else",
                "all the others",
                "everything else",
            ]);
            let place = if place.is_empty() && rng.chance(0.15) {
                format!(" {}", rng.pick(EVERYWHERE))
            } else {
                place
            };
            format!("{words}{place}")
        }
    };
    let (x, y) = (state(rng, first, false), state(rng, second, false));
    let verb = match first {
        Builtin::On | Builtin::Off => *rng.pick(&["turn ", "switch ", "put ", "", ""]),
        _ => "",
    };
    let and = *rng.pick(&[" and ", ", ", " but ", ", and "]);
    let steps =
        vec![step(first, selectors, Vec::new()), step(second, vec![Selector::Group(rest)], Vec::new())];
    Some(Draft { text: format!("{verb}{who} {x}{and}{rest_said} {y}"), steps, ..Draft::default() })
}

/// "turn on A, wait five seconds and turn it off again"; something else may come after the wait too.
fn sequence(rng: &mut Rng, scene: &Scene, said: &[SaidTool]) -> Option<Draft> {
    let (first, then) = *rng.pick(&[
        (Builtin::On, Builtin::Off),
        (Builtin::On, Builtin::Off),
        (Builtin::Off, Builtin::On),
        (Builtin::Open, Builtin::Close),
        (Builtin::Close, Builtin::Open),
    ]);
    if ![first, then, Builtin::Wait].into_iter().all(|tool| scene.has(tool)) {
        return None;
    }
    let (who, selectors) = targets(rng, scene, first)?;
    let (seconds, time) = say_duration(rng);
    let verb = |rng: &mut Rng, tool: Builtin, what: &str| match tool {
        Builtin::On | Builtin::Off => {
            let word = if tool == Builtin::On { "on" } else { "off" };
            match rng.below(6) {
                0 => format!("{} {word} {what}", rng.pick(&["turn", "switch", "put"])),
                1 => format!("{what} {word}"),
                _ => format!("{} {what} {word}", rng.pick(&["turn", "switch", "put", "turn"])),
            }
        }
        Builtin::Open => format!("open {what}"),
        _ => format!("{} {what}", rng.pick(&["close", "shut"])),
    };
    let a = verb(rng, first, &who);
    let mut draft = Draft { values: vec![seconds], ..Draft::default() };
    draft.steps = vec![step(first, selectors.clone(), Vec::new()), Step::Wait(0)];
    let pause = rng.pick(PAUSES).replace("{}", &time);
    // Another action after the wait.
    if rng.chance(0.3) {
        let next = part(rng, scene, said, true)?;
        draft.text = format!("{a}{pause}");
        draft.join(next, rng.pick::<&str>(&[" and ", ", then ", " and then ", ", ", ". then ", " then "]));
        draft.question = false;
        return Some(draft);
    }
    let several = selected(scene, first, &selectors).len() > 1;
    let it = if several {
        *rng.pick(&["them", "them", "it all", "those"])
    } else {
        *rng.pick(&["it", "it", "it", "that"])
    };
    let again = *rng.pick(&["", " again", " again", " back", ""]);
    let back = match (then, rng.below(6)) {
        (Builtin::On, 0) => format!("back on{}", if again == " again" { again } else { "" }),
        (Builtin::Off, 0) => "off again".to_owned(),
        (Builtin::On | Builtin::Off, _) => {
            let word = if then == Builtin::On { "on" } else { "off" };
            match again {
                " back" => format!("{} {it} back {word}", rng.pick(&["turn", "switch", "put"])),
                _ => format!("{} {it} {word}{again}", rng.pick(&["turn", "switch", "put"])),
            }
        }
        (Builtin::Open, 0) => "open again".to_owned(),
        (Builtin::Open, _) => format!("open {it}{}", if again == " back" { " back up" } else { again }),
        (_, 0) => "shut again".to_owned(),
        _ => format!(
            "{} {it}{}",
            rng.pick(&["close", "shut"]),
            if again == " back" { " back up" } else { again }
        ),
    };
    let word = if then == Builtin::On { "on" } else { "off" };
    draft.text = match rng.below(18) {
        0..=3 => format!("{a}{pause} {} {back}", rng.pick(&["and", "then", "and then"])),
        4 => format!("{a} and after {time} {back}"),
        5 => format!("{a}, {time} later {back}"),
        6 => format!("{a} and {back} after {time}"),
        7 => format!("{a}, then after {time} {back}"),
        8 => format!("{a} and {time} later {back}"),
        9 => format!("{a}, then {back} {time} later"),
        10 if matches!(first, Builtin::On | Builtin::Off) => {
            let now = if first == Builtin::On { "on" } else { "off" };
            format!("{who} {now}, wait, and {word} again: {time}")
        }
        11 => format!("{a} and {back} {time} after that"),
        12 => format!("{a} for {time}, then {back}"),
        13 => format!("{a} for {time} and {back}"),
        14 => format!("{a}. {time} later, {back}"),
        15 => format!("{a} now and {back} in {time}"),
        16 => format!("{a}, and in {time} {back}"),
        _ => format!("{a}, {back} in {time}"),
    };
    draft.steps.push(step(then, selectors, Vec::new()));
    Some(draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Device;
    use crate::prompt::Tool;

    fn scene() -> Scene {
        let devices = ["left spot", "right spot", "hatch"];
        let kinds = ["light", "light", "hatch"];
        let devices =
            devices.iter().zip(kinds).map(|(name, kind)| Device::of_kind(name, kind, None)).collect();
        Scene::new(Builtin::ALL.into_iter().map(Tool::Builtin).collect(), devices)
    }

    #[test]
    fn actions_of_one_tool_are_one_call() {
        let on = |at| step(Builtin::On, vec![Selector::Device(at)], Vec::new());
        let both = step(Builtin::On, vec![Selector::Device(0), Selector::Device(1)], Vec::new());
        assert_eq!(merged(&scene(), vec![on(0), on(1)]), [both]);
        let apart = vec![on(0), Step::Wait(0), on(1)];
        assert_eq!(merged(&scene(), apart.clone()), apart, "nothing moves across a wait");
        let blink = |at| step(Builtin::Blink, vec![Selector::Device(0)], vec![Some(at), None]);
        assert_eq!(merged(&scene(), vec![blink(0), blink(1)]).len(), 2, "each has its own number");
    }

    #[test]
    fn only_what_words_point_at_is_asked_for() {
        let about = |text: &str, at| {
            let steps = vec![step(Builtin::Open, vec![Selector::Device(at)], Vec::new())];
            can_be_meant(&scene(), &Draft { text: text.to_owned(), steps, ..Draft::default() })
        };
        assert!(about("open the hatch", 2));
        assert!(!about("open the hatch", 0));
        assert!(about("open sesame", 0), "where nothing is marked, nothing is ruled out");
    }
}
