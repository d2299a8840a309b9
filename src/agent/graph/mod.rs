//! Pictures of an agent's statechart: Mermaid, Graphviz DOT, and SVG that needs no other program.

mod diagram;
mod dot;
mod mermaid;
mod svg;
#[cfg(test)]
mod tests;
mod words;

pub use diagram::{Arrow, Diagram, Node};
pub use words::{call, duration, trigger};
