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

/// The phrases of a language with what they are in English, sorted by phrase. Verbs make tens of thousands of them: they stand in one
/// text, because as many strings would cost more memory than the model.
pub(super) struct Table {
    pub language: Language,
    text: String,
    entries: Vec<Entry>,
    english: Vec<&'static str>,
    /// What stands before the two dots of phrases in two parts.
    heads: HashSet<String>,
    /// FNV-1a of the words, sorted: of a million other words some three would be taken for one of these.
    words: Vec<u32>,
}

fn hash(word: &str) -> u32 {
    word.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Table {
    /// Whether phrases in two parts begin so.
    pub fn is_head(&self, phrase: &str) -> bool {
        self.heads.contains(phrase)
    }

    /// Whether a word is of any phrase.
    pub fn has_word(&self, word: &str) -> bool {
        self.words.binary_search(&hash(word)).is_ok()
    }

    /// The phrases with their English.
    pub fn phrases(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.entries.iter().map(|entry| (self.phrase(entry), self.english[entry.english as usize]))
    }

    fn phrase(&self, entry: &Entry) -> &str {
        &self.text[entry.start as usize..][..entry.length as usize]
    }

    /// The phrase and its English, if it is among these entries, which are sorted.
    fn among(&self, entries: &[Entry], phrase: &str) -> Option<&'static str> {
        let at = entries.binary_search_by(|entry| self.phrase(entry).cmp(phrase)).ok()?;
        Some(self.english[entries[at].english as usize])
    }

    fn add(&mut self, phrase: &str, english: u16) {
        let (start, length) = (self.text.len() as u32, phrase.len() as u16);
        self.text.push_str(phrase);
        self.entries.push(Entry { start, length, english });
    }

    /// The English with this number from now on.
    fn meaning(&mut self, english: &'static str) -> u16 {
        self.english.push(english);
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
fn table(language: Language, text: &'static str) -> Table {
    let mut table = Table {
        language,
        text: String::new(),
        entries: Vec::new(),
        english: Vec::new(),
        heads: HashSet::new(),
        words: Vec::new(),
    };
    let mut verbs = Vec::new();
    for (phrase, english) in entries(text) {
        if forms(language, phrase).is_some() {
            verbs.push((phrase, english));
        } else {
            let english = table.meaning(english);
            table.add(phrase, english);
        }
    }
    table.sort();
    // What is written out goes before what is made.
    let written = table.entries.clone();
    for (verb, english) in verbs {
        let forms = forms(language, verb).unwrap_or_default();
        let first = forms.iter().any(|(_, first)| *first).then(|| before(english));
        let plain = table.meaning(english);
        let first = first.map_or(plain, |first| table.meaning(first));
        for (form, is_first) in forms {
            if table.among(&written, &form).is_none() {
                table.add(&form, if is_first { first } else { plain });
            }
        }
    }
    table.sort();
    let with_accents = table.entries.clone();
    for entry in &with_accents {
        let phrase = table.phrase(entry);
        let english = table.english[entry.english as usize];
        let spelt_out = [("ä", "ae"), ("ö", "oe"), ("ü", "ue")];
        let long = spelt_out.iter().fold(phrase.to_owned(), |text, (from, to)| text.replace(from, to));
        for bare in [without_accents(phrase), without_accents(&long)] {
            if table.among(&with_accents, &bare).is_none() && !slip(&bare, english) {
                table.add(&bare, entry.english);
            }
        }
    }
    table.sort();
    let phrases = || table.phrases().map(|(phrase, _)| phrase);
    let heads = phrases().filter_map(|phrase| Some(phrase.split_once(" .. ")?.0.to_owned())).collect();
    let mut words: Vec<u32> = phrases().flat_map(|phrase| phrase.split(' ')).map(hash).collect();
    words.sort_unstable();
    words.dedup();
    words.shrink_to_fit();
    (table.heads, table.words) = (heads, words);
    table.text.shrink_to_fit();
    table.entries.shrink_to_fit();
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
    table.among(&table.entries, phrase)
}

const TEXTS: [(Language, &str); 3] = [
    (Language::German, include_str!("german.txt")),
    (Language::French, include_str!("french.txt")),
    (Language::Spanish, include_str!("spanish.txt")),
];

pub(super) static TABLES: LazyLock<[Table; 3]> =
    LazyLock::new(|| TEXTS.map(|(language, text)| table(language, text)));

#[cfg(test)]
mod tests {
    use super::super::reader::MOST;
    use super::*;
    use crate::link::words::words;

    #[test]
    fn tables_hold_every_phrase_once_in_words_as_they_are_split() {
        for table in TABLES.iter() {
            assert!((1000..60_000).contains(&table.entries.len()) && table.english.len() < 60_000);
            for pair in table.entries.windows(2) {
                let (first, next) = (table.phrase(&pair[0]), table.phrase(&pair[1]));
                assert!(first < next, "{next} stands twice");
            }
        }
        for (language, text) in TEXTS {
            let mut phrases: Vec<&str> = entries(text).map(|(phrase, _)| phrase).collect();
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
