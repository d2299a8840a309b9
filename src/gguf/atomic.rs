//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file under a temporary name beside `path`, brings it to the disk and renames it. Whoever has mapped an older
/// file of that name keeps it; when anything fails, the older file stays and the temporary one goes.
///
/// # Errors
/// Those of `write`, and the system's.
pub fn write_atomically<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let Some(name) = path.file_name() else {
        let problem = format!("{} is no name of a file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem).into());
    };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    let temporary = Temporary(path.with_file_name(hidden));
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary.0)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&temporary.0, path)?;
    // The new name reaches the disk with its folder; a system that cannot sync folders has written the file all the same.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Removes the file under the temporary name, which is gone if it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        let names = || fs::read_dir(folder.path()).unwrap().count();
        write_atomically(&path, |out| out.write_all(b"first")).unwrap();
        let failed: Result<(), io::Error> = write_atomically(&path, |out| {
            out.write_all(b"second, in part")?;
            Err(io::Error::other("the disk is full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
        assert_eq!((fs::read(&path).unwrap(), names()), (b"first".to_vec(), 1));
        write_atomically(&path, |out| out.write_all(b"third")).unwrap();
        assert_eq!((fs::read(&path).unwrap(), names()), (b"third".to_vec(), 1));
        assert!(write_atomically(Path::new("/"), |_| Ok::<_, io::Error>(())).is_err());
    }
}
