//! A speller for the words of a request that are no names: what fingers and ears made of "turn", "close", "percent".
//!
//! The bundled model is small and has met few misspellings, so it reads corrected words; and where a word as typed names
//! nothing, the matcher tries it as corrected. Arguments and messages come from the request as it was typed. A word that is spelt well is never changed, but for
//! homophones that their neighbours give away ("turn of", "too 55").

use std::ops::Range;
use std::sync::LazyLock;

use super::lexicon::kind_words;
use super::number::is_number_word;
use super::words::singular;
use super::{Link, Mark};

/// A word of the request, and what was meant by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// Its bytes in the request.
    pub bytes: Range<usize>,
    /// The word for a reader, in lower case.
    pub meant: &'static str,
}

/// Spellings that say by themselves what is meant: chat, speech recognition, and slips in words too short for the rule.
const SPELLINGS: &[(&str, &str)] = &[
    ("agen", "again"),
    ("brite", "bright"),
    ("briter", "brighter"),
    ("cant", "can't"),
    ("chek", "check"),
    ("cheque", "check"),
    ("chk", "check"),
    ("cld", "could"),
    ("cloes", "close"),
    ("cos", "because"),
    ("couldnt", "couldn't"),
    ("coz", "because"),
    ("cud", "could"),
    ("cuz", "because"),
    ("da", "the"),
    ("dat", "that"),
    ("dem", "them"),
    ("didnt", "didn't"),
    ("dis", "this"),
    ("doesnt", "doesn't"),
    ("doin", "doing"),
    ("dont", "don't"),
    ("evry", "every"),
    ("fro", "for"),
    ("gud", "good"),
    ("hav", "have"),
    ("havent", "haven't"),
    ("hott", "hot"),
    ("hows", "how's"),
    ("howz", "how's"),
    ("hrs", "hours"),
    ("im", "i'm"),
    ("isnt", "isn't"),
    ("ive", "i've"),
    ("klose", "close"),
    ("kno", "know"),
    ("kold", "cold"),
    ("lets", "let's"),
    ("lite", "light"),
    ("lites", "lights"),
    ("loch", "lock"),
    ("lok", "lock"),
    ("lowder", "louder"),
    ("luv", "love"),
    ("mins", "minutes"),
    ("n", "and"),
    ("nd", "and"),
    ("nite", "night"),
    ("nw", "now"),
    ("offf", "off"),
    ("ofv", "off"),
    ("onn", "on"),
    ("opn", "open"),
    ("orf", "off"),
    ("pct", "percent"),
    ("percents", "percent"),
    ("pleaze", "please"),
    ("pleez", "please"),
    ("plez", "please"),
    ("pls", "please"),
    ("plse", "please"),
    ("plz", "please"),
    ("ppl", "people"),
    ("prcnt", "percent"),
    ("procent", "percent"),
    ("quiter", "quieter"),
    ("r", "are"),
    ("sayin", "saying"),
    ("sez", "says"),
    ("shld", "should"),
    ("shud", "should"),
    ("sum", "some"),
    ("swith", "switch"),
    ("temp", "temperature"),
    ("temps", "temperature"),
    ("thanx", "thanks"),
    ("thats", "that's"),
    ("thnks", "thanks"),
    ("tho", "though"),
    ("thru", "through"),
    ("thx", "thanks"),
    ("tmrw", "tomorrow"),
    ("tnx", "thanks"),
    ("tonite", "tonight"),
    ("ty", "thanks"),
    ("u", "you"),
    ("ur", "your"),
    ("wat", "what"),
    ("wats", "what's"),
    ("whats", "what's"),
    ("wheres", "where's"),
    ("whos", "who's"),
    ("wich", "which"),
    ("wid", "with"),
    ("wld", "would"),
    ("wont", "won't"),
    ("wot", "what"),
    ("wots", "what's"),
    ("wud", "would"),
    ("ya", "you"),
    ("youre", "you're"),
    ("yu", "you"),
];

