//! Numbers said in digits or in words, with the unit that was said.

use serde::{Deserialize, Serialize};

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
}

impl Number {
    fn new(value: f64, unit: Unit) -> Number {
        Number { value, unit, said: value }
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

fn digits(word: &str) -> Option<f64> {
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    word.replace(',', ".").parse().ok().filter(|value: &f64| value.is_finite() && *value < 1e12)
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

/// A cardinal at `at`: its value and how many words it takes. A leading minus sign is the caller's.
fn cardinal(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let word = words[at].text.as_str();
    let next = |k: usize| words.get(at + k).map(|word| word.text.as_str());
    if let Some(value) = digits(word) {
        return Some((value, 1));
    }
    let (mut value, mut used) = if word == "a" && next(1) == Some("hundred") {
        (1.0, 1)
    } else if let Some(ten) = tens(word) {
        match next(1).and_then(small).filter(|one| (1.0..10.0).contains(one)) {
            Some(one) => (ten + one, 2),
            None => (ten, 1),
        }
    } else if word == "hundred" {
        (1.0, 0)
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
    if next(used) == Some("point")
        && let Some(tenth) = next(used + 1).and_then(|word| small(word).or_else(|| digits(word)))
        && tenth < 10.0
    {
        value += tenth / 10.0;
        used += 2;
    }
    Some((value, used))
}

/// The number that starts at word `at`, and how many words it takes; words marked in `taken` belong to a name.
pub(super) fn number_at(text: &str, words: &[Word], taken: &[bool], at: usize) -> Option<(Number, usize)> {
    let word = words[at].text.as_str();
    let next = |k: usize| words.get(at + k).filter(|_| !taken[at + k]).map(|word| word.text.as_str());
    let duration = |said: f64, scale: f64, used: usize| {
        let value = (said * scale * 1000.0).round() / 1000.0;
        Some((Number { value, unit: Unit::Seconds, said }, used))
    };
    match word {
        "twice" => return Some((Number::new(2.0, Unit::Times), 1)),
        "thrice" => return Some((Number::new(3.0, Unit::Times), 1)),
        "once" => return Some((Number::new(1.0, Unit::Times), 1)),
        "full" | "fully" | "max" | "maximum" => {
            return Some((Number::new(100.0, Unit::Percent), 1));
        }
        "half" | "halfway" => {
            let skip = usize::from(matches!(next(1), Some("a" | "an")));
            if let Some(unit) = next(1 + skip).and_then(seconds) {
                return duration(0.5, unit, 2 + skip);
            }
            return Some((Number::new(50.0, Unit::Percent), 1));
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
            if let Some(unit) = next(1).and_then(seconds).filter(|_| next(1).is_some_and(|w| w.len() > 1)) {
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
        Some("times" | "time" | "x") => found(Unit::Times, used + 1),
        Some("°") => found(Unit::Degrees, used + 1 + usize::from(matches!(next(used + 1), Some("c" | "f")))),
        Some("degree" | "degrees" | "deg" | "celsius" | "centigrade") => found(
            Unit::Degrees,
            used + 1 + usize::from(matches!(next(used + 1), Some("c" | "celsius" | "centigrade"))),
        ),
        Some(unit) if let Some(scale) = seconds(unit) => duration(value, scale, used + 1),
        // "the other one", "this one": a pronoun unless something countable follows.
        _ if word == "one" && used == 1 && !before_is_to(words, at) => None,
        _ => found(Unit::Plain, used),
    }
}

fn before_is_to(words: &[Word], at: usize) -> bool {
    at > 0 && matches!(words[at - 1].text.as_str(), "to" | "by" | "at" | "of")
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn all(text: &str) -> Vec<(f64, Unit)> {
        let words = words(text);
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

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "([a-z0-9 .,%°-]|hundred|point|half|and|a|min){0,40}") {
            all(&text);
        }
    }
}
