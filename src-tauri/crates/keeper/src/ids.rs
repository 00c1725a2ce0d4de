//! Ids of runs and charms: UUIDs of version 7, which sort by time.

use crate::core::Core;

/// A new id, from the keeper's own clock and randomness.
pub(crate) fn uuid(core: &Core) -> String {
    let mut bytes = [0u8; 10];
    core.random.fill(&mut bytes);
    let millis = u64::try_from(core.now().0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes)
        .into_uuid()
        .to_string()
}
