//! Requests in other languages: their words of command in English, so that one model reads them all.
//!
//! A small model has no room for four languages, and what people ask of devices needs few words beside the names, which are the
//! user's own. So the names are found first, and of the rest what stands in a table of phrases is said in English:
//! "mach die Flurlampe aus" is read as "turn the Flurlampe off". Word order stays, and so does what is in no table.
//!
//! A line of a table is `phrase, phrase = English`. The longest phrase counts, and of phrases with the same words the first of these:
//! `mach .. zu` needs its last word at the end of the clause, `um # uhr` a number and a word behind it, `auf #` a number, `+# mal` a number before it, `la $`
//! the end of the clause, `il fait chaud ?` a question. Verbs stand once, by stem and ending ([`verbs`]). English behind `<` is said before what the verb is about: "kannst du die Flurlampe anmachen" is read as
//! "could you turn on the Flurlampe". English before `...` begins a text of the person's own: what follows stays as it is said. Behind `!` it says that nothing is asked of a thing ("the lamp was expensive"). Phrases are found without accents too ("eteins", "oeffne"), and long words with a slip ("schlate").

mod reader;
mod said;
mod table;
mod verbs;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use self::reader::{Found, Reader};
use self::said::{Spoken, said};
use self::table::{TABLES, Table, find, without_accents};
use self::verbs::without_clitics;
use super::lexicon::{is_everyday, is_filler};
use super::spell::is_known;
use super::words::{Word, words};
use super::{Index, Link, Mark};

/// Whether a word is English, or may be.
fn is_english(word: &Word) -> bool {
    let text = word.text.as_str();
    is_everyday(text) || is_filler(text) || is_known(text) || text.starts_with(|c: char| c.is_ascii_digit())
}

/// The request with its words of command in English where it is in German, French or Spanish; as it is otherwise. Names of the scene
/// stay. A request counts as one of another language when most of its words beside the names are that language's and not English.
pub fn in_english<'r>(request: &'r str, index: &Index) -> Cow<'r, str> {
    let plain = words(request);
    if plain.iter().all(|word| is_english(word) && word.text != "an") {
        return Cow::Borrowed(request);
    }
    let mut links = index.links(request);
    links.retain(|link| link.marks.iter().any(|mark| !matches!(mark, Mark::Number(_) | Mark::Tool(_))));
    let known: HashSet<String> = index.vocabulary().map(without_accents).collect();
    let best = TABLES
        .iter()
        .filter_map(|table| spoken(table, request, &plain, &links, &known))
        .max_by_key(|(hits, _)| *hits);
    match best {
        Some((_, spoken)) => Cow::Owned(said(request, &spoken)),
        None => Cow::Borrowed(request),
    }
}

/// The request as a table reads it and how many of its words the table has, if the request is in that language.
fn spoken(
    table: &Table,
    request: &str,
    plain: &[Word],
    links: &[Link],
    known: &HashSet<String>,
) -> Option<(usize, Spoken)> {
    let words = without_clitics(table, plain);
    let free = free(table, &words, links, known);
    let reader = Reader::new(table, request, &words, &free);
    let mut found = reader.phrases();
    let foreign = |found: &Found| !words[found.first..found.first + found.count].iter().all(is_english);
    // No English request ends with "an".
    let ends = plain.last().is_some_and(|word| word.text == "an");
    if !ends && !found.iter().any(foreign) {
        return None;
    }
    let slips = reader.slips(&found, is_english);
    found.extend(slips);
    found.sort_by_key(|found| found.first);
    // What the person's own text says tells nothing.
    let end = found
        .iter()
        .find(|found| found.keeps_the_rest())
        .map_or(words.len(), |found| found.first + found.count);
    let last = free[..end].iter().rposition(|free| *free);
    let (mut hits, mut strong, mut others) = (0, 0, 0);
    for (at, word) in words[..end].iter().enumerate().filter(|(at, _)| free[*at]) {
        match found.iter().find(|f| (f.first..f.first + f.count).contains(&at)) {
            Some(found) => {
                hits += usize::from(!found.slip);
                strong += usize::from(
                    ((word.text.chars().count() > 2 || !word.text.is_ascii()) && !is_english(word))
                        || (word.text == "an" && last == Some(at)),
                );
            }
            None => {
                others +=
                    usize::from(is_english(word) && !word.text.starts_with(|c: char| c.is_ascii_digit()))
            }
        }
    }
    (strong > 0 && hits > 2 * others).then_some((hits, Spoken { words, free, found }))
}

