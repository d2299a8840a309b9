//! Readings of one request beside each other: where the model was close to another answer, and which one is best.

use crate::decode::Decoded;
use crate::link::{Link, Mark, quotes};
use crate::prompt::pintail::{Piece, Pointers, Token};
use crate::prompt::{Argument, Step, Turn};
use crate::tool::Call;

/// One reading of a request beside others.
pub(super) struct Candidate {
    /// Which look at the request it is from, and so whose pointers the answer is written in.
    pub look: usize,
    pub decoded: Decoded,
    pub answer: Vec<Piece>,
    /// What the answer comes to; several answers may come to the same.
    pub calls: Vec<Call>,
    /// Of the whole answer among all legal ones.
    pub probability: f64,
    /// Mentions of the request that it makes nothing of.
    pub unused: usize,
    /// Choices that it takes and that no word of the request was linked to.
    pub unsaid: usize,
    /// Texts that it copies and that end within a clause of which nothing else is used.
    pub cut: usize,
    /// Whether it acts on what was named only beside a word that may tell of something else.
    pub strange: bool,
    /// Whether it does the contrary of a word that was said.
    pub contrary: bool,
}

/// Other readings are looked at where the model gave the runner-up at least this probability ...
const RIVAL: f32 = 0.04;
/// ... at so many places at most, the closest first.
const MOST_RIVALS: usize = 5;
/// How much less likely a reading is held to be for each mention that it makes nothing of. "Everything off in the
/// kitchen" that leaves the kitchen out is a worse reading than the model may think.
const UNUSED: f64 = 0.15;
/// And for each choice of a tool's that no word stands for.
const UNSAID: f64 = 0.3;
/// And for each text that is cut short: the note of "note: calf 14 has a cough" is not "calf 14".
const CUT: f64 = 0.3;
/// And where all that it acts on was named beside a word that may tell of something else: nobody has moved the table saw by asking for
/// the band saw.
const STRANGE: f64 = 0.2;
/// And where it does the contrary of what a word says.
const CONTRARY: f64 = 0.1;

impl Candidate {
    /// Beginnings of other answers: this one up to a close decision, then the runner-up; and their probabilities.
    pub fn openings(&self) -> Vec<(Vec<u32>, f64)> {
        let mut openings = Vec::new();
        let mut before = 1.0;
        for step in &self.decoded.steps {
            if step.runner_up >= RIVAL && step.rival != step.token {
                let mut opening = self.decoded.tokens[..step.at].to_vec();
                opening.push(step.rival);
                openings.push((opening, before * f64::from(step.runner_up)));
            }
            before *= f64::from(step.probability);
        }
        openings.sort_by(|a, b| b.1.total_cmp(&a.1));
        openings.truncate(MOST_RIVALS);
        openings
    }
}

/// The readings, best first, and how sure the best one is beside the others and all that was not looked at. Readings that
/// come to the same calls count together.
pub(super) fn ranked(mut readings: Vec<Candidate>) -> (Vec<Candidate>, f64) {
    let weight = |reading: &Candidate| {
        let faults = UNUSED.powi(reading.unused as i32)
            * UNSAID.powi(reading.unsaid as i32)
            * CUT.powi(reading.cut as i32)
            * if reading.strange { STRANGE } else { 1.0 }
            * if reading.contrary { CONTRARY } else { 1.0 };
        reading.probability * faults
    };
    let seen: f64 = readings.iter().map(|reading| reading.probability).sum();
    let all: f64 = readings.iter().map(weight).sum::<f64>() + (1.0 - seen).max(0.0);
    // Of equal ones the later, which the model looked at because the earlier was close to it.
    readings.reverse();
    let together =
        |calls: &[Call]| readings.iter().filter(|other| other.calls == calls).map(weight).sum::<f64>();
    let shares: Vec<f64> = readings.iter().map(|reading| together(&reading.calls)).collect();
    let mut order: Vec<usize> = (0..readings.len()).collect();
    order.sort_by(|&a, &b| {
        shares[b].total_cmp(&shares[a]).then_with(|| weight(&readings[b]).total_cmp(&weight(&readings[a])))
    });
    let best = order.first().map_or(0.0, |&at| shares[at]);
    let mut readings: Vec<Option<Candidate>> = readings.into_iter().map(Some).collect();
    let readings = order.iter().filter_map(|&at| readings[at].take()).collect();
    (readings, if all > 0.0 { best / all } else { 0.0 })
}

