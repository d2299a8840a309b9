//! Forms of verbs: a table names a regular verb once, by its stem and its ending, and the forms that requests use are made from it.
//!
//! French `allum-er`, `ralent-ir`; Spanish `apag-ar`, `encend/enciend-er` (the stem as it is, and where the stress is on it), `abr-ir`;
//! German `an|schalt-en` ("schalte .. an", "einschalten" and "einzuschalten"). Behind the ending further words may stand.
//! Spanish pronouns that are written behind a verb ("enciéndela") are parted from it.

use super::super::words::Word;
use super::reader::orders;
use super::table::{Language, Table, find, without_accents};

const FRENCH_ER: &[&str] =
    &["er", "e", "es", "ez", "ons", "eras", "erez", "erais", "eriez", "erait", "iez", "era"];
const FRENCH_IR: &[&str] =
    &["ir", "is", "it", "issez", "isse", "isses", "issons", "issiez", "iras", "irez", "irais", "iriez"];
/// Endings of the stem that is not stressed, and of the one that is.
const SPANISH_AR: (&[&str], &[&str]) = (
    &["ar", "ad", "á", "ara", "aras", "ase", "ases", "aran", "emos", "és", "éis", "arías", "aría"],
    &["a", "as", "an", "e", "es", "en"],
);
const SPANISH_ER: (&[&str], &[&str]) = (
    &["er", "ed", "é", "iera", "ieras", "iese", "ieran", "amos", "és", "áis", "erías", "ería"],
    &["e", "es", "en", "a", "as", "an"],
);
const SPANISH_IR: (&[&str], &[&str]) = (
    &["ir", "id", "í", "iera", "ieras", "iese", "ieran", "amos", "ís", "áis", "irías", "iría"],
    &["e", "es", "en", "a", "as", "an"],
);

/// The pronouns that Spanish writes behind a verb, the longest first.
const CLITICS: [&str; 9] = ["los", "las", "les", "nos", "lo", "la", "le", "me", "te"];

/// The forms of a verb of the table with what is before their English, or none where the phrase is no verb.
pub(super) fn forms(language: Language, phrase: &str) -> Option<Vec<(String, bool)>> {
    let (stem, rest) = phrase.split_once('-')?;
    let (class, words) =
        rest.split_once(' ').map_or((rest, String::new()), |(class, words)| (class, format!(" {words}")));
    let plain = |stem: &str, endings: &[&str]| -> Vec<(String, bool)> {
        endings
            .iter()
            .map(|ending| (format!("{}{words}", joined(language, stem, class, ending)), false))
            .collect()
    };
    Some(match (language, class) {
        (Language::French, "er") => plain(stem, FRENCH_ER),
        (Language::French, "ir") => plain(stem, FRENCH_IR),
        (Language::Spanish, "ar" | "er" | "ir") => {
            let (weak, strong) = match class {
                "ar" => SPANISH_AR,
                "er" => SPANISH_ER,
                _ => SPANISH_IR,
            };
            let (bare, stressed) = stem.split_once('/').unwrap_or((stem, stem));
            let mut out = plain(bare, weak);
            out.append(&mut plain(stressed, strong));
            // "encendé", "apaga" of those who say "vos" have the bare stem; so has "prendas" of some.
            out.extend(plain(bare, &["ando", "iendo"]));
            out
        }
        (Language::German, "en") => german(stem, &words),
        _ => return None,
    })
}

/// A stem and an ending as Spanish spells them: "apag" and "e" is "apague".
fn joined(language: Language, stem: &str, class: &str, ending: &str) -> String {
    let soft = ending.starts_with(['e', 'é', 'i', 'í']);
    if language == Language::Spanish && class == "ar" && soft {
        for (hard, spelt) in [("g", "gu"), ("c", "qu"), ("z", "c")] {
            if let Some(stem) = stem.strip_suffix(hard) {
                return format!("{stem}{spelt}{ending}");
            }
        }
    }
    if language == Language::Spanish
        && class != "ar"
        && !soft
        && let Some(stem) = stem.strip_suffix('g')
    {
        return format!("{stem}j{ending}");
    }
    format!("{stem}{ending}")
}

