//! Memory that only starting needs.

use libc::{MADV_DONTNEED, c_void, madvise};

/// Gives back the pages of the program's code that starting has touched (reading arguments, files and schemas, checking the agent): on a
/// small board they would stay counted as the program's for as long as it runs. What is needed again is mapped again, a microsecond a page.
pub(super) fn forget_start() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    let here = forget_start as *const () as usize;
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (Some(range), Some("r-xp")) = (fields.next(), fields.next()) else { continue };
        let Some((start, end)) = range.split_once('-') else { continue };
        let address = |text| usize::from_str_radix(text, 16);
        let (Ok(start), Ok(end)) = (address(start), address(end)) else { continue };
        if (start..end).contains(&here) {
            // SAFETY: the range is one mapping of the program's file, which cannot be written to (no `w`) and holds no relocations
            // (position-independent code has them elsewhere): its pages read the same when they come back from the file.
            unsafe { madvise(start as *mut c_void, end - start, MADV_DONTNEED) };
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn code_comes_back_when_it_is_needed() {
        let before = std::process::Command::new("true").status().is_ok();
        super::forget_start();
        let words = crate::link::Index::new(&[], &["light".to_owned()], &[], &[], &[]).links("the lights");
        assert!(words.len() == 1 && std::process::Command::new("true").status().is_ok() == before);
    }
}
