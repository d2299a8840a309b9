//! Any bytes as a GBNF grammar (behind a 0) or a JSON Schema: refused, or a walk under its masks ends within its
//! budget. The last 16 bytes choose the walk.

use std::sync::Arc;

use pintail::grammar::{Limits, Matcher, TokenTrie, gbnf, schema};

const BUDGET: usize = 64;

/// Whether it was taken for a grammar.
pub fn run(data: &[u8]) -> bool {
    let Some((&kind, data)) = data.split_first() else { return false };
    let (source, walk) = data.split_at(data.len().saturating_sub(16));
    let Ok(source) = std::str::from_utf8(source) else { return false };
    let grammar = if kind == 0 {
        gbnf::parse(source).ok()
    } else {
        schema::parse(source).ok().map(|known| known.grammar)
    };
    let Some(grammar) = grammar else { return false };
    let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
    let limits = Limits { states: 1 << 20, ..Limits::default() };
    let Ok(mut matcher) = Matcher::with_limits(Arc::new(grammar), trie, limits) else { return true };
    if matcher.needed() > BUDGET {
        return true;
    }
    for (at, left) in (1..=BUDGET).rev().enumerate() {
        let Ok(mask) = matcher.mask(Some(left)) else { return true };
        let legal: Vec<u32> = mask.iter().collect();
        if legal.is_empty() {
            break;
        }
        let choice = walk.get(at % 16).map_or(0, |byte| usize::from(*byte) + at);
        let token = legal[choice % legal.len()];
        if matcher.accept(token).is_err() {
            return true; // the memory limit
        }
        assert!(matcher.needed() < left, "the text cannot end within its budget");
    }
    true
}
