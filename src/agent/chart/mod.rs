//! The statechart: (agent, machine state, event, surroundings) to (new machine state, actions).
//!
//! The semantics are those of W3C SCXML 1.0 (appendix D), with the format's own triggers beside its named events.
//! Nothing here reads a clock, a board or a random number: the caller feeds events in the order in which they
//! happen, carries out the actions in the order in which they are given and reports the calls among them back as
//! [`Event::Called`] by [`By::Transition`]. What may grow is bounded: see [`MAX_CHAIN`], [`MAX_STEPS`], [`MAX_WAITING`].
//!
//! | file | owns |
//! | --- | --- |
//! | `machine` | the macrostep: one event, to the end of what it sets off |
//! | `select` | which transitions are taken, and which of two in conflict |
//! | `tree` | ancestors, domains, what is left and what is entered |
//! | `timing` | timers, bouncing contacts, thresholds |
//! | `content` | carrying out actions |
//! | `fits` | whether a state that was read back is one |
//! | `event` | events in, actions out |
//! | `act`, `expression`, `parse`, `template`, `value`, `cron` | what a file can say |

mod act;
mod content;
mod cron;
mod event;
mod expression;
mod fits;
mod machine;
mod parse;
mod select;
mod template;
#[cfg(test)]
mod tests;
mod timing;
mod tree;
mod value;

pub use act::{Act, Block, CallTemplate, Delay, Emit, Form, Frame, Step, visit};
pub use cron::Cron;
pub(in crate::agent) use event::describes;
pub use event::{Action, By, Event, Occurrence, Origin, Surroundings, TimerId};
pub use expression::{Expr, Function, Hand, Op, Query, View};
pub use machine::{Due, MAX_CHAIN, MAX_STEPS, MAX_WAITING, MachineState, start, step};
pub use parse::{Fault, Names, Shape, parse};
pub use template::{Filled, Template};
pub use value::{MOST_TEXT, Type, Value};
