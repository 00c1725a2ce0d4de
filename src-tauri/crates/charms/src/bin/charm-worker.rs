//! A worker and nothing else: a tool for this crate's own tests, which cannot
//! depend on the `charmkeeper` binary. It is not part of what is installed.

fn main() {
    charmkeeper_charms::worker::worker_main()
}
