use super::*;
use crate::grammar::schema::decimal::{Decimal, is_multiple, within};
use crate::grammar::schema::step::{Step, multiples};
use crate::grammar::{Matcher, TokenTrie};
use proptest::prelude::*;
use std::sync::Arc;

fn bound(text: &str, inclusive: bool) -> Bound {
    Bound { at: Decimal::read(&text.parse().unwrap()).unwrap(), inclusive }
}

proptest! {
    #[test]
    fn a_range_holds_exactly_its_numbers(
        low in prop::option::of((-2000i64..2000, any::<bool>(), 0u32..3)),
        high in prop::option::of((-2000i64..2000, any::<bool>(), 0u32..3)),
        kind in 0..3,
        tries in prop::collection::vec((-2100i64..2100, 0u32..4), 40),
    ) {
        let spell = |n: i64, places: u32| -> String {
            let unit = 10i64.pow(places);
            let sign = if n < 0 { "-" } else { "" };
            match places {
                0 => format!("{n}"),
                _ => format!("{sign}{}.{:0w$}", n.abs() / unit, n.abs() % unit, w = places as usize),
            }
        };
        let end = |end: &Option<(i64, bool, u32)>| end.map(|(n, i, p)| bound(&spell(n, p), i));
        let (lo, hi) = (end(&low), end(&high));
        let mut b = GrammarBuilder::new();
        let body = match kind {
            0 => range(&mut b, lo.as_ref(), hi.as_ref(), false),
            1 => range(&mut b, lo.as_ref(), hi.as_ref(), true),
            _ => fractions(&mut b, lo.as_ref(), hi.as_ref()),
        };
        let root = b.rule("root");
        b.define(root, body);
        let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
        let run = b.build(root).ok().map(|g| Matcher::new(Arc::new(g), trie).unwrap());
        let mut tries = tries;
        tries.extend(low.map(|(n, _, p)| (n, p)).into_iter().chain(high.map(|(n, _, p)| (n, p))));
        for (n, places) in tries {
            let text = spell(n, places);
            let value = Decimal::read(&text.parse().unwrap()).unwrap();
            let wanted = within(&value, lo.as_ref(), hi.as_ref())
                && (kind != 1 || places == 0)
                && (kind != 2 || !value.is_integer())
                && !(n == 0 && text.starts_with('-'));
            let found = run.as_ref().is_some_and(|run| run.matches(text.as_bytes()));
            prop_assert_eq!(found, wanted, "{} in {:?} {:?}", text, low, high);
        }
    }
}

#[test]
fn multiples_of_steps() {
    for (size, places) in [(7, 0), (25, 0), (5, 1), (25, 2), (3, 1)] {
        let step = Step { size, places };
        let mut b = GrammarBuilder::new();
        let body = multiples(&mut b, step, true, true, true);
        let root = b.rule("root");
        b.define(root, body);
        let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
        let run = Matcher::new(Arc::new(b.build(root).unwrap()), trie).unwrap();
        let of: Decimal = step.value(1).unwrap();
        for n in -3000i64..3000 {
            let text = Step { size: 1, places: 2 }.spell(n.into());
            let at = Decimal::read(&text.parse().unwrap()).unwrap();
            let wanted = is_multiple(&at, &of).unwrap();
            assert_eq!(run.matches(text.as_bytes()), wanted, "{text} of {size}/10^{places}");
        }
        assert!(!run.matches(b"07") && !run.matches(b"-0") && !run.matches(b"0."));
    }
}
