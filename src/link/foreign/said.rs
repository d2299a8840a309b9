//! Writes a request in English from the phrases found in it.

use std::borrow::Cow;
use std::ops::Range;

use super::super::words::Word;
use super::reader::{Found, is_asked};
use super::{IDLE, is_english};

/// A request in words of a language.
pub(super) struct Spoken {
    pub words: Vec<Word>,
    /// Whether each word is of no name.
    pub free: Vec<bool>,
    pub found: Vec<Found>,
}

/// What stands before a verb that is said first.
const FRAMES: &[&str] = &[
    "please",
    "now",
    "could you",
    "could you please",
    "can i",
    "could",
    "can",
    "want",
    "i",
    "you",
    "i would like",
    "i would like you to",
    "help me",
    "that",
    "then",
    "first",
    "also",
    "in the evening",
    "tomorrow",
    "later",
    "today",
    "when",
];

/// What a clause says where its verb is left out: "the lamp off".
const LEFT_OUT: &[&str] = &["on", "off", "shut", "brighter", "dimmer", "higher", "to", "is", "are"];

/// The request with the phrases in English. What joins words of another language (hyphens, apostrophes) parts them.
pub(super) fn said(request: &str, spoken: &Spoken) -> String {
    let Spoken { words, free, found } = spoken;
    let mut edits: Vec<(Range<usize>, Cow<'static, str>)> = Vec::new();
    for clause in clauses(words).filter(|clause| is_remark(request, spoken, clause)) {
        let names = clause.filter(|at| !free[*at]);
        edits.extend(names.map(|at| (words[at].start..words[at].end, Cow::Borrowed(""))));
    }
    for (at, phrase) in found.iter().enumerate() {
        let place = words[phrase.first].start..words[phrase.first + phrase.count - 1].end;
        let english = phrase.english.trim_end_matches(" ...");
        // "Mémo : rappeler le plombier" has its colon.
        let has_colon = english.ends_with(':') && request[place.end..].trim_start().starts_with(':');
        let english = if has_colon { english.trim_end_matches(':') } else { english };
        if english == "you"
            && found
                .get(at + 1)
                .is_some_and(|next| next.first == phrase.first + phrase.count && next.orders())
        {
            // "Du machst das Licht an", "tu allumes la lampe ?"
            edits.push((place, "could you".into()));
            continue;
        }
        let talk = english.strip_prefix("! ");
        let behind_order = found
            .iter()
            .any(|f| f.first < phrase.first && clause(words, phrase.first).contains(&f.first) && f.orders());
        if (talk.is_some() && !behind_order)
            || english.starts_with("do not ")
            || (english == "do not" && does(found, clause(words, phrase.first)))
        {
            // Who says that a lamp was expensive, or what is not to be done with it, wants nothing done: its name is left out.
            let names = clause(words, phrase.first).filter(|at| !free[*at]);
            edits.extend(names.map(|at| (words[at].start..words[at].end, Cow::Borrowed(""))));
        }
        if let Some(talk) = talk {
            edits.push((place, talk.into()));
            continue;
        }
        let Some(verb) = english.strip_prefix("< ") else {
            let first = if english == "do not" { verb_place(words, found, at) } else { phrase.first };
            if first < phrase.first && found.iter().any(|f| f.first == first && f.orders()) {
                // "mach es nicht an": what forbids an order is said before it.
                let start = words[first].start;
                edits.push((start..start, "do not ".into()));
                edits.push((place, "".into()));
            } else {
                edits.push((place, english.into()));
            }
            continue;
        };
        let first = verb_place(words, found, at);
        if first == phrase.first {
            edits.push((place, verb.into()));
            continue;
        }
        let start = words[first].start;
        edits.push((place, "".into()));
        edits.push((start..start, format!("{verb} ").into()));
    }
    // An insertion stands before what is there.
    edits.sort_by_key(|(place, _)| (place.start, place.end));
    edits.dedup();
    let mut out = String::new();
    let mut at = 0;
    for (place, english) in edits {
        if place.start < at {
            continue;
        }
        push_gap(&mut out, &request[at..place.start]);
        if english.is_empty() && out.ends_with(' ') {
            out.pop();
        }
        let digit = |c: char| c.is_ascii_digit();
        let rest = request[place.end..].trim_start();
        if english == "point" && out.trim_end().ends_with(digit) && rest.starts_with(digit) {
            // "19 virgule 5"
            out.truncate(out.trim_end().len());
            out.push('.');
            at = request.len() - rest.len();
            continue;
        }
        if !english.is_empty() && out.ends_with(char::is_alphanumeric) {
            // A pronoun written behind its verb.
            out.push(' ');
        }
        out.push_str(&english);
        at = place.end;
        if !place.is_empty() && request[at..].starts_with(['-', '\'', '’']) {
            out.push(' ');
            at += request[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    out.push_str(&request[at..]);
    // "Could you dim the light?" is no question.
    let asked = found.iter().any(|f| f.english.starts_with("could you"));
    let end = |c: char| c.is_whitespace() || (asked && c == '?');
    out.trim_end_matches(end).to_owned()
}

/// The clauses of a request.
fn clauses(words: &[Word]) -> impl Iterator<Item = Range<usize>> {
    (0..words.len()).filter(|at| *at == 0 || words[*at].begins).map(|first| clause(words, first))
}

/// Whether a clause tells of its things and wants nothing of them: who turned a lamp on, what a gate has done, or in words that are in no table.
fn is_remark(request: &str, spoken: &Spoken, clause: &Range<usize>) -> bool {
    let Spoken { words, free, found } = spoken;
    let here = || found.iter().filter(|f| clause.contains(&f.first));
    let orders = here().any(|f| f.english.starts_with('<') || f.orders() || f.keeps_the_rest());
    let who = here().any(|f| matches!(f.english, "who" | "why" | "who has"));
    let asked = is_asked(&request[words[clause.start].start..]);
    let asks = ["what", "how", "which", "is", "are", "tell me"];
    let asked = asked
        || here().any(|f| asks.iter().any(|word| f.english.starts_with(word)) && !IDLE.contains(&f.english));
    let has = here().any(|f| matches!(f.english, "has" | "have" | "had")) && !asked;
    let idle = here().all(|f| IDLE.contains(&f.english));
    let strange = |at: usize| {
        let word = &words[at];
        free[at]
            && word.text.chars().count() > 3
            && word.text.chars().all(char::is_alphabetic)
            && !found.iter().any(|f| (f.first..f.first + f.count).contains(&at))
            && !is_english(word)
    };
    let number = words[clause.clone()].iter().any(|word| word.text.starts_with(|c: char| c.is_ascii_digit()));
    // "The gate is new" tells of it too.
    let quality = here().any(|f| matches!(f.english, "old" | "new" | "nice"));
    ((who || has) && !orders) || (idle && !asked && !number && (quality || clause.clone().any(strange)))
}

/// The words of a clause.
fn clause(words: &[Word], of: usize) -> Range<usize> {
    let first = (0..=of).rev().find(|at| words[*at].begins).unwrap_or(0);
    let end = (of + 1..words.len()).find(|at| words[*at].begins).unwrap_or(words.len());
    first..end
}

/// Whether these words say what is to be done.
fn does(found: &[Found], words: Range<usize>) -> bool {
    let mut here = found.iter().filter(|f| words.contains(&f.first));
    here.any(|f| f.english.starts_with('<') || f.orders() || LEFT_OUT.contains(&f.english))
}

/// The word that a verb from the end of its clause is said before: the first one behind "could you", "please" and the like.
fn verb_place(words: &[Word], found: &[Found], verb: usize) -> usize {
    let joins = |at: usize| found.iter().any(|f| f.first == at && matches!(f.english, "and" | "or" | "then"));
    let last = found[verb].first;
    let begin = |last: usize| {
        let mut at = last;
        while at > 0 && !words[at].begins && !joins(at - 1) {
            at -= 1;
        }
        at
    };
    let mut first = begin(last);
    // "die Lampe und das Tor schließen": the verb is of both.
    while first > 1 && !words[first].begins && joins(first - 1) && !words[first - 1].begins {
        let other = begin(first - 2);
        if does(found, other..first - 1) {
            break;
        }
        first = other;
    }
    while let Some(frame) = found.iter().find(|f| f.first == first && FRAMES.contains(&f.english)) {
        first += frame.count;
    }
    first.min(last)
}

/// Appends what stands before a phrase; a hyphen or an apostrophe at its end is a space, and what opens a question in Spanish is nothing.
fn push_gap(out: &mut String, gap: &str) {
    let gap = gap.replace(['¿', '¡'], "");
    match gap.strip_suffix(['-', '\'', '’']) {
        Some(rest) => {
            out.push_str(rest);
            out.push(' ');
        }
        None => out.push_str(&gap),
    }
}
