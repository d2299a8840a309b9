//! Which of the user's tools a request is for, as far as its words tell: vectors of the words that people say and of the words that tools are named
//! and described with, and of what both have in common. It knows what people want of a "log" or a "rota", reads no sentence, and so it speaks where
//! the language model has not thought of a tool. `training/intent.py` fits it to the written requests.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::{ParamKind, Turn};
use crate::gguf::{Bytes, Gguf};
use crate::kernels::Format;
use crate::link::{Mark, spoken, stem};

/// The fitted vectors: `request.weight` and `tool.weight`, a row of [`ROW`] for each bucket of words, and `shape.weight`.
static FITTED: &[u8] = include_bytes!("../../models/intent.gguf");

/// Rows of the two tables: words share one where their hashes do.
const REQUEST: usize = 8192;
const TOOL: usize = 4096;
/// Elements of a row: the vector, then what a word of a request adds where a tool has it too, and what it speaks for no tool at all.
const ROW: usize = 32;
const VECTOR: usize = ROW - 2;
/// A tool's words are of its name, its description, its parameters' names or their choices.
const FIELDS: usize = 4;
/// What [`Asked::shape`] tells of a tool.
const SHAPE: usize = 6;
/// Nothing is less likely, as a natural logarithm.
const LEAST: f64 = -9.0;

/// The features of a request with the tools that it may be for.
pub(crate) struct Asked {
    /// Buckets of its words, each once.
    pub request: Vec<usize>,
    pub tools: Vec<ToolAsked>,
}

/// The features of one tool.
pub(crate) struct ToolAsked {
    /// Buckets of its words, field by field.
    pub words: [Vec<usize>; FIELDS],
    /// Buckets of those of the request that it has too, field by field.
    pub common: [Vec<usize>; FIELDS],
    /// How its parameters go with the numbers and choices of the request.
    pub shape: [f32; SHAPE],
}

/// The stems of a text's words; numbers are one.
fn stems(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase().replace(['\'', '’'], "");
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words
        .map(|word| if word.starts_with(|c: char| c.is_ascii_digit()) { "#".into() } else { stem(word) })
        .collect()
}

/// FNV-1a.
fn bucket(word: &str, of: usize) -> usize {
    let hash =
        word.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize % of
}

impl Asked {
    pub fn of(turn: &Turn<'_>) -> Asked {
        let said = stems(turn.request);
        let buckets = |words: &mut dyn Iterator<Item = &String>, of: usize| {
            words.map(|word| bucket(word, of)).collect()
        };
        let choices: Vec<&str> = turn
            .links
            .iter()
            .flat_map(|link| &link.marks)
            .filter_map(|mark| match mark {
                Mark::Value(at) => Some(turn.scene.values[*at].as_str()),
                _ => None,
            })
            .collect();
        let tools = turn.scene.user_tools().map(|(name, description, parameters)| {
            let names: Vec<String> = parameters.iter().map(|param| spoken(&param.name)).collect();
            let kinds = || parameters.iter().map(|param| &param.kind);
            let values: Vec<&str> = kinds()
                .filter_map(|kind| match kind {
                    ParamKind::Choice(choices) => Some(choices.iter().map(String::as_str)),
                    _ => None,
                })
                .flatten()
                .collect();
            let fields = [spoken(name), description.to_owned(), names.join(" "), values.join(" ")]
                .map(|text| stems(&text));
            let numbers = kinds().any(|kind| matches!(kind, ParamKind::Number { .. }));
            let needs = parameters
                .iter()
                .any(|param| param.required && matches!(param.kind, ParamKind::Number { .. }));
            let unsaid = parameters.iter().filter(|param| match &param.kind {
                ParamKind::Choice(own) => {
                    param.required && !choices.iter().any(|said| own.iter().any(|one| one == said))
                }
                _ => false,
            });
            let flag = |is: bool| f32::from(u8::from(is));
            let counted = !turn.numbers.is_empty();
            ToolAsked {
                words: fields.each_ref().map(|words| buckets(&mut words.iter(), TOOL)),
                common: fields.each_ref().map(|words| buckets(&mut words.intersection(&said), REQUEST)),
                shape: [
                    flag(counted && numbers),
                    flag(counted && !numbers),
                    flag(!counted && needs),
                    kinds().filter(|kind| matches!(kind, ParamKind::Text { .. })).count().min(3) as f32,
                    flag(unsaid.count() > 0),
                    flag(choices.iter().any(|said| values.contains(said))),
                ],
            }
        });
        Asked { request: buckets(&mut said.iter(), REQUEST), tools: tools.collect() }
    }
}

