//! Numbers said in digits or in words, with the unit that was said.

use serde::{Deserialize, Serialize};

use super::lexicon::names_of_unit;
use super::spell::meant;
use super::words::Word;

/// The unit said with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// None.
    Plain,
    /// Percent; also "half", "full".
    Percent,
    /// Degrees of temperature.
    Degrees,
    /// A duration; the value is in seconds.
    Seconds,
    /// "three times", "twice".
    Times,
}

/// A number and its unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// The value; durations in seconds.
    pub value: f64,
    /// What was said with it.
    pub unit: Unit,
    /// The bare number that was said: 5 of "5 minutes", whose value is 300.
    pub said: f64,
    /// What it measures, where a unit of weight, volume or length was said: 12000 g of "12 kg".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
}

impl Number {
    /// A number whose value is what was said.
    pub(super) fn new(value: f64, unit: Unit) -> Number {
        Number { value, unit, said: value, measure: None }
    }

    /// The number in another unit, `None` where neither it nor the unit says what is measured, or they measure different things.
    pub fn in_unit(&self, unit: &str) -> Option<f64> {
        let (asked, said) = (Measure::of(1.0, unit)?, self.measure?);
        (asked.quantity == said.quantity).then(|| (said.base / asked.base * 1e6).round() / 1e6)
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantity {
    /// In grams.
    Weight,
    /// In millilitres.
    Volume,
    /// In millimetres.
    Length,
}

/// An amount in the base unit of its quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What is measured.
    pub quantity: Quantity,
    /// How much, in the base unit.
    pub base: f64,
}

/// Whether a word is a unit of weight, volume or length.
pub fn is_measure(unit: &str) -> bool {
    Measure::of(1.0, unit).is_some()
}

impl Measure {
    fn of(amount: f64, unit: &str) -> Option<Measure> {
        use Quantity::{Length, Volume, Weight};
        let (quantity, scale) = match names_of_unit(unit).first().copied().unwrap_or(unit) {
            "mg" => (Weight, 0.001),
            "gram" => (Weight, 1.0),
            "kg" => (Weight, 1000.0),
            "tonne" | "tonnes" => (Weight, 1e6),
            "ml" => (Volume, 1.0),
            "cl" => (Volume, 10.0),
            "litre" | "l" => (Volume, 1000.0),
            "mm" => (Length, 1.0),
            "cm" => (Length, 10.0),
            "metre" | "m" => (Length, 1000.0),
            "km" => (Length, 1e6),
            _ => return None,
        };
        Some(Measure { quantity, base: amount * scale })
    }
}

/// The words for 0 to 19.
pub const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [(&str, f64); 9] = [
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fourty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
];

fn small(word: &str) -> Option<f64> {
    ONES.iter().position(|one| *one == word).map(|at| at as f64)
}

fn tens(word: &str) -> Option<f64> {
    TENS.iter().find(|(ten, _)| *ten == word).map(|(_, value)| *value)
}

/// A small number as it is spelt otherwise: "2" for "two", "two" for "2".
pub(super) fn other_spelling(word: &str) -> Option<std::borrow::Cow<'static, str>> {
    match word.parse::<usize>() {
        Ok(number) => ONES.get(number).filter(|_| !word.starts_with('0')).map(|&one| one.into()),
        Err(_) => small(word).map(|number| number.to_string().into()),
    }
}

/// The place that a word gives to a member of a series: "2", "two", "b".
pub(super) fn place(word: &str) -> Option<usize> {
    let letter = || match word.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(usize::from(letter - b'a') + 1),
        _ => None,
    };
    word.parse().ok().or_else(|| small(word).map(|number| number as usize)).or_else(letter)
}

/// The words for the first place in an order to the twelfth.
pub const ORDINALS: [&str; 12] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
];

/// The number of a place in an order: "third".
pub(super) fn ordinal(word: &str) -> Option<f64> {
    ORDINALS.iter().position(|place| *place == word).map(|at| at as f64 + 1.0)
}

