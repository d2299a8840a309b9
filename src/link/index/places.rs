//! Places in a request: named by a part, behind what stands there, or told by what was said before.

use super::super::number::Unit;
use super::super::words::{Word, singular};
use super::{Heat, Index, Link, Mark, Match, Phrase, RANK_KIND, Sighting, members};

/// Words before what is left out.
const EXCEPTING: &[&str] =
    &["except", "excepting", "but", "besides", "excluding", "apart", "other than", "but not", " bar", "save"];

/// Whether a word leaves out what stands behind it.
pub(super) fn is_excepting(word: &str) -> bool {
    matches!(word, "except" | "excepting" | "excluding" | "besides" | "bar" | "but" | "without" | "not")
}

/// Words between a thing and its place.
const SMALL: &[&str] = &["off", "up", "down", "out", "over", "please"];
/// Words between what leaves out and a place that is left out.
const BEFORE_PLACES: &[&str] = &[" the", " in", " for", " from", " at", " ones", " those", " one"];

/// Words before a place.
fn leads(word: &str) -> bool {
    matches!(word, "in" | "at" | "on" | "of")
}

/// Words that may stand before a name.
pub(super) fn is_article(word: &str) -> bool {
    matches!(word, "the" | "my" | "our" | "your")
}

fn sorted(places: &[usize]) -> Vec<usize> {
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    sorted
}

fn device(mark: &Mark) -> Option<usize> {
    match mark {
        Mark::Device(at) => Some(*at),
        _ => None,
    }
}

impl Index {
    /// Whether the word `last` begins a place's name that the next word goes on with.
    pub(super) fn goes_on_as_place(&self, words: &[Word], sightings: &[Vec<Sighting>], last: usize) -> bool {
        let Some(next) = sightings.get(last + 1).filter(|_| !words[last + 1].begins) else { return false };
        self.phrases.iter().filter(|phrase| matches!(phrase.mark, Mark::Area(_))).any(|area| {
            area.words.windows(2).any(|pair| {
                sightings[last].iter().any(|seen| seen.id == pair[0])
                    && next.iter().any(|seen| seen.id == pair[1])
            })
        })
    }

    /// Whether a place is named right behind a mention that ends with the word `last`: "lights in the shed".
    pub(super) fn place_behind(&self, words: &[Word], found: &[Match], last: usize) -> bool {
        let text =
            |at: usize| words.get(at).filter(|word| !word.begins).map_or("", |word| word.text.as_str());
        let mut at = last + 1;
        if !leads(text(at)) {
            return false;
        }
        while leads(text(at)) || is_article(text(at)) {
            at += 1;
        }
        let place = |m: &Match| m.full && matches!(self.phrases[m.phrase as usize].mark, Mark::Area(_));
        found.iter().any(|m| m.first == at && place(m))
    }

    /// "Lights off in Oak", where several things in Oak class have Oak in their names, "lights on in the barn" of the goat barn: the place
    /// that one word of its name is said of, behind "in" or before a kind.
    pub(super) fn place_meant(
        &self,
        words: &[Word],
        sightings: &[Vec<Sighting>],
        best: &Match,
        marks: &[Mark],
    ) -> Option<usize> {
        let devices: Vec<usize> = marks.iter().filter_map(device).collect();
        let area = self.places[*devices.first()?].0?;
        let several = devices.len() > 1;
        if best.first != best.last || devices.iter().any(|&at| self.places[at].0 != Some(area)) {
            return None;
        }
        let ids: Vec<u32> = sightings[best.first]
            .iter()
            .filter(|seen| seen.exact && !seen.plural)
            .map(|seen| seen.id)
            .collect();
        // What is called by this word alone is that.
        let called = |id: u32| {
            self.holding(id).any(|phrase| {
                phrase.words.len() == 1 && matches!(phrase.mark, Mark::Device(_) | Mark::Area(_))
            })
        };
        if ids.iter().any(|&id| called(id) || self.areas_with(id) > 1) {
            return None;
        }
        let of_area = |id: u32| self.holding(id).filter(|phrase| phrase.mark == Mark::Area(area));
        let ends = ids.iter().any(|&id| of_area(id).any(|name| name.words.last() == Some(&id)));
        let begins = ids.iter().any(|&id| of_area(id).any(|name| name.words.first() == Some(&id)));
        let before = |back: usize| best.first.checked_sub(back).map_or("", |at| words[at].text.as_str());
        let led = !words[best.first].begins && leads(before(1)) && before(1) != "of";
        let led_to_it = !words[best.first].begins && is_article(before(1)) && leads(before(2));
        let behind = sightings.get(best.last + 1).filter(|_| !words[best.last + 1].begins);
        let mut kinds =
            behind.into_iter().flatten().filter(|seen| seen.plural).flat_map(|seen| self.holding(seen.id));
        let before_others = kinds.any(|phrase| match phrase.mark {
            Mark::Kind(kind) => several || self.places[devices[0]].1 != Some(kind),
            _ => false,
        });
        let meant =
            (ends && (led || led_to_it)) || (begins && led && several) || ((ends || begins) && before_others);
        meant.then_some(area)
    }

