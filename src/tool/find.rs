//! Where tools are looked up by name.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{ToolError, UserTool, place};

/// The tools inside the binary.
const EMBEDDED: [(&str, &str); 2] = [
    ("sysinfo", include_str!("../../tools/sysinfo.toml")),
    ("notes", include_str!("../../tools/notes.toml")),
];

/// Most bytes of a tool file.
const FILE_LIMIT: u64 = 1 << 20;

/// The tools inside the binary: name and text of the file.
pub fn embedded() -> impl Iterator<Item = (&'static str, &'static str)> {
    EMBEDDED.into_iter()
}

/// Directories with tool files, first match wins: beside the agent, the user's, the system's.
pub fn search_path(agent_dir: Option<&Path>) -> Vec<PathBuf> {
    let user = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    let system = ["/usr/local/share", "/usr/share"].map(PathBuf::from);
    let data = user.into_iter().chain(system).map(|path| path.join("pintail/tools"));
    agent_dir.map(|path| path.join("tools")).into_iter().chain(data).collect()
}

/// Finds the tool `name`: `tools/NAME.toml` in `agent_dir` (the directory of the agent's file), then in the user's and the
/// system's data directories, then inside the binary.
///
/// # Errors
/// [`ToolError::NotFound`] with the places and a near name; what is wrong with the file that was found.
pub fn find(name: &str, agent_dir: Option<&Path>) -> Result<UserTool, ToolError> {
    let looked_in = search_path(agent_dir);
    if let Err(message) = super::file::check_name(name) {
        return Err(ToolError::Invalid {
            file: format!("{name}.toml").into(),
            at: None,
            key: "name".into(),
            message,
        });
    }
    for directory in &looked_in {
        let file = directory.join(format!("{name}.toml"));
        match read(&file) {
            Ok(text) => return UserTool::parse(name, &text, &file),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(source) => return Err(ToolError::File { file, source }),
        }
    }
    if let Some((_, text)) = embedded().find(|(embedded, _)| *embedded == name) {
        return UserTool::parse(name, text, Path::new(&format!("(inside pintail) {name}.toml")));
    }
    let there = names(&looked_in);
    let near = place::nearest(name, there.iter().map(String::as_str)).map(str::to_owned);
    Err(ToolError::NotFound { name: name.to_owned(), looked_in, near })
}

fn read(file: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let read = std::fs::File::open(file)?.take(FILE_LIMIT + 1).read_to_string(&mut text)?;
    if read as u64 > FILE_LIMIT {
        return Err(std::io::Error::other("larger than 1 MiB: not a tool file"));
    }
    Ok(text)
}

/// The names of all tools in these directories and inside the binary, sorted.
pub fn names(directories: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = directories
        .iter()
        .filter_map(|directory| std::fs::read_dir(directory).ok())
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .chain(embedded().map(|(name, _)| name.to_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}
