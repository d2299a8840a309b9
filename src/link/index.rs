//! The matcher: names as bags of words, a request's words matched against them, longest mention first.

use std::collections::HashMap;

use crate::board::Device;

use super::lexicon::{
    family, is_determiner, is_everyday, is_filler, kind_words, measured, names_of_unit, unit_words,
};
use super::number::{is_number_word, mended, number_at};
use super::sound::sound;
use super::spell::{is_command, is_known, meant};
use super::words::{Word, singular, slip, words};
use super::{Link, Mark};

/// A name as it is looked for: the ids of its words, and what it names.
struct Phrase {
    words: Vec<u32>,
    mark: Mark,
    /// How good a full match is, beside others of the same length: a name before a description.
    rank: u8,
}

const RANK_NAME: u8 = 4;
const RANK_PLACED: u8 = 3;
const RANK_KIND: u8 = 2;
const RANK_HINT: u8 = 1;

/// Longest run of fillers inside a mention ("the light *over in the* kitchen").
const MOST_FILLERS: usize = 3;
/// Fewest sounds by which a name is known that was written in other words, and most words for it.
const LEAST_HEARD: usize = 4;
const MOST_HEARD: usize = 6;
/// Words of what is to be done, which may sound like the end of a name.
const SWITCHED: &[&str] = &[
    "on", "off", "of", "up", "down", "out", "in", "to", "too", "two", "for", "four", "one", "the", "then",
    "please", "not", "now",
];
/// What people call things without telling them apart.
const ADJECTIVES: &str = "old new big great tiny huge stupid silly damn damned bloody blasted darn fucking goddamn lovely pretty poor dear \
    main whole entire entire awful horrible nasty annoying beautiful wonderful actual usual own wretched ruddy flipping blinking noisy \
    loud single respective corresponding overhead rest respective said mentioned";
/// Most devices that one ambiguous mention is marked with.
const MOST_READINGS: usize = 4;

/// Everything that can be mentioned in a scene. Memory: some 50 bytes a word of a name.
pub struct Index {
    vocabulary: HashMap<String, u32>,
    phrases: Vec<Phrase>,
    /// For each word id, the phrases that hold it.
    holders: Vec<Vec<u32>>,
    /// Names without spaces ("livingroom"), for words that were joined or split: `(joined, phrase)`.
    joined: Vec<(String, u32)>,
    /// The phrases that sound alike, by their sound, for names that were written in other words ("per is tall tick").
    heard: HashMap<String, Vec<u32>>,
    /// Devices that measure: the words that ask for what they measure, and their area.
    measures: Vec<(usize, &'static [&'static str], Option<usize>)>,
}

/// One word of the request seen as a word of some name.
struct Sighting {
    id: u32,
    plural: bool,
    exact: bool,
}

/// A mention found, before the choice among overlapping ones.
struct Match {
    first: usize,
    last: usize,
    phrase: u32,
    matched: usize,
    full: bool,
    plural: bool,
    exact: bool,
}

