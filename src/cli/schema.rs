//! `pintail schema`: the JSON Schema of a file format, for editors that complete and check as one types.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::agent::AgentFile;
use crate::tool::ToolFile;

/// Prints the JSON Schema of a file format
///
/// Editors with a TOML language server complete agent files with it: save it and name it in the file's first line,
/// `#:schema agent.schema.json`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which format
    #[arg(value_enum)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// Agent files
    Agent,
    /// Tool files
    Tool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let schema = match args.format {
        Format::Agent => schemars::schema_for!(AgentFile),
        Format::Tool => schemars::schema_for!(ToolFile),
    };
    writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&schema)?)?;
    Ok(ExitCode::SUCCESS)
}
