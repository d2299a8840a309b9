//! The control tokens of the rendering. Their order is the order of ids in the bundled model's vocabulary.

use crate::tool::Builtin;

/// Devices that a prompt can hold.
pub const MOST_DEVICES: usize = 40;
/// Areas that can be pointed at.
pub const MOST_AREAS: usize = 24;
/// Kinds that can be pointed at.
pub const MOST_KINDS: usize = 24;
/// User tools that can be pointed at.
pub const MOST_TOOLS: usize = 16;
/// Choices that can be pointed at.
pub const MOST_VALUES: usize = 48;
/// Numbers of a request that can be pointed at.
pub const MOST_NUMBERS: usize = 12;

macro_rules! plain_tokens {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// A control token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Token {
            $(#[doc = $doc] $name,)*
            /// A pointer to a device slot.
            Device(u8),
            /// A pointer to an area.
            Area(u8),
            /// A pointer to a kind.
            Kind(u8),
            /// A pointer to a user's tool.
            Tool(u8),
            /// A pointer to a choice.
            Value(u8),
            /// A pointer to a number of the request.
            Number(u8),
        }

        const PLAIN: &[(Token, &str)] = &[$((Token::$name, $text),)*];
    };
}

plain_tokens! {
    End "end" "The end of an answer.";
    Pad "pad" "Fills batches in training.";
    Tools "tools" "The tools follow.";
    Request "req" "The request follows.";
    Answer "ans" "The answer follows.";
    Argument "arg" "A parameter follows.";
    Optional "opt" "The parameter may be left out.";
    IsNumber "num" "The parameter takes a number.";
    IsText "str" "The parameter takes words of the request.";
    IsFlag "bool" "The parameter takes yes or no.";
    CanSwitch "sw" "Can be switched.";
    CanBlink "bl" "Can blink.";
    CanLevel "lv" "Has levels.";
    CanCover "cv" "Opens and closes.";
    CanStop "st" "Can be stopped.";
    CanValue "vl" "Takes a value.";
    Input "in" "Is only read.";
    Percent "pct" "The number is in percent.";
    Degrees "deg" "The number is in degrees.";
    Seconds "sec" "The number is a duration.";
    Times "x" "The number counts times.";
    OutOfRange "oor" "No number of the request fits what stands before.";
    None "none" "Nothing here serves the request.";
    All "all" "A group follows.";
    But "but" "Exceptions follow.";
    Named "nm" "The words before name the device: a whole name, or the kind of the only one.";
    Default "dflt" "The tool's default amount.";
    Skip "skip" "The parameter is left out.";
    Yes "yes" "A flag that is set.";
    No "no" "A flag that is not set.";
    TextEnd "/" "The end of a text argument.";
    On "on" "on";
    Off "off" "off";
    Toggle "toggle" "toggle";
    SetLevel "set_level" "set_level";
    Up "up" "change_level, upwards";
    Down "down" "change_level, downwards";
    Open "open" "open";
    Close "close" "close";
    Stop "stop" "stop";
    SetValue "set_value" "set_value";
    Read "read" "read";
    Blink "blink" "blink";
    List "list" "list";
    Wait "wait" "wait";
}

impl Token {
    /// Every token, in the order of their ids.
    pub fn all() -> impl Iterator<Item = Token> {
        let family = |most: usize, make: fn(u8) -> Token| (0..most as u8).map(make);
        PLAIN
            .iter()
            .map(|(token, _)| *token)
            .chain(family(MOST_DEVICES, Token::Device))
            .chain(family(MOST_AREAS, Token::Area))
            .chain(family(MOST_KINDS, Token::Kind))
            .chain(family(MOST_TOOLS, Token::Tool))
            .chain(family(MOST_VALUES, Token::Value))
            .chain(family(MOST_NUMBERS, Token::Number))
    }

    /// Its place among the control tokens: the id in the bundled model's vocabulary.
    pub fn index(self) -> u32 {
        let families = [MOST_DEVICES, MOST_AREAS, MOST_KINDS, MOST_TOOLS, MOST_VALUES, MOST_NUMBERS];
        let pointer =
            |family: usize, at: u8| PLAIN.len() + families[..family].iter().sum::<usize>() + usize::from(at);
        let at = match self {
            Token::Device(at) => pointer(0, at),
            Token::Area(at) => pointer(1, at),
            Token::Kind(at) => pointer(2, at),
            Token::Tool(at) => pointer(3, at),
            Token::Value(at) => pointer(4, at),
            Token::Number(at) => pointer(5, at),
            plain => PLAIN.iter().position(|(token, _)| *token == plain).unwrap_or(0),
        };
        at as u32
    }

    /// The text of the token in the vocabulary, `<|d1|>`; pointers count from 1.
    pub fn text(self) -> String {
        match self {
            Token::Device(at) => format!("<|d{}|>", at + 1),
            Token::Area(at) => format!("<|a{}|>", at + 1),
            Token::Kind(at) => format!("<|k{}|>", at + 1),
            Token::Tool(at) => format!("<|t{}|>", at + 1),
            Token::Value(at) => format!("<|v{}|>", at + 1),
            Token::Number(at) => format!("<|n{}|>", at + 1),
            plain => {
                let name = PLAIN.iter().find(|(token, _)| *token == plain).map_or("", |(_, name)| name);
                format!("<|{name}|>")
            }
        }
    }

    /// The token of a built-in tool; `change_level` has two, by direction.
    pub fn of_builtin(tool: Builtin, down: bool) -> Token {
        match tool {
            Builtin::On => Token::On,
            Builtin::Off => Token::Off,
            Builtin::Toggle => Token::Toggle,
            Builtin::SetLevel => Token::SetLevel,
            Builtin::ChangeLevel if down => Token::Down,
            Builtin::ChangeLevel => Token::Up,
            Builtin::Open => Token::Open,
            Builtin::Close => Token::Close,
            Builtin::Stop => Token::Stop,
            Builtin::SetValue => Token::SetValue,
            Builtin::Read => Token::Read,
            Builtin::Blink => Token::Blink,
            Builtin::List => Token::List,
            Builtin::Wait => Token::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_and_texts_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for (at, token) in Token::all().enumerate() {
            assert_eq!(token.index() as usize, at);
            assert!(seen.insert(token.text()), "{} stands twice", token.text());
        }
    }
}
