//! Times and conditions: "when the door opens", "at sunset". Nothing here can wait for them yet.

use super::talk::telling;
use super::words::{Word, words};

/// Whether a request is to be carried out at another time, or on a condition. Politeness ("if you can", "when you have a
/// moment"), questions ("tell me if the door is open") and durations ("for ten seconds") are neither. "Tonight" and "tomorrow" are
/// left to the model: they stand in chatter as often as in orders.
pub fn deferred(request: &str) -> bool {
    let words = words(request);
    // "Close the blinds, the sun's not going down till midnight" asks for nothing at midnight.
    let told = telling(request);
    let asked = |at: usize| !told.iter().any(|clause| clause.contains(&words[at].start));
    (0..words.len()).any(|at| condition(&words, at) || (time(&words, at) && asked(at)))
}

fn word(words: &[Word], at: Option<usize>) -> &str {
    at.and_then(|at| words.get(at)).map_or("", |word| word.text.as_str())
}

/// "when the ...", "if it rains", "as soon as somebody ...".
fn condition(words: &[Word], at: usize) -> bool {
    let said = word(words, Some(at));
    let back = |count: usize| word(words, at.checked_sub(count));
    let next = |count: usize| word(words, Some(at + count));
    let runs_on = |at: usize| words.get(at).is_some_and(|word| !word.begins);
    let opens = match said {
        "when" | "if" | "whenever" | "unless" => true,
        "as" => next(1) == "soon" && next(2) == "as",
        "every" | "each" | "next" | "the" if next(1) == "time" => !matches!(next(2), "" | "please"),
        "provided" | "providing" => !matches!(next(1), "" | "by"),
        // "Once the van is in", but neither "once more" nor "flash it once, the lamp".
        "once" => runs_on(at + 1) && is_subject(next(1)),
        "the" if matches!(next(1), "minute" | "moment" | "second" | "instant") => {
            !matches!(back(1), "at" | "for" | "in" | "until") && runs_on(at + 2) && is_subject(next(2))
        }
        _ => false,
    };
    // "when" asks for a time at the very start of a question; "see if", "tell me when" ask as well.
    let asks = matches!(
        back(1),
        "see"
            | "check"
            | "know"
            | "tell"
            | "ask"
            | "say"
            | "wonder"
            | "wondering"
            | "sure"
            | "as"
            | "look"
            | "even"
    ) || (matches!(back(1), "me" | "us")
        && matches!(back(2), "tell" | "show" | "let" | "inform" | "remind"))
        || (at == 0 && said == "when" && matches!(next(1), "is" | "was" | "did" | "will" | "does" | "are"));
    let subject = next(if said == "as" {
        3
    } else if matches!(said, "when" | "if" | "whenever" | "unless") {
        1
    } else {
        2
    });
    let polite = matches!(
        subject,
        "" | "you"
            | "your"
            | "u"
            | "possible"
            | "convenient"
            | "poss"
            | "ready"
            | "need"
            | "needed"
            | "necessary"
            | "so"
            | "not"
            | "any"
            | "at"
            | "that"
            | "thats"
            | "ok"
            | "okay"
            | "able"
            | "they"
            | "them"
    ) || (matches!(subject, "it" | "its") && polite_it(words, at + 2))
        || (matches!(subject, "i" | "we")
            && matches!(
                next(2),
                "may" | "might" | "could" | "can" | "d" | "m" | "am" | "remember" | "recall" | "were"
            ))
        || (matches!(subject, "somebody" | "someone" | "anybody" | "anyone" | "nobody")
            && matches!(next(2), "could" | "would" | "can" | "minds" | "mind"))
        || matches!((subject, next(2)), ("memory", "serves") | ("suits", _));
    let wished = said == "if" && wish(words, at);
    let plain = match said {
        "once" | "provided" | "providing" => true,
        // "The minute it is done", but "the time" as ever.
        "the" => next(1) != "time",
        _ => false,
    };
    opens && !asks && (plain || !polite) && !wished
}

