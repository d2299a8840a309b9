//! Finds the phrases of a table in the words of a request.

use std::ops::Range;

use super::super::number::is_number_word;
use super::super::words::{Word, slip};
use super::table::{Table, find, written};

/// Most words of a phrase.
pub(super) const MOST: usize = 8;

/// Fewest letters of a word that is found with a slip.
const SLIPS_FROM: usize = 5;

/// Whether an English word is a number by itself; "minutes" is only behind one.
fn number_word(word: &str) -> bool {
    is_number_word(word) && !["second", "minute", "hour", "day", "week"].contains(&word.trim_end_matches('s'))
}

/// A phrase found in a request: its words, and what they are in English.
pub(super) struct Found {
    pub first: usize,
    pub count: usize,
    /// With a slip; such a word does not tell the language.
    pub slip: bool,
    pub english: &'static str,
}

impl Found {
    /// Whether its English begins with the verb of an order.
    pub fn orders(&self) -> bool {
        orders(self.english)
    }

    /// Whether a text of the person's own follows.
    pub fn keeps_the_rest(&self) -> bool {
        self.english.ends_with("...")
    }
}

/// Whether English begins with the verb of an order.
pub(super) fn orders(english: &str) -> bool {
    const VERBS: [&str; 27] = [
        "turn", "switch", "set", "open", "close", "lock", "unlock", "raise", "lower", "bring", "dim",
        "blink", "stop", "start", "run", "increase", "decrease", "read", "show", "wait", "ring", "make",
        "toggle", "leave", "check", "brighten", "put",
    ];
    english.trim_start_matches("< ").split(' ').next().is_some_and(|first| VERBS.contains(&first))
}

/// Whether the sentence of which this is the rest is a question.
pub(super) fn is_asked(rest: &str) -> bool {
    let end = |(at, c): &(usize, char)| {
        matches!(c, '?' | '!' | ';')
            || (*c == '.' && rest[at + 1..].chars().next().is_none_or(char::is_whitespace))
    };
    rest.char_indices().find(end).is_some_and(|(_, c)| c == '?')
}

/// What a table says of the words of a request.
pub(super) struct Reader<'t> {
    table: &'t Table,
    words: &'t [Word],
    /// Whether each word is of no name.
    free: &'t [bool],
    /// Whether each word is the last of its clause, but for "please" and the like.
    ends: Vec<bool>,
    /// Whether each word is of a question.
    asked: Vec<bool>,
}

