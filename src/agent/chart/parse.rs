//! Text to [`Expr`]: a Pratt parser that resolves names and checks types as it goes.
//!
//! ```text
//! or · and · not · == != < <= > >= · + - · * / % · unary - · ( ) · 12.5 · "text" · 'text' · true · false
//! ```

use super::expression::{Expr, Function, Hand, Op, Query};
use super::value::{Type, Value};
use crate::agent::finding::nearest;
use crate::board::{Capabilities, Device, Direction};

/// How deep an expression may be nested.
const MOST_DEPTH: usize = 64;

/// What an expression may name.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The context variables.
    pub variables: &'a [(String, Type)],
    /// The devices.
    pub devices: &'a [Device],
    /// Names of the states.
    pub states: &'a [String],
    /// What is known of the event.
    pub event: &'a Shape,
}

/// What is known of an event's data where an expression stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// Data that the event has, or may have.
    pub fields: Vec<(String, Type)>,
    /// Beginnings of names under which anything may be found (`result`).
    pub open: Vec<&'static str>,
}

/// What is wrong with an expression, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset.
    pub at: usize,
    /// Bytes.
    pub len: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Parses and checks an expression.
///
/// # Errors
/// The first fault.
pub fn parse(text: &str, names: Names<'_>) -> Result<(Expr, Type), Fault> {
    let tokens = tokens(text)?;
    let mut parser = Parser { text, tokens, next: 0, names, depth: 0 };
    let whole = parser.expression(0)?;
    match parser.peek() {
        None => Ok(whole),
        Some(token) => Err(parser.unexpected(token.clone())),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Word,
    Number(f64),
    Text(String),
    Sign(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
struct Token {
    kind: Kind,
    at: usize,
    len: usize,
}

const SIGNS: [&str; 15] = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",", "."];

fn fault(at: usize, len: usize, message: impl Into<String>) -> Fault {
    Fault { at, len: len.max(1), message: message.into(), help: None }
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, len) = if c.is_ascii_digit() {
            let len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let number = rest[..len].parse().map_err(|_| fault(at, len, "this is no number"))?;
            (Kind::Number(number), len)
        } else if c.is_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Kind::Word, len)
        } else if c == '"' || c == '\'' {
            let Some(end) = rest[1..].find(c) else {
                return Err(fault(at, rest.len(), "this text has no end"));
            };
            (Kind::Text(rest[1..=end].to_owned()), end + 2)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Kind::Sign(sign), sign.len())
        } else {
            let mut fault = fault(at, c.len_utf8(), format!("`{c}` means nothing here"));
            fault.help = match c {
                '=' => Some("equal is `==`".into()),
                '!' => Some("say `not`".into()),
                '&' => Some("say `and`".into()),
                '|' => Some("say `or`".into()),
                _ => None,
            };
            return Err(fault);
        };
        tokens.push(Token { kind, at, len });
        at += len;
    }
    Ok(tokens)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    names: Names<'a>,
    depth: usize,
}