/// The tables where they stand in the program.
struct Fitted {
    file: Gguf,
    /// Weights of the fields' vectors, of what is common field by field, of the shape, and of no tool.
    shape: Vec<f32>,
}

impl Fitted {
    fn get() -> &'static Fitted {
        static READ: OnceLock<Fitted> = OnceLock::new();
        READ.get_or_init(|| {
            let file = Gguf::parse(Bytes::Static(FITTED)).expect("the program's own file is whole");
            let row = file.tensor("shape.weight").expect("the program's own file has its shape");
            let mut shape = vec![0.0; row.row_len()];
            Format::F32.dequantize(file.tensor_bytes(&row), &mut shape);
            Fitted { file, shape }
        })
    }

    /// One row of a table.
    fn row(&self, table: &str, at: usize) -> [f32; ROW] {
        let tensor = self.file.tensor(table).expect("the program's own file has its tables");
        let bytes = Format::Q8_0.row_bytes(ROW).expect("rows are whole blocks");
        let mut row = [0.0; ROW];
        Format::Q8_0.dequantize(&self.file.tensor_bytes(&tensor)[at * bytes..(at + 1) * bytes], &mut row);
        row
    }
}

/// How likely a request is for each of the user's tools, or for none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intent {
    /// Natural logarithms of the probabilities, that of no tool last.
    likely: Vec<f64>,
}

