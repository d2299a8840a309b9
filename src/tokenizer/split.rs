//! Pre-tokenizers: the cut of a text into words that byte-level BPE then merges one by one.
//!
//! Each is a published regular expression (or a chain of them), written out here as a scanner; the
//! expressions stand in the tests, which hold the scanners against them. All run in linear time.

use super::unicode::{Class, class, is_punctuation};

/// A pre-tokenizer, by the name of its family in `tokenizer.ggml.pre`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// `gpt-2`: contractions, letters, digits, others, each with a space in front; white space.
    Gpt2,
    /// `smollm`: every digit by itself, `gpt-2` between them.
    Smollm,
    /// `qwen2`: any one sign may precede letters, digits stand alone, new lines stay together.
    Qwen2,
    /// `llama-bpe`: as `qwen2`, digits up to three together; a word that is a token needs no merges.
    Llama3,
    /// `smaug-bpe`: the words of `llama-bpe`, always merged (SmolLM3).
    Smaug,
    /// `default`: punctuation first, then `gpt-2`, then digits apart and by three.
    Default,
}

impl Split {
    /// The names that are known, for messages.
    pub(super) const NAMES: &str = "gpt-2, smollm, qwen2, llama-bpe, smaug-bpe, default";

    /// The pre-tokenizer of a `tokenizer.ggml.pre`.
    pub fn from_name(name: &str) -> Option<Split> {
        Some(match name {
            "gpt-2" => Split::Gpt2,
            "smollm" => Split::Smollm,
            "qwen2" => Split::Qwen2,
            "llama-bpe" | "llama3" | "llama-v3" => Split::Llama3,
            "smaug-bpe" => Split::Smaug,
            "default" => Split::Default,
            _ => return None,
        })
    }

    /// Hands out the words of a text in order; together they are the text.
    pub fn words<'t>(self, text: &'t str, mut word: impl FnMut(&'t str)) {
        match self {
            Split::Gpt2 => gpt2_words(text, &mut word),
            Split::Smollm => runs(
                text,
                |c| class(c) == Class::Number,
                |run, digits| {
                    if digits {
                        run.split_inclusive(|_| true).for_each(&mut word);
                    } else {
                        gpt2_words(run, &mut word);
                    }
                },
            ),
            Split::Qwen2 => repeat(text, |rest| llama3_word(rest, 1), &mut word),
            Split::Llama3 | Split::Smaug => repeat(text, |rest| llama3_word(rest, 3), &mut word),
            Split::Default => default_words(text, &mut word),
        }
    }
}

/// Cuts words off the front; `next` says how many bytes the first one has.
fn repeat<'t>(mut text: &'t str, next: impl Fn(&str) -> usize, word: &mut impl FnMut(&'t str)) {
    while !text.is_empty() {
        let (first, rest) = text.split_at(next(text));
        word(first);
        text = rest;
    }
}

/// Cuts a text where `inside` changes.
fn runs<'t>(mut text: &'t str, inside: impl Fn(char) -> bool, mut run: impl FnMut(&'t str, bool)) {
    while let Some(first) = text.chars().next() {
        let state = inside(first);
        let (head, rest) = text.split_at(span(text, |c| inside(c) == state));
        run(head, state);
        text = rest;
    }
}

/// Bytes at the front for whose characters `is` holds.
fn span(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is(c)).unwrap_or(text.len())
}

fn span_of(text: &str, wanted: Class) -> usize {
    span(text, |c| class(c) == wanted)
}

fn gpt2_words<'t>(text: &'t str, word: &mut impl FnMut(&'t str)) {
    repeat(text, gpt2_word, word);
}

/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
fn gpt2_word(text: &str) -> usize {
    if let Some(len) = contraction(text, |a, b| a == b) {
        return len;
    }
    let space = usize::from(text.starts_with(' '));
    match text[space..].chars().next().map(class) {
        None | Some(Class::Space) => white_space(text),
        Some(kind) => space + span_of(&text[space..], kind),
    }
}