/// Words that are right by themselves, and wrong before a device or its article: `(heard, meant)`.
const BEFORE_A_THING: &[(&str, &str)] = &[
    ("blank", "blink"),
    ("clothes", "close"),
    ("cloths", "close"),
    ("deem", "dim"),
    ("rays", "raise"),
    ("reed", "read"),
    ("shot", "shut"),
    ("tern", "turn"),
    ("tun", "turn"),
    ("torn", "turn"),
    ("weight", "wait"),
    ("witch", "switch"),
];

/// Verbs behind which "of" is "off".
const SWITCHING: &[&str] = &[
    "turn",
    "switch",
    "put",
    "power",
    "flick",
    "click",
    "flip",
    "turned",
    "switched",
    "turning",
    "switching",
];

/// Words that start what follows a device: "of" before them, or at the end, is "off".
const GOING_ON: &[&str] =
    &["please", "now", "and", "then", "thanks", "thank", "again", "but", "for", "too", "in"];

/// Words that end in "of" by themselves, whatever follows.
const WITH_OF: &[&str] = &[
    "out",
    "front",
    "top",
    "kind",
    "lot",
    "sort",
    "because",
    "instead",
    "full",
    "think",
    "thinking",
    "thought",
    "made",
    "heard",
    "most",
    "all",
    "some",
    "one",
    "speed",
    "level",
    "state",
    "status",
    "value",
    "brightness",
    "volume",
    "temperature",
    "both",
    "any",
    "each",
    "none",
];

struct Speller {
    /// All words that are spelt well, sorted.
    known: Vec<&'static str>,
    /// What words are corrected to, sorted by their first letter; behind each its place in the list.
    commands: Vec<(&'static str, u32)>,
}

static SPELLER: LazyLock<Speller> = LazyLock::new(|| {
    let words = |text: &'static str| {
        text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace)
    };
    let mut known: Vec<&'static str> = words(include_str!("plain.txt")).collect();
    let mut commands: Vec<(&'static str, u32)> = Vec::new();
    for (rank, word) in words(include_str!("commands.txt")).enumerate() {
        known.push(word);
        commands.push((word, rank as u32));
    }
    for (kind, words) in kind_words() {
        known.push(kind);
        known.extend(words);
    }
    known.sort_unstable();
    known.dedup();
    commands.sort_unstable();
    Speller { known, commands }
});

impl Speller {
    fn knows(&self, word: &str) -> bool {
        let known = |word: &str| self.known.binary_search(&word).is_ok();
        known(word)
            || is_number_word(word)
            || word.strip_suffix("'s").is_some_and(known)
            || singular(word).is_some_and(|single| known(&single))
    }

    /// The command word that `said` was to be, when there is one nearby.
    fn nearest(&self, said: &str) -> Option<&'static str> {
        let letters = said.as_bytes();
        let allowed = match letters.len() {
            0..=2 => return None,
            3..=6 => 1,
            _ => 2,
        };
        let from = |first: u8| {
            let start = self.commands.partition_point(|(word, _)| word.as_bytes()[0] < first);
            self.commands[start..].iter().take_while(move |(word, _)| word.as_bytes()[0] == first)
        };
        let swapped = from(letters[1]).filter(|(word, _)| word.as_bytes().get(1) == Some(&letters[0]));
        from(letters[0])
            .chain(swapped)
            .filter(|(word, _)| word.len().abs_diff(letters.len()) <= allowed && word.len() > 1)
            // Another letter makes another short word.
            .filter(|(word, _)| letters.len() > 3 || word.len() != 3 || same_letters(word, said))
            .map(|(word, rank)| (strsim::osa_distance(word, said), *rank, *word))
            .filter(|(distance, ..)| *distance <= allowed)
            .min()
            .map(|(.., word)| word)
    }

    /// What a word is by itself; `None`: as it stands.
    fn meant(&self, word: &str) -> Option<&'static str> {
        if let Ok(at) = SPELLINGS.binary_search_by_key(&word, |(said, _)| said) {
            return Some(SPELLINGS[at].1);
        }
        if word.len() < 3 || self.knows(word) || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        self.nearest(word)
    }
}

/// Whether a word in lower case is one of the command vocabulary.
pub(super) fn is_command(word: &str) -> bool {
    SPELLER.commands.binary_search_by_key(&word, |(known, _)| known).is_ok()
}

/// Whether a word in lower case is spelt well.
pub(super) fn is_known(word: &str) -> bool {
    SPELLER.knows(word)
}

