//! Where a number stands in a request, how far its words go, and its unit.

use super::super::words::Word;
use super::time::duration;
use super::words::{NUMBERED, amount_and_hundredths, cardinal, decimals, digits, large, seconds};
use super::{Measure, Number, Quantity, Unit};

/// A number and how many words it takes.
pub(super) type Found = (Number, usize);

/// The number that starts at word `at`, and how many words it takes; words marked in `taken` belong to a name.
/// `parts`: hours and the minutes behind them are two numbers.
pub(in crate::link) fn number_at(
    text: &str,
    words: &[Word],
    taken: &[bool],
    at: usize,
    parts: bool,
) -> Option<Found> {
    // A unit stands in the clause of its number: "to 50, second lamp off" says no time.
    let clause = words[at + 1..].iter().position(|word| word.begins).unwrap_or(words.len());
    let place = Place { text, words, taken, at, clause, parts };
    let special = place.count().or_else(|| place.share()).or_else(|| place.article());
    special.unwrap_or_else(|| place.cardinal())
}

fn found(value: f64, unit: Unit, used: usize) -> Option<Found> {
    Some((Number::new(value, unit), used))
}

/// A word of the request, where a number may begin.
pub(super) struct Place<'w> {
    pub(super) text: &'w str,
    pub(super) words: &'w [Word],
    pub(super) taken: &'w [bool],
    pub(super) at: usize,
    /// How many words on the clause ends.
    pub(super) clause: usize,
    pub(super) parts: bool,
}