/// The links with the pointers of what they mark; numbers count along the request.
fn pointed<'t>(turn: &'t Turn<'_>, pointers: &Pointers) -> Vec<(&'t Link, Vec<Token>)> {
    let mut numbers = 0_usize;
    let mut pointer = |mark: &Mark| match mark {
        Mark::Number(_) => {
            numbers += 1;
            u8::try_from(numbers - 1).ok().map(Token::Number)
        }
        Mark::Tool(tool) => pointers.tool(*tool),
        mark => pointers.mark(mark),
    };
    turn.links.iter().map(|link| (link, link.marks.iter().filter_map(&mut pointer).collect())).collect()
}

fn holds(answer: &[Piece], tokens: &[Token]) -> bool {
    answer.iter().any(|piece| matches!(piece, Piece::Token(token) if tokens.contains(token)))
}

/// How many choices an answer takes that no word of the request was linked to.
pub(super) fn unsaid(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> usize {
    let marks = || turn.links.iter().flat_map(|link| &link.marks).filter_map(|mark| pointers.mark(mark));
    let taken = |piece: &&Piece| match piece {
        Piece::Token(token @ Token::Value(_)) => !marks().any(|mark| mark == *token),
        _ => false,
    };
    answer.iter().filter(taken).count()
}

/// Whether an answer points at a device or kind that all its mentions tell of strangely.
pub(super) fn strange(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> bool {
    answer.iter().any(|piece| {
        let Piece::Token(token @ (Token::Device(_) | Token::Kind(_))) = piece else { return false };
        let mut mentions = turn
            .links
            .iter()
            .filter(|link| link.marks.iter().any(|mark| pointers.mark(mark) == Some(*token)))
            .peekable();
        mentions.peek().is_some() && mentions.all(|link| link.strange)
    })
}

/// Words, what is not done by one who says them, and the words beside which it may be ("the lamp went off, turn it on").
const CONTRARIES: &[(&str, &[Token], &str)] = &[
    ("off", &[Token::On], "on start starts run runs go going up back use need needs"),
    ("open opened unlock", &[Token::Close], "close closed shut lock locked down"),
    ("close shut lock", &[Token::Open], "open opened unlock unlocked up"),
    ("dim brighten darken", &[Token::On, Token::Off, Token::Toggle], "on off out start stop kill toggle"),
];

/// What is done to devices, but for reading them.
const MOVING: &[Token] = &[
    Token::On,
    Token::Off,
    Token::Toggle,
    Token::SetLevel,
    Token::Up,
    Token::Down,
    Token::Open,
    Token::Close,
    Token::Stop,
    Token::SetValue,
    Token::Blink,
];

/// Words without which nobody asks for a state.
const ASKING: &str = "what what's whats which how how's hows who where when why is isn't are aren't was were does do did has have hasn't \
    haven't any anything check tell know see say says show shows report read reading give whether if look status state confirm verify wonder \
    current currently still temperature level value measure measured get got about listen hear update news";

/// Words of wishes that are put as questions ("could you ...", "would you mind ...", "any chance of ...").
const WISHING: &str = "could can would will mind chance possible kind kindly";
/// What is wished for, in them.
const WISHED: &str = "turn turning turned switch switching switched put putting open opening opened unlock unlocking close closing closed \
    shut shutting lock locking start starting stop stopping raise raising lower lowering dim dimming kill killing light lighting";
/// Words that ask, in them.
const WISHING_TO_KNOW: &str = "tell telling check checking see know say read show look report whether if is are was were ask find how what";

/// Whether an answer does the contrary of a word that was said outside of names, or reads where there is to be done.
pub(super) fn contrary(turn: &Turn<'_>, answer: &[Piece]) -> bool {
    let mut outside = String::new();
    let mut at = 0;
    for link in &turn.links {
        outside.push_str(&turn.request[at..link.start.max(at)]);
        outside.push(' ');
        at = link.end.max(at);
    }
    outside.push_str(&turn.request[at..]);
    let outside = outside.to_lowercase();
    let words: Vec<&str> = outside.split(|c: char| !c.is_alphanumeric() && c != '\'').collect();
    let said = |list: &str| list.split(' ').any(|word| words.contains(&word));
    let read = holds(answer, &[Token::Read]);
    let moved = holds(answer, MOVING);
    let read_beside = read && moved && !said(ASKING);
    let read_instead = read && !moved && said(WISHING) && said(WISHED) && !said(WISHING_TO_KNOW);
    read_beside
        || read_instead
        || CONTRARIES
            .iter()
            .any(|(words, tools, beside)| holds(answer, tools) && said(words) && !said(beside))
}

/// Words that may follow a text that is copied and belong to nothing.
const COURTESY: &str =
    "please pls plz thanks thank thx you now ok okay then will would can could for me us cheers ta dear if";

/// How many texts an answer copies that end within a clause whose rest serves nothing.
pub(super) fn cut(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece], steps: &[Step]) -> usize {
    let request = turn.request;
    let texts: Vec<&str> = steps
        .iter()
        .filter_map(|step| match step {
            Step::User { arguments, .. } => Some(arguments),
            _ => None,
        })
        .flatten()
        .filter_map(|argument| match argument {
            Some(Argument::Text(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let links = pointed(turn, pointers);
    let is_cut = |text: &&&str| {
        let Some(end) = request.find(**text).map(|at| at + text.len()) else { return false };
        let rest = &request[end..];
        let mut length = rest.find(|c: char| ",;:!?.()\"“”«»\n—–".contains(c)).unwrap_or(rest.len());
        if steps.len() > 1 {
            let next = [" and ", " then "].iter().filter_map(|word| rest[..length].find(word)).min();
            length = next.unwrap_or(length);
        }
        let idle = rest[..length]
            .split_whitespace()
            .all(|word| COURTESY.split(' ').any(|known| word.eq_ignore_ascii_case(known)));
        let served = links
            .iter()
            .filter(|(link, _)| link.end > end && link.start < end + length)
            .any(|(_, tokens)| holds(answer, tokens));
        let other = texts.iter().any(|other| other != *text && rest[..length].contains(other));
        !idle && !served && !other
    };
    texts.iter().filter(is_cut).count()
}

/// How many mentions (devices, areas, kinds, choices, numbers, quotations) an answer points at with none of their marks and
/// does not copy either.
pub(super) fn unused(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> usize {
    let copied =
        |said: &str| answer.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(said)));
    let linked = |at: &std::ops::Range<usize>| {
        turn.links.iter().any(|link| link.start < at.end && at.start < link.end)
    };
    let quoted = quotes(turn.request)
        .into_iter()
        .filter(|at| !linked(at) && !copied(&turn.request[at.clone()].to_lowercase()))
        .count();
    let unused = |(link, tokens): &(&Link, Vec<Token>)| {
        // A word that only hints at a tool need not end in anything.
        let hint = link.marks.iter().all(|mark| matches!(mark, Mark::Tool(_)));
        let said = &turn.request[link.start..link.end];
        !hint && !tokens.is_empty() && !holds(answer, tokens) && !copied(&said.to_lowercase())
    };
    let links = pointed(turn, pointers).iter().filter(|link| unused(link)).count();
    links + quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Device;
    use crate::decode::Ending;
    use crate::prompt::pintail::encode;
    use crate::prompt::{Param, ParamKind, Scene, Selector, Tool};
    use crate::tool::Builtin;

    fn scene() -> Scene {
        let text = Param { name: "text".into(), kind: ParamKind::Text { max_length: 80 }, required: true };
        let note = Tool::User {
            name: "note".into(),
            description: "write a note for the vet".into(),
            parameters: vec![text],
        };
        let tools =
            [Builtin::On, Builtin::Off, Builtin::Open, Builtin::Close, Builtin::Read].map(Tool::Builtin);
        let devices = vec![
            Device::of_kind("table saw", "relay", None),
            Device::of_kind("red lamp", "light", None),
            Device::of_kind("shutter", "shutter", None),
        ];
        Scene::new(tools.into_iter().chain([note]).collect(), devices)
    }

    fn answered<T>(request: &str, steps: &[Step], with: impl Fn(&Turn<'_>, &Pointers, &[Piece]) -> T) -> T {
        let scene = scene();
        let turn = Turn::new(&scene, request);
        let pointers = Pointers::new(&scene, None);
        with(&turn, &pointers, &encode(&turn, &pointers, steps).unwrap())
    }

    fn acts(tool: Builtin, device: usize) -> [Step; 1] {
        [Step::Devices { tool, down: false, selectors: vec![Selector::Device(device)], amounts: Vec::new() }]
    }

    fn notes(text: &str) -> [Step; 1] {
        [Step::User { tool: 0, arguments: vec![Some(Argument::Text(text.to_owned()))] }]
    }

    #[test]
    fn a_thing_beside_a_word_of_another_is_strange() {
        let on = acts(Builtin::On, 0);
        assert!(answered("band saw on", &on, strange));
        assert!(!answered("table saw on", &on, strange));
        assert!(!answered("the band saw and the table saw on", &on, strange));
    }

    #[test]
    fn a_text_that_ends_within_a_clause_is_cut() {
        let is_cut = |request: &str, text: &str| {
            let steps = notes(text);
            answered(request, &steps, |turn, pointers, answer| cut(turn, pointers, answer, &steps)) > 0
        };
        assert!(is_cut("note: calf 14 has a cough", "calf 14"));
        assert!(!is_cut("note: calf 14 has a cough", "calf 14 has a cough"));
        assert!(!is_cut("note calf 14 please", "calf 14"));
        assert!(!is_cut("write lame ewe for the vet", "lame ewe"));
    }

    #[test]
    fn a_quotation_that_is_not_copied_is_unused() {
        let left = |text: &str| answered(r#"note "lame ewe, top field" now"#, &notes(text), unused);
        assert_eq!((left("lame ewe, top field"), left("note")), (0, 1));
    }

    #[test]
    fn more_numbers_than_pointers_are_no_harm() {
        let request = format!("note {} now", "7 ".repeat(300));
        let count = answered(&request, &notes("now"), unused);
        assert!(count > 12, "{count}");
        let steps = notes("7");
        answered(&request, &steps, |turn, pointers, answer| cut(turn, pointers, answer, &steps));
    }

    #[test]
    fn the_contrary_of_a_word() {
        let is = |request: &str, tool, device| {
            answered(request, &acts(tool, device), |turn, _, answer| contrary(turn, answer))
        };
        assert!(is("saw off", Builtin::On, 0) && !is("saw off", Builtin::Off, 0));
        assert!(
            is("open the shutter", Builtin::Close, 2) && !is("shutter open? close it", Builtin::Close, 2)
        );
        assert!(is("dim the red lamp", Builtin::On, 1) && !is("it is dim, red lamp on", Builtin::On, 1));
        assert!(!is("the saw went off, turn it on", Builtin::On, 0));
    }

    #[test]
    fn a_wish_is_no_question() {
        let read = |request: &str| {
            answered(request, &acts(Builtin::Read, 2), |turn, _, answer| contrary(turn, answer))
        };
        assert!(read("would you mind closing the shutter") && read("any chance of the shutter opening?"));
        assert!(!read("could you tell me if the shutter is open") && !read("is the shutter open"));
        let both = [acts(Builtin::On, 1), acts(Builtin::Read, 0)].concat();
        let beside = |request: &str| answered(request, &both, |turn, _, answer| contrary(turn, answer));
        assert!(beside("red lamp on please, I am cutting with the saw"));
        assert!(!beside("red lamp on and how is the saw"));
    }

    #[test]
    fn readings_that_come_to_the_same_count_together() {
        let reading = |probability: f64, tool: &str| Candidate {
            look: 0,
            decoded: Decoded { tokens: Vec::new(), steps: Vec::new(), forced: 0, ending: Ending::Complete },
            answer: Vec::new(),
            calls: vec![Call { tool: tool.into(), arguments: serde_json::Map::new() }],
            probability,
            unused: 0,
            unsaid: 0,
            cut: 0,
            strange: false,
            contrary: false,
        };
        let (best, confidence) = ranked(vec![reading(0.4, "read"), reading(0.3, "on"), reading(0.3, "on")]);
        assert_eq!(best[0].calls[0].tool, "on");
        assert!((confidence - 0.6).abs() < 1e-9);
    }
}
