//! The stage: this binary run again, with one thread and nothing in it, to build the cage around itself and then
//! become the tool. Between a fork and an exec in the threaded program nothing runs but one `fcntl`.
//!
//! ```text
//! pintail ── stage ───────── init ─────────── tool
//!            user namespace  pid 1, builds    rlimits, Landlock,
//!            and the others  the file tree    seccomp, exec
//! ```
//!
//! The policy comes in over a socket, refusals go back over it; it closes by itself when the tool's program starts. When
//! the stage dies, its child is killed by the kernel, and with pid 1 all that the tool has left behind.
//!
//! When pintail is root with the right to administer, the namespaces are made by root and the tool then becomes user
//! [`CAGED_USER`]; otherwise the user namespace comes first and gives the right to make the others.

use std::io::{Error, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::policy::{Policy, Program};
use super::root::{self, Access, Grant};
use super::sys::{self, Ended, Fork, Resource};
use super::{Layer, filter};

/// The user and group outside that a tool runs as when pintail is root. High, and of no account, so that the kernel's
/// limits (which spare root) hold, and nothing of root's belongs to a tool.
pub const CAGED_USER: u32 = 64_741;
/// The user and group that a tool sees inside its user namespace.
const INNER_USER: u32 = 1000;
/// Most bytes of a policy.
const POLICY_LIMIT: u64 = 1 << 20;
/// The exit code of a stage that could not build the cage.
const REFUSED: i32 = 125;

/// Why the cage could not be built; travels to the parent as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The layer that is missing, when that is the reason.
    pub layer: Option<Layer>,
    /// What was tried and what the system said.
    pub message: String,
}

impl Refusal {
    /// A step that failed.
    pub fn at(step: &str, error: &Error) -> Refusal {
        Refusal { layer: None, message: format!("could not {step}: {error}") }
    }

    /// A granted path that cannot be given.
    pub fn path(path: &Path, error: &Error) -> Refusal {
        Refusal { layer: None, message: format!("cannot give it {}: {error}", path.display()) }
    }

    fn layer(layer: Layer, why: impl std::fmt::Display) -> Refusal {
        Refusal { layer: Some(layer), message: why.to_string() }
    }
}

/// Makes a [`Refusal`] of a failed step.
pub fn step(name: &'static str) -> impl Fn(Error) -> Refusal {
    move |error| Refusal::at(name, &error)
}

/// What the stage says over the socket: `Ready` just before the tool's program starts, `Refused` otherwise.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The cage stands; these layers are in force.
    Ready(Vec<Layer>),
    /// It does not.
    Refused(Refusal),
}

/// The hidden command's work. `fd` is the number of the socket. Ends the process.
pub fn main(fd: i32) -> ! {
    let mut socket = match sys::take_socket(fd) {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("pintail: this command is started by pintail itself ({error})");
            sys::exit_now(2);
        }
    };
    let code = match Stage::new(&mut socket) {
        Ok(stage) => stage.outer(socket),
        Err(refusal) => refuse(&mut socket, refusal),
    };
    sys::exit_now(code)
}

fn refuse(socket: &mut UnixStream, refusal: Refusal) -> i32 {
    report(socket, &Report::Refused(refusal));
    REFUSED
}

fn report(socket: &mut UnixStream, report: &Report) {
    if let Ok(mut line) = serde_json::to_vec(report) {
        line.push(b'\n');
        // Nobody is left to tell when the parent is gone.
        let _ = socket.write_all(&line);
    }
}

struct Stage {
    policy: Policy,
    /// The file to run, outside.
    program: PathBuf,
    /// Layers in force so far.
    layers: Vec<Layer>,
    /// Root that steps down later, rather than a user that needs a user namespace first.
    administrator: bool,
    /// /proc of the system outside: reachable after the file tree is gone.
    proc: OwnedFd,
}

