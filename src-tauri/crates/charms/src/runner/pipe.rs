//! Frames over the pipes of a worker, in a way that `select!` may interrupt.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::frames::{Frame, FrameError, HEADER, decode};

/// What is read at once, in bytes; as much as a pipe holds on Linux.
const CHUNK: usize = 64 * 1024;

/// Payloads up to this many bytes are written together with their header.
const SMALL: usize = 16 * 1024;

/// Reads frames.
pub(super) struct FrameReader<R> {
    from: R,
    buffer: Vec<u8>,
    /// Bytes at the front of the buffer that were handed out already.
    used: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            buffer: Vec::new(),
            used: 0,
        }
    }

    /// The next frame; `None` at a clean end. Nothing is lost when the future is
    /// dropped before it is ready.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            if let Some((frame, length)) = decode(&self.buffer[self.used..])? {
                self.used += length;
                return Ok(Some(frame));
            }
            self.buffer.drain(..self.used);
            self.used = 0;
            // One large frame must not keep its memory for ever.
            if self.buffer.is_empty() && self.buffer.capacity() > 4 * CHUNK {
                self.buffer = Vec::new();
            }
            self.buffer.reserve(CHUNK);
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
                };
            }
        }
    }
}

/// Frames that wait to be written.
#[derive(Default)]
pub(super) struct OutQueue {
    parts: VecDeque<Vec<u8>>,
    /// Bytes of the first part that are written already.
    written: usize,
    bytes: usize,
}

impl OutQueue {
    /// Adds a frame.
    pub(super) fn push(&mut self, frame: Frame) -> Result<(), FrameError> {
        let header = frame.header()?;
        self.bytes += HEADER + frame.payload.len();
        if frame.payload.len() <= SMALL {
            let mut whole = header.to_vec();
            whole.extend_from_slice(&frame.payload);
            self.parts.push_back(whole);
        } else {
            self.parts.push_back(header.to_vec());
            self.parts.push_back(frame.payload);
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Bytes that are not written yet.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes until everything is written. Nothing is lost or written twice when
    /// the future is dropped before it is ready.
    pub(super) async fn write_to(
        &mut self,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> std::io::Result<()> {
        while let Some(part) = self.parts.front() {
            let n = to.write(&part[self.written..]).await?;
            if n == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            self.written += n;
            self.bytes -= n;
            if self.written == part.len() {
                self.parts.pop_front();
                self.written = 0;
            }
        }
        to.flush().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Kind;

    #[tokio::test]
    async fn frames_pass_through_a_pipe_that_is_smaller_than_they_are() {
        let (mut a, b) = tokio::io::duplex(100);
        let frames: Vec<_> = (0..50)
            .map(|i| Frame::new(Kind::Log, i, vec![i as u8; 7 * i as usize]))
            .collect();
        let mut out = OutQueue::default();
        for f in &frames {
            out.push(f.clone()).unwrap();
        }
        let mut reader = FrameReader::new(b);
        let mut got = Vec::new();
        while got.len() < frames.len() {
            // Both futures are dropped again and again half-way.
            tokio::select! {
                frame = reader.next() => got.push(frame.unwrap().unwrap()),
                written = out.write_to(&mut a), if !out.is_empty() => written.unwrap(),
                () = tokio::task::yield_now() => {}
            }
        }
        assert_eq!(got, frames);
        assert_eq!(out.bytes(), 0);
        drop(a);
        assert!(reader.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_pipe_that_ends_inside_a_frame_is_an_error() {
        let mut bytes = Frame::new(Kind::Done, 1, "abc").header().unwrap().to_vec();
        bytes.push(b'a');
        let mut reader = FrameReader::new(&bytes[..]);
        assert!(matches!(reader.next().await, Err(FrameError::Io(_))));
    }
}
