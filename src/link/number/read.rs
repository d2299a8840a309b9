//! Where a number stands in a request, how far its words go, and its unit.

use super::super::words::Word;
use super::words::{NUMBERED, cardinal, decimals, digits, seconds};
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

    /// A unit of time `k` on: its seconds, and how many words it takes; none where it hints at a tool, which is a mention of its own.
    fn time(&self, k: usize) -> Option<(f64, usize)> {
        let word = self.unit_at(k)?;
        let free = usize::from(self.next(k).is_some());
        (free == 1 || word.len() > 3).then(|| seconds(word)).flatten().map(|unit| (unit, free))
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
        // "twice a second apart" says how often and at what interval.
        if matches!(self.next(k + used), Some("apart" | "each" | "between")) {
            return None;
        }
        duration(1.0 / count, unit, k + used)
    }

    /// Hundredths said right behind a unit, as "twenty" of "four metres twenty": a number of ten to ninety-nine at the end of what is said, and
    /// its words.
    fn hundredths(&self, k: usize) -> Option<(f64, usize)> {
        self.next(k)?;
        let (value, used) = cardinal(self.words, self.at + k).filter(|_| !self.begins(k))?;
        ((10.0..100.0).contains(&value) && value.fract() == 0.0 && self.ends(used + k))
            .then_some((value / 100.0, used))
    }

    /// What is added to a time behind its unit, in that unit, and the words of it: "and a half", "and a quarter", "thirty" of "four minutes
    /// thirty", "and ten minutes".
    fn more_time(&self, unit: f64, k: usize) -> Option<(f64, usize)> {
        if self.and_a_half(k) {
            return Some((0.5, 3));
        }
        let and = usize::from(self.next(k) == Some("and"));
        if and == 1 && self.next(k + 1) == Some("a") && self.next(k + 2) == Some("quarter") {
            return Some((0.25, 3));
        }
        let at = k + and;
        self.next(at)?;
        let (value, used) = cardinal(self.words, self.at + at).filter(|_| !self.begins(at))?;
        let smaller = self.next(at + used).and_then(seconds);
        let fits = (1.0..60.0).contains(&value) && value.fract() == 0.0 && unit >= 60.0;
        match smaller {
            Some(smaller) if fits && smaller == unit / 60.0 => Some((value / 60.0, and + used + 1)),
            None if fits && and == 0 && value % 5.0 == 0.0 && self.ends(at + used) => {
                Some((value / 60.0, used))
            }
            _ => None,
        }
    }

    /// Whether an amount ends before the word `k` on, so that the number there is of it and counts nothing else.
    fn ends(&self, k: usize) -> bool {
        const BEHIND: [&str; 14] = [
            "in", "on", "at", "for", "to", "of", "from", "with", "and", "then", "please", "up", "down", "by",
        ];
        self.begins(k) || self.next(k).is_none_or(|word| BEHIND.contains(&word))
    }

    /// Whether a clause begins with the word `k` on.
    fn begins(&self, k: usize) -> bool {
        self.words.get(self.at + k).is_some_and(|word| word.begins)
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
            "single" if self.next(1).is_some_and(|word| word.len() > 2) => self.single(),
            "fiver" => found(5.0, Unit::Plain, 1),
            "tenner" => found(10.0, Unit::Plain, 1),
            "nil" => found(0.0, Unit::Plain, 1),
            "none" if self.next(1) != Some("of") => found(0.0, Unit::Plain, 1),
            "point" | "nought" => self.tenths(),
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

    /// "A couple of minutes", "a couple of shots", "a couple in the back".
    fn couple(&self) -> Option<Found> {
        if !matches!(self.before(), "a" | "") && self.next(1) != Some("of") {
            return None;
        }
        let skip = 1 + usize::from(self.next(1) == Some("of"));
        if let Some((unit, used)) = self.time(skip) {
            return duration(2.0, unit, skip + used);
        }
        match self.next(skip) {
            Some("times") => found(2.0, Unit::Times, skip + 1),
            Some("degrees") => found(2.0, Unit::Degrees, skip + 1),
            Some("percent" | "%") => found(2.0, Unit::Percent, skip + 1),
            _ => found(2.0, Unit::Plain, skip),
        }
    }

    /// "A single scoop", but not "not a single one", "every single lamp".
    fn single(&self) -> Option<Found> {
        let two_back = self.at.checked_sub(2).map_or("", |at| self.words[at].text.as_str());
        (self.before() == "a" && two_back != "not" && self.next(1) != Some("one"))
            .then(|| found(1.0, Unit::Plain, 1))
            .flatten()
    }

    /// "Point five", "nought point nine".
    fn tenths(&self) -> Option<Found> {
        let nought = usize::from(self.word() == "nought");
        if nought == 1 && self.next(1) != Some("point") {
            return None;
        }
        self.next(nought + 1)?;
        let (value, digits) = decimals(self.words, self.at + nought + 1)?;
        let used = nought + 1 + digits;
        match self.time(used) {
            Some((unit, words)) => duration(value, unit, used + words),
            None => found(value, Unit::Plain, used),
        }
    }

    /// Parts of a whole, and all of it.
    fn share(&self) -> Option<Option<Found>> {
        let word = self.word();
        let percent = |value: f64, used: usize| found(value, Unit::Percent, used);
        Some(match word {
            "half" | "quarter" if matches!(self.next(1), Some("past" | "to")) => None,
            // "Is the tank full", "full enough", "a drawer full of" are no amounts; "a full thousand" is a thousand.
            "full"
                if matches!(self.before(), "is" | "are" | "was" | "how" | "nearly" | "a")
                    || matches!(self.next(1), Some("enough" | "of" | "hundred" | "thousand")) =>
            {
                None
            }
            "full" | "fully" | "max" | "maximum" => percent(100.0, 1),
            // "All the way up" of a light; of a blind it is no amount, and nothing asks for one. "All" may be a choice of some tool.
            "way"
                if self.at > 1
                    && [self.words[self.at - 2].text.as_str(), self.before()] == ["all", "the"]
                    && self.next(1).is_none_or(|after| !NO_AMOUNT.contains(&after)) =>
            {
                percent(100.0, 1)
            }
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
                match self.time(1 + skip) {
                    Some((unit, used)) => duration(0.5, unit, 1 + skip + used),
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
        // Quid and tablets have halves too; "half a second" is a time.
        (number.measure.is_some()
            || (article > 0 && seconds(unit).is_none() && !matches!(unit, "dozen" | "degree" | "degrees")))
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
            let (value, used) = match self.hundredths(2) {
                Some((part, words)) => (1.0 + part, 2 + words),
                None if self.and_a_half(2) => (1.5, 5),
                None => (1.0, 1),
            };
            let measure = Measure::of(value, unit);
            return Some(Some((Number { measure, ..Number::new(value, Unit::Plain) }, used)));
        }
        // "When you have a second" says nothing of how long.
        let leisure = matches!(self.before(), "have" | "had" | "got" | "get" | "find" | "spare");
        let unit = self.unit_at(1).filter(long).and_then(|_| self.time(1)).filter(|_| !leisure);
        if let Some((unit, used)) = unit {
            return Some(match self.more_time(unit, 2) {
                Some((more, words)) => duration(1.0 + more, unit, 2 + words),
                None => duration(1.0, unit, 1 + used),
            });
        }
        if word != "one" && self.next(1) == Some("single") {
            return Some(None);
        }
        (word == "an" || (word == "a" && !matches!(self.next(1), Some("hundred" | "thousand"))))
            .then_some(None)
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
            _ if let Some((unit, words)) = self.time(used) => match self.more_time(unit, used + 1) {
                Some((more, words)) => duration(value + more, unit, used + 1 + words),
                None => duration(value, unit, used + words),
            },
            // "Seven pounds twenty".
            _ if self.unit_at(used).is_some_and(is_money)
                && let Some((part, words)) = self.hundredths(used + 1) =>
            {
                found(value + part, Unit::Plain, used + 1 + words)
            }
            Some(unit @ ("p" | "pence" | "cents"))
                if value < 100.0 && (unit != "p" || joined(words, at + used)) =>
            {
                found(value / 100.0, Unit::Plain, used + 1)
            }
            // "the other one", "this one": a pronoun unless something countable follows.
            _ if self.word() == "one"
                && used == 1
                && !minus
                && !matches!(self.before(), "to" | "by" | "at" | "of")
                && !counts_one(words, self.taken, at) =>
            {
                None
            }
            // "Four metres twenty".
            _ if let Some(unit @ ("metre" | "metres" | "meter" | "meters")) = self.unit_at(used)
                && let Some((part, words)) = self.hundredths(used + 1) =>
            {
                let measure = Measure::of(value + part, unit);
                Some((Number { measure, ..Number::new(value + part, Unit::Plain) }, used + 1 + words))
            }
            _ => {
                let measure = self.unit_at(used).and_then(|unit| Measure::of(value, unit));
                Some((Number { measure, ..Number::new(value, Unit::Plain) }, used))
            }
        }
    }
}

/// What stands behind "all the way" where it is no amount of anything.
const NO_AMOUNT: [&str; 8] = ["down", "off", "shut", "closed", "open", "in", "through", "to"];

/// Whether nothing stands between a word and the one before it: "50p", but not "8 p m".
fn joined(words: &[Word], at: usize) -> bool {
    words[at - 1].end == words[at].start
}

fn is_money(unit: &str) -> bool {
    matches!(unit, "pounds" | "pound" | "euros" | "euro" | "dollars" | "dollar" | "quid")
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

/// Whether "one" is a number ("one label", "order one bag", "room one", "a towel, one") instead of standing for a thing.
fn counts_one(words: &[Word], taken: &[bool], at: usize) -> bool {
    const NO_THING: &str = "of is are was in on off at to by for with from please up down more that which who and or day moment thing too as if \
        now then again only just the a an my your i it we you so by but not though";
    const BEFORE: &str = "add order get me need want for and print make take put with send give book log only buy do have has plus gets";
    const THAT_ONE: &str = "the this that these those which other another each every any no last next same first second third a an my your \
        our his her their its left right top bottom upper lower front back middle big small little large red green blue white yellow \
        black long short old new good bad wrong not";
    let known = |list: &str, word: &Word| list.split_whitespace().any(|known| known == word.text);
    let clause = words[..=at].iter().rposition(|word| word.begins).unwrap_or(0);
    let before = &words[clause..at];
    let asked_for = before.last().is_some_and(|word| known(BEFORE, word));
    if !asked_for && before.iter().rev().take(3).any(|word| known(THAT_ONE, word)) {
        return false;
    }
    let after = words.get(at + 1).filter(|word| !word.begins);
    if before.last().is_some_and(|word| NUMBERED.contains(&word.text.as_str())) {
        return true;
    }
    match after {
        Some(thing) => {
            let free = at == clause || asked_for || !taken[at - 1];
            free && thing.text.len() > 2
                && thing.text.chars().all(char::is_alphabetic)
                && !known(NO_THING, thing)
        }
        // "Colin, one", "pairs one".
        None => before.last().is_none_or(|word| {
            matches!(word.text.as_str(), "just" | "only" | "take" | "took") || word.text.ends_with('s')
        }),
    }
}