impl Stage {
    fn new(socket: &mut UnixStream) -> Result<Stage, Refusal> {
        sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as _)
            .map_err(step("tie the stage to its parent"))?;
        sys::new_session().map_err(step("leave the terminal"))?;
        let mut text = Vec::new();
        socket.take(POLICY_LIMIT).read_to_end(&mut text).map_err(step("read the policy"))?;
        let policy: Policy = serde_json::from_slice(&text)
            .map_err(|error| Refusal { layer: None, message: format!("policy not understood: {error}") })?;
        let program = match &policy.program {
            Program::Itself => std::fs::read_link("/proc/self/exe").map_err(step("find this program"))?,
            Program::File(path) => path.clone(),
        };
        if sys::ids().0 == 0 && !sys::is_administrator() {
            let message = "pintail is root without CAP_SYS_ADMIN, whom the kernel's limits do not bind and who cannot step \
                           down; run it as a user";
            return Err(Refusal { layer: None, message: message.to_owned() });
        }
        let proc = sys::open_path(Path::new("/proc")).map_err(step("open /proc"))?;
        Ok(Stage { policy, program, layers: Vec::new(), administrator: sys::is_administrator(), proc })
    }

    fn has(&self, layer: Layer) -> bool {
        self.layers.contains(&layer)
    }

    /// Enters a layer by `enter`. Refuses when that fails, unless the policy does without.
    fn enter(
        &mut self,
        layer: Layer,
        enter: impl FnOnce(&Stage) -> Result<(), String>,
    ) -> Result<(), Refusal> {
        let outcome = if self.policy.lacking.contains(&layer) {
            Err("taken as absent".to_owned())
        } else {
            enter(self)
        };
        match outcome {
            Ok(()) => self.layers.push(layer),
            Err(_) if self.policy.without.contains(&layer) => {}
            Err(why) => return Err(Refusal::layer(layer, why)),
        }
        Ok(())
    }

    fn unshare(&mut self, layer: Layer) -> Result<(), Refusal> {
        let flag = layer.flag().unwrap_or(0);
        self.enter(layer, |_| sys::unshare(flag).map_err(|error| error.to_string()))
    }

    fn user_namespace(&mut self) -> Result<(), Refusal> {
        let (user, group) = sys::ids();
        self.enter(Layer::UserNamespace, |stage| {
            sys::unshare(libc::CLONE_NEWUSER).map_err(|error| error.to_string())?;
            let map = |name: &std::ffi::CStr, text: &str| {
                sys::write_at(&stage.proc, name, text)
                    .map_err(|error| format!("could not write {}: {error}", name.to_string_lossy()))
            };
            map(c"self/setgroups", "deny")?;
            map(c"self/gid_map", &format!("{INNER_USER} {group} 1"))?;
            map(c"self/uid_map", &format!("{INNER_USER} {user} 1"))
        })
    }

    /// The stage's own process: outside the PID namespace, so that it can end it.
    fn outer(mut self, mut socket: UnixStream) -> i32 {
        let entered = (|| {
            if !self.administrator {
                self.user_namespace()?;
            }
            self.unshare(Layer::MountNamespace)?;
            if !self.policy.network {
                self.unshare(Layer::NetworkNamespace)?;
            }
            self.unshare(Layer::IpcNamespace)?;
            self.unshare(Layer::UtsNamespace)?;
            self.unshare(Layer::PidNamespace)
        })();
        if let Err(refusal) = entered {
            return refuse(&mut socket, refusal);
        }
        let signals = sys::Signals::block();
        if !self.has(Layer::PidNamespace) {
            return self.inner(socket, Some(&signals));
        }
        let (gate, open) = match sys::pipe() {
            Ok(ends) => ends,
            Err(error) => return refuse(&mut socket, Refusal::at("make a pipe", &error)),
        };
        match sys::fork() {
            Err(error) => refuse(&mut socket, Refusal::layer(Layer::PidNamespace, error)),
            Ok(Fork::Child) => {
                drop(open);
                let tied = sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as _);
                // The byte says that the parent lived when the line above was in force already.
                if tied.is_err() || std::fs::File::from(gate).read_exact(&mut [0]).is_err() {
                    sys::exit_now(REFUSED);
                }
                sys::exit_now(self.inner(socket, None))
            }
            Ok(Fork::Parent(init)) => {
                drop(socket);
                drop(gate);
                let _ = std::fs::File::from(open).write_all(&[1]);
                close_streams();
                supervise(&signals, init, init)
            }
        }
    }

    /// Pid 1 of the cage (or, without a PID namespace, the stage itself): builds the rest, starts the tool, waits.
    fn inner(mut self, mut socket: UnixStream, signals: Option<&sys::Signals>) -> i32 {
        let grants = match self.build() {
            Ok(grants) => grants,
            Err(refusal) => return refuse(&mut socket, refusal),
        };
        match sys::fork() {
            Err(error) => refuse(&mut socket, Refusal::at("start a process", &error)),
            Ok(Fork::Child) => {
                let refusal = self.become_tool(&grants, &mut socket);
                sys::exit_now(refuse(&mut socket, refusal))
            }
            Ok(Fork::Parent(tool)) => {
                drop(socket);
                close_streams();
                match signals {
                    Some(signals) => supervise(signals, tool, -tool),
                    None => reap(tool),
                }
            }
        }
    }

    /// The file tree, and the step down from root.
    fn build(&mut self) -> Result<Vec<Grant>, Refusal> {
        if let (Some(state), true) = (&self.policy.state, self.administrator) {
            std::os::unix::fs::lchown(state, Some(CAGED_USER), Some(CAGED_USER))
                .map_err(|error| Refusal::path(state, &error))?;
        }
        let grants = root::grants(&self.policy, &self.program);
        let groups = root::device_groups(&self.policy);
        if self.has(Layer::MountNamespace) {
            root::build(&self.policy, &grants)?;
        }
        if self.has(Layer::UtsNamespace) {
            sys::set_host_name("cage").map_err(step("set the host name"))?;
        }
        if self.administrator {
            sys::become_user(CAGED_USER, CAGED_USER, &groups).map_err(step("step down from root"))?;
            // A change of user makes a process untouchable to itself under /proc, and forgets the tie to its parent.
            sys::prctl(libc::PR_SET_DUMPABLE, 1).map_err(step("open its own /proc"))?;
            self.user_namespace()?;
            sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as _)
                .map_err(step("tie the cage to its stage"))?;
        }
        sys::drop_capabilities().map_err(step("give up capabilities"))?;
        sys::prctl(libc::PR_SET_DUMPABLE, 0).map_err(step("close its own /proc"))?;
        Ok(grants)
    }

    /// The last steps, in the tool's own process. Comes back only when one fails.
    fn become_tool(&mut self, grants: &[Grant], socket: &mut UnixStream) -> Refusal {
        let Err(refusal) = self.try_become_tool(grants, socket);
        refusal
    }

    fn try_become_tool(
        &mut self,
        grants: &[Grant],
        socket: &mut UnixStream,
    ) -> Result<std::convert::Infallible, Refusal> {
        let caged = self.has(Layer::MountNamespace);
        let program = match (&self.policy.program, caged) {
            (Program::Itself, true) => Path::new(root::ITSELF),
            _ => &self.program,
        };
        let state = match (&self.policy.state, caged) {
            (Some(_), true) => Some(Path::new(root::STATE)),
            (state, _) => state.as_deref(),
        };
        let bad = step("pass the arguments");
        let c_program = sys::c_string(program).map_err(&bad)?;
        let name = match self.policy.program {
            Program::Itself => "pintail",
            Program::File(_) => program.to_str().unwrap_or("tool"),
        };
        let arguments = [name]
            .into_iter()
            .chain(self.policy.arguments.iter().map(String::as_str))
            .map(sys::c_string)
            .collect::<Result<Vec<_>, _>>()
            .map_err(&bad)?;
        let environment =
            environment(&self.policy, state).iter().map(sys::c_string).collect::<Result<Vec<_>, _>>();
        let environment = environment.map_err(&bad)?;

        sys::default_signals();
        if !self.has(Layer::PidNamespace) {
            sys::new_group().map_err(step("make a process group"))?;
            sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as _)
                .map_err(step("tie the tool to its stage"))?;
        }
        std::env::set_current_dir(state.unwrap_or(Path::new("/"))).map_err(step("enter its folder"))?;
        sys::close_all_on_exec().map_err(step("close descriptors"))?;
        let limits = self.policy.limits;
        // Pid 1 counts too.
        let processes = limits.processes + u64::from(self.has(Layer::PidNamespace));
        for (resource, value) in [
            (Resource::Core, 0),
            (Resource::Cpu, limits.cpu),
            (Resource::FileSize, limits.file_size),
            (Resource::OpenFiles, limits.open_files),
            (Resource::Processes, processes),
        ] {
            sys::limit(resource, value).map_err(step("set a resource limit"))?;
        }
        sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).map_err(step("renounce new privileges"))?;

        // Required only where it is all that stands before the files; used wherever there is one.
        let required = !caged;
        let outcome = if self.policy.lacking.contains(&Layer::Landlock) {
            Err("taken as absent".to_owned())
        } else {
            restrict_files(&self.policy, grants, caged)
        };
        match outcome {
            Ok(()) => self.layers.push(Layer::Landlock),
            Err(_) if !required || self.policy.without.contains(&Layer::Landlock) => {}
            Err(why) => return Err(Refusal::layer(Layer::Landlock, why)),
        }

        let kind = filter::Kind { network: self.policy.network, sessions: self.has(Layer::PidNamespace) };
        let mut filters = None;
        self.enter(Layer::Seccomp, |_| {
            filters = Some(filter::compile(kind)?);
            Ok(())
        })?;
        // Said before the last steps, after which there is nothing left to say it with; a failure is added to it.
        report(socket, &Report::Ready(self.layers.clone()));
        if let Some(filters) = filters {
            for filter in &filters {
                seccompiler::apply_filter(filter).map_err(|error| Refusal::layer(Layer::Seccomp, error))?;
            }
        }
        // Last: the stage itself may need more than the tool is given.
        sys::limit(Resource::Memory, limits.memory).map_err(step("set the memory limit"))?;
        let error = sys::exec(&c_program, &arguments, &environment);
        let hint = match (error.raw_os_error(), self.administrator) {
            (Some(libc::EACCES), true) => {
                " (pintail is root, the tool is not: the file must be executable for all)"
            }
            _ => "",
        };
        Err(Refusal {
            layer: None,
            message: format!("cannot start {}: {error}{hint}", self.program.display()),
        })
    }
}

