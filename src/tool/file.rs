//! A tool as it is written (`tools/NAME.toml`, or `[tools.NAME]` in an agent's file) and as it is checked.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::parameters::{Parameters, Shape};
use super::{Builtin, ToolError, place, quantity};
use crate::sandbox::{Layer, Limits, is_reserved_device};

/// A tool as written. Every key is optional here; [`ToolFile::check`] says what is missing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToolFile {
    /// The version of this format: 1. Required in a file of its own.
    pub format: Option<u32>,
    /// What the tool does, in a few words.
    pub description: Option<String>,
    /// JSON Schema of the arguments: an object. Left out: no arguments.
    pub parameters: Option<serde_json::Value>,
    /// Program and arguments. `"pintail"` as the program is pintail itself; an element that is exactly
    /// `"{name}"` becomes the argument of that name. Left out: the tool is declared only and cannot be run.
    pub command: Option<Vec<String>>,
    /// Template of the reply (Jinja): the arguments by name, and `result`. Left out: the result itself.
    pub reply: Option<String>,
    /// Only after the person says yes.
    pub confirm: bool,
    /// What the tool may touch.
    pub permissions: Permissions,
    /// How much it may use.
    pub limits: LimitsFile,
}

/// `[permissions]`: nothing is granted that is not named here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Permissions {
    /// Absolute paths that it can read and run programs from. Each must exist.
    pub read: Vec<PathBuf>,
    /// The same, left out on machines that do not have them.
    pub read_if_present: Vec<PathBuf>,
    /// Absolute paths that it can write; `"state"` is its private folder, kept from run to run; `"tmp"` is an empty
    /// folder in memory, for one run.
    pub write: Vec<PathBuf>,
    /// Device files, as `/dev/i2c-1`.
    pub devices: Vec<PathBuf>,
    /// The network, over IP.
    pub network: bool,
    /// A `/proc` that shows the tool's own processes.
    pub proc: bool,
    /// Layers of the cage that the tool may run without, on a machine that lacks them.
    pub without: BTreeSet<Layer>,
}

/// `[limits]` as written: durations as `"5s"`, sizes as `"64M"`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsFile {
    /// Wall time (default 5s, at most 10m).
    pub time: Option<String>,
    /// Processor time of a process (default 5s, whole seconds).
    pub cpu: Option<String>,
    /// Address space of a process (default 256M).
    pub memory: Option<String>,
    /// Bytes of output (default 64K, at most 16M).
    pub output: Option<String>,
    /// Size of a file that it writes, and of `/tmp` (default 1M).
    pub file_size: Option<String>,
    /// Processes and threads at a time (default 8).
    pub processes: Option<u64>,
    /// Open files of a process (default 64).
    pub open_files: Option<u64>,
}

/// One element of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As written.
    Literal(String),
    /// The argument of that name; left out when it is not given.
    Argument(String),
}

/// A tool that can be used: every key makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct UserTool {
    /// Its name in calls.
    pub name: String,
    /// What it does; may be empty.
    pub description: String,
    /// What it takes.
    pub parameters: Parameters,
    /// What is run; `None`: declared only.
    pub command: Option<Command>,
    /// The reply's template.
    pub reply: Option<String>,
    /// Only after the person says yes.
    pub confirm: bool,
    /// What it may touch; paths absolute, without `state` and `tmp` in `write`.
    pub permissions: Permissions,
    /// Whether it has a private folder.
    pub state: bool,
    /// Whether it has an empty `/tmp`.
    pub tmp: bool,
    /// How much it may use.
    pub limits: Limits,
    /// The file that it was read from.
    pub origin: PathBuf,
}

/// A command, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program; `None`: pintail itself.
    pub program: Option<PathBuf>,
    /// Its arguments.
    pub pieces: Vec<Piece>,
}

/// A key and what is wrong with it.
struct Fault(String, String);

fn fault(key: impl Into<String>, message: impl Into<String>) -> Fault {
    Fault(key.into(), message.into())
}

/// Whether a tool of the user's own may have this name.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !fits {
        return Err(format!(
            "`{name}` is not a tool's name: lower-case letters, digits and _, a letter first"
        ));
    }
    if name.len() > 64 {
        return Err(format!("`{name}` is longer than 64 characters"));
    }
    // `schedule` is a built-in of a later version.
    if Builtin::from_name(name).is_some() || name == "schedule" {
        return Err(format!("`{name}` is a built-in tool: choose another name"));
    }
    Ok(())
}

impl ToolFile {
    /// Reads the text of a tool file; `file` is for messages.
    ///
    /// # Errors
    /// [`ToolError::Syntax`] with line, column and a suggestion.
    pub fn parse(text: &str, file: &Path) -> Result<ToolFile, ToolError> {
        place::parse(text, file)
    }

