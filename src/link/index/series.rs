//! Names of which a part is said once for several: "left and right spot", "pumps 1, 2 and 4", "zones 2 to 5".

use super::super::number::{ordinal, place, seconds_in};
use super::super::words::{Word, singular};
use super::{Index, Link, Mark, Sighting};

/// Most members of a run ("zones 1 to 9").
const MOST_RUN: usize = 32;

/// How two members of a series are put together.
#[derive(PartialEq)]
enum Join {
    /// "1 and 3", "1, 3".
    And,
    /// "1 through 3", "1-3".
    Through,
    /// "1 to 3", which may be an amount.
    To,
}

/// Whether a word joins members.
fn is_and(word: &str) -> bool {
    matches!(word, "and" | "or" | "plus" | "n")
}

/// The request as the search for series sees it.
pub(super) struct Said<'s> {
    pub request: &'s str,
    pub words: &'s [Word],
    pub sightings: &'s [Vec<Sighting>],
}

impl Said<'_> {
    fn ids(&self, at: usize) -> Vec<u32> {
        self.sightings[at].iter().map(|seen| seen.id).collect()
    }

    /// Signs between word `at` and the next one.
    fn between(&self, at: usize) -> &str {
        &self.request[self.words[at].end..self.words[at + 1].start]
    }

    /// Whether a sign that joins stands between word `at` and the next one, if there is one.
    fn comma(&self, at: usize) -> bool {
        at + 1 < self.words.len() && self.between(at).contains([',', '&', '+', '/'])
    }

    /// What joins word `last` with a word behind it, and that word.
    fn join(&self, last: usize) -> Option<(Join, usize)> {
        let text = |at: usize| self.words.get(at).map_or("", |word| word.text.as_str());
        let mut at = last + 1;
        let mut found = self.comma(last).then_some(Join::And);
        if at < self.words.len() && matches!(self.between(last).trim(), "-" | "–") {
            found = Some(Join::Through);
        }
        loop {
            match text(at) {
                word if is_and(word) => found = Some(Join::And),
                "through" | "thru" | "till" | "until" if found.is_none() => found = Some(Join::Through),
                "to" if found.is_none() => found = Some(Join::To),
                "number" | "no" | "the" if found.is_some() => {}
                _ => break,
            }
            if self.comma(at) && found != Some(Join::And) {
                return None;
            }
            at += 1;
        }
        found.filter(|_| at < self.words.len()).map(|join| (join, at))
    }

    /// Whether a word is an amount by what follows it: "2 percent", "3 times", "one and a half".
    fn is_amount(&self, at: usize) -> bool {
        let next = |count: usize| {
            self.words.get(at + count).filter(|word| !word.begins).map_or("", |word| word.text.as_str())
        };
        match next(1) {
            "%" | "°" | "percent" | "per" | "degrees" | "degree" | "times" | "x" | "point" => true,
            "and" => next(2) == "a",
            unit => seconds_in(unit).is_some(),
        }
    }
}

impl Index {
    /// Links the members of series whose names are not said in full.
    pub(super) fn series(&self, said: &Said<'_>, taken: &mut [bool], links: &mut Vec<Link>) {
        let named: Vec<(usize, usize, Vec<Mark>)> = links
            .iter()
            .filter(|link| link.marks.iter().all(|mark| matches!(mark, Mark::Device(_) | Mark::Area(_))))
            .filter_map(|link| {
                let first = said.words.iter().position(|word| word.start == link.start)?;
                Some((first, said.words.iter().position(|word| word.end == link.end)?, link.marks.clone()))
            })
            .collect();
        for (first, last, marks) in named {
            if let [mark] = marks[..] {
                self.before(said, (first, last), mark, taken, links);
            }
            self.behind(said, (first, last), &marks, taken, links);
        }
    }

    /// "left and right spot": what is said of the last name goes for words before it that lack their noun.
    fn before(
        &self,
        said: &Said<'_>,
        span: (usize, usize),
        mark: Mark,
        taken: &mut [bool],
        links: &mut Vec<Link>,
    ) {
        let words = said.words;
        let (first, last) = span;
        let heads = said.ids(last);
        let mut next = first;
        while next > 0 && first < last {
            let text = |at: usize| words[at].text.as_str();
            let mut at = next - 1;
            let mut joined = said.comma(at);
            while at > 0 && (is_and(text(at)) || matches!(text(at), "the" | "a")) {
                joined |= is_and(text(at));
                at -= 1;
                joined |= said.comma(at);
            }
            let mut other = said.ids(at);
            if other.is_empty() {
                other = self.in_order(text(at)).iter().map(|seen| seen.id).collect();
            }
            if !joined || taken[at] || heads.iter().any(|id| other.contains(id)) {
                break;
            }
            let [sibling] = self.siblings(mark, &said.ids(first), &other)[..] else { break };
            taken[at] = true;
            links.push(Link::new(words[at].start..words[at].end, vec![sibling]));
            next = at;
        }
    }

