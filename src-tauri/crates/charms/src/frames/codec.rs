//! The bytes of a frame.

use std::io::{self, Read, Write};

/// The largest payload, in bytes.
pub const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// The most bytes of changes of one job.
pub const MAX_CHANGES: usize = MAX_PAYLOAD - 128 * 1024;

/// Bytes before the payload.
pub const HEADER: usize = 9;

/// Payloads up to this many bytes are copied so as to be written with their
/// header.
const SMALL: usize = 16 * 1024;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $byte:literal),+ $(,)?) => {
        /// What a frame is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name = $byte),+ }
        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// The kind with this byte on the wire.
            #[must_use]
            pub fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// To the worker: run this job; the id is the job's number in this worker.
    Job = 1,
    /// To the worker: the answer to the call with this id.
    Reply = 2,
    /// To the worker: stop the job with this id.
    Cancel = 3,
    /// To the worker: try what native code can reach.
    Probe = 4,
    /// To the worker: nothing more comes for the job with this id, which has
    /// ended; what follows is for the next one.
    Bye = 5,
    /// From the worker: the sandbox is in place.
    Ready = 16,
    /// From the worker: the job with this id begins; from here on it is never
    /// started again. The payload is the number of its process, `u32 LE`.
    Started = 17,
    /// From the worker: a line of console output of the job with this id.
    Log = 18,
    /// From the worker: the job with this id has ended.
    Done = 19,
    /// From the worker: what the probe found.
    ProbeResult = 20,
    /// From the worker: the process of the job with this id is gone, and how.
    Gone = 21,
    /// From the worker: changes that the job with this id wrote, each JSON on a
    /// line of its own. They count if its report says that all went well.
    Changes = 22,
    /// From the worker: read documents; a reply is owed.
    Read = 32,
    /// From the worker: resolve a wish; a reply is owed.
    Wish = 33,
    /// From the worker: an HTTP request; a reply is owed.
    Fetch = 34,
    /// From the worker: the reply to the fetch with this id is not wanted.
    Abort = 35,
    /// From the worker: an event for another charm's stream; a reply is owed.
    Send = 36,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is about.
    pub kind: Kind,
    /// Number of the job or the call.
    pub id: u32,
    /// At most [`MAX_PAYLOAD`] bytes.
    pub payload: Vec<u8>,
}

/// Why a frame cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The pipe failed, or ended inside a frame.
    #[error("the pipe to the worker failed: {0}")]
    Io(#[from] io::Error),
    /// More than [`MAX_PAYLOAD`] bytes.
    #[error("a message of {0} bytes is larger than the limit of {MAX_PAYLOAD}")]
    TooLarge(usize),
    /// No kind has this byte.
    #[error("a message of unknown kind {0}")]
    UnknownKind(u8),
}

impl Frame {
    /// A frame with a JSON payload, or another text.
    pub fn new(kind: Kind, id: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            id,
            payload: payload.into(),
        }
    }

    /// The header of this frame.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`].
    pub fn header(&self) -> Result<[u8; HEADER], FrameError> {
        let length = self.payload.len();
        let n = u32::try_from(length).map_err(|_| FrameError::TooLarge(length))?;
        if length > MAX_PAYLOAD {
            return Err(FrameError::TooLarge(length));
        }
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(&n.to_le_bytes());
        header[4] = self.kind as u8;
        header[5..].copy_from_slice(&self.id.to_le_bytes());
        Ok(header)
    }
}

/// Reads a header: length of the payload, kind, id.
fn header(bytes: [u8; HEADER]) -> Result<(usize, Kind, u32), FrameError> {
    let [a, b, c, d, kind, w, x, y, z] = bytes;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > MAX_PAYLOAD {
        return Err(FrameError::TooLarge(length));
    }
    let kind = Kind::from_byte(kind).ok_or(FrameError::UnknownKind(kind))?;
    Ok((length, kind, u32::from_le_bytes([w, x, y, z])))
}

/// Takes the first frame off the front of `buffer`, which holds what has
/// arrived so far. `None` when it is not complete yet; the buffer then needs to
/// grow to at most [`HEADER`] + [`MAX_PAYLOAD`] bytes.
///
/// # Errors
/// [`FrameError::TooLarge`] and [`FrameError::UnknownKind`], as soon as the
/// header is there.
pub fn decode(buffer: &[u8]) -> Result<Option<(Frame, usize)>, FrameError> {
    let Some(head) = buffer.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let (length, kind, id) = header(*head)?;
    let end = HEADER + length;
    Ok(buffer.get(HEADER..end).map(|payload| {
        (
            Frame {
                kind,
                id,
                payload: payload.to_vec(),
            },
            end,
        )
    }))
}