    /// Things beside a place are those there: of "both bedroom lamps" the lamps in the bedroom, and not the bedroom curtains; of "everything but
    /// the stage" the stage and not its spots.
    pub(super) fn within_places(&self, request: &str, links: &mut [Link]) {
        let area_of = |link: &Link| {
            link.marks.iter().find_map(|mark| match mark {
                Mark::Area(area) => Some(*area),
                _ => None,
            })
        };
        // "In the gym: stereo to 70 and the fan at 50".
        let first =
            links.first().and_then(|link| Some((area_of(link)?, request.get(..link.start)?.to_lowercase())));
        if let Some((area, before)) = first
            && links[1..].iter().all(|link| area_of(link).is_none())
            && before.split_whitespace().next().is_some_and(leads)
            && before.split_whitespace().all(|word| leads(word) || is_article(word))
        {
            let mut narrowed = false;
            for link in &mut links[1..] {
                narrowed |= self.narrow(link, area, request);
            }
            if narrowed {
                links[0].marks.retain(|mark| device(mark).is_none());
                links[0].named = false;
            }
        }
        for at in 0..links.len() {
            let Some(area) = area_of(&links[at]) else { continue };
            let words_between = |from: usize, to: usize| request.get(from..to).unwrap_or("?").to_lowercase();
            let beside = links.get(at + 1).is_some_and(|next| {
                words_between(links[at].end, next.start)
                    .trim_matches([' ', '\'', '’'])
                    .trim_start_matches('s')
                    .trim()
                    .is_empty()
            });
            let behind = at > 0 && {
                let between = words_between(links[at - 1].end, links[at].start);
                let mut led = false;
                let mut between = between.split_whitespace().peekable();
                let mut small = true;
                while let Some(word) = between.next() {
                    led |=
                        leads(word) && (word != "on" || between.peek().is_some_and(|next| is_article(next)));
                    small &= leads(word) || is_article(word) || SMALL.contains(&word);
                }
                small && led
            };
            let things = if beside { Some(at + 1) } else { behind.then(|| at - 1) };
            let narrowed = things.is_some_and(|things| self.narrow(&mut links[things], area, request));
            let left_out = EXCEPTING.iter().any(|word| {
                let before = words_between(0, links[at].start);
                let mut before = before.trim_end();
                while let Some(shorter) = BEFORE_PLACES.iter().find_map(|small| before.strip_suffix(small)) {
                    before = shorter.trim_end();
                }
                before.ends_with(word)
            });
            if narrowed || left_out {
                links[at].marks.retain(|mark| device(mark).is_none());
                links[at].named = false;
            }
        }
    }

    /// "Get the shore power going on B again", "B pontoon's dark, get the lights on": two mentions of several things that have one in common, and no
    /// third, mean that one.
    pub(super) fn in_common(&self, request: &str, links: &mut [Link]) {
        let things = |link: &Link| {
            link.marks.iter().any(|mark| matches!(mark, Mark::Device(_) | Mark::Kind(_) | Mark::Area(_)))
        };
        let found: Vec<usize> = (0..links.len()).filter(|&at| things(&links[at])).collect();
        let [one, other] = found[..] else { return };
        let only_things =
            |link: &Link| link.marks.iter().all(|mark| matches!(mark, Mark::Device(_) | Mark::Kind(_)));
        let between = request.get(links[one].end..links[other].start).unwrap_or("").to_lowercase();
        let excepted = between.split_whitespace().any(is_excepting);
        if excepted || !only_things(&links[one]) || !only_things(&links[other]) {
            return;
        }
        let (these, those) = (members(&self.places, &links[one]), members(&self.places, &links[other]));
        let kinds = [one, other].map(|at| links[at].devices().next().is_none());
        let mut common = these.iter().filter(|at| those.contains(at));
        if these.len() > 1
            && those.len() > 1
            && kinds != [true, true]
            && let (Some(&only), None) = (common.next(), common.next())
        {
            links[one].marks = vec![Mark::Device(only)];
            links[other].marks = vec![Mark::Device(only)];
        }
    }

