//! What a mention means: readings of the same words, and questions for a measure.

use super::super::words::Word;
use super::{Index, Link, Mark, Match, RANK_HINT, RANK_KIND, RANK_RELATED};

/// Most devices that a part of their names is marked with.
const MOST_READINGS: usize = 4;
/// Most devices that a mention is marked with: "the spots", of those that are called so.
const MOST_NAMESAKES: usize = 8;
/// Most tools that a word hints at which none of them has.
const MOST_RELATED: usize = 2;

impl Index {
    /// "How warm is it in the cellar", "is it cold": the devices that measure it, of the places that are named.
    pub(super) fn questions(&self, words: &[Word], taken: &mut [bool], links: &mut Vec<Link>) {
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

    /// "Lock up", "lock everything", "everything unlocked": all that locks, where it is not many.
    pub(super) fn locking(&self, words: &[Word], taken: &mut [bool], links: &mut Vec<Link>) {
        if self.locks.is_empty() || self.locks.len() > MOST_NAMESAKES {
            return;
        }
        let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
        let locks = |word: &str| matches!(word, "lock" | "locked" | "unlock" | "unlocked");
        for at in 0..words.len() {
            let last = words.get(at + 1).is_none_or(|word| word.begins);
            let all = matches!(text(at), "up" | "everything") || (text(at) == "both" && last);
            let behind = all && at > 0 && locks(text(at - 1));
            let before = text(at) == "everything" && locks(text(at + 1));
            if !taken[at] && (behind || before) {
                taken[at] = true;
                let marks = self.locks.iter().copied().map(Mark::Device).collect();
                links.push(Link::new(words[at].start..words[at].end, marks));
            }
        }
    }

    /// "Unlock the door", where one door locks and another only tells whether it is open: the first.
    pub(super) fn locked(&self, words: &[Word], links: &mut [Link]) {
        let locks = |word: &Word| matches!(word.text.as_str(), "lock" | "locked" | "unlock" | "unlocked");
        for at in (0..words.len()).filter(|&at| locks(&words[at])) {
            let clause =
                words[at + 1..].iter().find(|word| word.begins).map_or(usize::MAX, |word| word.start);
            let behind = links.iter().position(|link| link.start >= words[at].end && link.start < clause);
            let said = behind.or_else(|| links.iter().rposition(|link| link.end <= words[at].start));
            let Some(link) = said.map(|said| &mut links[said]) else { continue };
            if link.devices().any(|device| self.locks.contains(&device)) {
                link.marks
                    .retain(|mark| !matches!(mark, Mark::Device(device) if !self.locks.contains(device)));
            }
        }
    }

    /// What the words of the best match may mean: all matches of the same words that are as good.
    /// `counted`: "every", "all the" stand before it; `number`: how many there are of it, if that is said.
    pub(super) fn readings(
        &self,
        best: &Match,
        found: &[Match],
        counted: bool,
        number: Option<usize>,
    ) -> Vec<Mark> {
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
        // "That lamp in the living room" is the one that is called so, not the ceiling lights.
        let last = self.phrases[best.phrase as usize].words.last().copied();
        if let (Some(last), true, false) = (last, top == Some(RANK_KIND) && devices.len() > 1, best.plural) {
            let called = |mark: &&Mark| matches!(mark, Mark::Device(at) if self.is_called(*at, &[last]));
            let own: Vec<Mark> = devices.iter().filter(called).copied().collect();
            if !own.is_empty() {
                devices = own;
            }
        }
        // "The lights" are the lights, though the only dimmer may be called one.
        if best_kind > top {
            devices.clear();
        }
        // "Charge" is a tool's own word sooner than what the charger does.
        let tools = || same.iter().filter(|m| matches!(mark(m), Mark::Tool(_)));
        let best_tool = tools().map(|m| rank(m)).max();
        if top == Some(RANK_RELATED) && best_tool > top {
            devices.clear();
        }
        let several = counted || same.iter().any(|m| m.plural);
        // "The tub" of the hot tub's lid, light, jets and heating.
        let begins = |m: &&Match| {
            self.phrases[m.phrase as usize].words.first() == self.phrases[best.phrase as usize].words.first()
        };
        let shared = same.iter().all(|m| matches!(mark(m), Mark::Device(_)) && begins(m));
        let most = if several || shared { MOST_NAMESAKES } else { MOST_READINGS };
        let mut parts: Vec<Mark> = Vec::new();
        same.iter().filter(device).filter(|m| !m.full).for_each(|m| push(&mut parts, mark(m)));
        // The thermometer is the one that is called so, the thermometers are all of that sort.
        if top == Some(RANK_RELATED) && !devices.is_empty() && !parts.is_empty() {
            let sort = std::mem::replace(&mut devices, parts.clone());
            sort.into_iter().filter(|_| several).for_each(|other| push(&mut devices, other));
        }
        // "The heating" is a word of "hut heating" sooner than another word for the only heater.
        if top == Some(RANK_HINT) && !devices.is_empty() && (1..=most).contains(&parts.len()) {
            devices.iter().for_each(|other| push(&mut parts, *other));
            devices = parts.clone();
        }
        if devices.is_empty() {
            let own_kind = same.iter().any(|m| matches!(mark(m), Mark::Kind(_)) && rank(m) == RANK_KIND);
            // "Both thermostats" are those that are called so, not the bath that has one.
            let those = several && number == Some(parts.len()) && parts.len() > 1;
            let members = |kind: usize| self.places.iter().filter(|(_, of)| *of == Some(kind)).count();
            let others =
                kinds.iter().any(|kind| matches!(kind, Mark::Kind(kind) if Some(members(*kind)) != number));
            let single = !own_kind || (parts.len() == 1 && !several);
            if parts.len() <= most && (single || (those && others)) {
                devices = parts.clone();
            }
        }
        // "Both lamps", of which one is called so: the other has another name.
        let more = several && devices.len() == 1 && parts == devices;
        devices.truncate(MOST_NAMESAKES);
        marks.extend(&devices);
        // "The spots" are those that are called so, and no other lights.
        let namesakes = several && devices.len() > 1;
        if (devices.len() != 1 || more) && !namesakes {
            marks.extend(kinds);
        }
        // A word of a tool's own says more than what people say who want one of its sort, and what several are asked for with says nothing.
        let telling = best_tool != Some(RANK_RELATED) || tools().count() <= MOST_RELATED;
        let hints = |m: &Match| !matches!(mark(m), Mark::Tool(_)) || (telling && Some(rank(m)) == best_tool);
        // A part of a place's name is said where nothing else is.
        let alone = marks.is_empty() && !same.iter().any(|m| m.full);
        let placed = |m: &Match| m.full || alone;
        let others: Vec<_> = same
            .iter()
            .filter(|m| !matches!(mark(m), Mark::Device(_) | Mark::Kind(_)) && hints(m) && placed(m))
            .collect();
        for m in others {
            if marks.len() < devices.len().max(MOST_READINGS) + 2 {
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
