//! Where agents come from: a path, a name in the data directories, or the binary itself.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::finding::nearest;
use super::{Agent, Checked, Report, Severity, check};

/// The agent that runs when none is named.
pub const DEFAULT: &str = include_str!("../../agents/home.toml");

/// The agents inside the binary, by name.
pub const EMBEDDED: &[(&str, &str)] = &[
    ("home", DEFAULT),
    ("greenhouse", include_str!("../../agents/greenhouse.toml")),
    ("alarm", include_str!("../../agents/alarm.toml")),
    ("bench", include_str!("../../agents/bench.toml")),
    ("interview", include_str!("../../agents/interview.toml")),
    ("traffic-light", include_str!("../../agents/traffic-light.toml")),
];

/// An agent file may have at most this many bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// Why an agent could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The file could not be read.
    #[error("{}: cannot read the agent file: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no file and no embedded agent of that name.
    #[error(
        "no agent `{name}`: looked for {}{}",
        looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
        suggestion.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?"))
    )]
    NotFound {
        /// What was asked for.
        name: String,
        /// The places that were looked at.
        looked: Vec<PathBuf>,
        /// The nearest embedded name or file.
        suggestion: Option<String>,
    },
    /// The file is too big to be one.
    #[error("{}: an agent file has at most {MAX_BYTES} bytes", path.display())]
    TooBig {
        /// The file.
        path: PathBuf,
    },
    /// The file is empty.
    #[error("{}: the file is empty; an agent file begins with `format = 1` and `[agent]`", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is not UTF-8 text.
    #[error("{}:{line}: byte {offset} is not UTF-8 text; an agent file is TOML", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Offset of the first bad byte.
        offset: usize,
        /// Its line, from 1.
        line: usize,
    },
    /// The file has errors.
    #[error("{0}")]
    Unsound(Box<Report>),
}

/// Loads an agent by path or by name, and reports its warnings to the log.
///
/// A name is looked up as `agents/NAME.toml` beside the working directory, then in the user's and
/// the system's data directories, then among those inside the binary.
///
/// # Errors
/// See [`AgentError`]; an agent with errors in its file is never returned.
pub fn load(path_or_name: &str) -> Result<Agent, AgentError> {
    let (file, checked) = check_file(path_or_name)?;
    for finding in checked.findings.iter().filter(|finding| finding.severity == Severity::Warning) {
        tracing::warn!("{}:{}: {}", file, finding.line, finding.message);
    }
    checked.agent.ok_or_else(|| AgentError::Unsound(Box::new(Report { file, findings: checked.findings })))
}

/// Finds and checks an agent file as [`load`] does, and returns all findings with the file's name
/// as it is shown.
///
/// # Errors
/// When there is no such file or its bytes are no text; findings are no error here.
pub fn check_file(path_or_name: &str) -> Result<(String, Checked), AgentError> {
    let path = match place(path_or_name)? {
        Place::File(path) => path,
        Place::Embedded(name, source) => return Ok((format!("{name}.toml (built in)"), check(source, None))),
    };
    let source = read_text(&path)?;
    Ok((path.display().to_string(), check(&source, Some(&path))))
}

enum Place {
    File(PathBuf),
    Embedded(&'static str, &'static str),
}

fn place(path_or_name: &str) -> Result<Place, AgentError> {
    let path = Path::new(path_or_name);
    if path.is_file() {
        return Ok(Place::File(path.to_owned()));
    }
    // A name has neither folder nor ending; anything else was meant as a path.
    let is_name = path.components().count() == 1 && path.extension().is_none() && !path_or_name.is_empty();
    if !is_name {
        // What is no plain file may still be readable (a pipe), or says itself why it is not.
        if path.exists() {
            return Ok(Place::File(path.to_owned()));
        }
        return Err(AgentError::NotFound {
            name: path_or_name.to_owned(),
            looked: vec![path.to_owned()],
            suggestion: sibling(path),
        });
    }
    let mut looked = Vec::new();
    for folder in folders() {
        let file = folder.join(format!("{path_or_name}.toml"));
        if file.is_file() {
            return Ok(Place::File(file));
        }
        looked.push(file);
    }
    if let Some((name, source)) = EMBEDDED.iter().find(|(name, _)| *name == path_or_name) {
        return Ok(Place::Embedded(name, source));
    }
    let suggestion = nearest(path_or_name, EMBEDDED.iter().map(|(name, _)| *name)).map(str::to_owned);
    Err(AgentError::NotFound { name: path_or_name.to_owned(), looked, suggestion })
}

/// The folders in which agents are looked up by name, in order.
fn folders() -> Vec<PathBuf> {
    let user = match std::env::var_os("XDG_DATA_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(PathBuf::from(folder)),
        None => std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share")),
    };
    let data = user.into_iter().chain([PathBuf::from("/usr/local/share"), PathBuf::from("/usr/share")]);
    std::iter::once(PathBuf::from("agents")).chain(data.map(|folder| folder.join("pintail/agents"))).collect()
}

/// The file beside a missing one whose name is nearest to it.
fn sibling(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .take(1000)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    let near = nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
    Some(path.with_file_name(near).display().to_string())
}

fn read_text(path: &Path) -> Result<String, AgentError> {
    let at = || path.to_owned();
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|source| AgentError::Read { path: at(), source })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(AgentError::TooBig { path: at() });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count();
        AgentError::NotText { path: at(), offset, line }
    })?;
    if text.trim().is_empty() {
        return Err(AgentError::Empty { path: at() });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_agents_are_sound() {
        for (name, source) in EMBEDDED {
            let checked = check(source, None);
            assert!(checked.findings.is_empty(), "{name}: {:#?}", checked.findings);
            assert_eq!(checked.agent.unwrap().name, *name);
        }
    }

    #[test]
    fn all_agents_in_the_tree_load() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["agents", "tests/data/eval"] {
            let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
                eprintln!("SKIPPED: there is no {folder}");
                continue;
            };
            for path in entries.flatten().map(|entry| entry.path()) {
                if path.extension().is_some_and(|extension| extension == "toml") {
                    load(path.to_str().unwrap()).unwrap_or_else(|error| panic!("{error}"));
                }
            }
        }
    }

    #[test]
    fn bad_files_are_clear_errors() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            load(path.to_str().unwrap()).unwrap_err()
        };
        assert!(matches!(file("empty.toml", b" \n"), AgentError::Empty { .. }));
        assert!(matches!(file("big.toml", &vec![b'#'; 1 + MAX_BYTES as usize]), AgentError::TooBig { .. }));
        assert!(matches!(file("bin.toml", b"a = 1\n\xff\0"), AgentError::NotText { line: 2, offset: 6, .. }));
        assert!(matches!(file("nul.toml", b"\0\0\0"), AgentError::Unsound(_)));
        let missing = load(folder.path().join("emty.toml").to_str().unwrap()).unwrap_err();
        assert!(missing.to_string().contains("did you mean"), "{missing}");
        assert!(matches!(load(folder.path().to_str().unwrap()).unwrap_err(), AgentError::Read { .. }));
        assert!(load("hoem").unwrap_err().to_string().contains("did you mean `home`?"));
        assert!(matches!(load("").unwrap_err(), AgentError::NotFound { .. }));
    }
}
