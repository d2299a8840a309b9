//! A scene and a request as pieces: control tokens and plain text.

use std::ops::Range;

use crate::board::{Capabilities, Device, Direction};
use crate::link::{Correction, Link, Mark, Number, Unit, corrections, spoken};
use crate::prompt::{Param, ParamKind, Scene, Tool, Turn};
use crate::tool::Builtin;

use super::token::{MOST_AREAS, MOST_DEVICES, MOST_KINDS, MOST_NUMBERS, MOST_TOOLS, MOST_VALUES, Token};

/// A piece of a prompt. Texts are encoded one by one, without looking for control tokens in them.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A control token.
    Token(Token),
    /// Plain text.
    Text(String),
}

/// Which pointer stands for which device, area, kind, tool or choice. At run time they count from the
/// first, and from another one where a request is read a second time; training shuffles them so that every pointer's embedding learns to
/// be just a pointer.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointers {
    /// Slot of each device; `None`: it is not in this prompt.
    pub devices: Vec<Option<u8>>,
    /// Slots of areas.
    pub areas: Vec<Option<u8>>,
    /// Slots of kinds.
    pub kinds: Vec<Option<u8>>,
    /// Slots of user tools.
    pub tools: Vec<Option<u8>>,
    /// Slots of choices.
    pub values: Vec<Option<u8>>,
}

impl Pointers {
    /// Pointers in order, for as much of the scene as a prompt holds. When there are more devices than that, those
    /// that `turn` mentions come first.
    pub fn new(scene: &Scene, turn: Option<&Turn<'_>>) -> Pointers {
        let first =
            |count: usize, most: usize| (0..count).map(|at| (at < most).then_some(at as u8)).collect();
        let mut devices: Vec<Option<u8>> = first(scene.devices.len(), MOST_DEVICES);
        if let Some(turn) = turn.filter(|_| scene.devices.len() > MOST_DEVICES) {
            let mentioned = |at: usize| {
                turn.links.iter().flat_map(|link| &link.marks).any(|mark| *mark == Mark::Device(at))
            };
            let mut order: Vec<usize> = (0..scene.devices.len()).collect();
            order.sort_by_key(|&at| !mentioned(at));
            let mut chosen = order[..MOST_DEVICES].to_vec();
            chosen.sort_unstable();
            devices.fill(None);
            for (slot, at) in chosen.into_iter().enumerate() {
                devices[at] = Some(slot as u8);
            }
        }
        Pointers {
            devices,
            areas: first(scene.areas.len(), MOST_AREAS),
            kinds: first(scene.kinds.len(), MOST_KINDS),
            tools: first(scene.user_tools().count(), MOST_TOOLS),
            values: first(scene.values.len(), MOST_VALUES),
        }
    }

    /// The same things with other pointers: each kind of pointer is turned on by what `by` tells for the number that there is of it.
    pub fn turned(mut self, mut by: impl FnMut(usize) -> usize) -> Pointers {
        let mut turn = |slots: &mut [Option<u8>], most: usize| {
            let by = by(most);
            slots.iter_mut().flatten().for_each(|slot| *slot = ((usize::from(*slot) + by) % most) as u8);
        };
        turn(&mut self.devices, MOST_DEVICES);
        turn(&mut self.areas, MOST_AREAS);
        turn(&mut self.kinds, MOST_KINDS);
        turn(&mut self.tools, MOST_TOOLS);
        turn(&mut self.values, MOST_VALUES);
        self
    }

    /// The pointer for a mark of a link; `None` for numbers (they have an order of their own), for tools (their
    /// marks are hints), and for what is not in the prompt.
    pub fn mark(&self, mark: &Mark) -> Option<Token> {
        match *mark {
            Mark::Device(at) => self.device(at),
            Mark::Area(at) => self.area(at),
            Mark::Kind(at) => self.kind(at),
            Mark::Value(at) => self.value(at),
            Mark::Tool(_) | Mark::Number(_) => None,
        }
    }

    pub(super) fn device(&self, at: usize) -> Option<Token> {
        self.devices.get(at).copied().flatten().map(Token::Device)
    }
    pub(super) fn area(&self, at: usize) -> Option<Token> {
        self.areas.get(at).copied().flatten().map(Token::Area)
    }
    pub(super) fn kind(&self, at: usize) -> Option<Token> {
        self.kinds.get(at).copied().flatten().map(Token::Kind)
    }
    /// The pointer of the user's tool with this index.
    pub fn tool(&self, at: usize) -> Option<Token> {
        self.tools.get(at).copied().flatten().map(Token::Tool)
    }
    pub(super) fn value(&self, at: usize) -> Option<Token> {
        self.values.get(at).copied().flatten().map(Token::Value)
    }
}

/// Pieces being put together; texts that follow each other become one.
#[derive(Default)]
pub(super) struct Pieces(pub Vec<Piece>);

impl Pieces {
    pub fn token(&mut self, token: impl Into<Option<Token>>) {
        self.0.extend(token.into().map(Piece::Token));
    }

