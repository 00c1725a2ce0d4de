//! Tries, from native code in the worker, what the sandbox must refuse.
//!
//! The attempts are real: this is how `doctor` and the tests know that the
//! sandbox works, and not only that it was asked for. Each is chosen so that it
//! does no harm where there is no sandbox.

use std::{io, net, path::PathBuf, process::Command, time::Duration};

use super::Failure;
use crate::frames::Attempt;

/// A port of the discard service, on which nothing listens.
const NOWHERE: net::SocketAddr = net::SocketAddr::new(net::IpAddr::V4(net::Ipv4Addr::LOCALHOST), 9);

/// Makes every attempt.
pub(crate) fn attempts() -> Vec<Attempt> {
    let secret = if cfg!(windows) {
        r"C:\Windows\win.ini"
    } else {
        "/etc/passwd"
    };
    let program = if cfg!(windows) {
        r"C:\Windows\System32\where.exe"
    } else {
        "/bin/true"
    };
    let mut list = vec![
        judge(
            format!("read {secret}"),
            std::fs::File::open(secret).map(drop),
        ),
        judge("write a temporary file".to_owned(), write_file()),
        judge("open a TCP connection".to_owned(), tcp()),
        judge("send a UDP packet".to_owned(), udp()),
        judge(format!("start {program}"), start(program)),
    ];
    list.extend(of_this_system());
    list
}

/// The attempts as the failure of a job: a charm whose native code broke out,
/// or tried to.
pub(crate) fn as_failure(attempts: &[Attempt], level: &str) -> Failure {
    let tried: Vec<_> = attempts
        .iter()
        .map(|a| format!("{}: {}", a.what, a.text))
        .collect();
    let worked = attempts.iter().filter(|a| a.errno.is_none()).count();
    let verdict = if worked == 0 {
        "every attempt of native code was refused".to_owned()
    } else {
        format!("{worked} attempts of native code got past the sandbox ({level})")
    };
    Failure {
        name: "PermissionDenied".to_owned(),
        ..Failure::of_charm(format!("{verdict}: {}", tried.join("; ")))
    }
}

fn judge(what: String, result: io::Result<()>) -> Attempt {
    match result {
        Ok(()) => Attempt {
            what,
            errno: None,
            text: "it worked".to_owned(),
        },
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Attempt {
            what,
            errno: e.raw_os_error().or(Some(0)),
            text: e.to_string(),
        },
        // Refused by something behind the sandbox, as in "connection refused".
        Err(e) => Attempt {
            what,
            errno: None,
            text: format!("not prevented ({e})"),
        },
    }
}

fn write_file() -> io::Result<()> {
    // Not `env::temp_dir`: the worker has no environment to learn it from.
    let folder = if cfg!(windows) {
        r"C:\Windows\Temp"
    } else {
        "/tmp"
    };
    let path = PathBuf::from(folder).join(format!("charmkeeper-probe-{}", std::process::id()));
    std::fs::File::create_new(&path)?;
    std::fs::remove_file(&path)
}

fn tcp() -> io::Result<()> {
    net::TcpStream::connect_timeout(&NOWHERE, Duration::from_millis(200)).map(drop)
}

fn udp() -> io::Result<()> {
    let socket = net::UdpSocket::bind((net::Ipv4Addr::LOCALHOST, 0))?;
    socket.send_to(&[0], NOWHERE).map(drop)
}

fn start(program: &str) -> io::Result<()> {
    Command::new(program).status().map(drop)
}

/// What only Unix has.
#[cfg(unix)]
#[allow(unsafe_code, reason = "kill, fork and fcntl are C functions")]
fn of_this_system() -> Vec<Attempt> {
    let done = |result: libc::c_int| {
        if result < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    };
    // SAFETY: signal 0 only asks whether a signal could be sent.
    let signal = done(unsafe { libc::kill(libc::getppid(), 0) });
    // SAFETY: the new process, if there is one, does nothing but end.
    let made = unsafe { libc::fork() };
    let copy = done(made);
    if made == 0 {
        super::process::end(0);
    }
    if made > 0 {
        // SAFETY: no status is asked for.
        unsafe { libc::waitpid(made, std::ptr::null_mut(), 0) };
    }
    // Its own three files and the frames are the first four. At most 32 are
    // possible (`sandbox`).
    // SAFETY: asking for the flags of a descriptor changes nothing.
    let open = (4..32).find(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0);
    vec![
        judge("signal the keeper".to_owned(), signal),
        judge("make a process".to_owned(), copy),
        Attempt {
            what: "use a file that was left open".to_owned(),
            errno: open.is_none().then_some(libc::EBADF),
            text: match open {
                Some(fd) => format!("file {fd} is open"),
                None => "none is open".to_owned(),
            },
        },
    ]
}

/// What only Unix has.
#[cfg(not(unix))]
fn of_this_system() -> Vec<Attempt> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_permission_counts_as_refused() {
        let errno = |e: io::Error| judge("x".to_owned(), Err(e)).errno;
        assert_eq!(errno(io::Error::from_raw_os_error(1)), Some(1));
        assert_eq!(errno(io::ErrorKind::PermissionDenied.into()), Some(0));
        assert_eq!(errno(io::ErrorKind::ConnectionRefused.into()), None);
        assert_eq!(judge("x".to_owned(), Ok(())).errno, None);
    }
}