/// Whether a word in lower case is a common English one, whatever there is that is called nearly so.
pub(super) fn is_common(word: &str) -> bool {
    static COMMON: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let lines = include_str!("common.txt").lines().filter(|line| !line.starts_with('#'));
        lines.flat_map(str::split_whitespace).collect()
    });
    COMMON.binary_search(&word).is_ok()
}

/// What a word in lower case is, when it is misspelt.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    SPELLER.meant(word)
}

/// Whether two short words differ in the order of their letters only.
fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters = word.as_bytes().to_vec();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// A piece of the request: a link, or a word outside of links.
struct Part {
    bytes: Range<usize>,
    /// The word as it is read, in lower case; empty for a link.
    word: String,
    meant: Option<&'static str>,
    link: bool,
    /// Whether the link is a number.
    number: bool,
    /// Whether a mark of punctuation ends the clause before this.
    starts: bool,
}

/// What the words outside of `links` (which are in order and do not overlap) were to be. In order.
pub fn corrections(request: &str, links: &[Link]) -> Vec<Correction> {
    let mut parts = parts(request, links);
    // Gord is nobody's slip for "good".
    let shouted = !request.chars().any(char::is_lowercase);
    let name = |part: &Part| {
        let capital = request[part.bytes.clone()].starts_with(char::is_uppercase);
        capital && !shouted && !part.starts && part.bytes.start > 0
    };
    for part in parts.iter_mut().filter(|part| !part.link && !name(part)) {
        part.meant = SPELLER.meant(&part.word);
        if let Some(meant) = part.meant {
            part.word = meant.to_owned();
        }
    }
    for at in 0..parts.len() {
        if let Some(meant) = by_neighbours(&parts, at) {
            parts[at].meant = Some(meant);
            parts[at].word = meant.to_owned();
        }
    }
    // "Un lock the door".
    for at in 1..parts.len() {
        let whole = match parts[at].word.as_str() {
            "lock" => "unlock",
            "locked" => "unlocked",
            _ => continue,
        };
        if parts[at - 1].word == "un" && !parts[at - 1].link {
            parts[at].bytes.start = parts[at - 1].bytes.start;
            parts[at].meant = Some(whole);
            parts[at - 1].meant = None;
        }
    }
    parts
        .into_iter()
        .filter_map(|part| Some(Correction { meant: part.meant?, bytes: part.bytes }))
        .filter(|correction| !request[correction.bytes.clone()].eq_ignore_ascii_case(correction.meant))
        .collect()
}

/// Words and links, one after the other.
fn parts(request: &str, links: &[Link]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    for link in links {
        words_between(request, at..link.start, &mut parts);
        let starts = clause_starts(request, parts.last(), link.start);
        let number = matches!(link.marks[..], [Mark::Number(_)]);
        let bytes = link.start..link.end;
        parts.push(Part { bytes, word: String::new(), meant: None, link: true, number, starts });
        at = link.end;
    }
    words_between(request, at..request.len(), &mut parts);
    parts
}

fn clause_starts(request: &str, before: Option<&Part>, at: usize) -> bool {
    before.is_none_or(|part| request[part.bytes.end..at].contains([',', '.', ';', '!', '?', ':']))
}

fn words_between(request: &str, range: Range<usize>, parts: &mut Vec<Part>) {
    let inside = |c: char| c.is_alphanumeric() || c == '\'' || c == '_';
    let mut at = range.start;
    while let Some(skip) = request[at..range.end].find(inside) {
        let start = at + skip;
        let end = request[start..range.end].find(|c| !inside(c)).map_or(range.end, |length| start + length);
        at = end;
        let touches = |part: Option<&Part>| part.is_some_and(|part| part.link && part.bytes.end == start);
        let mut word = request[start..end].to_lowercase();
        // What hangs on a link ("lamp's") is no word of its own.
        if touches(parts.last()) || !word.is_ascii() {
            word.clear();
        }
        let starts = clause_starts(request, parts.last(), start);
        parts.push(Part { bytes: start..end, word, meant: None, link: false, number: false, starts });
    }
}