/// The whole environment of a tool.
fn environment(policy: &Policy, state: Option<&Path>) -> Vec<String> {
    let home = state.unwrap_or(Path::new("/")).display();
    let mut all = vec![
        "PATH=/usr/local/bin:/usr/bin:/bin".to_owned(),
        "LANG=C.UTF-8".to_owned(),
        format!("HOME={home}"),
        format!("PINTAIL_TOOL={}", policy.name),
    ];
    if state.is_some() {
        all.push(format!("PINTAIL_STATE={home}"));
    }
    if policy.tmp {
        all.push("TMPDIR=/tmp".to_owned());
    }
    all
}

/// Landlock: files as granted, and where the kernel can, no TCP, no signals out, no abstract sockets.
fn restrict_files(policy: &Policy, grants: &[Grant], caged: bool) -> Result<(), String> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetStatus, Scope,
    };
    let text = |error: &dyn std::error::Error| error.to_string();
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .map_err(|error| text(&error))?;
    if !policy.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi)).map_err(|error| text(&error))?;
    }
    let mut ruleset = ruleset.create().map_err(|error| text(&error))?;
    let extra = [("/proc", Access::Read, policy.proc), ("/tmp", Access::Write, policy.tmp)];
    let extra = extra
        .iter()
        .filter(|(.., granted)| caged && *granted)
        .map(|(path, access, _)| (Path::new(path), *access));
    let granted = grants.iter().map(|grant| {
        let path = if caged { grant.target.as_path() } else { grant.source.as_path() };
        (path, grant.access)
    });
    for (path, access) in granted.chain(extra) {
        // What was optional and is not there needs no rule; nothing else can be missing by now.
        let Ok(fd) = PathFd::new(path) else { continue };
        let mut rights = match access {
            Access::Read => AccessFs::from_read(abi),
            Access::Write => AccessFs::from_all(abi) & !AccessFs::Execute,
            Access::Device => {
                AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev | AccessFs::Truncate
            }
        };
        if !path.is_dir() {
            rights &= AccessFs::from_file(abi);
        }
        ruleset = ruleset.add_rule(PathBeneath::new(fd, rights)).map_err(|error| text(&error))?;
    }
    if caged && let Ok(root) = PathFd::new("/") {
        // All that there is to list was granted; programs may look around in it.
        let rule = PathBeneath::new(root, AccessFs::ReadDir);
        ruleset = ruleset.add_rule(rule).map_err(|error| text(&error))?;
    }
    let status = ruleset.restrict_self().map_err(|error| text(&error))?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("the kernel has no Landlock".to_owned()),
        _ => Ok(()),
    }
}