    pub fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }

    /// A name with a space before it, so that it is cut into the same tokens as inside a sentence.
    fn name(&mut self, name: &str) {
        self.text(" ");
        self.text(&name.replace(['_', '-'], " ").to_lowercase());
    }
}

/// The part of a prompt that depends on the scene alone.
pub fn scene(scene: &Scene, pointers: &Pointers) -> Vec<Piece> {
    let mut out = Pieces::default();
    out.token(Token::Tools);
    for tool in Builtin::ALL.into_iter().filter(|tool| scene.has(*tool)) {
        out.token(Token::of_builtin(tool, false));
    }
    for (at, (name, description, parameters)) in scene.user_tools().enumerate() {
        let Some(pointer) = pointers.tool(at) else { continue };
        out.token(pointer);
        out.name(&spoken(name));
        if !description.is_empty() {
            out.text(":");
            out.name(description.trim_end_matches('.'));
        }
        for param in parameters {
            out.token(Token::Argument);
            out.name(&spoken(&param.name));
            match &param.kind {
                ParamKind::Number { .. } => out.token(Token::IsNumber),
                ParamKind::Text { .. } => out.token(Token::IsText),
                ParamKind::Flag => out.token(Token::IsFlag),
                ParamKind::Choice(choices) => {
                    for choice in choices {
                        let at = scene.values.iter().position(|value| value == choice);
                        if let Some(pointer) = at.and_then(|at| pointers.value(at)) {
                            out.token(pointer);
                            out.name(choice);
                        }
                    }
                }
            }
            out.token((!param.required).then_some(Token::Optional));
        }
    }
    for (at, kind) in scene.kinds.iter().enumerate() {
        if let Some(pointer) = pointers.kind(at) {
            out.token(pointer);
            out.name(kind);
        }
    }
    for (at, area) in scene.areas.iter().enumerate() {
        if let Some(pointer) = pointers.area(at) {
            out.token(pointer);
            out.name(area);
        }
    }
    for (at, device) in scene.devices.iter().enumerate() {
        let Some(pointer) = pointers.device(at) else { continue };
        out.token(pointer);
        out.name(&device.name);
        out.token(scene.kind_of(device).and_then(|at| pointers.kind(at)));
        out.token(scene.area_of(device).and_then(|at| pointers.area(at)));
        abilities(std::slice::from_ref(&device), &mut out);
    }
    out.0
}

/// What any of these devices can do.
fn abilities(devices: &[&Device], out: &mut Pieces) {
    for (capability, token) in [
        (Capabilities::SWITCH, Token::CanSwitch),
        (Capabilities::BLINK, Token::CanBlink),
        (Capabilities::LEVEL, Token::CanLevel),
        (Capabilities::COVER, Token::CanCover),
        (Capabilities::STOP, Token::CanStop),
        (Capabilities::VALUE, Token::CanValue),
    ] {
        out.token(devices.iter().any(|device| device.can.has(capability)).then_some(token));
    }
    let input = devices.iter().any(|device| device.direction == Direction::In);
    out.token(input.then_some(Token::Input));
}

/// The tools that take the choice: at most two, more would say nothing.
fn takers(scene: &Scene, value: usize) -> Vec<usize> {
    let takes =
        |param: &Param| matches!(&param.kind, ParamKind::Choice(all) if all.contains(&scene.values[value]));
    let all = scene.user_tools().enumerate().filter(|(_, (.., parameters))| parameters.iter().any(takes));
    let all: Vec<usize> = all.map(|(at, _)| at).collect();
    if all.len() > 2 { Vec::new() } else { all }
}

/// Whether a said number may be a level or a value of a device.
pub(super) fn fits(number: &Number, limits: [f64; 2]) -> bool {
    matches!(number.unit, Unit::Plain | Unit::Percent | Unit::Degrees)
        && (limits[0]..=limits[1]).contains(&number.value)
}

/// Whether numbers were said that could be amounts, and none fits any of these devices.
fn out_of_range(turn: &Turn<'_>, mut devices: impl Iterator<Item = usize>) -> bool {
    let amount = |number: &Number| matches!(number.unit, Unit::Plain | Unit::Percent | Unit::Degrees);
    let mut limits = Vec::new();
    devices.all(|at| {
        let device = &turn.scene.devices[at];
        let takes = device.can.has(Capabilities::LEVEL) || device.can.has(Capabilities::VALUE);
        limits.extend(takes.then(|| device.limits()));
        true
    });
    let mut numbers = turn.numbers.iter().filter(|number| amount(number)).peekable();
    !limits.is_empty()
        && numbers.peek().is_some()
        && numbers.all(|number| limits.iter().all(|limits| !fits(number, *limits)))
}

