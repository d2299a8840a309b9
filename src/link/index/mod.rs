//! The matcher: names as bags of words, a request's words matched against them, longest mention first.

mod hints;
mod places;
mod search;
mod senses;
mod series;

use std::collections::HashMap;
use std::ops::Range;

use crate::board::{Capabilities, Device, Direction};

use super::lexicon::{
    family, is_determiner, is_everyday, is_filler, kind_words, measured, other_choices, other_names,
    other_places, quantity_words, said_hours, unit_words,
};
use super::number::{Number, Unit, heard_number, is_number_word, mended, number_at, ordinal, place};
use super::sound::sound;
use super::spell::{is_command, meant};
use super::words::{Word, among, singular, stem, words};
use super::{Link, Mark, ToolWords};
use series::Said;

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
/// What people say who want a tool of that sort, and what a thing does.
const RANK_RELATED: u8 = 0;

/// Fewest letters of a name that is looked for with its words joined or split elsewhere.
const LEAST_JOINED: usize = 5;
/// Fewest sounds by which a name is known that was written in other words.
const LEAST_HEARD: usize = 4;
/// Fewest letters of what a thing is called after that does it.
const LEAST_VERB: usize = 3;
/// Things in -er that are called after no verb.
const NO_DOERS: &str = "water power paper shower tower flower corner meter number letter copper silver pepper butter ginger winter summer \
    theater center river tiger";
/// What people call things without telling them apart.
const ADJECTIVES: &str = "old new big great tiny huge stupid silly damn damned bloody blasted darn fucking goddamn lovely pretty poor dear \
    main whole entire awful horrible nasty annoying beautiful wonderful actual usual own wretched ruddy flipping noisy loud single \
    respective corresponding overhead said mentioned";

/// Everything that can be mentioned in a scene. Memory: some 50 bytes a word of a name.
pub struct Index {
    vocabulary: HashMap<String, u32>,
    /// Words that hint at tools and are known by their stems, in ids of their own.
    stems: HashMap<String, u32>,
    phrases: Vec<Phrase>,
    /// For each word id, the phrases that hold it.
    holders: Vec<Vec<u32>>,
    /// Names without spaces ("livingroom"), for words that were joined or split: `(joined, phrase)`.
    joined: Vec<(String, u32)>,
    /// The phrases that sound alike, by their sound, for names that were written in other words ("per is tall tick").
    heard: HashMap<String, Vec<u32>>,
    /// Devices that measure: the words that ask for what they measure, and their area.
    measures: Vec<(usize, &'static [&'static str], Option<usize>)>,
    /// What locks: devices of that kind or, where there is none, doors and gates.
    locks: Vec<usize>,
    /// Words of the names of parameters that take numbers.
    numbered: Vec<String>,
    /// Whether some tool takes hours and minutes apart.
    parts: bool,
    /// For each device its area and its kind.
    places: Vec<(Option<usize>, Option<usize>)>,
    /// For each device what is to be known of it where a place is warm.
    heats: Vec<Heat>,
    /// The devices that are set to a number: levels and values.
    numbered_devices: Vec<bool>,
}

/// What a device has to do with temperatures.
#[derive(Clone, Copy, PartialEq)]
enum Heat {
    Measured,
    Set,
    Neither,
}

impl Heat {
    fn of(device: &Device) -> Heat {
        let degrees = device.unit.as_deref().is_some_and(|unit| unit_words(unit).contains(&"temperature"));
        match device.direction {
            Direction::In if degrees => Heat::Measured,
            Direction::Out if degrees && device.can.has(Capabilities::VALUE) => Heat::Set,
            _ => Heat::Neither,
        }
    }
}

/// Whether a device is set to a number.
fn is_numbered(device: &Device) -> bool {
    device.can.has(Capabilities::VALUE) || device.can.has(Capabilities::LEVEL)
}

