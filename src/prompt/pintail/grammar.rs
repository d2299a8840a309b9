//! The grammar of a turn's answer: which tools, which devices for each, which numbers for which devices.

use crate::grammar::{Expr, Grammar, GrammarBuilder, GrammarError};
use crate::link::{Mark, Number, Unit};
use crate::prompt::plan::serves;
use crate::prompt::span::{Word, spans, words};
use crate::prompt::{Param, ParamKind, Scene, Turn};
use crate::tool::Builtin;

use super::render::{Pointers, fits};
use super::token::{MOST_NUMBERS, Token};

/// Most calls of one answer, most devices or groups of one call, most exceptions of one group.
const MOST_CALLS: u32 = 8;
const MOST_SELECTORS: u32 = 8;
const MOST_EXCEPTIONS: u32 = 4;

/// What the request's words point at. Where they point at anything, nothing else can be chosen: a device that no
/// word of the request stands for cannot move, whatever the model makes of it.
struct Mentioned {
    /// By device: it is marked, or its kind or area is; all of them when nothing is marked at all.
    devices: Vec<bool>,
    /// By kind: it is marked, or no kind is.
    kinds: Vec<bool>,
    /// By area: it is marked, or no area is.
    areas: Vec<bool>,
}

impl Mentioned {
    fn in_turn(turn: &Turn<'_>) -> Mentioned {
        let scene = turn.scene;
        let marked = |mark: Mark| turn.links.iter().any(|link| link.marks.contains(&mark));
        let or_all = |marks: Vec<bool>| if marks.contains(&true) { marks } else { vec![true; marks.len()] };
        let kinds: Vec<bool> = (0..scene.kinds.len()).map(|at| marked(Mark::Kind(at))).collect();
        let areas: Vec<bool> = (0..scene.areas.len()).map(|at| marked(Mark::Area(at))).collect();
        let devices = scene
            .devices
            .iter()
            .enumerate()
            .map(|(at, device)| {
                marked(Mark::Device(at))
                    || scene.kind_of(device).is_some_and(|kind| kinds[kind])
                    || scene.area_of(device).is_some_and(|area| areas[area])
            })
            .collect();
        Mentioned { devices: or_all(devices), kinds: or_all(kinds), areas: or_all(areas) }
    }
}

/// Builds the expressions of one turn.
struct Turned<'a> {
    turn: &'a Turn<'a>,
    scene: &'a Scene,
    mentioned: Mentioned,
    pointers: &'a Pointers,
    id: &'a dyn Fn(Token) -> u32,
    grammar: GrammarBuilder,
}

/// The answers that are legal for a turn. `id` gives the vocabulary's id of a control token.
///
/// A number that does not fit a device's limits can not be written for that device, alone or in a group;
/// a tool whose required arguments the request does not hold can not be called.
///
/// # Errors
/// None for scenes within the rendering's bounds; the builder's limits otherwise.
pub fn grammar(
    turn: &Turn<'_>,
    pointers: &Pointers,
    id: &dyn Fn(Token) -> u32,
) -> Result<Grammar, GrammarError> {
    let mentioned = Mentioned::in_turn(turn);
    let mut turned =
        Turned { turn, scene: turn.scene, mentioned, pointers, id, grammar: GrammarBuilder::new() };
    let calls = turned.calls();
    let none = turned.token(Token::None);
    let end = turned.token(Token::End);
    let g = &mut turned.grammar;
    let some = g.repeat(calls, 1, Some(MOST_CALLS));
    let answer = g.alt(&[none, some]);
    let whole = g.seq(&[answer, end]);
    let root = g.rule("answer");
    g.define(root, whole);
    turned.grammar.build(root)
}

