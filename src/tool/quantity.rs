//! Durations and sizes as people write them in TOML: `"5s"`, `"64M"`.

use std::time::Duration;

/// Reads `"250ms"`, `"5s"`, `"2m"`.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return Err(format!("`{text}` is not a duration: write \"250ms\", \"5s\" or \"2m\"")),
    };
    whole(text, number, factor).map(Duration::from_millis)
}

/// Reads a number of bytes: `"512"`, `"64K"`, `"64M"`, `"1G"` (powers of 1024).
///
/// # Errors
/// What is wrong with it.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err(format!("`{text}` is not a size: write \"512\", \"64K\", \"64M\" or \"1G\"")),
    };
    whole(text, number, factor)
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn whole(text: &str, number: &str, factor: u64) -> Result<u64, String> {
    let number: u64 = number.parse().map_err(|_| format!("`{text}` does not begin with a whole number"))?;
    number.checked_mul(factor).filter(|&n| n > 0).ok_or_else(|| format!("`{text}` is out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(size("64M"), Ok(64 << 20));
        assert_eq!(size("512"), Ok(512));
        for bad in ["", "5", "s", "5 s", "-5s", "5h", "0s", "99999999999999999999s", "18446744073709551615m"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
        for bad in ["", "M", "64m", "64MB", "0", "17179869184G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
