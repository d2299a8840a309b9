//! What of the words that a reading copies is the argument: "the chapel hall" books "chapel hall", "Mrs Lister's here" lets "Mrs Lister" in.

use super::span::Sort;

/// Verbs behind which a sentence goes on about a person.
const VERBS: &str = "is isn't isn’t are aren't aren’t was wasn't wasn’t were has hasn't hasn’t have had got gets did does doesn't \
    doesn’t didn't didn’t will won't won’t can't can’t wants wanted needs needed asked came";
/// Words behind the "'s" of "has" and "is".
const HAS: &str = "here just got had been finished gone arrived in out back off on coming going not asked asking wanting after turned \
    done eaten taken borrowed borrowing bringing brought left lost found come called calling ready running having getting waiting up down now";

/// An argument of a text parameter: the words that were copied, without the article before the name of a thing and, where somebody is asked for,
/// without the verb behind the name and all that follows it. What is to be said or written stays as it is, and so does what stands in quotation
/// marks. `text` is a part of `request`; no text that holds a letter is trimmed to nothing.
pub fn trimmed<'t>(param: &str, text: &'t str, request: &str) -> &'t str {
    let sort = Sort::of(param);
    let (before, behind) = request.split_once(text).unwrap_or_default();
    if sort == Sort::Said || before.ends_with(['"', '\'', '“', '‘', '«']) {
        return text;
    }
    let text = if sort == Sort::Person { person(text, behind) } else { text };
    let opens = before.trim_end().is_empty() || before.trim_end().ends_with(['.', '!', '?', ':']);
    unarticled(text, opens && sort != Sort::Title)
}

/// The words before the verb of a sentence about somebody; `behind` is how the request goes on.
fn person<'t>(text: &'t str, behind: &str) -> &'t str {
    let next = behind.split_whitespace().next().unwrap_or("");
    let words: Vec<&str> = text.split_whitespace().collect();
    let place = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    for (at, word) in words.iter().enumerate() {
        if at > 0 && holds(VERBS, bare(word)) {
            let last = words[at - 1];
            return &text[..place(last) + last.len()];
        }
        let owner = bare(word).strip_suffix("'s").or_else(|| bare(word).strip_suffix("’s"));
        if let Some(owner) = owner.filter(|owner| !owner.is_empty())
            && holds(HAS, bare(words.get(at + 1).unwrap_or(&next)))
        {
            return &text[..place(owner) + owner.len()];
        }
    }
    text
}

/// A word without the signs beside it.
fn bare(word: &str) -> &str {
    word.trim_matches([',', '.', ';', ':', '!', '?'])
}

/// A text without its article; a capital one only where `opens`, that is where every word would have a capital. A sentence keeps it.
fn unarticled(text: &str, opens: bool) -> &str {
    const MOST: usize = 6;
    let Some((first, rest)) = text.split_once(' ') else { return text };
    let article = match first {
        "the" | "a" | "an" => true,
        _ => opens && matches!(first, "The" | "A" | "An"),
    };
    let words = || rest.split_whitespace();
    if !article
        || words().next().is_none()
        || words().count() > MOST
        || words().any(|word| holds(VERBS, word))
    {
        text
    } else {
        rest.trim_start()
    }
}

/// Whether a list has a word, in whatever case.
fn holds(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_and_persons_go_without_what_only_carries_them() {
        for (param, text, request, wanted) in [
            (
                "plant",
                "the string of pearls",
                "log that the string of pearls has been fed",
                "string of pearls",
            ),
            ("job", "a full service", "book in Sarah for a full service", "full service"),
            ("party_name", "The Night Owls", "The Night Owls want the hall", "Night Owls"),
            ("guest", "Mr Okafor's here", "Mr Okafor's here, check him in", "Mr Okafor"),
            ("dog", "Poppy's", "Poppy's had her walk, 25 minutes", "Poppy"),
            ("patientName", "Ingrid has an allergy", "note Ingrid has an allergy", "Ingrid"),
            ("visitor", "the Patels", "the Patels are here", "Patels"),
        ] {
            assert_eq!(trimmed(param, text, request), wanted, "{request}");
        }
    }

    #[test]
    fn what_is_said_written_or_called_so_stays() {
        for (param, text, request) in [
            ("message", "the tank is empty", "tell them the tank is empty"),
            ("title", "The Mustard Seed", "record The Mustard Seed"),
            ("title", "The Archers", "The Archers please"),
            ("label", "a lamp in the window", "call it \"a lamp in the window\""),
            ("item", "the gate is stuck", "add the gate is stuck"),
            ("customer", "Tom's Fish Bar", "book Tom's Fish Bar in"),
            ("customer", "Mary's", "an order from Mary's for two"),
            ("name", "the", "call it the"),
            ("name", "Is", "call it Is"),
        ] {
            assert_eq!(trimmed(param, text, request), text, "{request}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_said_a_part_of_it_is_left(param in ".{0,12}", text in "[a-z’' éTA.,]{1,20}", rest in ".{0,10}") {
            let request = format!("{text}{rest}");
            let kept = trimmed(&param, &text, &request);
            proptest::prop_assert!(text.contains(kept));
            proptest::prop_assert!(text.trim().is_empty() || !kept.trim().is_empty());
        }
    }
}
