//! Numbers said in digits or in words, with the unit that was said.

mod read;
mod time;
mod words;

use serde::{Deserialize, Serialize};

use super::lexicon::names_of_unit;

pub(super) use read::number_at;
pub use words::{ONES, ORDINALS, seconds_in};
pub(super) use words::{heard_number, is_number_word, mended, ordinal, other_spelling, place};

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
    /// What it is where money is asked for, if that is something else: 3.5 of "three fifty", whose value is 350.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<f64>,
}

impl Number {
    /// A number whose value is what was said.
    pub(super) fn new(value: f64, unit: Unit) -> Number {
        Number { value, unit, said: value, measure: None, money: None }
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
    /// In days; what is shorter is a duration in seconds ([`Unit::Seconds`]).
    Days,
    /// In pieces.
    Count,
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
    /// So many pieces, said by the dozen.
    fn dozens(pieces: f64) -> Measure {
        Measure { quantity: Quantity::Count, base: pieces }
    }

    fn of(amount: f64, unit: &str) -> Option<Measure> {
        use Quantity::{Count, Days, Length, Volume, Weight};
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
            "day" | "days" | "night" | "nights" => (Days, 1.0),
            "week" | "weeks" => (Days, 7.0),
            "fortnight" | "fortnights" => (Days, 14.0),
            "dozen" | "dozens" => (Count, 12.0),
            _ => return None,
        };
        Some(Measure { quantity, base: amount * scale })
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn all(text: &str) -> Vec<(f64, Unit)> {
        let words = mended(text, &words(text));
        let taken = vec![false; words.len()];
        let mut out = Vec::new();
        let mut at = 0;
        while at < words.len() {
            match number_at(text, &words, &taken, at, false) {
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
        assert_eq!(all("a full thousand watts"), [(1000.0, Unit::Plain)]);
        assert_eq!(all("a thousand two hundred"), [(1200.0, Unit::Plain)]);
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
            ("a dozen and a half", 18.0, Plain),
            ("half a dozen times", 6.0, Times),
            ("2x", 2.0, Times),
            ("3 x", 3.0, Times),
            ("x3", 3.0, Times),
            ("half a tablet, note it", 0.5, Plain),
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
            ("set it two 55", 55.0, Plain),
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
            ("fridge for degrees", 4.0, Unit::Degrees),
            ("blink red for times", 4.0, Unit::Times),
            ("put him on line for", 4.0, Plain),
            ("for ate minutes", 480.0, Seconds),
        ] {
            assert_eq!(all(text), [(value, unit)], "{text}");
        }
        assert_eq!(all("when you have a sec, wait a minute"), [(60.0, Seconds)]);
        assert_eq!(all("three times, a second each"), [(3.0, Times), (1.0, Seconds)]);
        for (text, value, unit) in [
            ("porridge for room one", 1.0, Plain),
            ("sold one adult", 1.0, Plain),
            ("crime night, Colin, one", 1.0, Plain),
            ("a single sheet of steel", 1.0, Plain),
            ("save a couple in the back", 2.0, Plain),
            ("return a fiver", 5.0, Plain),
            ("50p back", 0.5, Plain),
            ("nought point nine", 0.9, Plain),
            ("nought point two five", 0.25, Plain),
            ("offset point five", 0.5, Plain),
            ("six point two five", 6.25, Plain),
            ("one point oh five five", 1.055, Plain),
            ("two thousand three hundred and five", 2305.0, Plain),
            ("three thousand and two", 3002.0, Plain),
            ("seven pounds twenty", 7.2, Plain),
            ("four metres twenty", 4.2, Plain),
            ("a metre twenty up", 1.2, Plain),
            ("four minutes thirty in the zinc", 270.0, Seconds),
            ("an hour and thirty minutes", 5400.0, Seconds),
            ("an hour and a quarter", 4500.0, Seconds),
            ("two hours fifteen", 8100.0, Seconds),
            ("house lights all the way up", 100.0, Unit::Percent),
            ("an hour and ten", 4200.0, Seconds),
            ("an hour and a half", 5400.0, Seconds),
            ("hour and a half please", 5400.0, Seconds),
            ("two and three quarter hours", 9900.0, Seconds),
            ("a seven and a half minute timer", 450.0, Seconds),
            ("1h 30m", 5400.0, Seconds),
            ("two dollars and fifty cents", 2.5, Plain),
            ("two pounds twenty a pack", 2.2, Plain),
            ("a pound fifty", 1.5, Plain),
            ("take a dollar off", 1.0, Plain),
            ("R650 for the lot", 650.0, Plain),
            ("four and a half thousand", 4500.0, Plain),
            ("two million", 2e6, Plain),
            ("ten grand", 1e4, Plain),
            ("12½", 12.5, Plain),
            ("a litre and a quarter", 1.25, Plain),
            ("a sack and a half of oats", 1.5, Plain),
            ("fifteen and a quarter", 15.25, Plain),
            ("nought for effort", 0.0, Plain),
            ("half dozen", 6.0, Plain),
            ("a couple of dozen", 24.0, Plain),
            ("35 thousand", 35_000.0, Plain),
            ("six pounds twenty off what he owes", 6.2, Plain),
            ("for Sven Lind, one lobster", 1.0, Plain),
            ("parcels: one for Ada", 1.0, Plain),
            ("just the one night", 1.0, Plain),
            ("staying a week", 1.0, Plain),
            ("for one night", 1.0, Plain),
            ("a fortnight", 1.0, Plain),
        ] {
            assert_eq!(all(text), [(value, unit)], "{text}");
        }
        assert_eq!(all("one day we will, have a good day, in the night, a night light, the R2 lamp"), []);
        assert_eq!(
            all("two 20 litre tubs, four 250k pots"),
            [(2.0, Plain), (20.0, Plain), (4.0, Plain), (250_000.0, Plain)]
        );
        assert_eq!(all("lamp two twenty percent"), [(2.0, Plain), (20.0, Unit::Percent)]);
        assert_eq!(all("flash it twice a second apart"), [(2.0, Times), (1.0, Seconds)]);
        assert_eq!(all("what is that number for"), []);
        assert_eq!(all("open the gate and one bag of feed, at 8 p m"), [(1.0, Plain), (8.0, Plain)]);
        assert_eq!(all("wait five minutes 2 lamps off"), [(300.0, Seconds), (2.0, Plain)]);
        assert_eq!(all("not a single one, every single lamp, the left one please, all the way down"), []);
        assert_eq!(all("wait two minutes then 30 percent"), [(120.0, Seconds), (30.0, Unit::Percent)]);
        assert_eq!(all("two minutes 30 percent"), [(120.0, Seconds), (30.0, Unit::Percent)]);
        assert_eq!(all("at half past, close the gate too, a table for Ada, on for hours"), []);
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
