//! The data files, parsed once.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A line of `sentences.txt`.
pub(super) struct Line {
    /// Only for devices with this tag.
    pub tag: Option<&'static str>,
    /// Cannot follow another action in one sentence.
    pub alone: bool,
    /// The template.
    pub text: &'static str,
}

/// All lists of words and sentences.
pub(super) struct Lexicon {
    /// Nouns by kind of device.
    pub nouns: Vec<(&'static str, Vec<&'static str>)>,
    pub areas: Vec<&'static str>,
    pub adjectives: Vec<&'static str>,
    pub nicknames: Vec<&'static str>,
    pub words: Vec<&'static str>,
    pub phrases: Vec<&'static str>,
    pub offtopic: Vec<&'static str>,
    /// Sentences by section.
    pub sentences: HashMap<&'static str, Vec<Line>>,
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut sentences: HashMap<&'static str, Vec<Line>> = HashMap::new();
    let mut section = "";
    // `lines` would trim the spaces that open the polite endings.
    for line in include_str!("lexicon/sentences.txt").lines() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('@') {
            section = name.trim();
            continue;
        }
        let (tag, rest) = match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((tag, rest)) => (Some(tag), rest),
            None => (None, line),
        };
        let (alone, text) = match rest.strip_prefix("! ") {
            Some(text) => (true, text),
            None => (false, rest),
        };
        sentences.entry(section).or_default().push(Line { tag, alone, text });
    }
    Lexicon {
        nouns: lines(include_str!("lexicon/devices.txt"))
            .filter_map(|line| line.split_once(':'))
            .map(|(kind, nouns)| (kind.trim(), nouns.split('|').map(str::trim).collect()))
            .collect(),
        areas: lines(include_str!("lexicon/areas.txt")).collect(),
        adjectives: lines(include_str!("lexicon/adjectives.txt")).collect(),
        nicknames: lines(include_str!("lexicon/nicknames.txt")).collect(),
        words: lines(include_str!("lexicon/words.txt")).flat_map(str::split_whitespace).collect(),
        phrases: lines(include_str!("lexicon/phrases.txt")).collect(),
        offtopic: lines(include_str!("lexicon/offtopic.txt")).collect(),
        sentences,
    }
});
