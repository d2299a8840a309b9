//! Free texts of all lengths, written by the small grammar of `phrases.txt`.

use std::collections::HashMap;

use super::rng::Rng;
use super::template::{expand, tidy};
use super::world::odd_word;

/// Sections of a `phrases.txt`: templates whose slots name other sections.
pub(super) type Sections = HashMap<&'static str, Vec<&'static str>>;

/// Reads a `phrases.txt`.
pub(super) fn sections(text: &'static str) -> Sections {
    let mut sections = Sections::new();
    let mut section = "";
    for line in text.lines().map(str::trim) {
        match line.strip_prefix('@') {
            Some(name) => section = name,
            None if line.is_empty() || line.starts_with('#') => {}
            None => sections.entry(section).or_default().push(line),
        }
    }
    sections
}

/// The section for parameters of which `tools.txt` does not say what texts they take.
pub(super) const ANY: &str = "any";

/// A text of a section. `None` when the section is not there.
pub(super) fn phrase(rng: &mut Rng, section: &str) -> Option<String> {
    written(rng, section, 0).map(|text| tidy(&text))
}

fn written(rng: &mut Rng, section: &str, depth: usize) -> Option<String> {
    // The file does not nest deeper; this only keeps a slip in it from recursing for ever.
    if depth > 8 {
        return None;
    }
    let template = *rng.pick(rng.lexicon().phrases.get(section)?);
    expand(rng, template, &mut |rng, slot| match slot {
        "n" => Some(rng.range(2, 60).to_string()),
        "year" => Some(rng.range(1968, 2031).to_string()),
        "big" => Some(rng.range(100, 9999).to_string()),
        "letter" => Some(char::from(b'A' + rng.below(26) as u8).to_string()),
        "odd" => Some(odd_word(rng)),
        section => written(rng, section, depth + 1),
    })
}

/// A text for a parameter that takes these: mostly what is asked for there, now and then anything. The words are
/// sometimes set in capitals, as titles and codes are.
pub(super) fn free_text(rng: &mut Rng, section: &str) -> Option<String> {
    let section = if rng.chance(0.08) { ANY } else { section };
    let text = phrase(rng, section)?;
    Some(match rng.below(12) {
        0 => text.split(' ').map(capital).collect::<Vec<_>>().join(" "),
        1 => capital(&text),
        _ => text,
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::super::lexicon::Words;
    use super::*;

    #[test]
    fn every_section_writes_texts_that_start_and_end_with_a_word() {
        for words in Words::ALL {
            let mut rng = Rng::of(words, 5);
            for section in words.lexicon().phrases.keys() {
                for _ in 0..200 {
                    let text =
                        phrase(&mut rng, section).unwrap_or_else(|| panic!("{section} has a bad slot"));
                    // Answers copy whole words of the request.
                    assert!(text.starts_with(char::is_alphanumeric), "{section}: {text:?}");
                    assert!(text.ends_with(char::is_alphanumeric), "{section}: {text:?}");
                }
            }
        }
    }

    #[test]
    fn texts_are_many() {
        let mut rng = Rng::new(6);
        let texts: std::collections::HashSet<_> =
            (0..10_000).filter_map(|_| free_text(&mut rng, ANY)).collect();
        assert!(texts.len() > 6000, "{}", texts.len());
    }
}
