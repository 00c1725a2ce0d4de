//! Frames between the keeper and its workers.
//!
//! A frame is `u32 LE length | u8 kind | u32 LE id | payload`, the length being
//! that of the payload, at most [`MAX_PAYLOAD`]. Payloads are JSON text, or a
//! JSON head with bytes after it ([`join_head`]), never JSON inside JSON.
//!
//! Owns the codec and the messages. Both sides treat the other as hostile: the
//! length is checked before anything is allocated, and a frame that cannot be
//! read ends the worker.

mod codec;
mod head;
mod message;

pub use codec::{Frame, FrameError, HEADER, Kind, MAX_CHANGES, MAX_PAYLOAD, decode, read, write};
pub use head::{join_head, split_head};
pub use message::{
    Attempt, DoneHead, End, Gone, JobMessage, LogLine, ProbeReport, Ready, Reply, SourceModule,
    Used,
};
