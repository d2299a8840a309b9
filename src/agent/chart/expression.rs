//! Expressions: guards, values of variables, delays. What they may name and what types fit is settled when the file is
//! checked ([`super::parse`]); here they are evaluated.

use super::value::{MOST_TEXT, Type, Value};
use crate::board::State as DeviceState;

/// A checked expression: every name is an index.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A value.
    Literal(Value),
    /// The context variable of this index.
    Variable(usize),
    /// A datum of the event that is being handled; `name` and `type` are its own.
    Event(String),
    /// Whether the state of this index is active.
    In(usize),
    /// What the device of this index does.
    Device(Query, usize),
    /// The wall clock.
    Clock(Hand),
    /// `not`.
    Not(Box<Expr>),
    /// Unary minus.
    Negate(Box<Expr>),
    /// Two sides.
    Binary(Op, Box<Expr>, Box<Expr>),
    /// A function of values.
    Call(Function, Vec<Expr>),
}

/// What is asked of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// Switched on.
    On,
    /// Switched off.
    Off,
    /// Open or opening.
    Open,
    /// Closed or closing.
    Closed,
    /// A digital input is active.
    Active,
    /// Its level in percent.
    Level,
    /// Its setting or what it measures, in its unit.
    Value,
}

/// What is asked of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Whether it is set.
    Set,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 1 (Monday) to 7 (Sunday).
    Weekday,
}

/// An operator between two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Either; the right side is looked at only when the left does not hold.
    Or,
    /// Both; the right side is looked at only when the left holds.
    And,
    /// Equal, of the same type.
    Equal,
    /// Not equal.
    Differs,
    /// Less.
    Less,
    /// Less or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater or equal.
    AtLeast,
    /// Sum of numbers, or two texts joined.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient.
    Divide,
    /// Remainder, with the sign of the left side.
    Remainder,
}

/// A function of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The smaller of two numbers.
    Min,
    /// The greater of two numbers.
    Max,
    /// Without its sign.
    Abs,
    /// The nearest whole number.
    Round,
    /// As text.
    Text,
    /// A text read as a number.
    Number,
    /// Characters of a text.
    Length,
    /// In small letters.
    Lower,
    /// Whether a text has another in it.
    Contains,
}

impl Function {
    /// All, with their names, what they take and what they give.
    pub const ALL: [(&'static str, Function, &'static [Type], Type); 9] = [
        ("min", Function::Min, &[Type::Number, Type::Number], Type::Number),
        ("max", Function::Max, &[Type::Number, Type::Number], Type::Number),
        ("abs", Function::Abs, &[Type::Number], Type::Number),
        ("round", Function::Round, &[Type::Number], Type::Number),
        ("text", Function::Text, &[Type::Any], Type::Text),
        ("number", Function::Number, &[Type::Any], Type::Number),
        ("length", Function::Length, &[Type::Text], Type::Number),
        ("lower", Function::Lower, &[Type::Text], Type::Text),
        ("contains", Function::Contains, &[Type::Text, Type::Text], Type::Flag),
    ];
}

/// What an expression can see while it is evaluated.
pub trait View {
    /// A context variable.
    fn variable(&self, index: usize) -> &Value;
    /// A datum of the event; `None` when it has none of that name.
    fn event(&self, key: &str) -> Option<Value>;
    /// Whether a state is active.
    fn active(&self, state: usize) -> bool;
    /// What a device does.
    fn device(&self, index: usize) -> DeviceState;
    /// Local time in seconds since 1970; `None` while the clock is not set.
    fn clock(&self) -> Option<u64>;
}

impl Expr {
    /// The value, now.
    ///
    /// # Errors
    /// Why there is none: a division by zero, a datum that is missing, a device whose state is unknown, and so on.
    pub fn eval(&self, view: &dyn View) -> Result<Value, String> {
        Ok(match self {
            Expr::Literal(value) => value.clone(),
            Expr::Variable(index) => view.variable(*index).clone(),
            Expr::Event(key) => view.event(key).ok_or_else(|| format!("the event has no `{key}`"))?,
            Expr::In(state) => Value::Flag(view.active(*state)),
            Expr::Device(query, device) => ask(*query, view.device(*device))?,
            Expr::Clock(hand) => read(*hand, view.clock())?,
            Expr::Not(inner) => Value::Flag(!inner.flag(view)?),
            Expr::Negate(inner) => Value::Number(-inner.number(view)?),
            Expr::Binary(Op::Or, left, right) => Value::Flag(left.flag(view)? || right.flag(view)?),
            Expr::Binary(Op::And, left, right) => Value::Flag(left.flag(view)? && right.flag(view)?),
            Expr::Binary(op, left, right) => binary(*op, left.eval(view)?, right.eval(view)?)?,
            Expr::Call(function, arguments) => {
                let arguments =
                    arguments.iter().map(|argument| argument.eval(view)).collect::<Result<Vec<_>, _>>()?;
                call(*function, &arguments)?
            }
        })
    }