/// One word of the request seen as a word of some name.
struct Sighting {
    id: u32,
    plural: bool,
    exact: bool,
    /// A common word that is only nearly one of the name's: by itself it means nothing.
    doubtful: bool,
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
    /// tools' parameters, and the words of each user tool.
    pub fn new(
        devices: &[Device],
        kinds: &[String],
        areas: &[String],
        values: &[String],
        tools: &[ToolWords],
    ) -> Index {
        let position = |all: &[String], one: &str| all.iter().position(|known| known == one);
        let place_of = |device: &Device| {
            let area = device.area.as_ref().and_then(|area| position(areas, area));
            (area, position(kinds, family(&device.kind)))
        };
        let mut index = Index {
            vocabulary: HashMap::new(),
            stems: HashMap::new(),
            phrases: Vec::new(),
            holders: Vec::new(),
            joined: Vec::new(),
            heard: HashMap::new(),
            measures: Vec::new(),
            locks: locks(devices),
            numbered: Vec::new(),
            parts: false,
            places: devices.iter().map(place_of).collect(),
            heats: devices.iter().map(Heat::of).collect(),
            numbered_devices: devices.iter().map(is_numbered).collect(),
        };
        for (at, device) in devices.iter().enumerate() {
            let mark = Mark::Device(at);
            index.add(&device.name, mark, RANK_NAME);
            for alias in &device.aliases {
                index.add(alias, mark, RANK_NAME);
            }
            for name in
                std::iter::once(&device.name).chain(&device.aliases).flat_map(|name| other_names(name))
            {
                index.add(&name, mark, RANK_PLACED);
            }
            if let Some(done) = done_by(&device.name) {
                index.add_stem(done, mark, RANK_RELATED);
            }
            // "The thermometers" are some of the sensors.
            let group = family(&device.kind);
            if group != device.kind && !words_of_kind(group).contains(&device.kind.as_str()) {
                index.add(&device.kind, mark, RANK_RELATED);
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
            let of_unit = device.unit.as_deref().map_or(&[][..], unit_words);
            for word in of_unit.iter().chain(quantity_words(device)) {
                index.add(word, mark, RANK_HINT);
                if let Some(area) = &device.area {
                    index.add(&format!("{area} {word}"), mark, RANK_HINT);
                }
                // "The fridge temperature" is what the fridge sensor measures.
                if let Some((of, _)) = device.name.rsplit_once(' ') {
                    index.add(&format!("{of} {word}"), mark, RANK_HINT);
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
            let named = |other: &str| {
                let holds = |name: &str| format!(" {} ", name.to_lowercase()).contains(&format!(" {other} "));
                areas.iter().any(|area| holds(area))
                    || devices
                        .iter()
                        .any(|device| holds(&device.name) || device.aliases.iter().any(|name| holds(name)))
            };
            for other in other_places(area).filter(|other| !named(other)) {
                index.add(other, Mark::Area(at), RANK_PLACED);
            }
        }
        for (at, value) in values.iter().enumerate() {
            index.add(value, Mark::Value(at), RANK_NAME);
            let offered = |other: &&str| !values.iter().any(|value| value.eq_ignore_ascii_case(other));
            for other in other_choices(value).filter(offered) {
                index.add(other, Mark::Value(at), RANK_PLACED);
            }
            for hour in said_hours(value) {
                index.add(&hour, Mark::Value(at), RANK_PLACED);
            }
            index.add_forms(value, Mark::Value(at));
        }
        for (at, tool) in tools.iter().enumerate() {
            index.add_tool(at, tool);
        }
        index
    }

    /// The same with the names of the tools' parameters that take numbers: "bay two" is a number too where a tool takes a bay.
    pub fn with_numbered<'n>(mut self, names: impl Iterator<Item = &'n str>) -> Index {
        self.numbered = names.flat_map(words).map(|word| word.text).collect();
        self
    }

    /// The same where some tool takes hours and minutes apart: "3 hours 12 minutes" are two numbers.
    pub fn with_parts(self, parts: bool) -> Index {
        Index { parts, ..self }
    }

    fn add(&mut self, name: &str, mark: Mark, rank: u8) {
        let mut ids: Vec<u32> = Vec::new();
        let mut joined = String::new();
        for word in words(name) {
            joined.push_str(&word.text);
            let next = self.holders.len() as u32;
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
        if joined.len() >= LEAST_JOINED && !matches!(mark, Mark::Tool(_)) && rank >= RANK_PLACED {
            let sound = sound(&joined);
            if sound.len() >= LEAST_HEARD {
                self.heard.entry(sound).or_default().push(phrase);
            }
            self.joined.push((joined, phrase));
        }
        self.phrases.push(Phrase { words: ids, mark, rank });
    }

    /// The phrases that hold a word.
    fn holding(&self, id: u32) -> impl Iterator<Item = &Phrase> {
        self.holders[id as usize].iter().map(|&phrase| &self.phrases[phrase as usize])
    }

    /// The words of the names and of what hints at them.
    pub(super) fn vocabulary(&self) -> impl Iterator<Item = &str> {
        self.vocabulary.keys().map(String::as_str)
    }

    /// The mentions in a request, in the order of its words; they do not overlap.
    pub fn links(&self, request: &str) -> Vec<Link> {
        let words = words(request);
        // "Thirty point five" has nothing to do with what is called a pint.
        let point = |at: usize| {
            words[at].text == "point"
                && at > 0
                && is_number_word(&words[at - 1].text)
                && words.get(at + 1).is_some_and(|after| is_number_word(&after.text))
        };
        let sight = |at: usize| if point(at) { Vec::new() } else { self.sight(&words[at].text) };
        let mut sightings: Vec<Vec<Sighting>> = (0..words.len()).map(sight).collect();
        // Lena is nobody who wants to lend.
        let tools = |id: u32| self.holding(id).all(|phrase| matches!(phrase.mark, Mark::Tool(_)));
        for at in 1..words.len() {
            if !words[at].begins && request[words[at].start..].starts_with(char::is_uppercase) {
                sightings[at].retain(|seen| seen.exact || !tools(seen.id));
            }
        }
        // "All three pumps" are not pump 3.
        for at in 1..words.len().saturating_sub(1) {
            let all = matches!(
                words[at - 1].text.as_str(),
                "all" | "the" | "both" | "these" | "those" | "my" | "our"
            );
            let several = sightings[at + 1].iter().any(|seen| seen.plural);
            if all && several && !words[at].begins && is_count(&words[at].text) {
                sightings[at].clear();
            }
        }
        // "Someone's left the light on" tells nothing of the left light.
        const LEAVING: &str = "has have had been was i we they he she you who someone somebody everyone nobody anyone anybody i've we've \
            they've you've who's";
        for at in 1..words.len() {
            if words[at].text == "left" && !words[at].begins && among(LEAVING, &words[at - 1].text) {
                sightings[at].clear();
            }
        }
        // "Two and a half" is a number, whatever may be half.
        for (said, seen) in words.windows(3).zip(sightings.iter_mut().skip(2)) {
            let [and, a, part] = [0, 1, 2].map(|at| said[at].text.as_str());
            if (and, a) == ("and", "a") && matches!(part, "half" | "quarter") {
                seen.clear();
            }
        }
        // "The second pump" is pump 2.
        for at in 0..words.len().saturating_sub(1) {
            let before_name = !words[at + 1].begins && !sightings[at + 1].is_empty();
            if before_name && sightings[at].is_empty() {
                sightings[at] = self.in_order(&words[at].text);
            }
        }
        // "Relay too off", "set tank too to fifty", "close the blinds in op too".
        for at in 1..words.len() {
            let Some(number) =
                heard_number(&words[at].text).filter(|_| sightings[at].is_empty() && !words[at].begins)
            else {
                continue;
            };
            let after = words.get(at + 1).filter(|word| !word.begins).map(|word| word.text.as_str());
            let switched = matches!(after, Some("on" | "off"));
            let ends = after.is_none_or(|after| matches!(after, "to" | "up" | "down" | "at"))
                && words[at].text != "for";
            let numbered = self.sight(number);
            let goes_on = |seen: &Sighting| {
                let joined = |phrase: &Phrase| {
                    let pairs = phrase.words.windows(2);
                    pairs
                        .into_iter()
                        .any(|pair| pair[0] == seen.id && numbered.iter().any(|one| one.id == pair[1]))
                };
                self.holding(seen.id).any(joined)
                    && !self
                        .holding(seen.id)
                        .any(|phrase| phrase.words.len() == 1 && phrase.rank >= RANK_KIND)
            };
            let before = || sightings[at - 1].iter().filter(|seen| seen.exact);
            if (switched && before().next().is_some()) || (ends && before().any(goes_on)) {
                sightings[at] = numbered;
            }
        }
        let mut found = self.matches(&words, &sightings);
        self.joined_matches(&words, &sightings, &mut found);
        self.heard_matches(&words, &sightings, &mut found);
        found.sort_by_key(|m| {
            let rank = self.phrases[m.phrase as usize].rank;
            let full = m.full && rank > RANK_RELATED;
            (std::cmp::Reverse((m.matched, m.exact, full)), std::cmp::Reverse(rank), m.last - m.first)
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
            // "Both lights in the shed" are two of the shed's.
            let placed = self.place_behind(&words, &found, best.last);
            let number = number_of(&words, best.first).filter(|_| !placed);
            let mut marks = self.readings(best, &found, counted(&words, best.first), number);
            if marks.is_empty() {
                continue;
            }
            if let Some(area) = self.place_meant(&words, &sightings, best, &marks) {
                marks.retain(|mark| !matches!(mark, Mark::Device(_)));
                marks.insert(0, Mark::Area(area));
            }
            taken[best.first..=best.last].fill(true);
            let rank = self.phrases[best.phrase as usize].rank;
            let said = best.full && best.exact && matches!(marks[..], [Mark::Device(_), ..]);
            let whole = said && rank >= RANK_PLACED;
            let thing = matches!(marks[..], [Mark::Device(_) | Mark::Kind(_), ..]);
            let strange = thing && !whole && self.strange_before(&words, &sightings, best.first);
            // "The bedroom light", "the tv" name the only one as well as its own name does.
            let only = marks.iter().filter(|mark| matches!(mark, Mark::Device(_))).count() == 1;
            let named = whole || (said && rank == RANK_KIND && only && !strange);
            let bytes = words[best.first].start..words[best.last].end;
            let meant = (best.full && !best.exact && marks.len() == 1).then(|| self.spelling(best.phrase));
            links.push(Link { named, meant, strange, ..Link::new(bytes, marks) });
        }
        combine(request, &self.places, &mut links);
        self.there(request, &words, &mut taken, &mut links);
        self.other_one(&words, &sightings, &mut taken, &mut links);
        self.within_places(request, &mut links);
        self.in_common(request, &mut links);
        self.questions(&words, &mut taken, &mut links);
        self.locking(&words, &mut taken, &mut links);
        self.locked(&words, &mut links);
        self.series(&Said { request, words: &words, sightings: &sightings }, &mut taken, &mut links);
        self.numbers(request, &mended(request, &words), &taken, &mut links);
        self.warmed_places(&mut links);
        self.measured_places(&mut links);
        self.warm_things(request, &words, &mut links);
        links.sort_by_key(|link| link.start);
        links
    }

    /// Links the numbers, those within other mentions too where they may be meant as numbers.
    fn numbers(&self, request: &str, words: &[Word], taken: &[bool], links: &mut Vec<Link>) {
        let free = vec![false; words.len()];
        let mut at = 0;
        while at < words.len() {
            let start = words[at].start;
            if taken[at] {
                let holder = links.iter_mut().find(|link| (link.start..link.end).contains(&start));
                let found = number_at(request, words, &free, at, self.parts);
                if let (Some(holder), Some((number, used))) = (holder, found) {
                    let end = words[(at + used - 1).min(words.len() - 1)].end;
                    // "Full" may be a choice of some tool, and a hundred percent; 16 a channel of the radio, and what the heating is set to.
                    let counts = is_count(&words[at].text);
                    let choice = matches!(holder.marks[..], [Mark::Value(_), ..])
                        && (holder.start, holder.end) == (start, end)
                        && (counts || number.unit == Unit::Percent);
                    // "Half a tablet", where a portion may be half.
                    if used > 1
                        && holder.end == words[at].end
                        && matches!(words[at].text.as_str(), "half" | "quarter")
                    {
                        holder.marks.push(Mark::Number(number));
                        at += used;
                        continue;
                    }
                    let place = at > 0 && end <= holder.end && self.numbered.contains(&words[at - 1].text);
                    if choice || place {
                        holder.marks.push(Mark::Number(number));
                    }
                }
                at += 1;
                continue;
            }
            // "No tip" of a tool that takes a tip.
            if words[at].text == "no"
                && let Some(after) = words.get(at + 1).filter(|after| !after.begins)
                && self
                    .numbered
                    .iter()
                    .any(|name| *name == after.text || singular(name).as_ref() == Some(&after.text))
            {
                links
                    .push(Link::new(start..words[at].end, vec![Mark::Number(Number::new(0.0, Unit::Plain))]));
                at += 1;
                continue;
            }
            // "The third slot" of a tool that takes a slot.
            let counted = words.get(at + 1).is_some_and(|after| {
                let tool =
                    |link: &Link| link.start == after.start && matches!(link.marks[..], [Mark::Tool(_), ..]);
                !after.begins && links.iter().any(tool)
            });
            let place = ordinal(&words[at].text).filter(|_| counted);
            let found = place.map(|value| (Number::new(value, Unit::Plain), 1));
            match found.or_else(|| number_at(request, words, taken, at, self.parts)) {
                Some((number, used)) => {
                    let last = (at + used - 1).min(words.len() - 1);
                    let link = number_link(request, start..words[last].end, number, links);
                    links.push(link);
                    at += used;
                }
                None => at += 1,
            }
        }
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
        let thing =
            |id: u32| self.holding(id).any(|phrase| !matches!(phrase.mark, Mark::Value(_) | Mark::Number(_)));
        text.len() > 2
            && text.chars().all(char::is_alphabetic)
            && !plain
            && !sightings[before].iter().any(|seen| thing(seen.id))
    }
}

/// The link of a number: what hints at a tool within its words becomes a part of it ("a litre and a half"), any other mention ends it.
fn number_link(request: &str, mut bytes: Range<usize>, number: Number, links: &mut Vec<Link>) -> Link {
    let hint = |link: &Link| matches!(link.marks[..], [Mark::Tool(_), ..]);
    let others = links.iter().filter(|link| !hint(link) && bytes.contains(&link.start));
    if let Some(end) = others.map(|link| link.start).min() {
        bytes.end = bytes.start + request[bytes.start..end].trim_end().len();
    }
    let mut marks = vec![Mark::Number(number)];
    links.retain(|link| {
        let within = hint(link) && bytes.start <= link.start && link.end <= bytes.end;
        if within {
            marks.extend(&link.marks);
        }
        !within
    });
    Link::new(bytes, marks)
}

/// The devices that lock, or doors where no device is a lock.
fn locks(devices: &[Device]) -> Vec<usize> {
    let of = |kinds: &[&str]| -> Vec<usize> {
        (0..devices.len()).filter(|&at| kinds.contains(&devices[at].kind.as_str())).collect()
    };
    let locks = of(&["lock"]);
    if locks.is_empty() { of(&["door", "gate"]) } else { locks }
}

/// "Guest mic", where "guest" is a word of one microphone's name and "mic" means two or the kind: mentions beside each other that have devices in
/// common mean these.
fn combine(request: &str, places: &[(Option<usize>, Option<usize>)], links: &mut Vec<Link>) {
    links.sort_by_key(|link| link.start);
    let thing = |mark: &Mark| matches!(mark, Mark::Device(_) | Mark::Kind(_) | Mark::Tool(_));
    let mut at = 0;
    while at + 1 < links.len() {
        let (first, second) = (&links[at], &links[at + 1]);
        // "Feed the cichlids": the cichlid feeder.
        let between = request[first.end..second.start].trim();
        let beside = between.is_empty() || (between == "the" && first.devices().count() > 1);
        // "The lights over the counter": the counter pendants.
        let over = matches!(first.marks[..], [Mark::Kind(_)])
            && !second.named
            && second.devices().next().is_some()
            && is_position(between);
        let beside = beside || over;
        let things = first.marks.iter().chain(&second.marks).all(thing);
        let named = over || first.devices().next().is_some();
        let (one, other) = (members(places, first), members(places, second));
        let common: Vec<usize> = one.iter().copied().filter(|device| other.contains(device)).collect();
        let narrower = common.len() < one.len().max(other.len());
        if !(beside && things && named && narrower) || common.is_empty() {
            at += 1;
            continue;
        }
        let tools = first.marks.iter().chain(&second.marks).filter(|mark| matches!(mark, Mark::Tool(_)));
        let marks = common.into_iter().map(Mark::Device).chain(tools.copied()).collect();
        let read =
            |link: &Link| link.meant.clone().unwrap_or_else(|| request[link.start..link.end].to_owned());
        let respelt = first.meant.is_some() || second.meant.is_some();
        let meant = respelt.then(|| format!("{} {}", read(first), read(second)));
        let strange = first.strange;
        links[at] = Link { strange, meant, ..Link::new(first.start..second.end, marks) };
        links.remove(at + 1);
    }
}

/// Whether words say where things are, beside another.
fn is_position(between: &str) -> bool {
    let mut words = between.split_whitespace();
    let first = words.next().unwrap_or("");
    matches!(first, "over" | "above" | "by" | "near" | "under" | "behind" | "beside")
        && words.all(|word| matches!(word, "the" | "my" | "our" | "to" | "of"))
}

/// The devices that a mention may mean, those of a kind that it means among them.
fn members(places: &[(Option<usize>, Option<usize>)], link: &Link) -> Vec<usize> {
    let of_kind = |at: &usize| places[*at].1.is_some_and(|kind| link.marks.contains(&Mark::Kind(kind)));
    (0..places.len()).filter(|at| link.marks.contains(&Mark::Device(*at)) || of_kind(at)).collect()
}

/// Whether the words before a mention make it all of its sort: "every light", "all of the lights".
fn counted(words: &[Word], first: usize) -> bool {
    let mut before = words[..first].iter().rev().map(|word| word.text.as_str());
    let word = before.find(|word| !matches!(*word, "the" | "of" | "my" | "our"));
    matches!(word, Some("every" | "each" | "all" | "any"))
}

/// The stem of what a thing does that is called after it: "stir" of a stirrer, "slic" of a slicer.
fn done_by(name: &str) -> Option<String> {
    let word = words(name).pop()?.text;
    let done = word.strip_suffix("er").filter(|done| done.chars().count() >= LEAST_VERB)?;
    if among(NO_DOERS, &word) || is_everyday(done) || is_command(done) {
        return None;
    }
    Some(stem(&format!("{done}ing")))
}

/// How many of a mention there are by what stands before it: "both gates", "the two pumps".
fn number_of(words: &[Word], first: usize) -> Option<usize> {
    let mut before = words[..first].iter().rev().map(|word| word.text.as_str());
    match before.find(|word| !matches!(*word, "the" | "of" | "my" | "our"))? {
        "both" => Some(2),
        word => place(word).filter(|_| is_count(word)),
    }
}

/// Whether a word tells how many, in letters or digits.
fn is_count(word: &str) -> bool {
    is_number_word(word) || word.starts_with(|c: char| c.is_ascii_digit())
}

/// The words for a kind; a kind of the user's own is its own word.
fn words_of_kind(kind: &str) -> Vec<&str> {
    match kind_words().find(|(name, _)| *name == kind) {
        Some((_, words)) => words.collect(),
        None => vec![kind],
    }
}

#[cfg(test)]
mod tests;
