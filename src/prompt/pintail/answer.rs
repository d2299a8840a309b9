//! Answers: steps written as pieces (for training) and read back from an answer's tokens.

use crate::prompt::{Argument, Group, ParamKind, Selector, Step, Turn, trimmed};
use crate::tool::Builtin;

use super::render::{Piece, Pieces, Pointers};
use super::token::{MOST_NUMBERS, Token};

/// Why an answer could not be read back. Under the turn's grammar this does not happen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the model's answer cannot be read at {at}: found {found}, expected {expected}")]
pub struct AnswerError {
    /// Which piece of the answer (in other models' answers: which byte).
    pub at: usize,
    /// What stood there.
    pub found: String,
    /// What was looked for.
    pub expected: &'static str,
}

/// Writes an answer. `None` when a pointer that it needs is not in the prompt, or a text is not in the request.
pub fn encode(turn: &Turn<'_>, pointers: &Pointers, steps: &[Step]) -> Option<Vec<Piece>> {
    let mut out = Pieces::default();
    if steps.is_empty() {
        out.token(Token::None);
    }
    let number =
        |at: usize| (at < MOST_NUMBERS && at < turn.numbers.len()).then_some(Token::Number(at as u8));
    for step in steps {
        match step {
            Step::List => out.token(Token::List),
            Step::Wait(at) => {
                out.token(Token::Wait);
                out.token(Some(number(*at)?));
            }
            Step::Devices { tool, down, selectors, amounts } => {
                out.token(Token::of_builtin(*tool, *down));
                // A device behind exceptions would be read as one of them.
                for selector in selectors.iter().filter(|selector| !selector.excepts()) {
                    encode_selector(pointers, selector, &mut out)?;
                }
                for selector in selectors.iter().filter(|selector| selector.excepts()) {
                    encode_selector(pointers, selector, &mut out)?;
                }
                for amount in amounts {
                    out.token(match amount {
                        Some(at) => number(*at)?,
                        None => Token::Default,
                    });
                }
            }
            Step::User { tool, arguments } => {
                out.token(Some(pointers.tool(*tool)?));
                let (_, _, parameters) = turn.scene.user_tools().nth(*tool)?;
                for (param, argument) in parameters.iter().zip(arguments) {
                    match argument {
                        None => out.token(Token::Skip),
                        Some(Argument::Choice(at)) => out.token(Some(pointers.value(*at)?)),
                        Some(Argument::Number(at)) => out.token(Some(number(*at)?)),
                        Some(Argument::Flag(true)) => out.token(Token::Yes),
                        Some(Argument::Flag(false)) => out.token(Token::No),
                        Some(Argument::Text(text)) => {
                            if !turn.request.to_lowercase().contains(&text.to_lowercase()) {
                                return None;
                            }
                            out.text(" ");
                            out.text(&trimmed(&param.name, text, turn.request).to_lowercase());
                            out.token(Token::TextEnd);
                        }
                    }
                }
            }
        }
    }
    out.token(Token::End);
    Some(out.0)
}

fn encode_selector(pointers: &Pointers, selector: &Selector, out: &mut Pieces) -> Option<()> {
    match selector {
        Selector::Device(at) => out.token(Some(pointers.device(*at)?)),
        Selector::Group(group) => {
            out.token(Token::All);
            if let Some(kind) = group.kind {
                out.token(Some(pointers.kind(kind)?));
            }
            if let Some(area) = group.area {
                out.token(Some(pointers.area(area)?));
            }
            if !group.except.is_empty() {
                out.token(Token::But);
            }
            for except in &group.except {
                match except {
                    Selector::Device(at) => out.token(Some(pointers.device(*at)?)),
                    Selector::Group(Group { kind: Some(kind), area: None, .. }) => {
                        out.token(Some(pointers.kind(*kind)?));
                    }
                    Selector::Group(Group { kind: None, area: Some(area), .. }) => {
                        out.token(Some(pointers.area(*area)?));
                    }
                    Selector::Group(_) => return None,
                }
            }
        }
    }
    Some(())
}

