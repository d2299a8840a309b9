//! Requests in other languages: their words of command in English, so that one model reads them all.
//!
//! A small model has no room for four languages, and what people ask of devices needs few words beside the names, which are the
//! user's own. So the names are found first, and of the rest what stands in a table of phrases is said in English:
//! "mach die Flurlampe aus" is read as "turn the Flurlampe off". Word order stays, and so does what is in no table.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::lexicon::{is_everyday, is_filler};
use super::number::is_number_word;
use super::spell::is_known;
use super::words::{Word, words};
use super::{Index, Mark};

/// Most words of a phrase.
const MOST: usize = 5;

/// The phrases of a language with what they are in English, sorted. `#` stands for a number.
type Table = Vec<(&'static str, &'static str)>;

fn table(text: &'static str) -> Table {
    let mut table: Table = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .flat_map(|(phrases, english)| phrases.split(',').map(move |phrase| (phrase.trim(), english.trim())))
        .collect();
    table.sort_unstable();
    table
}

static TABLES: LazyLock<[Table; 3]> = LazyLock::new(|| {
    [include_str!("german.txt"), include_str!("french.txt"), include_str!("spanish.txt")].map(table)
});

/// A phrase found in a request: its words, and what they are in English.
struct Found {
    first: usize,
    count: usize,
    english: &'static str,
}

/// The request with its words of command in English where it is in German, French or Spanish; as it is otherwise. Names of the scene
/// stay. A request counts as one of another language when most of its words beside the names are that language's and not English.
pub fn in_english<'r>(request: &'r str, index: &Index) -> Cow<'r, str> {
    let words = words(request);
    let english = |word: &Word| {
        let text = word.text.as_str();
        is_everyday(text)
            || is_filler(text)
            || is_known(text)
            || text.starts_with(|c: char| c.is_ascii_digit())
    };
    if words.iter().all(|word| english(word) && word.text != "an") {
        return Cow::Borrowed(request);
    }
    let links = index.links(request);
    let name = |word: &Word| {
        let thing = |mark: &Mark| !matches!(mark, Mark::Number(_) | Mark::Tool(_));
        let names = links.iter().filter(|link| link.marks.iter().any(thing));
        names.into_iter().any(|link| link.start <= word.start && word.end <= link.end)
    };
    let free: Vec<bool> = words.iter().map(|word| !name(word)).collect();
    let last = free.iter().rposition(|free| *free);
    let best = TABLES
        .iter()
        .map(|table| phrases(table, &words, &free))
        .map(|found| {
            let covered = |at: usize| found.iter().any(|f| (f.first..f.first + f.count).contains(&at));
            let (mut hits, mut strong, mut others) = (0, 0, 0);
            for (at, word) in words.iter().enumerate().filter(|(at, _)| free[*at]) {
                if covered(at) {
                    hits += 1;
                    // No English request ends with "an".
                    strong += usize::from(
                        (word.text.chars().count() > 2 && !english(word))
                            || (word.text == "an" && last == Some(at)),
                    );
                } else {
                    others +=
                        usize::from(english(word) && !word.text.starts_with(|c: char| c.is_ascii_digit()));
                }
            }
            (strong > 0 && hits > 2 * others, hits, found)
        })
        .filter(|(foreign, ..)| *foreign)
        .max_by_key(|(_, hits, _)| *hits);
    match best {
        Some((.., found)) => Cow::Owned(said(request, &words, &found)),
        None => Cow::Borrowed(request),
    }
}

