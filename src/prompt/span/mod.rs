//! Which words of a request a text parameter takes, as far as its edges tell: a log-linear model of some thousand weights over the words at a
//! span's edges and beside them, and over what it holds. It knows no thing and no name, only how people put them into sentences, and so it
//! speaks where the language model is in doubt. `training/spans.py` fits it to the written requests.

mod features;
mod sort;
mod words;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

pub(crate) use features::{Features, Tell};
pub(crate) use sort::Sort;
pub(crate) use words::{Word, spans, words};

use super::Turn;
use super::intent::Intent;
use super::weights::Weights;

/// Most words of a span that is looked at.
pub(crate) const LONGEST: usize = 16;

/// What each feature speaks for a span.
const WEIGHTS: Weights = Weights::new(include_str!("../../../models/spans.tsv"));

/// How likely each span of a request is what one text parameter takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    /// Bytes of the request, and the natural logarithm of the probability; the likeliest first.
    likely: Vec<(Range<usize>, f64)>,
}

/// The logarithm for what is no span of the request.
const NONE: f64 = -12.0;

impl Spans {
    /// For a parameter of the user's tool with this index; empty when it takes no text.
    pub fn of(turn: &Turn<'_>, tool: usize, param: usize) -> Spans {
        let Some(features) = Features::of(turn, tool, param) else { return Spans::default() };
        let weigh = |tell: &dyn Fn(&mut Tell<'_>)| {
            let mut sum = 0.0;
            tell(&mut |feature| sum += WEIGHTS.of(feature));
            f64::from(sum)
        };
        let words = &features.words;
        let starts: Vec<f64> =
            (0..words.len()).map(|at| weigh(&|tell| features.of_start(at, tell))).collect();
        let ends: Vec<f64> = (0..words.len()).map(|at| weigh(&|tell| features.of_end(at, tell))).collect();
        let mut likely: Vec<(Range<usize>, f64)> = spans(words, LONGEST)
            .map(|(first, last)| {
                let inside = weigh(&|tell| features.of_inside(first..last + 1, tell));
                (words[first].start..words[last].end, starts[first] + inside + ends[last])
            })
            .collect();
        likely.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best = likely.first().map_or(0.0, |(_, score)| *score);
        let sum = best + likely.iter().map(|(_, score)| (score - best).exp()).sum::<f64>().ln();
        likely.iter_mut().for_each(|(_, score)| *score = (*score - sum).max(NONE));
        Spans { likely }
    }

    /// The natural logarithm of the probability of a text, wherever in the request it stands.
    pub fn of_text(&self, request: &str, text: &str) -> f64 {
        self.likely.iter().find(|(span, _)| request[span.clone()] == *text).map_or(NONE, |(_, score)| *score)
    }

    /// The likeliest spans, with the logarithms of their probabilities.
    pub fn likeliest(&self) -> &[(Range<usize>, f64)] {
        &self.likely
    }
}

/// What a turn's words tell beside the model, each looked at once: the spans of all text parameters, and which tool it is for.
pub(crate) struct TextSpans<'t> {
    pub turn: &'t Turn<'t>,
    intent: OnceCell<Intent>,
    /// By tool and parameter.
    known: RefCell<HashMap<(usize, usize), Rc<Spans>>>,
}

impl<'t> TextSpans<'t> {
    /// None yet.
    pub fn new(turn: &'t Turn<'t>) -> TextSpans<'t> {
        TextSpans { turn, intent: OnceCell::new(), known: RefCell::default() }
    }

    /// Which of the user's tools it is for.
    pub fn intent(&self) -> &Intent {
        self.intent.get_or_init(|| Intent::of(self.turn))
    }

    /// For a parameter of the user's tool with this index.
    pub fn of(&self, tool: usize, param: usize) -> Rc<Spans> {
        let mut known = self.known.borrow_mut();
        known.entry((tool, param)).or_insert_with(|| Rc::new(Spans::of(self.turn, tool, param))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Param, ParamKind, Scene, Tool};

    /// A tool with a text and somebody's name.
    fn scene() -> Scene {
        let text = |name: &str| Param {
            name: name.into(),
            kind: ParamKind::Text { max_length: 80 },
            required: false,
            unit: None,
        };
        let parameters = vec![text("note"), text("customer")];
        Scene::new(
            vec![Tool::User { name: "jot".into(), description: "write down".into(), parameters }],
            Vec::new(),
        )
    }

    #[test]
    fn every_row_is_found_and_nothing_else() {
        WEIGHTS.check(1000);
    }

    #[test]
    fn the_words_that_stand_like_an_argument_are_likely() {
        let scene = scene();
        let best = |request: &str, param: usize| {
            let turn = Turn::new(&scene, request);
            let spans = Spans::of(&turn, 0, param);
            request[spans.likeliest()[0].0.clone()].to_owned()
        };
        assert_eq!(best("note: calf 14 has a cough", 0), "calf 14 has a cough");
        assert_eq!(best("jot down that the tank is leaking", 0), "the tank is leaking");
        assert_eq!(best("an order for Kathleen Burns, three loaves", 1), "Kathleen Burns");
        assert_eq!(best("write on Mrs Lind's card that she pays cash", 1), "Mrs Lind");
    }

    #[test]
    fn what_is_no_span_or_no_text_has_no_likelihood() {
        let scene = scene();
        let turn = Turn::new(&scene, "note two");
        let spans = TextSpans::new(&turn);
        assert_eq!(spans.of(0, 0).of_text(turn.request, "note three"), NONE);
        assert!(spans.of(0, 0).of_text(turn.request, "two") > NONE);
        assert!(spans.of(0, 7).likeliest().is_empty() && spans.of(3, 0).likeliest().is_empty());
        let silence = Turn::new(&scene, "...");
        assert!(Spans::of(&silence, 0, 0).likeliest().is_empty());
    }

    proptest::proptest! {
        #[test]
        fn the_spans_of_any_request_share_what_is_certain(request in "(\\PC|[a-z' ,.é]){0,40}") {
            let scene = scene();
            let turn = Turn::new(&scene, &request);
            let spans = Spans::of(&turn, 0, 0);
            let sum: f64 = spans.likeliest().iter().map(|(_, score)| score.exp()).sum();
            proptest::prop_assert!(spans.likeliest().is_empty() || (sum - 1.0).abs() < 0.01, "{}", sum);
            for (span, score) in spans.likeliest() {
                proptest::prop_assert!(request.get(span.clone()).is_some() && (NONE..=0.0).contains(score));
            }
        }
    }
}
