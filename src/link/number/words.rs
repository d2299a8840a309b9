//! Numbers in words and digits: how each is said, and how they are put together.

use super::super::spell::meant;
use super::super::words::Word;

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
    if matches!(word, "nought" | "naught") {
        return Some(0.0);
    }
    ONES.iter().position(|one| *one == word).map(|at| at as f64)
}

fn tens(word: &str) -> Option<f64> {
    TENS.iter().find(|(ten, _)| *ten == word).map(|(_, value)| *value)
}

/// A small number as it is spelt otherwise: "2" for "two", "two" for "2".
pub(in crate::link) fn other_spelling(word: &str) -> Option<std::borrow::Cow<'static, str>> {
    match word.parse::<usize>() {
        Ok(number) => ONES.get(number).filter(|_| !word.starts_with('0')).map(|&one| one.into()),
        Err(_) => small(word).map(|number| number.to_string().into()),
    }
}

/// The place that a word gives to a member of a series: "2", "two", "b".
pub(in crate::link) fn place(word: &str) -> Option<usize> {
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
pub(in crate::link) fn ordinal(word: &str) -> Option<f64> {
    ORDINALS.iter().position(|place| *place == word).map(|at| at as f64 + 1.0)
}

/// Whether a word is a number or a unit of time.
pub(in crate::link) fn is_number_word(word: &str) -> bool {
    small(word).or_else(|| tens(word)).or_else(|| seconds(word)).is_some()
}

pub(super) fn digits(word: &str) -> Option<f64> {
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
pub(super) fn seconds(word: &str) -> Option<f64> {
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
pub(super) fn cardinal(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let word = words[at].text.as_str();
    let next = |k: usize| words.get(at + k).map(|word| word.text.as_str());
    if let Some(value) = digits(word) {
        let joined = words.get(at + 1).is_some_and(|after| after.start == words[at].end);
        return Some(match next(1) {
            Some("000") if word.len() <= 3 => (value * 1000.0, 2),
            Some("k") if joined => (value * 1000.0, 2),
            Some(part) if joined && let Some(part) = vulgar(part) => (value + part, 2),
            Some("dozen" | "dozens") => (value * 12.0, 2),
            Some("hundred") => (value * 100.0, 2),
            Some("thousand") => (value * 1000.0, 2),
            Some(scale) if let Some(scale) = large(scale) => (value * scale, 2),
            _ => (value, 1),
        });
    }
    let (mut value, mut used) = if word == "a" && matches!(next(1), Some("hundred" | "thousand" | "grand")) {
        (1.0, 1)
    } else if let Some(found) = spelt_out(words, at) {
        found
    } else if let Some(ten) = tens(word) {
        match next(1).and_then(small).filter(|one| (1.0..10.0).contains(one)) {
            Some(one) => (ten + one, 2),
            None => (ten, 1),
        }
    } else if matches!(word, "hundred" | "thousand") {
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
    if matches!(next(used), Some("dozen" | "dozens")) {
        return Some((value * 12.0, used + 1));
    }
    if next(used) == Some("thousand") {
        value *= 1000.0;
        used += 1;
        // "Two thousand three hundred", "three thousand and five".
        let skip = usize::from(next(used) == Some("and"));
        if words.get(at + used + skip).is_some_and(|word| !word.begins && digits(&word.text).is_none())
            && let Some((rest, more)) = cardinal(words, at + used + skip)
            && rest < 1000.0
            && rest.fract() == 0.0
        {
            value += rest;
            used += skip + more;
        }
        return Some((value, used));
    }
    if let Some(scale) = next(used).and_then(large) {
        return Some((value * scale, used + 1));
    }
    if next(used) == Some("point")
        && let Some((part, more)) = decimals(words, at + used + 1)
    {
        value += part;
        used += 1 + more;
    }
    Some((value, used))
}

/// A fraction of one character.
pub(super) fn vulgar(word: &str) -> Option<f64> {
    match word {
        "¼" => Some(0.25),
        "½" => Some(0.5),
        "¾" => Some(0.75),
        _ => None,
    }
}

/// Words that multiply what stands before them, beside "hundred" and "thousand".
pub(super) fn large(word: &str) -> Option<f64> {
    match word {
        "grand" => Some(1e3),
        "million" => Some(1e6),
        _ => None,
    }
}

/// The digits behind a decimal point, four at most: "two five" is 0.25; and how many words they take.
pub(super) fn decimals(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let digit = |word: &Word| match word.text.as_str() {
        "oh" | "o" => Some(0.0),
        text => small(text).or_else(|| digits(text)).filter(|digit| *digit < 10.0),
    };
    let found: Vec<f64> = words.get(at..)?.iter().map_while(digit).take(4).collect();
    let value = found.iter().rev().fold(0.0, |value, digit| (value + digit) / 10.0);
    (!found.is_empty()).then_some(((value * 1e4).round() / 1e4, found.len()))
}

/// "Three fifty", "nineteen ninety-nine", "twenty-two fifty" as money: an amount and its hundredths, and how many words they take.
pub(super) fn amount_and_hundredths(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let next = |k: usize| words.get(at + k).filter(|word| !word.begins).map(|word| word.text.as_str());
    let one = |k: usize| next(k).and_then(small).filter(|one| (1.0..10.0).contains(one));
    let (whole, used) = match (small(&words[at].text), tens(&words[at].text)) {
        (Some(value), _) if value >= 1.0 => (value, 1),
        (_, Some(ten)) => one(1).map_or((ten, 1), |one| (ten + one, 2)),
        _ => return None,
    };
    let ten = next(used).and_then(tens)?;
    let (part, more) = one(used + 1).map_or((ten, 1), |one| (ten + one, 2));
    let after = next(used + more);
    (!counts(after) && after != Some("degrees")).then_some((whole + part / 100.0, used + more))
}

/// "One seventy", "two thirty five", "eleven eighty"; no percentage is.
fn hundreds_and_tens(words: &[Word], at: usize) -> Option<(f64, usize)> {
    let next = |k: usize| words.get(at + k).filter(|word| !word.begins).map(|word| word.text.as_str());
    let hundreds = small(&words[at].text).filter(|value| *value >= 1.0 && *value != 10.0)?;
    let ten = next(1).and_then(tens)?;
    let one = next(2).and_then(small).filter(|one| (1.0..10.0).contains(one));
    let used = 2 + usize::from(one.is_some());
    (!counts(next(used))).then(|| (hundreds * 100.0 + ten + one.unwrap_or(0.0), used))
}

/// Whether a word counts what stands before it, so that "two thirty percent" are two numbers.
fn counts(word: Option<&str>) -> bool {
    matches!(word, Some("%" | "percent" | "per" | "times" | "hundred" | "thousand" | "point"))
        || word.and_then(seconds).is_some()
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

/// The number that a word which is none sounds like; "to" is too often only that.
pub(in crate::link) fn heard_number(word: &str) -> Option<&'static str> {
    HEARD.iter().find(|(heard, _)| *heard == word && word != "to").map(|(_, number)| *number)
}

/// What is said to be four of where "for" stands right before it.
const FOUR_OF: &[&str] = &[
    "percent", "%", "degrees", "times", "metres", "meters", "litres", "liters", "kilos", "grams", "copies",
    "rounds", "bottles", "boxes", "bags",
];

/// What goes by a number that stands behind it.
pub(super) const NUMBERED: &[&str] = &[
    "number", "line", "lane", "bay", "rack", "bed", "chair", "track", "floor", "board", "room", "table",
    "channel", "court", "gate", "counter", "station", "zone", "stage", "scene", "page", "platform", "bench",
    "bike", "booth", "cabin", "pitch", "desk", "slot", "level", "speed", "tent", "aisle", "tray", "kiln",
    "couch", "studio", "tank", "batch",
];

/// The words with misspelt number words and units spelt well ("ninty"), and the number that was meant where a word that sounds
/// like one stands between a ten ("ninety too") or nothing and something countable ("ate minutes", "to for degrees", "line for" at the end).
pub(in crate::link) fn mended(request: &str, words: &[Word]) -> Vec<Word> {
    let mut out: Vec<Word> = words
        .iter()
        .map(|word| {
            // Sven is no seven.
            let name = word.start > 0 && request[word.start..].starts_with(char::is_uppercase);
            let meant = meant(&word.text).filter(|meant| !name && is_number_word(meant));
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
        // "Blink red for times", but not "it's been on for hours" nor "down to minutes".
        let measured =
            out[at].text == "for" && before.is_some() && after.is_some_and(|after| FOUR_OF.contains(&after));
        // "Put it on line for", but not "the gate too" nor "what is that number for".
        let numbered = after.is_none()
            && !matches!(out[at].text.as_str(), "to" | "too")
            && !matches!(out[0].text.as_str(), "what" | "whats" | "who")
            && before.is_some_and(|before| NUMBERED.contains(&before));
        if ten && (unit || (at + 1 == out.len() && out[at].text != "for"))
            || unit && small_word
            || measured
            || numbered
        {
            out[at].text = (*number).to_owned();
        }
    }
    out
}
