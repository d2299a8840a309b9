//! The file tree of a cage: a small tree in memory into which only what the policy grants is bound.

use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::policy::{Policy, Program};
use super::stage::{Refusal, step};
use super::sys;

/// Where a caged program finds this binary.
pub const ITSELF: &str = "/pintail";
/// Where it finds its private folder.
pub const STATE: &str = "/state";

/// What may be done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it, and run programs in it.
    Read,
    /// Read and change it; nothing in it can be run.
    Write,
    /// Open a device file.
    Device,
}

/// One path that exists in the cage.
#[derive(Debug)]
pub struct Grant {
    /// Outside.
    pub source: PathBuf,
    /// Inside.
    pub target: PathBuf,
    /// What for.
    pub access: Access,
    optional: bool,
}

/// Device files that every program may expect.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Where a dynamically linked program's libraries are, bound for every program that is not static.
const LIBRARIES: [&str; 6] = ["/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"];
/// What name resolution and TLS read, bound when the network is granted.
const NETWORK: [&str; 6] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/ssl",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
];

/// Device files that no tool is given, because they reach lines past the safety check, or all of memory.
pub fn is_reserved_device(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("gpio") || ["mem", "kmem", "port"].contains(&name.as_ref())
}

/// All that the policy grants, parents before children. `program` is the file to run.
pub fn grants(policy: &Policy, program: &Path) -> Vec<Grant> {
    let mut grants = Vec::new();
    let mut add = |source: &Path, access, optional| {
        grants.push(Grant { source: source.to_owned(), target: source.to_owned(), access, optional });
    };
    for path in &policy.read {
        add(path, Access::Read, false);
    }
    for path in &policy.read_if_present {
        add(path, Access::Read, true);
    }
    for path in &policy.write {
        add(path, Access::Write, false);
    }
    for path in &policy.devices {
        add(path, Access::Device, false);
    }
    for path in DEVICES {
        add(Path::new(path), Access::Device, true);
    }
    if !is_static(program) {
        for path in LIBRARIES {
            add(Path::new(path), Access::Read, true);
        }
    }
    if policy.network {
        for path in NETWORK {
            add(Path::new(path), Access::Read, true);
        }
    }
    let target = match policy.program {
        Program::Itself => PathBuf::from(ITSELF),
        Program::File(ref path) => path.clone(),
    };
    grants.push(Grant { source: program.to_owned(), target, access: Access::Read, optional: false });
    if let Some(state) = &policy.state {
        let grant =
            Grant { source: state.clone(), target: STATE.into(), access: Access::Write, optional: false };
        grants.push(grant);
    }
    grants.sort_by_key(|grant| grant.target.components().count());
    grants
}

/// Whether a program is an ELF file without an interpreter. Anything that cannot be read as such counts as dynamic.
fn is_static(program: &Path) -> bool {
    use std::io::Read;
    let mut head = [0u8; 4096];
    let Ok(length) = std::fs::File::open(program).and_then(|mut file| file.read(&mut head)) else {
        return false;
    };
    let head = &head[..length];
    // Both widths; the fields are little-endian on every board that this runs on.
    let number = |at: usize, width: usize| -> Option<u64> {
        let bytes = head.get(at..at + width)?;
        Some(bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    let interpreted = || -> Option<bool> {
        let wide = number(4, 1)? == 2;
        let (offset, size, count) = match (head.get(..4)? == b"\x7fELF", wide) {
            (false, _) => return None,
            (true, true) => (number(32, 8)?, number(54, 2)?, number(56, 2)?),
            (true, false) => (number(28, 4)?, number(42, 2)?, number(44, 2)?),
        };
        const PT_INTERP: u64 = 3;
        for index in 0..count {
            let at = usize::try_from(offset.checked_add(index * size)?).ok()?;
            if number(at, 4)? == PT_INTERP {
                return Some(true);
            }
        }
        Some(false)
    };
    interpreted() == Some(false)
}

/// Replaces the file tree of this mount namespace (which must be this process's own) by one that
/// holds the grants and nothing else, and makes it read-only.
pub fn build(policy: &Policy, grants: &[Grant]) -> Result<(), Refusal> {
    // Nothing that happens here may travel back to where the mounts came from.
    sys::mount(Path::new("none"), Path::new("/"), c"", libc::MS_REC | libc::MS_PRIVATE, c"")
        .map_err(step("make the mounts private"))?;

    // Sources are held open before the new tree covers a part of the old one.
    let mut sources: Vec<(&Grant, OwnedFd)> = Vec::new();
    for grant in grants {
        match sys::open_path(&grant.source) {
            Ok(fd) => sources.push((grant, fd)),
            Err(error) if grant.optional && error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Refusal::path(&grant.source, &error)),
        }
    }
    let base = ["/tmp", "/run", "/var", "/mnt", "/dev"]
        .iter()
        .map(Path::new)
        .find(|path| path.is_dir())
        .ok_or_else(|| {
            Refusal::at("find a directory to build the cage in", &Error::from(ErrorKind::NotFound))
        })?;
    let tree = libc::MS_NOSUID | libc::MS_NODEV;
    sys::mount(Path::new("cage"), base, c"tmpfs", tree, c"mode=755,size=1m")
        .map_err(step("mount the cage's root"))?;

    for (grant, fd) in &sources {
        bind(base, grant, fd).map_err(|error| Refusal::path(&grant.source, &error))?;
    }
    drop(sources);
    if policy.tmp {
        let path = base.join("tmp");
        std::fs::create_dir_all(&path).map_err(step("make /tmp"))?;
        let options = sys::c_string(format!("mode=1777,size={}", policy.limits.file_size))
            .map_err(step("make /tmp"))?;
        sys::mount(Path::new("tmp"), &path, c"tmpfs", tree | libc::MS_NOEXEC, &options)
            .map_err(step("mount /tmp"))?;
    }
    if policy.proc {
        let path = base.join("proc");
        std::fs::create_dir_all(&path).map_err(step("make /proc"))?;
        sys::mount(Path::new("proc"), &path, c"proc", tree | libc::MS_NOEXEC, c"")
            .map_err(step("mount /proc"))?;
    }
    std::env::set_current_dir(base).map_err(step("enter the cage's root"))?;
    match sys::pivot_here() {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => sys::move_here(),
        other => other,
    }
    .map_err(step("make the cage's root the root"))?;
    let flags = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | tree;
    sys::mount(Path::new("none"), Path::new("/"), c"", flags, c"")
        .map_err(step("make the cage's root read-only"))
}

fn bind(base: &Path, grant: &Grant, source: &OwnedFd) -> std::io::Result<()> {
    let from = PathBuf::from(format!("/proc/self/fd/{}", source.as_raw_fd()));
    let kind = std::fs::metadata(&from)?;
    let device = kind.file_type().is_char_device() || kind.file_type().is_block_device();
    if device != (grant.access == Access::Device) {
        return Err(Error::other(if device {
            "is a device: name it under `devices`"
        } else {
            "is not a device"
        }));
    }
    let real = std::fs::read_link(&from)?;
    if device && is_reserved_device(&real) {
        return Err(Error::other(format!(
            "is {}: lines are moved by the agent's devices alone",
            real.display()
        )));
    }
    let inside = grant.target.strip_prefix("/").map_err(|_| Error::other("is not an absolute path"))?;
    let target = base.join(inside);
    if !target.exists() {
        if kind.is_dir() {
            std::fs::create_dir_all(&target)?;
        } else {
            std::fs::create_dir_all(target.parent().unwrap_or(base))?;
            std::fs::File::create(&target)?;
        }
    }
    sys::mount(&from, &target, c"", libc::MS_BIND | libc::MS_REC, c"")?;
    let attributes = match grant.access {
        Access::Read => sys::ATTR_RDONLY | sys::ATTR_NOSUID | sys::ATTR_NODEV,
        Access::Write => sys::ATTR_NOSUID | sys::ATTR_NODEV | sys::ATTR_NOEXEC,
        Access::Device => sys::ATTR_NOSUID | sys::ATTR_NOEXEC,
    };
    match sys::set_attributes(&target, attributes) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => remount(&target, attributes),
        other => other,
    }
}