/// The longest phrases of a table in the words that are free, from the first word on.
fn phrases(table: &Table, words: &[Word], free: &[bool]) -> Vec<Found> {
    let look =
        |phrase: &str| table.binary_search_by_key(&phrase, |(known, _)| known).ok().map(|at| table[at].1);
    let number = |at: usize| {
        words.get(at).is_some_and(|word| {
            word.text.starts_with(|c: char| c.is_ascii_digit())
                || look(&word.text).is_some_and(|english| english.split(' ').all(is_number_word))
        })
    };
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let longest = (1..=MOST.min(words.len() - at)).rev().find_map(|count| {
            let run = &words[at..at + count];
            let whole =
                free[at..at + count].iter().all(|free| *free) && !run[1..].iter().any(|word| word.begins);
            let phrase = run.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            let before = || number(at + count).then(|| look(&format!("{phrase} #"))).flatten();
            let english = whole.then(|| before().or_else(|| look(&phrase))).flatten()?;
            Some(Found { first: at, count, english })
        });
        at += longest.as_ref().map_or(1, |found| found.count);
        out.extend(longest);
    }
    out
}

/// The request with the phrases in English. What joins words of another language (hyphens, apostrophes) parts them.
fn said(request: &str, words: &[Word], found: &[Found]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for Found { first, count, english } in found {
        let (start, end) = (words[*first].start, words[first + count - 1].end);
        push_gap(&mut out, &request[at..start]);
        out.push_str(english);
        at = end;
        if request[at..].starts_with(['-', '\'', '’']) {
            out.push(' ');
            at += request[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    out.push_str(&request[at..]);
    out.trim_end().to_owned()
}

/// Appends what stands before a phrase; a hyphen or an apostrophe at its end is a space.
fn push_gap(out: &mut String, gap: &str) {
    match gap.strip_suffix(['-', '\'', '’']) {
        Some(rest) => {
            out.push_str(rest);
            out.push(' ');
        }
        None => out.push_str(gap),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Device;

    fn index() -> Index {
        let names = ["Flurlampe", "Garagentor", "porte d'entrée", "lámpara del pasillo", "kitchen light"];
        let devices: Vec<Device> = names.iter().map(|name| Device::of_kind(name, "light", None)).collect();
        Index::new(&devices, &["light".into()], &[], &[], &[])
    }

    #[test]
    fn phrases_are_said_in_english_and_names_stay() {
        let index = index();
        for (said, english) in [
            ("Mach bitte die Flurlampe aus", "turn please the Flurlampe off"),
            ("Flurlampe an", "Flurlampe on"),
            ("Flurlampe auf dreißig Prozent", "Flurlampe to thirty percent"),
            ("Flurlampe auf 30 %", "Flurlampe to 30 %"),
            ("Garagentor auf!", "Garagentor open!"),
            ("Verrouille la porte d'entrée, s'il te plaît", "lock the porte d'entrée, please"),
            ("n'allume pas la lumière", "do not turn on  the light"),
            (
                "enciende la lámpara del pasillo al treinta y cinco por ciento",
                "turn on the lámpara del pasillo to thirty five percent",
            ),
        ] {
            assert_eq!(in_english(said, &index), english, "{said}");
        }
    }

    #[test]
    fn english_stays_as_it_is() {
        let index = index();
        for request in [
            "turn on the kitchen light",
            "an apple, note that",
            "turn off das licht now",
            "put the light in the den on",
            "note: Mach bitte die Tür zu, said Hans to us and then he went off",
            "kitchen light 30",
            "",
        ] {
            assert_eq!(in_english(request, &index), request);
        }
    }

    #[test]
    fn tables_hold_every_phrase_once_in_words_as_they_are_split() {
        for table in TABLES.iter() {
            assert!(table.len() > 100);
            for pair in table.windows(2) {
                assert!(pair[0].0 != pair[1].0, "{} stands twice", pair[0].0);
            }
            for (phrase, _) in table {
                let split: Vec<String> =
                    words(phrase.trim_end_matches(" #")).into_iter().map(|word| word.text).collect();
                assert_eq!(split.join(" "), phrase.trim_end_matches(" #"));
                assert!(split.len() <= MOST, "{phrase}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_request_breaks_it(words in proptest::collection::vec("mach|die|auf|aus|vingt|et|un|s'il|te|30|[a-zäé'-]{0,5}|\\PC{0,3}", 0..12)) {
            in_english(&words.join(" "), &index());
        }
    }
}
