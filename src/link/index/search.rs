//! Where names are said: words seen as words of names, and runs of them as mentions.

use super::super::lexicon::{is_determiner, is_everyday, is_filler};
use super::super::number::{is_number_word, other_spelling, place};
use super::super::sound::sound;
use super::super::spell::{is_command, is_common, is_known, meant};
use super::super::words::{Word, across_the_ocean, singular, slip, stem};
use super::places::{is_article, is_excepting};
use super::{Index, Mark, Match, Phrase, RANK_HINT, RANK_KIND, RANK_NAME, Sighting, counted};

/// Longest run of fillers inside a mention ("the light *over in the* kitchen").
const MOST_FILLERS: usize = 3;
/// Fewest letters of a word that is said for a longer one, and fewest that it leaves out.
const LEAST_SHORT: usize = 3;
/// Fewest letters of a word that is said for one that ends with it.
const LEAST_END: usize = 4;
/// Most words of the request that a name is heard in.
const MOST_HEARD: usize = 6;
/// Words of what is to be done, which may sound like the end of a name.
const SWITCHED: &[&str] = &[
    "on", "off", "of", "up", "down", "out", "in", "to", "too", "two", "for", "four", "one", "the", "then",
    "please", "not", "now",
];

/// Whether the word before says that a thing of ours follows.
fn owned(words: &[Word], at: usize) -> bool {
    at > 0 && is_article(&words[at - 1].text)
}

/// Whether an everyday word stands where a thing is named: "the press", and "press off" where something's name ends so (`head`).
fn is_thing(words: &[Word], at: usize, head: bool) -> bool {
    let told = |word: &Word| matches!(word.text.as_str(), "on" | "off" | "to" | "at");
    let next = words.get(at + 1).filter(|word| !word.begins);
    !is_number_word(&words[at].text)
        && (owned(words, at) || (head && (at == 0 || words[at].begins) && next.is_some_and(told)))
}

impl Index {
    /// Whether an area is called by this word alone.
    fn is_place(&self, id: u32) -> bool {
        self.holding(id).any(|phrase| matches!(phrase.mark, Mark::Area(_)) && phrase.words.len() == 1)
    }

    /// Whether a word hints at a tool. ("Stirer" is a stirrer misspelt, not what it does.)
    fn hints(&self, id: u32) -> bool {
        self.holding(id).any(|phrase| matches!(phrase.mark, Mark::Tool(_)))
    }

    /// How many areas have a word in their names.
    pub(super) fn areas_with(&self, id: u32) -> usize {
        self.holding(id).filter(|phrase| matches!(phrase.mark, Mark::Area(_))).count()
    }

