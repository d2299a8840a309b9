//! Clauses that tell why, beside the ones that ask: "window open, `the glass is all steamed up`".

use std::ops::Range;

use super::words::{Word, among, words};

/// What a telling clause begins with.
const SUBJECTS: &str = "i we my our it they he she there the one nobody somebody someone everybody everyone this that these those his her their";
/// What tells, as the second to the fifth word; "it's" is `it` and what stands behind its apostrophe.
const TELLING: &str = "is are was were am has have had s re m ve can cant cannot keep keeps isnt arent wasnt hasnt havent will wont seems \
    looks feels just still";
/// Verbs of wishes, which are no telling.
const WISHING: &str = "want wants need needs like wish prefer hope please would could should mind ask";
/// Words that open a telling clause wherever they stand.
const BECAUSE: &str = "because cause cos since while whilst";
/// Words that ask for something to be done.
const ASKING: &str = "on off open close shut lock unlock turn switch put set dim raise lower start stop run kill blink flash read check tell \
    what how is are";

/// What follows a word directly: "s" behind an apostrophe is no word of its own.
fn behind<'t>(request: &'t str, word: &Word) -> &'t str {
    let rest = request[word.end..].strip_prefix(['\'', '’']).unwrap_or("");
    &rest[..rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len())]
}

/// Whether words begin a telling clause.
fn tells(request: &str, words: &[Word]) -> bool {
    let Some(first) = words.first() else { return false };
    if among(BECAUSE, &first.text) {
        return words.len() > 2;
    }
    let name = request[first.start..].starts_with(char::is_uppercase) && !behind(request, first).is_empty();
    if !name && !among(SUBJECTS, &first.text) {
        return false;
    }
    let near = &words[..words.len().min(5)];
    let end = near[1..].iter().position(|word| word.begins).map_or(near.len(), |at| at + 1);
    let near = &near[..end];
    let short = |word: &Word| {
        let end = behind(request, word).to_ascii_lowercase();
        !end.is_empty() && among(TELLING, &end)
    };
    !near.iter().any(|word| among(WISHING, &word.text))
        && (short(first) || near[1..].iter().any(|word| among(TELLING, &word.text) || short(word)))
}

/// Bytes of the clauses that tell, where another clause asks.
pub fn telling(request: &str) -> Vec<Range<usize>> {
    let words = words(request);
    let mut clauses: Vec<(Range<usize>, bool)> = Vec::new();
    let mut from = 0;
    let mut telling = false;
    for at in 0..words.len() {
        // "Fan off it's blowing on me": a pronoun with its verb begins a clause without a comma.
        let pronoun = at > 1
            && among("it they he she i we", &words[at].text)
            && !behind(request, &words[at]).is_empty();
        let because = at > 1 && among(BECAUSE, &words[at].text);
        if at == 0 || words[at].begins || pronoun || because {
            if at > from {
                clauses.push((from..at, telling));
            }
            from = at;
            telling = tells(request, &words[at..]);
        }
    }
    if from < words.len() {
        clauses.push((from..words.len(), telling));
    }
    let asks = |(places, telling): &(Range<usize>, bool)| {
        !telling && places.clone().any(|at| among(ASKING, &words[at].text))
    };
    if !clauses.iter().any(asks) {
        return Vec::new();
    }
    clauses
        .into_iter()
        .filter(|(_, telling)| *telling)
        .map(|(places, _)| words[places.start].start..words[places.end - 1].end)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_that_tell() {
        for (request, told) in [
            ("roof window open, the glass is all steamed up", vec!["the glass is all steamed up"]),
            ("fan off it's blowing on the frogs", vec!["it's blowing on the frogs"]),
            ("Nobody's at the desk, lights off", vec!["Nobody's at the desk"]),
            ("Dish machine off now, Lin's finished", vec!["Lin's finished"]),
            ("switch the fan off because the baby sleeps", vec!["because the baby sleeps"]),
            // Nothing else asks.
            ("the hall is too dark", vec![]),
            ("I'd like the lamp on", vec![]),
            ("turn it off and open the gate", vec![]),
            ("is the gate open, the lamp on", vec![]),
        ] {
            let found: Vec<&str> = telling(request).into_iter().map(|bytes| &request[bytes]).collect();
            assert_eq!(found, told, "{request}");
        }
    }
}
