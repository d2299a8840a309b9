//! What is said in quotation marks.

use std::ops::Range;

/// Marks that open a quotation, and those that close it.
const PAIRS: &[(char, &[char])] = &[
    ('"', &['"']),
    ('“', &['”', '“', '"']),
    ('„', &['“', '”']),
    ('«', &['»']),
    ('‘', &['’']),
    ('\'', &['\'']),
];

/// The bytes between quotation marks, in order, without the marks and the white space inside of them. A single mark
/// counts where no letter stands before the first and none behind the second: "don't" opens nothing.
pub fn quotes(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut before = ' ';
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let closing = PAIRS.iter().find(|(open, _)| *open == c).map(|(_, closing)| *closing);
        if let Some(closing) = closing.filter(|_| !before.is_alphanumeric()) {
            let start = at + c.len_utf8();
            let single = matches!(c, '\'' | '‘');
            let closes = |(at, found): &(usize, char)| {
                let rest = &text[start + at + found.len_utf8()..];
                closing.contains(found) && !(single && rest.starts_with(char::is_alphanumeric))
            };
            if let Some((length, found)) = text[start..].char_indices().find(closes) {
                let inside = &text[start..start + length];
                if inside.contains(char::is_alphanumeric) {
                    let from = start + (length - inside.trim_start().len());
                    out.push(from..from + inside.trim().len());
                    let past = start + length + found.len_utf8();
                    while chars.offset() < past {
                        chars.next();
                    }
                    before = found;
                    continue;
                }
            }
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> Vec<&str> {
        quotes(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn marks_of_all_sorts() {
        assert_eq!(quoted(r#"log "dusk, wind easing" and "x""#), ["dusk, wind easing", "x"]);
        assert_eq!(quoted("print “Tris pH 8” now, ‘it’s old’"), ["Tris pH 8", "it’s old"]);
        assert_eq!(quoted("say 'don't panic' to the dogs' owner"), ["don't panic"]);
        assert_eq!(quoted(" 'a b ' «c»"), ["a b", "c"]);
    }

    #[test]
    fn what_quotes_nothing() {
        for text in ["don't", "a 5\" pipe", "\"\"", "' '", "the dogs' bowl isn't full", "\"open"] {
            assert!(quoted(text).is_empty(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_quotes_within_it(text in "([\"'“”‘’« »]|[a-zé ]|\\PC){0,40}") {
            let mut end = 0;
            for range in quotes(&text) {
                proptest::prop_assert!(end <= range.start && range.start < range.end);
                end = range.end;
                proptest::prop_assert!(!text[range].trim().is_empty());
            }
        }
    }
}