/// Whether a word is a number or a unit of time.
pub(super) fn is_number_word(word: &str) -> bool {
    small(word).or_else(|| tens(word)).or_else(|| seconds(word)).is_some()
}

fn digits(word: &str) -> Option<f64> {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut groups = word.split('.').next().unwrap_or(word).split(',');
    let first = groups.next().unwrap_or("");
    let thousands = !first.starts_with('0') && first.len() <= 3 && word.contains(',');
    let plain = if thousands && groups.all(|group| group.len() == 3) {
        word.replace(',', "")
    } else {
        word.replace(',', ".")
    };
    plain.parse().ok().filter(|value: &f64| value.is_finite() && *value < 1e12)
}

/// Seconds in a unit of time.
fn seconds(word: &str) -> Option<f64> {
    Some(match word {
        "s" | "sec" | "secs" | "second" | "seconds" | "sek" => 1.0,
        "ms" | "msec" | "millisecond" | "milliseconds" | "millis" => 0.001,
        "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        _ => return None,
    })
}

/// Seconds in a unit of time as parameters are named: some names that nobody says, or that say no span in a request ("in two days").
pub fn seconds_in(unit: &str) -> Option<f64> {
    match unit {
        "millis" => Some(0.001),
        "day" | "days" => Some(86_400.0),
        unit => seconds(unit),
    }
}

/// A cardinal at `at`: its value and how many words it takes. A leading minus sign is the caller's.
fn cardinal(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let word = words[at].text.as_str();
    let next = |k: usize| words.get(at + k).map(|word| word.text.as_str());
    if let Some(value) = digits(word) {
        let joined = words.get(at + 1).is_some_and(|after| after.start == words[at].end);
        return Some(match next(1) {
            Some("000") if word.len() <= 3 => (value * 1000.0, 2),
            Some("k") if joined => (value * 1000.0, 2),
            Some("dozen") => (value * 12.0, 2),
            _ => (value, 1),
        });
    }
    let (mut value, mut used) = if word == "a" && next(1) == Some("hundred") {
        (1.0, 1)
    } else if let Some(found) = spelt_out(words, at) {
        found
    } else if let Some(ten) = tens(word) {
        match next(1).and_then(small).filter(|one| (1.0..10.0).contains(one)) {
            Some(one) => (ten + one, 2),
            None => (ten, 1),
        }
    } else if word == "hundred" {
        (1.0, 0)
    } else if let Some(found) = hundreds_and_tens(words, at) {
        found
    } else {
        (small(word)?, 1)
    };
    if next(used) == Some("hundred") {
        value *= 100.0;
        used += 1;
        let skip = usize::from(next(used) == Some("and"));
        if at + used + skip < words.len()
            && let Some((rest, more)) = cardinal(words, at + used + skip)
            && rest < 100.0
            && digits(&words[at + used + skip].text).is_none()
        {
            value += rest;
            used += skip + more;
        }
    }
    if next(used) == Some("dozen") {
        return Some((value * 12.0, used + 1));
    }
    if next(used) == Some("thousand") {
        return Some((value * 1000.0, used + 1));
    }
    if next(used) == Some("point")
        && let Some(tenth) = next(used + 1).and_then(|word| small(word).or_else(|| digits(word)))
        && tenth < 10.0
    {
        value += tenth / 10.0;
        used += 2;
    }
    Some((value, used))
}

/// "One seventy", "two thirty five", "eleven eighty"; no percentage is.
fn hundreds_and_tens(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let next = |k: usize| words.get(at + k).filter(|word| !word.begins).map(|word| word.text.as_str());
    let hundreds = small(&words[at].text).filter(|value| *value >= 1.0 && *value != 10.0)?;
    let ten = next(1).and_then(tens)?;
    let one = next(2).and_then(small).filter(|one| (1.0..10.0).contains(one));
    let used = 2 + usize::from(one.is_some());
    let counts =
        matches!(next(used), Some("%" | "percent" | "per" | "times" | "hundred" | "thousand" | "point"))
            || next(used).and_then(seconds).is_some();
    (!counts).then(|| (hundreds * 100.0 + ten + one.unwrap_or(0.0), used))
}

