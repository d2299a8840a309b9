//! The words of a request as an argument may be cut.

use crate::link::quotes;

/// A word of the request as a part of an argument.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    /// Its first byte in the request.
    pub start: usize,
    /// One past its last.
    pub end: usize,
    /// Whether an argument may begin with it.
    pub may_start: bool,
    /// Whether one may end with it.
    pub may_end: bool,
    /// Whether one that holds it may hold the next word too.
    pub goes_on: bool,
}

/// Words behind which "'s" is a verb's.
const CONTRACTED: &str = "it that what he she there here let who where how when this why one";

/// The words of a request: "14:05", "8.5", "dry-aged" and "don't" are one word, the "'s" of an owner is one that belongs to the word before and
/// may be left off, a quotation is not cut.
pub(crate) fn words(request: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (at, c) in request.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        let end = at + c.len_utf8();
        match words.last_mut() {
            Some(last) if last.end == at => last.end = end,
            Some(last) if owns(request, last, at) => {
                words.push(Word { start: at, end, may_start: false, may_end: true, goes_on: true });
            }
            Some(last) if within_a_word(request, last.end, at) => last.end = end,
            _ => words.push(Word { start: at, end, may_start: true, may_end: true, goes_on: true }),
        }
    }
    for quote in quotes(request) {
        let inside = |word: &Word| quote.start <= word.start && word.end <= quote.end;
        let Some(first) = words.iter().position(inside) else { continue };
        let last = words.iter().rposition(inside).unwrap_or(first);
        for (at, word) in words.iter_mut().enumerate().take(last + 1).skip(first) {
            word.may_start = at == first;
            word.may_end = at == last;
            word.goes_on = at < last;
        }
        if let Some(before) = first.checked_sub(1) {
            words[before].goes_on = false;
        }
    }
    words
}

/// The words of all arguments of at most `most` words, first and last.
pub(crate) fn spans(words: &[Word], most: usize) -> impl Iterator<Item = (usize, usize)> {
    words.iter().enumerate().filter(|(_, first)| first.may_start).flat_map(move |(at, _)| {
        let rest = &words[at..];
        let end = rest.iter().position(|word| !word.goes_on).map_or(rest.len(), |last| last + 1);
        let lasts = rest[..end.min(most)].iter().enumerate().filter(|(_, last)| last.may_end);
        lasts.map(move |(more, _)| (at, at + more))
    })
}

/// Whether the letter at `at` is the "s" of an owner: "Lena's dog" and "Lena's here", but not "it's" and not "let's".
fn owns(request: &str, before: &Word, at: usize) -> bool {
    let Some(rest) = request[at..].strip_prefix(['s', 'S']) else { return false };
    matches!(&request[before.end..at], "'" | "’")
        && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '\'' || c == '’')
        && !CONTRACTED.split(' ').any(|word| request[before.start..before.end].eq_ignore_ascii_case(word))
}

/// Whether what stands between two letters or digits joins them: a point or colon between digits, an apostrophe, a hyphen, the point of
/// "fileserver.local".
fn within_a_word(request: &str, from: usize, to: usize) -> bool {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let (before, after) = (request[..from].chars().next_back(), request[to..].chars().next());
    match &request[from..to] {
        ":" | "," => digit(before) && digit(after),
        "." | "'" | "’" | "-" | "/" | "@" | "_" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_cut_between_words_and_not_within_quotations() {
        let cut = |request: &str| -> Vec<String> {
            let words = words(request);
            let spans = spans(&words, 64);
            spans.map(|(from, to)| request[words[from].start..words[to].end].to_owned()).collect()
        };
        assert_eq!(cut("the 14:05"), ["the", "the 14:05", "14:05"]);
        assert_eq!(cut("don't 8.5, x"), ["don't", "don't 8.5", "don't 8.5, x", "8.5", "8.5, x", "x"]);
        assert_eq!(cut("log \"a, b\" now"), ["log", "a, b", "now"]);
        assert_eq!(cut("dry-aged"), ["dry-aged"]);
        assert_eq!(cut("db.local up"), ["db.local", "db.local up", "up"]);
        assert_eq!(cut("Lena's dog"), ["Lena", "Lena's", "Lena's dog", "dog"]);
        assert_eq!(cut("it's off"), ["it's", "it's off", "off"]);
    }

    proptest::proptest! {
        #[test]
        fn words_follow_each_other_in_any_request(request in ".{0,40}") {
            let words = words(&request);
            for pair in words.windows(2) {
                proptest::prop_assert!(pair[0].end <= pair[1].start);
            }
            for word in &words {
                proptest::prop_assert!(request.get(word.start..word.end).is_some_and(|word| !word.is_empty()));
            }
            proptest::prop_assert!(spans(&words, 5).all(|(from, to)| from <= to && to < words.len()));
        }
    }
}
