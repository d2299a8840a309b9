//! The tables of phrases, as they are written and without accents.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::super::words::slip;
use super::verbs::forms;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Language {
    German,
    French,
    Spanish,
}

/// A phrase: its bytes among the table's text, and which English it has.
#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    length: u16,
    english: u16,
}

/// The phrases of a language with what they are in English. Verbs make tens of thousands of them, and their texts would cost a quarter
/// of what the model does: a table knows them by FNV-1a alone. No two of its phrases have the same (a test tells), and of a million
/// others some three would be taken for one of these.
pub(super) struct Table {
    pub language: Language,
    /// Of the phrases, sorted, and beside each which English it has.
    hashes: Vec<u32>,
    meanings: Vec<u16>,
    english: Vec<&'static str>,
    /// What stands before the two dots of phrases in two parts.
    heads: HashSet<String>,
    /// Of the words of all phrases, sorted.
    words: Vec<u32>,
}

/// The same while it is made: phrases sorted by their texts, which stand in one.
pub(super) struct Written {
    text: String,
    entries: Vec<Entry>,
    /// With whether it is said before what the verb is about.
    english: Vec<(&'static str, bool)>,
}

fn hash(word: &str) -> u32 {
    word.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Table {
    fn new(language: Language) -> Table {
        let written = written(language);
        let phrases = || written.phrases();
        let heads = phrases().filter_map(|phrase| Some(phrase.split_once(" .. ")?.0.to_owned())).collect();
        let mut words: Vec<u32> = phrases().flat_map(|phrase| phrase.split(' ')).map(hash).collect();
        words.sort_unstable();
        words.dedup();
        words.shrink_to_fit();
        let known = written.entries.iter().map(|entry| (hash(written.phrase(entry)), entry.english));
        let mut known: Vec<(u32, u16)> = known.collect();
        known.sort_unstable();
        let (hashes, meanings) = known.into_iter().unzip();
        let english =
            written.english.iter().map(|(english, first)| if *first { before(english) } else { english });
        Table { language, hashes, meanings, english: english.collect(), heads, words }
    }

    /// Whether phrases in two parts begin so.
    pub fn is_head(&self, phrase: &str) -> bool {
        self.heads.contains(phrase)
    }

    /// Whether a word is of any phrase.
    pub fn has_word(&self, word: &str) -> bool {
        self.words.binary_search(&hash(word)).is_ok()
    }
}

impl Written {
    /// The phrases in order.
    pub fn phrases(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| self.phrase(entry))
    }

    fn phrase(&self, entry: &Entry) -> &str {
        &self.text[entry.start as usize..][..entry.length as usize]
    }

    /// Whether the phrase is among these entries, which are sorted.
    fn among(&self, entries: &[Entry], phrase: &str) -> bool {
        entries.binary_search_by(|entry| self.phrase(entry).cmp(phrase)).is_ok()
    }

    fn add(&mut self, phrase: &str, english: u16) {
        let (start, length) = (self.text.len() as u32, phrase.len() as u16);
        self.text.push_str(phrase);
        self.entries.push(Entry { start, length, english });
    }

    /// The number that the English has from now on.
    fn meaning(&mut self, english: &'static str, first: bool) -> u16 {
        self.english.push((english, first));
        (self.english.len() - 1) as u16
    }

    /// Of equal phrases the first one stays.
    fn sort(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by(|a, b| self.phrase(a).cmp(self.phrase(b)));
        entries.dedup_by(|next, first| self.phrase(next) == self.phrase(first));
        self.entries = entries;
    }
}

fn entries(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .flat_map(|(phrases, english)| phrases.split(',').map(move |phrase| (phrase.trim(), english.trim())))
}

/// The English that is said before what the verb is about.
fn before(english: &'static str) -> &'static str {
    if english.starts_with('<') { english } else { Box::leak(format!("< {english}").into_boxed_str()) }
}

/// The phrases as they are written, then the forms of verbs, then both without accents where that is no other phrase, nor the English
/// itself misspelt ("degres").
pub(super) fn written(language: Language) -> Written {
    let text = language.text();
    let mut table = Written { text: String::new(), entries: Vec::new(), english: Vec::new() };
    let mut verbs = Vec::new();
    for (phrase, english) in entries(text) {
        if forms(language, phrase).is_some() {
            verbs.push((phrase, english));
        } else {
            let english = table.meaning(english, false);
            table.add(phrase, english);
        }
    }
    table.sort();
    // What is written out goes before what is made.
    let written = table.entries.clone();
    // A verb's forms are made twice: those of all at once would cost a megabyte.
    for (verb, english) in verbs {
        let forms = forms(language, verb).unwrap_or_default();
        let plain = table.meaning(english, false);
        let first = if forms.iter().any(|(_, first)| *first) { table.meaning(english, true) } else { plain };
        for (form, is_first) in forms {
            if !table.among(&written, &form) {
                table.add(&form, if is_first { first } else { plain });
            }
        }
    }
    table.sort();
    let with_accents = table.entries.clone();
    for entry in &with_accents {
        let phrase = table.phrase(entry);
        let (english, first) = table.english[entry.english as usize];
        let spelt_out = [("ä", "ae"), ("ö", "oe"), ("ü", "ue")];
        let long = spelt_out.iter().fold(phrase.to_owned(), |text, (from, to)| text.replace(from, to));
        for bare in [without_accents(phrase), without_accents(&long)] {
            if !table.among(&with_accents, &bare) && (first || !slip(&bare, english)) {
                table.add(&bare, entry.english);
            }
        }
    }
    table.sort();
    table
}

pub(super) fn without_accents(text: &str) -> String {
    let bare = |c: char| match c {
        'à' | 'á' | 'â' | 'ä' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'ö' => "o",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ß' => "ss",
        'œ' => "oe",
        _ => "",
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match bare(c) {
            "" => out.push(c),
            letters => out.push_str(letters),
        }
    }
    out
}

/// What a phrase of a table is in English.
pub(super) fn find(table: &Table, phrase: &str) -> Option<&'static str> {
    let at = table.hashes.binary_search(&hash(phrase)).ok()?;
    Some(table.english[table.meanings[at] as usize])
}

const LANGUAGES: [Language; 3] = [Language::German, Language::French, Language::Spanish];

impl Language {
    /// The table as it is written.
    fn text(self) -> &'static str {
        match self {
            Language::German => include_str!("german.txt"),
            Language::French => include_str!("french.txt"),
            Language::Spanish => include_str!("spanish.txt"),
        }
    }
}