/// An answer's pieces while they are read.
struct Reader<'a> {
    turn: &'a Turn<'a>,
    pointers: &'a Pointers,
    pieces: &'a [Piece],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<Token> {
        match self.pieces.get(self.at) {
            Some(Piece::Token(token)) => Some(*token),
            _ => None,
        }
    }

    fn fail<T>(&self, expected: &'static str) -> Result<T, AnswerError> {
        let found = match self.pieces.get(self.at) {
            None => "the end".to_owned(),
            Some(Piece::Token(token)) => token.text(),
            Some(Piece::Text(text)) => format!("{text:?}"),
        };
        Err(AnswerError { at: self.at, found, expected })
    }

    /// The index that a slot stands for.
    fn index(&self, slots: &[Option<u8>], slot: u8) -> Result<usize, AnswerError> {
        match slots.iter().position(|known| *known == Some(slot)) {
            Some(at) => Ok(at),
            None => self.fail("a pointer of this prompt"),
        }
    }

    fn selectors(&mut self) -> Result<Vec<Selector>, AnswerError> {
        let mut out = Vec::new();
        loop {
            match self.peek() {
                Some(Token::Device(slot)) => {
                    out.push(Selector::Device(self.index(&self.pointers.devices, slot)?));
                    self.at += 1;
                }
                Some(Token::All) => {
                    self.at += 1;
                    out.push(Selector::Group(self.group()?));
                }
                _ if out.is_empty() => return self.fail("a device or a group"),
                _ => return Ok(out),
            }
        }
    }

    fn group(&mut self) -> Result<Group, AnswerError> {
        let mut group = Group::default();
        if let Some(Token::Kind(slot)) = self.peek() {
            group.kind = Some(self.index(&self.pointers.kinds, slot)?);
            self.at += 1;
        }
        if let Some(Token::Area(slot)) = self.peek() {
            group.area = Some(self.index(&self.pointers.areas, slot)?);
            self.at += 1;
        }
        if self.peek() == Some(Token::But) {
            self.at += 1;
            loop {
                let except = match self.peek() {
                    Some(Token::Device(slot)) => Selector::Device(self.index(&self.pointers.devices, slot)?),
                    Some(Token::Kind(slot)) => Selector::Group(Group {
                        kind: Some(self.index(&self.pointers.kinds, slot)?),
                        ..Group::default()
                    }),
                    Some(Token::Area(slot)) => Selector::Group(Group {
                        area: Some(self.index(&self.pointers.areas, slot)?),
                        ..Group::default()
                    }),
                    _ if group.except.is_empty() => return self.fail("an exception"),
                    _ => break,
                };
                group.except.push(except);
                self.at += 1;
            }
        }
        Ok(group)
    }

    fn amount(&mut self) -> Result<Option<usize>, AnswerError> {
        let amount = match self.peek() {
            Some(Token::Number(at)) => Some(usize::from(at)),
            Some(Token::Default) => None,
            _ => return self.fail("a number"),
        };
        self.at += 1;
        Ok(amount)
    }

    fn devices(&mut self, tool: Builtin, down: bool, count: usize) -> Result<Step, AnswerError> {
        let selectors = self.selectors()?;
        let amounts = (0..count).map(|_| self.amount()).collect::<Result<_, _>>()?;
        Ok(Step::Devices { tool, down, selectors, amounts })
    }

    fn user(&mut self, slot: u8) -> Result<Step, AnswerError> {
        let tool = self.index(&self.pointers.tools, slot)?;
        let Some((_, _, parameters)) = self.turn.scene.user_tools().nth(tool) else {
            return self.fail("a tool of this prompt");
        };
        let mut arguments = Vec::new();
        for param in parameters {
            let argument = match (self.peek(), &param.kind) {
                (Some(Token::Skip), _) => None,
                (Some(Token::Value(slot)), ParamKind::Choice(_)) => {
                    Some(Argument::Choice(self.index(&self.pointers.values, slot)?))
                }
                (Some(Token::Number(at)), ParamKind::Number { .. }) => {
                    Some(Argument::Number(usize::from(at)))
                }
                (Some(Token::Yes), ParamKind::Flag) => Some(Argument::Flag(true)),
                (Some(Token::No), ParamKind::Flag) => Some(Argument::Flag(false)),
                (None, ParamKind::Text { .. }) => match self.pieces.get(self.at) {
                    Some(Piece::Text(text)) => {
                        let said = self.said(without_name(text.trim_start(), &param.name))?;
                        self.at += 1;
                        Some(Argument::Text(said))
                    }
                    _ => return self.fail("words of the request"),
                },
                _ => return self.fail("an argument"),
            };
            self.at += 1;
            arguments.push(argument);
        }
        Ok(Step::User { tool, arguments })
    }

    /// A lower-cased span of the request as the person wrote it.
    fn said(&self, text: &str) -> Result<String, AnswerError> {
        let request = self.turn.request;
        let starts = request.char_indices().map(|(at, _)| at);
        for start in starts {
            let mut lowered = String::new();
            for (at, c) in request[start..].char_indices() {
                if lowered.len() >= text.len() {
                    break;
                }
                lowered.extend(c.to_lowercase());
                if lowered == text {
                    return Ok(request[start..start + at + c.len_utf8()].to_owned());
                }
            }
        }
        self.fail("words of the request")
    }
}

/// A text argument without the parameter's own name before it: the sample of "sample B7" is "B7".
fn without_name<'t>(text: &'t str, name: &str) -> &'t str {
    match text.split_once(' ') {
        Some((first, rest)) if first.eq_ignore_ascii_case(name) && !rest.trim().is_empty() => {
            rest.trim_start()
        }
        _ => text,
    }
}

/// Reads an answer back. The pieces end with [`Token::End`] or without it.
pub fn parse(turn: &Turn<'_>, pointers: &Pointers, pieces: &[Piece]) -> Result<Vec<Step>, AnswerError> {
    let mut reader = Reader { turn, pointers, pieces, at: 0 };
    let mut steps = Vec::new();
    while let Some(token) = reader.peek() {
        reader.at += 1;
        let step = match token {
            Token::None => continue,
            Token::End => break,
            Token::List => Step::List,
            Token::Wait => match reader.amount()? {
                Some(at) => Step::Wait(at),
                None => return reader.fail("a number"),
            },
            Token::On => reader.devices(Builtin::On, false, 0)?,
            Token::Off => reader.devices(Builtin::Off, false, 0)?,
            Token::Toggle => reader.devices(Builtin::Toggle, false, 0)?,
            Token::Open => reader.devices(Builtin::Open, false, 0)?,
            Token::Close => reader.devices(Builtin::Close, false, 0)?,
            Token::Stop => reader.devices(Builtin::Stop, false, 0)?,
            Token::Read => reader.devices(Builtin::Read, false, 0)?,
            Token::SetLevel => reader.devices(Builtin::SetLevel, false, 1)?,
            Token::SetValue => reader.devices(Builtin::SetValue, false, 1)?,
            Token::Up => reader.devices(Builtin::ChangeLevel, false, 1)?,
            Token::Down => reader.devices(Builtin::ChangeLevel, true, 1)?,
            Token::Blink => reader.devices(Builtin::Blink, false, 2)?,
            Token::Tool(slot) => reader.user(slot)?,
            _ => {
                reader.at -= 1;
                return reader.fail("a tool");
            }
        };
        steps.push(step);
    }
    Ok(steps)
}
