//! Which documents of a space its server tells about.
//!
//! The rule: every document in the replica is watched. Documents are asked for in
//! pages, because a server answers with the documents themselves: however large
//! the space is, one page of them is in memory. Which are watched is not kept in
//! memory either; the replica knows the order in which its documents came.
//!
//! Owns how far that order is watched in this session. Stores nothing: what the
//! server answers is handed to the caller, who takes it in and says so.

use std::sync::Arc;

use charmkeeper_store::{Mark, ReplicaDocument, Store, StoreError};

use super::drain::{Halt, blocking};
use super::line::Line;

/// Documents that are asked for at once.
pub(super) const PAGE: usize = 200;
/// And bytes of them, as far as it is known before they come.
const PAGE_BYTES: u64 = 256 * 1024;

/// What the server said of some documents.
pub(super) struct Page {
    pub(super) news: Vec<ReplicaDocument>,
    /// How far the replica is watched when the news are in it.
    pub(super) reach: Reach,
}

/// How far the replica is watched.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// As far as before.
    Same,
    /// Up to here.
    Upto(Mark),
    /// All of it.
    Whole,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// Each watch of a session has a name of its own.
    names: u64,
    /// Everything up to here is watched; nothing before the first page, which
    /// takes the place of whatever was watched.
    upto: Option<Mark>,
}

impl Watching {
    /// The server may have forgotten what is watched, or not have told something.
    pub(super) fn forget(&mut self) {
        self.upto = None;
    }

    /// Watches the next page of what the replica holds. Nothing when all of it is
    /// watched.
    ///
    /// # Errors
    /// Those of the line and of the store.
    pub(super) async fn page(
        &mut self,
        store: &Arc<Store>,
        space: &str,
        line: &dyn Line,
    ) -> Result<Option<Page>, Halt> {
        let after = self.upto.unwrap_or_default();
        let page = blocking(store, space, move |store, space| {
            store.replica_page(space, after, PAGE, PAGE_BYTES)
        })
        .await?;
        if page.ids.is_empty() {
            return Ok(None);
        }
        let more = self.upto.is_some();
        let news = line.watch(&self.name(), &page.ids, more).await;
        Ok(Some(Page {
            news: news.map_err(Halt::Line)?,
            reach: Reach::Upto(page.last),
        }))
    }

    /// Reads documents, and watches those that were never heard of.
    ///
    /// # Errors
    /// Those of the line and of the store.
    pub(super) async fn get(
        &mut self,
        store: &Arc<Store>,
        space: &str,
        line: &dyn Line,
        ids: Vec<String>,
    ) -> Result<Page, Halt> {
        let upto = self.upto;
        let asked = ids.clone();
        let (new, whole) = blocking(store, space, move |store, space| {
            let whole = match upto {
                Some(mark) => store.replica_page(space, mark, 1, 0)?.ids.is_empty(),
                None => false,
            };
            Ok((store.unheard_of(space, asked)?, whole))
        })
        .await?;
        let mut news = Vec::new();
        // Before the first page it would be forgotten again.
        if upto.is_some() && !new.is_empty() {
            news = line
                .watch(&self.name(), &new, true)
                .await
                .map_err(Halt::Line)?;
        }
        // What a line has told before it does not tell again.
        let told = |id: &String| news.iter().any(|found| found.id == *id);
        let rest: Vec<String> = ids.into_iter().filter(|id| !told(id)).collect();
        if !rest.is_empty() {
            news.extend(line.query(&rest).await.map_err(Halt::Line)?);
        }
        let reach = if whole { Reach::Whole } else { Reach::Same };
        Ok(Page { news, reach })
    }

    /// The news that came with this are in the replica.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn taken(
        &mut self,
        store: &Arc<Store>,
        space: &str,
        reach: Reach,
    ) -> Result<(), StoreError> {
        match reach {
            Reach::Same => {}
            Reach::Upto(mark) => self.upto = Some(mark),
            // Nobody else puts documents of this space there.
            Reach::Whole => {
                let mark = blocking(store, space, |store, _| store.replica_mark()).await?;
                self.upto = Some(mark);
            }
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("w{}", self.names)
    }
}
