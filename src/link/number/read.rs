//! Where a number stands in a request, how far its words go, and its unit.

use super::super::lexicon::names_of_unit;
use super::super::words::Word;
use super::words::{cardinal, digits, seconds};
use super::{Measure, Number, Unit};

/// A number and how many words it takes.
type Found = (Number, usize);

/// The number that starts at word `at`, and how many words it takes; words marked in `taken` belong to a name.
pub(in crate::link) fn number_at(text: &str, words: &[Word], taken: &[bool], at: usize) -> Option<Found> {
    // A unit stands in the clause of its number: "to 50, second lamp off" says no time.
    let clause = words[at + 1..].iter().position(|word| word.begins).unwrap_or(words.len());
    let place = Place { text, words, taken, at, clause };
    let special = place.count().or_else(|| place.share()).or_else(|| place.article());
    special.unwrap_or_else(|| place.cardinal())
}

fn found(value: f64, unit: Unit, used: usize) -> Option<Found> {
    Some((Number::new(value, unit), used))
}

fn duration(said: f64, scale: f64, used: usize) -> Option<Found> {
    let value = (said * scale * 1000.0).round() / 1000.0;
    Some((Number { value, unit: Unit::Seconds, said, measure: None }, used))
}

/// A word of the request, where a number may begin.
struct Place<'w> {
    text: &'w str,
    words: &'w [Word],
    taken: &'w [bool],
    at: usize,
    /// How many words on the clause ends.
    clause: usize,
}

