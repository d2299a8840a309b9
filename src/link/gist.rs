//! What is asked, without the talk around it.

use std::ops::Range;

use super::words::{Word, among, words};
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

/// Words by which a clause of talk is about another time or about whether something is done at all.
const ASKING_AFTER: &str =
    "except but without until till before after then instead unless if when cancel later tomorrow";

/// Words that stand for what was named before.
const STANDING_IN: &str = "it them that those these this one ones both";

/// What belongs to a verb before it.
const PARTICLES: &str = "it them that those these in out back away up down on off open shut";

/// Who a clause of talk is about, as its first word.
const TALKING_OF: &str = "i we my our it they he she there the one nobody this that";

/// Verbs whose object may be the request.
const WISHING: &str =
    "want wanted wants say said says told tell asked ask think wish like need mean meant hope prefer let";

/// The words of one clause, as a range of places among the request's.
type Clause = Range<usize>;

fn clauses(words: &[Word]) -> Vec<Clause> {
    let mut starts: Vec<usize> = (0..words.len()).filter(|&at| at == 0 || words[at].begins).collect();
    starts.push(words.len());
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// The part of a request from its first acting word or mention of a device, place or kind to its last one or number, when there
/// is such a mention and other words (two at least) stand around the part that do not change what is asked. "Would somebody be
/// so kind as to `switch the fan off`? I can hardly sleep." Clauses at the ends that mention nothing are talk, whatever
/// their words are: "`curtain shut`, the neighbours are out".
pub fn gist(request: &str, links: &[Link]) -> Option<Range<usize>> {
    let thing = |link: &&Link| {
        link.marks.iter().any(|mark| matches!(mark, Mark::Device(_) | Mark::Area(_) | Mark::Kind(_)))
    };
    let number = |link: &&Link| link.marks.iter().any(|mark| matches!(mark, Mark::Number(_)));
    links.iter().find(thing)?;
    let words = words(request);
    let within = |link: &Link, at: usize| link.start <= words[at].start && words[at].end <= link.end;
    let linked = |at: usize| links.iter().any(|link| within(link, at));
    let clauses = clauses(&words);
    let asked = |clause: &&Clause| {
        let mut places = (*clause).clone();
        let mentions = places.clone().any(|at| links.iter().filter(thing).any(|link| within(link, at)));
        // "Turn it off", "for ten minutes".
        let acts = (*clause).clone().any(|at| among(ACTING, &words[at].text));
        let stands_in = acts && (*clause).clone().any(|at| among(STANDING_IN, &words[at].text));
        let amount =
            clause.len() <= 4 && places.any(|at| links.iter().filter(number).any(|link| within(link, at)));
        mentions || stands_in || amount
    };
    let (from, to) = (clauses.iter().find(asked)?.start, clauses.iter().rfind(asked)?.end);
    let kept = |at: usize| linked(at) || among(ACTING, &words[at].text);
    let first = (from..to).find(|&at| kept(at))?;
    let mut last = (from..to).rfind(|&at| kept(at))?;
    // "Roll it in" is not "roll".
    while last + 1 < to && among(PARTICLES, &words[last + 1].text) && !words[last + 1].begins {
        last += 1;
    }
    // What is told of somebody turns nothing: "I can't see a thing".
    let told = |clause: &Clause| {
        let mut all = clause.clone();
        (clause.end <= from || clause.start >= to)
            && among(TALKING_OF, &words[clause.start].text)
            && !all.any(|at| among(WISHING, &words[at].text) || among(ASKING_AFTER, &words[at].text))
    };
    let talk: Vec<usize> = clauses.iter().filter(|clause| told(clause)).flat_map(Clone::clone).collect();
    let outside = (0..words.len()).filter(|at| *at < first || *at > last);
    let around: Vec<usize> = outside.filter(|at| !talk.contains(at)).collect();
    // "I was wondering" asks nothing.
    let wondering = words[..first].windows(2).any(|two| two[0].text == "i" && two[1].text == "was");
    let asks = around
        .iter()
        .filter(|&&at| at < first)
        .any(|&at| among(ASKING, &words[at].text) && !(wondering && words[at].text == "was"));
    // "Sorry to trouble you, but ..." turns nothing either.
    let sorry = |at: usize| words[at].text == "but" && words[at].begins && at < first;
    let turns = asks || around.iter().any(|&at| among(TURNING, &words[at].text) && !sorry(at));
    let left_out = words.len() - (last + 1 - first);
    (left_out >= 2 && last > first && !turns && !deferred(request))
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
        assert_eq!(said("curtain shut, the neighbours are out"), "");
        assert_eq!(
            said("dear me, would you mind closing the awning? I've got my slippers on"),
            "closing the awning"
        );
        assert_eq!(
            said("I can't see a thing any more; would you turn up the fan to 30?"),
            "turn up the fan to 30"
        );
        assert_eq!(
            said("the awning is too far out, roll it in please, it's windy"),
            "awning is too far out, roll it in"
        );
        assert_eq!(
            said("fan on for us, for ten minutes, it's stuffy in here"),
            "fan on for us, for ten minutes"
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
            "I don't want you to, so no: the fan off",
            "we said never, turn the fan on",
            "the fan on please, but not before we are gone",
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
