//! `pintail new`: a file to begin with.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

/// What is written; `NAME` stands for the agent's name.
const TEMPLATE: &str = include_str!("new.toml");

/// Writes NAME.toml, an agent to begin with
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent's name: letters, digits, `-` and `_`
    name: String,
}

/// Runs the command. A file that is there is left alone.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if args.name.is_empty() || args.name.len() > 64 || !args.name.chars().all(fits) {
        bail!("`{}` is no name for an agent: letters, digits, - and _, 64 bytes at most", args.name);
    }
    let path = PathBuf::from(format!("{}.toml", args.name));
    let mut file = match std::fs::File::create_new(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} is there already; choose another name", path.display())
        }
        file => file.with_context(|| path.display().to_string())?,
    };
    file.write_all(template(&args.name).as_bytes()).with_context(|| path.display().to_string())?;
    println!("{} is written. `pintail check {0}` looks at it, `pintail run {0}` runs it.", path.display());
    Ok(ExitCode::SUCCESS)
}

fn template(name: &str) -> String {
    TEMPLATE.replace("NAME", name)
}

#[cfg(test)]
mod tests {
    use crate::agent::check;

    #[test]
    fn the_template_is_sound_and_nothing_is_found_in_it() {
        let checked = check(&super::template("my-shed_2"), None);
        assert!(checked.findings.is_empty(), "{:#?}", checked.findings);
        assert_eq!(checked.agent.unwrap().name, "my-shed_2");
    }
}
