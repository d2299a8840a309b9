//! Where names are said: words seen as words of names, and runs of them as mentions.

use super::super::lexicon::{is_determiner, is_everyday, is_filler};
use super::super::number::{other_spelling, place};
use super::super::sound::sound;
use super::super::spell::{is_command, is_known, meant};
use super::super::words::{Word, singular, slip, stem};
use super::{Index, Mark, Match, RANK_HINT, RANK_KIND, RANK_NAME, Sighting, counted};

/// Longest run of fillers inside a mention ("the light *over in the* kitchen").
const MOST_FILLERS: usize = 3;
/// Fewest letters of a word that is said for a longer one, and fewest that it leaves out.
const LEAST_SHORT: usize = 3;
/// Most words of the request that a name is heard in.
const MOST_HEARD: usize = 6;
/// Words of what is to be done, which may sound like the end of a name.
const SWITCHED: &[&str] = &[
    "on", "off", "of", "up", "down", "out", "in", "to", "too", "two", "for", "four", "one", "the", "then",
    "please", "not", "now",
];

impl Index {
    /// The words of names that a word of the request may be.
    pub(super) fn sight(&self, word: &str) -> Vec<Sighting> {
        let mut out = Vec::new();
        if let Some(&id) = self.vocabulary.get(word) {
            out.push(Sighting { id, plural: false, exact: true });
        }
        let single = singular(word);
        if let Some(&id) = single.as_deref().and_then(|single| self.vocabulary.get(single)) {
            out.push(Sighting { id, plural: true, exact: true });
        }
        if let Some(&id) = other_spelling(word).and_then(|number| self.vocabulary.get(number.as_ref())) {
            out.push(Sighting { id, plural: false, exact: true });
        }
        if out.is_empty()
            && !is_everyday(word)
            && !is_filler(word)
            && let Some(&id) = self.stems.get(&stem(word))
        {
            out.push(Sighting { id, plural: false, exact: true });
        }
        // "Blink" is no misspelt "blind".
        if !out.is_empty()
            || is_command(word)
            || is_everyday(word)
            || is_filler(word)
            || word.starts_with(|c: char| c.is_ascii_digit())
        {
            return out;
        }
        for (name, &id) in &self.vocabulary {
            // A name in the plural said in the singular counts as exact; else one slip of the fingers or the ear.
            if singular(name).as_deref() == Some(word) {
                out.push(Sighting { id, plural: false, exact: true });
            } else if slip(word, name) {
                out.push(Sighting { id, plural: false, exact: false });
            } else if single.as_deref().is_some_and(|single| slip(single, name)) {
                out.push(Sighting { id, plural: true, exact: false });
            }
        }
        if out.is_empty() && word.len() > 2 && !is_known(word) {
            let said = sound(word);
            let alike =
                |name: &str| said.len() > 1 && sound(name) == said && strsim::osa_distance(word, name) <= 2;
            for (_, &id) in self.vocabulary.iter().filter(|(name, _)| alike(name)) {
                out.push(Sighting { id, plural: false, exact: false });
            }
        }
        if out.is_empty() {
            out.extend(self.abbreviated(word, single.as_deref()));
        }
        if out.is_empty()
            && let Some(meant) = meant(word)
        {
            let plural = singular(meant);
            for (name, plural) in [(Some(meant), false), (plural.as_deref(), true)] {
                if let Some(&id) = name.and_then(|name| self.vocabulary.get(name)) {
                    out.push(Sighting { id, plural, exact: false });
                }
            }
        }
        // The map's order is random; the result may not be.
        out.sort_by_key(|sighting| sighting.id);
        out
    }

    /// The one word that begins with this one: "mic" for "microphone", "sims" for "simulator".
    fn abbreviated(&self, word: &str, single: Option<&str>) -> Option<Sighting> {
        let found = |short: &str, plural: bool| {
            if short.len() < LEAST_SHORT || is_known(short) {
                return None;
            }
            let mut longer = self
                .vocabulary
                .iter()
                .filter(|(name, _)| name.len() >= short.len() + LEAST_SHORT && name.starts_with(short));
            let (_, &id) = longer.next()?;
            longer.next().is_none().then_some(Sighting { id, plural, exact: false })
        };
        found(word, false).or_else(|| single.and_then(|single| found(single, true)))
    }

    pub(super) fn matches(&self, words: &[Word], sightings: &[Vec<Sighting>]) -> Vec<Match> {
        let mut found = Vec::new();
        for first in 0..words.len() {
            let mut tried: Vec<u32> = Vec::new();
            for sighting in &sightings[first] {
                for &phrase in &self.holders[sighting.id as usize] {
                    if tried.contains(&phrase) {
                        continue;
                    }
                    tried.push(phrase);
                    if let Some(found_here) = self.walk(words, sightings, first, phrase) {
                        found.push(found_here);
                    }
                }
            }
        }
        found
    }