    /// "pumps 1, 2 and 4", "zones 2 to 5": words behind a name that stand for its last one.
    fn behind(
        &self,
        said: &Said<'_>,
        span: (usize, usize),
        like: &[Mark],
        taken: &mut [bool],
        links: &mut Vec<Link>,
    ) {
        let words = said.words;
        let (first, last) = span;
        let own = said.ids(last);
        let plural = (first..last).any(|at| singular(&words[at].text).is_some());
        let mut before = last;
        while let Some((join, at)) = said.join(before) {
            let other = said.ids(at);
            let sibling = |mark: &Mark| match self.siblings(*mark, &own, &other)[..] {
                [sibling] => Some(sibling),
                _ => None,
            };
            let Some(mut marks) = like.iter().map(sibling).collect::<Option<Vec<Mark>>>() else { break };
            if said.is_amount(at) {
                break;
            }
            // What was linked by itself may be a word of this series; what is a part of another name is not.
            let word = words[at].start..words[at].end;
            let whole = |link: &Link| link.start == word.start && link.end == word.end;
            if taken[at] && !links.iter().any(whole) {
                break;
            }
            let mut from = at;
            if join != Join::And {
                let [mark] = *like else { break };
                marks = self.run(mark, &own, (&words[before].text, &words[at].text));
                from = before + 1;
                if marks.is_empty() || (join == Join::To && !plural) || taken[from..at].contains(&true) {
                    break;
                }
            }
            links.retain(|link| !whole(link));
            taken[from..=at].fill(true);
            links.push(Link::new(words[from].start..word.end, marks));
            before = at;
        }
    }

    /// "Left cue light off, right one on": what is called like the last thing but for this word.
    pub(super) fn other_one(
        &self,
        words: &[Word],
        sightings: &[Vec<Sighting>],
        taken: &mut [bool],
        links: &mut Vec<Link>,
    ) {
        for at in 0..words.len().saturating_sub(1) {
            let other: Vec<u32> = sightings[at].iter().map(|seen| seen.id).collect();
            let one = words[at + 1].text == "one" && !words[at + 1].begins;
            if other.is_empty() || !one || taken[at] || taken[at + 1] {
                continue;
            }
            let last = links.iter().rev().find(|link| link.end <= words[at].start);
            let Some([mark @ Mark::Device(_)]) = last.map(|link| &link.marks[..]) else { continue };
            let own =
                self.phrases.iter().filter(|phrase| phrase.mark == *mark).flat_map(|phrase| &phrase.words);
            let mut found: Vec<Mark> = own.flat_map(|word| self.siblings(*mark, &[*word], &other)).collect();
            found.dedup();
            if let [sibling] = found[..] {
                taken[at] = true;
                taken[at + 1] = true;
                links.push(Link::new(words[at].start..words[at + 1].end, vec![sibling]));
            }
        }
        links.sort_by_key(|link| link.start);
    }

    /// "Second" as a word of names: "2".
    pub(super) fn in_order(&self, word: &str) -> Vec<Sighting> {
        ordinal(word).map_or_else(Vec::new, |number| self.sight(&number.to_string()))
    }

    /// What is called like `mark` with one word in the place of another.
    fn siblings(&self, mark: Mark, own: &[u32], other: &[u32]) -> Vec<Mark> {
        let mut out: Vec<Mark> = Vec::new();
        for phrase in self.phrases.iter().filter(|phrase| phrase.mark == mark) {
            let Some(place) = phrase.words.iter().position(|id| own.contains(id)) else { continue };
            for like in self.phrases.iter().filter(|like| {
                like.rank == phrase.rank
                    && like.words.len() == phrase.words.len()
                    && std::mem::discriminant(&like.mark) == std::mem::discriminant(&mark)
            }) {
                let same = |(at, (a, b)): (usize, (&u32, &u32))| {
                    if at == place { other.contains(b) } else { a == b }
                };
                let alike = like.words.iter().zip(&phrase.words).map(|(b, a)| (a, b)).enumerate().all(same);
                if alike && phrase.words.len() > 1 && like.mark != mark && !out.contains(&like.mark) {
                    out.push(like.mark);
                }
            }
        }
        out
    }

    /// The members after the one called `from` up to the one called `to`, in order; none where one of them is missing.
    fn run(&self, mark: Mark, own: &[u32], ends: (&str, &str)) -> Vec<Mark> {
        let (Some(from), Some(to)) = (place(ends.0), place(ends.1)) else { return Vec::new() };
        if to <= from || to - from > MOST_RUN {
            return Vec::new();
        }
        let is_letter = |end: &str| end.starts_with(char::is_alphabetic) && end.len() == 1;
        let letters = is_letter(ends.0);
        if letters != is_letter(ends.1) {
            return Vec::new();
        }
        let member = |number: usize| {
            let name = match letters {
                true => char::from(b'a' + number as u8 - 1).to_string(),
                false => number.to_string(),
            };
            let ids: Vec<u32> = self.sight(&name).iter().map(|seen| seen.id).collect();
            match self.siblings(mark, own, &ids)[..] {
                [sibling] => Some(sibling),
                _ => None,
            }
        };
        (from + 1..=to).map(member).collect::<Option<_>>().unwrap_or_default()
    }
}