/// `count`, `share` and `article` answer `None` where the word is nothing to them, and `Some(None)` where it looks like a number and is none.
impl<'w> Place<'w> {
    fn word(&self) -> &'w str {
        self.words[self.at].text.as_str()
    }

    fn before(&self) -> &'w str {
        self.at.checked_sub(1).map_or("", |at| self.words[at].text.as_str())
    }

    /// The word `k` on in the clause; one of a name is none.
    fn next(&self, k: usize) -> Option<&'w str> {
        self.unit_at(k).filter(|_| !self.taken[self.at + k])
    }

    /// The same where a unit may stand: one that hints at a tool is a mention too.
    fn unit_at(&self, k: usize) -> Option<&'w str> {
        self.words.get(self.at + k).filter(|_| k <= self.clause).map(|word| word.text.as_str())
    }

    /// "a second", "per minute": how often in this time; "of an hour": a part of it. With the words it takes, and whether one of `ways`
    /// stands before it.
    fn span(&self, at: usize, ways: &[&str]) -> Option<(f64, usize, bool)> {
        let way = usize::from(self.next(at).is_some_and(|word| ways.contains(&word)));
        let article = usize::from(way > 0 && matches!(self.next(at + 1), Some("a" | "an" | "one")));
        let unit = self.next(at + way + article).filter(|word| word.len() > 1).and_then(seconds)?;
        Some((unit, way + article + 1, way > 0))
    }

    fn part_of(&self, part: f64, at: usize) -> Option<Found> {
        let (unit, used, _) = self.span(at, &["of", "a", "an"])?;
        duration(part, unit, at + used)
    }

    /// "three times a second", but not "three times, a second each".
    fn rate(&self, count: f64, k: usize) -> Option<Found> {
        let runs_on = self.words.get(self.at + k).is_some_and(|word| !word.begins);
        let (unit, used, _) =
            self.span(k, &["a", "an", "per"]).filter(|(.., by)| *by && count > 0.0 && runs_on)?;
        duration(1.0 / count, unit, k + used)
    }

    /// "and a half" `k` on.
    fn and_a_half(&self, k: usize) -> bool {
        [self.next(k), self.next(k + 1), self.next(k + 2)] == [Some("and"), Some("a"), Some("half")]
    }

    /// How often, and how many by the dozen.
    fn count(&self) -> Option<Option<Found>> {
        let word = self.word();
        let times = |k: usize| matches!(self.next(k), Some("times"));
        let dozens = |value: f64, used: usize| {
            let unit = if times(used) { Unit::Times } else { Unit::Plain };
            found(value, unit, used + usize::from(times(used)))
        };
        Some(match word {
            "once" | "one" if matches!(self.next(1), Some("every" | "each")) => None,
            "once" | "twice" if let Some(found) = self.rate(if word == "once" { 1.0 } else { 2.0 }, 1) => {
                Some(found)
            }
            // "set it two 55", "blink four 5 seconds": heard for "to" and "for".
            "two" | "four"
                if self.next(1).is_some_and(|word| digits(word).is_some())
                    && !matches!(self.before(), "at" | "by") =>
            {
                None
            }
            "half" if self.next(1) == Some("a") && self.next(2) == Some("dozen") => dozens(6.0, 3),
            "dozen" => dozens(12.0, 1),
            "couple" => self.couple(),
            // "x 3", but not the x of "x 200 y 150".
            "x" if let Some(value) = self.next(1).and_then(digits)
                && !self.words.iter().any(|word| word.text == "y") =>
            {
                found(value, Unit::Times, 2)
            }
            _ if let Some(value) = word.strip_prefix('x').and_then(digits) => found(value, Unit::Times, 1),
            // "every second lamp" is no time.
            _ if let Some(unit) = seconds(word).filter(|_| word.len() > 3)
                && matches!(self.before(), "every" | "each" | "per")
                && !self.taken.get(self.at + 1).is_some_and(|&taken| taken) =>
            {
                duration(1.0, unit, 1)
            }
            "once" => found(1.0, Unit::Times, 1),
            "twice" => found(2.0, Unit::Times, 1),
            "thrice" => found(3.0, Unit::Times, 1),
            _ => return None,
        })
    }

    /// "A couple of minutes", "a couple of shots".
    fn couple(&self) -> Option<Found> {
        let of = self.next(1) == Some("of");
        let skip = 1 + usize::from(of);
        let after = self.next(skip)?;
        match (after, seconds(after)) {
            (_, Some(unit)) => duration(2.0, unit, skip + 1),
            ("times", _) => found(2.0, Unit::Times, skip + 1),
            ("degrees", _) => found(2.0, Unit::Degrees, skip + 1),
            ("percent" | "%", _) => found(2.0, Unit::Percent, skip + 1),
            _ if of && after.ends_with('s') => found(2.0, Unit::Plain, skip),
            _ => None,
        }
    }

    /// Parts of a whole, and all of it.
    fn share(&self) -> Option<Option<Found>> {
        let word = self.word();
        let percent = |value: f64, used: usize| found(value, Unit::Percent, used);
        Some(match word {
            "half" | "quarter" if matches!(self.next(1), Some("past" | "to")) => None,
            // "Is the tank full", "full enough", "a drawer full of" are no amounts.
            "full"
                if matches!(self.before(), "is" | "are" | "was" | "how" | "nearly" | "a")
                    || matches!(self.next(1), Some("enough" | "of")) =>
            {
                None
            }
            "full" | "fully" | "max" | "maximum" => percent(100.0, 1),
            "flat" if self.next(1) == Some("out") => percent(100.0, 2),
            "top" if matches!(self.next(1), Some("speed" | "power" | "volume" | "brightness")) => {
                percent(100.0, 2)
            }
            // "Half a kilo", "a quarter of a litre" are no percentages.
            "half" | "quarter" | "third" | "tenth" if let Some(found) = self.part_of_measure() => Some(found),
            "half" if self.next(1) == Some("a") && matches!(self.next(2), Some("degree" | "degrees")) => {
                found(if self.before() == "minus" { -0.5 } else { 0.5 }, Unit::Degrees, 3)
            }
            "half" | "halfway" => {
                let skip = usize::from(matches!(self.next(1), Some("a" | "an")));
                match self.next(1 + skip).and_then(seconds) {
                    Some(unit) => duration(0.5, unit, 2 + skip),
                    None => self.part_of(0.5, 1).or(percent(50.0, 1)),
                }
            }
            "quarter" | "third" | "fifth" | "tenth" if let Some(found) = self.part_of(fraction(word), 1) => {
                Some(found)
            }
            "three" if self.next(1) == Some("quarters") && self.next(2) == Some("of") => {
                self.part_of(0.75, 2).or(percent(75.0, 2))
            }
            "quarter" => percent(25.0, 1),
            "third" => percent(33.0, 1),
            "three" if matches!(self.next(1), Some("quarters" | "quarter")) => percent(75.0, 2),
            "two" if self.next(1) == Some("thirds") => percent(67.0, 2),
            _ => return None,
        })
    }

    /// A part of a unit that weighs, holds or reaches: the number, with the words before the unit.
    fn part_of_measure(&self) -> Option<Found> {
        let part = fraction(self.word());
        let of = usize::from(self.unit_at(1) == Some("of"));
        let article = usize::from(matches!(self.unit_at(1 + of), Some("a" | "an")));
        let unit = self.unit_at(1 + of + article).filter(|unit| unit.len() > 1)?;
        let number = Number { measure: Measure::of(part, unit), ..Number::new(part, Unit::Plain) };
        // Quid and revs have halves too.
        (number.measure.is_some() || (article > 0 && !names_of_unit(unit).is_empty()))
            .then_some((number, 1 + of + article))
    }

    /// "A kilo", "an hour", "one minute".
    fn article(&self) -> Option<Option<Found>> {
        let word = self.word();
        if !matches!(word, "a" | "an" | "one") {
            return None;
        }
        let long = |unit: &&str| unit.len() > 1;
        // "A litre and a half".
        if let Some(unit) = self.unit_at(1).filter(long).filter(|unit| Measure::of(1.0, unit).is_some()) {
            let (value, used) = if self.and_a_half(2) { (1.5, 5) } else { (1.0, 1) };
            let measure = Measure::of(value, unit);
            return Some(Some((Number { measure, ..Number::new(value, Unit::Plain) }, used)));
        }
        // "When you have a second" says nothing of how long.
        let leisure = matches!(self.before(), "have" | "had" | "got" | "get" | "find" | "spare");
        if let Some(unit) = self.next(1).filter(long).and_then(seconds).filter(|_| !leisure) {
            return Some(if self.and_a_half(2) { duration(1.5, unit, 5) } else { duration(1.0, unit, 2) });
        }
        (word == "an" || (word == "a" && self.next(1) != Some("hundred"))).then_some(None)
    }

    /// A number in digits or words, with what follows it.
    fn cardinal(&self) -> Option<Found> {
        let (words, at) = (self.words, self.at);
        let (mut value, mut used) = cardinal(words, at)?;
        if (0..used).any(|k| self.taken[at + k]) {
            return None;
        }
        let head = &self.text[..words[at].start];
        let minus = head.strip_suffix(['-', '−']).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
            || self.before() == "minus";
        if self.and_a_half(used) {
            value += 0.5;
            used += 3;
        }
        if minus {
            value = -value;
        }
        match self.next(used) {
            Some("%" | "percent" | "percents" | "pct" | "procent") => found(value, Unit::Percent, used + 1),
            Some("per") if self.next(used + 1) == Some("cent") => found(value, Unit::Percent, used + 2),
            Some("times") if let Some(found) = self.rate(value, used + 1) => Some(found),
            Some("times" | "time" | "x") => found(value, Unit::Times, used + 1),
            Some("°") => {
                let scale = usize::from(matches!(self.next(used + 1), Some("c" | "f")));
                found(value, Unit::Degrees, used + 1 + scale)
            }
            Some("degree" | "degrees" | "deg" | "celsius" | "centigrade") => {
                let scale = usize::from(matches!(self.next(used + 1), Some("c" | "celsius" | "centigrade")));
                found(value, Unit::Degrees, used + 1 + scale)
            }
            Some(unit) if let Some(scale) = seconds(unit) => duration(value, scale, used + 1),
            // "the other one", "this one": a pronoun unless something countable follows.
            _ if self.word() == "one"
                && used == 1
                && !minus
                && !matches!(self.before(), "to" | "by" | "at" | "of")
                && !counts_one(words, self.taken, at) =>
            {
                None
            }
            _ => {
                let measure = self.unit_at(used).and_then(|unit| Measure::of(value, unit));
                Some((Number { measure, ..Number::new(value, Unit::Plain) }, used))
            }
        }
    }
}

fn fraction(word: &str) -> f64 {
    match word {
        "half" => 0.5,
        "quarter" => 0.25,
        "third" => 1.0 / 3.0,
        "fifth" => 0.2,
        _ => 0.1,
    }
}

/// Whether "one" counts what follows ("one label", "order one bag") instead of standing for a thing.
fn counts_one(words: &[Word], taken: &[bool], at: usize) -> bool {
    const NO_THING: &str = "of is are was in on off at to by for with from please up down more that which who and or day moment thing too as if \
        now then again only just the a an my your i it we you so by but not though";
    const BEFORE: &str = "add order get me need want for and print make take put with send give book log only buy do have has plus gets";
    let thing = words.get(at + 1).is_some_and(|word| {
        !word.begins
            && word.text.len() > 2
            && word.text.chars().all(char::is_alphabetic)
            && NO_THING.split_whitespace().all(|known| known != word.text)
    });
    let free = at == 0
        || words[at].begins
        || (!taken[at - 1] && BEFORE.split(' ').any(|known| known == words[at - 1].text));
    thing && free
}
