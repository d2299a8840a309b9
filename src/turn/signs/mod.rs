//! What speaks for or against a reading, whatever the model makes of it: mentions that nothing is made of, choices that nobody made, texts cut short,
//! acts that no word asks for, how it is built.

mod numbers;
mod shape;
mod texts;
mod tools;

use std::ops::Range;

use crate::link::{Link, Mark, Unit, quotes, telling};
use crate::prompt::pintail::{Piece, Pointers, Token};
use crate::prompt::span::TextSpans;
use crate::prompt::weights::Weights;
use crate::prompt::{Selector, Step, Turn};
use crate::tool::Builtin;

use numbers::misplaced;
pub(super) use numbers::named_numbers;
use shape::shape;
use texts::{shared, surprise, swallowed};
use tools::{
    Answers, Heard, Unmeant, affirmed, denied, flags_answered, heard, questioned, uncounted, undone, unmeant,
};

/// What each sign is worth, in nats: fitted by `training/weigh.py`, a conditional logistic regression, each beside the others. The names are those
/// of [`Signs::each`] and of [`shape`].
const WEIGHTS: Weights = Weights::new(include_str!("../../../models/signs.tsv"));

/// The weight of a sign.
pub(super) fn weight(sign: &str) -> f64 {
    f64::from(WEIGHTS.of(sign))
}

/// Counts of what speaks against a reading, and how it is built.
#[derive(Clone, Debug, Default)]
pub(super) struct Signs {
    /// Mentions of the request that it makes nothing of: "everything off in the kitchen" that leaves the kitchen out.
    pub unused: usize,
    /// Numbers that it makes nothing of: twenty lattes are not one.
    pub dropped: usize,
    /// Numbers that it makes use of twice.
    pub doubled: usize,
    /// Choices that it takes and that no word of the request was linked to.
    pub unsaid: usize,
    /// Texts that hold a mention or number which the answer points at as well, or another request behind "and".
    pub swallowed: usize,
    /// Texts that hold a number which a parameter left out would take: "6 tins" where the tool counts.
    pub uncounted: usize,
    /// It acts on what was named only beside a word that may tell of something else: nobody has moved the table saw by asking for
    /// the band saw.
    pub strange: usize,
    /// It does the contrary of what a word says.
    pub contrary: usize,
    /// Yes-or-no parameters that are denied where nothing is denied.
    pub denied: usize,
    /// Those that are answered though nothing of their names or what people say for them was said.
    pub flagged: usize,
    /// Those that are left out though something was said, ...
    pub unanswered: usize,
    /// ... and those that are answered otherwise.
    pub gainsaid: usize,
    /// Acts after the first that no word asks for: "open the flap for Bertha" does not switch her lamp.
    pub silent: usize,
    /// It refuses.
    pub refuses: usize,
    /// Acts on devices none of which, nor their kind or place, was mentioned.
    pub unmentioned: usize,
    /// Calls of tools of which nothing was said.
    pub unhinted: usize,
    /// By how many words others are nearer than the tools that are called.
    pub nearer: usize,
    /// Optional parameters that are left out.
    pub skipped: usize,
    /// Texts that hold a word of their tool's or parameter's name.
    pub titled: usize,
    /// Words of the request that have to do with nothing of what it does, three at most.
    pub untold: usize,
    /// "Both" was said, and it acts on two of nothing.
    pub unpaired: usize,
    /// Numbers for another parameter than the one that is named beside them: the table of "table 12 for five" is not 5.
    pub misplaced: usize,
    /// Calls that put something somewhere though the request takes it away.
    pub undone: usize,
    /// Yes-or-no parameters that are denied though their whole names are said.
    pub affirmed: usize,
    /// Texts that are copied out of a question.
    pub questioned: usize,
    /// It acts on something of a kind or of a place, of which there is none there: the "bathroom light" of a bathroom with a towel rail.
    pub absent: usize,
    /// How unlikely the texts are by the words at their edges, in nats ([`span`](crate::prompt::span)).
    pub surprise: f64,
    /// How unlikely the tools are that it calls, in nats ([`intent`](crate::prompt::intent)), ...
    pub mistaken: f64,
    /// ... that a tool is called at all, ...
    pub uncalled: f64,
    /// ... and that none is.
    pub overheard: f64,
    /// Texts of one call that hold words of each other.
    pub shared: usize,
    /// How it is built.
    pub shape: Vec<String>,
}