    /// Whether nothing is written: in an agent's file that means that the tool is looked up by name.
    pub fn is_empty(&self) -> bool {
        *self == ToolFile::default()
    }

    /// Checks a tool that is written inside another file, `file`.
    ///
    /// # Errors
    /// [`ToolError::Invalid`] with the key; the caller knows where in its file that is.
    pub fn check(self, name: &str, file: &Path) -> Result<UserTool, ToolError> {
        self.checked(name, file).map_err(|Fault(key, message)| ToolError::Invalid {
            file: file.to_owned(),
            at: None,
            key,
            message,
        })
    }

    fn checked(self, name: &str, file: &Path) -> Result<UserTool, Fault> {
        check_name(name).map_err(|message| fault("name", message))?;
        if let Some(format) = self.format.filter(|&format| format != 1) {
            return Err(fault("format", format!("found {format}; this pintail reads format 1")));
        }
        let parameters = Parameters::check(self.parameters)
            .map_err(|(below, message)| fault(format!("parameters{below}"), message))?;
        let command = self.command.map(|words| check_command(words, &parameters)).transpose()?;
        if let Some(reply) = &self.reply {
            let mut engine = minijinja::Environment::new();
            engine.add_template("reply", reply).map_err(|error| fault("reply", error.to_string()))?;
            engine.clear_templates();
        }
        let mut permissions = self.permissions;
        let (mut state, mut tmp) = (false, false);
        permissions.write.retain(|path| {
            state |= path == Path::new("state");
            tmp |= path == Path::new("tmp");
            path.is_absolute() || !(path == Path::new("state") || path == Path::new("tmp"))
        });
        check_permissions(&permissions)?;
        Ok(UserTool {
            name: name.to_owned(),
            description: self.description.unwrap_or_default(),
            parameters,
            command,
            reply: self.reply,
            confirm: self.confirm,
            permissions,
            state,
            tmp,
            limits: self.limits.check()?,
            origin: file.to_owned(),
        })
    }
}

impl UserTool {
    /// Reads and checks a tool file's text.
    ///
    /// # Errors
    /// [`ToolError::Syntax`] or [`ToolError::Invalid`], with line and column.
    pub fn parse(name: &str, text: &str, file: &Path) -> Result<UserTool, ToolError> {
        let written = ToolFile::parse(text, file)?;
        let checked = match written.format {
            None => Err(fault("format", "is missing: write format = 1")),
            Some(_) => written.checked(name, file),
        };
        checked.map_err(|Fault(key, message)| ToolError::Invalid {
            file: file.to_owned(),
            at: place::of_key(text, &key).or(Some((1, 1))),
            key,
            message,
        })
    }
}

