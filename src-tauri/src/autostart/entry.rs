//! The entry for start at login on Linux (freedesktop.org, Desktop Application
//! Autostart and Desktop Entry specifications).
//!
//! Owns: where entries are, how a command is quoted, and whether one is on.

use std::io;
use std::path::{Path, PathBuf};

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
}

impl Command {
    /// The value of `Exec`.
    fn exec(&self) -> String {
        let program = self.program.to_string_lossy();
        let words = std::iter::once(program.as_ref())
            .chain(self.arguments.iter().map(String::as_str))
            .map(quoted);
        words.collect::<Vec<_>>().join(" ")
    }

    fn entry(&self) -> String {
        format!(
            "[Desktop Entry]\nType=Application\nVersion=1.0\nName=Charmkeeper\n\
             Comment=Keeps your charms running\nExec={}\nIcon=charmkeeper\n\
             StartupNotify=false\nTerminal=false\nX-GNOME-Autostart-enabled=true\n",
            self.exec()
        )
    }
}

/// One word of `Exec`: in double quotes where it needs them, then escaped as
/// every string value is. A percent sign would begin a field code.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut out = String::from("\"");
    for c in word.chars() {
        match c {
            // Escaped for the quotes, and the backslash again for the value.
            '"' | '`' | '$' => out.push_str(&format!("\\\\{c}")),
            '\\' => out.push_str("\\\\\\\\"),
            '%' => out.push_str("%%"),
            '\n' => out.push_str("\\n"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The folder that the desktop reads, and the one that the plugin writes.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    read: PathBuf,
    plugin: Option<PathBuf>,
}

impl Folder {
    /// From the environment; nothing without a home.
    pub(super) fn of(get: impl Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        let home = get("HOME").map(|home| home.join(".config"));
        // The specification says that a relative path is to be ignored.
        let own = get("XDG_CONFIG_HOME").filter(|p| p.is_absolute());
        let read = own.or_else(|| home.clone())?;
        Some(Self {
            plugin: home.filter(|h| *h != read).map(|h| h.join("autostart")),
            read: read.join("autostart"),
        })
    }

    /// Whether an entry is there and not switched off.
    pub(super) fn is_on(&self, file: &str) -> io::Result<bool> {
        Ok(read(&self.read.join(file))?.is_some_and(|text| !is_off(&text)))
    }

    /// Writes an entry, replacing one that is there.
    pub(super) fn put(&self, file: &str, command: &Command) -> io::Result<()> {
        std::fs::create_dir_all(&self.read)?;
        let path = self.read.join(file);
        let new = self.read.join(format!("{file}.new"));
        std::fs::write(&new, command.entry())?;
        std::fs::rename(&new, &path)?;
        self.forget_the_plugins(file)
    }

    /// Removes an entry; none is fine.
    pub(super) fn remove(&self, file: &str) -> io::Result<()> {
        gone(&self.read.join(file))?;
        self.forget_the_plugins(file)
    }

    /// Writes an entry that is on anew when it starts something else. True when
    /// it was written.
    pub(super) fn mend(&self, file: &str, command: &Command) -> io::Result<bool> {
        let Some(text) = read(&self.read.join(file))? else {
            return Ok(false);
        };
        let wanted = command.exec();
        let stale = value(&text, "Exec") != Some(wanted.as_str());
        if stale && !is_off(&text) {
            self.put(file, command)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn forget_the_plugins(&self, file: &str) -> io::Result<()> {
        self.plugin.as_ref().map_or(Ok(()), |f| gone(&f.join(file)))
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn gone(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Desktops switch an entry off without removing it.
fn is_off(text: &str) -> bool {
    let says = |key: &str, word: &str| value(text, key).is_some_and(|v| v == word);
    says("Hidden", "true") || says("X-GNOME-Autostart-enabled", "false")
}

/// A value of the entry's main group.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[Desktop Entry]";
        } else if inside
            && let Some((name, value)) = line.split_once('=')
            && name.trim_end() == key
        {
            return Some(value.trim_start());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "charmkeeper.desktop";

    fn command(program: &str) -> Command {
        Command {
            program: program.into(),
            arguments: vec!["--background".into()],
        }
    }

    /// Home, and the folder of a desktop that uses this XDG_CONFIG_HOME.
    fn folder(config: Option<&str>) -> (tempfile::TempDir, Folder) {
        let home = tempfile::tempdir().unwrap();
        let at = home.path().to_owned();
        let folder = Folder::of(|name| match name {
            "HOME" => Some(at.clone()),
            _ => config.map(|c| at.join(c)),
        });
        (home, folder.unwrap())
    }

    #[test]
    fn a_path_with_anything_in_it_is_quoted() {
        let exec = |program: &str| command(program).exec();
        assert_eq!(
            exec("/usr/bin/charmkeeper-desktop"),
            "/usr/bin/charmkeeper-desktop --background"
        );
        assert_eq!(exec("/my apps/c"), "\"/my apps/c\" --background");
        assert_eq!(exec("/a$b/100%"), "\"/a\\\\$b/100%%\" --background");
        assert_eq!(exec("/a\\b"), "\"/a\\\\\\\\b\" --background");
    }

    #[test]
    fn switching_on_and_off_leaves_nothing_behind() {
        let (home, folder) = folder(None);
        assert!(!folder.is_on(FILE).unwrap());
        folder.put(FILE, &command("/bin/c")).unwrap();
        assert!(folder.is_on(FILE).unwrap());
        assert!(home.path().join(".config/autostart").join(FILE).is_file());
        folder.remove(FILE).unwrap();
        folder.remove(FILE).unwrap();
        let left = std::fs::read_dir(home.path().join(".config/autostart")).unwrap();
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn another_config_folder_is_used_and_the_plugins_entry_removed() {
        let (home, folder) = folder(Some("elsewhere"));
        let plugins = home.path().join(".config/autostart");
        std::fs::create_dir_all(&plugins).unwrap();
        std::fs::write(plugins.join(FILE), "[Desktop Entry]\n").unwrap();
        folder.put(FILE, &command("/bin/c")).unwrap();
        assert!(home.path().join("elsewhere/autostart").join(FILE).is_file());
        assert!(!plugins.join(FILE).exists());
    }

    #[test]
    fn an_entry_switched_off_by_the_desktop_is_off_and_stays_so() {
        for line in ["Hidden=true", "X-GNOME-Autostart-enabled=false"] {
            let (home, folder) = folder(None);
            let dir = home.path().join(".config/autostart");
            std::fs::create_dir_all(&dir).unwrap();
            let text = format!("[Desktop Entry]\nExec=/old/c --background\n{line}\n");
            std::fs::write(dir.join(FILE), &text).unwrap();
            assert!(!folder.is_on(FILE).unwrap(), "{line}");
            assert!(!folder.mend(FILE, &command("/new/c")).unwrap(), "{line}");
            assert_eq!(std::fs::read_to_string(dir.join(FILE)).unwrap(), text);
        }
    }

    #[test]
    fn an_entry_of_a_program_that_moved_is_mended_once() {
        let (_home, folder) = folder(None);
        assert!(
            !folder.mend(FILE, &command("/new/c")).unwrap(),
            "never added"
        );
        folder.put(FILE, &command("/old/c")).unwrap();
        assert!(folder.mend(FILE, &command("/new/c")).unwrap());
        assert!(folder.is_on(FILE).unwrap());
        assert!(!folder.mend(FILE, &command("/new/c")).unwrap());
    }

    #[test]
    fn only_the_main_group_counts() {
        let text = "[Desktop Action x]\nHidden=true\n[Desktop Entry]\nExec = /c\n";
        assert!(!is_off(text));
        assert_eq!(value(text, "Exec"), Some("/c"));
    }

    #[test]
    fn a_relative_config_folder_is_ignored() {
        let folder = Folder::of(|name| match name {
            "HOME" => Some("/home/p".into()),
            _ => Some("relative".into()),
        });
        assert_eq!(folder.unwrap().read, Path::new("/home/p/.config/autostart"));
        assert!(Folder::of(|_| None).is_none());
    }
}