/// Whether each word is of no name. "Toutes les lumières" are of no name, though there is a "lumière du salon"; nor is the light of "lumière de
/// la cuisine" where that names none.
fn free(table: &Table, words: &[Word], links: &[Link], known: &HashSet<String>) -> Vec<bool> {
    let of = |link: &Link| {
        let within = |word: &Word| link.start <= word.start && word.end <= link.end;
        let first = words.iter().position(within)?;
        Some(first..first + words[first..].iter().take_while(|word| within(word)).count())
    };
    let mut free = vec![true; words.len()];
    let places: Vec<_> = links.iter().filter_map(|link| Some((link, of(link)?))).collect();
    for (link, place) in &places {
        let mut nouns = words[place.clone()].iter().filter_map(|word| match find(table, &word.text) {
            Some(english) if IDLE.contains(&english) => None,
            english => Some(english),
        });
        let noun = nouns.next().flatten().filter(|_| nouns.next().is_none() && !link.named);
        let placed = |later: &Option<&Word>| {
            let between = later.and_then(|word| find(table, &word.text));
            between.is_some_and(|english| PLACED.iter().any(|place| english.starts_with(place)))
        };
        let general = noun.is_some_and(|noun| {
            KINDS.contains(&noun)
                || (noun == "light"
                    && placed(&words.get(place.end))
                    && places.iter().any(|(_, other)| (place.end + 1..place.end + 4).contains(&other.start)))
        });
        // "Plus" is no misspelt plug, "bien" no bathroom.
        let own = words[place.clone()].iter().all(|word| {
            let bare = without_accents(&word.text);
            let single = bare
                .strip_suffix("es")
                .filter(|stem| known.contains(*stem))
                .or_else(|| bare.strip_suffix('s').filter(|stem| known.contains(*stem)));
            let spelt = known.contains(&bare)
                || single.is_some()
                || known.contains(&format!("{bare}s"))
                || known.contains(&format!("{bare}es"));
            table.has_word(&word.text) && !spelt
        });
        let within = table_phrase(table, words, place);
        let part = within && !link.named && matches!(link.marks[..], [Mark::Device(_), ..]);
        if !general && !own && !part {
            free[place.clone()].fill(false);
        }
    }
    free
}

/// Whether these words stand within a phrase of the table that has more words: the key of "ferme à clé" is none of the things.
fn table_phrase(table: &Table, words: &[Word], place: &Range<usize>) -> bool {
    let joined =
        |run: Range<usize>| words[run].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let first = place.start.saturating_sub(2);
    (first..place.start).any(|first| {
        (place.end..(place.end + 2).min(words.len() + 1))
            .any(|end| find(table, &joined(first..end)).is_some())
    })
}

/// Kinds of which a request may mean all, though one has the word in its name.
const KINDS: &[&str] = &[
    "all the lights",
    "lights",
    "doors",
    "windows",
    "blinds",
    "shutters",
    "curtains",
    "fans",
    "pumps",
    "valves",
    "plugs",
    "heaters",
    "gates",
    "locks",
    "awnings",
    "sensors",
    "speakers",
];

/// What comes between a thing and its place.
const PLACED: &[&str] = &["of", "in", "at", "from"];

/// Words that ask for nothing.
const IDLE: &[&str] = &[
    "old", "new", "nice", "the", "a", "of", "of the", "in the", "in", "to the", "to", "at", "at the",
    "on the", "some", "my", "our", "your", "his", "this", "it", "them", "very", "and", "is", "are", "was",
    "there", "here", "with", "for", "he", "they", "we",
];

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
        let mut wrong = Vec::new();
        for (said, english) in [
            ("Mach bitte die Flurlampe aus", "turn please the Flurlampe off"),
            ("Flurlampe an", "Flurlampe on"),
            ("Kannst du bitte die Flurlampe anmachen?", "could you please turn on the Flurlampe"),
            ("Flurlampe nicht anmachen", "turn on do not"),
            (
                "Könnten Sie die Flurlampe und das Garagentor schließen",
                "could you close the Flurlampe and the Garagentor",
            ),
            (
                "das Garagentor öffnen und die Flurlampe ausschalten",
                "open the Garagentor and turn off the Flurlampe",
            ),
            ("mach das Garagentor zu", "close the Garagentor"),
            ("mach das Garagentor bitte nicht zu", "do not close the please"),
            ("Flurlampe 4 mal blinken", "blink Flurlampe 4 times"),
            ("Schließ in 10 Minuten das Garagentor", "close later today in 10 minutes the Garagentor"),
            ("halt bitte das Garagentor an!", "stop please the Garagentor!"),
            ("Flurlampe um 22 Uhr an", "Flurlampe at 22 o'clock on"),
            ("Flurlampe um 22 Prozent heller", "Flurlampe by 22 percent brighter"),
            ("die Flurlampe war teuer", "the was expensive"),
            ("¿puede cerrar la lámpara del pasillo?", "could you close the lámpara del pasillo"),
            ("schlate die Flurlampe aus", "switch the Flurlampe off"),
            ("eteins la porte d'entrée a 22 heures", "turn off the porte d'entrée later today at 22 hours"),
            ("la porte d'entrée, ouvre-la", "the porte d'entrée, open it"),
            ("Flurlampe auf dreißig Prozent", "Flurlampe to thirty percent"),
            ("Flurlampe auf 30 %", "Flurlampe to 30 %"),
            ("Garagentor auf!", "Garagentor open!"),
            ("Verrouille la porte d'entrée, s'il te plaît", "lock the porte d'entrée, please"),
            ("n'allume pas la lumière", "do not turn on the light"),
            (
                "enciende la lámpara del pasillo al treinta y cinco por ciento",
                "turn on the lámpara del pasillo to thirty five percent",
            ),
        ] {
            let read = in_english(said, &index);
            if read != english {
                wrong.push(format!("{said}: {read}, not {english}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
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

    proptest::proptest! {
        #[test]
        fn no_request_breaks_it(words in proptest::collection::vec("mach|die|auf|aus|vingt|et|un|s'il|te|30|[a-zäé'-]{0,5}|\\PC{0,3}", 0..12)) {
            in_english(&words.join(" "), &index());
        }
    }
}
