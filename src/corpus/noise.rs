//! What fingers, ears and habits do to a sentence.

use super::rng::Rng;

const NEAR: &[&str] = &["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// A letter beside this one on the keyboard.
fn neighbour(rng: &mut Rng, c: char) -> char {
    for row in NEAR {
        if let Some(at) = row.find(c) {
            let at = if at == 0 || (at + 1 < row.len() && rng.chance(0.5)) { at + 1 } else { at - 1 };
            return row[at..].chars().next().unwrap_or(c);
        }
    }
    c
}

/// One slip in one word of four letters or more.
fn slip(rng: &mut Rng, word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 4 || letters.iter().any(|c| !c.is_ascii_alphabetic()) {
        return word.to_owned();
    }
    let at = rng.range(1, letters.len() - 2);
    let vowel = |c: &char| "aeiou".contains(*c);
    match rng.below(6) {
        4 => match (at..letters.len()).find(|&at| vowel(&letters[at])) {
            Some(at) => letters[at] = *rng.pick(&['a', 'e', 'i', 'o', 'u']),
            None => letters.swap(at, at + 1),
        },
        5 => match (at..letters.len()).find(|&at| vowel(&letters[at])) {
            Some(at) => drop(letters.remove(at)),
            None => letters.insert(at, letters[at]),
        },
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        2 => letters.insert(at, letters[at]),
        _ => letters[at] = neighbour(rng, letters[at]),
    }
    letters.into_iter().collect()
}

/// Letters that sound alike: what is written for what.
const ALIKE: &[(&str, &str)] = &[
    ("ph", "f"),
    ("ck", "k"),
    ("ee", "ea"),
    ("ea", "ee"),
    ("oo", "u"),
    ("ai", "ay"),
    ("igh", "ite"),
    ("tion", "shun"),
    ("er", "ur"),
    ("or", "er"),
    ("ow", "ou"),
    ("ou", "ow"),
    ("qu", "kw"),
    ("wh", "w"),
    ("th", "t"),
    ("ss", "s"),
    ("ll", "l"),
    ("tt", "t"),
    ("c", "k"),
    ("k", "c"),
    ("s", "z"),
    ("z", "s"),
    ("y", "ie"),
    ("i", "y"),
    ("a", "ar"),
    ("e", "i"),
];

/// A word as one writes it who only heard it: respelt, or in two.
fn heard(rng: &mut Rng, word: &str) -> String {
    if word.len() < 4 || !word.bytes().all(|c| c.is_ascii_lowercase()) {
        return word.to_owned();
    }
    if word.len() > 5 && rng.chance(0.4) {
        let at = rng.range(3, word.len() - 3);
        return format!("{} {}", &word[..at], &word[at..]);
    }
    let ways: Vec<_> = ALIKE.iter().filter(|(letters, _)| word[1..].contains(letters)).collect();
    if ways.is_empty() {
        return word.to_owned();
    }
    let (letters, instead) = rng.pick(&ways);
    format!("{}{}", &word[..1], word[1..].replacen(letters, instead, 1))
}

/// What speech recognition and hurried writing make of small words.
const HEARD: &[(&str, &str)] = &[
    ("turn off", "turn of"),
    ("switch off", "switch of"),
    (" off", " of"),
    (" off", " orf"),
    (" to ", " two "),
    (" to ", " too "),
    ("turn ", "tern "),
    ("turn ", "trun "),
    ("close ", "cloze "),
    ("close ", "clothes "),
    ("open ", "opne "),
    ("lock ", "lok "),
    ("percent", "pct"),
    ("percent", "precent"),
    ("temperature", "temprature"),
    ("what's", "wats"),
    ("what is", "wats"),
    ("bright", "brite"),
    ("through", "thru"),
    ("because", "coz"),
    ("thanks", "thx"),
    ("your", "ur"),
    ("a ", ""),
    ("heating", "heeting"),
    ("machine", "mashine"),
    ("room", "rume"),
    ("turn the", "turn teh"),
    ("please", "pls"),
    ("please", "plz"),
    ("you", "u"),
    (" to ", " too "),
    (" to ", " 2 "),
    (" for ", " 4 "),
    ("the ", ""),
    ("the ", "da "),
    ("lights", "lites"),
    ("light", "lite"),
    (" and ", " n "),
    (" and ", " & "),
    ("two percent", "too percent"),
    ("two degrees", "too degrees"),
    ("two minutes", "to minutes"),
    ("four percent", "for percent"),
    ("four degrees", "for degrees"),
    ("eight minutes", "ate minutes"),
    ("eight percent", "ate percent"),
    ("eight seconds", "ate seconds"),
    ("one percent", "won percent"),
    ("could", "cud"),
    ("percent", "per cent"),
    ("what is", "whats"),
    ("switch", "swich"),
    (" are ", " r "),
    ("close", "cloes"),
    ("their", "there"),
];

/// Misspells a sentence in one or two places. Digits stay as they are.
pub(super) fn misspell(rng: &mut Rng, text: &str) -> String {
    let mut text = text.to_owned();
    if rng.chance(0.4) {
        let (from, to) = *rng.pick(HEARD);
        if !((to == " 2 " || to == " 4 ") && text.contains(|c: char| c.is_ascii_digit())) {
            text = text.replacen(from, to, 1);
        }
    }
    let slips = rng.range(1, 2);
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for _ in 0..slips {
        let at = rng.below(words.len());
        words[at] = if rng.chance(0.25) { heard(rng, &words[at]) } else { slip(rng, &words[at]) };
    }
    if words.len() > 3 && rng.chance(0.08) {
        let at = rng.below(words.len() - 1);
        let next = words.remove(at + 1);
        words[at].push_str(&next);
    }
    words.join(" ")
}

/// How people end a sentence that asks nothing.
const MARKS: &[&str] = &[".", ".", "!", "...", "!!"];

/// Upper case and final marks as people set them; the words stay the same.
pub(super) fn dress(rng: &mut Rng, text: &str, question: bool) -> String {
    let mut text = text.to_owned();
    match rng.below(10) {
        0 => text = text.to_uppercase(),
        1..=5 => {
            let mut chars = text.chars();
            if let Some(first) = chars.next() {
                text = first.to_uppercase().chain(chars).collect();
            }
        }
        _ => {}
    }
    if rng.chance(0.35) && !text.ends_with(['?', '!', '.']) {
        text.push_str(if question { "?" } else { rng.pick::<&str>(MARKS) });
    }
    text
}
