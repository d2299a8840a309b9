//! The layers of the cage, by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One layer that a machine may lack. (No new privileges, cleared environment, closed descriptors and resource
/// limits are everywhere and cannot be waived.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A user of its own, without rights outside.
    UserNamespace,
    /// A file tree of its own: only what the tool's file names exists there.
    MountNamespace,
    /// A process tree of its own: sees no other process, and ends as a whole.
    PidNamespace,
    /// A network of its own, with nothing in it.
    NetworkNamespace,
    /// Shared memory and message queues of its own.
    IpcNamespace,
    /// A host name of its own.
    UtsNamespace,
    /// A list of the system calls that may be made.
    Seccomp,
    /// Rules on files, in the kernel. Used wherever the kernel has it; required only when the mount namespace is
    /// waived, for then it is what stands before the files.
    Landlock,
}

impl Layer {
    /// All of them, in the order in which they are entered.
    pub const ALL: [Layer; 8] = [
        Layer::UserNamespace,
        Layer::MountNamespace,
        Layer::PidNamespace,
        Layer::NetworkNamespace,
        Layer::IpcNamespace,
        Layer::UtsNamespace,
        Layer::Landlock,
        Layer::Seccomp,
    ];

    /// The name in tool files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Layer::UserNamespace => "user_namespace",
            Layer::MountNamespace => "mount_namespace",
            Layer::PidNamespace => "pid_namespace",
            Layer::NetworkNamespace => "network_namespace",
            Layer::IpcNamespace => "ipc_namespace",
            Layer::UtsNamespace => "uts_namespace",
            Layer::Seccomp => "seccomp",
            Layer::Landlock => "landlock",
        }
    }

    /// What is missing on a machine without it, and what brings it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Layer::UserNamespace => {
                "kernel with CONFIG_USER_NS; sysctl user.max_user_namespaces above 0; on Ubuntu \
                 kernel.apparmor_restrict_unprivileged_userns=0 or a profile"
            }
            Layer::MountNamespace => "user namespaces, or root with CAP_SYS_ADMIN; /proc mounted",
            Layer::PidNamespace => "kernel with CONFIG_PID_NS, and user namespaces or root",
            Layer::NetworkNamespace => "kernel with CONFIG_NET_NS, and user namespaces or root",
            Layer::IpcNamespace => "kernel with CONFIG_IPC_NS, and user namespaces or root",
            Layer::UtsNamespace => "kernel with CONFIG_UTS_NS, and user namespaces or root",
            Layer::Seccomp => "kernel with CONFIG_SECCOMP_FILTER, on x86_64, aarch64 or riscv64",
            Layer::Landlock => "kernel 5.13 or later with CONFIG_SECURITY_LANDLOCK, named in lsm=",
        }
    }

    /// The flag of `unshare` for a namespace.
    pub(super) const fn flag(self) -> Option<libc::c_int> {
        match self {
            Layer::UserNamespace => Some(libc::CLONE_NEWUSER),
            Layer::MountNamespace => Some(libc::CLONE_NEWNS),
            Layer::PidNamespace => Some(libc::CLONE_NEWPID),
            Layer::NetworkNamespace => Some(libc::CLONE_NEWNET),
            Layer::IpcNamespace => Some(libc::CLONE_NEWIPC),
            Layer::UtsNamespace => Some(libc::CLONE_NEWUTS),
            Layer::Seccomp | Layer::Landlock => None,
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
