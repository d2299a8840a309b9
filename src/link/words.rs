//! A request as words with their places.

/// A word of the request, lower-cased, with its bytes' place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub text: String,
    pub start: usize,
    pub end: usize,
    /// Whether a clause ends before it: no mention goes across.
    pub begins: bool,
}

/// Most words of a request that are looked at; the rest of a longer one gets no links.
const MOST_WORDS: usize = 256;

/// Splits a text into words: runs of letters and digits. A decimal number is one word, a unit written
/// right behind a number ("30%", "500ms") is a word of its own, and so is the percent sign.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let mut begins = false;
    let mut chars = text.char_indices().peekable();
    while let Some(&(start, c)) = chars.peek() {
        if out.len() == MOST_WORDS {
            break;
        }
        let mut end = start;
        if c.is_ascii_digit() {
            while let Some(&(at, c)) = chars.peek() {
                let next_is_digit = text[at + c.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
                if c.is_ascii_digit() || ((c == '.' || c == ',') && next_is_digit) {
                    end = at + c.len_utf8();
                    chars.next();
                } else {
                    break;
                }
            }
        } else if c.is_alphanumeric() {
            while let Some(&(at, c)) = chars.peek() {
                if !c.is_alphanumeric() {
                    break;
                }
                end = at + c.len_utf8();
                chars.next();
            }
        } else if c == '%' || c == '°' {
            chars.next();
            end = start + c.len_utf8();
        } else {
            chars.next();
            // A full stop behind a short word is an abbreviation's ("mr. pym's lamp").
            begins |= match c {
                ',' | ';' | ':' | '!' | '?' | '—' | '–' => true,
                '.' => out.last().is_some_and(|last| last.text.len() > 3),
                _ => false,
            };
            // "what's": the bare s behind an apostrophe says nothing.
            let rest = &text[start + c.len_utf8()..];
            let bare = rest.starts_with(['s', 'S']) && !rest[1..].starts_with(char::is_alphanumeric);
            if (c == '\'' || c == '’') && bare {
                chars.next();
            }
            continue;
        }
        out.push(Word { text: text[start..end].to_lowercase(), start, end, begins });
        begins = false;
    }
    out
}

/// A name as its words are said: `add_stock`, `add-stock` and `addStock` are "add stock".
pub fn spoken(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before = None;
    for c in name.chars() {
        if c.is_uppercase() && before.is_some_and(char::is_lowercase) {
            out.push(' ');
        }
        out.push(if matches!(c, '_' | '-') { ' ' } else { c });
        before = Some(c);
    }
    out
}

/// Verbs, each before the forms that it has beside the regular ones.
const IRREGULAR: &[&str] = &[
    "take took taken",
    "give gave given",
    "freeze froze frozen",
    "break broke broken",
    "write wrote written",
    "eat ate eaten",
    "drink drank drunk",
    "sell sold",
    "buy bought",
    "feed fed",
    "send sent",
    "lend lent",
    "pay paid",
    "keep kept",
    "lose lost",
    "find found",
    "hold held",
    "build built",
    "sweep swept",
    "hang hung",
    "ring rang rung",
    "sing sang sung",
    "speak spoke spoken",
    "steal stole stolen",
    "wear wore worn",
    "tear tore torn",
    "wake woke woken",
    "drive drove driven",
    "ride rode ridden",
    "swim swam swum",
    "run ran",
    "begin began begun",
    "catch caught",
    "bring brought",
    "throw threw thrown",
    "draw drew drawn",
    "grow grew grown",
    "spend spent",
    "bend bent",
    "dig dug",
    "sleep slept",
    "bite bit bitten",
    "tell told",
    "teach taught",
    "shake shook shaken",
];

/// What a word in lower case has in common with its other forms: "record", "recording", "recorded" and "recorder" are one, and so are
/// "announce" and "announcement", "take" and "taken". No word of its own.
pub(crate) fn stem(word: &str) -> String {
    const LEAST: usize = 3;
    let forms = IRREGULAR.iter().find(|forms| forms.split(' ').any(|form| form == word));
    let word = forms.and_then(|forms| forms.split(' ').next()).unwrap_or(word);
    let ends = |ends: &[&str], least: usize| {
        ends.iter().find_map(|end| word.strip_suffix(end)).filter(|stem| stem.chars().count() >= least)
    };
    let single = if let Some(stem) = ends(&["ings", "ing", "ed"], LEAST) {
        let mut letters = stem.chars().rev();
        let doubled = letters.next().filter(|last| letters.next() == Some(*last) && !"lsz".contains(*last));
        doubled.and_then(|last| stem.strip_suffix(last)).unwrap_or(stem)
    } else {
        ends(&["ements", "ement", "ments", "ment", "ations", "ation", "ers", "er"], LEAST + 1)
            .or_else(|| Some(word).filter(|word| !word.ends_with("ss")).and(ends(&["ies", "es", "s"], LEAST)))
            .unwrap_or(word)
    };
    let stem =
        single.strip_suffix(['e', 'y', 'i']).filter(|stem| stem.chars().count() >= LEAST).unwrap_or(single);
    stem.to_owned()
}