    /// Follows one phrase from word `first` as far as its words, with fillers between them, go on.
    fn walk(&self, words: &[Word], sightings: &[Vec<Sighting>], first: usize, phrase: u32) -> Option<Match> {
        let wanted = &self.phrases[phrase as usize];
        let mut seen: Vec<u32> = Vec::new();
        let (mut last, mut plural, mut exact, mut fillers) = (first, false, true, 0);
        // Words of the name that say something: of "luz de la cocina" those are two.
        let mut telling: Vec<usize> = Vec::new();
        for at in first..words.len() {
            if at > first && words[at].begins {
                break;
            }
            let hit = sightings[at].iter().find(|s| wanted.words.contains(&s.id) && !seen.contains(&s.id));
            match hit {
                Some(hit) => {
                    seen.push(hit.id);
                    plural |= hit.plural;
                    exact &= hit.exact;
                    last = at;
                    fillers = 0;
                    if !is_filler(&words[at].text) {
                        telling.push(at);
                    }
                }
                // "Left and right fan" is not the left fan.
                None if words[at - 1].text == "and" && !sightings[at].is_empty() => break,
                None if is_filler(&words[at].text) && fillers < MOST_FILLERS => fillers += 1,
                None => break,
            }
            if seen.len() == wanted.words.len() {
                break;
            }
        }
        let full = seen.len() == wanted.words.len();
        let is_device = matches!(wanted.mark, Mark::Device(_));
        // "All the lights in the barn" are more than what is called "barn lights".
        let gathered = last + 1 - first > seen.len() && counted(words, first);
        if is_device && gathered {
            return None;
        }
        // A part of a name counts for devices only: two of its words, or one that is no everyday word or number.
        let alone = &words[first].text;
        let part = is_device
            && !is_filler(alone)
            && (telling.len() > 1
                || !(is_everyday(alone) || alone.starts_with(|c: char| c.is_ascii_digit())));
        // "kitchen lights" is not the one device "kitchen light": kind and area say it better.
        // (a word for the only one of its kind is that device, in the plural too).
        let by_kind_alone = wanted.rank <= RANK_KIND && wanted.words.len() == 1;
        // "Pumps 1" begins a series: "pumps 1 and 3".
        let counted_off = last > first && place(&words[last].text).is_some();
        let plural_of_one =
            plural && is_device && full && !by_kind_alone && wanted.rank > RANK_HINT && !counted_off;
        // "Switch on ...", "lock ...": a verb, unless something says that it is a noun.
        let verb = full
            && !matches!(wanted.mark, Mark::Tool(_))
            && wanted.rank <= RANK_KIND
            && wanted.words.len() == 1
            && !plural
            && is_everyday(alone)
            && !(first > 0 && is_determiner(&words[first - 1].text));
        let placed_only = is_device && !full && wanted.rank < RANK_NAME;
        if (!full && !part) || plural_of_one || verb || placed_only || (full && is_device && is_filler(alone))
        {
            return None;
        }
        Some(Match { first, last, phrase, matched: seen.len(), full, plural, exact })
    }

    /// Names said with their words joined or split elsewhere ("livingroom", "thermo stat").
    pub(super) fn joined_matches(&self, words: &[Word], sightings: &[Vec<Sighting>], found: &mut Vec<Match>) {
        // Each word as it was meant, and whether it is no part of a name that is only nearly said: "centre spot on" and
        // "centre spot 8" are no misspellings of "centre spot".
        let spelt: Vec<(&str, bool)> = words
            .iter()
            .map(|Word { text, .. }| {
                let apart =
                    is_everyday(text) || is_filler(text) || text.starts_with(|c: char| c.is_ascii_digit());
                (meant(text).unwrap_or(text), apart)
            })
            .collect();
        for (first, seen) in sightings.iter().enumerate() {
            let mut said = String::new();
            let mut apart = false;
            for (last, (word, is_apart)) in spelt.iter().enumerate().skip(first).take(3) {
                let before = said.len();
                said.push_str(word);
                apart |= is_apart;
                if last == first && !seen.is_empty() {
                    continue;
                }
                for (joined, phrase) in &self.joined {
                    let count = self.phrases[*phrase as usize].words.len();
                    let same_split = count == last - first + 1;
                    // "Garagentor zu" is the name and a word.
                    let whole = said[..before] == **joined || word == joined;
                    let nearly = !apart && !whole && said.len() >= 8 && slip(&said, joined);
                    if !same_split && (said == *joined || nearly) {
                        found.push(Match {
                            first,
                            last,
                            phrase: *phrase,
                            matched: count.max(last - first + 1),
                            full: true,
                            plural: false,
                            exact: said == *joined,
                        });
                    }
                }
            }
        }
    }

    /// Names that speech recognition wrote in other words: "per is tall tick pump", "plat form".
    pub(super) fn heard_matches(&self, words: &[Word], sightings: &[Vec<Sighting>], found: &mut Vec<Match>) {
        // "Gate on" is not "gate one", and a word of which nothing is heard is not one of the name's.
        let small = |at: usize| {
            let text = words[at].text.as_str();
            sightings[at].is_empty() && (SWITCHED.contains(&text) || matches!(&*sound(text), "" | "a"))
        };
        for first in (0..words.len()).filter(|&at| !small(at)) {
            let mut said = words[first].text.clone();
            for last in (first + 1..words.len()).take(MOST_HEARD - 1) {
                if words[last].begins {
                    break;
                }
                said.push_str(&words[last].text);
                let phrases = self.heard.get(&sound(&said)).filter(|_| !small(last));
                for &phrase in phrases.into_iter().flatten() {
                    let name = &self.phrases[phrase as usize].words;
                    let seen = |at: &usize| sightings[*at].iter().any(|seen| name.contains(&seen.id));
                    let others: Vec<usize> = (first..=last).filter(|at| !seen(at)).collect();
                    // The lift pump is not the left one; a word that is none may be any.
                    let odd = others.iter().all(|&at| !is_known(&words[at].text));
                    if !others.is_empty() && (name.len() != last + 1 - first || odd) {
                        let matched = name.len();
                        found.push(Match {
                            first,
                            last,
                            phrase,
                            matched,
                            full: true,
                            plural: false,
                            exact: false,
                        });
                    }
                }
            }
        }
    }
}
