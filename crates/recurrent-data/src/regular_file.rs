//! Regular files in a folder that somebody else may have made: a link in it could lead anywhere, and a pipe or a device
//! has no end.

use std::fs::{self, File, FileType, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::checksum::Hasher;

/// What a file is, in words for an error: `a symbolic link`.
pub fn describe(file_type: FileType) -> &'static str {
    match file_type {
        _ if file_type.is_symlink() => "a symbolic link",
        _ if file_type.is_dir() => "a folder",
        _ if file_type.is_file() => "a regular file",
        _ => "a pipe, a socket or a device",
    }
}

/// Opens a regular file to read it.
///
/// # Errors
/// If it is another kind of file, does not exist or cannot be read.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true))
}

/// Opens a regular file to lock it, and creates it if it does not exist. Its contents are left alone.
///
/// # Errors
/// If it is another kind of file, or cannot be written.
pub fn open_lock(path: &Path) -> io::Result<File> {
    open_with(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// A locked file, unlocked when this is dropped.
///
/// Closing the file would not do: a child that another thread starts has a copy of its descriptor until it executes its
/// program, and the lock lasts as long as any copy.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Locks a file, for this process alone.
    ///
    /// # Errors
    /// If another process has locked it, or the system cannot.
    pub fn try_new(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closed all the same: there is nobody to tell.
        let _ = self.0.unlock();
    }
}

/// Reads a regular file of at most `max_bytes`.
///
/// # Errors
/// As [`open`], and if the file is longer.
pub fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_limited(path, max_bytes)?.take(max_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The SHA-256 of a regular file of at most `max_bytes`, in hexadecimal digits. The file is streamed, not held in memory.
///
/// # Errors
/// As [`read`].
pub fn sha256(path: &Path, max_bytes: u64) -> io::Result<String> {
    let mut hasher = Hasher::default();
    io::copy(&mut open_limited(path, max_bytes)?.take(max_bytes), &mut hasher)?;
    Ok(hasher.finish())
}

/// Writes the entries of a folder to disk, so that a rename in it outlasts a loss of power. Where the system cannot, this
/// does nothing.
///
/// # Errors
/// If the folder cannot be opened, or the disk fails.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(path)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

fn open_limited(path: &Path, max_bytes: u64) -> io::Result<File> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    if length > max_bytes {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("{length} bytes, more than {max_bytes}")));
    }
    Ok(file)
}

fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let check = |file_type: FileType| match file_type.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(ErrorKind::InvalidInput, describe(file_type))),
    };
    match fs::symlink_metadata(path) {
        Ok(metadata) => check(metadata.file_type())?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // What lies at the path may change after the check: the system follows no link, and does not wait for a pipe.
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_refused_and_a_lock_truncates_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"abc");
        assert_eq!(sha256(&path, 3).unwrap(), crate::sha256(b"abc"));
        for error in [read(&path, 2).unwrap_err(), sha256(&path, 2).unwrap_err()] {
            assert_eq!(error.to_string(), "3 bytes, more than 2");
        }
        open_lock(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
    }

    #[test]
    fn lock_ends_with_its_value_although_a_copy_of_the_descriptor_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let try_lock = || FileLock::try_new(open_lock(&path).unwrap());
        let lock = try_lock().unwrap();
        let _of_a_child = lock.file().try_clone().unwrap();
        assert!(matches!(try_lock().unwrap_err(), TryLockError::WouldBlock));
        drop(lock);
        try_lock().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_folders_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link, pipe] = ["target", "link", "pipe"].map(|name| folder.path().join(name));
        fs::write(&target, "abc").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let expected =
            [(&*link, "a symbolic link"), (&*pipe, "a pipe, a socket or a device"), (folder.path(), "a folder")];
        for (path, found) in expected {
            for error in [open(path).unwrap_err(), open_lock(path).unwrap_err(), read(path, 9).unwrap_err()] {
                assert_eq!(error.to_string(), found);
            }
        }
        assert_eq!(fs::read(&target).unwrap(), b"abc");
    }
}