    /// The word of names that a single word of the request is, in the plural too.
    fn word(&self, said: &str) -> Option<u32> {
        let known = |word: &str| self.vocabulary.get(word).copied();
        known(said).or_else(|| known(&singular(said)?))
    }

    /// Leaves of the things that a mention may mean those in a place; whether there are some.
    fn narrow(&self, things: &mut Link, area: usize, request: &str) -> bool {
        let there = |device: usize| self.places[device].0 == Some(area);
        let kind = things.marks.iter().find_map(|mark| match mark {
            Mark::Kind(kind) => Some(*kind),
            _ => None,
        });
        let devices: Vec<usize> = things.devices().collect();
        let of_kind = |at: &usize| there(*at) && kind.is_some() && self.places[*at].1 == kind;
        // "The spots in the kitchen" are those that are called so, and not the strip.
        let said = request[things.start..things.end].to_lowercase();
        let ids = || self.word(&said).into_iter().chain(singular(&said).and_then(|one| self.word(&one)));
        let of_sort = |phrase: &Phrase| phrase.words.len() == 1 && phrase.rank == RANK_KIND;
        let called: Vec<usize> = match ids().next() {
            Some(id) if !ids().any(|id| self.holding(id).any(of_sort)) => {
                (0..self.places.len()).filter(of_kind).filter(|&at| self.is_called(at, &[id])).collect()
            }
            _ => Vec::new(),
        };
        if !called.is_empty()
            && !things.named
            && called.len() < (0..self.places.len()).filter(of_kind).count()
        {
            things.marks.retain(|mark| !matches!(mark, Mark::Device(_) | Mark::Kind(_)));
            called.iter().rev().for_each(|&at| things.marks.insert(0, Mark::Device(at)));
            things.named = called.len() == 1;
            return true;
        }
        let within: Vec<usize> = match kind {
            Some(_) => (0..self.places.len()).filter(of_kind).collect(),
            None if devices.len() > 1 => devices.iter().copied().filter(|&at| there(at)).collect(),
            None => Vec::new(),
        };
        if within.is_empty() || things.named {
            return false;
        }
        let singular = singular(&request[things.start..things.end].to_lowercase()).is_none();
        match (kind, &within[..]) {
            // "The light in there".
            (Some(_), [only]) if singular => {
                things.marks.retain(|mark| !matches!(mark, Mark::Device(_) | Mark::Kind(_)));
                things.marks.insert(0, Mark::Device(*only));
                things.named = true;
            }
            (Some(_), _) => things.marks.retain(|mark| !matches!(mark, Mark::Device(_))),
            (None, _) => {
                things.marks.retain(|mark| device(mark).is_none_or(|at| within.contains(&at)));
                // All of a kind there are told by the kind.
                let kind = self.places[within[0]].1;
                let all = (0..self.places.len()).filter(|&at| there(at) && self.places[at].1 == kind);
                if let Some(kind) = kind.filter(|_| within.len() > 1 && all.eq(sorted(&within))) {
                    things.marks.retain(|mark| device(mark).is_none());
                    things.marks.insert(0, Mark::Kind(kind));
                }
            }
        }
        true
    }

    /// "What's the temperature in the cellar": of what measures it and what sets it, where no number is said, the first.
    pub(super) fn measured_places(&self, links: &mut [Link]) {
        let number = |mark: &Mark| matches!(mark, Mark::Number(_));
        if links.iter().any(|link| link.marks.iter().any(number)) {
            return;
        }
        for link in links {
            let devices: Vec<usize> = link.devices().collect();
            let is = |heat: Heat| devices.iter().any(|&at| self.heats[at] == heat);
            let mut areas = devices.iter().map(|&at| self.places[at].0);
            let first = areas.next().flatten();
            let one_place = first.is_some() && areas.all(|area| area == first);
            if one_place && is(Heat::Measured) && is(Heat::Set) && !is(Heat::Neither) {
                link.marks.retain(|mark| device(mark).is_none_or(|at| self.heats[at] == Heat::Measured));
            }
        }
    }

    /// "Set the dining room to 21 degrees", "it's freezing in the cellar, 19 degrees please": what sets the temperature there.
    pub(super) fn warmed_places(&self, links: &mut [Link]) {
        let degrees = |mark: &Mark| matches!(mark, Mark::Number(number) if number.unit == Unit::Degrees);
        let sets = |link: &Link| link.devices().any(|device| self.heats[device] == Heat::Set);
        if !links.iter().any(|link| link.marks.iter().any(degrees)) || links.iter().any(sets) {
            return;
        }
        for link in links {
            let [Mark::Area(area), ..] = link.marks[..] else { continue };
            let there = |at: &usize| self.places[*at].0 == Some(area) && self.heats[*at] == Heat::Set;
            let mut setting = (0..self.places.len()).filter(there);
            if let (Some(only), None) = (setting.next(), setting.next()) {
                link.marks.insert(0, Mark::Device(only));
            }
        }
    }