/// "an|schalt": "schalte .. an" as it stands, and, said before what they are about, "anschalten" and "anzuschalten".
fn german(stem: &str, words: &str) -> Vec<(String, bool)> {
    let Some((particle, stem)) = stem.split_once('|') else {
        let endings = finite(stem).into_iter();
        return endings
            .map(|form| (format!("{form}{words}"), false))
            .chain([(format!("{stem}en{words}"), true), (format!("zu {stem}en{words}"), true)])
            .collect();
    };
    let mut out: Vec<(String, bool)> = finite(stem)
        .into_iter()
        .chain([format!("{stem}en")])
        .map(|form| (format!("{form}{words} .. {particle}"), false))
        .collect();
    out.extend(
        finite(stem)
            .into_iter()
            .chain([format!("{stem}en"), format!("zu{stem}en")])
            .map(|form| (format!("{particle}{form}{words}"), true)),
    );
    out
}

/// "mach, mache, machst, macht"; "schaltest" where the stem ends so.
fn finite(stem: &str) -> Vec<String> {
    let e = if stem.ends_with(['t', 'd']) { "e" } else { "" };
    let s = if stem.ends_with(['s', 'z', 'ß']) { "" } else { "s" };
    vec![stem.to_owned(), format!("{stem}e"), format!("{stem}{e}{s}t"), format!("{stem}{e}t")]
}

/// The words with pronouns parted from the verbs that they are written behind: "+la" behind "enciende".
pub(super) fn without_clitics(table: &Table, words: &[Word]) -> Vec<Word> {
    let mut out = Vec::with_capacity(words.len());
    for word in words {
        match clitics(table, &word.text) {
            Some((verb, pronouns)) => {
                let mut end = word.end - pronouns.iter().map(|pronoun| pronoun.len()).sum::<usize>();
                out.push(Word { text: verb, end, ..word.clone() });
                for pronoun in pronouns {
                    let start = end;
                    end += pronoun.len();
                    out.push(Word { text: format!("+{pronoun}"), start, end, begins: false });
                }
            }
            None => out.push(word.clone()),
        }
    }
    out
}

/// A verb of an order and the pronouns behind it.
fn clitics(table: &Table, word: &str) -> Option<(String, Vec<&'static str>)> {
    if table.language != Language::Spanish || word.len() < 5 || find(table, word).is_some() {
        return None;
    }
    let mut pronouns = Vec::new();
    let mut rest = word;
    while pronouns.len() < 2 {
        let pronoun =
            CLITICS.into_iter().find(|pronoun| rest.len() > pronoun.len() + 1 && rest.ends_with(pronoun))?;
        rest = &rest[..rest.len() - pronoun.len()];
        pronouns.insert(0, pronoun);
        let verb = without_accents(rest);
        for verb in [rest.to_owned(), verb] {
            if find(table, &verb).is_some_and(orders) {
                return Some((verb, pronouns));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(language: Language, verb: &str, expected: &[&str]) {
        let forms: Vec<String> = forms(language, verb).unwrap().into_iter().map(|(form, _)| form).collect();
        for form in expected {
            assert!(forms.iter().any(|known| known == form), "{verb}: no {form} in {forms:?}");
        }
    }

    #[test]
    fn verbs_have_the_forms_that_requests_use() {
        has(Language::French, "allum-er", &["allumer", "allume", "allumes", "allumez", "allumeriez"]);
        has(Language::French, "ralent-ir", &["ralentir", "ralentis", "ralentissez"]);
        has(Language::Spanish, "apag-ar", &["apagar", "apaga", "apague", "apagá", "apagad", "apaguen"]);
        has(
            Language::Spanish,
            "encend/enciend-er",
            &["encender", "enciende", "encienda", "encendé", "encended"],
        );
        has(
            Language::German,
            "an|schalt-en",
            &["schalte .. an", "schaltest .. an", "anschalten", "anzuschalten"],
        );
        assert!(forms(Language::French, "allume").is_none());
    }
}