    /// The value, which must be true or false.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn flag(&self, view: &dyn View) -> Result<bool, String> {
        match self.eval(view)? {
            Value::Flag(flag) => Ok(flag),
            other => Err(format!("`{other}` is {}, not true or false", other.kind())),
        }
    }

    /// The value, which must be a number.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn number(&self, view: &dyn View) -> Result<f64, String> {
        number(&self.eval(view)?)
    }

    /// The value when it is the same whatever happens.
    pub fn constant(&self) -> Option<Value> {
        struct Nothing;
        impl View for Nothing {
            fn variable(&self, _: usize) -> &Value {
                &Value::Flag(false)
            }
            fn event(&self, _: &str) -> Option<Value> {
                None
            }
            fn active(&self, _: usize) -> bool {
                false
            }
            fn device(&self, _: usize) -> DeviceState {
                DeviceState::Unknown
            }
            fn clock(&self) -> Option<u64> {
                None
            }
        }
        match self {
            // One constant side may decide.
            Expr::Binary(op @ (Op::Or | Op::And), left, right) => {
                let decides = Value::Flag(*op == Op::Or);
                match (left.constant(), right.constant()) {
                    (Some(value), _) | (_, Some(value)) if value == decides => Some(decides),
                    (Some(_), Some(_)) => Some(Value::Flag(*op == Op::And)),
                    _ => None,
                }
            }
            Expr::Literal(value) => Some(value.clone()),
            Expr::Not(inner) | Expr::Negate(inner) => inner.constant().and_then(|_| self.eval(&Nothing).ok()),
            Expr::Binary(_, left, right) => {
                left.constant()?;
                right.constant()?;
                self.eval(&Nothing).ok()
            }
            Expr::Call(_, arguments) => {
                let all = arguments.iter().all(|argument| argument.constant().is_some());
                all.then(|| self.eval(&Nothing).ok()).flatten()
            }
            _ => None,
        }
    }

    /// Calls `visit` with every part, this one first.
    pub fn visit(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Not(inner) | Expr::Negate(inner) => inner.visit(visit),
            Expr::Binary(_, left, right) => {
                left.visit(visit);
                right.visit(visit);
            }
            Expr::Call(_, arguments) => arguments.iter().for_each(|argument| argument.visit(visit)),
            _ => {}
        }
    }
}

fn ask(query: Query, state: DeviceState) -> Result<Value, String> {
    use DeviceState as S;
    let flag = |flag| Ok(Value::Flag(flag));
    match (query, state) {
        (_, S::Unknown) => Err("nobody knows what the device does".into()),
        (Query::On, _) => flag(matches!(state, S::On { .. })),
        (Query::Off, _) => flag(matches!(state, S::Off)),
        (Query::Open, _) => flag(matches!(state, S::Open)),
        (Query::Closed, _) => flag(matches!(state, S::Closed)),
        (Query::Active, _) => flag(matches!(state, S::Active)),
        (Query::Level, _) => state.level().map(Value::Number).ok_or_else(|| format!("{state} is no level")),
        (Query::Value, S::Value { value }) if value.is_finite() => Ok(Value::Number(value)),
        (Query::Value, _) => Err(format!("{state} is no value")),
    }
}

fn read(hand: Hand, clock: Option<u64>) -> Result<Value, String> {
    if hand == Hand::Set {
        return Ok(Value::Flag(clock.is_some()));
    }
    let seconds = clock.ok_or("the clock is not set")?;
    Ok(Value::Number(match hand {
        Hand::Hour => (seconds / 3600 % 24) as f64,
        Hand::Minute => (seconds / 60 % 60) as f64,
        // The first day of 1970 was a Thursday.
        _ => ((seconds / 86400 + 3) % 7 + 1) as f64,
    }))
}

fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) => Ok(*number),
        other => Err(format!("`{other}` is {}, not a number", other.kind())),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("`{other}` is {}, not a text", other.kind())),
    }
}

fn binary(op: Op, left: Value, right: Value) -> Result<Value, String> {
    if matches!(op, Op::Equal | Op::Differs) {
        if left.kind() != right.kind() {
            return Err(format!("{} and {} cannot be compared", left.kind(), right.kind()));
        }
        return Ok(Value::Flag((left == right) == (op == Op::Equal)));
    }
    if let (Op::Add, Value::Text(left), Value::Text(right)) = (op, &left, &right) {
        return joined(format!("{left}{right}"));
    }
    let (left, right) = (number(&left)?, number(&right)?);
    let result = match op {
        Op::Less => return Ok(Value::Flag(left < right)),
        Op::AtMost => return Ok(Value::Flag(left <= right)),
        Op::Greater => return Ok(Value::Flag(left > right)),
        Op::AtLeast => return Ok(Value::Flag(left >= right)),
        Op::Add => left + right,
        Op::Subtract => left - right,
        Op::Multiply => left * right,
        Op::Divide if right == 0.0 => return Err("a division by zero".into()),
        Op::Divide => left / right,
        Op::Remainder if right == 0.0 => return Err("a division by zero".into()),
        _ => left % right,
    };
    finite(result)
}

fn call(function: Function, arguments: &[Value]) -> Result<Value, String> {
    let [first, rest @ ..] = arguments else { return Err("a function without arguments".into()) };
    let second = rest.first().unwrap_or(first);
    finite(match function {
        Function::Min => number(first)?.min(number(second)?),
        Function::Max => number(first)?.max(number(second)?),
        Function::Abs => number(first)?.abs(),
        Function::Round => number(first)?.round(),
        Function::Length => text(first)?.chars().count() as f64,
        Function::Number => match first {
            Value::Number(number) => *number,
            Value::Flag(flag) => f64::from(u8::from(*flag)),
            Value::Text(text) => {
                let read = text.trim().parse().ok().filter(|n: &f64| n.is_finite());
                read.ok_or_else(|| format!("`{text}` is no number"))?
            }
        },
        Function::Text => return joined(first.to_string()),
        Function::Lower => return joined(text(first)?.to_lowercase()),
        Function::Contains => return Ok(Value::Flag(text(first)?.contains(text(second)?))),
    })
}

fn finite(number: f64) -> Result<Value, String> {
    if number.is_finite() { Ok(Value::Number(number)) } else { Err("a number that is too great".into()) }
}

fn joined(text: String) -> Result<Value, String> {
    if text.len() > MOST_TEXT {
        return Err(format!("a text of {} bytes; at most {MOST_TEXT} are kept", text.len()));
    }
    Ok(Value::Text(text))
}
