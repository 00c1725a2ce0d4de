//! A file that is there whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use charmkeeper_base::ErrorKind;

use crate::api::ApiError;

/// Writes `path` through a file beside it, which takes its place at the end.
/// What was there stays when anything fails.
pub(super) fn write<T>(
    path: &Path,
    work: impl FnOnce(&mut dyn Write) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let failed = |e: std::io::Error| unwritable(path, &e);
    let name = path.file_name().ok_or_else(|| {
        ApiError::new(
            ErrorKind::Usage,
            format!("{} is not a file's name.", path.display()),
        )
    })?;
    let mut beside = name.to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(beside);
    let guard = Unfinished(&beside);
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(&beside).map_err(failed)?);
    let answer = work(&mut file)?;
    let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
    file.sync_all().map_err(failed)?;
    drop(file);
    std::fs::rename(&beside, path).map_err(failed)?;
    std::mem::forget(guard);
    Ok(answer)
}

/// Removes the half-written file.
struct Unfinished<'p>(&'p PathBuf);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // It may not have been made.
        let _ = std::fs::remove_file(self.0);
    }
}

/// Why something could not be written.
pub(super) fn unwritable(path: &Path, error: &std::io::Error) -> ApiError {
    let shown = path.display();
    ApiError::new(
        ErrorKind::Local,
        format!("{shown} could not be written: {error}."),
    )
    .with_hint("Choose another place, or free some disk space.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_what_was_there_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs.csv");
        std::fs::write(&path, "before").unwrap();
        let refused = write(&path, |out| {
            out.write_all(b"half").unwrap();
            Err::<(), _>(ApiError::new(ErrorKind::Local, "no"))
        });
        assert!(refused.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        write(&path, |out| {
            out.write_all(b"after").unwrap();
            Ok(())
        })
        .unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write(&dir.path().join("no/such/folder"), |_| Ok(())).is_err());
    }
}
