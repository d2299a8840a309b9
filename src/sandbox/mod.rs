//! The cage that user tools run in.
//!
//! A caged program sees an empty world with what its [`Policy`] grants in it: a file tree of its own, its own
//! processes, no network, a cleared environment, no descriptors but three, bounds on time, memory, files, processes and
//! output. What the machine cannot give is an error that names the [`Layer`]; nothing runs with less than was asked for unless
//! the tool's file waives that layer by name. [`probe()`] says which layers a machine has.
//!
//! The cage is built by this same binary, run again ([`stage`]): no code of ours but one system call runs between
//! fork and exec in the threaded program. Linux only.

pub mod attempt;
mod filter;
mod layer;
mod policy;
mod probe;
mod root;
mod run;
pub mod stage;
mod sys;

pub use layer::Layer;
pub use policy::{Limits, Policy, Program};
pub use probe::{Found, Layers, PROBE, layers, probe, probe_with};
pub use root::is_reserved_device;
pub use run::{Ending, Outcome, STAGE, run};

/// Why a program did not run in a cage. It did not run at all then.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The machine lacks a layer that the policy does not waive.
    #[error(
        "tool `{tool}` does not run: this machine cannot give it the layer `{layer}` ({why}); needed: {}; or give it \
         up in the tool's file: [permissions] without = [\"{layer}\"]",
        layer.remedy()
    )]
    Lacking {
        /// The tool.
        tool: String,
        /// What is missing.
        layer: Layer,
        /// What the system said.
        why: String,
    },
    /// A granted thing cannot be given, or the program cannot be started.
    #[error("tool `{tool}` does not run: {why}")]
    Refused {
        /// The tool.
        tool: String,
        /// What the stage said.
        why: String,
    },
    /// The parent's own work failed.
    #[error("tool `{tool}` does not run: could not {step}: {source}")]
    System {
        /// The tool.
        tool: String,
        /// What was being done.
        step: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}