    /// "Set the hot tub to 39", "is the tub warm": of several things that a part of their names stands for, what sets the temperature or measures it.
    pub(super) fn warm_things(&self, request: &str, words: &[Word], links: &mut [Link]) {
        const WARM: &[&str] =
            &["hot", "warm", "cold", "cool", "warmer", "cooler", "temperature", "temp", "degrees"];
        const ASKING: &[&str] = &["is", "how", "hows", "what", "whats", "are", "read", "check", "tell"];
        let said = |list: &[&str]| words.iter().any(|word| list.contains(&word.text.as_str()));
        const TO_VALUE: &[&str] =
            &["to", "at", "up", "down", "back", "on", "held", "kept", "set", "temperature", "temp"];
        let number = |mark: &Mark| matches!(mark, Mark::Number(number) if matches!(number.unit, Unit::Degrees | Unit::Plain));
        let numbered = |link: &Link| link.marks.iter().any(number);
        let asked = !links.iter().any(numbered) && said(WARM) && said(ASKING);
        for at in 0..links.len() {
            let link = &links[at];
            let devices: Vec<usize> = link.devices().collect();
            let only_things = link.marks.iter().all(|mark| matches!(mark, Mark::Device(_)));
            let set = links.get(at + 1).filter(|next| numbered(next)).is_some_and(|next| {
                let between = request.get(link.end..next.start).unwrap_or("?").to_lowercase();
                between.split_whitespace().all(|word| TO_VALUE.contains(&word))
            });
            // "Run the dryer at 160": the dryer's thermostat, where the dryer itself takes no number.
            if let [only] = devices[..]
                && only_things
                && set
                && !self.numbered_devices[only]
            {
                let said = words.iter().filter(|word| (link.start..link.end).contains(&word.start));
                let ids: Option<Vec<u32>> = said.map(|word| self.word(&word.text)).collect();
                let called = |at: &usize| {
                    self.heats[*at] == Heat::Set
                        && ids.as_ref().is_some_and(|ids| !ids.is_empty() && self.is_called(*at, ids))
                };
                let mut setting = (0..self.places.len()).filter(called);
                if let (Some(sets), None) = (setting.next(), setting.next()) {
                    links[at].marks = vec![Mark::Device(sets)];
                    links[at].named = false;
                }
                continue;
            }
            if devices.len() < 2 || !only_things || !devices.iter().any(|&at| self.heats[at] == Heat::Neither)
            {
                continue;
            }
            let fits = |at: &usize| match self.heats[*at] {
                Heat::Measured => asked,
                Heat::Set => set,
                Heat::Neither => false,
            };
            let mut meant = devices.iter().copied().filter(fits);
            if let (Some(only), None) = (meant.next(), meant.next()) {
                links[at].marks = vec![Mark::Device(only)];
            }
        }
    }

    /// "Open the Oak blinds and switch the lights off in there": the place of what was named last.
    pub(super) fn there(&self, request: &str, words: &[Word], taken: &mut [bool], links: &mut Vec<Link>) {
        for at in 1..words.len() {
            if taken[at]
                || words[at].text != "there"
                || !matches!(words[at - 1].text.as_str(), "in" | "out" | "up" | "down" | "over")
            {
                continue;
            }
            let place = |mark: &Mark| match mark {
                Mark::Area(area) => Some(*area),
                Mark::Device(device) => self.places[*device].0,
                _ => None,
            };
            let one_place = |link: &Link| {
                let mut areas = link.marks.iter().map(place);
                let first = areas.next().flatten();
                first.filter(|_| areas.all(|other| other == first))
            };
            let mut before = links.iter().rev().filter(|link| link.end <= words[at - 1].start);
            if let Some(area) = before.find_map(one_place) {
                taken[at] = true;
                // "Lock the door out there".
                let beside = |link: &&mut Link| {
                    let between = request.get(link.end..words[at - 1].start).unwrap_or("?");
                    between.split_whitespace().all(|word| SMALL.contains(&word))
                };
                if let Some(things) =
                    links.iter_mut().rev().find(|link| link.end <= words[at - 1].start).filter(beside)
                {
                    self.narrow(things, area, request);
                }
                links.push(Link::new(words[at].start..words[at].end, vec![Mark::Area(area)]));
            }
        }
        links.sort_by_key(|link| link.start);
    }
}
