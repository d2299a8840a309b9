//! What a transition, an entry or an exit does.

use std::time::Duration;

use super::expression::Expr;
use super::template::{Filled, Template};
use crate::tool::Call;

/// Actions in order. When one fails the rest is skipped and `error.execution` is raised.
pub type Block = Vec<Step>;

/// An action and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is done.
    pub act: Act,
    /// Line in the file, from 1.
    pub line: usize,
}

/// An action.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Say a sentence.
    Say(Template),
    /// Call a tool, without the model.
    Call(Box<CallTemplate>),
    /// Ask the model: with the tools of the state that the agent is in then, or for an answer of some form.
    Ask(Template, Option<Form>),
    /// Give a context variable a value.
    Set {
        /// Index of the variable.
        variable: usize,
        /// Its value.
        value: Expr,
    },
    /// An event to the agent itself, before anything from outside.
    Raise(Emit),
    /// An event to the agent itself, after what is already waiting.
    Send {
        /// The event.
        emit: Emit,
        /// How much later.
        after: Option<Delay>,
        /// The name by which it can be cancelled.
        id: Option<Filled>,
        /// Whether it outlives the state that sent it.
        keep: bool,
    },
    /// Forget the delayed events sent under this name.
    Cancel(Filled),
    /// Actions of which one that fails ends these alone.
    Try(Block),
    /// The actions of the first branch whose guard holds, or the last ones.
    If {
        /// Guards with their actions.
        branches: Vec<(Expr, Block)>,
        /// When none holds.
        otherwise: Block,
    },
}

/// What an answer of the model has to look like, and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The event that it makes.
    pub event: String,
    /// What it fits.
    pub frame: Frame,
}

/// What an answer fits. Both have been compiled when the file was checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// The text of a GBNF grammar.
    Gbnf(String),
    /// A JSON Schema.
    Schema(serde_json::Value),
}

/// An event to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Emit {
    /// Its name.
    pub name: Filled,
    /// Its data.
    pub data: Vec<(String, Expr)>,
}

/// How long something waits.
#[derive(Clone, Debug, PartialEq)]
pub enum Delay {
    /// Written in the file.
    Fixed(Duration),
    /// Seconds, computed.
    Computed(Expr),
}

/// A call whose arguments may be computed.
#[derive(Clone, Debug, PartialEq)]
pub struct CallTemplate {
    /// The call, with the arguments that are written out.
    pub call: Call,
    /// Those that are computed, by name.
    pub computed: Vec<(String, Filled)>,
}

/// Calls `visit` with every action of a block, those inside of branches too.
pub fn visit<'b>(block: &'b [Step], visit_one: &mut dyn FnMut(&'b Step)) {
    for step in block {
        visit_one(step);
        match &step.act {
            Act::If { branches, otherwise } => {
                branches.iter().for_each(|(_, block)| visit(block, visit_one));
                visit(otherwise, visit_one);
            }
            Act::Try(block) => visit(block, visit_one),
            _ => {}
        }
    }
}

impl Act {
    /// The expressions of this action itself, without those of the actions in its branches.
    pub fn expressions(&self) -> Vec<&Expr> {
        fn of_filled(filled: &Filled) -> Vec<&Expr> {
            match filled {
                Filled::Value(expr, _) => vec![expr],
                Filled::Text(template) => template.expressions().collect(),
            }
        }
        fn of_emit(emit: &Emit) -> Vec<&Expr> {
            of_filled(&emit.name).into_iter().chain(emit.data.iter().map(|(_, expr)| expr)).collect()
        }
        match self {
            Act::Say(template) | Act::Ask(template, _) => template.expressions().collect(),
            Act::Call(call) => call.computed.iter().flat_map(|(_, filled)| of_filled(filled)).collect(),
            Act::Set { value, .. } => vec![value],
            Act::Raise(emit) => of_emit(emit),
            Act::Send { emit, after, id, .. } => {
                let mut all = of_emit(emit);
                if let Some(Delay::Computed(expr)) = after {
                    all.push(expr);
                }
                all.extend(id.iter().flat_map(of_filled));
                all
            }
            Act::Cancel(id) => of_filled(id),
            Act::Try(_) => Vec::new(),
            Act::If { branches, .. } => branches.iter().map(|(guard, _)| guard).collect(),
        }
    }
}
