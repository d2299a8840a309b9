//! The operating-system calls of the cage, each behind a safe function: every `unsafe` block of the
//! stage is here. They take the single-threaded stage for granted only where they say so.

use std::ffi::{CStr, CString};
use std::io::{Error, Result};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Turns the C convention (-1 and errno) into a `Result`.
fn check(code: libc::c_int) -> Result<libc::c_int> {
    if code < 0 { Err(Error::last_os_error()) } else { Ok(code) }
}

/// The same for `libc::syscall`.
fn check_long(code: libc::c_long) -> Result<libc::c_long> {
    if code < 0 { Err(Error::last_os_error()) } else { Ok(code) }
}

/// A path (or any text) as the kernel wants it; a NUL inside is an error.
pub fn c_string(text: impl AsRef<std::ffi::OsStr>) -> Result<CString> {
    CString::new(text.as_ref().as_bytes()).map_err(|_| Error::from_raw_os_error(libc::EINVAL))
}

/// Leaves the namespaces named by `flags` (`CLONE_NEW*`).
pub fn unshare(flags: libc::c_int) -> Result<()> {
    // SAFETY: unshare takes plain flags and touches no memory of ours.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

/// Which side of a [`fork`] this is.
pub enum Fork {
    /// The new process.
    Child,
    /// The old one, with the child's process id.
    Parent(libc::pid_t),
}

/// Forks. The caller must be single-threaded, or the child may find locks held for ever; the stage
/// is, because it runs at the very start of a fresh program.
pub fn fork() -> Result<Fork> {
    // SAFETY: the stage has one thread, so the child's heap and locks are in a usable state.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Ends this process at once, running no destructors and flushing nothing.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit does not return and touches no memory of ours.
    unsafe { libc::_exit(code) }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// Waits for a child (or with -1 for any) and says which one ended and how; `None` when there is none left, or when
/// `block` is false and none has ended.
pub fn wait(pid: libc::pid_t, block: bool) -> Option<(libc::pid_t, Ended)> {
    let mut status = 0;
    loop {
        // SAFETY: status is a valid place for one int.
        match unsafe { libc::waitpid(pid, &mut status, if block { 0 } else { libc::WNOHANG }) } {
            0 => return None,
            -1 if Error::last_os_error().raw_os_error() == Some(libc::EINTR) => continue,
            -1 => return None,
            ended if libc::WIFSIGNALED(status) => {
                return Some((ended, Ended::Signal(libc::WTERMSIG(status))));
            }
            ended => return Some((ended, Ended::Code(libc::WEXITSTATUS(status)))),
        }
    }
}

/// Sends a signal; `pid` below zero means a process group.
pub fn kill(pid: libc::pid_t, signal: libc::c_int) -> Result<()> {
    // SAFETY: plain numbers.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// The effective user and group.
pub fn ids() -> (u32, u32) {
    // SAFETY: these calls cannot fail and touch no memory.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// Becomes another user and group with these supplementary groups, for good.
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> Result<()> {
    // SAFETY: the slice is valid for its length; the other calls take plain numbers.
    unsafe {
        check(libc::setgroups(groups.len() as _, groups.as_ptr()))?;
        check(libc::setresgid(gid, gid, gid))?;
        check(libc::setresuid(uid, uid, uid))?;
    }
    Ok(())
}

/// One `prctl` with a number as its argument.
pub fn prctl(option: libc::c_int, argument: libc::c_ulong) -> Result<()> {
    // SAFETY: only options whose argument is a number are used in this room.
    check(unsafe {
        libc::prctl(option, argument, 0 as libc::c_ulong, 0 as libc::c_ulong, 0 as libc::c_ulong)
    })
    .map(drop)
}

/// A new session, so that the terminal's Ctrl-C does not reach the cage.
pub fn new_session() -> Result<()> {
    // SAFETY: no arguments.
    check(unsafe { libc::setsid() }).map(drop)
}

/// This process in a process group of its own.
pub fn new_group() -> Result<()> {
    // SAFETY: plain numbers.
    check(unsafe { libc::setpgid(0, 0) }).map(drop)
}

/// `mount(2)`.
pub fn mount(source: &Path, target: &Path, kind: &CStr, flags: libc::c_ulong, data: &CStr) -> Result<()> {
    let (source, target) = (c_string(source)?, c_string(target)?);
    // SAFETY: all pointers are NUL-terminated strings that live through the call.
    check(unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast())
    })
    .map(drop)
}

/// The attributes of [`set_attributes`].
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

/// Read-only, in [`set_attributes`].
pub const ATTR_RDONLY: u64 = 1;
/// No set-user-id programs.
pub const ATTR_NOSUID: u64 = 2;
/// No device files.
pub const ATTR_NODEV: u64 = 4;
/// No programs.
pub const ATTR_NOEXEC: u64 = 8;

/// Adds attributes to a mount and to all below it (Linux 5.12).
pub fn set_attributes(target: &Path, set: u64) -> Result<()> {
    let target = c_string(target)?;
    let attributes = MountAttr { set, ..MountAttr::default() };
    const AT_RECURSIVE: libc::c_int = 0x8000;
    // SAFETY: the path is NUL-terminated, the structure has the size that is passed.
    check_long(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            target.as_ptr(),
            AT_RECURSIVE,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    })
    .map(drop)
}

/// The flags (`ST_*`) of the file system that a path lies on.
pub fn mount_flags(path: &Path) -> Result<libc::c_ulong> {
    let path = c_string(path)?;
    // SAFETY: an all-zero statvfs is a valid value of that plain structure.
    let mut answer: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path is NUL-terminated and the answer has the right type.
    check(unsafe { libc::statvfs(path.as_ptr(), &mut answer) })?;
    Ok(answer.f_flag)
}

/// Makes the working directory the root and takes the old root away.
pub fn pivot_here() -> Result<()> {
    let here = c".";
    // SAFETY: both paths are NUL-terminated constants.
    unsafe {
        check_long(libc::syscall(libc::SYS_pivot_root, here.as_ptr(), here.as_ptr()))?;
        check(libc::umount2(here.as_ptr(), libc::MNT_DETACH))?;
    }
    std::env::set_current_dir("/")
}

/// What [`pivot_here`] does, for a machine that runs from its initramfs, whose root cannot be pivoted.
pub fn move_here() -> Result<()> {
    mount(Path::new("."), Path::new("/"), c"", libc::MS_MOVE, c"")?;
    // SAFETY: a NUL-terminated constant.
    check(unsafe { libc::chroot(c".".as_ptr()) })?;
    std::env::set_current_dir("/")
}

/// A descriptor that stands for a path without opening what is there.
pub fn open_path(path: &Path) -> Result<OwnedFd> {
    let path = c_string(path)?;
    // SAFETY: the path is NUL-terminated; the descriptor that comes back is ours alone.
    unsafe {
        let fd = check(libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Writes `text` to `name` below the directory `dir` in one write, as the files under /proc want it.
pub fn write_at(dir: &OwnedFd, name: &CStr, text: &str) -> Result<()> {
    // SAFETY: the name is NUL-terminated; the descriptor that comes back is ours alone.
    let file = unsafe {
        let fd = check(libc::openat(dir.as_raw_fd(), name.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC))?;
        OwnedFd::from_raw_fd(fd)
    };
    // SAFETY: the buffer is valid for its length.
    let written = unsafe { libc::write(file.as_raw_fd(), text.as_ptr().cast(), text.len()) };
    if written == text.len() as isize { Ok(()) } else { Err(Error::last_os_error()) }
}

/// The host name inside a UTS namespace of our own.
pub fn set_host_name(name: &str) -> Result<()> {
    // SAFETY: the buffer is valid for its length.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len() as _) }).map(drop)
}

/// Takes a descriptor number from the command line as an open socket of ours; an error when it is
/// not open, or not a socket.
pub fn take_socket(fd: RawFd) -> Result<std::os::unix::net::UnixStream> {
    let mut kind: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: kind and size are valid places of the sizes that the call expects.
    check(unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_TYPE, (&raw mut kind).cast(), &mut size)
    })?;
    close_on_exec(fd, true)?;
    // SAFETY: it is an open socket, left to this process by the one that started it for that purpose.
    Ok(unsafe { std::os::unix::net::UnixStream::from_raw_fd(fd) })
}

/// Says whether a descriptor goes away when another program is started. Safe to call between fork and exec.
pub fn close_on_exec(fd: RawFd, yes: bool) -> Result<()> {
    // SAFETY: plain numbers.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, if yes { libc::FD_CLOEXEC } else { 0 }) }).map(drop)
}

/// Reads and writes on this descriptor return at once.
pub fn non_blocking(fd: RawFd) -> Result<()> {
    // SAFETY: plain numbers.
    unsafe {
        let flags = check(libc::fcntl(fd, libc::F_GETFL))?;
        check(libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK)).map(drop)
    }
}

/// Waits until one of the descriptors is ready or the milliseconds have passed.
pub fn poll(fds: &mut [libc::pollfd], milliseconds: i32) -> Result<()> {
    // SAFETY: the slice is valid for its length.
    match check(unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as _, milliseconds) }) {
        Err(error) if error.kind() != std::io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// Marks every descriptor from 3 on to be closed when the tool's program starts. The call that does it at once
/// is Linux 5.11's; before that, one by one.
pub fn close_all_on_exec() -> Result<()> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: plain numbers.
    let code = unsafe {
        libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC)
    };
    if code == 0 {
        return Ok(());
    }
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: limit is a valid place of the right type.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    for fd in 3..limit.rlim_cur.min(1 << 20) as RawFd {
        match close_on_exec(fd, true) {
            Err(error) if error.raw_os_error() != Some(libc::EBADF) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The resources that [`limit`] bounds.
#[derive(Clone, Copy, Debug)]
pub enum Resource {
    /// Processor seconds.
    Cpu,
    /// Bytes of address space.
    Memory,
    /// Bytes of one file.
    FileSize,
    /// Processes of the user (in its user namespace).
    Processes,
    /// Open descriptors.
    OpenFiles,
    /// Bytes of a core dump.
    Core,
}

/// Sets a resource limit, soft and hard.
pub fn limit(resource: Resource, value: u64) -> Result<()> {
    let (soft, hard) = match resource {
        // A second more for the hard limit: the soft one's SIGXCPU says what happened, the hard one kills.
        Resource::Cpu => (value, value + 1),
        _ => (value, value),
    };
    let which = match resource {
        Resource::Cpu => libc::RLIMIT_CPU,
        Resource::Memory => libc::RLIMIT_AS,
        Resource::FileSize => libc::RLIMIT_FSIZE,
        Resource::Processes => libc::RLIMIT_NPROC,
        Resource::OpenFiles => libc::RLIMIT_NOFILE,
        Resource::Core => libc::RLIMIT_CORE,
    };
    let limit = libc::rlimit { rlim_cur: soft as libc::rlim_t, rlim_max: hard as libc::rlim_t };
    // SAFETY: limit is a valid structure of the right type.
    check(unsafe { libc::setrlimit(which, &limit) }).map(drop)
}

/// The header and data of capget and capset, version 3.
#[repr(C)]
struct CapHeader {
    version: u32,
    pid: i32,
}

const CAP_VERSION_3: u32 = 0x2008_0522;

/// Whether this process may administer the system it is in (CAP_SYS_ADMIN, number 21, effective).
pub fn is_administrator() -> bool {
    let mut header = CapHeader { version: CAP_VERSION_3, pid: 0 };
    let mut data = [[0u32; 3]; 2];
    // SAFETY: header and data have the layout of version 3: two triples of effective, permitted, inheritable.
    let code = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
    code == 0 && data[0][0] & (1 << 21) != 0
}

/// Gives up every capability, also those that a program could gain later.
pub fn drop_capabilities() -> Result<()> {
    for capability in 0..64 {
        // Fails for numbers that the kernel does not have, and where the bounding set may not be touched (then
        // there was nothing to give up, and no_new_privs stands in front of gains).
        let _ = prctl(libc::PR_CAPBSET_DROP, capability);
    }
    let _ = prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong);
    let mut header = CapHeader { version: CAP_VERSION_3, pid: 0 };
    let data = [[0u32; 3]; 2];
    // SAFETY: header and data have the layout of version 3.
    check_long(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) }).map(drop)
}