impl<'t> Reader<'t> {
    pub fn new(table: &'t Table, request: &str, words: &'t [Word], free: &'t [bool]) -> Reader<'t> {
        let mut ends = vec![true; words.len()];
        for at in (0..words.len().saturating_sub(1)).rev() {
            let next = &words[at + 1];
            let english = if free[at + 1] { find(table, &next.text) } else { None };
            ends[at] = next.begins
                || matches!(english, Some("and" | "or" | "then"))
                || (matches!(english, Some("please" | "thanks" | "now")) && ends[at + 1]);
        }
        let asked = words.iter().map(|word| is_asked(&request[word.end..])).collect();
        Reader { table, words, free, ends, asked }
    }

    fn joined(&self, first: usize, count: usize) -> String {
        self.words[first..first + count].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// How many words from here on are a number.
    fn numbers(&self, at: usize) -> usize {
        let number = |word: &&Word| {
            word.text.starts_with(|c: char| c.is_ascii_digit())
                || find(self.table, &word.text).is_some_and(|english| english.split(' ').all(number_word))
        };
        self.words.get(at..).unwrap_or_default().iter().take_while(number).count()
    }

    /// The last words of a phrase in two parts: where they stand, and what the phrase is in English.
    fn parted(&self, phrase: &str, from: usize) -> Option<(Range<usize>, &'static str)> {
        if !self.table.is_head(phrase) {
            return None;
        }
        let clause = (from..self.words.len()).take_while(|at| !self.words[*at].begins);
        clause.filter(|at| self.ends[*at] && self.free[*at]).find_map(|at| {
            [at, at.saturating_sub(1)]
                .into_iter()
                .filter(|first| *first >= from && self.free[*first])
                .find_map(|first| {
                    let last = self.joined(first, at + 1 - first);
                    Some((first..at + 1, find(self.table, &format!("{phrase} .. {last}"))?))
                })
        })
    }

    /// What a run of words is in English, and the place of its other part.
    fn look(&self, first: usize, count: usize) -> Option<(&'static str, Option<Range<usize>>)> {
        let phrase = self.joined(first, count);
        let next = first + count;
        if let Some((last, english)) = self.parted(&phrase, next) {
            return Some((english, Some(last)));
        }
        let numbers = self.numbers(next);
        let before = |end: &str| find(self.table, &format!("{phrase} {end}"));
        let unit = self.words.get(next + numbers).filter(|_| numbers > 0);
        let behind = first > 0 && self.numbers(first - 1) > 0;
        let english = unit
            .and_then(|unit| before(&format!("# {}", unit.text)))
            .or_else(|| before("#").filter(|_| numbers > 0))
            .or_else(|| behind.then(|| find(self.table, &format!("+# {phrase}"))).flatten())
            .or_else(|| before("?").filter(|_| self.asked[first]))
            .or_else(|| before("$").filter(|_| self.ends[next - 1]))
            .or_else(|| find(self.table, &phrase));
        Some((english?, None))
    }

    /// The longest phrases in the words that are free, from the first word on.
    pub fn phrases(&self) -> Vec<Found> {
        let mut out = Vec::new();
        let mut parts = Vec::new();
        let mut at = 0;
        while at < self.words.len() {
            if parts.contains(&at) {
                out.push(Found { first: at, count: 1, slip: false, english: "" });
                at += 1;
                continue;
            }
            let longest = (1..=MOST.min(self.words.len() - at)).rev().find_map(|count| {
                let run = at..at + count;
                let whole = run.clone().all(|word| self.free[word] && !parts.contains(&word))
                    && !self.words[at + 1..run.end].iter().any(|word| word.begins);
                let (english, part) = whole.then(|| self.look(at, count)).flatten()?;
                Some((Found { first: at, count, slip: false, english }, part))
            });
            at += longest.as_ref().map_or(1, |(found, _)| found.count);
            if let Some((found, part)) = longest {
                if found.keeps_the_rest() {
                    out.push(found);
                    break;
                }
                out.push(found);
                parts.extend(part.into_iter().flatten());
            }
        }
        out
    }

    /// The long words that are a word of the table with a slip, where all the nearest are the same in English.
    pub fn slips(&self, found: &[Found], english: impl Fn(&Word) -> bool) -> Vec<Found> {
        let own = found.iter().find(|f| f.keeps_the_rest()).map_or(self.words.len(), |f| f.first);
        let covered = |at: usize| found.iter().any(|f| (f.first..f.first + f.count).contains(&at));
        let strange = |at: &usize| {
            let word = &self.words[*at];
            self.free[*at]
                && !covered(*at)
                && word.text.chars().count() >= SLIPS_FROM
                && word.text.chars().all(char::is_alphabetic)
                && !english(word)
        };
        let strange: Vec<usize> = (0..own).filter(strange).collect();
        if strange.is_empty() {
            return Vec::new();
        }
        // The table has no texts: they are made again for the few requests with a slip.
        let written = written(self.table.language);
        let meant = |at: usize| {
            let word = self.words[at].text.as_str();
            let near =
                written.phrases().filter(|known| known.chars().count() >= SLIPS_FROM && slip(word, known));
            let english = |known| Some((strsim::osa_distance(word, known), find(self.table, known)?));
            let near: Vec<(usize, &str)> = near.filter_map(english).collect();
            let least = near.iter().map(|(distance, _)| *distance).min()?;
            let mut meanings =
                near.iter().filter(|(distance, _)| *distance == least).map(|(_, english)| *english);
            let first = meanings.next()?;
            meanings.all(|other| other == first).then_some(first)
        };
        let found = strange.into_iter();
        found.filter_map(|at| Some(Found { first: at, count: 1, slip: true, english: meant(at)? })).collect()
    }
}