/// `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|
/// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
fn llama3_word(text: &str, digits: usize) -> usize {
    if let Some(len) = contraction(text, |a, b| a.eq_ignore_ascii_case(&b)) {
        return len;
    }
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return 0 };
    let kind = class(first);
    if kind == Class::Number {
        return text.chars().take(digits).take_while(|&c| class(c) == kind).map(char::len_utf8).sum();
    }
    let sign = if kind == Class::Letter || is_new_line(first) { 0 } else { first.len_utf8() };
    let letters = span_of(&text[sign..], Class::Letter);
    if letters > 0 {
        return sign + letters;
    }
    let space = usize::from(first == ' ');
    let others = span_of(&text[space..], Class::Other);
    if others > 0 {
        let end = space + others;
        return end + span(&text[end..], is_new_line);
    }
    let run = &text[..span_of(text, Class::Space)];
    match run.rfind(is_new_line) {
        Some(last) => last + 1,
        None => white_space(text),
    }
}

fn is_new_line(c: char) -> bool {
    c == '\r' || c == '\n'
}

/// `'s|'t|'re|'ve|'m|'ll|'d`, letters compared by `same`.
fn contraction(text: &str, same: impl Fn(u8, u8) -> bool) -> Option<usize> {
    let rest = text.as_bytes().strip_prefix(b"'")?;
    [&b"s"[..], b"t", b"re", b"ve", b"m", b"ll", b"d"].into_iter().find_map(|ending| {
        let head = rest.get(..ending.len())?;
        head.iter().zip(ending).all(|(&a, &b)| same(a, b)).then_some(1 + ending.len())
    })
}

/// `\s+(?!\S)|\s+`: a run of white space leaves its last character to the word behind it.
fn white_space(text: &str) -> usize {
    let run = span_of(text, Class::Space);
    if run == text.len() {
        return run;
    }
    match text[..run].char_indices().next_back() {
        Some((last, _)) if last > 0 => last,
        _ => run,
    }
}

/// `[\p{P}\$\+<=>\^~\|]+`, then `gpt-2`, then `\p{N}+`, then `[0-9][0-9][0-9]`, each within the pieces
/// of the one before.
fn default_words<'t>(text: &'t str, word: &mut impl FnMut(&'t str)) {
    let sign = |c| is_punctuation(c) || matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '~' | '|');
    runs(text, sign, |run, _| {
        gpt2_words(run, &mut |piece| {
            runs(
                piece,
                |c| class(c) == Class::Number,
                |part, digits| {
                    if digits { by_three(part, word) } else { word(part) }
                },
            );
        });
    });
}