impl Signs {
    /// What speaks against an answer to a turn.
    pub fn of(spans: &TextSpans<'_>, pointers: &Pointers, answer: &[Piece], steps: &[Step]) -> Signs {
        let turn = spans.turn;
        let addressed: Vec<Vec<usize>> = steps.iter().filter_map(|step| step.devices(turn.scene)).collect();
        let (unused, dropped) =
            if steps.is_empty() { (0, 0) } else { unused(turn, pointers, answer, &addressed) };
        let links = pointed(turn, pointers);
        let held = links.iter().filter(|(_, tokens)| holds(answer, tokens));
        let held = held.map(|(link, _)| &turn.request[link.start..link.end]);
        let Heard { unhinted, nearer, skipped, titled, untold } = heard(turn, held, steps);
        let Answers { flagged, unanswered, gainsaid } = flags_answered(turn, steps);
        let Unmeant { mistaken, uncalled, overheard } = unmeant(spans.intent(), steps);
        Signs {
            unused,
            dropped,
            doubled: doubled(answer),
            unsaid: unsaid(turn, pointers, answer),
            swallowed: swallowed(turn, pointers, answer, steps),
            uncounted: uncounted(turn, steps),
            strange: usize::from(strange(turn, pointers, answer)),
            contrary: usize::from(contrary(turn, answer)),
            denied: denied(turn, steps),
            flagged,
            unanswered,
            gainsaid,
            silent: silent(turn, steps),
            refuses: usize::from(steps.is_empty()),
            unmentioned: unmentioned(turn, steps),
            unhinted,
            nearer,
            skipped,
            titled,
            untold,
            unpaired: usize::from(unpaired(turn, steps, &addressed)),
            misplaced: misplaced(turn, steps),
            undone: undone(turn, steps),
            affirmed: affirmed(turn, steps),
            questioned: questioned(turn, steps),
            absent: usize::from(absent(turn, &addressed)),
            surprise: surprise(spans, steps),
            mistaken,
            uncalled,
            overheard,
            shared: shared(steps),
            shape: shape(turn, pointers, answer, steps),
        }
    }

    /// The signs that are there, by their names, and how often.
    pub fn each(&self) -> impl Iterator<Item = (&str, f64)> {
        let counts = [
            ("unused", self.unused),
            ("dropped", self.dropped),
            ("doubled", self.doubled),
            ("unsaid", self.unsaid),
            ("swallowed", self.swallowed),
            ("uncounted", self.uncounted),
            ("strange", self.strange),
            ("contrary", self.contrary),
            ("denied", self.denied),
            ("flagged", self.flagged),
            ("unanswered", self.unanswered),
            ("gainsaid", self.gainsaid),
            ("silent", self.silent),
            ("refuses", self.refuses),
            ("unmentioned", self.unmentioned),
            ("unhinted", self.unhinted),
            ("nearer", self.nearer),
            ("skipped", self.skipped),
            ("titled", self.titled),
            ("untold", self.untold),
            ("unpaired", self.unpaired),
            ("misplaced", self.misplaced),
            ("undone", self.undone),
            ("affirmed", self.affirmed),
            ("questioned", self.questioned),
            ("absent", self.absent),
            ("shared", self.shared),
        ];
        let counts = counts.into_iter().map(|(name, count)| (name, count as f64));
        let shape = self.shape.iter().map(|name| (name.as_str(), 1.0));
        let nats = [
            ("surprise", self.surprise),
            ("mistaken", self.mistaken),
            ("uncalled", self.uncalled),
            ("overheard", self.overheard),
        ];
        counts.chain(nats).filter(|(_, count)| *count != 0.0).chain(shape)
    }