/// A number said digit by digit, three digits at least: "two seven zero", "one oh five".
fn spelt_out(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let digit = |word: &Word| match word.text.as_str() {
        "oh" | "o" => Some(0.0),
        text => small(text).filter(|value| *value < 10.0),
    };
    small(&words[at].text)?;
    let run = words[at..].iter().enumerate().take_while(|(k, word)| *k == 0 || !word.begins);
    let digits: Vec<f64> = run.map_while(|(_, word)| digit(word)).take(9).collect();
    let counted =
        words.get(at + digits.len()).is_some_and(|word| matches!(word.text.as_str(), "hundred" | "thousand"));
    (digits.len() > 2 && !counted)
        .then(|| (digits.iter().fold(0.0, |value, digit| value * 10.0 + digit), digits.len()))
}

/// Small numbers that are heard as other words.
const HEARD: &[(&str, &str)] = &[
    ("to", "two"),
    ("too", "two"),
    ("for", "four"),
    ("fore", "four"),
    ("ate", "eight"),
    ("won", "one"),
    ("tree", "three"),
];

/// The words with misspelt number words and units spelt well ("ninty"), and the number that was meant where a word that sounds
/// like one stands between a ten ("ninety too") or nothing and something countable ("ate minutes", "to for degrees").
pub(super) fn mended(words: &[Word]) -> Vec<Word> {
    let mut out: Vec<Word> = words
        .iter()
        .map(|word| {
            let meant = meant(&word.text).filter(|meant| is_number_word(meant));
            Word { text: meant.unwrap_or(&word.text).to_owned(), ..*word }
        })
        .collect();
    for at in 0..out.len() {
        let Some((_, number)) = HEARD.iter().find(|(heard, _)| *heard == out[at].text) else { continue };
        let after = out.get(at + 1).filter(|word| !word.begins).map(|word| word.text.as_str());
        let unit = after.is_some_and(|after| {
            seconds(after).is_some_and(|_| after.len() > 2)
                || matches!(after, "percent" | "%" | "degrees" | "times")
        });
        let before = (at > 0 && !out[at].begins).then(|| out[at - 1].text.as_str());
        // "Turn it to percent" says no number; "to for degrees" does, and so does "ninety too".
        let ten = before.is_some_and(|before| tens(before).is_some());
        let small_word = !matches!(out[at].text.as_str(), "to" | "for" | "too")
            || matches!(before, Some("to" | "at" | "for" | "by"));
        if ten && (unit || (at + 1 == out.len() && out[at].text != "for")) || unit && small_word {
            out[at].text = (*number).to_owned();
        }
    }
    out
}

