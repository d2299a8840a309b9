//! What is asked, without the talk around it.

use std::ops::Range;

use super::words::{Word, words};
use super::{Link, Mark, deferred};

/// Words that act: verbs of switching, moving, setting and asking, and the particles behind them.
const ACTING: &str = "on off up down out open close shut lock unlock turn switch put set dim raise lower bring start stop \
    run kill blink flash pulse toggle flip read measure pull draw roll wind push increase decrease \
    reduce brighten darken activate deactivate enable disable power fade crank bump opened closed locked \
    unlocked switched turned raised lowered dimmed turning switching opening closing shutting setting \
    putting locking unlocking raising lowering dimming starting stopping";

/// Words that change what is asked; where one of them would be left out, nothing is. Words end at an apostrophe: the `t` is of
/// "don't".
const TURNING: &str = "t dont doesnt cant wont isnt arent wasnt not never no nobody without but except until till before \
    after said says told wanted asked then instead stay leave keep cancel yesterday tomorrow later every \
    nothing nor neither avoid forget refuse forbid forbidden imagine pretend hate";

/// Words that make a question of what follows them.
const ASKING: &str = "why who how which whether what whats is are was were did does";

fn among(list: &str, word: &Word) -> bool {
    list.split_whitespace().any(|known| known == word.text)
}

/// The part of a request from its first acting word or mention of a device, place or kind to its last one or number, when there
/// is such a mention and other words (two at least) stand around the part that do not change what is asked. "Would somebody be
/// so kind as to `switch the fan off`? I can hardly sleep."
pub fn gist(request: &str, links: &[Link]) -> Option<Range<usize>> {
    let thing = |link: &&Link| {
        link.marks.iter().any(|mark| matches!(mark, Mark::Device(_) | Mark::Area(_) | Mark::Kind(_)))
    };
    links.iter().find(thing)?;
    let words = words(request);
    let linked =
        |at: usize| links.iter().any(|link| link.start <= words[at].start && words[at].end <= link.end);
    let kept = |at: usize| linked(at) || among(ACTING, &words[at]);
    let first = (0..words.len()).find(|&at| kept(at))?;
    let last = (0..words.len()).rfind(|&at| kept(at))?;
    let (front, back) = (&words[..first], &words[last + 1..]);
    let outside = || front.iter().chain(back);
    // "I was wondering" asks nothing.
    let wondering = front.windows(2).any(|two| two[0].text == "i" && two[1].text == "was");
    let asks = front.iter().any(|word| among(ASKING, word) && !(wondering && word.text == "was"));
    let turns = asks || outside().any(|word| among(TURNING, word));
    (outside().count() >= 2 && last > first && !turns && !deferred(request))
        .then(|| words[first].start..words[last].end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Device;
    use crate::link::Index;

    fn gist_of(request: &str) -> Option<String> {
        let devices = [Device::of_kind("fan", "fan", None), Device::of_kind("awning", "awning", None)];
        let index = Index::new(&devices, &["fan".into(), "awning".into()], &[], &[], &[]);
        gist(request, &index.links(request)).map(|range| request[range].to_owned())
    }

    #[test]
    fn talk_is_left_out() {
        let said = |text| gist_of(text).unwrap_or_default();
        assert_eq!(
            said("Would somebody be so kind as to switch the fan off? I can hardly sleep."),
            "switch the fan off"
        );
        assert_eq!(said("I think the cat would love it if the awning was closed"), "awning was closed");
        assert_eq!(said("hello dear machine, the fan to 30 percent. Thanks a million"), "fan to 30 percent");
        assert_eq!(
            said("would somebody please switch the fan off? The noise is terrible"),
            "switch the fan off"
        );
        assert_eq!(said("I was wondering if you could open the awning"), "open the awning");
        assert_eq!(said("it would be super nice of you to put the awning out for us"), "put the awning out");
    }

    #[test]
    fn what_turns_the_sense_is_not() {
        for text in [
            "switch the fan off",
            "please switch the fan off",
            "tom said to switch the fan off, but I said no",
            "don't you dare switch the fan off now",
            "what a lovely day for the garden",
            "leave it alone, it is fine: fan on",
            "forget about switching the fan on today",
            "imagine the fan on all night long",
            "was it you who left the fan on",
            "open the awning for me when it gets hot",
        ] {
            assert_eq!(gist_of(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(words in proptest::collection::vec("fan|awning|on|off|not|[a-zé'.,? ]{0,8}|\\PC{0,4}", 0..12)) {
            let text = words.join(" ");
            if let Some(part) = gist_of(&text) {
                proptest::prop_assert!(text.contains(&part));
            }
        }
    }
}