impl Intent {
    pub fn of(turn: &Turn<'_>) -> Intent {
        let asked = Asked::of(turn);
        if asked.tools.is_empty() {
            return Intent::default();
        }
        let fitted = Fitted::get();
        let (fields, others) = fitted.shape.split_at(FIELDS);
        let (common, others) = others.split_at(FIELDS);
        let (shape, none) = others.split_at(SHAPE);
        let mut meant = [0.0; ROW];
        let said = asked.request.iter().map(|at| fitted.row("request.weight", *at));
        said.for_each(|row| meant.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight));
        let long = (asked.request.len().max(1) as f32).sqrt();
        let score = |tool: &ToolAsked| {
            let mut known = [0.0; ROW];
            for (words, weight) in tool.words.iter().zip(fields) {
                for row in words.iter().map(|at| fitted.row("tool.weight", *at)) {
                    known.iter_mut().zip(row).for_each(|(sum, element)| *sum += weight * element);
                }
            }
            let count = (tool.words.iter().map(Vec::len).sum::<usize>().max(1) as f32).sqrt();
            let near: f32 =
                meant[..VECTOR].iter().zip(&known).map(|(a, b)| a * b).sum::<f32>() / long / count;
            let worth = |at: &usize| 1.0 + fitted.row("request.weight", *at)[VECTOR];
            let shared: f32 = tool
                .common
                .iter()
                .zip(common)
                .map(|(words, weight)| weight * words.iter().map(worth).sum::<f32>())
                .sum();
            f64::from(near + shared + tool.shape.iter().zip(shape).map(|(a, b)| a * b).sum::<f32>())
        };
        let mut likely: Vec<f64> = asked.tools.iter().map(score).collect();
        likely.push(f64::from(meant[VECTOR + 1] + none[0]));
        let best = likely.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum = best + likely.iter().map(|score| (score - best).exp()).sum::<f64>().ln();
        likely.iter_mut().for_each(|score| *score = (*score - sum).max(LEAST));
        Intent { likely }
    }

    /// The natural logarithm of how likely the request is for a tool, given that it is for one.
    pub fn of_tool(&self, tool: usize) -> f64 {
        let Some((none, tools)) = self.likely.split_last() else { return 0.0 };
        let some = (1.0 - none.exp()).max(LEAST.exp());
        tools.get(tool).map_or(0.0, |likely| (likely - some.ln()).clamp(LEAST, 0.0))
    }

    /// As [`Intent::of_tool`], that it is for none; 0 where there are no tools.
    pub fn of_none(&self) -> f64 {
        self.likely.last().copied().unwrap_or(0.0)
    }

    /// That it is for any.
    pub fn of_any(&self) -> f64 {
        self.likely.last().map_or(0.0, |none| (1.0 - none.exp()).ln().max(LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Param, Scene, Tool};

    /// The tools of an inn.
    fn scene() -> Scene {
        let param = |name: &str, kind, required| Param { name: name.into(), kind, required, unit: None };
        let text = |name: &str| param(name, ParamKind::Text { max_length: 80 }, true);
        let guests = ParamKind::Number { min: 1.0, max: 12.0, integer: true };
        let place = ParamKind::Choice(vec!["bar".into(), "garden".into()]);
        let tool = |name: &str, description: &str, parameters| Tool::User {
            name: name.into(),
            description: description.into(),
            parameters,
        };
        let tools = vec![
            tool(
                "announce",
                "Say something over the speakers",
                vec![text("message"), param("place", place, true)],
            ),
            tool("book_table", "Reserve a table", vec![text("name"), param("guests", guests, true)]),
            tool("shopping_list", "Put something on the shopping list", vec![text("item")]),
        ];
        Scene::new(tools, Vec::new())
    }

    #[test]
    fn the_words_of_a_request_tell_its_tool() {
        let scene = scene();
        for (request, tool) in [
            ("announce that dinner is served", 0),
            ("tell everybody in the garden to come inside", 0),
            ("a table for Mrs Lind, four of them", 1),
            ("reserve for six under Okafor", 1),
            ("we need more butter", 2),
            ("put eggs on the list", 2),
        ] {
            let intent = Intent::of(&Turn::new(&scene, request));
            let best = (0..3).max_by(|a, b| intent.of_tool(*a).total_cmp(&intent.of_tool(*b)));
            assert_eq!(best, Some(tool), "{request}: {intent:?}");
            assert!(intent.of_any() > intent.of_none(), "{request}: {intent:?}");
        }
        let lamp = Intent::of(&Turn::new(&scene, "turn the lamp off"));
        assert!(lamp.of_none() > lamp.of_any(), "{lamp:?}");
    }

    #[test]
    fn numbers_and_choices_tell_as_well() {
        let scene = scene();
        let asked = Asked::of(&Turn::new(&scene, "table for 4 in the garden"));
        let shapes: Vec<_> = asked.tools.iter().map(|tool| tool.shape).collect();
        assert_eq!(shapes[0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(shapes[1], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let asked = Asked::of(&Turn::new(&scene, "a table"));
        assert_eq!(asked.tools[0].shape, [0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!(asked.tools[1].shape, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        // What both have in common stands in the table of what people say.
        assert_eq!(asked.tools[1].common[0], [bucket(&stem("table"), REQUEST)]);
        assert_eq!(bucket("", 7), 0x811c_9dc5 % 7);
    }

    #[test]
    fn without_tools_nothing_is_likely_or_unlikely() {
        let scene = Scene::new(Vec::new(), Vec::new());
        let intent = Intent::of(&Turn::new(&scene, "put eggs on the list"));
        assert_eq!((intent.of_tool(0), intent.of_any(), intent.of_none()), (0.0, 0.0, 0.0));
    }

    #[test]
    fn the_fitted_tables_have_their_shapes() {
        let fitted = Fitted::get();
        assert_eq!(fitted.shape.len(), FIELDS + FIELDS + SHAPE + 1);
        for (table, rows) in [("request.weight", REQUEST), ("tool.weight", TOOL)] {
            let tensor = fitted.file.tensor(table).unwrap();
            assert_eq!((tensor.row_len(), tensor.rows()), (ROW, rows), "{table}");
            assert!((0..rows).all(|at| fitted.row(table, at).iter().all(|weight| weight.is_finite())));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_any_request_is_for_shares_what_is_certain(request in "(\\PC|[a-z' ,.é0-9]){0,40}") {
            let scene = scene();
            let intent = Intent::of(&Turn::new(&scene, &request));
            let sum: f64 = intent.likely.iter().map(|likely| likely.exp()).sum();
            proptest::prop_assert!((sum - 1.0).abs() < 1e-2, "{intent:?}");
        }
    }
}
