//! Cron expressions: minute, hour, day of the month, month, day of the week, in local time.
//!
//! The forms of POSIX `crontab(5)` with steps and names: `*`, `5`, `1-5`, `*/15`, `8-18/2`, `mon,wed`, `jan`. As there,
//! when both days are restricted, either of them is enough.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Minutes of the longest search: a pattern that comes at all (29 February on a Monday) comes within 40 years.
const HORIZON_YEARS: u64 = 41;
const DAY: u64 = 86_400;

/// A checked cron expression; each field is a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cron {
    minutes: u64,
    hours: u32,
    days: u32,
    months: u16,
    weekdays: u8,
    any_day: bool,
    any_weekday: bool,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Cron {
    /// Reads the five fields.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!(
                "five fields are expected (minute, hour, day, month, weekday), here are {}",
                fields.len()
            ));
        };
        let weekdays = set(weekday, "weekday", 0, 7, &WEEKDAYS, 0)?;
        let cron = Cron {
            minutes: set(minute, "minute", 0, 59, &[], 0)?,
            hours: set(hour, "hour", 0, 23, &[], 0)? as u32,
            days: set(day, "day", 1, 31, &[], 0)? as u32,
            months: set(month, "month", 1, 12, &MONTHS, 1)? as u16,
            // 7 is Sunday, as 0 is.
            weekdays: ((weekdays | weekdays >> 7) & 0x7f) as u8,
            any_day: day.starts_with('*'),
            any_weekday: weekday.starts_with('*'),
        };
        match cron.after(0) {
            Some(_) => Ok(cron),
            None => Err("no day is like that".into()),
        }
    }

    /// The first time after `now` at which it fires, both in seconds of local time since 1970; `None` when none comes.
    pub fn after(&self, now: u64) -> Option<u64> {
        let start = (now / 60 + 1) * 60;
        let mut day = start / DAY;
        let mut minute = start % DAY / 60;
        let end = day + HORIZON_YEARS * 366;
        while day < end {
            if self.has_day(day)
                && let Some(minute) = (minute..1440).find(|minute| self.has_minute(*minute))
            {
                return Some(day * DAY + minute * 60);
            }
            day += 1;
            minute = 0;
        }
        None
    }

    fn has_minute(&self, minute: u64) -> bool {
        self.hours >> (minute / 60) & 1 == 1 && self.minutes >> (minute % 60) & 1 == 1
    }

    fn has_day(&self, day: u64) -> bool {
        let (month, of_month) = month_and_day(day);
        if self.months >> month & 1 == 0 {
            return false;
        }
        // The first day of 1970 was a Thursday.
        let weekday = self.weekdays >> ((day + 4) % 7) & 1 == 1;
        let of_month = self.days >> of_month & 1 == 1;
        if self.any_day || self.any_weekday { weekday && of_month } else { weekday || of_month }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = if self.any_day && self.days == 0xffff_fffe {
            "*".to_owned()
        } else {
            listed(self.days.into(), 1, 31, false)
        };
        let weekdays = listed(self.weekdays.into(), 0, 6, self.any_weekday);
        write!(
            f,
            "{} {} {days} {} {weekdays}",
            listed(self.minutes, 0, 59, true),
            listed(self.hours.into(), 0, 23, true),
            listed(self.months.into(), 1, 12, true)
        )
    }
}

/// A field again: `*` when it is whole (and may be told so), else its numbers, neighbours as ranges.
fn listed(bits: u64, least: u64, most: u64, star: bool) -> String {
    let has = |value: u64| value <= most && bits >> value & 1 == 1;
    if star && (least..=most).all(has) {
        return "*".to_owned();
    }
    let mut parts = Vec::new();
    let mut value = least;
    while value <= most {
        let end = (value..=most).take_while(|value| has(*value)).last();
        match end {
            Some(end) if end > value + 1 => parts.push(format!("{value}-{end}")),
            Some(end) => parts.extend((value..=end).map(|value| value.to_string())),
            None => {}
        }
        value = end.unwrap_or(value) + 1;
    }
    parts.join(",")
}