/// Words that are spelt well and still wrong, by what stands beside them.
fn by_neighbours(parts: &[Part], at: usize) -> Option<&'static str> {
    let part = &parts[at];
    let before = at.checked_sub(1).map(|at| &parts[at]).filter(|_| !part.starts);
    let after = parts.get(at + 1).filter(|after| !after.starts);
    let number_follows = after.is_some_and(|after| after.number);
    let is =
        |part: Option<&Part>, words: &[&str]| part.is_some_and(|part| words.contains(&part.word.as_str()));
    let article = |part: Option<&Part>| {
        is(part, &["the", "a", "my", "our", "this", "that", "all", "every", "both"])
            || part.is_some_and(|part| part.link && !part.number)
    };
    match part.word.as_str() {
        "too" | "two" | "tow" if number_follows => Some("to"),
        "four" if number_follows => Some("for"),
        "of" => {
            let noun = at >= 2 && article(Some(&parts[at - 2])) && !parts[at - 2].link;
            let verb = is(before, SWITCHING) && !noun;
            let ends = after.is_none_or(|after| GOING_ON.contains(&after.word.as_str()));
            let whole = before.is_some() && !is(before, WITH_OF);
            (verb || (ends && whole)).then_some("off")
        }
        word => {
            let (_, meant) = BEFORE_A_THING.iter().find(|(heard, _)| *heard == word)?;
            let verb = before.is_none_or(|before| !article(Some(before)));
            let thing = article(after) || is(after, &["on", "off", "of", "up", "down", "for"]);
            (verb && (thing || (*meant == "wait" && number_follows))).then_some(*meant)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_are_not_mended() {
        let corrected = |text: &str| !corrections(text, &[]).is_empty();
        assert!(corrected("text gord now") && corrected("TEXT GORD NOW") && !corrected("text Gord now"));
    }

    #[test]
    fn common_words_are_found() {
        let words: Vec<&str> =
            include_str!("common.txt").lines().skip(1).flat_map(str::split_whitespace).collect();
        assert!(words.is_sorted_by(|a, b| a < b), "common.txt is searched by halves: sorted, no word twice");
        assert!(words.iter().all(|word| is_common(word)) && !is_common("foghorn"));
    }

    /// The request as it is read, with `[...]` standing for a link.
    fn read(text: &str) -> String {
        let (mut request, mut links) = (String::new(), Vec::new());
        for piece in text.split_inclusive([']', '[']) {
            request.push_str(piece.trim_end_matches(['[', ']']));
            if piece.ends_with(']') {
                let end = request.len();
                links.push(Link::new(end + 1 - piece.len()..end, vec![Mark::Device(0)]));
            }
        }
        let mut out = request.clone();
        for correction in corrections(&request, &links).into_iter().rev() {
            out.replace_range(correction.bytes, correction.meant);
        }
        out
    }

    #[test]
    fn tables_are_sorted_and_hold_every_word_once() {
        assert!(SPELLINGS.is_sorted_by(|a, b| a.0 < b.0));
        let mut commands: Vec<&str> = SPELLER.commands.iter().map(|(word, _)| *word).collect();
        let count = commands.len();
        commands.dedup();
        assert_eq!(commands.len(), count);
        for (said, meant) in SPELLINGS {
            assert!(SPELLER.knows(meant), "{said}, {meant}");
        }
    }

    #[test]
    fn usual_slips_are_mended() {
        const SLIPS: &[(&str, &str)] = &[
            ("trun", "turn"),
            ("tunr", "turn"),
            ("trn", "turn"),
            ("turnn", "turn"),
            ("utrn", "turn"),
            ("swich", "switch"),
            ("swithc", "switch"),
            ("swtich", "switch"),
            ("siwtch", "switch"),
            ("opne", "open"),
            ("oepn", "open"),
            ("opem", "open"),
            ("clsoe", "close"),
            ("cloze", "close"),
            ("colse", "close"),
            ("clse", "close"),
            ("loch", "lock"),
            ("lok", "lock"),
            ("lcok", "lock"),
            ("unlok", "unlock"),
            ("shtu", "shut"),
            ("sht", "shut"),
            ("stp", "stop"),
            ("stpo", "stop"),
            ("strat", "start"),
            ("satrt", "start"),
            ("blnk", "blink"),
            ("bilnk", "blink"),
            ("flahs", "flash"),
            ("dimm", "dim"),
            ("teh", "the"),
            ("hte", "the"),
            ("adn", "and"),
            ("plaese", "please"),
            ("pleas", "please"),
            ("pls", "please"),
            ("pct", "percent"),
            ("precent", "percent"),
            ("percant", "percent"),
            ("prcent", "percent"),
            ("temprature", "temperature"),
            ("temperture", "temperature"),
            ("tempature", "temperature"),
            ("temperatur", "temperature"),
            ("brighness", "brightness"),
            ("brigther", "brighter"),
            ("birghter", "brighter"),
            ("brite", "bright"),
            ("rasie", "raise"),
            ("loewr", "lower"),
            ("incrase", "increase"),
            ("decrese", "decrease"),
            ("redcue", "reduce"),
            ("evrything", "everything"),
            ("everthing", "everything"),
            ("lihgts", "lights"),
            ("lites", "lights"),
            ("wats", "what's"),
            ("waht", "what"),
            ("minuts", "minutes"),
            ("secnds", "seconds"),
            ("toggel", "toggle"),
            ("chekc", "check"),
            ("cud", "could"),
            ("thru", "through"),
            ("agian", "again"),
        ];
        for (said, meant) in SLIPS {
            assert_eq!(read(&format!("{said} xq")), format!("{meant} xq"));
        }
        assert_eq!(read("un lock [door]"), "unlock door");
        assert_eq!(read("lock [door]"), "lock door");
    }

    #[test]
    fn the_words_of_the_training_sentences_stay() {
        let texts = [
            include_str!("../corpus/lexicon/sentences.txt"),
            include_str!("../corpus/lexicon/words.txt"),
            include_str!("../corpus/lexicon/adjectives.txt"),
            include_str!("../corpus/lexicon/areas.txt"),
            include_str!("../corpus/lexicon/devices.txt"),
            include_str!("../corpus/lexicon/offtopic.txt"),
            include_str!("../corpus/lexicon/more_offtopic.txt"),
            include_str!("../corpus/lexicon/phrases.txt"),
        ];
        let words = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphabetic() && c != '\''));
        // Some sentences are in the language of chats on purpose.
        let chat = |word: &str| SPELLINGS.iter().any(|(said, _)| *said == word);
        let mut changed: Vec<&str> =
            words.filter(|word| !chat(word)).filter(|word| meant(word).is_some()).collect();
        changed.sort_unstable();
        changed.dedup();
        assert!(changed.is_empty(), "add to plain.txt or commands.txt: {changed:?}");
    }

    #[test]
    fn neighbours_tell_homophones() {
        for (said, meant) in [
            ("turn of the [lamp]", "turn off the lamp"),
            ("trun of the [lamp]", "turn off the lamp"),
            ("[lamp] of", "lamp off"),
            ("the [lamp] of please", "the lamp off please"),
            ("tern on the [lamp]", "turn on the lamp"),
            ("clothes the [door]", "close the door"),
            ("the state of the [lamp]", "the state of the lamp"),
            ("turn all of them on", "turn all of them on"),
            ("a kind of [lamp]", "a kind of lamp"),
            ("the tern, the shot", "the tern, the shot"),
            ("open the [lamp]'s box", "open the lamp's box"),
            ("what are you thinking of", "what are you thinking of"),
        ] {
            assert_eq!(read(said), meant);
        }
    }

    #[test]
    fn names_numbers_and_other_words_stay() {
        for text in ["turn on [teh trun]", "gpio17 xy 3rd", "Ünlok ünlok", "they tune a lute", "Turn ON"] {
            assert_eq!(read(text), text.replace(['[', ']'], ""));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_request_is_read_by_whole_words(text in ".{0,40}", words in "([a-z']{1,9}[ ,]){0,6}") {
            let text = format!("{words}{text}");
            let mut end = 0;
            for correction in corrections(&text, &[]) {
                proptest::prop_assert!(correction.bytes.start >= end && !correction.meant.is_empty());
                end = correction.bytes.end;
                proptest::prop_assert!(text.get(correction.bytes).is_some());
            }
        }
    }
}
