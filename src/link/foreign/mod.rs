//! Requests in other languages: their words of command in English, so that one model reads them all.
//!
//! A small model has no room for four languages, and what people ask of devices needs few words beside the names, which are the
//! user's own. So the names are found first, and of the rest what stands in a table of phrases is said in English:
//! "mach die Flurlampe aus" is read as "turn the Flurlampe off". Word order stays, and so does what is in no table.
//!
//! A line of a table is `phrase, phrase = English`. The longest phrase counts, and of phrases with the same words the first of these:
//! `mach .. zu` needs its last word at the end of the clause, `um # uhr` a number and a word behind it, `auf #` a number, `+# mal` a number before it, `la $`
//! the end of the clause. English behind `<` is said before what the verb is about: "kannst du die Flurlampe anmachen" is read as
//! "could you turn on the Flurlampe". Behind `!` it says that nothing is asked of a thing ("the lamp was expensive"). Phrases are found without accents too ("eteins", "oeffne"), and long words with a slip ("schlate").

mod reader;
mod table;

use std::borrow::Cow;
use std::ops::Range;

use self::reader::{Found, Reader};
use self::table::TABLES;
use super::lexicon::{is_everyday, is_filler};
use super::spell::is_known;
use super::words::{Word, words};
use super::{Index, Mark};

/// What stands before a verb that is said first.
const FRAMES: &[&str] = &[
    "please",
    "now",
    "could you",
    "could you please",
    "can i",
    "could",
    "can",
    "want",
    "i",
    "you",
    "i would like",
    "i would like you to",
    "help me",
    "that",
    "then",
    "first",
    "also",
    "in the evening",
    "tomorrow",
    "later",
    "today",
    "when",
];

