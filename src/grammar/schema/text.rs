//! JSON strings: every character in exactly one spelling, the one that serialisers write.

use crate::grammar::{Expr, GrammarBuilder, utf8};

/// All characters.
pub(super) const ANY: [(u32, u32); 1] = [(0, 0x10FFFF)];

/// One character of a JSON string.
pub(super) fn character(b: &mut GrammarBuilder, ranges: &[(u32, u32)]) -> Expr {
    let ranges = utf8::normalise(ranges);
    let plain = utf8::intersect(&ranges, &[(0x20, 0x21), (0x23, 0x5B), (0x5D, 0x10FFFF)]);
    let escaped: Vec<String> = (0..0x20u32)
        .chain([0x22, 0x5C])
        .filter(|code| ranges.iter().any(|(lo, hi)| (lo..=hi).contains(&code)))
        .map(|code| match code {
            8 => "\\b".to_owned(),
            9 => "\\t".to_owned(),
            10 => "\\n".to_owned(),
            12 => "\\f".to_owned(),
            13 => "\\r".to_owned(),
            0x22 => "\\\"".to_owned(),
            0x5C => "\\\\".to_owned(),
            code => format!("\\u{code:04x}"),
        })
        .collect();
    let plain = b.chars(&plain);
    if escaped.is_empty() {
        return plain;
    }
    let escaped = b.literals(escaped);
    b.alt(&[plain, escaped])
}

/// A JSON string of so many characters.
pub(super) fn string(b: &mut GrammarBuilder, min: u32, max: Option<u32>) -> Expr {
    let one = character(b, &ANY);
    let all = b.repeat(one, min, max);
    quoted(b, all)
}

/// The inside of a string between quotes.
pub(super) fn quoted(b: &mut GrammarBuilder, inside: Expr) -> Expr {
    let quote = b.literal("\"");
    b.seq(&[quote, inside, quote])
}

/// The JSON text of a string.
pub(super) fn spelled(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The inside of any string that is none of `keys`.
pub(super) fn other_than(b: &mut GrammarBuilder, keys: &[&str]) -> Expr {
    let mut sorted: Vec<Vec<u32>> = keys.iter().map(|key| key.chars().map(u32::from).collect()).collect();
    sorted.sort();
    sorted.dedup();
    let one = character(b, &ANY);
    let any = b.repeat(one, 0, None);
    let any = b.named("any text", any);
    // From the deepest shared beginning outwards, so that no recursion is as deep as a key is long.
    let mut memo: std::collections::HashMap<(usize, usize, usize), Expr> = Default::default();
    let mut work = vec![(0, sorted.len(), 0, false)];
    while let Some((first, last, skip, ready)) = work.pop() {
        let groups: Vec<(u32, usize, usize)> = {
            let mut groups = Vec::new();
            let mut i = first;
            while i < last {
                let Some(&c) = sorted[i].get(skip) else {
                    i += 1;
                    continue;
                };
                let run = sorted[i..last].iter().take_while(|key| key.get(skip) == Some(&c)).count();
                groups.push((c, i, i + run));
                i += run;
            }
            groups
        };
        if !ready {
            work.push((first, last, skip, true));
            work.extend(groups.iter().map(|&(_, from, to)| (from, to, skip + 1, false)));
            continue;
        }
        let ends_here = sorted[first..last].iter().any(|key| key.len() == skip);
        let taken: Vec<(u32, u32)> = groups.iter().map(|&(c, ..)| (c, c)).collect();
        let other = character(b, &utf8::complement(&taken));
        let mut parts = vec![b.seq(&[other, any])];
        if !ends_here {
            parts.push(b.empty());
        }
        for (c, from, to) in groups {
            let step = character(b, &[(c, c)]);
            let rest = memo.remove(&(from, to, skip + 1)).unwrap_or(any);
            parts.push(b.seq(&[step, rest]));
        }
        let body = b.alt(&parts);
        // A rule each keeps expressions flat.
        let call = b.named("another key", body);
        memo.insert((first, last, skip), call);
    }
    memo.remove(&(0, sorted.len(), 0)).unwrap_or(any)
}