/// The number that starts at word `at`, and how many words it takes; words marked in `taken` belong to a name.
pub(super) fn number_at(text: &str, words: &[Word], taken: &[bool], at: usize) -> Option<(Number, usize)> {
    let word = words[at].text.as_str();
    // A unit stands in the clause of its number: "to 50, second lamp off" says no time.
    let clause = words[at + 1..].iter().position(|word| word.begins).unwrap_or(words.len());
    let next =
        |k: usize| words.get(at + k).filter(|_| k <= clause && !taken[at + k]).map(|word| word.text.as_str());
    // A unit that hints at a tool is a mention too.
    let unit_at = |k: usize| words.get(at + k).filter(|_| k <= clause).map(|word| word.text.as_str());
    let duration = |said: f64, scale: f64, used: usize| {
        let value = (said * scale * 1000.0).round() / 1000.0;
        Some((Number { value, unit: Unit::Seconds, said, measure: None }, used))
    };
    // "a second", "per minute": how often in this time; "of an hour": a part of it. With the words it takes.
    let span = |at: usize, ways: &[&str]| {
        let way = usize::from(next(at).is_some_and(|word| ways.contains(&word)));
        let article = usize::from(way > 0 && matches!(next(at + 1), Some("a" | "an" | "one")));
        let unit = next(at + way + article).filter(|word| word.len() > 1).and_then(seconds)?;
        Some((unit, way + article + 1, way > 0))
    };
    let part_of = |part: f64, at: usize| {
        let (unit, used, _) = span(at, &["of", "a", "an"])?;
        duration(part, unit, at + used)
    };
    // "three times a second", but not "three times, a second each".
    let runs_on = |k: usize| words.get(at + k).is_some_and(|word| !word.begins);
    let rate = |count: f64, k: usize| {
        let (unit, used, _) =
            span(k, &["a", "an", "per"]).filter(|(.., by)| *by && count > 0.0 && runs_on(k))?;
        duration(1.0 / count, unit, k + used)
    };
    let countable =
        |word: &str| seconds(word).is_some() || matches!(word, "times" | "percent" | "%" | "degrees");
    match word {
        "once" | "one" if matches!(next(1), Some("every" | "each")) => return None,
        "once" | "twice" if let Some(found) = rate(if word == "once" { 1.0 } else { 2.0 }, 1) => {
            return Some(found);
        }
        // "set it two 55", "blink four 5 seconds": heard for "to" and "for".
        "two" | "four"
            if next(1).is_some_and(|word| digits(word).is_some())
                && !(at > 0 && matches!(words[at - 1].text.as_str(), "at" | "by")) =>
        {
            return None;
        }
        "half" | "quarter" if matches!(next(1), Some("past" | "to")) => return None,
        "half" if next(1) == Some("a") && next(2) == Some("dozen") => {
            let times = matches!(next(3), Some("times"));
            let unit = if times { Unit::Times } else { Unit::Plain };
            return Some((Number::new(6.0, unit), 3 + usize::from(times)));
        }
        "dozen" => {
            let times = usize::from(matches!(next(1), Some("times")));
            let unit = if times > 0 { Unit::Times } else { Unit::Plain };
            return Some((Number::new(12.0, unit), 1 + times));
        }
        "couple" => {
            let of = next(1) == Some("of");
            let skip = 1 + usize::from(of);
            let Some(after) = next(skip).filter(|word| countable(word)) else {
                // "A couple of shots".
                let things = next(skip).filter(|word| of && word.ends_with('s'));
                return things.map(|_| (Number::new(2.0, Unit::Plain), skip));
            };
            return match seconds(after) {
                Some(unit) => duration(2.0, unit, skip + 1),
                None if after == "times" => Some((Number::new(2.0, Unit::Times), skip + 1)),
                None if after == "degrees" => Some((Number::new(2.0, Unit::Degrees), skip + 1)),
                None => Some((Number::new(2.0, Unit::Percent), skip + 1)),
            };
        }
        // "x 3", but not the x of "x 200 y 150".
        "x" if let Some(value) = next(1).and_then(digits)
            && !words.iter().any(|word| word.text == "y") =>
        {
            return Some((Number::new(value, Unit::Times), 2));
        }
        _ if let Some(value) = word.strip_prefix('x').and_then(digits) => {
            return Some((Number::new(value, Unit::Times), 1));
        }
        // "every second lamp" is no time.
        _ if let Some(unit) = seconds(word).filter(|_| word.len() > 3)
            && at > 0
            && matches!(words[at - 1].text.as_str(), "every" | "each" | "per")
            && !taken.get(at + 1).is_some_and(|&taken| taken) =>
        {
            return duration(1.0, unit, 1);
        }
        "twice" => return Some((Number::new(2.0, Unit::Times), 1)),
        "thrice" => return Some((Number::new(3.0, Unit::Times), 1)),
        "once" => return Some((Number::new(1.0, Unit::Times), 1)),
        // "Is the tank full", "full enough", "a drawer full of" are no amounts.
        "full"
            if (at > 0
                && matches!(words[at - 1].text.as_str(), "is" | "are" | "was" | "how" | "nearly" | "a"))
                || matches!(next(1), Some("enough" | "of")) =>
        {
            return None;
        }
        "full" | "fully" | "max" | "maximum" => {
            return Some((Number::new(100.0, Unit::Percent), 1));
        }
        "flat" if next(1) == Some("out") => return Some((Number::new(100.0, Unit::Percent), 2)),
        "top" if matches!(next(1), Some("speed" | "power" | "volume" | "brightness")) => {
            return Some((Number::new(100.0, Unit::Percent), 2));
        }
        // "Half a kilo", "a quarter of a litre" are no percentages.
        "half" | "quarter" | "third" | "tenth" if let Some(found) = part_of_measure(&unit_at, word) => {
            return Some(found);
        }
        // "A kilo", "a litre and a half".
        "a" | "an" | "one"
            if let Some(unit) =
                unit_at(1).filter(|unit| unit.len() > 1 && Measure::of(1.0, unit).is_some()) =>
        {
            let half = next(2) == Some("and") && next(3) == Some("a") && next(4) == Some("half");
            let (value, used) = if half { (1.5, 5) } else { (1.0, 1) };
            return Some((
                Number { measure: Measure::of(value, unit), ..Number::new(value, Unit::Plain) },
                used,
            ));
        }
        "half" if next(1) == Some("a") && matches!(next(2), Some("degree" | "degrees")) => {
            let minus = at > 0 && words[at - 1].text == "minus";
            return Some((Number::new(if minus { -0.5 } else { 0.5 }, Unit::Degrees), 3));
        }
        "half" | "halfway" => {
            let skip = usize::from(matches!(next(1), Some("a" | "an")));
            if let Some(unit) = next(1 + skip).and_then(seconds) {
                return duration(0.5, unit, 2 + skip);
            }
            return part_of(0.5, 1).or(Some((Number::new(50.0, Unit::Percent), 1)));
        }
        "quarter" | "third" | "fifth" | "tenth"
            if let Some(found) = part_of(
                match word {
                    "quarter" => 0.25,
                    "third" => 1.0 / 3.0,
                    "fifth" => 0.2,
                    _ => 0.1,
                },
                1,
            ) =>
        {
            return Some(found);
        }
        "three" if next(1) == Some("quarters") && next(2) == Some("of") => {
            return part_of(0.75, 2).or(Some((Number::new(75.0, Unit::Percent), 2)));
        }
        "quarter" => return Some((Number::new(25.0, Unit::Percent), 1)),
        "third" => return Some((Number::new(33.0, Unit::Percent), 1)),
        "three" if matches!(next(1), Some("quarters" | "quarter")) => {
            return Some((Number::new(75.0, Unit::Percent), 2));
        }
        "two" if next(1) == Some("thirds") => {
            return Some((Number::new(67.0, Unit::Percent), 2));
        }
        "a" | "an" | "one" => {
            // "When you have a second" says nothing of how long.
            let leisure = at > 0
                && matches!(words[at - 1].text.as_str(), "have" | "had" | "got" | "get" | "find" | "spare");
            if let Some(unit) =
                next(1).and_then(seconds).filter(|_| !leisure && next(1).is_some_and(|word| word.len() > 1))
            {
                if next(2) == Some("and") && next(3) == Some("a") && next(4) == Some("half") {
                    return duration(1.5, unit, 5);
                }
                return duration(1.0, unit, 2);
            }
            if word == "an" || (word == "a" && next(1) != Some("hundred")) {
                return None;
            }
        }
        _ => {}
    }
    let (mut value, mut used) = cardinal(words, at)?;
    if (0..used).any(|k| taken[at + k]) {
        return None;
    }
    let head = &text[..words[at].start];
    let minus = head.strip_suffix(['-', '−']).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
        || at > 0 && words[at - 1].text == "minus";
    if next(used) == Some("and") && next(used + 1) == Some("a") && next(used + 2) == Some("half") {
        value += 0.5;
        used += 3;
    }
    if minus {
        value = -value;
    }
    let found = |unit, used| Some((Number::new(value, unit), used));
    match next(used) {
        Some("%" | "percent" | "percents" | "pct" | "procent") => found(Unit::Percent, used + 1),
        Some("per") if next(used + 1) == Some("cent") => found(Unit::Percent, used + 2),
        Some("times") if let Some(found) = rate(value, used + 1) => Some(found),
        Some("times" | "time" | "x") => found(Unit::Times, used + 1),
        Some("°") => found(Unit::Degrees, used + 1 + usize::from(matches!(next(used + 1), Some("c" | "f")))),
        Some("degree" | "degrees" | "deg" | "celsius" | "centigrade") => found(
            Unit::Degrees,
            used + 1 + usize::from(matches!(next(used + 1), Some("c" | "celsius" | "centigrade"))),
        ),
        Some(unit) if let Some(scale) = seconds(unit) => duration(value, scale, used + 1),
        // "the other one", "this one": a pronoun unless something countable follows.
        _ if word == "one"
            && used == 1
            && !minus
            && !before_is_to(words, at)
            && !counts_one(words, taken, at) =>
        {
            None
        }
        _ => {
            let measure = unit_at(used).and_then(|unit| Measure::of(value, unit));
            Some((Number { measure, ..Number::new(value, Unit::Plain) }, used))
        }
    }
}