/// What a clause says where its verb is left out: "the lamp off".
const LEFT_OUT: &[&str] = &["on", "off", "shut", "brighter", "dimmer", "higher", "to", "is", "are"];

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
        .map(|table| {
            let reader = Reader::new(table, &words, &free);
            let mut found = reader.phrases();
            let foreign = |found: &Found| !words[found.first..found.first + found.count].iter().all(english);
            if found.iter().any(foreign) {
                let slips = reader.slips(&found, english);
                found.extend(slips);
                found.sort_by_key(|found| found.first);
            }
            found
        })
        .map(|found| {
            let covered = |at: usize| found.iter().any(|f| (f.first..f.first + f.count).contains(&at));
            let guessed = |at: usize| found.iter().any(|f| f.slip && f.first == at);
            let (mut hits, mut strong, mut others) = (0, 0, 0);
            for (at, word) in words.iter().enumerate().filter(|(at, _)| free[*at]) {
                if covered(at) {
                    hits += usize::from(!guessed(at));
                    // No English request ends with "an".
                    strong += usize::from(
                        ((word.text.chars().count() > 2 || !word.text.is_ascii()) && !english(word))
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
        Some((.., found)) => Cow::Owned(said(request, &words, &free, &found)),
        None => Cow::Borrowed(request),
    }
}

/// The request with the phrases in English. What joins words of another language (hyphens, apostrophes) parts them.
fn said(request: &str, words: &[Word], free: &[bool], found: &[Found]) -> String {
    let mut edits: Vec<(Range<usize>, Cow<'static, str>)> = Vec::new();
    for (at, phrase) in found.iter().enumerate() {
        let place = words[phrase.first].start..words[phrase.first + phrase.count - 1].end;
        let talk = phrase.english.strip_prefix("! ");
        if talk.is_some() || (phrase.english == "do not" && does(found, clause(words, phrase.first))) {
            // Who says that a lamp was expensive, or what is not to be done with it, wants nothing done: its name is left out.
            let names = clause(words, phrase.first).filter(|at| !free[*at]);
            edits.extend(names.map(|at| (words[at].start..words[at].end, Cow::Borrowed(""))));
        }
        if let Some(talk) = talk {
            edits.push((place, talk.into()));
            continue;
        }
        let Some(verb) = phrase.english.strip_prefix("< ") else {
            let first = if phrase.english == "do not" { verb_place(words, found, at) } else { phrase.first };
            if first < phrase.first && found.iter().any(|f| f.first == first && f.orders()) {
                // "mach es nicht an": what forbids an order is said before it.
                let start = words[first].start;
                edits.push((start..start, "do not ".into()));
                edits.push((place, "".into()));
            } else {
                edits.push((place, phrase.english.into()));
            }
            continue;
        };
        let first = verb_place(words, found, at);
        if first == phrase.first {
            edits.push((place, verb.into()));
            continue;
        }
        let start = words[first].start;
        edits.push((place, "".into()));
        edits.push((start..start, format!("{verb} ").into()));
    }
    // An insertion stands before what is there.
    edits.sort_by_key(|(place, _)| (place.start, place.end));
    edits.dedup();
    let mut out = String::new();
    let mut at = 0;
    for (place, english) in edits {
        if place.start < at {
            continue;
        }
        push_gap(&mut out, &request[at..place.start]);
        if english.is_empty() && out.ends_with(' ') {
            out.pop();
        }
        let digit = |c: char| c.is_ascii_digit();
        let rest = request[place.end..].trim_start();
        if english == "point" && out.trim_end().ends_with(digit) && rest.starts_with(digit) {
            // "19 virgule 5"
            out.truncate(out.trim_end().len());
            out.push('.');
            at = request.len() - rest.len();
            continue;
        }
        out.push_str(&english);
        at = place.end;
        if !place.is_empty() && request[at..].starts_with(['-', '\'', '’']) {
            out.push(' ');
            at += request[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    out.push_str(&request[at..]);
    // "Could you dim the light?" is no question.
    let asked = found.iter().any(|f| f.english.starts_with("could you"));
    let end = |c: char| c.is_whitespace() || (asked && c == '?');
    out.trim_end_matches(end).to_owned()
}

/// The words of a clause.
fn clause(words: &[Word], of: usize) -> Range<usize> {
    let first = (0..=of).rev().find(|at| words[*at].begins).unwrap_or(0);
    let end = (of + 1..words.len()).find(|at| words[*at].begins).unwrap_or(words.len());
    first..end
}

/// Whether these words say what is to be done.
fn does(found: &[Found], words: Range<usize>) -> bool {
    let mut here = found.iter().filter(|f| words.contains(&f.first));
    here.any(|f| f.english.starts_with('<') || f.orders() || LEFT_OUT.contains(&f.english))
}

/// The word that a verb from the end of its clause is said before: the first one behind "could you", "please" and the like.
fn verb_place(words: &[Word], found: &[Found], verb: usize) -> usize {
    let joins = |at: usize| found.iter().any(|f| f.first == at && matches!(f.english, "and" | "or" | "then"));
    let last = found[verb].first;
    let begin = |last: usize| {
        let mut at = last;
        while at > 0 && !words[at].begins && !joins(at - 1) {
            at -= 1;
        }
        at
    };
    let mut first = begin(last);
    // "die Lampe und das Tor schließen": the verb is of both.
    while first > 1 && !words[first].begins && joins(first - 1) && !words[first - 1].begins {
        let other = begin(first - 2);
        if does(found, other..first - 1) {
            break;
        }
        first = other;
    }
    while let Some(frame) = found.iter().find(|f| f.first == first && FRAMES.contains(&f.english)) {
        first += frame.count;
    }
    first.min(last)
}

/// Appends what stands before a phrase; a hyphen or an apostrophe at its end is a space, and what opens a question in Spanish is nothing.
fn push_gap(out: &mut String, gap: &str) {
    let gap = gap.replace(['¿', '¡'], "");
    match gap.strip_suffix(['-', '\'', '’']) {
        Some(rest) => {
            out.push_str(rest);
            out.push(' ');
        }
        None => out.push_str(&gap),
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