pub(super) static TABLES: LazyLock<[Table; 3]> = LazyLock::new(|| LANGUAGES.map(Table::new));

#[cfg(test)]
mod tests {
    use super::super::reader::MOST;
    use super::*;
    use crate::link::words::words;

    #[test]
    fn tables_hold_every_phrase_once_in_words_as_they_are_split() {
        for table in TABLES.iter() {
            let written = written(table.language);
            assert!((1000..60_000).contains(&written.entries.len()) && table.english.len() < 60_000);
            for pair in written.entries.windows(2) {
                let (first, next) = (written.phrase(&pair[0]), written.phrase(&pair[1]));
                assert!(first < next, "{next} stands twice");
            }
            assert_eq!(table.hashes.len(), written.entries.len());
            assert!(table.hashes.windows(2).all(|pair| pair[0] < pair[1]), "two phrases have the same hash");
            assert!(written.phrases().all(|phrase| find(table, phrase).is_some()));
        }
        for language in LANGUAGES {
            let mut phrases: Vec<&str> = entries(language.text()).map(|(phrase, _)| phrase).collect();
            let all = phrases.len();
            phrases.sort_unstable();
            let twice: Vec<&str> =
                phrases.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
            phrases.dedup();
            assert_eq!(phrases.len(), all, "twice: {twice:?}");
            for phrase in phrases.into_iter().filter(|phrase| forms(language, phrase).is_none()) {
                let plain = phrase
                    .replace(" .. ", " ")
                    .replace("+# ", "")
                    .replace(" #", "")
                    .replace(" $", "")
                    .replace(" ?", "")
                    .replace('+', "");
                let split: Vec<String> = words(&plain).into_iter().map(|word| word.text).collect();
                assert_eq!(split.join(" "), plain);
                assert!(split.len() <= MOST, "{phrase}");
            }
        }
    }

    #[test]
    fn phrases_stand_without_accents_too() {
        let [german, french, spanish] = &*TABLES;
        assert_eq!(find(german, "oeffne"), Some("open"));
        assert_eq!(find(german, "funf"), Some("five"));
        assert_eq!(find(french, "eteins"), Some("turn off"));
        assert_eq!(find(spanish, "mas tarde"), Some("later today"));
        assert_eq!(find(spanish, "no such phrase"), None);
    }
}
