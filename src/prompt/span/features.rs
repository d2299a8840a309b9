//! What is to be seen of a span of a request: the words at its edges and beside them, and what it holds.

use std::fmt::Write;
use std::ops::Range;

use super::sort::Sort;
use super::words::{Word, words};
use crate::link::{Mark, ONES, spoken, stem};
use crate::prompt::{ParamKind, Turn};

/// What is told the names of features.
pub(crate) type Tell<'t> = dyn FnMut(&str) + 't;

/// Words that tell what somebody does.
const VERBS: &str = "is isn't are aren't was wasn't were has hasn't have had got gets did does doesn't didn't will won't can't can \
    wants wanted needs needed asked came says said";
/// Words for somebody who is known.
const PRONOUNS: &str =
    "i we you he she they it i'm i've we've she's he's it's they're we're i'll they've him her them us me";
/// Words that lead from one thing to another.
const PREPOSITIONS: &str = "of with at to from for in on by about into as";
/// Words between a text and what leads to it.
const LEADING: &str =
    "the a an of to for that on in with at from by is was about as my our his her their your some and";
/// Words of a tool's description that say nothing.
const SMALL: &str = "the a an to of for in on at and or by with from is are be that this it as into";
/// Numbers beside [`ONES`].
const NUMBERS: &str =
    "thirty forty fifty sixty seventy eighty ninety hundred thousand half quarter dozen couple";

/// Words that tell a day or an hour.
const TIMES: &str = "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun today tonight tomorrow \
    yesterday noon midday midnight morning afternoon evening night lunchtime lunch dinnertime teatime bedtime closing weekend week fortnight \
    month january february march april june july august september october november december jan feb apr jun jul aug sept oct nov dec \
    am pm a.m p.m o'clock oclock past next christmas easter";

/// One word as features tell of it.
struct Seen {
    /// In lower case, "'s" with its apostrophe.
    low: String,
    /// What it looks like: with digits or a number, of a time, with a capital, with an ending.
    shape: &'static str,
    /// What it was linked to, if to anything that matters here.
    linked: Option<&'static str>,
    stem: String,
    /// What stands before it: a sign that ends a clause, or nothing.
    gap: &'static str,
}

/// A request, and a text parameter of a tool that may take a part of it.
pub(crate) struct Features {
    pub words: Vec<Word>,
    seen: Vec<Seen>,
    /// The sign behind the last word.
    last_gap: &'static str,
    sort: &'static str,
    param: String,
    /// The sorts of the tool's other texts.
    others: String,
    /// The stems of the tool's words, and of the parameter's.
    tool: Vec<String>,
    name: Vec<String>,
}

impl Features {
    /// Of a parameter of the user's tool with this index; `None` when there is none that takes text.
    pub fn of(turn: &Turn<'_>, tool: usize, param: usize) -> Option<Features> {
        let (name, description, parameters) = turn.scene.user_tools().nth(tool)?;
        let parameter = parameters.get(param)?;
        let ParamKind::Text { .. } = parameter.kind else { return None };
        let words = words(turn.request);
        let chosen = |at: usize| {
            let value = &turn.scene.values[at];
            parameters
                .iter()
                .any(|param| matches!(&param.kind, ParamKind::Choice(choices) if choices.contains(value)))
        };
        let linked = |word: &Word| {
            let covers = |link: &&crate::link::Link| link.start < word.end && word.start < link.end;
            turn.links.iter().filter(covers).flat_map(|link| &link.marks).find_map(|mark| match mark {
                Mark::Number(_) => Some("number"),
                Mark::Value(at) if chosen(*at) => Some("choice"),
                Mark::Device(_) | Mark::Kind(_) => Some("device"),
                _ => None,
            })
        };
        let mut before = 0;
        let seen = words.iter().map(|word| {
            let raw = &turn.request[word.start..word.end];
            let gap = if before == 0 { "" } else { gap(&turn.request[before..word.start]) };
            let own = !word.may_start && before > 0 && matches!(&turn.request[before..word.start], "'" | "’");
            before = word.end;
            let low = raw.to_lowercase().replace('’', "'");
            let low = if own { "'s".to_owned() } else { low };
            let shape = if own { "'s" } else { shape(raw, &low) };
            Seen { stem: stem(&low), low, shape, linked: linked(word), gap }
        });
        let seen = seen.collect();
        let others = parameters
            .iter()
            .enumerate()
            .filter(|(at, other)| *at != param && matches!(other.kind, ParamKind::Text { .. }));
        let mut others: Vec<&str> = others.map(|(_, other)| Sort::of(&other.name).name()).collect();
        others.sort_unstable();
        others.dedup();
        let stems = |text: &str| -> Vec<String> {
            let lower = text.to_lowercase();
            let words = lower.split(|c: char| !c.is_alphanumeric());
            words.filter(|word| !word.is_empty() && !holds(SMALL, word)).map(stem).collect()
        };
        let mut tool = stems(&spoken(name));
        tool.extend(stems(description));
        Some(Features {
            last_gap: gap(&turn.request[before..]),
            words,
            seen,
            sort: Sort::of(&parameter.name).name(),
            param: spoken(&parameter.name).to_lowercase(),
            others: others.join("+"),
            tool,
            name: stems(&spoken(&parameter.name)),
        })
    }