impl Turned<'_> {
    fn token(&mut self, token: Token) -> Expr {
        self.grammar.token((self.id)(token))
    }

    /// One of the turn's numbers that `fit`, or a stand-in; never when there is none.
    fn amount(&mut self, fit: impl Fn(&Number) -> bool, or: Option<Token>) -> Expr {
        let said = self.turn.numbers.iter().take(MOST_NUMBERS).enumerate();
        let mut ids: Vec<u32> = said
            .filter(|(_, number)| fit(number))
            .map(|(at, _)| (self.id)(Token::Number(at as u8)))
            .collect();
        ids.extend(or.map(self.id));
        if ids.is_empty() { self.grammar.never() } else { self.grammar.tokens(ids) }
    }

    /// Any one call.
    fn calls(&mut self) -> Expr {
        let mut calls = Vec::new();
        for tool in Builtin::ALL.into_iter().filter(|tool| self.scene.has(*tool)) {
            calls.push(self.builtin(tool));
        }
        let parameters: Vec<(usize, &[Param])> =
            self.scene.user_tools().map(|(_, _, parameters)| parameters).enumerate().collect();
        for (at, parameters) in parameters {
            let Some(pointer) = self.pointers.tool(at) else { continue };
            let mut parts = vec![self.token(pointer)];
            for param in parameters {
                parts.push(self.argument(param));
            }
            calls.push(self.grammar.seq(&parts));
        }
        let any = self.grammar.alt(&calls);
        self.grammar.named("call", any)
    }

    fn builtin(&mut self, tool: Builtin) -> Expr {
        let mut head = self.token(Token::of_builtin(tool, false));
        let able: Vec<usize> =
            (0..self.scene.devices.len()).filter(|&at| serves(&self.scene.devices[at], tool)).collect();
        match tool {
            Builtin::List => head,
            Builtin::Wait => {
                let seconds = self.amount(
                    |number| {
                        matches!(number.unit, Unit::Seconds | Unit::Plain)
                            && (0.0..=600.0).contains(&number.value)
                    },
                    None,
                );
                self.grammar.seq(&[head, seconds])
            }
            Builtin::SetLevel | Builtin::SetValue => self.limited(head, tool, &able),
            Builtin::ChangeLevel => {
                let down = self.token(Token::Down);
                head = self.grammar.alt(&[head, down]);
                let by = self.amount(
                    |number| {
                        matches!(number.unit, Unit::Plain | Unit::Percent)
                            && (0.0..=100.0).contains(&number.value.abs())
                    },
                    Some(Token::Default),
                );
                let devices = self.devices(&able, &able);
                self.grammar.seq(&[head, devices, by])
            }
            Builtin::Blink => {
                let times = self.amount(
                    |number| {
                        matches!(number.unit, Unit::Plain | Unit::Times)
                            && number.value.fract() == 0.0
                            && (1.0..=100.0).contains(&number.value)
                    },
                    Some(Token::Default),
                );
                let interval = self.amount(
                    |number| {
                        matches!(number.unit, Unit::Plain | Unit::Seconds)
                            && (0.05..=60.0).contains(&number.value)
                    },
                    Some(Token::Default),
                );
                let devices = self.devices(&able, &able);
                self.grammar.seq(&[head, devices, times, interval])
            }
            _ => {
                let devices = self.devices(&able, &able);
                self.grammar.seq(&[head, devices])
            }
        }
    }

    /// Levels or values for devices, each said number with just those devices whose limits it fits.
    fn limited(&mut self, head: Expr, tool: Builtin, able: &[usize]) -> Expr {
        let mut classes: Vec<(Vec<usize>, Vec<u32>)> = Vec::new();
        for (at, number) in self.turn.numbers.iter().take(MOST_NUMBERS).enumerate() {
            let id = (self.id)(Token::Number(at as u8));
            let takers: Vec<usize> =
                able.iter().copied().filter(|&device| fits(number, self.limits(device, tool))).collect();
            match classes.iter_mut().find(|(known, _)| *known == takers) {
                Some((_, ids)) => ids.push(id),
                None => classes.push((takers, vec![id])),
            }
        }
        let mut forms = Vec::new();
        for (takers, ids) in classes.into_iter().filter(|(takers, _)| !takers.is_empty()) {
            let devices = self.devices(&takers, able);
            let number = self.grammar.tokens(ids);
            forms.push(self.grammar.seq(&[devices, number]));
        }
        let any = self.grammar.alt(&forms);
        self.grammar.seq(&[head, any])
    }

    /// A device's limits for a tool; levels are percent whatever the device's own unit.
    fn limits(&self, at: usize, tool: Builtin) -> [f64; 2] {
        let device = &self.scene.devices[at];
        let own = device.limits();
        if tool == Builtin::SetLevel { [own[0].max(0.0), own[1].min(100.0)] } else { own }
    }

    /// Some of `members`, one by one or as groups. A group counts only when all that `able` has of it are members,
    /// because the resolved group holds all of those.
    fn devices(&mut self, members: &[usize], able: &[usize]) -> Expr {
        let singles: Vec<u32> = members
            .iter()
            .filter(|&&at| self.mentioned.devices[at])
            .filter_map(|&at| self.pointers.device(at))
            .map(self.id)
            .collect();
        let mut forms = Vec::new();
        if !singles.is_empty() {
            forms.push(self.grammar.tokens(singles));
        }
        forms.push(self.groups(members, able));
        let one = self.grammar.alt(&forms);
        let one = self.grammar.named("devices", one);
        self.grammar.repeat(one, 1, Some(MOST_SELECTORS))
    }

    fn groups(&mut self, members: &[usize], able: &[usize]) -> Expr {
        let scene = self.scene;
        let holds = |at: usize, kind: Option<usize>, area: Option<usize>| {
            let device = &scene.devices[at];
            kind.is_none_or(|kind| scene.kind_of(device) == Some(kind))
                && area.is_none_or(|area| scene.area_of(device) == Some(area))
        };
        let legal = |kind, area| {
            let mut within = able.iter().filter(|&&at| holds(at, kind, area)).peekable();
            within.peek().is_some() && within.all(|at| members.contains(at))
        };
        let (kind_said, area_said) = (&self.mentioned.kinds, &self.mentioned.areas);
        let kinds = (0..scene.kinds.len()).filter(|&kind| kind_said[kind]);
        let areas = (0..scene.areas.len()).filter(|&area| area_said[area]);
        let area_ids = |kind: Option<usize>| -> Vec<u32> {
            areas
                .clone()
                .filter(|&area| legal(kind, Some(area)))
                .filter_map(|area| self.pointers.area(area))
                .map(self.id)
                .collect()
        };
        let mut forms = Vec::new();
        for kind in kinds.clone() {
            let Some(pointer) = self.pointers.kind(kind) else { continue };
            let (alone, places) = (legal(Some(kind), None), area_ids(Some(kind)));
            if !alone && places.is_empty() {
                continue;
            }
            let head = self.grammar.token((self.id)(pointer));
            let place = self.grammar.tokens(places);
            let place = if alone { self.grammar.optional(place) } else { place };
            forms.push(self.grammar.seq(&[head, place]));
        }
        let places = area_ids(None);
        if !places.is_empty() {
            forms.push(self.grammar.tokens(places));
        }
        if legal(None, None) {
            forms.push(self.grammar.empty());
        }
        if forms.is_empty() {
            return self.grammar.never();
        }
        // Anything said may be left out, also what the tool would not have touched.
        let said = (0..scene.devices.len()).filter(|&at| self.mentioned.devices[at]);
        let mut except: Vec<u32> = said.filter_map(|at| self.pointers.device(at)).map(self.id).collect();
        except.extend(kinds.filter_map(|kind| self.pointers.kind(kind)).map(self.id));
        except.extend(areas.filter_map(|area| self.pointers.area(area)).map(self.id));
        let all = self.token(Token::All);
        let which = self.grammar.alt(&forms);
        let but = self.token(Token::But);
        let except = self.grammar.tokens(except);
        let except = self.grammar.repeat(except, 1, Some(MOST_EXCEPTIONS));
        let but = self.grammar.seq(&[but, except]);
        let but = self.grammar.optional(but);
        self.grammar.seq(&[all, which, but])
    }

    /// What may stand for a parameter of a user's tool.
    fn argument(&mut self, param: &Param) -> Expr {
        let given = match &param.kind {
            ParamKind::Choice(choices) => {
                let ids: Vec<u32> = choices
                    .iter()
                    .filter_map(|choice| self.scene.values.iter().position(|value| value == choice))
                    .filter_map(|at| self.pointers.value(at))
                    .map(self.id)
                    .collect();
                if ids.is_empty() { self.grammar.never() } else { self.grammar.tokens(ids) }
            }
            ParamKind::Number { .. } => self.amount(|number| param.number(number).is_some(), None),
            ParamKind::Flag => {
                let ids = [Token::Yes, Token::No].map(self.id);
                self.grammar.tokens(ids)
            }
            ParamKind::Text { max_length } => self.words(*max_length),
        };
        // A flag whose name is said is set one way or the other.
        if param.required || (param.kind == ParamKind::Flag && self.says(&param.name)) {
            return given;
        }
        let skip = self.token(Token::Skip);
        self.grammar.alt(&[given, skip])
    }

    /// Whether the request holds all words of a name.
    fn says(&self, name: &str) -> bool {
        let request = self.turn.request.to_lowercase();
        let words: Vec<&str> = request.split(|c: char| !c.is_alphanumeric()).collect();
        name.to_lowercase().split('_').all(|word| words.contains(&word))
    }

    /// Words of the request that follow each other, at most `longest` characters, as they stand in the prompt. What is quoted is
    /// taken whole or not at all.
    fn words(&mut self, longest: usize) -> Expr {
        let request = self.turn.request;
        let words = words(request);
        let text = |from: usize, to: usize| request[from..to].to_lowercase();
        let Some(&Word { end, .. }) = words.last() else { return self.grammar.never() };
        let space = self.grammar.literal(" ");
        let close = self.token(Token::TextEnd);
        let span = if request[words[0].start..end].chars().count() <= longest {
            // Each word goes on to the next: as many rules as words.
            let mut starts: Vec<Expr> = Vec::new();
            let mut next: Option<(Expr, usize)> = None;
            for word in words.iter().rev() {
                let said = self.grammar.literal(text(word.start, word.end));
                let rest = match next.filter(|_| word.goes_on) {
                    None => said,
                    Some((next, start)) => {
                        let gap = self.grammar.literal(text(word.end, start));
                        let mut more = self.grammar.seq(&[gap, next]);
                        if word.may_end {
                            more = self.grammar.optional(more);
                        }
                        self.grammar.seq(&[said, more])
                    }
                };
                let rule = self.grammar.named("words", rest);
                if word.may_start {
                    starts.push(rule);
                }
                next = Some((rule, word.start));
            }
            self.grammar.alt(&starts)
        } else {
            let fit = spans(&words, longest.min(64))
                .map(|(first, last)| (words[first].start, words[last].end))
                .filter(|&(from, to)| request[from..to].chars().count() <= longest);
            let spans: Vec<String> = fit.map(|(from, to)| text(from, to)).collect();
            self.grammar.literals(spans)
        };
        self.grammar.seq(&[space, span, close])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::board::Device;
    use crate::corpus::Generator;
    use crate::grammar::{Matcher, TokenTrie};
    use crate::prompt::pintail::{Piece, encode};
    use crate::prompt::{Group, Selector, Step, Tool};

    /// Control tokens first, then the bytes.
    fn trie() -> Arc<TokenTrie> {
        let controls = Token::all().count();
        let bytes = |id: u32| match (id as usize).checked_sub(controls) {
            Some(byte) => vec![byte as u8],
            None => Vec::new(),
        };
        Arc::new(TokenTrie::new(controls + 256, bytes, |id| (id as usize) < controls))
    }

    /// Whether the grammar takes the pieces, up to and with the end.
    fn takes(trie: &Arc<TokenTrie>, turn: &Turn<'_>, pointers: &Pointers, pieces: &[Piece]) -> bool {
        let grammar = Arc::new(grammar(turn, pointers, &Token::index).unwrap());
        let mut matcher = Matcher::new(grammar, trie.clone()).unwrap();
        pieces.iter().all(|piece| {
            match piece {
                Piece::Token(token) => matcher.accept(token.index()),
                Piece::Text(text) => matcher.accept_bytes(text.as_bytes()),
            }
            .is_ok()
        }) && matcher.is_complete()
    }

    #[test]
    fn takes_what_the_generator_means_when_the_words_point_at_it() {
        let trie = trie();
        let (mut taken, mut all) = (0, 0);
        for example in Generator::new(11).take(500) {
            let turn = Turn::new(&example.scene, &example.request);
            let answer = encode(&turn, &example.pointers, &example.steps).unwrap();
            all += 1;
            taken += usize::from(takes(&trie, &turn, &example.pointers, &answer));
            // Without any mark everything is open but numbers.
            let numbers = turn.links.iter().filter(|link| matches!(link.marks[..], [Mark::Number(_)]));
            let unmarked = Turn::with_links(&example.scene, &example.request, numbers.cloned().collect());
            assert!(
                takes(&trie, &unmarked, &example.pointers, &answer),
                "{} {:?} {:?} {:?}",
                example.request,
                example.steps,
                turn.numbers,
                example.scene.tools
            );
        }
        // The rest are misspelt names beside others that were found.
        assert!(taken * 100 >= all * 96, "{taken} of {all}");
    }

    #[test]
    fn what_no_word_points_at_cannot_move() {
        let trie = trie();
        let devices = vec![
            Device::of_kind("air compressor", "compressor", Some("shop")),
            Device::of_kind("warning beacon", "light", Some("shop")),
        ];
        let scene = Scene::new(vec![Tool::Builtin(Builtin::Off)], devices);
        let pointers = Pointers::new(&scene, None);
        let legal = |request: &str, at: usize| {
            let turn = Turn::new(&scene, request);
            let selectors = vec![Selector::Device(at)];
            let step = Step::Devices { tool: Builtin::Off, down: false, selectors, amounts: Vec::new() };
            let answer = encode(&turn, &pointers, &[step]).unwrap();
            takes(&trie, &turn, &pointers, &answer)
        };
        assert!(legal("compressor off", 0) && !legal("compressor off", 1));
        assert!(legal("shop off", 0) && legal("shop off", 1), "both stand in the shop");
        assert!(legal("that thing off", 0) && legal("that thing off", 1), "no word points at anything");
    }

    #[test]
    fn refuses_numbers_out_of_a_devices_range_alone_and_in_groups() {
        let trie = trie();
        let mut slow = Device::of_kind("slow fan", "fan", Some("shed"));
        slow.range = Some([0.0, 80.0]);
        let fast = Device::of_kind("fast fan", "fan", Some("barn"));
        let scene = Scene::new(vec![Tool::Builtin(Builtin::SetLevel)], vec![slow, fast]);
        let turn = Turn::new(&scene, "set the fans to 90");
        let pointers = Pointers::new(&scene, None);
        let answer = |selector| {
            let step = Step::Devices {
                tool: Builtin::SetLevel,
                down: false,
                selectors: vec![selector],
                amounts: vec![Some(0)],
            };
            encode(&turn, &pointers, &[step]).unwrap()
        };
        let group = |kind, area| Selector::Group(Group { kind, area, except: Vec::new() });
        let legal = |selector| takes(&trie, &turn, &pointers, &answer(selector));
        assert!(!legal(Selector::Device(0)));
        assert!(legal(Selector::Device(1)));
        assert!(!legal(group(Some(0), None)), "the slow fan is one of the fans");
        assert!(!legal(group(None, None)));
        assert!(!legal(group(Some(0), Some(0))));
        assert!(legal(group(Some(0), Some(1))), "the barn holds the fast one only");
    }

    #[test]
    fn long_requests_do_not_hurt() {
        let trie = trie();
        let text = ParamKind::Text { max_length: 2000 };
        let say = Tool::User {
            name: "say".into(),
            description: String::new(),
            parameters: vec![Param { name: "text".into(), kind: text, required: true, unit: None }],
        };
        let scene = Scene::new(vec![say], Vec::new());
        let request = "ab ".repeat(330);
        let turn = Turn::new(&scene, &request);
        let pointers = Pointers::new(&scene, None);
        let grammar = Arc::new(grammar(&turn, &pointers, &Token::index).unwrap());
        let mut matcher = Matcher::new(grammar, trie).unwrap();
        matcher.accept(Token::Tool(0).index()).unwrap();
        matcher.accept_bytes(b" ab ab ab").unwrap();
        assert!(matcher.mask(Some(20)).unwrap().contains(Token::TextEnd.index()));
    }
}
