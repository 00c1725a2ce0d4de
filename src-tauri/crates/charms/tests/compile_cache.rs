//! The cache gives what compiling gives, or compiles again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use charmkeeper_charms::compile::{Cache, CompileOptions, Program, compile, program_from_files};
use tempfile::TempDir;

fn program(n: usize) -> Program {
    let text = format!(
        "import {{ handler, pattern, Cell }} from 'commonfabric'; // {n}
        const update = handler<unknown, {{ n: Cell<number> }}>(() => {{}});
        export default pattern(() => ({{ n: {n}, text: 'h\u{e9}llo \u{1f600}', bgUpdater: update({{}}) }}));"
    );
    program_from_files([("main.ts", text)], "main.ts").unwrap()
}

fn entries(dir: &TempDir) -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    all.sort();
    all
}

#[test]
fn the_second_time_comes_from_disk_and_is_the_same() {
    let dir = TempDir::new().unwrap();
    let cache = Cache::new(dir.path().join("made/later"));
    let direct = compile(&program(1)).unwrap();
    assert_eq!(*cache.compile(&program(1)).unwrap(), direct);
    let file = fs::read_dir(&cache.dir)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let written = fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(
        *Cache::new(&cache.dir).compile(&program(1)).unwrap(),
        direct
    );
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);
    assert_eq!(fs::read_dir(&cache.dir).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn files_are_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let cache = Cache::new(dir.path().join("cache"));
    cache.compile(&program(1)).unwrap();
    let mode = |p: &std::path::Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cache.dir), 0o700);
    for entry in fs::read_dir(&cache.dir).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn damaged_and_foreign_entries_are_compiled_again() {
    let dir = TempDir::new().unwrap();
    let cache = Cache::new(dir.path());
    let direct = compile(&program(1)).unwrap();
    cache.compile(&program(1)).unwrap();
    let [file] = &entries(&dir)[..] else { panic!() };
    let good = fs::read(file).unwrap();
    let mut damaged: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{}".to_vec(),
        good[..good.len() / 2].to_vec(),
        good.iter().copied().chain([0]).collect(),
    ];
    for at in (0..good.len()).step_by(97) {
        let mut one = good.clone();
        one[at] ^= 1;
        damaged.push(one);
    }
    for bytes in damaged {
        fs::write(file, &bytes).unwrap();
        assert_eq!(*cache.compile(&program(1)).unwrap(), direct);
        assert_eq!(fs::read(file).unwrap(), good, "the entry was not repaired");
    }
    // A good entry of another program under this one's name.
    cache.compile(&program(2)).unwrap();
    let other = entries(&dir).into_iter().find(|p| p != file).unwrap();
    fs::copy(other, file).unwrap();
    assert_eq!(*cache.compile(&program(1)).unwrap(), direct);
}

#[test]
fn options_are_kept_apart_and_errors_are_not_kept() {
    let dir = TempDir::new().unwrap();
    let cache = Cache::new(dir.path());
    let text = "import { pattern } from 'commonfabric'; export default pattern(() => ({}));";
    let program = program_from_files([("main.ts", text)], "main.ts").unwrap();
    assert!(cache.compile(&program).is_err());
    assert!(entries(&dir).is_empty());
    cache
        .compile_with(
            &program,
            &CompileOptions {
                require_bg_updater: false,
            },
        )
        .unwrap();
    assert!(cache.compile(&program).is_err());
}

#[test]
fn the_oldest_entries_go_when_there_are_too_many() {
    let dir = TempDir::new().unwrap();
    let cache = Cache::new(dir.path());
    cache.compile(&program(0)).unwrap();
    let size = fs::metadata(&entries(&dir)[0]).unwrap().len();
    let small = Cache {
        max_bytes: size * 3 + 10,
        ..cache
    };
    fs::write(dir.path().join("left.1.0.tmp"), vec![0; 10]).unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let hour = std::time::Duration::from_secs(3_600);
    for n in 1..=9 {
        let hash = program(n - 1).hash(&CompileOptions::default());
        let file = fs::File::options()
            .write(true)
            .open(dir.path().join(format!("{hash}.charm")))
            .unwrap();
        let when = std::time::UNIX_EPOCH + hour * u32::try_from(n).unwrap();
        file.set_modified(when).unwrap();
        small.compile(&program(n)).unwrap();
    }
    let names: Vec<_> = entries(&dir)
        .iter()
        .map(|p| p.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let kept = |n| {
        names.contains(&format!(
            "{}.charm",
            program(n).hash(&CompileOptions::default())
        ))
    };
    assert!(kept(9) && kept(8) && !kept(0) && !kept(5), "{names:?}");
    assert!(names.contains(&"notes.txt".to_owned()));
}

#[test]
fn a_folder_that_cannot_be_written_does_not_stop_compiling() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a-file");
    fs::write(&file, "").unwrap();
    let compiled = Cache::new(file.join("below")).compile(&program(1)).unwrap();
    assert_eq!(*compiled, compile(&program(1)).unwrap());
}

#[test]
fn many_writers_at_once_agree() {
    let dir = TempDir::new().unwrap();
    let cache = Arc::new(Cache::new(dir.path()));
    let direct = Arc::new(compile(&program(1)).unwrap());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (cache, direct) = (cache.clone(), direct.clone());
            std::thread::spawn(move || assert_eq!(cache.compile(&program(1)).unwrap(), direct))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(entries(&dir).len(), 1);
}
