//! Places in a request: named by a part, behind what stands there, or told by what was said before.

use super::super::words::Word;
use super::{Index, Link, Mark, Match, Sighting};

/// Words before a place.
fn leads(word: &str) -> bool {
    matches!(word, "in" | "at" | "on" | "of")
}

/// Words that may stand before a name.
fn is_article(word: &str) -> bool {
    matches!(word, "the" | "my" | "our" | "your")
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

    /// "Lights off in Oak", where several things in Oak class have Oak in their names: the place that one word of its name is said of, behind "in".
    pub(super) fn place_meant(
        &self,
        words: &[Word],
        sightings: &[Vec<Sighting>],
        best: &Match,
        marks: &[Mark],
    ) -> Option<usize> {
        let before = |back: usize| best.first.checked_sub(back).map_or("", |at| words[at].text.as_str());
        let inside = before(1) == "in" || (is_article(before(1)) && before(2) == "in");
        if best.first != best.last || !inside || words[best.first].begins {
            return None;
        }
        let mut devices = marks.iter().filter_map(|mark| match mark {
            Mark::Device(at) => Some(*at),
            _ => None,
        });
        let area = self.places[devices.next()?].0?;
        let others: Vec<usize> = devices.collect();
        let begins = sightings[best.first].iter().filter(|seen| seen.exact && !seen.plural).any(|seen| {
            self.holding(seen.id).any(|phrase| {
                phrase.mark == Mark::Area(area) && phrase.words.len() > 1 && phrase.words[0] == seen.id
            })
        });
        let all_there = others.iter().all(|&at| self.places[at].0 == Some(area));
        (begins && !others.is_empty() && all_there).then_some(area)
    }

    /// "Open the Oak blinds and switch the lights off in there": the place of what was named last.
    pub(super) fn there(&self, words: &[Word], taken: &mut [bool], links: &mut Vec<Link>) {
        for at in 1..words.len() {
            if taken[at] || words[at].text != "there" || !matches!(words[at - 1].text.as_str(), "in" | "out")
            {
                continue;
            }
            let before = links.iter().filter(|link| link.end <= words[at - 1].start);
            let place = |mark: &Mark| match mark {
                Mark::Area(area) => Some(*area),
                Mark::Device(device) => self.places[*device].0,
                _ => None,
            };
            let Some(named) =
                before.filter(|link| link.marks.iter().any(|mark| place(mark).is_some())).next_back()
            else {
                continue;
            };
            let mut areas = named.marks.iter().map(place);
            let first = areas.next().flatten();
            if let Some(area) = first.filter(|_| areas.all(|other| other == first)) {
                taken[at] = true;
                links.push(Link::new(words[at].start..words[at].end, vec![Mark::Area(area)]));
            }
        }
        links.sort_by_key(|link| link.start);
    }
}
