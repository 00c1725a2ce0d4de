//! Memory that was needed for a moment.
//!
//! The C library keeps what was freed for the next time. A program that waits for
//! most of its life should not hold what one large answer of a server took.
//!
//! Owns giving it back. Decides nothing: whoever did something large asks.

use std::sync::Arc;

use charmkeeper_store::Store;
use serde_json::Value;

/// Values from which an amount of documents is large. One takes about 200 bytes.
const LARGE: usize = 5_000;

/// True when these documents take a megabyte or more while they are looked at.
/// Stops counting there, and uses no recursion.
pub(crate) fn is_large<'d>(documents: impl Iterator<Item = &'d Value>) -> bool {
    let mut count = 0;
    let mut rest = Vec::new();
    for document in documents {
        rest.push(document);
        while let Some(value) = rest.pop() {
            count += 1;
            if count > LARGE {
                return true;
            }
            match value {
                Value::Array(items) => rest.extend(items),
                Value::Object(members) => rest.extend(members.values()),
                _ => {}
            }
        }
    }
    false
}

/// Gives back what is not needed any more, on a thread for it: the database's
/// pages, and what the C library holds of freed memory.
pub(crate) fn give_back(store: &Arc<Store>) {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || {
        if let Err(e) = store.release_memory() {
            tracing::debug!("the database keeps its memory: {e}");
        }
        trim();
    });
}

/// Has all threads share two heaps. Otherwise the C library makes one for each
/// thread that allocates, and what is left over in each adds up. To be called
/// before there are threads.
#[cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    allow(unsafe_code, reason = "mallopt is a C function")
)]
pub fn few_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt(3) takes no pointer.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

#[cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    allow(unsafe_code, reason = "malloc_trim is a C function")
)]
fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim(3) takes no pointer and may be called by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn many_small_documents_and_one_long_list_are_large() {
        let small = json!({ "value": { "name": "n", "list": [1, 2] } });
        assert!(!is_large([&small].into_iter()));
        assert!(is_large(std::iter::repeat_n(&small, LARGE)));
        let long = json!({ "value": vec![0; LARGE] });
        assert!(is_large([&long].into_iter()));
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert!(!is_large([&deep].into_iter()));
    }
}
