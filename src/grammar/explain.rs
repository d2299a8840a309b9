//! Why a text is not of a grammar, for people: where it stops being legal and what could stand there.

use std::sync::Arc;

use super::sample::byte_trie;
use super::{Grammar, MatchError, Matcher};

/// Longest literal that is shown as one, in bytes.
const LONGEST: usize = 32;
/// Most alternatives that are named.
const MOST: usize = 12;

/// Where a text stops being legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Offset in bytes: of the character that is not legal, or of the text's end when more is missing.
    pub at: usize,
    /// What stands there; `None` at the end of the text.
    pub found: Option<String>,
    /// What could stand there instead: literals in backticks, or kinds of characters in words.
    pub expected: Vec<String>,
}

/// Runs a text through a grammar, whole and byte by byte. Token terminals match nothing here.
///
/// # Errors
/// [`MatchError::Vocabulary`] when every text needs a token terminal; [`MatchError::Memory`].
pub fn explain(grammar: Arc<Grammar>, text: &[u8]) -> Result<Option<Refusal>, MatchError> {
    let mut run = Matcher::new(grammar, byte_trie())?;
    let mut at = match run.accept_bytes(text) {
        Ok(()) if run.is_complete() => return Ok(None),
        Ok(()) => text.len(),
        Err(MatchError::Byte { offset, .. }) => offset,
        Err(error) => return Err(error),
    };
    // A character whose first byte was still legal is shown as a whole.
    while std::str::from_utf8(text).is_ok() && text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
        at -= 1;
    }
    run.reset()?;
    run.accept_bytes(&text[..at])?;
    let found = text.get(at).map(|&byte| match character(&text[at..]) {
        Some(c) => name(c),
        None => format!("the byte 0x{byte:02X}"),
    });
    Ok(Some(Refusal { at, found, expected: expected(&mut run)? }))
}

/// Line and column (both from 1, columns in characters) of an offset, and the line's text.
pub fn place(text: &[u8], at: usize) -> (usize, usize, String) {
    let before = &text[..at.min(text.len())];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |i| i + 1);
    let end = text[start..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |i| start + i);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    (line, column, String::from_utf8_lossy(&text[start..end]).into_owned())
}

/// Where in a JSON value the end of this beginning of its text lies, as a JSON pointer; empty at its top.
pub fn pointer(text: &[u8]) -> String {
    // An object's last key (none before the first), or an array's index.
    enum Open {
        Object(Option<String>),
        Array(usize),
    }
    let mut open = Vec::new();
    let mut i = 0;
    while let Some(&byte) = text.get(i) {
        i += 1;
        match byte {
            b'{' => open.push(Open::Object(None)),
            b'[' => open.push(Open::Array(0)),
            b'}' | b']' => {
                open.pop();
            }
            b',' => match open.last_mut() {
                Some(Open::Array(index)) => *index += 1,
                Some(Open::Object(key)) => *key = None,
                None => {}
            },
            b'"' => {
                let start = i - 1;
                while let Some(&byte) = text.get(i) {
                    i += if byte == b'\\' { 2 } else { 1 };
                    if byte == b'"' {
                        break;
                    }
                }
                if let Some(Open::Object(key @ None)) = open.last_mut() {
                    *key = text.get(start..i).and_then(|text| serde_json::from_slice(text).ok());
                }
            }
            _ => {}
        }
    }
    let mut pointer = String::new();
    for part in open {
        match part {
            Open::Object(Some(key)) => pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Open::Object(None) => {}
            Open::Array(index) => pointer += &format!("/{index}"),
        }
    }
    pointer
}

/// What may come where `run` stands.
fn expected(run: &mut Matcher) -> Result<Vec<String>, MatchError> {
    let legal: Vec<u32> = match run.mask(None) {
        Ok(mask) => mask.iter().collect(),
        // Only token terminals go on from here.
        Err(MatchError::Budget { .. }) => return Ok(vec!["a token".to_owned()]),
        Err(error) => return Err(error),
    };
    let mut literals = Vec::new();
    let mut single = [false; 256];
    for byte in legal {
        let mut text = Vec::new();
        let mut next = Some(byte);
        while let Some(byte) = next {
            run.accept(byte)?;
            text.push(byte as u8);
            let go_on = text.len() < LONGEST && !run.is_complete();
            next = if go_on { run.mask(None)?.only() } else { None };
        }
        run.rollback(text.len())?;
        // A number that is over is not shown with what follows it.
        if text[0].is_ascii_digit() {
            text.truncate(text.iter().take_while(|byte| byte.is_ascii_digit()).count());
        }
        match std::str::from_utf8(&text) {
            Ok(literal) if literal.chars().count() > 1 || !literal.is_ascii() => {
                let more = if text.len() < LONGEST { "" } else { "…" };
                literals.push(format!("`{}{more}`", visible(literal)));
            }
            _ => single[byte as usize] = true,
        }
    }
    let mut parts = kinds(&single);
    parts.extend(literals);
    if run.is_complete() {
        parts.push("the end of the text".to_owned());
    }
    if parts.len() > MOST {
        let more = parts.len() - MOST;
        parts.truncate(MOST);
        parts.push(format!("{more} more"));
    }
    Ok(parts)
}