/// Whoever waits must not hold the tool's streams: their end says that the tool is gone.
fn close_streams() {
    // Standard streams are replaced, not closed: a later descriptor must not get their numbers.
    if let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        sys::replace_streams(&null);
    }
}

/// Waits for `child`; when asked to end (or when it has ended) kills `target`, a process or a group.
fn supervise(signals: &sys::Signals, child: libc::pid_t, target: libc::pid_t) -> i32 {
    loop {
        if let Some((_, ended)) = sys::wait(child, false) {
            let _ = sys::kill(target, libc::SIGKILL);
            return code(ended);
        }
        if signals.next() != libc::SIGCHLD {
            let _ = sys::kill(target, libc::SIGKILL);
            // Pid 1 is gone only when all of its namespace are.
            return sys::wait(child, true).map_or(REFUSED, |(_, ended)| code(ended));
        }
    }
}

/// Pid 1: takes in orphans until the tool ends. Its own end is the end of all that is left.
fn reap(tool: libc::pid_t) -> i32 {
    while let Some((pid, ended)) = sys::wait(-1, true) {
        if pid == tool {
            return code(ended);
        }
    }
    REFUSED
}

/// The shell's convention: 128 and the signal's number.
fn code(ended: Ended) -> i32 {
    match ended {
        Ended::Code(code) => code,
        Ended::Signal(signal) => 128 + signal,
    }
}