/// `count`, `share` and `article` answer `None` where the word is nothing to them, and `Some(None)` where it looks like a number and is none.
impl<'w> Place<'w> {
    fn word(&self) -> &'w str {
        self.words[self.at].text.as_str()
    }

    pub(super) fn before(&self) -> &'w str {
        self.at.checked_sub(1).map_or("", |at| self.words[at].text.as_str())
    }

    /// The word `k` on in the clause; one of a name is none.
    pub(super) fn next(&self, k: usize) -> Option<&'w str> {
        self.unit_at(k).filter(|_| !self.taken[self.at + k])
    }

    /// The same where a unit may stand: one that hints at a tool is a mention too.
    pub(super) fn unit_at(&self, k: usize) -> Option<&'w str> {
        self.words.get(self.at + k).filter(|_| k <= self.clause).map(|word| word.text.as_str())
    }

    /// Hundredths said right behind a unit, as "twenty" of "four metres twenty": a number of ten to ninety-nine at the end of what is said, and
    /// its words.
    fn hundredths(&self, k: usize) -> Option<(f64, usize)> {
        self.next(k)?;
        let (value, used) = cardinal(self.words, self.at + k).filter(|_| !self.begins(k))?;
        ((10.0..100.0).contains(&value) && value.fract() == 0.0 && self.ends(used + k))
            .then_some((value / 100.0, used))
    }

    /// Whether an amount ends before the word `k` on, so that the number there is of it and counts nothing else.
    pub(super) fn ends(&self, k: usize) -> bool {
        const BEHIND: [&str; 22] = [
            "in", "on", "at", "for", "to", "of", "from", "with", "and", "then", "please", "up", "down", "by",
            "a", "each", "apiece", "per", "off", "out", "against", "into",
        ];
        self.begins(k) || self.next(k).is_none_or(|word| BEHIND.contains(&word))
    }

    /// Whether a clause begins with the word `k` on.
    pub(super) fn begins(&self, k: usize) -> bool {
        self.words.get(self.at + k).is_some_and(|word| word.begins)
    }

    /// "and a half", "and a quarter", "and three quarters" `k` on: the part, and the words of it.
    pub(super) fn and_part(&self, k: usize) -> Option<(f64, usize)> {
        match [self.next(k)?, self.next(k + 1)?, self.next(k + 2)?] {
            ["and", "a", "half"] => Some((0.5, 3)),
            ["and", "a", "quarter"] => Some((0.25, 3)),
            ["and", "three", "quarters" | "quarter"] => Some((0.75, 3)),
            _ => None,
        }
    }

    /// How often, and how many by the dozen.
    fn count(&self) -> Option<Option<Found>> {
        let word = self.word();
        let times = |k: usize| matches!(self.next(k), Some("times"));
        let dozens = |value: f64, used: usize| {
            if times(used) {
                return found(value, Unit::Times, used + 1);
            }
            Some((Number { measure: Some(Measure::dozens(value)), ..Number::new(value, Unit::Plain) }, used))
        };
        Some(match word {
            "once" | "one" if matches!(self.next(1), Some("every" | "each")) => None,
            "once" | "twice" if let Some(found) = self.rate(if word == "once" { 1.0 } else { 2.0 }, 1) => {
                Some(found)
            }
            // "set it two 55", "blink four 5 seconds": heard for "to" and "for".
            "two"
                if self.digits_behind()
                    && (self.taken_before() || matches!(self.before(), "it" | "them")) =>
            {
                None
            }
            "four" if self.digits_behind() && self.next(2).and_then(seconds).is_some() => None,
            "half" if self.next(1) == Some("a") && self.next(2) == Some("dozen") => dozens(6.0, 3),
            "half" if self.next(1) == Some("dozen") => dozens(6.0, 2),
            "dozen" => {
                let (more, used) = self.and_part(1).unwrap_or((0.0, 0));
                dozens(12.0 * (1.0 + more), 1 + used)
            }
            "couple" => self.couple(),
            "single" if self.next(1).is_some_and(|word| word.len() > 2) => self.single(),
            "fiver" => found(5.0, Unit::Plain, 1),
            "tenner" => found(10.0, Unit::Plain, 1),
            "nil" => found(0.0, Unit::Plain, 1),
            "none" if self.next(1) != Some("of") => found(0.0, Unit::Plain, 1),
            "point" => self.tenths(),
            "nought" if self.next(1) == Some("point") => self.tenths(),
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

    fn digits_behind(&self) -> bool {
        self.next(1).is_some_and(|word| digits(word).is_some())
    }

    fn taken_before(&self) -> bool {
        self.at.checked_sub(1).is_some_and(|at| self.taken[at])
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
            Some("dozen") => found(24.0, Unit::Plain, skip + 1),
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
        // "Hour and a half".
        if let Some(unit) = seconds(word).filter(|_| word.len() > 1)
            && let Some((part, words)) = self.and_part(1)
        {
            return Some(duration(1.0 + part, unit, 1 + words));
        }
        if !matches!(word, "a" | "an" | "one") {
            return None;
        }
        let long = |unit: &&str| unit.len() > 1;
        let measured = |unit: &&str| {
            Measure::of(1.0, unit).is_some_and(|measure| match measure.quantity {
                Quantity::Days => self.for_days(unit),
                Quantity::Count => false,
                _ => true,
            })
        };
        // "A pound off", "a dollar fifty".
        if self.next(1).is_some_and(is_money) {
            return Some(match self.hundredths(2) {
                Some((part, words)) => found(1.0 + part, Unit::Plain, 2 + words),
                None => found(1.0, Unit::Plain, 1),
            });
        }
        // "A bag and a half".
        if word != "an"
            && self.unit_at(1).is_some_and(|thing| {
                cardinal(self.words, self.at + 1).is_none()
                    && thing.len() > 2
                    && thing != "dozen"
                    && seconds(thing).is_none()
                    && !measured(&thing)
            })
            && let Some((part, words)) = self.and_part(2)
        {
            return Some(found(1.0 + part, Unit::Plain, 2 + words));
        }
        // "A litre and a half".
        if let Some(unit) = self.unit_at(1).filter(long).filter(measured) {
            let (value, used) = match (self.hundredths(2), self.and_part(2)) {
                (Some((part, words)), _) | (None, Some((part, words))) => (1.0 + part, 2 + words),
                (None, None) => (1.0, 1),
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
        let many = |word| matches!(word, "hundred" | "thousand" | "grand");
        (word == "an" || (word == "a" && !self.next(1).is_some_and(many))).then_some(None)
    }

    /// Whether "a week", "one night" says for how long: "twice a week" and "one day" do not.
    fn for_days(&self, unit: &str) -> bool {
        unit == "fortnight" || matches!(self.before(), "for" | "just" | "stay" | "stays" | "staying")
    }

    /// "R650".
    fn rand(&self) -> Option<(f64, usize)> {
        let amount = self.word().strip_prefix('r').filter(|amount| amount.len() > 1)?;
        self.text[self.words[self.at].start..].starts_with('R').then_some(())?;
        Some((digits(amount)?, 1))
    }

    /// A number in digits or words, with what follows it.
    fn cardinal(&self) -> Option<Found> {
        let (words, at) = (self.words, self.at);
        let (mut value, mut used) = self.rand().or_else(|| cardinal(words, at))?;
        let dozens = matches!(words[at + used - 1].text.as_str(), "dozen" | "dozens");
        // A tool may be about dozens.
        if dozens && used > 1 && self.taken[at + used - 1] {
            used -= 1;
        }
        if (0..used).any(|k| self.taken[at + k]) {
            return None;
        }
        let head = &self.text[..words[at].start];
        let minus = head.strip_suffix(['-', '−']).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
            || self.before() == "minus";
        if let Some((part, words)) = self.and_part(used) {
            value += part;
            used += words;
            if let Some(scale) =
                self.next(used).and_then(|word| large(word).or((word == "thousand").then_some(1e3)))
            {
                value *= scale;
                used += 1;
            }
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
            // "Two dollars and fifty cents".
            _ if self.unit_at(used).is_some_and(is_money)
                && self.next(used + 1) == Some("and")
                && self.next(used + 2).is_some()
                && let Some((part, words)) = cardinal(self.words, at + used + 2)
                && matches!(self.next(used + 2 + words), Some("cents" | "cent" | "pence" | "p"))
                && part < 100.0 =>
            {
                found(value + part / 100.0, Unit::Plain, used + 3 + words)
            }
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
                let measure = match dozens {
                    true => Some(Measure::dozens(value)),
                    false => self.unit_at(used).and_then(|unit| Measure::of(value, unit)),
                };
                let money = amount_and_hundredths(words, at).filter(|_| !minus && measure.is_none());
                // "Twenty-two fifty" is no number by itself.
                if let Some((money, all)) = money
                    && all >= used
                    && (used..all).all(|k| self.next(k).is_some())
                {
                    let value = (money * 100.0).round();
                    return Some((Number { money: Some(money), ..Number::new(value, Unit::Plain) }, all));
                }
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
    matches!(unit, "pounds" | "pound" | "euros" | "euro" | "dollars" | "dollar" | "quid" | "bucks" | "rand")
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
    const BEFORE: &str = "add order get me need want for and print make take put with send give book log only buy do have has plus gets \
        fetch grab pick pull sell sold sale taken eaten used lost found";
    const THAT_ONE: &str = "the this that these those which other another each every any no last next same first second third a an my your \
        our his her their its left right top bottom upper lower front back middle big small little large red green blue white yellow \
        black long short old new good bad wrong not";
    let known = |list: &str, word: &Word| list.split_whitespace().any(|known| known == word.text);
    let clause = words[..=at].iter().rposition(|word| word.begins).unwrap_or(0);
    let before = &words[clause..at];
    let asked_for = before.last().is_some_and(|word| known(BEFORE, word));
    let just = matches!(before, [.., just, the] if just.text == "just" && the.text == "the");
    if !asked_for && !just && before.iter().rev().take(3).any(|word| known(THAT_ONE, word)) {
        return false;
    }
    let after = words.get(at + 1).filter(|word| !word.begins);
    // "Parcels: one for Ada".
    if at == clause && at > 0 && after.is_some_and(|word| word.text == "for") {
        return true;
    }
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
            matches!(
                word.text.as_str(),
                "just" | "only" | "take" | "took" | "get" | "order" | "fetch" | "grab" | "need" | "want"
            ) || word.text.ends_with('s')
        }),
    }
}