fn check_command(words: Vec<String>, parameters: &Parameters) -> Result<Command, Fault> {
    let fault = |message: String| fault("command", message);
    let mut words = words.into_iter();
    let program = words.next().ok_or_else(|| fault("is empty: a program is expected".into()))?;
    let program = match program.as_str() {
        "pintail" => None,
        path if path.starts_with('/') => Some(PathBuf::from(path)),
        other => {
            return Err(fault(format!(
                "`{other}` is not an absolute path (no search is made, no shell is used); `pintail` is pintail itself"
            )));
        }
    };
    let pieces = words
        .map(|word| {
            if word.contains('\0') {
                return Err(fault("holds a NUL character".into()));
            }
            let Some(name) = word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) else {
                return Ok(Piece::Literal(word));
            };
            match parameters.get(name).map(|parameter| &parameter.shape) {
                Some(Shape::One(_)) => Ok(Piece::Argument(name.to_owned())),
                Some(Shape::Many { .. }) => Err(fault(format!(
                    "`{{{name}}}` is an array and cannot be one argument; the tool finds it on standard input"
                ))),
                None => {
                    let names = parameters.list.iter().map(|parameter| parameter.name.as_str());
                    let near = place::nearest(name, names);
                    let near = near.map(|near| format!("; did you mean `{{{near}}}`?")).unwrap_or_default();
                    Err(fault(format!("`{{{name}}}` is not a parameter of a flat schema{near}")))
                }
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(Command { program, pieces })
}

fn check_permissions(permissions: &Permissions) -> Result<(), Fault> {
    let lists = [
        ("read", &permissions.read),
        ("read_if_present", &permissions.read_if_present),
        ("write", &permissions.write),
        ("devices", &permissions.devices),
    ];
    for (list, paths) in lists {
        let key = format!("permissions.{list}");
        for path in paths {
            let shown = path.display();
            let mut parts = path.components();
            if parts.next() != Some(Component::RootDir) {
                let more = if list == "write" { ", \"state\" or \"tmp\"" } else { "" };
                return Err(fault(key, format!("`{shown}` is not an absolute path{more}")));
            }
            let parts: Vec<_> = parts.collect();
            if parts.is_empty() || parts.contains(&Component::ParentDir) {
                return Err(fault(
                    key,
                    format!("`{shown}`: neither `/` nor a path with `..` can be granted"),
                ));
            }
            if shown.to_string().contains('\0') {
                return Err(fault(key, "holds a NUL character"));
            }
            if path.starts_with("/proc") && !is_system_file(path) {
                return Err(fault(
                    key,
                    format!(
                        "`{shown}` shows other processes; grant files as /proc/meminfo, or set proc = true"
                    ),
                ));
            }
            // Outputs have one way, the agent's devices and the safety check before them; no tool gets past it.
            if list == "write" && (path.starts_with("/sys") || path.starts_with("/proc")) {
                return Err(fault(
                    key,
                    format!("`{shown}`: files of the kernel cannot be granted for writing"),
                ));
            }
            if list == "devices" && is_reserved_device(path) {
                let message =
                    format!("`{shown}` cannot be granted: lines are moved by the agent's devices alone");
                return Err(fault(key, message));
            }
            if ["/state", "/pintail", "/tmp"].iter().any(|own| path == Path::new(own)) {
                return Err(fault(
                    key,
                    format!("`{shown}` is a name of the cage's own; grant a path below or beside it"),
                ));
            }
            // What a tool can write it can turn into a link to elsewhere, which the next run would be granted.
            if permissions.write.iter().any(|write| path != write && path.starts_with(write)) {
                return Err(fault(key, format!("`{shown}` lies inside a path that the tool may write")));
            }
        }
    }
    Ok(())
}

/// A file or folder of /proc that is about the system and not about a process.
fn is_system_file(path: &Path) -> bool {
    let second = path.components().nth(2).map(|part| part.as_os_str().to_string_lossy().into_owned());
    second.is_some_and(|name| {
        !name.starts_with(|c: char| c.is_ascii_digit())
            && !["self", "thread-self", "kcore", "kmsg", "keys", "net", "mounts"].contains(&name.as_str())
    })
}

impl LimitsFile {
    fn check(&self) -> Result<Limits, Fault> {
        let standard = Limits::default();
        let duration = |key: &str, text: &Option<String>, standard: Duration| match text {
            None => Ok(standard),
            Some(text) => quantity::duration(text).map_err(|message| fault(format!("limits.{key}"), message)),
        };
        let size = |key: &str, text: &Option<String>, standard: u64, most: u64| match text {
            None => Ok(standard),
            Some(text) => match quantity::size(text) {
                Ok(size) if size <= most => Ok(size),
                Ok(_) => {
                    Err(fault(format!("limits.{key}"), format!("`{text}` is more than can be asked for")))
                }
                Err(message) => Err(fault(format!("limits.{key}"), message)),
            },
        };
        let count = |key: &str, count: Option<u64>, standard: u64, least: u64, most: u64| match count {
            None => Ok(standard),
            Some(count) if (least..=most).contains(&count) => Ok(count),
            Some(count) => {
                Err(fault(format!("limits.{key}"), format!("found {count}, expected {least} to {most}")))
            }
        };
        let time = duration("time", &self.time, standard.time)?;
        if time > Duration::from_secs(600) {
            return Err(fault("limits.time", "is more than 10m: a tool answers within a turn"));
        }
        let cpu = duration("cpu", &self.cpu, Duration::from_secs(standard.cpu))?;
        if cpu.subsec_millis() != 0 {
            return Err(fault("limits.cpu", "is counted in whole seconds"));
        }
        Ok(Limits {
            time,
            cpu: cpu.as_secs(),
            memory: size("memory", &self.memory, standard.memory, 1 << 40)?,
            output: size("output", &self.output, standard.output, 16 << 20)?,
            file_size: size("file_size", &self.file_size, standard.file_size, 1 << 40)?,
            processes: count("processes", self.processes, standard.processes, 1, 4096)?,
            open_files: count("open_files", self.open_files, standard.open_files, 8, 65_536)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<UserTool, ToolError> {
        UserTool::parse("feed", text, Path::new("tools/feed.toml"))
    }

    fn complaint(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    const FEED: &str = r#"
format = 1
description = "feed the cat"
command = ["/usr/bin/feeder", "--", "{grams}"]
reply = "{{ grams }} g"
[parameters]
type = "object"
properties.grams = { type = "integer", minimum = 5 }
[permissions]
read = ["/etc/feeder.conf", "/proc/meminfo"]
write = ["state", "/var/lib/feeder"]
[limits]
time = "250ms"
memory = "64M"
"#;

    #[test]
    fn a_sound_file_is_read() {
        let tool = parse(FEED).unwrap();
        let command = tool.command.unwrap();
        assert_eq!(command.program, Some("/usr/bin/feeder".into()));
        assert_eq!(command.pieces, [Piece::Literal("--".into()), Piece::Argument("grams".into())]);
        assert!(tool.state && !tool.tmp && tool.parameters.flat);
        assert_eq!(tool.permissions.write, [PathBuf::from("/var/lib/feeder")]);
        assert_eq!((tool.limits.time, tool.limits.memory), (Duration::from_millis(250), 64 << 20));
        assert_eq!(tool.limits.processes, Limits::default().processes);
    }

    #[test]
    fn the_embedded_tools_are_sound() {
        for (name, text) in super::super::embedded() {
            let tool = UserTool::parse(name, text, Path::new(name)).unwrap();
            assert!(tool.parameters.flat && tool.command.is_some() && tool.permissions.without.is_empty());
        }
    }

    #[test]
    fn mistakes_have_place_and_suggestion() {
        let file = "tools/feed.toml";
        let text = complaint("format = 1\ncomand = []\n");
        assert!(
            text.starts_with(&format!("{file}:2:1: ")) && text.contains("did you mean `command`"),
            "{text}"
        );
        let text = complaint("format = 1\n[limits]\ntime = \"5\"\n");
        assert!(text.starts_with(&format!("{file}:3:1: limits.time: ")), "{text}");
        let text = complaint("format = 1\n[permissions]\nwithout = [\"pid_namspace\"]\n");
        assert!(
            text.starts_with(&format!("{file}:3:")) && text.contains("did you mean `pid_namespace`"),
            "{text}"
        );
        let text = complaint(&FEED.replace("{grams}", "{gram}"));
        assert!(text.starts_with(&format!("{file}:4:1: command: ")) && text.contains("`{grams}`"), "{text}");
        assert!(complaint("").contains("write format = 1"));
        assert!(complaint("format = 2").contains("reads format 1"));
        assert!(complaint("format = 1\nreply = \"{{ a\"").contains("reply"));
    }

    #[test]
    fn what_cannot_be_granted_is_refused() {
        for (list, path) in [
            ("read", "/"),
            ("read", "etc"),
            ("read", "/etc/../root"),
            ("read", "/proc"),
            ("read", "/proc/self/environ"),
            ("read", "/proc/1"),
            ("write", "stat"),
            ("write", "/sys/class/gpio"),
            ("devices", "/dev/gpiochip0"),
            ("devices", "/dev/mem"),
            ("devices", "i2c-1"),
        ] {
            let text = complaint(&format!("format = 1\n[permissions]\n{list} = [\"{path}\"]\n"));
            assert!(text.contains(&format!("permissions.{list}")), "{path}: {text}");
        }
        let text = complaint("format = 1\n[permissions]\nwrite = [\"/data\"]\nread = [\"/data/in\"]\n");
        assert!(text.contains("inside a path"), "{text}");
        let text = complaint("format = 1\ncommand = [\"feeder\"]");
        assert!(text.contains("absolute path"), "{text}");
        for name in ["", "On", "on", "schedule", "1a", "a-b", "é", "../x"] {
            assert!(check_name(name).is_err(), "{name}");
            assert!(super::super::find(name, None).is_err(), "{name}");
        }
    }

    #[test]
    fn a_tool_inside_an_agent_file_needs_no_format() {
        let written = ToolFile::parse("description = \"x\"", Path::new("a.toml")).unwrap();
        assert!(!written.is_empty() && ToolFile::default().is_empty());
        let tool = written.check("feed", Path::new("a.toml")).unwrap();
        assert_eq!(tool.command, None);
        assert!(ToolFile::default().check("on", Path::new("a.toml")).is_err());
    }

    #[test]
    fn tools_are_found_beside_the_agent_first_and_inside_pintail_last() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tools")).unwrap();
        std::fs::write(folder.path().join("tools/notes.toml"), "format = 1\ndescription = \"mine\"").unwrap();
        let find = |name| super::super::find(name, Some(folder.path()));
        assert_eq!(find("notes").unwrap().description, "mine");
        assert!(find("sysinfo").unwrap().origin.starts_with("(inside pintail) sysinfo.toml"));
        let text = find("sysinfos").unwrap_err().to_string();
        assert!(text.contains("did you mean `sysinfo`?") && text.contains("tools/sysinfos.toml"), "{text}");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_damage_to_a_sound_file_panics(at in 0..FEED.len(), byte in any::<u8>()) {
            let mut bytes = FEED.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                let _ = parse(text);
            }
        }
    }
}