/// Three ASCII digits at a time, and whatever stands between such threes.
fn by_three<'t>(part: &'t str, word: &mut impl FnMut(&'t str)) {
    let bytes = part.as_bytes();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        if bytes[at..].len() >= 3 && bytes[at..at + 3].iter().all(u8::is_ascii_digit) {
            if start < at {
                word(&part[start..at]);
            }
            word(&part[at..at + 3]);
            at += 3;
            start = at;
        } else {
            at += 1;
        }
    }
    if start < at {
        word(&part[start..]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::utils::SysRegex;

    use super::*;

    const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    fn published(split: Split) -> Vec<SysRegex> {
        let qwen2 = LLAMA3.replace("{1,3}", "");
        let chain: &[&str] = match split {
            Split::Gpt2 => &[GPT2],
            Split::Smollm => &[r"\p{N}", GPT2],
            Split::Qwen2 => &[&qwen2],
            Split::Llama3 | Split::Smaug => &[LLAMA3],
            Split::Default => &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
        };
        chain.iter().map(|pattern| SysRegex::new(pattern).unwrap()).collect()
    }

    /// The pieces of a text after each expression cut the pieces of the one before, gaps kept.
    fn by_regex<'t>(chain: &[SysRegex], text: &'t str) -> Vec<&'t str> {
        let mut pieces = vec![text];
        for regex in chain {
            let mut next = Vec::new();
            for piece in pieces {
                let mut done = 0;
                for (start, end) in regex.find_iter(piece) {
                    next.push(&piece[done..start]);
                    next.push(&piece[start..end]);
                    done = end;
                }
                next.push(&piece[done..]);
            }
            pieces = next;
            pieces.retain(|piece| !piece.is_empty());
        }
        pieces
    }

    fn by_scanner(split: Split, text: &str) -> Vec<&str> {
        let mut words = Vec::new();
        split.words(text, |word| words.push(word));
        words
    }

    const ALL: [Split; 5] = [Split::Gpt2, Split::Smollm, Split::Qwen2, Split::Llama3, Split::Default];

    #[test]
    fn every_name_is_known() {
        for name in Split::NAMES.split(", ") {
            assert!(Split::from_name(name).is_some(), "{name}");
        }
        assert_eq!(Split::from_name("poro"), None);
    }

    #[test]
    fn words_of_a_sentence() {
        let text = "I'll set 1234 lights,  OK?\n\n  YOU'RE";
        assert_eq!(
            by_scanner(Split::Gpt2, text),
            ["I", "'ll", " set", " 1234", " lights", ",", " ", " OK", "?", "\n\n ", " YOU", "'", "RE"]
        );
        assert_eq!(by_scanner(Split::Smollm, text)[..8], ["I", "'ll", " set", " ", "1", "2", "3", "4"]);
        assert_eq!(
            by_scanner(Split::Llama3, text),
            ["I", "'ll", " set", " ", "123", "4", " lights", ",", " ", " OK", "?\n\n", " ", " YOU", "'RE"]
        );
        assert_eq!(by_scanner(Split::Default, "a+b 12345"), ["a", "+", "b", " ", "123", "45"]);
    }

    #[test]
    fn a_megabyte_is_no_trouble() {
        for unit in ["a", " ", "\n ", "1", "'", ".", "é", "a1", " \n"] {
            let text = unit.repeat(1_000_000 / unit.len());
            for split in ALL {
                let mut len = 0;
                split.words(&text, |word| len += word.len());
                assert_eq!(len, text.len(), "{split:?} {unit:?}");
            }
        }
    }

    /// Any character that the regex crate's Unicode knows; the compiler's may be newer.
    fn assigned() -> impl Strategy<Value = char> {
        thread_local! {
            static ASSIGNED: SysRegex = SysRegex::new(r"\P{Cn}").unwrap();
        }
        any::<char>().prop_filter("assigned", |c| {
            ASSIGNED.with(|regex| regex.find_iter(&c.to_string()).next().is_some())
        })
    }

    /// Strings of what the expressions tell apart, and of any characters.
    fn texts() -> impl Strategy<Value = String> {
        let telling = prop::sample::select(
            "   \t\n\r'\"stremvldSTREMVLD019²٣Ⅷabzßдñ漢字\u{301}\u{93f}ⓐ.,!$+<=>^~|`_-()—¿«\u{a0}\u{3000}\u{200d}🦆\u{1f1e9}"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop::collection::vec(prop_oneof![9 => telling, 1 => assigned()], 0..24)
            .prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn scanners_cut_as_the_published_expressions(texts in prop::collection::vec(texts(), 16)) {
            for split in ALL {
                thread_local! {
                    static CHAINS: Vec<Vec<SysRegex>> = ALL.map(published).into();
                }
                CHAINS.with(|chains| {
                    let chain = &chains[ALL.iter().position(|&other| other == split).unwrap()];
                    for text in &texts {
                        assert_eq!(by_scanner(split, text), by_regex(chain, text), "{split:?} {text:?}");
                    }
                });
            }
        }
    }
}