/// A part of a unit: the number, with the words before the unit.
fn part_of_measure<'w>(next: &impl Fn(usize) -> Option<&'w str>, word: &str) -> Option<(Number, usize)> {
    let part = match word {
        "half" => 0.5,
        "quarter" => 0.25,
        "third" => 1.0 / 3.0,
        _ => 0.1,
    };
    let of = usize::from(next(1) == Some("of"));
    let article = usize::from(matches!(next(1 + of), Some("a" | "an")));
    let unit = next(1 + of + article).filter(|unit| unit.len() > 1)?;
    let number = Number { measure: Measure::of(part, unit), ..Number::new(part, Unit::Plain) };
    // Quid and revs have halves too.
    (number.measure.is_some() || (article > 0 && !names_of_unit(unit).is_empty()))
        .then_some((number, 1 + of + article))
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

fn before_is_to(words: &[Word], at: usize) -> bool {
    at > 0 && matches!(words[at - 1].text.as_str(), "to" | "by" | "at" | "of")
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn all(text: &str) -> Vec<(f64, Unit)> {
        let words = mended(&words(text));
        let taken = vec![false; words.len()];
        let mut out = Vec::new();
        let mut at = 0;
        while at < words.len() {
            match number_at(text, &words, &taken, at) {
                Some((number, used)) => {
                    out.push((number.value, number.unit));
                    at += used;
                }
                None => at += 1,
            }
        }
        out
    }

    #[test]
    fn digits_words_and_units() {
        assert_eq!(all("set it to 30%"), [(30.0, Unit::Percent)]);
        assert_eq!(all("set it to thirty five percent"), [(35.0, Unit::Percent)]);
        assert_eq!(all("blink three times every 0.5 s"), [(3.0, Unit::Times), (0.5, Unit::Seconds)]);
        assert_eq!(all("wait two minutes"), [(120.0, Unit::Seconds)]);
        assert_eq!(all("for half a minute"), [(30.0, Unit::Seconds)]);
        assert_eq!(all("a hundred and twenty"), [(120.0, Unit::Plain)]);
        assert_eq!(all("twenty one point five degrees"), [(21.5, Unit::Degrees)]);
        assert_eq!(all("to -5 °C"), [(-5.0, Unit::Degrees)]);
        assert_eq!(
            all("half, a quarter, three quarters"),
            [(50.0, Unit::Percent), (25.0, Unit::Percent), (75.0, Unit::Percent)]
        );
        assert_eq!(all("the other one"), []);
        assert_eq!(all("a lamp and an hour"), [(3600.0, Unit::Seconds)]);
        assert_eq!(all("two and a half hours"), [(9000.0, Unit::Seconds)]);
    }

    #[test]
    fn parts_rates_and_counts() {
        use Unit::{Percent, Plain, Seconds, Times};
        for (text, value, unit) in [
            ("a quarter second", 0.25, Seconds),
            ("a quarter of a second", 0.25, Seconds),
            ("quarter of an hour", 900.0, Seconds),
            ("three quarters of an hour", 2700.0, Seconds),
            ("half second", 0.5, Seconds),
            ("half an hour", 1800.0, Seconds),
            ("a tenth of a second", 0.1, Seconds),
            ("once per second", 1.0, Seconds),
            ("once a minute", 60.0, Seconds),
            ("one every second", 1.0, Seconds),
            ("once every second", 1.0, Seconds),
            ("once every 5 seconds", 5.0, Seconds),
            ("twice a second", 0.5, Seconds),
            ("4 times per second", 0.25, Seconds),
            ("every second", 1.0, Seconds),
            ("a couple of times", 2.0, Times),
            ("a couple minutes", 120.0, Seconds),
            ("a dozen times", 12.0, Times),
            ("two dozen", 24.0, Plain),
            ("half a dozen times", 6.0, Times),
            ("2x", 2.0, Times),
            ("3 x", 3.0, Times),
            ("x3", 3.0, Times),
            ("half a kilo", 0.5, Plain),
            ("a quarter of a litre", 0.25, Plain),
            ("quarter kilo", 0.25, Plain),
            ("a litre and a half", 1.5, Plain),
            ("a kilo", 1.0, Plain),
            ("12 kg", 12.0, Plain),
            ("at one seventy", 170.0, Plain),
            ("up to eleven eighty", 1180.0, Plain),
            ("minus one in the attic", -1.0, Plain),
            ("at minus half a degree", -0.5, Unit::Degrees),
            ("two thirty five", 235.0, Plain),
            ("a couple of shots", 2.0, Plain),
            ("order one bag", 1.0, Plain),
            ("one child please", 1.0, Plain),
            ("half a litre of water", 0.5, Plain),
            ("12,000", 12000.0, Plain),
            ("12 000", 12000.0, Plain),
            ("1,250,000.5", 1_250_000.5, Plain),
            ("0,5 s", 0.5, Seconds),
            ("1.5k", 1500.0, Plain),
            ("two thousand", 2000.0, Plain),
            ("minus five", -5.0, Plain),
            ("two 55", 55.0, Plain),
            ("too 55 percents", 55.0, Percent),
            ("four 5 minutes", 300.0, Seconds),
            ("ninty percent", 90.0, Percent),
            ("fivty", 50.0, Plain),
            ("fourty two", 42.0, Plain),
            ("tweny minuts", 1200.0, Seconds),
            ("steer two seven zero", 270.0, Plain),
            ("one oh five", 105.0, Plain),
            ("zero one five degrees", 15.0, Unit::Degrees),
            ("ninety too degrees", 92.0, Unit::Degrees),
            ("to for degrees", 4.0, Unit::Degrees),
            ("for ate minutes", 480.0, Seconds),
        ] {
            assert_eq!(all(text), [(value, unit)], "{text}");
        }
        assert_eq!(all("when you have a sec, wait a minute"), [(60.0, Seconds)]);
        assert_eq!(all("three times, a second each"), [(3.0, Times), (1.0, Seconds)]);
        assert_eq!(all("at half past"), []);
        assert_eq!(all("the green one is on, one of them, and one more"), []);
        assert_eq!(all("there is a sixth one, the fifth"), []);
        assert_eq!(all("to 50, second lamp off"), [(50.0, Plain)]);
        assert_eq!(all("x 200 y 150"), [(200.0, Plain), (150.0, Plain)]);
        assert_eq!(all("every couple"), []);
        assert_eq!(all("five two"), [(5.0, Plain), (2.0, Plain)]);
        assert_eq!(all("up to percent, thirty for me, off for minutes"), [(30.0, Plain)]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "([a-z0-9 .,%°-]|hundred|point|half|and|a|min){0,40}") {
            all(&text);
        }
    }
}