    /// What speaks for or against a span that begins with a word.
    pub fn of_start(&self, at: usize, tell: &mut Tell<'_>) {
        let mut teller = Teller { tell, text: String::new() };
        let Features { seen, sort, param, others, tool, name, .. } = self;
        let here = &seen[at];
        let beside = match at.checked_sub(1) {
            None => Edge::Sign("^"),
            Some(_) if !here.gap.is_empty() => Edge::Sign(here.gap),
            Some(before) => Edge::Word(&seen[before]),
        };
        for (key, edge) in [("B", &beside), ("F", &Edge::Word(here))] {
            edge.each(&mut |value| {
                teller.say(format_args!("{key}={value}"));
                teller.say(format_args!("{sort} {key}={value}"));
                teller.say(format_args!("{param}: {key}={value}"));
            });
        }
        teller.say(format_args!("B+F={} ~{}", beside.first(), here.shape));
        teller.say(format_args!("{sort} B+F={} ~{}", beside.first(), here.shape));
        if !others.is_empty() {
            teller.say(format_args!("{sort}|{others} B={}", beside.first()));
            teller.say(format_args!("{sort}|{others} F=~{}", here.shape));
        }
        if tool.contains(&here.stem) {
            teller.say(format_args!("{sort} F tool"));
        }
        // "Treated with penicillin": what leads to the word that leads to the text.
        if let Edge::Word(leading) = &beside
            && let [.., before, _] = &seen[..at]
            && leading.gap.is_empty()
            && holds(LEADING, &leading.low)
        {
            teller.say(format_args!("C={} {}", before.low, leading.low));
            teller.say(format_args!("{sort} C={} {}", before.low, leading.low));
            teller.say(format_args!("{sort} C=~{} {}", before.shape, leading.low));
        }
        let Some(before) = at.checked_sub(1) else { return };
        let sign = !here.gap.is_empty();
        let before = &seen[before];
        if sign {
            teller.say(format_args!("B sign"));
        }
        if !sign && at > 1 && here.shape == "Cap" && matches!(before.shape, "Cap" | "'s") {
            teller.say(format_args!("B cut"));
            teller.say(format_args!("{sort} B cut"));
        }
        if !sign && name.contains(&before.stem) {
            teller.say(format_args!("B name"));
        }
        if tool.contains(&before.stem) {
            teller.say(format_args!("B tool{}", if sign { "," } else { "" }));
        }
    }

    /// What speaks for or against a span that ends with a word.
    pub fn of_end(&self, at: usize, tell: &mut Tell<'_>) {
        let mut teller = Teller { tell, text: String::new() };
        let Features { seen, sort, param, others, tool, .. } = self;
        let here = &seen[at];
        let beside = match seen.get(at + 1) {
            None if self.last_gap.is_empty() => Edge::Sign("$"),
            None => Edge::Sign(self.last_gap),
            Some(next) if !next.gap.is_empty() => Edge::Sign(next.gap),
            Some(next) => Edge::Word(next),
        };
        for (key, edge) in [("L", &Edge::Word(here)), ("A", &beside)] {
            edge.each(&mut |value| {
                teller.say(format_args!("{key}={value}"));
                teller.say(format_args!("{sort} {key}={value}"));
                teller.say(format_args!("{param}: {key}={value}"));
            });
        }
        teller.say(format_args!("L+A=~{} {}", here.shape, beside.first()));
        teller.say(format_args!("{sort} L+A=~{} {}", here.shape, beside.first()));
        if !others.is_empty() {
            teller.say(format_args!("{sort}|{others} A={}", beside.first()));
        }
        if tool.contains(&here.stem) {
            teller.say(format_args!("{sort} L tool"));
        }
        if let Edge::Word(next) = beside {
            if at > 0 && here.shape == "Cap" && next.shape == "Cap" {
                teller.say(format_args!("A cut"));
                teller.say(format_args!("{sort} A cut"));
            }
            if tool.contains(&next.stem) {
                teller.say(format_args!("A tool"));
            }
        }
    }