/// What [`sys::set_attributes`] does, for kernels before 5.12: each mount at or below `target` is
/// mounted again with the flags it has and those asked for.
fn remount(target: &Path, attributes: u64) -> std::io::Result<()> {
    let asked = [
        (sys::ATTR_RDONLY, libc::MS_RDONLY),
        (sys::ATTR_NOSUID, libc::MS_NOSUID),
        (sys::ATTR_NODEV, libc::MS_NODEV),
        (sys::ATTR_NOEXEC, libc::MS_NOEXEC),
    ]
    .into_iter()
    .filter(|(attribute, _)| attributes & attribute != 0)
    .fold(0, |flags, (_, flag)| flags | flag);
    for mount in std::fs::read_to_string("/proc/self/mountinfo")?.lines() {
        let Some(place) = mount.split(' ').nth(4) else { continue };
        let place = PathBuf::from(unescape(place));
        if place.starts_with(target) {
            // The ST_* flags of statvfs have the values of the MS_* flags up to 0x400 (relatime differs and is the default).
            let kept = sys::mount_flags(&place)? & 0x40f;
            sys::mount(Path::new("none"), &place, c"", libc::MS_REMOUNT | libc::MS_BIND | kept | asked, c"")?;
        }
    }
    Ok(())
}

/// Octal escapes of mountinfo: `\040` is a space.
fn unescape(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        let escaped = (byte == b'\\')
            .then(|| rest.get(..3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(escaped.unwrap_or(byte));
        bytes = if escaped.is_some() { &rest[3..] } else { rest };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The groups that own the granted devices: kept as supplementary groups when root steps down, so
/// that `/dev/i2c-1` of group i2c can be opened by a tool that was granted it. Never group 0.
pub fn device_groups(policy: &Policy) -> Vec<u32> {
    let mut groups: Vec<u32> = policy
        .devices
        .iter()
        .filter_map(|path| std::fs::metadata(path).ok())
        .map(|device| device.gid())
        .filter(|&group| group != 0)
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mountinfo_is_unescaped() {
        assert_eq!(unescape(r"/a\040b\134"), r"/a b\");
        assert_eq!(unescape(r"/a\9"), r"/a\9");
    }

    #[test]
    fn parents_come_before_children_and_the_program_is_there() {
        let mut policy = Policy::nothing("t", Program::Itself);
        policy.read = vec!["/a/b/c".into(), "/a".into()];
        let grants = grants(&policy, Path::new("/proc/self/exe"));
        let at = |path: &str| grants.iter().position(|grant| grant.target == Path::new(path)).unwrap();
        assert!(at("/a") < at("/a/b/c"));
        assert_eq!(grants[at(ITSELF)].access, Access::Read);
    }

    #[test]
    fn what_is_no_elf_file_counts_as_dynamic() {
        assert!(!is_static(Path::new("/proc/self/status")));
        assert!(!is_static(Path::new("/nowhere")));
    }
}
