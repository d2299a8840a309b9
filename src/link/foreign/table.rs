//! The tables of phrases, as they are written and without accents.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::super::words::slip;

/// The phrases of a language with what they are in English, sorted by phrase.
pub(super) type Table = Vec<(Cow<'static, str>, &'static str)>;

fn entries(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .flat_map(|(phrases, english)| phrases.split(',').map(move |phrase| (phrase.trim(), english.trim())))
}

/// The phrases as they are written, and without accents where that is no other phrase, nor the English itself misspelt ("degres").
fn table(text: &'static str) -> Table {
    let mut table: Table = entries(text).map(|(phrase, english)| (phrase.into(), english)).collect();
    table.sort();
    let bare = entries(text).flat_map(|(phrase, english)| {
        let spelt_out = [("ä", "ae"), ("ö", "oe"), ("ü", "ue")];
        let long = spelt_out.iter().fold(phrase.to_owned(), |text, (from, to)| text.replace(from, to));
        [without_accents(phrase), without_accents(&long)]
            .map(|bare| (Cow::<'static, str>::Owned(bare), english))
    });
    let mut bare: Table =
        bare.filter(|(phrase, english)| find(&table, phrase).is_none() && !slip(phrase, english)).collect();
    table.append(&mut bare);
    table.sort();
    table.dedup_by(|next, first| next.0 == first.0);
    table
}

fn without_accents(text: &str) -> String {
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
    table.binary_search_by(|(known, _)| (**known).cmp(phrase)).ok().map(|at| table[at].1)
}

const TEXTS: [&str; 3] =
    [include_str!("german.txt"), include_str!("french.txt"), include_str!("spanish.txt")];

pub(super) static TABLES: LazyLock<[Table; 3]> = LazyLock::new(|| TEXTS.map(table));

#[cfg(test)]
mod tests {
    use super::super::reader::MOST;
    use super::*;
    use crate::link::words::words;

    #[test]
    fn tables_hold_every_phrase_once_in_words_as_they_are_split() {
        for table in TABLES.iter() {
            assert!(table.len() > 1000);
            for pair in table.windows(2) {
                assert!(pair[0].0 < pair[1].0, "{} stands twice", pair[0].0);
            }
        }
        for text in TEXTS {
            let mut phrases: Vec<&str> = entries(text).map(|(phrase, _)| phrase).collect();
            let all = phrases.len();
            phrases.sort_unstable();
            let twice: Vec<&str> =
                phrases.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
            phrases.dedup();
            assert_eq!(phrases.len(), all, "twice: {twice:?}");
            for phrase in phrases {
                let plain =
                    phrase.replace(" .. ", " ").replace("+# ", "").replace(" #", "").replace(" $", "");
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
        assert_eq!(find(spanish, "mas tarde"), Some("later"));
        assert_eq!(find(spanish, "no such phrase"), None);
    }
}
