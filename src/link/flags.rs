//! How yes-or-no questions are answered in passing: "no rush" says that something is not urgent, "two lattes to go" that they are taken away.

use super::words::stem;

/// What flags are called, what says yes to them, and what says no.
struct Answers {
    names: &'static [&'static str],
    yes: &'static [&'static str],
    no: &'static [&'static str],
}

const URGENT: Answers = Answers {
    names: &["urgent", "rush", "express", "important", "priority", "emergency", "asap"],
    yes: &[
        "asap",
        "straight away",
        "right away",
        "at once",
        "pronto",
        "chop chop",
        "can't wait",
        "cannot wait",
        "immediately",
        "this minute",
        "hurry up",
        "make it quick",
        "in a hurry",
        "must hurry",
        "it matters",
        "emergency",
        "urgent",
        "urgently",
        "as soon as possible",
    ],
    no: &[
        "no rush",
        "no hurry",
        "no panic",
        "no great rush",
        "no great hurry",
        "not urgent",
        "nothing urgent",
        "isn't urgent",
        "not in a hurry",
        "isn't in a hurry",
        "take your time",
        "in your own time",
        "when you get a minute",
        "when you get a chance",
        "can wait",
        "doesn't matter",
        "not important",
        "nothing important",
    ],
};

const ANSWERS: &[Answers] = &[
    URGENT,
    Answers {
        names: &["takeaway", "takeout", "to go", "carryout"],
        yes: &[
            "to go",
            "take away",
            "takes away",
            "taking it away",
            "taking them away",
            "taking away",
            "take out",
            "takeout",
            "carry out",
            "to take with",
        ],
        no: &[
            "eat in",
            "eating in",
            "eats in",
            "sit in",
            "sitting in",
            "for here",
            "drinking in",
            "dine in",
            "dining in",
            "having it here",
            "eating here",
            "in house",
        ],
    },
    Answers {
        names: &["paid", "settled", "prepaid"],
        yes: &["settled", "paid", "payed", "paid up", "paid for", "settled up"],
        no: &[
            "still to pay",
            "to pay",
            "owes",
            "hasn't paid",
            "has not paid",
            "haven't paid",
            "unpaid",
            "to be paid",
            "on the slate",
            "on tick",
            "on account",
            "will pay",
            "pays later",
            "pay later",
        ],
    },
    Answers {
        names: &["dog", "dogs", "pet", "pets"],
        yes: &[
            "dog",
            "dogs",
            "pet",
            "pets",
            "puppy",
            "pup",
            "spaniel",
            "labrador",
            "terrier",
            "whippet",
            "collie",
            "poodle",
            "dachshund",
            "retriever",
            "greyhound",
            "hound",
            "cockapoo",
            "pooch",
        ],
        no: &[],
    },
    Answers {
        names: &["fragile", "breakable", "careful"],
        yes: &[
            "glass",
            "handle with care",
            "careful",
            "delicate",
            "breakable",
            "they'll break",
            "it'll break",
        ],
        no: &["nothing breakable", "unbreakable", "sturdy", "won't break"],
    },
    Answers {
        names: &["colour", "color"],
        yes: &["in colour", "in color", "full colour", "full color"],
        no: &["black and white", "b w", "mono", "black only", "greyscale", "grayscale"],
    },
    Answers {
        names: &["loop", "repeat", "looped"],
        yes: &["over and over", "round and round", "on repeat", "keep repeating", "on a loop", "on loop"],
        no: &["only once", "just once", "just the once"],
    },
    Answers {
        names: &["cash"],
        yes: &["coins", "in notes", "cash"],
        no: &["card", "transfer", "contactless"],
    },
    Answers {
        names: &["card"],
        yes: &["card", "contactless", "plastic"],
        no: &["cash", "coins", "in notes"],
    },
    Answers {
        names: &["first time", "first visit", "new", "newcomer", "new client", "new customer"],
        yes: &[
            "first time",
            "first visit",
            "never been",
            "newcomer",
            "brand new",
            "new face",
            "new here",
            "first timer",
        ],
        no: &[
            "regular",
            "been before",
            "was here before",
            "not new",
            "old hand",
            "not the first time",
            "knows the ropes",
        ],
    },
    Answers {
        names: &["free", "complimentary"],
        yes: &["gratis", "complimentary", "on the house", "for nothing", "no charge", "free of charge"],
        no: &["they pay", "full price"],
    },
    Answers {
        names: &["silent", "quiet", "quietly", "gentle", "gently", "softly"],
        yes: &["quietly", "no notification", "without a ping", "without a sound", "softly", "gently", "hush"],
        no: &["loud", "loudly", "out loud"],
    },
    Answers {
        names: &["loud", "loudly"],
        yes: &["loud", "loudly", "full blast", "at full volume", "good and loud"],
        no: &["quiet", "quietly", "softly", "soft", "keep it down"],
    },
    Answers {
        names: &["chime", "bell", "beep", "beeps", "gong", "jingle", "ding"],
        yes: &["bing bong", "ding", "ding dong", "chime", "bell", "beep", "jingle", "gong"],
        no: &["silently", "without a sound"],
    },
    Answers {
        names: &["wake", "wake me", "alarm"],
        yes: &["wake me", "get me up", "wake us", "get us up"],
        no: &["let me sleep", "let us sleep"],
    },
    Answers {
        names: &["private", "confidential"],
        yes: &[
            "between us",
            "between ourselves",
            "in confidence",
            "keep it quiet",
            "nobody else",
            "for my eyes",
        ],
        no: &["for all", "for everyone", "for everybody"],
    },
    Answers { names: &["twice"], yes: &["two times", "twice"], no: &["once", "only once"] },
    Answers {
        names: &["deliver", "delivery", "delivered"],
        yes: &[
            "deliver",
            "delivered",
            "delivery",
            "drop it off",
            "drop them off",
            "bring them to",
            "bring it to",
            "dropped off",
            "to the door",
        ],
        no: &[
            "fetch",
            "collect",
            "collecting",
            "collects",
            "pick it up",
            "pick them up",
            "picking it up",
            "picking them up",
            "pick up",
            "picking up",
        ],
    },
    Answers {
        names: &["collect", "collection", "pickup", "pick up"],
        yes: &[
            "fetch",
            "collect",
            "collecting",
            "collects",
            "pick it up",
            "pick them up",
            "picking it up",
            "picking them up",
            "picking up",
        ],
        no: &["deliver", "delivered", "delivery", "drop it off", "drop them off", "dropped off"],
    },
    Answers {
        names: &["vegetarian", "veggie", "vegan"],
        yes: &["veggie", "vegetarian", "vegan", "no meat", "meat free", "meatless", "without meat"],
        no: &["with meat"],
    },
    Answers {
        names: &["gift", "present", "gift wrap", "gift wrapped", "wrap", "wrapped"],
        yes: &[
            "a present",
            "a gift",
            "gift wrapped",
            "gift wrap",
            "wrap it",
            "wrap them",
            "wrapped up",
            "for a present",
        ],
        no: &["unwrapped"],
    },
    Answers {
        names: &["child", "kid", "junior", "children", "kids"],
        yes: &["child", "children", "kid", "kid's", "kids", "kiddies", "junior"],
        no: &["adult", "adults", "grown up", "grown ups"],
    },
    Answers {
        names: &["member"],
        yes: &["member", "in the club", "has joined"],
        no: &["hasn't joined", "not in the club", "non member"],
    },
    Answers {
        names: &["split", "shared", "share"],
        yes: &["split it", "between us", "shared", "going halves"],
        no: &[],
    },
    Answers {
        names: &["shuffle", "random"],
        yes: &["mixed up", "mix it up", "mix them up", "in any order"],
        no: &["in order"],
    },
    Answers {
        names: &["return", "both ways", "round trip"],
        yes: &["there and back", "return", "round trip", "and back", "both ways"],
        no: &["one way", "single"],
    },
    Answers {
        names: &["wheelchair", "accessible", "step free"],
        yes: &["wheelchair", "ramp", "can't do steps", "can't do stairs"],
        no: &[],
    },
    Answers {
        names: &["outdoors", "outside", "terrace", "outdoor"],
        yes: &["outside", "outdoors", "terrace", "in the garden", "in the sun"],
        no: &["inside", "indoors", "in the warm"],
    },
    Answers {
        names: &["indoors", "inside", "indoor"],
        yes: &["inside", "indoors", "in the warm"],
        no: &["outside", "outdoors", "terrace", "in the garden"],
    },
    Answers { names: &["sugar", "sweet"], yes: &["sweetened", "sweet"], no: &["unsweetened"] },
    Answers { names: &["decaf"], yes: &["decaffeinated", "without caffeine"], no: &["with caffeine"] },
    Answers { names: &["stereo"], yes: &["stereo", "two channels"], no: &["mono", "single channel"] },
];