/// Every signal back to its default action and none blocked, as a fresh program expects; the Rust
/// runtime ignores SIGPIPE, and what is ignored stays so across exec.
pub fn default_signals() {
    // SAFETY: SIG_DFL is a valid disposition; the set is initialised by sigemptyset before its use.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// The signals that a supervisor waits for: a child's end, and the request to end the cage.
pub struct Signals(libc::sigset_t);

impl Signals {
    /// Blocks SIGCHLD, SIGTERM and SIGINT, so that [`Signals::next`] receives them.
    pub fn block() -> Signals {
        // SAFETY: the set is initialised by sigemptyset before its use.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            for signal in [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT] {
                libc::sigaddset(&mut set, signal);
            }
            libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            Signals(set)
        }
    }

    /// Waits for the next of them.
    pub fn next(&self) -> libc::c_int {
        loop {
            // SAFETY: the set is initialised; no information is asked for.
            let signal = unsafe { libc::sigwaitinfo(&self.0, std::ptr::null_mut()) };
            if signal > 0 {
                return signal;
            }
        }
    }
}

/// A pipe, closed on exec: the end to read and the end to write.
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: ends has room for two descriptors, which are ours alone afterwards.
    unsafe {
        check(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// Replaces this program. Comes back only with an error.
pub fn exec(program: &CStr, arguments: &[CString], environment: &[CString]) -> Error {
    fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
        strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
    }
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both arrays end with a null pointer and point to strings that live through the call.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Error::last_os_error()
}

/// Puts an open file in the place of standard input, output and error.
pub fn replace_streams(file: &std::fs::File) {
    for stream in 0..3 {
        // SAFETY: plain numbers; the stage is single-threaded and holds no buffered output.
        unsafe { libc::dup2(file.as_raw_fd(), stream) };
    }
}

/// Attaches to a process as its tracer.
pub fn seize(pid: libc::pid_t) -> Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: PTRACE_SEIZE takes no address and no data.
    check_long(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, none, none) }).map(drop)
}

/// Whether a descriptor number is in use.
pub fn is_open(fd: RawFd) -> bool {
    // SAFETY: plain numbers.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

/// Whether this process has renounced new privileges.
pub fn has_no_new_privileges() -> bool {
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 }
}
