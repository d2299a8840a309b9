//! The hidden commands: what pintail starts itself as, to build cages and to be a tool inside one.

use std::process::ExitCode;

use clap::Subcommand;

use crate::sandbox::{self, attempt};
use crate::tool::own;

/// Not for people; the names are those that the rooms start.
#[derive(Debug, Subcommand)]
pub enum Hidden {
    /// Builds a cage and becomes the tool.
    #[command(name = sandbox::STAGE, hide = true)]
    Stage {
        /// The socket with the policy.
        fd: i32,
    },
    /// Tries the layers of the cage.
    #[command(name = sandbox::PROBE, hide = true)]
    Probe,
    /// Tries a forbidden act.
    #[command(name = attempt::ATTEMPT, hide = true)]
    Attempt {
        /// Which.
        #[command(subcommand)]
        act: attempt::Act,
    },
    /// Is one of pintail's own tools.
    #[command(name = own::MAIN, hide = true)]
    Tool {
        /// Which.
        name: String,
    },
}

/// Runs one of them.
pub fn run(hidden: Hidden) -> anyhow::Result<ExitCode> {
    match hidden {
        Hidden::Stage { fd } => sandbox::stage::main(fd),
        Hidden::Probe => {
            println!("{}", serde_json::to_string(&sandbox::layers())?);
            Ok(ExitCode::SUCCESS)
        }
        Hidden::Attempt { act } => Ok(ExitCode::from(attempt::main(act) as u8)),
        Hidden::Tool { name } => match own::main(&name) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(message) => {
                // Plain: the parent adds the tool's name.
                eprintln!("{message}");
                Ok(ExitCode::FAILURE)
            }
        },
    }
}