/// Words that deny what follows within two words.
const DENYING: &[&str] = &[
    "no", "not", "non", "without", "never", "minus", "skip", "nae", "isn't", "don't", "doesn't", "won't",
    "hasn't", "wasn't", "neither",
];

/// What a request says to a flag of this name, if it says anything: by the name itself, by what denies it, or by what people say instead.
pub fn answered(flag: &str, request: &str) -> Option<bool> {
    let words = said(request);
    let name = super::spoken(flag).to_lowercase();
    let own = ANSWERS.iter().find(|answers| answers.names.contains(&&*name));
    let holds = |phrases: &[&str]| phrases.iter().any(|phrase| place(&words, &said(phrase)).is_some());
    if own.is_some_and(|own| holds(own.no)) {
        return Some(false);
    }
    let yes = own.map_or(&[] as &[&str], |own| own.yes).iter().map(|phrase| said(phrase));
    let named = std::iter::once(said(&name));
    let at = named.chain(yes).find_map(|phrase| place(&words, &phrase))?;
    let denied = words[at.saturating_sub(2)..at].iter().any(|word| DENYING.contains(&word.as_str()));
    Some(!denied)
}

/// Lower-case words; hyphens part them.
fn said(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('’', "'");
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Where a phrase begins among the words; its last word may have another ending.
fn place(words: &[String], phrase: &[String]) -> Option<usize> {
    let (last, first) = phrase.split_last()?;
    words.windows(phrase.len()).position(|window| {
        let (end, start) = window.split_last().expect("a phrase has words");
        start == first && (end == last || (last.len() > 3 && stem(end) == stem(last)))
    })
}

#[cfg(test)]
mod tests {
    use super::answered;

    #[test]
    fn what_is_said_in_passing_answers() {
        for (flag, request, said) in [
            ("urgent", "my pills are low, no rush", Some(false)),
            ("urgent", "get the vet out, can't wait", Some(true)),
            ("rush", "it is not a rush job", Some(false)),
            ("takeaway", "half a dozen flapjacks to go for Big Kev", Some(true)),
            ("takeaway", "one oat flat white, she's sitting in", Some(false)),
            ("chime", "Do the bing-bong and then \"no chalk bags on the mats, please\"", Some(true)),
            ("chime", "no chime, just let the taproom know", Some(false)),
            ("queen_seen", "hive 3, queen seen, five frames", Some(true)),
            ("queen_seen", "hive 3, five frames", None),
            ("double_sided", "forty copies, A4", None),
            ("dog", "and they've a whippet with them", Some(true)),
            ("dog", "we travel without our dog", Some(false)),
            ("first_time", "brand new client", Some(true)),
            ("", "anything", None),
        ] {
            assert_eq!(answered(flag, request), said, "{flag}: {request}");
        }
    }
}
