//! Sentence templates: `(a|b|)` alternatives, which nest, and `{slot}`s.

use super::rng::Rng;

/// Writes a template out: one alternative of each group, each slot by `fill`. `None` when a slot is not to be had.
pub(super) fn expand(
    rng: &mut Rng,
    template: &str,
    fill: &mut dyn FnMut(&mut Rng, &str) -> Option<String>,
) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['(', '{']) {
        out.push_str(&rest[..at]);
        let open = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        if open == b'{' {
            let end = rest.find('}')?;
            out.push_str(&fill(rng, &rest[..end])?);
            rest = &rest[end + 1..];
            continue;
        }
        let (mut depth, mut start, mut end) = (0, 0, None);
        let mut alternatives = Vec::new();
        for (i, c) in rest.char_indices() {
            match c {
                '(' => depth += 1,
                '|' if depth == 0 => {
                    alternatives.push(&rest[start..i]);
                    start = i + 1;
                }
                ')' if depth == 0 => {
                    alternatives.push(&rest[start..i]);
                    end = Some(i);
                    break;
                }
                ')' => depth -= 1,
                // A slot may hold bars of its own.
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
        }
        let chosen = *rng.pick(&alternatives);
        out.push_str(&expand(rng, chosen, fill)?);
        rest = &rest[end? + 1..];
    }
    out.push_str(rest);
    Some(out)
}

/// One space between words, none at the ends or before commas.
pub(super) fn tidy(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.replace(" ,", ",").replace(",,", ",").replace(" ?", "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_nest_and_slots_are_filled() {
        let mut rng = Rng::new(1);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..100 {
            let text = expand(&mut rng, "a (b|c (d|e)|) {x}", &mut |_, slot| Some(slot.to_uppercase()));
            seen.insert(tidy(&text.unwrap()));
        }
        let mut seen: Vec<_> = seen.into_iter().collect();
        seen.sort();
        assert_eq!(seen, ["a X", "a b X", "a c d X", "a c e X"]);
        assert_eq!(expand(&mut rng, "{x}", &mut |_, _| None), None);
        assert_eq!(expand(&mut rng, "(a|b", &mut |_, _| None), None, "an open group is no sentence");
    }
}
