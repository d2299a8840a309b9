//! Where a model's bytes live: in the program, in a mapped file, or on the heap.

use std::fs::File;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};

use super::GgufError;

/// The bytes of a model file; cloning shares them.
#[derive(Clone)]
pub enum Bytes {
    /// Part of the program itself (the bundled model). Used where it lies, never copied.
    Static(&'static [u8]),
    /// A file mapped read-only; pages come and go with memory pressure.
    Mapped(Arc<Mmap>),
    /// Bytes on the heap (tests, converted files).
    Owned(Arc<[u8]>),
}

impl Bytes {
    /// Maps a file read-only.
    ///
    /// The file must not be changed or truncated while it is mapped: whoever replaces a model writes
    /// a new file and renames it. A truncation ends the process with SIGBUS at the next touch of a
    /// page that is gone, as with every program that maps its models.
    ///
    /// # Errors
    /// [`GgufError::Open`] when the path is not a regular file that can be read and mapped.
    pub fn map(path: impl AsRef<Path>) -> Result<Bytes, GgufError> {
        let path = path.as_ref();
        let open = |source| GgufError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(open)?;
        let metadata = file.metadata().map_err(open)?;
        if !metadata.is_file() {
            return Err(open(std::io::Error::other("not a regular file")));
        }
        if metadata.len() == 0 {
            // A map of length 0 is an error of mmap(2); an empty file is an error of the parser.
            return Ok(Bytes::Static(&[]));
        }
        // SAFETY: the map is private to this process, read-only, and kept alive by the `Arc`. That
        // the file is not changed under it is the documented duty of whoever owns the model file;
        // no reader relies on a check made earlier to stay in bounds of the map, and text is
        // validated again each time it is handed out as `str`.
        let map = unsafe { Mmap::map(&file) }.map_err(open)?;
        Ok(Bytes::Mapped(Arc::new(map)))
    }

    /// Maps `len` bytes from `offset` of an open file: a model that lies inside another file. The descriptor is only
    /// borrowed and may be closed afterwards; what [`Bytes::map`] says of changes holds here too.
    ///
    /// # Errors
    /// [`GgufError::Open`] when it is not a regular file with that many bytes there.
    pub fn map_part(file: &impl AsFd, offset: u64, len: usize) -> Result<Bytes, GgufError> {
        let fd = file.as_fd();
        let open = |source| {
            let path = format!("descriptor {} at {offset}", fd.as_raw_fd()).into();
            GgufError::Open { path, source }
        };
        let metadata =
            fd.try_clone_to_owned().map(File::from).and_then(|file| file.metadata()).map_err(open)?;
        let end = offset.checked_add(len as u64);
        if !metadata.is_file() || end.is_none_or(|end| end > metadata.len()) {
            let problem = format!("not a regular file with {len} bytes there ({} in all)", metadata.len());
            return Err(open(std::io::Error::other(problem)));
        }
        if len == 0 {
            return Ok(Bytes::Static(&[]));
        }
        // SAFETY: as in `Bytes::map`.
        let map = unsafe { MmapOptions::new().offset(offset).len(len).map(&fd) }.map_err(open)?;
        Ok(Bytes::Mapped(Arc::new(map)))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Static(bytes) => bytes,
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::Owned(bytes.into())
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Bytes {
        Bytes::Static(bytes)
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            Bytes::Static(_) => "Static",
            Bytes::Mapped(_) => "Mapped",
            Bytes::Owned(_) => "Owned",
        };
        write!(f, "{kind}({} bytes)", self.len())
    }
}
