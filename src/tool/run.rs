//! Running a tool of the user's own, and making a reply of what it answered.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Map, Value};

use super::ToolError;
use super::file::{Piece, UserTool};
use crate::sandbox::{self, Ending, Layer, Policy, Program};

/// What a run needs besides the tool and its arguments.
#[derive(Clone, Debug)]
pub struct RunContext {
    /// Where private folders are: `tools/NAME` below it.
    pub state_dir: PathBuf,
    /// Set by another thread (Ctrl-C, a new request) to end the tool.
    pub cancel: Arc<AtomicBool>,
    /// The pintail binary that becomes the cage: this program, unless a test says otherwise.
    pub exe: PathBuf,
    /// Layers taken as absent, to see what a machine without them does.
    pub lacking: Vec<Layer>,
}

impl RunContext {
    /// The usual context.
    pub fn new(state_dir: impl Into<PathBuf>) -> RunContext {
        RunContext {
            state_dir: state_dir.into(),
            cancel: Arc::default(),
            exe: "/proc/self/exe".into(),
            lacking: Vec::new(),
        }
    }
}

/// What a tool answered. Untrusted: a terminal must not see its control characters.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolOutput {
    /// Its standard output: the JSON value when it is one, else a JSON text without the white space at its ends.
    pub result: Value,
    /// Whether it wrote more than its limit: `result` is then the text up to there, and the tool was killed.
    pub truncated: bool,
    /// The layers of the cage that were in force.
    pub layers: Vec<Layer>,
    /// Wall time of the run, the cage's set-up included.
    pub elapsed: Duration,
}

impl UserTool {
    /// Runs the tool in its cage and waits for its end. Blocks for at most the tool's time limit (and a little more); set
    /// `context.cancel` to end it sooner.
    ///
    /// # Errors
    /// When the arguments do not fit, the cage cannot be what the file asks for (the tool did not run then), or the tool
    /// fails, is stopped or runs for too long.
    pub fn run(&self, arguments: &Map<String, Value>, context: &RunContext) -> Result<ToolOutput, ToolError> {
        let tool = || self.name.clone();
        let mut arguments = arguments.clone();
        self.parameters.fill_defaults(&mut arguments);
        self.parameters.validate(&arguments).map_err(|(pointer, message)| ToolError::Argument {
            tool: tool(),
            pointer,
            message,
        })?;
        let policy = self.policy(&arguments, context)?;
        let input = Value::Object(arguments).to_string();
        let outcome = sandbox::run(&policy, &context.exe, input.as_bytes(), &context.cancel)?;
        match outcome.ending {
            Ending::Exit(0) | Ending::Overflow => {}
            Ending::Exit(code) => {
                let complaint = String::from_utf8_lossy(&outcome.complaint).trim().to_owned();
                return Err(ToolError::Failed { tool: tool(), code, complaint });
            }
            Ending::TimedOut => return Err(ToolError::TimedOut { tool: tool(), limit: self.limits.time }),
            Ending::Cancelled => return Err(ToolError::Cancelled { tool: tool() }),
        }
        let truncated = outcome.ending == Ending::Overflow;
        let text = String::from_utf8_lossy(&outcome.output);
        let result = match serde_json::from_str(&text) {
            Ok(value) if !truncated => value,
            _ => Value::from(text.trim()),
        };
        Ok(ToolOutput { result, truncated, layers: outcome.layers, elapsed: outcome.elapsed })
    }

    /// What the person is told: the template filled, or the result itself when the tool has none.
    ///
    /// # Errors
    /// When the template cannot be filled with this result.
    pub fn reply(&self, arguments: &Map<String, Value>, result: &Value) -> Result<String, ToolError> {
        let Some(template) = &self.reply else {
            return Ok(match result {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
        };
        let mut arguments = arguments.clone();
        self.parameters.fill_defaults(&mut arguments);
        arguments.insert("result".into(), result.clone());
        let mut engine = minijinja::Environment::new();
        // A misspelt name is an error, not an empty place; `is defined` still works.
        engine.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
        engine
            .render_str(template, minijinja::value::Serde(Value::Object(arguments)))
            .map(|text| text.trim().to_owned())
            .map_err(|error| ToolError::Reply { tool: self.name.clone(), message: error.to_string() })
    }

    /// The cage of one call. Makes the private folder.
    fn policy(&self, arguments: &Map<String, Value>, context: &RunContext) -> Result<Policy, ToolError> {
        let tool = || self.name.clone();
        let command = self.command.as_ref().ok_or_else(|| ToolError::Declared { tool: tool() })?;
        let program = match &command.program {
            None => Program::Itself,
            Some(path) => Program::File(path.clone()),
        };
        let mut words = Vec::new();
        for piece in &command.pieces {
            match piece {
                Piece::Literal(word) => words.push(word.clone()),
                Piece::Argument(name) => {
                    let Some(value) = arguments.get(name) else { continue };
                    let word = match value {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    let bad = |message: &str| ToolError::Argument {
                        tool: tool(),
                        pointer: format!("/{name}"),
                        message: message.to_owned(),
                    };
                    if word.contains('\0') {
                        return Err(bad("holds a NUL character, which a command line cannot"));
                    }
                    // A number may be negative; a text must not become an option.
                    if value.is_string() && word.starts_with('-') && !words.iter().any(|word| word == "--") {
                        return Err(bad(
                            "begins with `-` and could be read as an option; put \"--\" before it in `command`",
                        ));
                    }
                    words.push(word);
                }
            }
        }
        let state = if self.state { Some(self.private_folder(&context.state_dir)?) } else { None };
        let permissions = &self.permissions;
        Ok(Policy {
            name: tool(),
            program,
            arguments: words,
            read: permissions.read.clone(),
            read_if_present: permissions.read_if_present.clone(),
            write: permissions.write.clone(),
            devices: permissions.devices.clone(),
            state,
            tmp: self.tmp,
            network: permissions.network,
            proc: permissions.proc,
            without: permissions.without.clone(),
            lacking: context.lacking.iter().copied().collect(),
            limits: self.limits,
        })
    }

    fn private_folder(&self, state_dir: &Path) -> Result<PathBuf, ToolError> {
        let wanted = state_dir.join("tools").join(&self.name);
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&wanted);
        made.and_then(|()| wanted.canonicalize()).map_err(|source| ToolError::State {
            tool: self.name.clone(),
            path: wanted,
            source,
        })
    }
}
