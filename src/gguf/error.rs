//! What can be wrong with a model file, and where.

use std::path::PathBuf;

/// Why a GGUF file was refused, or why a key could not be read. Offsets count bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// The file could not be opened or mapped.
    #[error("cannot open model file {}", path.display())]
    Open {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The first four bytes are not `GGUF`.
    #[error("not a GGUF file: it starts with \"{found}\", expected \"GGUF\"{hint}")]
    NotGguf {
        /// The first bytes, escaped.
        found: String,
        /// What it is instead and what to do, where that can be told.
        hint: &'static str,
    },
    /// A big-endian file.
    #[error(
        "a big-endian GGUF file (version {version}); only little-endian files are read, convert it first"
    )]
    BigEndian {
        /// Its version, bytes swapped.
        version: u32,
    },
    /// A version other than 2 and 3.
    #[error(
        "GGUF version {found} is not supported (2 and 3 are); convert the model again with a current tool"
    )]
    Version {
        /// The version in the file.
        found: u32,
    },
    /// The file ends inside something.
    #[error("truncated file: {what} at offset {offset} needs {needed} bytes, {left} are left")]
    Truncated {
        /// What was being read.
        what: String,
        /// Where it starts.
        offset: usize,
        /// Bytes it needs (`u64::MAX` when the size itself overflows).
        needed: u64,
        /// Bytes left in the file.
        left: usize,
    },
    /// A metadata entry that cannot be.
    #[error("metadata key {key} at offset {offset}: {problem}")]
    Key {
        /// The key, quoted and escaped, or its number when it has no readable name.
        key: String,
        /// Where the entry starts.
        offset: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A tensor that cannot be.
    #[error("tensor {tensor} at offset {offset}: {problem}")]
    Tensor {
        /// The name, quoted and escaped, or its number when it has no readable name.
        tensor: String,
        /// Where its entry starts.
        offset: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A tensor of a type that this program has never heard of.
    #[error("tensor {tensor} has the unknown type id {id}; {}", why_unknown(*id))]
    UnknownType {
        /// The name, quoted and escaped.
        tensor: String,
        /// The id in the file.
        id: u32,
    },
    /// A key that is needed and not there.
    #[error("metadata key {key} is missing")]
    Missing {
        /// The key.
        key: String,
    },
    /// A key of another type or range than needed.
    #[error("metadata key {key} is {found}, expected {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// The type (and for numbers out of range, the value) in the file.
        found: String,
        /// What the reader asked for.
        expected: &'static str,
    },
    /// [`Writer`](super::Writer) was given something that a reader would refuse.
    #[error("cannot write {name}: {problem}")]
    Write {
        /// The key or tensor.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

fn why_unknown(type_id: u32) -> &'static str {
    match type_id {
        // Q4_2 and Q4_3, and the forms repacked for certain processors.
        4 | 5 | 31..=33 | 36..=38 => {
            "it was taken out of the format: convert the model again with a current tool"
        }
        _ => "the file may be newer than this program",
    }
}

/// What a file that does not start with `GGUF` is, and what to do with it; empty where it cannot be told.
pub(super) fn other_format(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => " (the file is empty)",
        [b'P', b'K', 3, 4, ..] => {
            " (a zip archive, as PyTorch saves models in; save it as safetensors and use `pintail convert`)"
        }
        [b'<', b'!' | b'h', ..] => " (a web page, so the download went wrong)",
        _ if bytes.starts_with(b"version https://git-lfs") => {
            " (a Git LFS pointer; fetch the file that it stands for)"
        }
        _ if [b"lmgg", b"fmgg", b"tjgg"].iter().any(|magic| bytes.starts_with(*magic)) => {
            " (a format before GGUF; convert the model again with a current tool)"
        }
        _ if bytes.get(8) == Some(&b'{') => {
            " (safetensors; `pintail convert` makes a GGUF file of the folder that they are in)"
        }
        _ => "",
    }
}

/// A name from a file as it may stand in a message: quoted, control characters escaped, at most 64 characters.
pub(super) fn quoted(name: &[u8]) -> String {
    let head = &name[..name.len().min(256)];
    let text: String = String::from_utf8_lossy(head).chars().take(64).collect();
    if text.len() < name.len() { format!("{text:?}…") } else { format!("{text:?}") }
}
