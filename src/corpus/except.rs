//! Requests for all of a sort, or all but some.

use crate::link::Mark;
use crate::prompt::{Scene, Selector};
use crate::tool::Builtin;

use super::group::{EVERYWHERE, exception, group_words, kind_noun, less, of_kind, some_group};
use super::request::Draft;
use super::rng::Rng;
use super::several::{can_be_meant, step};
use super::who::{mention, one, string_up};

/// All but some things, the exception before or behind as a clause of its own: "leave the lamp on and turn the rest
/// off", "lights out everywhere", "whatever is on in the hall, off".
pub(super) fn all_but(rng: &mut Rng, scene: &Scene, tool: Builtin) -> Option<Draft> {
    let (group, members) = some_group(rng, scene, tool)?;
    let (word, verbs, kept): (&str, &[&str], &[&str]) = match tool {
        Builtin::On => ("on", &["turn", "switch"], &["off", "alone", "as it is", "out of it"]),
        Builtin::Off => {
            ("off", &["turn", "switch", "shut", "turn"], &["on", "alone", "running", "as it is", "be", "on"])
        }
        Builtin::Open => ("open", &["get", "have"], &["shut", "closed", "alone"]),
        Builtin::Close => ("shut", &["get", "have"], &["open", "alone", "as it is"]),
        _ => return None,
    };
    let whole = group_words(rng, scene, group.kind, group.area);
    let place = group.area.map_or(String::new(), |area| format!(" in the {}", scene.areas[area]));
    let lights = group.kind.is_some_and(|kind| scene.kinds[kind] == "light");
    if members.len() < 2 || rng.chance(0.3) {
        // Nothing left out.
        let mut forms =
            vec![format!("{whole} {word}"), format!("{word} with {whole}"), format!("i want {whole} {word}")];
        let night = *rng.pick(&[
            "bedtime",
            "good night",
            "night night",
            "we're closing",
            "we are off",
            "time for bed",
            "bye",
        ]);
        match tool {
            Builtin::Off => {
                forms.push(format!("{whole} off, {night}"));
                forms.push(format!("{night}, {whole} off"));
                if lights {
                    let lights = *rng.pick(&["lights", "all lights", "the lights"]);
                    let out = *rng.pick(&["out", "off", "out"]);
                    let at = if group.area.is_none() && rng.chance(0.5) {
                        format!(" {}", rng.pick(EVERYWHERE))
                    } else {
                        place.clone()
                    };
                    forms = vec![
                        format!("{lights} {out}{at}"),
                        format!("{lights} {out}{at}, {night}"),
                        format!("{night}, {lights} {out}{at}"),
                    ];
                } else if group.kind.is_none() && group.area.is_some() {
                    let on = *rng.pick(&[
                        "whatever is on",
                        "whatever's running",
                        "all that's on",
                        "anything that is on",
                        "everything that's still on",
                    ]);
                    forms = vec![
                        format!("{} off {on}{place}", rng.pick(verbs)),
                        format!("{on}{place}, {} it off", rng.pick(verbs)),
                        format!("nothing should be on{place}"),
                        format!("shut down everything{place}"),
                    ];
                }
            }
            Builtin::On if lights => {
                forms.push(format!("lights on{place}"));
                if group.area.is_none() {
                    forms.push(format!("lights on {}", rng.pick(EVERYWHERE)));
                }
            }
            _ => {}
        }
        let text = rng.pick(&forms).clone();
        let selector = match (group.kind, group.area) {
            (Some(kind), None) => of_kind(scene, kind),
            _ => Selector::Group(group),
        };
        return meant(scene, text, tool, vec![selector]);
    }
    let (out_said, out) = match rng.below(5) {
        0 if members.len() > 2 => {
            let mut two = members.clone();
            rng.shuffle(&mut two);
            two.truncate(2);
            let said: Vec<String> = two.iter().map(|&at| mention(rng, scene, at)).collect();
            (string_up(rng, &said)?, two.into_iter().map(Selector::Device).collect())
        }
        1 => exception(rng, scene, &group, &members)?,
        _ => one(rng, scene, &members)?,
    };
    let rest = less(scene, &group, &members, out)?;
    let kept = *rng.pick(kept);
    let verb = *rng.pick(verbs);
    let keep = match kept {
        "alone" | "be" | "as it is" | "out of it" => "leave",
        _ => *rng.pick(&["leave", "leave", "keep"]),
    };
    let others = match group.kind {
        Some(kind) => {
            let noun = kind_noun(rng, scene, kind);
            let words =
                *rng.pick(&["the other {}", "all other {}", "the rest of the {}", "all the other {}"]);
            format!("{}{place}", words.replace("{}", &noun))
        }
        None => {
            let words = *rng.pick(&[
                "everything else",
                "the rest",
                "all the rest",
                "everything else",
                "all else",
                "all the others",
            ]);
            format!("{words}{place}")
        }
    };
    let but = *rng.pick(&[
        "except for",
        "apart from",
        "but for",
        "except",
        "with the exception of",
        "other than",
        "aside from",
        "besides",
    ]);
    let text = match rng.below(14) {
        0 => format!("{but} {out_said}, {whole} {word}"),
        1 => format!("{but} {out_said} {verb} {whole} {word}"),
        2 => format!("{keep} {out_said} {kept} and {verb} {others} {word}"),
        3 => format!("{keep} {out_said} {kept}, {others} {word}"),
        4 => format!("{verb} {whole} {word} but {keep} {out_said} {kept}"),
        5 => format!("{whole} {word}, {keep} {out_said} {kept}"),
        6 => format!("{verb} {word} {whole} and {keep} {out_said} {kept}"),
        7 => format!("{whole} {word} except {out_said}"),
        8 => format!("{whole} {word}, but not {out_said}"),
        9 => format!("{verb} {others} {word}, not {out_said}"),
        10 => format!(
            "{verb} {word} {whole}, but {out_said} can stay {}",
            if tool == Builtin::Off { "on" } else { "as is" }
        ),
        11 => format!("{whole} {word} and not {out_said}"),
        12 => format!(
            "{verb} {others} {word} but {out_said} stays {}",
            if tool == Builtin::Off { "on" } else { "as it is" }
        ),
        _ => format!("{whole} {word} apart from {out_said}"),
    };
    meant(scene, text, tool, vec![Selector::Group(rest)])
}

fn meant(scene: &Scene, text: String, tool: Builtin, selectors: Vec<Selector>) -> Option<Draft> {
    let about_number =
        scene.index().links(&text).iter().any(|link| matches!(link.marks[..], [Mark::Number(_)]));
    let draft = Draft { text, steps: vec![step(tool, selectors, Vec::new())], ..Draft::default() };
    (!about_number && can_be_meant(scene, &draft)).then_some(draft)
}
