//! A JSON head with bytes after it: `u32 LE length of the head | head | body`.

/// Packs a head and a body.
#[must_use]
pub fn join_head(head: &str, body: &[u8]) -> Vec<u8> {
    // A head of 4 GiB cannot occur: frames end at 16 MiB.
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(4 + head.len() + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Unpacks them; `None` when the length or the head's UTF-8 is wrong.
#[must_use]
pub fn split_head(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (head, body) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(head).ok()?, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_and_a_body_come_back() {
        let packed = join_head("{\"a\":\"\u{e9}\"}", &[0, 255]);
        assert_eq!(
            split_head(&packed),
            Some(("{\"a\":\"\u{e9}\"}", &[0, 255][..]))
        );
        assert_eq!(split_head(&join_head("", &[])), Some(("", &[][..])));
    }

    #[test]
    fn wrong_lengths_and_bytes_are_refused() {
        for bytes in [
            &[][..],
            &[1, 0, 0],
            &[2, 0, 0, 0, b'a'],
            &[255; 9],
            &[1, 0, 0, 0, 0xff],
        ] {
            assert_eq!(split_head(bytes), None, "{bytes:?}");
        }
    }
}