/// A word as it is spelt on the other side of the ocean: "parlor" for "parlour", "centre" for "center".
pub(super) fn across_the_ocean(word: &str) -> Vec<String> {
    const PAIRS: [(&str, &str); 6] =
        [("our", "or"), ("ey", "ay"), ("ise", "ize"), ("ogue", "og"), ("re", "er"), ("yre", "ire")];
    const LEAST: usize = 4;
    if word.len() < LEAST || !word.is_ascii() {
        return Vec::new();
    }
    let single = word.strip_suffix('s').unwrap_or(word);
    let turned = |(from, to): (&str, &str)| {
        Some(format!("{}{to}{}", single.strip_suffix(from)?, &word[single.len()..]))
    };
    PAIRS.into_iter().flat_map(|(one, other)| [(one, other), (other, one)]).filter_map(turned).collect()
}

/// The singular of an English plural, when the word looks like one.
pub(super) fn singular(word: &str) -> Option<String> {
    if word.len() < 4 || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return None;
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return Some(format!("{stem}y"));
    }
    let odd = [
        ("shelves", "shelf"),
        ("loaves", "loaf"),
        ("knives", "knife"),
        ("buses", "bus"),
        ("gases", "gas"),
        ("lenses", "lens"),
        ("calves", "calf"),
        ("hooves", "hoof"),
        ("children", "child"),
    ];
    if let Some((_, single)) = odd.iter().find(|(plural, _)| *plural == word) {
        return Some((*single).to_owned());
    }
    // "Glasses", but "cases" and "hoses".
    if let Some(stem) = word.strip_suffix("es")
        && ["ss", "x", "z", "ch", "sh"].iter().any(|end| stem.ends_with(end))
    {
        return Some(stem.to_owned());
    }
    word.strip_suffix('s').map(str::to_owned)
}

/// Whether `said` is `meant` with a slip: one edit from four letters on, two from eight, and the same first
/// letter (or the first two swapped).
pub(super) fn slip(said: &str, meant: &str) -> bool {
    let (a, b) = (said.chars().count(), meant.chars().count());
    let allowed = match a.min(b) {
        0..=3 => return false,
        4..=7 => 1,
        _ => 2,
    };
    if a.abs_diff(b) > allowed {
        return false;
    }
    let mut first = (said.chars(), meant.chars());
    let (s0, m0) = (first.0.next(), first.1.next());
    let (s1, m1) = (first.0.next(), first.1.next());
    (s0 == m0 || (s0 == m1 && s1 == m0)) && strsim::osa_distance(said, meant) <= allowed
}

/// Whether a word is in a list of words with spaces between.
pub(super) fn among(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn units_and_decimals_are_words() {
        assert_eq!(texts("Dim it to 30%, wait 1.5s"), ["dim", "it", "to", "30", "%", "wait", "1.5", "s"]);
        assert_eq!(texts("what's the grow-lamp's state"), ["what", "the", "grow", "lamp", "state"]);
        assert_eq!(texts("gpio17 21°C"), ["gpio17", "21", "°", "c"]);
    }

    #[test]
    fn slips_and_plurals() {
        assert!(slip("kithcen", "kitchen") && slip("ligth", "light") && !slip("fan", "van"));
        assert_eq!(singular("batteries").as_deref(), Some("battery"));
        assert_eq!(singular("switches").as_deref(), Some("switch"));
        assert_eq!(singular("cases").as_deref(), Some("case"));
        assert_eq!(singular("glasses").as_deref(), Some("glass"));
        assert_eq!(singular("glass"), None);
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        let alike = |words: &str| {
            let stems: Vec<String> = words.split(' ').map(stem).collect();
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{stems:?}");
        };
        alike("record records recording recordings recorded recorder recorders");
        alike("announce announces announced announcing announcement announcements");
        alike("plug plugs plugged plugging");
        alike("reserve reserved reservation reservations");
        alike("tidy tidies tidied");
        alike("press pressed presses");
        alike("take takes taking took taken");
        for word in ["ring", "bed", "red", "the", "bus", "été", "n", ""] {
            assert_eq!(stem(word), word);
        }
    }

    #[test]
    fn both_sides_of_the_ocean_are_read() {
        for (word, other) in
            [("parlour", "parlor"), ("centers", "centres"), ("gray", "grey"), ("tyre", "tire")]
        {
            assert!(across_the_ocean(word).contains(&other.to_owned()), "{word}");
            assert!(across_the_ocean(other).contains(&word.to_owned()), "{other}");
        }
        assert!(across_the_ocean("or").is_empty() && across_the_ocean("été").is_empty());
    }

    #[test]
    fn names_of_programmers_are_said_as_words() {
        for name in ["add_stock", "add-stock", "addStock", "add stock"] {
            assert_eq!(spoken(name), if name == "addStock" { "add Stock" } else { "add stock" });
        }
    }

    proptest::proptest! {
        #[test]
        fn a_stem_is_the_beginning_of_its_word(word in ".*") {
            let irregular = IRREGULAR.iter().any(|forms| forms.split(' ').any(|form| form == word));
            proptest::prop_assert!(irregular || word.starts_with(&stem(&word)));
        }

        #[test]
        fn any_text_splits_at_character_borders(text in ".*") {
            for word in words(&text) {
                proptest::prop_assert_eq!(text[word.start..word.end].to_lowercase(), word.text);
            }
        }
    }
}