/// Reads one frame; `None` at a clean end, between two frames.
///
/// # Errors
/// [`FrameError`]; an end inside a frame is [`FrameError::Io`].
pub fn read(from: &mut impl Read) -> Result<Option<Frame>, FrameError> {
    let mut head = [0; HEADER];
    let mut have = 0;
    while have < HEADER {
        match from.read(&mut head[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    let (length, kind, id) = header(head)?;
    let mut payload = vec![0; length];
    from.read_exact(&mut payload)?;
    Ok(Some(Frame { kind, id, payload }))
}

/// Writes one frame and flushes.
///
/// # Errors
/// [`FrameError`]; nothing is written when the frame is too large.
pub fn write(to: &mut impl Write, frame: &Frame) -> Result<(), FrameError> {
    let header = frame.header()?;
    if frame.payload.len() <= SMALL {
        // One system call instead of two.
        let mut whole = Vec::with_capacity(HEADER + frame.payload.len());
        whole.extend_from_slice(&header);
        whole.extend_from_slice(&frame.payload);
        to.write_all(&whole)?;
    } else {
        to.write_all(&header)?;
        to.write_all(&frame.payload)?;
    }
    to.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmkeeper_base::random::SeededRandom;

    /// Gives its bytes in pieces of random length, as a pipe may.
    struct Dribble<'a>(&'a [u8], SeededRandom);

    impl Read for Dribble<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let n = (self.1.next_u64() as usize % 7 + 1)
                .min(self.0.len())
                .min(to.len());
            let (now, later) = self.0.split_at(n);
            to[..n].copy_from_slice(now);
            self.0 = later;
            Ok(n)
        }
    }

    fn random_frame(r: &SeededRandom) -> Frame {
        let kind = Kind::ALL[r.next_u64() as usize % Kind::ALL.len()];
        let payload = (0..r.next_u64() % 300)
            .map(|_| r.next_u64() as u8)
            .collect::<Vec<_>>();
        Frame::new(kind, r.next_u64() as u32, payload)
    }

    #[test]
    fn frames_survive_any_fragmentation() {
        let r = SeededRandom::new(11);
        let frames: Vec<_> = (0..200).map(|_| random_frame(&r)).collect();
        let mut bytes = Vec::new();
        for f in &frames {
            write(&mut bytes, f).unwrap();
        }
        let mut dribble = Dribble(&bytes, SeededRandom::new(5));
        for f in &frames {
            assert_eq!(read(&mut dribble).unwrap().as_ref(), Some(f));
        }
        assert!(read(&mut dribble).unwrap().is_none());
        let mut rest = &bytes[..];
        for f in &frames {
            let (got, used) = decode(rest).unwrap().unwrap();
            assert_eq!(&got, f);
            assert!(decode(&rest[..used - 1]).unwrap().is_none());
            rest = &rest[used..];
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_memory_is_taken() {
        for length in [MAX_PAYLOAD as u32 + 1, u32::MAX] {
            let mut bytes = length.to_le_bytes().to_vec();
            bytes.extend([Kind::Log as u8, 0, 0, 0, 0]);
            assert!(matches!(
                read(&mut &bytes[..]),
                Err(FrameError::TooLarge(_))
            ));
            assert!(matches!(decode(&bytes), Err(FrameError::TooLarge(_))));
        }
        let large = Frame::new(Kind::Done, 1, vec![0; MAX_PAYLOAD + 1]);
        let mut out = Vec::new();
        assert!(matches!(
            write(&mut out, &large),
            Err(FrameError::TooLarge(_))
        ));
        assert!(
            out.is_empty(),
            "a refused frame must leave no bytes on the wire"
        );
    }

    #[test]
    fn an_end_inside_a_frame_is_an_error() {
        let mut bytes = Vec::new();
        write(&mut bytes, &Frame::new(Kind::Log, 1, "hello")).unwrap();
        for cut in 1..bytes.len() {
            assert!(
                matches!(read(&mut &bytes[..cut]), Err(FrameError::Io(_))),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn random_bytes_never_panic_and_never_read_past_the_limit() {
        let r = SeededRandom::new(99);
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = (0..r.next_u64() % 64).map(|_| r.next_u64() as u8).collect();
            // Often a short length, so that the rest of the frame is reached.
            if bytes.len() > 4 && r.next_u64().is_multiple_of(2) {
                bytes[1..4].fill(0);
            }
            let decoded = decode(&bytes);
            let read = read(&mut &bytes[..]);
            match (decoded, read) {
                (Ok(Some((a, _))), Ok(Some(b))) => assert_eq!(a, b),
                (Ok(Some(_)), _) | (_, Ok(Some(_))) => panic!("the two readers disagree"),
                _ => {}
            }
        }
    }
}