impl Index {
    /// Builds the index of a scene: its devices, the names of its kinds and areas (by index), the choices of its
    /// tools' parameters, and for each user tool the words that hint at it.
    pub fn new(
        devices: &[Device],
        kinds: &[String],
        areas: &[String],
        values: &[String],
        tools: &[String],
    ) -> Index {
        let mut index = Index {
            vocabulary: HashMap::new(),
            phrases: Vec::new(),
            holders: Vec::new(),
            joined: Vec::new(),
            heard: HashMap::new(),
            measures: Vec::new(),
        };
        for (at, device) in devices.iter().enumerate() {
            let mark = Mark::Device(at);
            index.add(&device.name, mark, RANK_NAME);
            for alias in &device.aliases {
                index.add(alias, mark, RANK_NAME);
            }
            if let Some(area) = &device.area {
                for name in std::iter::once(&device.name).chain(&device.aliases) {
                    index.add(&format!("{area} {name}"), mark, RANK_PLACED);
                }
                for word in words_of_kind(&device.kind) {
                    index.add(&format!("{area} {word}"), mark, RANK_KIND);
                }
            }
            if !measured(device).is_empty() {
                let area = areas.iter().position(|area| Some(area) == device.area.as_ref());
                index.measures.push((at, measured(device), area));
            }
            for word in device.unit.as_deref().map_or(&[][..], unit_words) {
                index.add(word, mark, RANK_HINT);
                if let Some(area) = &device.area {
                    index.add(&format!("{area} {word}"), mark, RANK_HINT);
                }
            }
        }
        for (at, kind) in kinds.iter().enumerate() {
            // A word for a kind of which there is one device means that device.
            let mut members = (0..devices.len()).filter(|&device| family(&devices[device].kind) == kind);
            let mark = match (members.next(), members.next()) {
                (Some(only), None) => Mark::Device(only),
                _ => Mark::Kind(at),
            };
            for word in words_of_kind(kind) {
                let rank = if word == kind { RANK_KIND } else { RANK_HINT };
                index.add(word, mark, rank);
            }
        }
        for (at, area) in areas.iter().enumerate() {
            index.add(area, Mark::Area(at), RANK_PLACED);
        }
        for (at, value) in values.iter().enumerate() {
            index.add(value, Mark::Value(at), RANK_NAME);
        }
        for (at, hint) in tools.iter().enumerate() {
            for word in words(hint) {
                if word.text.len() > 2 && !is_everyday(&word.text) && !is_filler(&word.text) {
                    index.add(&word.text, Mark::Tool(at), RANK_HINT);
                }
                // A tool that takes `ml` is meant by millilitres.
                for name in names_of_unit(&word.text) {
                    index.add(name, Mark::Tool(at), RANK_HINT);
                }
            }
        }
        index
    }