    /// What all of them are worth, in nats: by how much more likely a reading with these signs is right than the model holds it to be.
    pub fn weight(&self) -> f64 {
        self.each().map(|(sign, count)| weight(sign) * count).sum()
    }
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

/// Whether an answer acts on devices of a kind or a place that stand beside each other in the request, where no device is both.
fn absent(turn: &Turn<'_>, addressed: &[Vec<usize>]) -> bool {
    /// Words between a kind and its place.
    const LEADING: &[&str] = &["in", "in the", "on the", "at the", "on in the", "off in the"];
    let kind = |link: &Link| match link.marks[..] {
        [Mark::Kind(kind)] => Some(kind),
        _ => None,
    };
    let area = |link: &Link| {
        link.marks.iter().find_map(|mark| match mark {
            Mark::Area(area) => Some(*area),
            _ => None,
        })
    };
    let scene = turn.scene;
    turn.links.windows(2).any(|pair| {
        let between = turn.request.get(pair[0].end..pair[1].start).unwrap_or("?").trim().to_lowercase();
        let (things, place) = match &*between {
            "" => (&pair[1], &pair[0]),
            between if LEADING.contains(&between) => (&pair[0], &pair[1]),
            _ => return false,
        };
        let (Some(kind), Some(area)) = (kind(things), area(place)) else { return false };
        let is = |at: usize| {
            let device = &scene.devices[at];
            (scene.kind_of(device) == Some(kind), scene.area_of(device) == Some(area))
        };
        !(0..scene.devices.len()).any(|at| is(at) == (true, true))
            && addressed.iter().flatten().any(|&at| is(at) != (false, false))
    })
}

fn holds(answer: &[Piece], tokens: &[Token]) -> bool {
    answer.iter().any(|piece| matches!(piece, Piece::Token(token) if tokens.contains(token)))
}

/// How many choices an answer takes that no word of the request was linked to.
fn unsaid(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> usize {
    let marks = || turn.links.iter().flat_map(|link| &link.marks).filter_map(|mark| pointers.mark(mark));
    let taken = |piece: &&Piece| match piece {
        Piece::Token(token @ Token::Value(_)) => !marks().any(|mark| mark == *token),
        _ => false,
    };
    answer.iter().filter(taken).count()
}

/// Whether an answer points at a device or kind that all its mentions tell of strangely.
fn strange(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> bool {
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
    ("brighter dimmer louder quieter warmer cooler faster slower", &[Token::Read], ASKING),
    ("lock unlock", &[Token::On, Token::Off], "on off start stop kill run turn switch toggle power"),
    ("blink flash", &[Token::On, Token::Off], "on off start stop kill run turn switch power out"),
    ("out", &[Token::Close], "close closed shut lock locked down in pull draw"),
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

/// What of a request stands outside of mentions, in lower case.
fn outside(turn: &Turn<'_>) -> String {
    let mut outside = String::new();
    let mut at = 0;
    for link in &turn.links {
        outside.push_str(&turn.request[at..link.start.max(at)]);
        outside.push(' ');
        at = link.end.max(at);
    }
    outside.push_str(&turn.request[at..]);
    outside.to_lowercase()
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').collect()
}

/// Verbs that come to something with "on" or "off" only.
const TURNING: &str = "turn put switch get stick pop flick flip knock";

/// The contrary of what a request asks for with one of them: "put the lights on out in the yard" puts nothing out. Where more is said, "on" may
/// only tell a place: "turn the lamp on the porch off".
fn turned(words: &[&str]) -> Option<Token> {
    let at = words.iter().position(|word| TURNING.split(' ').any(|verb| verb == *word))?;
    let behind = &words[at..];
    let said = |particle: &str| behind.iter().position(|word| *word == particle);
    match (said("on"), said("off"), said("out")) {
        (Some(on), None, out) if out.is_none_or(|out| out == on + 1) => Some(Token::Off),
        (None, Some(_), None) => Some(Token::On),
        _ => None,
    }
}

/// Whether an answer turns things either on or off, not some on and some off.
fn one_way(answer: &[Piece]) -> bool {
    !(holds(answer, &[Token::On]) && holds(answer, &[Token::Off]))
}

/// Whether an answer does the contrary of a word that was said outside of names, or reads where there is to be done.
fn contrary(turn: &Turn<'_>, answer: &[Piece]) -> bool {
    let outside = outside(turn);
    let words = words(&outside);
    let said = |list: &str| list.split(' ').any(|word| words.contains(&word));
    let read = holds(answer, &[Token::Read]);
    let moved = holds(answer, MOVING);
    let read_beside = read && moved && !said(ASKING);
    let read_instead = read && !moved && said(WISHING) && said(WISHED) && !said(WISHING_TO_KNOW);
    let turned = turned(&words).is_some_and(|contrary| holds(answer, &[contrary]) && one_way(answer));
    read_beside
        || read_instead
        || turned
        || CONTRARIES
            .iter()
            .any(|(words, tools, beside)| holds(answer, tools) && said(words) && !said(beside))
}

/// Whether what a mention means is what some step acts on, whichever way that was pointed at: "both mics" all devices of the kind.
fn met(turn: &Turn<'_>, link: &Link, addressed: &[Vec<usize>]) -> bool {
    let scene = turn.scene;
    let all_are = |is: &dyn Fn(usize) -> bool| {
        addressed.iter().any(|devices| !devices.is_empty() && devices.iter().all(|&at| is(at)))
    };
    let mut named = link.devices().peekable();
    let each =
        named.peek().is_some() && named.all(|at| addressed.iter().any(|devices| devices.contains(&at)));
    each || link.marks.iter().any(|mark| match mark {
        Mark::Kind(kind) => all_are(&|at| scene.kind_of(&scene.devices[at]) == Some(*kind)),
        Mark::Area(area) => all_are(&|at| scene.area_of(&scene.devices[at]) == Some(*area)),
        _ => false,
    })
}

/// Whether "both" was said outside of what is copied and no act is on two devices, nor are two of the acts on one each.
fn unpaired(turn: &Turn<'_>, steps: &[Step], addressed: &[Vec<usize>]) -> bool {
    let request = turn.request.to_lowercase();
    let said = words(&request).contains(&"both");
    let copied = texts::texts(steps).any(|text| words(&text.to_lowercase()).contains(&"both"));
    said && !copied
        && !addressed.is_empty()
        && addressed.len() != 2
        && !addressed.iter().any(|devices| devices.len() == 2)
}

/// How many mentions (devices, areas, kinds, choices, numbers, quotations) an answer points at with none of their marks and
/// does not copy either, but for those in clauses that tell why; and how many numbers.
fn unused(
    turn: &Turn<'_>,
    pointers: &Pointers,
    answer: &[Piece],
    addressed: &[Vec<usize>],
) -> (usize, usize) {
    let copied =
        |said: &str| answer.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(said)));
    let linked = |at: &Range<usize>| turn.links.iter().any(|link| link.start < at.end && at.start < link.end);
    let quoted = quotes(turn.request)
        .into_iter()
        .filter(|at| !linked(at) && !copied(&turn.request[at.clone()].to_lowercase()))
        .count();
    let told = telling(turn.request);
    let unused = |(link, tokens): &(&Link, Vec<Token>)| {
        // A word that only hints at a tool need not end in anything.
        let hint = link.marks.iter().all(|mark| matches!(mark, Mark::Tool(_)));
        let said = &turn.request[link.start..link.end];
        let passed = told.iter().any(|clause| clause.start <= link.start && link.end <= clause.end);
        // "Fully", "all the way": of a blind that is no amount.
        let whole = matches!(link.marks[..], [Mark::Number(number)] if number.unit == Unit::Percent && number.value == 100.0);
        let moved = whole && holds(answer, &[Token::Open, Token::Close]);
        !hint
            && !passed
            && !moved
            && !tokens.is_empty()
            && !holds(answer, tokens)
            && !met(turn, link, addressed)
            && !copied(&said.to_lowercase())
    };
    let links = pointed(turn, pointers);
    let (numbers, others): (Vec<_>, Vec<_>) = links
        .iter()
        .filter(|link| unused(link))
        .partition(|(link, _)| matches!(link.marks[..], [Mark::Number(_)]));
    (others.len() + quoted, numbers.len())
}

/// How many numbers an answer points at more than once.
fn doubled(answer: &[Piece]) -> usize {
    let numbers = |piece: &Piece| match piece {
        Piece::Token(Token::Number(number)) => Some(*number),
        _ => None,
    };
    let mut all: Vec<u8> = answer.iter().filter_map(numbers).collect();
    all.sort_unstable();
    all.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).count()
}

/// How many acts are on devices by name of which nothing was mentioned: not them, nor their kind or place.
fn unmentioned(turn: &Turn<'_>, steps: &[Step]) -> usize {
    let scene = turn.scene;
    let said = |mark: Mark| turn.links.iter().any(|link| link.marks.contains(&mark));
    let mentioned = |at: usize| {
        let device = &scene.devices[at];
        said(Mark::Device(at))
            || scene.kind_of(device).is_some_and(|kind| said(Mark::Kind(kind)))
            || scene.area_of(device).is_some_and(|area| said(Mark::Area(area)))
    };
    let unmentioned = |step: &&Step| match step {
        Step::Devices { selectors, .. } => selectors
            .iter()
            .all(|selector| matches!(selector, Selector::Device(device) if !mentioned(*device))),
        _ => false,
    };
    steps.iter().filter(unmentioned).count()
}

/// Words that ask for each sort of act.
const ASKED: &[(&[Builtin], &str)] = &[
    (
        &[Builtin::On],
        "on start starts started run running power powered activate enable fire light lit boot wake up engage go going set \
        play warm heat fill use want need lights",
    ),
    (
        &[Builtin::Off],
        "off stop stops kill cut shut down out end quit disable silence mute rest done enough no without away",
    ),
    (&[Builtin::Toggle], "toggle flip switch change other swap"),
    (&[Builtin::Open], "open opened opening up raise unlock undo out lift release roll pull uncover"),
    (&[Builtin::Close], "close closed closing shut down lower lock draw cover secure seal in roll pull"),
    (&[Builtin::Blink], "blink flash flicker pulse wink times twice once strobe signal"),
    (&[Builtin::Stop], "stop halt hold freeze there"),
];

/// How many acts after the first no word outside of mentions asks for.
fn silent(turn: &Turn<'_>, steps: &[Step]) -> usize {
    let outside = outside(turn);
    let words = words(&outside);
    let mut before: Vec<Builtin> = Vec::new();
    let mut count = 0;
    for step in steps {
        let Step::Devices { tool, .. } = step else { continue };
        let asked = ASKED.iter().find(|(tools, _)| tools.contains(tool));
        if let Some((_, list)) = asked
            && !before.is_empty()
            && !before.contains(tool)
            && !list.split_whitespace().any(|word| words.contains(&word))
        {
            count += 1;
        }
        before.push(*tool);
    }
    count
}

#[cfg(test)]
mod tests;