/// The user's tools that the request hints at and of which a number that they must have is none of those said; none of them where there is
/// another one that is hinted at and can have its numbers. Of tools that nothing hints at a number that does not fit means nothing.
fn out_of_tools(turn: &Turn<'_>) -> Vec<usize> {
    let user = turn.scene.tools.iter().filter_map(|tool| match tool {
        Tool::User { parameters, .. } => Some(parameters),
        Tool::Builtin(_) => None,
    });
    let mut out = Vec::new();
    for (at, parameters) in user.enumerate() {
        let hinted = turn.links.iter().any(|link| link.marks.contains(&Mark::Tool(at)));
        let mut numbers = parameters
            .iter()
            .filter(|param| param.required && matches!(param.kind, ParamKind::Number { .. }))
            .peekable();
        if !hinted || numbers.peek().is_none() || turn.numbers.is_empty() {
            continue;
        }
        if numbers.any(|param| turn.numbers.iter().all(|number| param.number(number).is_none())) {
            out.push(at);
        } else {
            return Vec::new();
        }
    }
    out
}

/// Bytes of the request in lower case, its misspelt words corrected: only here, where the model reads.
fn spelt(request: &str, bytes: Range<usize>, corrections: &[Correction]) -> String {
    let mut out = String::new();
    let mut at = bytes.start;
    let here = |word: &&Correction| bytes.contains(&word.bytes.start) && word.bytes.end <= bytes.end;
    for word in corrections.iter().filter(here) {
        out.push_str(&request[at..word.bytes.start].to_lowercase());
        out.push_str(word.meant);
        at = word.bytes.end;
    }
    out.push_str(&request[at..bytes.end].to_lowercase());
    out
}

/// The part of a prompt that holds the request, from `<|req|>` to `<|ans|>`.
pub fn request(turn: &Turn<'_>, pointers: &Pointers) -> Vec<Piece> {
    let scene = turn.scene;
    let mut out = Pieces::default();
    out.token(Token::Request);
    out.text(" ");
    let corrections = corrections(turn.request, &turn.links);
    let mut at = 0;
    let mut numbers = 0;
    for link in &turn.links {
        let said = match &link.meant {
            Some(meant) => spelt(turn.request, at..link.start, &corrections) + meant,
            None => spelt(turn.request, at..link.end, &corrections),
        };
        let number = matches!(link.marks[..], [Mark::Number(_)]);
        out.text(&if number { said.replace(" %", "%") } else { said });
        at = link.end;
        for mark in &link.marks {
            match *mark {
                // What stands in the list of devices is said again, where the model decides.
                Mark::Device(device) => {
                    out.token(pointers.device(device));
                    let named = link.named || respelt(link, &scene.devices[device]);
                    out.token(named.then_some(Token::Named));
                    abilities(&[&scene.devices[device]], &mut out);
                    out.token(out_of_range(turn, [device].into_iter()).then_some(Token::OutOfRange));
                }
                Mark::Area(area) => out.token(pointers.area(area)),
                Mark::Kind(kind) => {
                    out.token(pointers.kind(kind));
                    let members: Vec<usize> = (0..scene.devices.len())
                        .filter(|&device| scene.kind_of(&scene.devices[device]) == Some(kind))
                        .collect();
                    let devices: Vec<&Device> =
                        members.iter().map(|&device| &scene.devices[device]).collect();
                    abilities(&devices, &mut out);
                    out.token(out_of_range(turn, members.into_iter()).then_some(Token::OutOfRange));
                }
                Mark::Value(value) => {
                    out.token(pointers.value(value));
                    for tool in takers(scene, value) {
                        out.token(pointers.tool(tool));
                    }
                }
                Mark::Tool(tool) => out.token(pointers.tool(tool)),
                Mark::Number(number) => {
                    out.token(match number.unit {
                        Unit::Plain => None,
                        Unit::Percent => Some(Token::Percent),
                        Unit::Degrees => Some(Token::Degrees),
                        Unit::Seconds => Some(Token::Seconds),
                        Unit::Times => Some(Token::Times),
                    });
                    if numbers < MOST_NUMBERS {
                        out.token(Token::Number(numbers as u8));
                    }
                    numbers += 1;
                }
            }
        }
    }
    out.text(&spelt(turn.request, at..turn.request.len(), &corrections));
    for tool in out_of_tools(turn) {
        if let Some(pointer) = pointers.tool(tool) {
            out.token(pointer);
            out.token(Token::OutOfRange);
        }
    }
    out.token(Token::Answer);
    out.0
}

/// Pieces as one text, control tokens spelt out. For people and for files; a name that holds such a spelling
/// would be ambiguous here, so it is broken up.
pub fn text(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Token(token) => token.text(),
            Piece::Text(text) => text.replace("<|", "< |"),
        })
        .collect()
}
/// Whether the words of a mention were mended to a whole name of this device: they are read as if they had been rightly spelt.
fn respelt(link: &Link, device: &Device) -> bool {
    let names = std::iter::once(&device.name).chain(&device.aliases);
    link.meant.as_ref().is_some_and(|meant| names.into_iter().any(|name| name.eq_ignore_ascii_case(meant)))
}