/// What a clause may be about.
fn is_subject(word: &str) -> bool {
    matches!(
        word,
        "the"
            | "my"
            | "our"
            | "i"
            | "we"
            | "he"
            | "she"
            | "it"
            | "they"
            | "everybody"
            | "everyone"
            | "somebody"
            | "someone"
    )
}

/// "it would be lovely (if)", "i'd appreciate it (if)", "it'd help (if)": what follows is wanted, not waited for.
fn wish(words: &[Word], at: usize) -> bool {
    /// Most words of a wish behind its "would": "be ever so very grateful".
    const MOST: usize = 6;
    let said = |at: usize| word(words, Some(at));
    let would = |at: usize| {
        matches!(
            said(at),
            "would" | "should" | "d" | "ll" | "might" | "could" | "really" | "i" | "we" | "all"
        )
    };
    let acts =
        |word: &&str| matches!(*word, "on" | "off" | "open" | "closed" | "shut" | "up" | "down" | "running");
    (at.saturating_sub(MOST)..at).any(|verb| {
        // An act between the wish and the "if" makes it a condition: "i'd like the fan on if it gets hot".
        let between: Vec<&str> = (verb + 1..at).map(said).collect();
        // "A great help to me" is none.
        let to_do = between.iter().enumerate().any(|(k, word)| {
            *word == "to"
                && !matches!(
                    between.get(k + 1),
                    Some(&("me" | "us" | "him" | "her" | "them" | "everybody" | "everyone"))
                )
        });
        let act = to_do || between.iter().any(acts);
        let wished = match said(verb) {
            "be" => !act,
            "appreciate" | "love" | "like" | "prefer" | "welcome" | "enjoy" => {
                between.first() == Some(&"it") && !act
            }
            "feel" => between.len() == 1,
            "help" => !act && matches!(between[..], [] | ["a"] | ["me" | "us" | "them", ..]),
            "please" => matches!(between[..], ["me" | "us"]),
            "sleep" => between == ["better"],
            "mind" => between.is_empty() || between == ["awfully"] || between == ["terribly"],
            _ => false,
        };
        // "It would be nice", "would it be all right", "would you mind".
        let asked = |back: usize| {
            verb.checked_sub(back).is_some_and(|at| would(at) || matches!(said(at), "wouldn" | "do"))
        };
        let turned = verb.checked_sub(1).is_some_and(|at| matches!(said(at), "it" | "that" | "you" | "t"))
            && (asked(2) || asked(3));
        wished && (verb.checked_sub(1).is_some_and(would) || turned)
    })
}

/// "(if) it's no trouble", "it is not too much to ask", "it pleases you".
fn polite_it(words: &[Word], from: usize) -> bool {
    let skip = usize::from(matches!(
        word(words, Some(from)),
        "is" | "s" | "isn" | "wouldn" | "would" | "doesn" | "can"
    ));
    let rest = (from + skip..from + skip + 3).map(|at| word(words, Some(at)));
    rest.into_iter().any(|word| {
        matches!(
            word,
            "no" | "not"
                | "too"
                | "ok"
                | "okay"
                | "fine"
                | "possible"
                | "t"
                | "pleases"
                | "alright"
                | "all"
                | "convenient"
                | "suits"
                | "be"
        )
    })
}

/// "at sunset", "tomorrow", "every morning", "at eight o'clock".
fn time(words: &[Word], at: usize) -> bool {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let said = word(words, Some(at));
    let back = word(words, at.checked_sub(1));
    let next = word(words, Some(at + 1));
    match said {
        "sunset" | "sunrise" | "dawn" | "dusk" | "midnight" | "noon" | "bedtime" | "lunchtime" => {
            matches!(back, "at" | "by" | "from" | "after" | "before" | "until" | "till" | "around")
        }
        "every" | "each" => {
            matches!(
                next,
                "day"
                    | "morning"
                    | "evening"
                    | "night"
                    | "hour"
                    | "week"
                    | "weekday"
                    | "weekend"
                    | "month"
                    | "afternoon"
            ) || DAYS.contains(&next)
        }
        // "The 2 o'clock group" is one.
        "clock" => {
            let which = matches!(word(words, at.checked_sub(3)), "the" | "our" | "my" | "this");
            let runs_on = words.get(at + 1).is_some_and(|after| !after.begins && after.text.len() > 3);
            back == "o" && !(which && runs_on)
        }
        // "At half past two", "from 14:30".
        "half" | "quarter" => matches!(back, "at" | "by" | "from") && matches!(next, "past" | "to"),
        _ if matches!(back, "at" | "by" | "from") && clock(words, at) => true,
        "pm" | "am" => back.starts_with(|c: char| c.is_ascii_digit()),
        "later" => matches!(next, "on" | "today" | "this"),
        _ => DAYS.contains(&said) && matches!(back, "on" | "next" | "by" | "this"),
    }
}