/// Month (1 to 12) and day of the month of a day since 1970, in the Gregorian calendar. Years are counted from March,
/// so that the leap day is the last, in cycles of 400.
fn month_and_day(day: u64) -> (u64, u64) {
    let day = day + 719_468;
    let of_era = day % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * from_march + 2) / 5 + 1;
    (if from_march < 10 { from_march + 3 } else { from_march - 9 }, of_month)
}

/// One field as bits. `first` is the number of the first name.
fn set(field: &str, what: &str, least: u64, most: u64, names: &[&str], first: u64) -> Result<u64, String> {
    let number = |text: &str| {
        let lower = text.to_lowercase();
        let named = names.iter().position(|name| *name == lower).map(|index| index as u64 + first);
        let value = named.or_else(|| text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())));
        match value {
            Some(value) if (least..=most).contains(&value) => Ok(value),
            Some(value) => Err(format!("the {what} {value} is not from {least} to {most}")),
            None => Err(format!("`{text}` is no {what}")),
        }
    };
    let mut bits = 0;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step.parse::<u64>().ok().filter(|step| (1..=most).contains(step));
                (range, step.ok_or_else(|| format!("`{part}`: the step is a number from 1 to {most}"))?)
            }
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most.min(if what == "weekday" { 6 } else { most })),
            Some((from, to)) => (number(from)?, number(to)?),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if from > to {
            return Err(format!("`{part}` goes backwards"));
        }
        for value in (from..=to).step_by(step as usize) {
            bits |= 1 << value;
        }
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 (a Saturday) 14:50:19.
    const NOW: u64 = 1_795_272_619;

    fn next(text: &str) -> u64 {
        Cron::parse(text).unwrap().after(NOW).unwrap() - NOW
    }

    #[test]
    fn the_next_time() {
        assert_eq!(next("* * * * *"), 41);
        assert_eq!(next("*/15 * * * *"), 9 * 60 + 41);
        assert_eq!(next("0 6 * * *"), 15 * 3600 + 9 * 60 + 41);
        assert_eq!(next("0 6 * * sun"), next("0 6 * * *"));
        assert_eq!(next("0 6 * * 7"), next("0 6 * * 0"));
        assert_eq!(next("0 6 * * 1-5"), next("0 6 * * *") + 86_400);
        assert_eq!(next("50 14 * * *"), 86_400 - 19);
        // The 1st of December is a Tuesday; the next Monday comes first when either day will do.
        assert_eq!(next("0 0 1 * *"), 9 * 86_400 + 9 * 3600 + 9 * 60 + 41);
        assert_eq!(next("0 0 1 * mon"), 86_400 + 9 * 3600 + 9 * 60 + 41);
        // 2028 is the next leap year.
        assert_eq!((NOW + next("0 0 29 feb *")) / DAY, 21_243);
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["* * * * *", "0,15,30,45 * * * *", "0 6 1,15 2-4 1-5", "0 0 * * 0,6", "5 8-18 31 * *"] {
            let cron = Cron::parse(text).unwrap();
            assert_eq!(cron.to_string(), text);
        }
        // Either day will do in this one, both have to fit in the other.
        let (either, both) = (Cron::parse("0 0 1-31 * 1").unwrap(), Cron::parse("0 0 * * 1").unwrap());
        assert_eq!((either.to_string().as_str(), both.to_string().as_str()), ("0 0 1-31 * 1", "0 0 * * 1"));
    }

    #[test]
    fn every_day_of_four_centuries_has_its_date() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (mut year, mut month, mut of_month) = (1970, 1, 1);
        for day in 0..146_097 {
            assert_eq!(month_and_day(day), (month, of_month), "day {day}");
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = lengths[month as usize - 1] + u64::from(leap && month == 2);
            of_month += 1;
            if of_month > length {
                (month, of_month) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }

    #[test]
    fn what_is_no_time() {
        for bad in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "-1 * * * *",
            "+1 * * * *",
            "0 0 31 feb *",
            "1,,2 * * * *",
            "0 0 30 2 *",
        ] {
            assert!(Cron::parse(bad).is_err(), "{bad}");
        }
    }
}
