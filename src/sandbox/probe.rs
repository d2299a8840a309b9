//! Which layers this machine has, found out by entering them in a process made for it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::sys::{self, Ended, Fork};
use super::{Layer, SandboxError, filter};

/// The hidden command that tries the layers.
pub const PROBE: &str = "cage-probe";

/// One layer on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Which.
    pub layer: Layer,
    /// Why it is not there; `None` when it is.
    pub missing: Option<String>,
}

/// The layers of this machine, each tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers(pub Vec<Found>);

impl Layers {
    /// Whether the machine has a layer.
    pub fn has(&self, layer: Layer) -> bool {
        self.0.iter().any(|found| found.layer == layer && found.missing.is_none())
    }

    /// Whether a tool that waives nothing can run.
    pub fn complete(&self) -> bool {
        self.0.iter().all(|found| found.missing.is_none() || found.layer == Layer::Landlock)
    }
}

/// Tries the layers in a child of this binary.
///
/// # Errors
/// When that child cannot be started or does not answer.
pub fn probe() -> Result<Layers, SandboxError> {
    probe_with(Path::new("/proc/self/exe"))
}

/// [`probe`] by another pintail binary than the running program.
///
/// # Errors
/// As [`probe`].
pub fn probe_with(exe: &Path) -> Result<Layers, SandboxError> {
    let system = |source| SandboxError::System { tool: "probe".into(), step: "try the layers", source };
    let output = Command::new(exe)
        .arg(PROBE)
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(system)?;
    serde_json::from_slice(&output.stdout).map_err(|error| system(error.into()))
}

/// The hidden command's work: tries every layer, each in a child that is gone afterwards.
pub fn layers() -> Layers {
    let administrator = sys::is_administrator();
    let found = Layer::ALL.map(|layer| {
        let missing = match layer {
            Layer::Seccomp => match filter::compile(filter::Kind { network: false, sessions: true }) {
                Err(why) => Some(why),
                Ok(filters) => attempt(|| {
                    seccompiler::apply_filter(&filters[0]).map_err(|error| match error {
                        seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => error,
                        other => std::io::Error::other(other.to_string()),
                    })
                }),
            },
            Layer::Landlock => landlock_missing(),
            _ => attempt(|| {
                if !administrator && layer != Layer::UserNamespace {
                    sys::unshare(libc::CLONE_NEWUSER)?;
                }
                sys::unshare(layer.flag().unwrap_or(0))?;
                if layer == Layer::MountNamespace {
                    // A container may allow the namespace and still refuse every mount in it.
                    let (none, root) = (Path::new("none"), Path::new("/"));
                    sys::mount(none, root, c"", libc::MS_REC | libc::MS_PRIVATE, c"")?;
                    sys::mount(none, Path::new("/tmp"), c"tmpfs", 0, c"")?;
                }
                Ok(())
            }),
        };
        Found { layer, missing }
    });
    Layers(found.to_vec())
}

/// Does something in a child; says why it failed.
fn attempt(act: impl FnOnce() -> std::io::Result<()>) -> Option<String> {
    match sys::fork() {
        Err(error) => Some(error.to_string()),
        Ok(Fork::Child) => {
            let code = match act() {
                Ok(()) => 0,
                // Error numbers in use fit into an exit code.
                Err(error) => error.raw_os_error().filter(|code| (1..255).contains(code)).unwrap_or(255),
            };
            sys::exit_now(code)
        }
        Ok(Fork::Parent(pid)) => match sys::wait(pid, true) {
            Some((_, Ended::Code(0))) => None,
            Some((_, Ended::Code(255))) | None => Some("refused".to_owned()),
            Some((_, Ended::Code(code))) => Some(std::io::Error::from_raw_os_error(code).to_string()),
            Some((_, Ended::Signal(signal))) => Some(format!("killed by signal {signal}")),
        },
    }
}

fn landlock_missing() -> Option<String> {
    use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(|rules| rules.create())
        .err()
        .map(|error| error.to_string())
}