    /// What speaks for or against a span for what it holds between its first and last word.
    pub fn of_inside(&self, span: Range<usize>, tell: &mut Tell<'_>) {
        let mut teller = Teller { tell, text: String::new() };
        let Features { seen, sort, tool, name, .. } = self;
        let length = match span.len() {
            few @ 0..6 => few,
            6..9 => 6,
            9..13 => 9,
            _ => 13,
        };
        teller.say(format_args!("{sort} n={length}"));
        let all = &seen[span.clone()];
        let ends = seen.get(span.end).is_none_or(|next| !next.gap.is_empty());
        let begins = span.start == 0 || !seen[span.start].gap.is_empty();
        match (begins, ends) {
            (true, true) => teller.say(format_args!("{sort} clause")),
            (true, false) => teller.say(format_args!("{sort} clause begins")),
            (false, true) => teller.say(format_args!("{sort} clause ends")),
            (false, false) => {}
        }
        if all.iter().all(|word| word.shape == "Cap") {
            teller.say(format_args!("{sort} all Cap"));
        }
        let [_, rest @ ..] = all else { return };
        let inner = rest.split_last().map_or(rest, |(_, inner)| inner);
        if rest.iter().any(|word| !word.gap.is_empty()) {
            teller.say(format_args!("{sort} in sign"));
        }
        if rest.iter().any(|word| matches!(word.gap, "." | "?")) {
            teller.say(format_args!("{sort} in stop"));
        }
        if rest.iter().any(|word| holds(VERBS, &word.low)) {
            teller.say(format_args!("{sort} in verb"));
        }
        if all.iter().any(|word| holds(PRONOUNS, &word.low)) {
            teller.say(format_args!("{sort} in pronoun"));
        }
        if rest.iter().any(|word| word.shape == "#") {
            teller.say(format_args!("{sort} in #"));
        }
        if all.iter().any(|word| word.shape == "when") {
            teller.say(format_args!("{sort} in when"));
        }
        if rest.iter().any(|word| word.linked == Some("choice")) {
            teller.say(format_args!("{sort} in choice"));
        }
        if all.iter().any(|word| word.linked == Some("device")) {
            teller.say(format_args!("{sort} in device"));
        }
        if all.iter().any(|word| tool.contains(&word.stem)) {
            teller.say(format_args!("{sort} in tool"));
        }
        if !rest.is_empty() && name.contains(&all[0].stem) {
            teller.say(format_args!("F name"));
        }
        for (at, word) in inner.iter().enumerate() {
            if matches!(&*word.low, "and" | "then") {
                teller.say(format_args!("{sort} in and"));
                teller.say(format_args!("in and {}", rest[at + 1].low));
            } else if holds(PREPOSITIONS, &word.low) {
                teller.say(format_args!("{sort} in={}", word.low));
            }
        }
    }
}

/// What stands at an edge: a word, or what is no word.
enum Edge<'s> {
    Sign(&'static str),
    Word(&'s Seen),
}

impl Edge<'_> {
    /// The values of its features.
    fn each(&self, say: &mut dyn FnMut(std::fmt::Arguments<'_>)) {
        match self {
            Edge::Sign(sign) => say(format_args!("{sign}")),
            Edge::Word(word) => {
                say(format_args!("{}", word.low));
                say(format_args!("~{}", word.shape));
                if let Some(linked) = word.linked {
                    say(format_args!("!{linked}"));
                }
            }
        }
    }

    fn first(&self) -> &str {
        match self {
            Edge::Sign(sign) => sign,
            Edge::Word(word) => &word.low,
        }
    }
}

/// Tells features by their names, each written over the last one.
struct Teller<'t> {
    tell: &'t mut Tell<'t>,
    text: String,
}

impl Teller<'_> {
    fn say(&mut self, feature: std::fmt::Arguments<'_>) {
        self.text.clear();
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(feature);
        (self.tell)(&self.text);
    }
}

/// Whether a list has a word.
fn holds(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// What ends a clause between two words, if anything does.
fn gap(between: &str) -> &'static str {
    for c in between.chars() {
        match c {
            ':' => return ":",
            ',' => return ",",
            '?' => return "?",
            '"' | '“' | '”' | '«' | '»' => return "\"",
            ';' | '.' | '!' | '(' | ')' | '\n' | '—' | '–' => return ".",
            _ => {}
        }
    }
    if between.contains(" - ") { ":" } else { "" }
}

fn shape(raw: &str, low: &str) -> &'static str {
    if raw.contains(|c: char| c.is_ascii_digit()) || ONES.contains(&low) || holds(NUMBERS, low) {
        "#"
    } else if holds(TIMES, low) {
        "when"
    } else if raw.starts_with(char::is_uppercase) {
        "Cap"
    } else if low.ends_with("ing") && low.len() > 5 {
        "ing"
    } else if low.ends_with("ed") && low.len() > 4 {
        "ed"
    } else if low.ends_with("ly") && low.len() > 4 {
        "ly"
    } else {
        "other"
    }
}