    /// The words of names that a word of the request may be.
    pub(super) fn sight(&self, word: &str) -> Vec<Sighting> {
        // "Skylite", "floodlites".
        if word.trim_end_matches('s').ends_with("lite") && !self.vocabulary.contains_key(word) {
            let lights = self.sight(&word.replace("lite", "light"));
            if !lights.is_empty() {
                return lights.into_iter().map(|seen| Sighting { exact: false, ..seen }).collect();
            }
        }
        let mut out = Vec::new();
        if let Some(&id) = self.vocabulary.get(word) {
            out.push(Sighting { id, plural: false, exact: true, doubtful: false });
        }
        // "PDUs" looks like a Latin word.
        let stem_of_name = || word.strip_suffix('s').filter(|stem| self.vocabulary.contains_key(*stem));
        let single =
            singular(word).or_else(|| stem_of_name().filter(|stem| stem.len() > 1).map(str::to_owned));
        if let Some(&id) = single.as_deref().and_then(|single| self.vocabulary.get(single)) {
            out.push(Sighting { id, plural: true, exact: true, doubtful: false });
        }
        if let Some(&id) = other_spelling(word).and_then(|number| self.vocabulary.get(number.as_ref())) {
            out.push(Sighting { id, plural: false, exact: true, doubtful: false });
        }
        if out.is_empty() {
            let other = across_the_ocean(word).iter().find_map(|other| self.vocabulary.get(other).copied());
            out.extend(other.map(|id| Sighting { id, plural: false, exact: true, doubtful: false }));
        }
        if out.is_empty()
            && !is_everyday(word)
            && !is_filler(word)
            && let Some(&id) = self.stems.get(&stem(word))
            && (self.hints(id) || !word.trim_end_matches('s').ends_with("er"))
        {
            out.push(Sighting { id, plural: false, exact: true, doubtful: false });
        }
        // "The changing room" of the changing rooms.
        let several = self.vocabulary.get(&format!("{word}s"));
        if let Some(&id) = several.filter(|id| self.areas_with(**id) > 0) {
            out.push(Sighting { id, plural: false, exact: true, doubtful: false });
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
        let doubtful = is_common(word) || is_known(word);
        for (name, &id) in &self.vocabulary {
            // A name in the plural said in the singular counts as exact; else one slip of the fingers or the ear.
            if singular(name).as_deref() == Some(word) {
                out.push(Sighting { id, plural: false, exact: true, doubtful: false });
            } else if slip(word, name) {
                out.push(Sighting { id, plural: false, exact: false, doubtful });
            } else if single.as_deref().is_some_and(|single| slip(single, name)) {
                out.push(Sighting { id, plural: true, exact: false, doubtful });
            }
        }
        if out.is_empty() && word.len() > 2 && !doubtful {
            let said = sound(word);
            let alike =
                |name: &str| said.len() > 1 && sound(name) == said && strsim::osa_distance(word, name) <= 2;
            for (_, &id) in self.vocabulary.iter().filter(|(name, _)| alike(name)) {
                out.push(Sighting { id, plural: false, exact: false, doubtful: false });
            }
        }
        if out.is_empty() {
            out.extend(self.abbreviated(word, single.as_deref()));
        }
        if out.is_empty() {
            out.extend(self.compound(word, single.as_deref()));
        }
        if out.is_empty()
            && let Some(meant) = meant(word)
        {
            let plural = singular(meant);
            for (name, plural) in [(Some(meant), false), (plural.as_deref(), true)] {
                if let Some(&id) = name.and_then(|name| self.vocabulary.get(name)) {
                    out.push(Sighting { id, plural, exact: false, doubtful: false });
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
            let (name, id) = self.only_longer(short, LEAST_SHORT, |name| name.starts_with(short))?;
            // A word of its own may still stand for its light: "floods".
            let lights = matches!(&name[short.len()..], "light" | "lights" | "lamp" | "lamps");
            let own = is_known(short) || is_common(short);
            // Floodlights are already several.
            let plural = plural && !name.ends_with('s');
            (!own || lights).then_some(Sighting { id, plural, exact: false, doubtful: false })
        };
        found(word, false).or_else(|| found(single?, true))
    }

    /// The one word that ends with this one: "horn" for "foghorn", "lifts" for "chairlift".
    fn compound(&self, word: &str, single: Option<&str>) -> Option<Sighting> {
        let found = |end: &str, plural: bool| {
            let (_, id) = self.only_longer(end, LEAST_END, |name| name.ends_with(end))?;
            Some(Sighting { id, plural, exact: false, doubtful: false })
        };
        found(word, false).or_else(|| found(single?, true))
    }

    /// The only word of names that is a good deal longer than one of at least so many letters and fits it.
    fn only_longer(&self, word: &str, least: usize, fits: impl Fn(&str) -> bool) -> Option<(&str, u32)> {
        if word.len() < least {
            return None;
        }
        let mut longer =
            self.vocabulary.iter().filter(|(name, _)| name.len() >= word.len() + LEAST_SHORT && fits(name));
        let (name, &id) = longer.next()?;
        longer.next().is_none().then_some((name, id))
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
        let mut doubtful = false;
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
                    doubtful |= hit.doubtful;
                    last = at;
                    fillers = 0;
                    if !is_filler(&words[at].text) {
                        telling.push(at);
                    }
                }
                // "Left and right fan" is not the left fan.
                None if words[at - 1].text == "and" && !sightings[at].is_empty() => break,
                // "The left-hand fan".
                None if words[at].text == "hand"
                    && matches!(words[at - 1].text.as_str(), "left" | "right") => {}
                None if is_excepting(&words[at].text) => break,
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
        let apart = last + 1 - first > seen.len();
        if is_device && apart && counted(words, first) {
            return None;
        }
        // "Lights on in Acorn class" does not name the Acorn lights.
        if is_device && apart && self.goes_on_as_place(words, sightings, last) {
            return None;
        }
        // So are "the lights in the barn", and "barn lights" where one is called "barn ceiling light", if there are several.
        if let Mark::Device(device) = wanted.mark
            && (apart || !full)
            && seen.len() > 1
            && self.gathers(device, &words[first..=last], &sightings[first..=last], &seen, apart)
        {
            return None;
        }
        // A part of a name counts for devices only: two of its words, or one that is no number, nor an everyday word that stands there as
        // no thing does.
        let alone = &words[first].text;
        let part = is_device
            && !is_filler(alone)
            && (telling.len() > 1
                || !(is_everyday(alone) || alone.starts_with(|c: char| c.is_ascii_digit()))
                || (last == first
                    && !self.is_place(seen[0])
                    && is_thing(words, first, wanted.words.last() == seen.last())));
        // "The vault", where one place is the barrel vault.
        let part = part
            || matches!(wanted.mark, Mark::Area(_))
                && last == first
                && !is_filler(alone)
                && !is_everyday(alone)
                && owned(words, first)
                && self.areas_with(seen[0]) == 1;
        // "kitchen lights" is not the one device "kitchen light" where there are more: kind and area say it better.
        // (a word for the only one of its kind is that device, in the plural too).
        let by_kind_alone = wanted.rank <= RANK_KIND && wanted.words.len() == 1;
        // "Pumps 1" begins a series: "pumps 1 and 3".
        let counted_off = last > first && place(&words[last].text).is_some();
        let plural_of_one = plural
            && full
            && !by_kind_alone
            && wanted.rank > RANK_HINT
            && !counted_off
            && matches!(wanted.mark, Mark::Device(device) if wanted.rank == RANK_KIND || !self.is_alone(device, &seen));
        // "Switch on ...", "lock ...": a verb, unless something says that it is a noun.
        let verb = full
            && !matches!(wanted.mark, Mark::Tool(_))
            && wanted.rank <= RANK_KIND
            && wanted.words.len() == 1
            && !plural
            && is_everyday(alone)
            && !(first > 0 && is_determiner(&words[first - 1].text));
        let placed_only = is_device && !full && wanted.rank < RANK_NAME;
        if (doubtful && seen.len() == 1)
            || (!full && !part)
            || plural_of_one
            || verb
            || placed_only
            || (full && is_device && is_filler(alone) && !self.is_lettered(phrase, seen[0]))
        {
            return None;
        }
        // Of "lights on" only the lights are a part of "light on the dock".
        // ("Heaters a" is one of them.)
        let text = words[last].text.as_str();
        let hanging = !full && last > first && is_filler(text) && text != "a";
        let trimmed = hanging.then(|| telling.last().copied()).flatten();
        let (last, matched) = match trimmed {
            Some(end) => (end, telling.len()),
            None => (last, seen.len()),
        };
        Some(Match { first, last, phrase, matched, full, plural, exact })
    }

    /// Whether words, by their ids, hold the name of the place where a device is, or the last word of it and of no other place's; `apart`: or the
    /// first.
    fn names_place(&self, device: usize, ids: &[u32], apart: bool) -> bool {
        let Some(area) = self.places[device].0 else { return false };
        let named = |id: u32, phrase: &Phrase| {
            phrase.mark == Mark::Area(area)
                && (phrase.words.iter().all(|word| ids.contains(word))
                    || ((phrase.words.last() == Some(&id) || (apart && phrase.words.first() == Some(&id)))
                        && self.areas_with(id) == 1))
        };
        ids.iter().any(|&id| self.holding(id).any(|phrase| named(id, phrase)))
    }

    /// Whether a name is another one's but for this word: the "A" of the A and B pontoon lights is no article.
    fn is_lettered(&self, phrase: u32, word: u32) -> bool {
        let wanted = &self.phrases[phrase as usize];
        let others =
            |phrase: &Phrase| wanted.words.iter().filter(|id| !phrase.words.contains(id)).eq([&word]);
        self.phrases.iter().any(|phrase| {
            phrase.rank == wanted.rank && phrase.words.len() == wanted.words.len() && others(phrase)
        })
    }

    /// Whether a device has all the words with these ids in its name.
    pub(super) fn is_called(&self, device: usize, ids: &[u32]) -> bool {
        let called = |phrase: &Phrase| {
            phrase.rank == RANK_NAME
                && phrase.mark == Mark::Device(device)
                && ids.iter().all(|id| phrase.words.contains(id))
        };
        self.holding(ids[0]).any(called)
    }

    /// The other devices of a device's kind and place.
    fn crowd(&self, device: usize) -> impl Iterator<Item = usize> {
        let alike = move |at: &usize| *at != device && self.places[*at] == self.places[device];
        (0..self.places.len()).filter(alike)
    }

    /// Whether no other device is of a device's kind and place, nor has all the words with these ids in its name: then it may be said in the plural.
    fn is_alone(&self, device: usize, ids: &[u32]) -> bool {
        let namesake = |phrase: &Phrase| match phrase.mark {
            Mark::Device(other) => other != device && self.is_called(other, ids),
            _ => false,
        };
        (!self.names_place(device, ids, false) || self.crowd(device).next().is_none())
            && !self.holding(ids[0]).any(namesake)
    }

    /// Whether words that are a device's, by their ids, name its place and, in the plural, its kind, of which there are others in that
    /// place that are not called so.
    fn gathers(
        &self,
        device: usize,
        words: &[Word],
        sightings: &[Vec<Sighting>],
        ids: &[u32],
        apart: bool,
    ) -> bool {
        let Some(kind) = self.places[device].1 else { return false };
        let of_kind = |seen: &Sighting| {
            self.holding(seen.id).any(|phrase| phrase.mark == Mark::Kind(kind) && phrase.words.len() == 1)
        };
        let plural = |(word, seen): (&Word, &Vec<Sighting>)| {
            singular(&word.text).is_some() && seen.iter().any(of_kind)
        };
        // What tells it from others of its kind there: the ceiling lights are not the exam light.
        let of_place =
            |phrase: &Phrase| phrase.mark == Mark::Area(self.places[device].0.unwrap_or(usize::MAX));
        let common = |id: u32| {
            let said = sightings.iter().filter(|seen| seen.iter().any(|one| one.id == id)).flatten();
            said.into_iter().any(|seen| of_kind(seen) || self.holding(seen.id).any(of_place))
        };
        let own: Vec<u32> = ids.iter().copied().filter(|&id| !common(id)).collect();
        let alike = |other: &usize| own.is_empty() || self.is_called(*other, &own);
        words.iter().zip(sightings).any(plural)
            && self.names_place(device, ids, apart)
            && (!self.is_called(device, ids)
                || self.crowd(device).filter(alike).any(|other| !self.is_called(other, ids)))
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
                    // "Start the dryer" sounds like the street door, but the dryer is there.
                    let other = others.iter().any(|&at| sightings[at].iter().any(|seen| seen.exact));
                    // "Except" sounds like a wax pot, "humid is it" like a humidistat.
                    // Nor is "the auditorium, so we can" the auditorium house.
                    let small =
                        others.iter().all(|&at| is_everyday(&words[at].text) || is_filler(&words[at].text))
                            || (words[last - 1].text == "is" && words[last].text == "it");
                    if !others.is_empty() && !other && !small && (name.len() != last + 1 - first || odd) {
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