type Typed = (Expr, Type);

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn word(&self, token: &Token) -> &str {
        &self.text[token.at..token.at + token.len]
    }

    fn unexpected(&self, token: Token) -> Fault {
        let word = self.word(&token).to_owned();
        fault(token.at, token.len, format!("`{word}` is not expected here"))
    }

    fn take(&mut self) -> Result<Token, Fault> {
        let token = self.peek().cloned();
        self.next += 1;
        token.ok_or_else(|| fault(self.text.len(), 1, "the expression ends too early"))
    }

    fn eat(&mut self, sign: &str) -> bool {
        let eaten = self.peek().is_some_and(|token| matches!(token.kind, Kind::Sign(found) if found == sign));
        self.next += usize::from(eaten);
        eaten
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.eat(sign) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(token) => {
                let mut fault = self.unexpected(token.clone());
                fault.help = Some(format!("`{sign}` is missing before it"));
                fault
            }
            None => fault(self.text.len(), 1, format!("`{sign}` is missing")),
        })
    }

    /// The operator that stands next, and how strongly it binds.
    fn operator(&self) -> Option<(Op, u8)> {
        let token = self.peek()?;
        Some(match self.word(token) {
            "or" => (Op::Or, 1),
            "and" => (Op::And, 2),
            "==" => (Op::Equal, 4),
            "!=" => (Op::Differs, 4),
            "<" => (Op::Less, 4),
            "<=" => (Op::AtMost, 4),
            ">" => (Op::Greater, 4),
            ">=" => (Op::AtLeast, 4),
            "+" => (Op::Add, 5),
            "-" => (Op::Subtract, 5),
            "*" => (Op::Multiply, 6),
            "/" => (Op::Divide, 6),
            "%" => (Op::Remainder, 6),
            _ => return None,
        })
    }

    fn expression(&mut self, least: u8) -> Result<Typed, Fault> {
        self.depth += 1;
        let start = self.peek().map_or(self.text.len(), |token| token.at);
        if self.depth > MOST_DEPTH {
            return Err(fault(start, 1, format!("nested deeper than {MOST_DEPTH}")));
        }
        let mut left = self.prefix()?;
        while let Some((op, strength)) = self.operator() {
            if strength < least.max(1) || strength <= least {
                break;
            }
            let token = self.take()?;
            let right_at = self.peek().map_or(self.text.len(), |token| token.at);
            let right = self.expression(strength)?;
            let right_end = self.tokens[self.next - 1].at + self.tokens[self.next - 1].len;
            left = self.combine(op, &token, (left, start), (right, right_at, right_end))?;
            // `a < b < c` would compare a truth with a number.
            if strength == 4 && self.operator().is_some_and(|(_, next)| next == 4) {
                let token = self.take()?;
                let mut fault = self.unexpected(token);
                fault.help = Some("join two comparisons with `and`".into());
                return Err(fault);
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    fn combine(
        &self,
        op: Op,
        token: &Token,
        ((left, left_type), left_at): (Typed, usize),
        ((right, right_type), right_at, right_end): (Typed, usize, usize),
    ) -> Result<Typed, Fault> {
        let sign = self.word(token);
        let side = |found: Type, wanted: Type, at: usize, end: usize| {
            if found.fits(wanted) {
                return Ok(());
            }
            Err(fault(at, end - at, format!("`{sign}` takes {wanted}, and this is {found}")))
        };
        let both = |wanted: Type| {
            side(left_type, wanted, left_at, token.at)
                .and_then(|()| side(right_type, wanted, right_at, right_end))
        };
        let result = match op {
            Op::Or | Op::And => {
                both(Type::Flag)?;
                Type::Flag
            }
            Op::Equal | Op::Differs => {
                if !left_type.fits(right_type) {
                    let message = format!(
                        "{left_type} and {right_type} are never equal: `{sign}` compares like with like"
                    );
                    return Err(fault(left_at, right_end - left_at, message));
                }
                Type::Flag
            }
            Op::Less | Op::AtMost | Op::Greater | Op::AtLeast => {
                both(Type::Number)?;
                Type::Flag
            }
            Op::Add if left_type == Type::Text || right_type == Type::Text => {
                both(Type::Text).map_err(|mut fault| {
                    fault.help = Some("`text(...)` makes a text of anything".into());
                    fault
                })?;
                Type::Text
            }
            Op::Add if left_type == Type::Any && right_type == Type::Any => Type::Any,
            _ => {
                both(Type::Number)?;
                Type::Number
            }
        };
        Ok((Expr::Binary(op, Box::new(left), Box::new(right)), result))
    }

    fn prefix(&mut self) -> Result<Typed, Fault> {
        let token = self.take()?;
        match &token.kind {
            Kind::Number(number) => Ok((Expr::Literal(Value::Number(*number)), Type::Number)),
            Kind::Text(text) => Ok((Expr::Literal(Value::Text(text.clone())), Type::Text)),
            Kind::Sign("(") => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Kind::Sign("-") => self.unary(&token, 7, Type::Number, Expr::Negate),
            Kind::Sign(_) => Err(self.unexpected(token)),
            Kind::Word => match self.word(&token).to_owned().as_str() {
                "true" => Ok((Expr::Literal(Value::Flag(true)), Type::Flag)),
                "false" => Ok((Expr::Literal(Value::Flag(false)), Type::Flag)),
                "not" => self.unary(&token, 3, Type::Flag, Expr::Not),
                "event" => self.event(&token),
                _ if self.eat("(") => self.function(&token),
                _ => self.variable(&token),
            },
        }
    }

    fn unary(
        &mut self,
        token: &Token,
        strength: u8,
        wanted: Type,
        make: fn(Box<Expr>) -> Expr,
    ) -> Result<Typed, Fault> {
        let at = self.peek().map_or(self.text.len(), |token| token.at);
        let (inner, found) = self.expression(strength)?;
        if !found.fits(wanted) {
            let word = self.word(token);
            let end = self.tokens[self.next - 1].at + self.tokens[self.next - 1].len;
            return Err(fault(at, end - at, format!("`{word}` takes {wanted}, and this is {found}")));
        }
        Ok((make(Box::new(inner)), wanted))
    }

    fn variable(&self, token: &Token) -> Result<Typed, Fault> {
        let name = self.word(token);
        let variables = self.names.variables;
        if let Some(index) = variables.iter().position(|(known, _)| known == name) {
            return Ok((Expr::Variable(index), variables[index].1));
        }
        let mut fault = fault(token.at, token.len, format!("unknown variable `{name}`"));
        let known = variables.iter().map(|(name, _)| name.as_str()).chain(["true", "false", "not", "event"]);
        fault.help = Some(match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "variables are declared in `[variables]`; a text stands between quotes".into(),
        });
        Err(fault)
    }

    /// `event.name`, `event.type`, and the data of the event.
    fn event(&mut self, token: &Token) -> Result<Typed, Fault> {
        let mut keys = Vec::new();
        let mut end = token.at + token.len;
        while self.eat(".") {
            let key = self.take()?;
            if key.kind != Kind::Word {
                return Err(self.unexpected(key));
            }
            end = key.at + key.len;
            keys.push(self.word(&key).to_owned());
        }
        let key = keys.join(".");
        let shape = self.names.event;
        if key == "name" || key == "type" {
            return Ok((Expr::Event(key), Type::Text));
        }
        if let Some((_, found)) = shape.fields.iter().find(|(name, _)| *name == key) {
            return Ok((Expr::Event(key), *found));
        }
        if shape.open.contains(&keys.first().map_or("", String::as_str)) {
            return Ok((Expr::Event(key), Type::Any));
        }
        let mut fault = fault(token.at, end - token.at, format!("the event here has no `{key}`"));
        let known: Vec<&str> =
            shape.fields.iter().map(|(name, _)| name.as_str()).chain(["name", "type"]).collect();
        fault.help = Some(match nearest(&key, known.iter().copied()) {
            Some(near) => format!("did you mean `event.{near}`?"),
            None => format!("it has: {}", known.join(", ")),
        });
        Err(fault)
    }

    /// A function; its opening parenthesis has been eaten.
    fn function(&mut self, token: &Token) -> Result<Typed, Fault> {
        let name = self.word(token).to_owned();
        if let Some((_, query)) = QUERIES.iter().find(|(known, _)| *known == name) {
            return self.device(*query, &name);
        }
        if let Some((_, hand)) = HANDS.iter().find(|(known, _)| *known == name) {
            self.expect(")")?;
            let found = if *hand == Hand::Set { Type::Flag } else { Type::Number };
            return Ok((Expr::Clock(*hand), found));
        }
        if name == "in" {
            let (state, token) = self.name("a state")?;
            let states = self.names.states;
            let Some(index) = states.iter().position(|known| *known == state) else {
                return Err(unknown(&token, "state", &state, states.iter().map(String::as_str)));
            };
            return Ok((Expr::In(index), Type::Flag));
        }
        let Some((_, function, wanted, gives)) = Function::ALL.iter().find(|(known, ..)| *known == name)
        else {
            let known = Function::ALL.iter().map(|(name, ..)| *name).chain(["in"]);
            let known = known.chain(QUERIES.iter().map(|(name, _)| *name));
            return Err(unknown(token, "function", &name, known.chain(HANDS.iter().map(|(name, _)| *name))));
        };
        let mut arguments = Vec::new();
        for (index, wanted) in wanted.iter().enumerate() {
            if index > 0 {
                self.expect(",")?;
            }
            let at = self.peek().map_or(self.text.len(), |token| token.at);
            let (argument, found) = self.expression(0)?;
            if !found.fits(*wanted) {
                let end = self.tokens[self.next - 1].at + self.tokens[self.next - 1].len;
                return Err(fault(at, end - at, format!("`{name}` takes {wanted}, and this is {found}")));
            }
            arguments.push(argument);
        }
        self.expect(")")?;
        Ok((Expr::Call(*function, arguments), *gives))
    }

    /// A quoted name and the closing parenthesis.
    fn name(&mut self, what: &str) -> Result<(String, Token), Fault> {
        let token = self.take()?;
        let Kind::Text(name) = token.kind.clone() else {
            let mut fault = self.unexpected(token);
            fault.help = Some(format!("the name of {what} stands between quotes"));
            return Err(fault);
        };
        self.expect(")")?;
        Ok((name, token))
    }

    fn device(&mut self, query: Query, name: &str) -> Result<Typed, Fault> {
        let (device, token) = self.name("a device")?;
        let devices = self.names.devices;
        let Some(index) = devices.iter().position(|known| known.name == device) else {
            return Err(unknown(
                &token,
                "device",
                &device,
                devices.iter().map(|device| device.name.as_str()),
            ));
        };
        let known = &devices[index];
        let can = match query {
            Query::On | Query::Off => known.can.has(Capabilities::SWITCH),
            Query::Open | Query::Closed => known.can.has(Capabilities::COVER),
            Query::Level => known.can.has(Capabilities::LEVEL),
            Query::Value => known.can.has(Capabilities::VALUE) || known.measures(),
            Query::Active => known.direction == Direction::In && !known.measures(),
        };
        if !can {
            let mut fault =
                fault(token.at, token.len, format!("`{name}` says nothing of `{device}`, a {}", known.kind));
            let fits = match known.direction {
                Direction::In if known.measures() => "value",
                Direction::In => "active",
                Direction::Out if known.can.has(Capabilities::SWITCH) => "on",
                Direction::Out if known.can.has(Capabilities::COVER) => "open",
                Direction::Out => "value",
            };
            fault.help = Some(format!("`{fits}(\"{device}\")` does"));
            return Err(fault);
        }
        let found = if matches!(query, Query::Level | Query::Value) { Type::Number } else { Type::Flag };
        Ok((Expr::Device(query, index), found))
    }
}

const QUERIES: [(&str, Query); 7] = [
    ("on", Query::On),
    ("off", Query::Off),
    ("open", Query::Open),
    ("closed", Query::Closed),
    ("active", Query::Active),
    ("level", Query::Level),
    ("value", Query::Value),
];

const HANDS: [(&str, Hand); 4] =
    [("clock_set", Hand::Set), ("hour", Hand::Hour), ("minute", Hand::Minute), ("weekday", Hand::Weekday)];

fn unknown<'k>(token: &Token, what: &str, name: &str, known: impl Iterator<Item = &'k str> + Clone) -> Fault {
    let mut fault = fault(token.at, token.len, format!("unknown {what} `{name}`"));
    fault.help = Some(match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.take(12).collect::<Vec<_>>().join(", ")),
    });
    fault
}