/// Sets of single bytes in words.
fn kinds(bytes: &[bool; 256]) -> Vec<String> {
    let ascii = |byte: u8| bytes[byte as usize];
    let mut parts = Vec::new();
    let missing: Vec<u8> = (b' '..=b'~').filter(|&byte| !ascii(byte)).collect();
    // More than half of what can be printed: say what is not among it.
    if missing.len() < 40 {
        let any = if ascii(0xC3) { "any character" } else { "any ASCII character" };
        let mut without = ranges(missing.into_iter());
        if !ascii(1) {
            without.push("control characters".to_owned());
        }
        parts.push(if without.is_empty() {
            any.to_owned()
        } else {
            format!("{any} but {}", without.join(" and "))
        });
        return parts;
    }
    parts.extend(ranges((0..=0x7F).filter(|&byte| ascii(byte))));
    if (0xC2..=0xF4).any(ascii) {
        parts.push("a non-ASCII character".to_owned());
    } else if (0x80..=0xBF).any(ascii) {
        parts.push("the rest of a character".to_owned());
    }
    parts
}

/// Bytes in order as ranges.
fn ranges(bytes: impl Iterator<Item = u8>) -> Vec<String> {
    let mut found: Vec<(u8, u8)> = Vec::new();
    for byte in bytes {
        match found.last_mut() {
            // A range stays within letters of a case or digits; other characters stand for themselves.
            Some((_, last)) if *last + 1 == byte && same_kind(*last, byte) => *last = byte,
            _ => found.push((byte, byte)),
        }
    }
    let name = |byte: u8| name(char::from(byte));
    found
        .into_iter()
        .map(|(a, b)| if a == b { name(a) } else { format!("{}-{}", name(a), name(b)) })
        .collect()
}

fn same_kind(a: u8, b: u8) -> bool {
    let kinds = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit, u8::is_ascii_control];
    kinds.iter().any(|kind| kind(&a) && kind(&b))
}

fn name(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        '\n' => "a new line".to_owned(),
        '\t' => "a tab".to_owned(),
        c => format!("`{}`", visible(c.encode_utf8(&mut [0; 4]))),
    }
}

/// The text in one line: what does not print is escaped, quotes and backslashes stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    out
}

/// The first character, if there is a whole one.
fn character(text: &[u8]) -> Option<char> {
    let head = &text[..text.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
    };
    valid.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{gbnf, schema};

    fn refusal(grammar: &str, text: &str) -> Option<(usize, Option<String>, String)> {
        let grammar = Arc::new(gbnf::parse(grammar).unwrap());
        let refusal = explain(grammar, text.as_bytes()).unwrap()?;
        Some((refusal.at, refusal.found, refusal.expected.join(", ")))
    }

    #[test]
    fn a_refusal_says_where_and_what_was_expected() {
        let grammar = r#"root ::= "on" | "off" | [1-9] [0-9]* | "é" "f"?"#;
        let found = |what: &str| Some(what.to_owned());
        assert_eq!(refusal(grammar, "off"), None);
        assert_eq!(refusal(grammar, "x"), Some((0, found("`x`"), "`1`-`9`, `o`, `é`".to_owned())));
        assert_eq!(refusal(grammar, "o"), Some((1, None, "`n`, `ff`".to_owned())));
        assert_eq!(
            refusal(grammar, "12 "),
            Some((2, found("a space"), "`0`-`9`, the end of the text".to_owned()))
        );
        // `è` shares its first byte with `é`; the whole character is named.
        assert_eq!(refusal(grammar, "è"), Some((0, found("`è`"), "`1`-`9`, `o`, `é`".to_owned())));
        let string = r#"root ::= "\"" [^"\\\x00-\x1F]* "\"""#;
        let (at, found, expected) = refusal(string, "\"a\n").unwrap();
        assert_eq!((at, found.as_deref()), (2, Some("a new line")));
        assert_eq!(expected, "any character but `\\` and control characters");
    }

    #[test]
    fn invalid_utf8_is_named_by_its_byte() {
        let grammar = Arc::new(gbnf::parse("root ::= .+").unwrap());
        let refusal = explain(grammar, b"ab\xFF").unwrap().unwrap();
        assert_eq!((refusal.at, refusal.found.as_deref()), (2, Some("the byte 0xFF")));
    }

    #[test]
    fn a_schemas_keys_are_shown_whole() {
        let schema = serde_json::json!({"type": "object", "properties": {"tool": {"enum": ["on", "off"]}, "level":
            {"type": "integer", "minimum": 0, "maximum": 100}}, "required": ["tool", "level"], "additionalProperties": false});
        let grammar = Arc::new(schema::compile(&schema, schema::Options::default()).unwrap().grammar);
        let refusal = |text: &str| explain(grammar.clone(), text.as_bytes()).unwrap().unwrap();
        assert_eq!(refusal("[").expected, [r#"`{"tool":"o`"#]);
        assert_eq!(refusal(r#"{"tool":"on","x":1}"#).expected, [r#"`level":`"#]);
        // Behind a 1 a digit may follow, behind the others only the end.
        assert_eq!(refusal(r#"{"tool":"on","level":x}"#).expected, ["`0`-`9`"]);
    }

    #[test]
    fn places_in_text_and_value() {
        assert_eq!(place("a\nbcé!\nd".as_bytes(), 6), (2, 4, "bcé!".to_owned()));
        assert_eq!(pointer(br#"{"a/b":[1,{"c":"x\"y","d":"#), "/a~1b/1/d");
        assert_eq!(pointer(br#"{"a":1},"#), "");
        assert_eq!(pointer(br#"{"a":[],""#), "");
    }
}
