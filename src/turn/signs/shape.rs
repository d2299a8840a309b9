//! How a reading is built: what its texts look like by what their parameters take, and which names it leaves out. None of it is for or against a
//! reading by itself; what each is worth is fitted.

use std::collections::HashSet;
use std::ops::Range;

use crate::link::{Link, Mark, spoken};
use crate::prompt::pintail::{Piece, Pointers};
use crate::prompt::span::{Sort, words};
use crate::prompt::{Argument, Step, Turn, trimmed};

use super::tools::{SMALL_WORDS, called, stem, stems};
use super::{holds, pointed};

/// What stands behind a name that a request begins with.
const BEHIND_A_NAME: &str = "wants needs would has is just took had can't said will won't was and came";

/// A word of the request that begins with a capital.
struct Capital {
    bytes: Range<usize>,
    /// Not because a sentence begins with it.
    within: bool,
}

fn capitals(request: &str) -> Vec<Capital> {
    let capital = |word: &crate::prompt::span::Word| {
        let said = &request[word.start..word.end];
        let i = said == "I" || said.starts_with("I'") || said.starts_with("I’");
        let before = request[..word.start].trim_end();
        let within = !before.is_empty() && !before.ends_with(['.', '!', '?', ':']);
        (!i && said.starts_with(char::is_uppercase))
            .then_some(Capital { bytes: word.start..word.end, within })
    };
    words(request).iter().filter_map(capital).collect()
}

/// What is to be told of a reading's build, each once.
pub(super) fn shape(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece], steps: &[Step]) -> Vec<String> {
    let mut told = Vec::new();
    let capitals = capitals(turn.request);
    let mut used: Vec<Range<usize>> = pointed(turn, pointers)
        .iter()
        .filter(|(link, tokens)| is_thing(link) || holds(answer, tokens))
        .map(|(link, _)| link.start..link.end)
        .collect();
    let mut known = HashSet::new();
    let cased = capitals.len() > 1 || capitals.iter().any(|capital| capital.within);
    for call in called(turn, steps) {
        let name = stems(&spoken(call.name));
        let about = stems(call.description);
        for (param, argument) in call.parameters.iter().zip(call.arguments) {
            known.extend(stems(&spoken(&param.name)));
            let Some(Argument::Text(text)) = argument else { continue };
            let text = trimmed(&param.name, text, turn.request);
            let Some(start) = turn.request.find(text) else { continue };
            let bytes = start..start + text.len();
            let told_of = Text { turn, text, bytes: bytes.clone(), sort: Sort::of(&param.name), cased };
            told_of.tell(&name, &about, &mut told);
            used.push(bytes);
        }
        known.extend(name);
        known.extend(about);
    }
    let tools = steps.iter().any(|step| matches!(step, Step::User { .. }));
    if tools || steps.is_empty() {
        let does = if tools { "tool" } else { "none" };
        let free = |capital: &Capital| {
            !used.iter().any(|used| used.start <= capital.bytes.start && capital.bytes.end <= used.end)
        };
        let left = capitals.iter().filter(|capital| {
            let said = turn.request[capital.bytes.clone()].to_lowercase();
            capital.within && free(capital) && !known.contains(&stem(&said))
        });
        told.push(format!("{does} leaves {} names", left.count().min(2)));
        let mut said = turn.request.split_whitespace().skip(1);
        let wants = said.next().is_some_and(|word| BEHIND_A_NAME.split(' ').any(|known| known == word));
        if wants && capitals.first().is_some_and(|capital| capital.bytes.start == 0 && free(capital)) {
            told.push(format!("{does} leaves who wants"));
        }
    }
    told.sort_unstable();
    told.dedup();
    told
}

/// Whether a link is to devices, whatever else it may mean.
fn is_thing(link: &Link) -> bool {
    link.marks.iter().any(|mark| matches!(mark, Mark::Device(_) | Mark::Kind(_) | Mark::Area(_)))
}

/// A text that a reading copies.
struct Text<'t> {
    turn: &'t Turn<'t>,
    text: &'t str,
    bytes: Range<usize>,
    sort: Sort,
    /// Whether the request is written with capitals.
    cased: bool,
}

impl Text<'_> {
    /// What it looks like, beside the stems of its tool's name and description.
    fn tell(&self, name: &HashSet<String>, about: &HashSet<String>, told: &mut Vec<String>) {
        let sort = self.sort.name();
        let mut tell = |what: &str| told.push(format!("{sort} {what}"));
        if self.cased {
            tell(if self.text.starts_with(char::is_uppercase) { "capital" } else { "small" });
        }
        let lower = self.text.to_lowercase();
        let said: Vec<&str> = lower.split_whitespace().collect();
        tell(&format!("of {}", said.len().min(6)));
        let (first, last) = (said.first().unwrap_or(&""), said.last().unwrap_or(&""));
        let small = |word: &str| SMALL_WORDS.contains(word);
        let own = stems(&lower);
        let held = |link: &&Link| self.bytes.start <= link.start && link.end <= self.bytes.end;
        let numbers = self.turn.links.iter().filter(held).flat_map(|link| &link.marks);
        for (holds, what) in [
            (first.ends_with("ed"), "begins -ed"),
            (first.ends_with("ing"), "begins -ing"),
            (small(first), "begins with little"),
            (small(last), "ends with little"),
            (self.text.contains(','), "holds a comma"),
            (said.contains(&"and"), "holds and"),
            (numbers.clone().any(|mark| matches!(mark, Mark::Number(_))), "holds a number"),
            (!own.is_disjoint(name), "names its tool"),
            (!own.is_disjoint(about), "tells of its tool"),
        ] {
            if holds {
                tell(what);
            }
        }
    }
}
