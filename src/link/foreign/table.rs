//! The tables of phrases, as they are written and without accents.

use std::borrow::Cow;
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

/// The phrases of a language with what they are in English, sorted by phrase.
pub(super) struct Table {
    pub language: Language,
    pub phrases: Vec<(Cow<'static, str>, &'static str)>,
    /// What stands before the two dots of phrases in two parts.
    heads: HashSet<String>,
    words: HashSet<String>,
}

impl Table {
    /// Whether phrases in two parts begin so.
    pub fn is_head(&self, phrase: &str) -> bool {
        self.heads.contains(phrase)
    }

    /// Whether a word is of any phrase.
    pub fn has_word(&self, word: &str) -> bool {
        self.words.contains(word)
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
    let mut phrases: Vec<(Cow<'static, str>, &'static str)> = Vec::new();
    let mut verbs = Vec::new();
    for (phrase, english) in entries(text) {
        match forms(language, phrase) {
            Some(forms) => {
                let first = forms.iter().any(|(_, first)| *first).then(|| before(english));
                verbs.extend(forms.into_iter().map(|(form, is_first)| {
                    (Cow::Owned(form), if is_first { first.unwrap_or(english) } else { english })
                }));
            }
            None => phrases.push((phrase.into(), english)),
        }
    }
    phrases.sort();
    // What is written out goes before what is made.
    let known = |phrases: &[(Cow<'static, str>, &str)], phrase: &str| {
        phrases.binary_search_by(|(known, _)| (**known).cmp(phrase)).is_ok()
    };
    let mut made: Vec<_> = verbs.into_iter().filter(|(form, _)| !known(&phrases, form)).collect();
    phrases.append(&mut made);
    phrases.sort_by(|a, b| a.0.cmp(&b.0));
    phrases.dedup_by(|next, first| next.0 == first.0);
    let bare = phrases.iter().flat_map(|(phrase, english)| {
        let spelt_out = [("ä", "ae"), ("ö", "oe"), ("ü", "ue")];
        let long = spelt_out.iter().fold(phrase.to_string(), |text, (from, to)| text.replace(from, to));
        [without_accents(phrase), without_accents(&long)]
            .map(|bare| (Cow::<'static, str>::Owned(bare), *english))
    });
    let mut bare: Vec<_> =
        bare.filter(|(phrase, english)| !known(&phrases, phrase) && !slip(phrase, english)).collect();
    phrases.append(&mut bare);
    phrases.sort_by(|a, b| a.0.cmp(&b.0));
    phrases.dedup_by(|next, first| next.0 == first.0);
    let heads =
        phrases.iter().filter_map(|(phrase, _)| Some(phrase.split_once(" .. ")?.0.to_owned())).collect();
    let words = phrases.iter().flat_map(|(phrase, _)| phrase.split(' ')).map(str::to_owned).collect();
    Table { language, phrases, heads, words }
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
    let at = table.phrases.binary_search_by(|(known, _)| (**known).cmp(phrase)).ok()?;
    Some(table.phrases[at].1)
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
            assert!(table.phrases.len() > 1000);
            for pair in table.phrases.windows(2) {
                assert!(pair[0].0 < pair[1].0, "{} stands twice", pair[0].0);
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