/// "14:30".
fn clock(words: &[Word], at: usize) -> bool {
    let digits =
        |word: &Word, most: usize| word.text.len() <= most && word.text.bytes().all(|c| c.is_ascii_digit());
    words.get(at).zip(words.get(at + 1)).is_some_and(|(hour, minute)| {
        digits(hour, 2)
            && digits(minute, 2)
            && minute.text.len() == 2
            && minute.begins
            && minute.start == hour.end + 1
    })
}

#[cfg(test)]
mod tests {
    use super::deferred;

    #[test]
    fn conditions_and_times_are_told_from_politeness() {
        for request in [
            "close the awning if it starts raining",
            "Switch on the porch lamp when somebody comes in.",
            "whenever the baby cries, lights on",
            "as soon as the film starts dim the lamp",
            "unless it is raining open the window",
            "every time the bell rings flash the lamp",
            "shut the gate once the last van is in",
            "the minute they are out, lock the door",
            "pump on provided the tank is full",
            "lights on at sunset",
            "heat the hall every morning",
            "fan on at 8 pm",
            "start the saw at half past two",
            "lights off at 22:15",
            "wake the camera at six o'clock",
            "turn off the heater later today",
            "feed them on friday",
            "it would be good to close the roof if it rains",
            "i'd like the fan on if it gets hot",
            "would it be possible to open the roof if it gets hot",
            "would you close the gate if the cows come",
        ] {
            assert!(deferred(request), "{request}");
        }
        for request in [
            "turn on the lamp if you can",
            "if it's no trouble, lights off",
            "if it isn't too much to ask, open the gate",
            "when you have a sec, saw off please",
            "if i may, dim the lamp",
            "tell me if the door is open",
            "check if the pump is on",
            "let me know when it is",
            "lamp on, ten seconds later off",
            "on for ten seconds",
            "set it to half, past two it may rest",
            "log it: 22:15, all quiet",
            "blink once every second",
            "flash it once, the porch lamp",
            "off for the moment the pump",
            "the fan rattles all the time you know, turn it off",
            "close all the blinds, the sun's not going down till midnight",
            "say over the tannoy the 2 o'clock group should meet by the trailer",
            "if somebody could get the lights, I'm holding two boxes",
            "if nobody minds the fan could go off",
            "I should be so grateful if the candles could be lit",
            "it would help me a great deal if every light were on",
            "I'd sleep better if the store were locked",
            "open the gate whenever suits you, now would be fine",
            "i was wondering if you might tell me the temperature",
            "make sure the lamp is off",
            "open the gate if possible",
            "if you'd be so kind, fan to 30",
            "we leave tomorrow, so heater off",
            "it'd be lovely if the blinds were closed",
            "I'd be happy if the blue lamp could come on now.",
            "sorry, but I would really appreciate it if the shutter were open",
            "we'd all be ever so grateful if the pump was off",
            "it would help if somebody opened the gate",
            "Would it be all right if the turntable were brought round to 60 degrees?",
            "It would be a great help to me if the hood fan could go up by 25 percent",
            "We'd appreciate it awfully if the water pump could be switched off now.",
            "would you mind if the lamp was dimmed",
            "wouldn't it be nice if the lights were on",
        ] {
            assert!(!deferred(request), "{request}");
        }
    }
}