    fn add(&mut self, name: &str, mark: Mark, rank: u8) {
        let mut ids: Vec<u32> = Vec::new();
        let mut joined = String::new();
        for word in words(name) {
            joined.push_str(&word.text);
            let next = self.vocabulary.len() as u32;
            let id = *self.vocabulary.entry(word.text).or_insert(next);
            if id == next {
                self.holders.push(Vec::new());
            }
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        if ids.is_empty() || self.phrases.iter().any(|p| p.mark == mark && p.words == ids) {
            return;
        }
        let phrase = self.phrases.len() as u32;
        for &id in &ids {
            self.holders[id as usize].push(phrase);
        }
        if joined.len() >= 5 && !matches!(mark, Mark::Tool(_)) && rank >= RANK_PLACED {
            let sound = sound(&joined);
            if sound.len() >= LEAST_HEARD {
                self.heard.entry(sound).or_default().push(phrase);
            }
            self.joined.push((joined, phrase));
        }
        self.phrases.push(Phrase { words: ids, mark, rank });
    }

    /// The mentions in a request, in the order of its words; they do not overlap.
    pub fn links(&self, request: &str) -> Vec<Link> {
        let words = words(request);
        let sightings: Vec<Vec<Sighting>> = words.iter().map(|word| self.sight(&word.text)).collect();
        let mut found = self.matches(&words, &sightings);
        self.joined_matches(&words, &sightings, &mut found);
        self.heard_matches(&words, &sightings, &mut found);
        found.sort_by_key(|m| {
            let rank = self.phrases[m.phrase as usize].rank;
            (std::cmp::Reverse((m.matched, m.exact, m.full)), std::cmp::Reverse(rank), m.last - m.first)
        });
        let mut taken = vec![false; words.len()];
        let mut links: Vec<Link> = Vec::new();
        let mut at = 0;
        while at < found.len() {
            let best = &found[at];
            at += 1;
            if taken[best.first..=best.last].iter().any(|&taken| taken) {
                continue;
            }
            let marks = self.readings(best, &found, counted(&words, best.first));
            if marks.is_empty() {
                continue;
            }
            taken[best.first..=best.last].fill(true);
            let whole = best.full && best.exact && self.phrases[best.phrase as usize].rank >= RANK_PLACED;
            let named = whole && matches!(marks[..], [Mark::Device(_), ..]);
            let bytes = words[best.first].start..words[best.last].end;
            let meant = (best.full && !best.exact && marks.len() == 1).then(|| self.spelling(best.phrase));
            let thing = matches!(marks[..], [Mark::Device(_) | Mark::Kind(_), ..]);
            let strange = thing && !named && self.strange_before(&words, &sightings, best.first);
            links.push(Link { named, meant, strange, ..Link::new(bytes, marks) });
        }
        self.questions(&words, &mut taken, &mut links);
        self.shared_heads(request, &words, &sightings, &mut taken, &mut links);
        let words = mended(&words);
        let mut at = 0;
        while at < words.len() {
            match number_at(request, &words, &taken, at).filter(|_| !taken[at]) {
                Some((number, used)) => {
                    let last = (at + used - 1).min(words.len() - 1);
                    links.push(Link::new(words[at].start..words[last].end, vec![Mark::Number(number)]));
                    at += used;
                }
                None => at += 1,
            }
        }
        links.sort_by_key(|link| link.start);
        links
    }

    /// A name's words, as they are spelt.
    fn spelling(&self, phrase: u32) -> String {
        let spelt =
            |id: &u32| self.vocabulary.iter().find(|(_, known)| *known == id).map(|(word, _)| word.as_str());
        self.phrases[phrase as usize].words.iter().filter_map(spelt).collect::<Vec<_>>().join(" ")
    }

    /// Whether the word before a mention may tell of something else: it is neither a small or an everyday word nor one of a device's, a
    /// place's or a kind's.
    fn strange_before(&self, words: &[Word], sightings: &[Vec<Sighting>], first: usize) -> bool {
        let Some(before) = first.checked_sub(1).filter(|_| !words[first].begins) else { return false };
        let text = words[before].text.as_str();
        let plain = is_everyday(text)
            || is_filler(text)
            || is_determiner(text)
            || is_command(text)
            || is_number_word(text)
            || meant(text).is_some()
            || ADJECTIVES.split_whitespace().any(|known| known == text);
        let thing = |id: u32| {
            let holders = self.holders[id as usize].iter().map(|&phrase| self.phrases[phrase as usize].mark);
            holders
                .into_iter()
                .any(|mark| matches!(mark, Mark::Device(_) | Mark::Area(_) | Mark::Kind(_) | Mark::Tool(_)))
        };
        text.len() > 2
            && text.chars().all(char::is_alphabetic)
            && !plain
            && !sightings[before].iter().any(|seen| thing(seen.id))
    }

    /// The words of names that a word of the request may be.
    fn sight(&self, word: &str) -> Vec<Sighting> {
        let mut out = Vec::new();
        if let Some(&id) = self.vocabulary.get(word) {
            out.push(Sighting { id, plural: false, exact: true });
        }
        let single = singular(word);
        if let Some(&id) = single.as_deref().and_then(|single| self.vocabulary.get(single)) {
            out.push(Sighting { id, plural: true, exact: true });
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

    fn matches(&self, words: &[Word], sightings: &[Vec<Sighting>]) -> Vec<Match> {
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
                }
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
            && (seen.len() > 1
                || !(is_everyday(alone)
                    || is_filler(alone)
                    || alone.starts_with(|c: char| c.is_ascii_digit())));
        // "kitchen lights" is not the one device "kitchen light": kind and area say it better.
        // (a word for the only one of its kind is that device, in the plural too).
        let by_kind_alone = wanted.rank <= RANK_KIND && wanted.words.len() == 1;
        let plural_of_one = plural && is_device && full && !by_kind_alone && wanted.rank > RANK_HINT;
        // "Switch on ...", "lock ...": a verb, unless something says that it is a noun.
        let verb = full
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
    fn joined_matches(&self, words: &[Word], sightings: &[Vec<Sighting>], found: &mut Vec<Match>) {
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
                said.push_str(word);
                apart |= is_apart;
                if last == first && !seen.is_empty() {
                    continue;
                }
                for (joined, phrase) in &self.joined {
                    let count = self.phrases[*phrase as usize].words.len();
                    let same_split = count == last - first + 1;
                    if !same_split && (said == *joined || (!apart && said.len() >= 8 && slip(&said, joined)))
                    {
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
    fn heard_matches(&self, words: &[Word], sightings: &[Vec<Sighting>], found: &mut Vec<Match>) {
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

    /// "How warm is it in the cellar", "is it cold": the devices that measure it, of the places that are named.
    fn questions(&self, words: &[Word], taken: &mut [bool], links: &mut Vec<Link>) {
        let before = |at: usize, back: usize| at.checked_sub(back).map_or("", |at| words[at].text.as_str());
        let asked = |at: usize| {
            before(at, 1) == "how" || (before(at, 1) == "it" && matches!(before(at, 2), "is" | "was"))
        };
        for at in (1..words.len()).filter(|&at| asked(at)) {
            // A word that only hints at a tool says no less what is asked.
            let hint = |link: &Link| {
                link.start == words[at].start
                    && link.end == words[at].end
                    && link.marks.iter().all(|mark| matches!(mark, Mark::Tool(_)))
            };
            let hinted = links.iter().position(hint);
            if taken[at] && hinted.is_none() {
                continue;
            }
            let said = |wanted: Mark| links.iter().any(|link| link.marks.contains(&wanted));
            let somewhere =
                links.iter().any(|link| link.marks.iter().any(|mark| matches!(mark, Mark::Area(_))));
            let able: Vec<_> = self
                .measures
                .iter()
                .filter(|(_, asks, _)| asks.contains(&words[at].text.as_str()))
                .filter(|(.., area)| !somewhere || area.is_some_and(|area| said(Mark::Area(area))))
                .collect();
            // Among several devices of a place it is not yet named.
            let alone = |link: &Link, device: usize| {
                let mut devices = link.marks.iter().filter(|mark| matches!(mark, Mark::Device(_)));
                devices.next() == Some(&Mark::Device(device)) && devices.next().is_none()
            };
            let named = able.iter().any(|&&(device, ..)| links.iter().any(|link| alone(link, device)));
            if !able.is_empty() && able.len() <= MOST_READINGS && !named {
                let mut marks: Vec<Mark> = able.iter().map(|(device, ..)| Mark::Device(*device)).collect();
                if let Some(hinted) = hinted {
                    marks.extend(links.remove(hinted).marks);
                }
                taken[at] = true;
                links.push(Link::new(words[at].start..words[at].end, marks));
            }
        }
    }

    /// "left and right spot": what is said of the last name goes for words before it that lack their noun.
    fn shared_heads(
        &self,
        request: &str,
        words: &[Word],
        sightings: &[Vec<Sighting>],
        taken: &mut [bool],
        links: &mut Vec<Link>,
    ) {
        let named: Vec<(usize, usize, usize)> = links
            .iter()
            .filter_map(|link| {
                let [Mark::Device(device)] = link.marks[..] else { return None };
                let first = words.iter().position(|word| word.start == link.start)?;
                Some((first, words.iter().position(|word| word.end == link.end)?, device))
            })
            .collect();
        for (first, last, device) in named {
            let heads: Vec<u32> = sightings[last].iter().map(|sighting| sighting.id).collect();
            let mut next = first;
            while next > 0 {
                let joins = |at: usize| matches!(words[at].text.as_str(), "and" | "or" | "plus" | "n");
                let comma = |at: usize| request[words[at].end..words[at + 1].start].contains([',', '&', '+']);
                let mut at = next - 1;
                let mut joined = comma(at);
                while at > 0 && (joins(at) || matches!(words[at].text.as_str(), "the" | "a")) {
                    joined |= joins(at);
                    at -= 1;
                    joined |= comma(at);
                }
                if !joined || taken[at] {
                    break;
                }
                let said: Vec<u32> = sightings[at].iter().map(|sighting| sighting.id).collect();
                if heads.iter().any(|id| said.contains(id)) {
                    break;
                }
                let lacks_noun = |phrase: &&Phrase| {
                    phrase.rank == RANK_NAME
                        && phrase.words.len() == 2
                        && said.iter().any(|id| phrase.words.contains(id))
                        && heads.iter().any(|id| phrase.words.contains(id))
                };
                let mut marks: Vec<Mark> = Vec::new();
                for phrase in self.phrases.iter().filter(lacks_noun) {
                    let other = matches!(phrase.mark, Mark::Device(found) if found != device);
                    if other && !marks.contains(&phrase.mark) {
                        marks.push(phrase.mark);
                    }
                }
                if marks.len() != 1 {
                    break;
                }
                taken[at] = true;
                links.push(Link::new(words[at].start..words[at].end, marks));
                next = at;
            }
        }
    }

    /// What the words of the best match may mean: all matches of the same words that are as good.
    /// `counted`: "every", "all the" stand before it.
    fn readings(&self, best: &Match, found: &[Match], counted: bool) -> Vec<Mark> {
        let rank = |m: &Match| self.phrases[m.phrase as usize].rank;
        let mark = |m: &Match| self.phrases[m.phrase as usize].mark;
        let same: Vec<&Match> = found
            .iter()
            .filter(|m| m.first == best.first && m.last == best.last && m.matched == best.matched)
            .filter(|m| m.exact == best.exact)
            .collect();
        let mut marks: Vec<Mark> = Vec::new();
        let push = |marks: &mut Vec<Mark>, mark: Mark| {
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        };
        // Devices named in full, at the best rank; else devices of whose names this is a part.
        let device = |m: &&&Match| matches!(mark(m), Mark::Device(_));
        let full: Vec<_> = same.iter().filter(device).filter(|m| m.full).collect();
        let top = full.iter().map(|m| rank(m)).max();
        let mut devices: Vec<Mark> = Vec::new();
        for m in full.iter().filter(|m| Some(rank(m)) == top) {
            push(&mut devices, mark(m));
        }
        let of_kind = || same.iter().filter(|m| matches!(mark(m), Mark::Kind(_)));
        let best_kind = of_kind().map(|m| rank(m)).max();
        let mut kinds: Vec<Mark> = Vec::new();
        of_kind().filter(|m| Some(rank(m)) == best_kind).for_each(|m| push(&mut kinds, mark(m)));
        // "The lights" are the lights, though the only dimmer may be called one.
        if best_kind > top {
            devices.clear();
        }
        if devices.is_empty() {
            let mut parts: Vec<Mark> = Vec::new();
            same.iter().filter(device).filter(|m| !m.full).for_each(|m| push(&mut parts, mark(m)));
            let own_kind = same.iter().any(|m| matches!(mark(m), Mark::Kind(_)) && rank(m) == RANK_KIND);
            let group = own_kind && (best.plural || counted);
            if parts.len() <= MOST_READINGS && (parts.len() == 1 || !own_kind) && !group {
                devices = parts;
            }
        }
        devices.truncate(MOST_READINGS);
        marks.extend(&devices);
        // "The spots" are those that are called so, and no other lights.
        let namesakes = best.plural && devices.len() > 1;
        if devices.len() != 1 && !namesakes {
            marks.extend(kinds);
        }
        for m in same.iter().filter(|m| !matches!(mark(m), Mark::Device(_) | Mark::Kind(_))) {
            if marks.len() < MOST_READINGS + 2 {
                push(&mut marks, mark(m));
            }
        }
        // A choice within the name of a place: a bed `south` in the south bed.
        let within = |m: &&Match| m.full && m.exact && m.first >= best.first && m.last <= best.last;
        if matches!(marks[..], [Mark::Area(_)]) {
            let choice = |m: &&Match| matches!(mark(m), Mark::Value(_));
            if let Some(m) = found.iter().filter(within).find(choice) {
                push(&mut marks, mark(m));
            }
        }
        marks
    }
}

/// Whether the words before a mention make it all of its sort: "every light", "all of the lights".
fn counted(words: &[Word], first: usize) -> bool {
    let mut before = words[..first].iter().rev().map(|word| word.text.as_str());
    let word = before.find(|word| !matches!(*word, "the" | "of" | "my" | "our"));
    matches!(word, Some("every" | "each" | "all" | "any"))
}

/// The words for a kind; a kind of the user's own is its own word.
fn words_of_kind(kind: &str) -> Vec<&str> {
    match kind_words().find(|(name, _)| *name == kind) {
        Some((_, words)) => words.collect(),
        None => vec![kind],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Number, Unit};

    fn marks(request: &str) -> Vec<Vec<Mark>> {
        let mut devices = vec![
            Device::of_kind("kitchen light", "light", Some("kitchen")),
            Device::of_kind("desk lamp", "light", Some("study")),
            Device::of_kind("night mode", "switch", None),
            Device::of_kind("front door lock", "lock", Some("hall")),
            Device::of_kind("ceiling fan", "fan", Some("study")),
        ];
        devices[0].aliases.push("cooker lamp".into());
        let kinds: Vec<String> = ["light", "switch", "lock", "fan"].map(str::to_owned).into();
        let areas: Vec<String> = ["kitchen", "study", "hall"].map(str::to_owned).into();
        let index = Index::new(&devices, &kinds, &areas, &["eco mode".into()], &["feed the cat".into()]);
        index.links(request).into_iter().map(|link| link.marks).collect()
    }

    #[test]
    fn names_are_found_in_other_words_and_orders_and_misspelt() {
        for request in
            ["the kitchen light", "light in the kitchen", "kitchn light", "kitchenlight", "cooker lamp"]
        {
            assert_eq!(marks(request), [[Mark::Device(0)]], "{request}");
        }
        assert_eq!(marks("the fan"), [[Mark::Device(4)]], "the only one of its kind");
        assert_eq!(marks("fans"), [[Mark::Device(4)]]);
    }

    #[test]
    fn names_are_heard_in_other_words() {
        let names = [
            "festoon lights",
            "argon valve",
            "peristaltic pump",
            "left pump",
            "platform detector",
            "gate one",
        ];
        let devices: Vec<Device> = names.iter().map(|name| Device::of_kind(name, "relay", None)).collect();
        let index = Index::new(&devices, &["relay".into()], &[], &[], &[]);
        let first = |request: &str| index.links(request).into_iter().flat_map(|link| link.marks).next();
        for (at, request) in [
            (0, "um fest soon lights on please"),
            (1, "open the are gone valve"),
            (2, "per is tall tick pump off"),
            (4, "the plat form detector"),
        ] {
            assert_eq!(first(request), Some(Mark::Device(at)), "{request}");
        }
        for request in ["lift the lid", "get on with it", "a perfect day"] {
            assert_eq!(first(request), None, "{request}");
        }
    }

    #[test]
    fn a_word_that_tells_of_something_else_makes_a_mention_strange() {
        let names = ["table saw", "south field valve", "kitchen light"];
        let kinds = ["saw", "valve", "light"];
        let devices: Vec<Device> =
            names.iter().zip(kinds).map(|(name, kind)| Device::of_kind(name, kind, Some("shed"))).collect();
        let index = Index::new(&devices, &kinds.map(str::to_owned), &["shed".to_owned()], &[], &[]);
        let strange = |request: &str| index.links(request).iter().any(|link| link.strange);
        for request in ["band saw on", "turn on the band saw", "open the west field valve", "porch light off"]
        {
            assert!(strange(request), "{request}");
        }
        for request in [
            "table saw on",
            "turn on the saw",
            "open the field valve",
            "bloody light off",
            "shed light",
            "kitchn light on",
        ] {
            assert!(!strange(request), "{request}");
        }
        assert_eq!(index.links("kithcen light")[0].meant.as_deref(), Some("kitchen light"));
        assert_eq!(index.links("kitchen light")[0].meant, None);
    }

    #[test]
    fn plurals_are_groups_and_places_stand_by_themselves() {
        assert_eq!(marks("all lights"), [[Mark::Kind(0)]]);
        assert_eq!(marks("study lights"), [[Mark::Area(1)], [Mark::Kind(0)]]);
        assert_eq!(marks("everything in the hall"), [[Mark::Area(2)]]);
    }

    #[test]
    fn a_noun_that_is_said_once_goes_for_all_before_it() {
        let spots = ["left spot", "right spot", "centre spot"];
        let devices: Vec<Device> =
            spots.iter().map(|name| Device::of_kind(name, "light", Some("stage"))).collect();
        let index = Index::new(&devices, &["light".into()], &["stage".into()], &[], &[]);
        let marks =
            |request: &str| index.links(request).into_iter().flat_map(|link| link.marks).collect::<Vec<_>>();
        let all = [0, 1, 2].map(Mark::Device);
        assert_eq!(marks("all the spots off"), all);
        assert_eq!(marks("every light off"), [Mark::Kind(0)]);
        assert_eq!(marks("turn the left and right spot off"), all[..2]);
        assert_eq!(marks("left, right and the centre spot on"), all);
        assert_eq!(marks("turn round and get the right spot"), [Mark::Device(1)]);
    }

    #[test]
    fn a_question_means_what_measures_it_where_it_is_asked() {
        let mut devices = vec![
            Device::of_kind("blue probe", "thermometer", Some("cellar")),
            Device::of_kind("red probe", "thermometer", Some("attic")),
            Device::of_kind("noise meter", "meter", None),
        ];
        devices.iter_mut().for_each(|device| device.direction = crate::board::Direction::In);
        let areas = ["cellar", "attic"].map(str::to_owned);
        let index = Index::new(&devices, &["sensor".into()], &areas, &[], &[]);
        let marks =
            |request: &str| index.links(request).into_iter().map(|link| link.marks).collect::<Vec<_>>();
        assert_eq!(marks("how cold is it in the attic?"), [vec![Mark::Device(1)], vec![Mark::Area(1)]]);
        assert_eq!(marks("is it warm"), [[Mark::Device(0), Mark::Device(1)]]);
        assert_eq!(marks("how loud are we"), [[Mark::Device(2)]]);
        assert_eq!(marks("a warm welcome"), Vec::<Vec<Mark>>::new());
    }

    #[test]
    fn verbs_are_no_devices() {
        assert_eq!(marks("switch on the desk lamp"), [[Mark::Device(1)]]);
        assert_eq!(marks("lock up"), Vec::<Vec<Mark>>::new());
        let number = |said: &str| matches!(marks(said)[1][..], [Mark::Number(number)] if number.value == 8.0);
        assert!(number("ceiling fan 8") && number("ceiling fan 8 percent"));
        assert_eq!(marks("open the lock"), [[Mark::Device(3)]]);
    }

    #[test]
    fn a_choice_in_the_name_of_a_place_and_units_hint_at_tools() {
        let areas = ["north bed".to_owned(), "south bed".to_owned()];
        let values = ["north".to_owned(), "south".to_owned()];
        let index = Index::new(&[], &[], &areas, &values, &["dose: ml, bed".into(), "weigh: kg".into()]);
        let marks =
            |text| -> Vec<Mark> { index.links(text).into_iter().flat_map(|link| link.marks).collect() };
        let number = |value| Mark::Number(Number { value, unit: Unit::Plain, said: value });
        assert_eq!(
            marks("120 millilitres on the south bed"),
            [number(120.0), Mark::Tool(0), Mark::Area(1), Mark::Value(1)]
        );
        assert_eq!(marks("30 mils for the north"), [number(30.0), Mark::Tool(0), Mark::Value(0)]);
        assert_eq!(marks("two kilos"), [number(2.0), Mark::Tool(1)]);
    }

    #[test]
    fn two_hundred_devices_are_searched_in_little_time() {
        let devices: Vec<Device> = (0..200)
            .map(|i| {
                Device::of_kind(
                    &format!("{} lamp {i}", ["north", "south", "east"][i % 3]),
                    "light",
                    Some("barn"),
                )
            })
            .collect();
        let index = Index::new(&devices, &["light".into()], &["barn".into()], &[], &[]);
        assert_eq!(index.links("turn on south lamp 40 in the barn")[0].marks, [Mark::Device(40)]);
    }
}
