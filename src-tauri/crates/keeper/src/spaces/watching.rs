//! Which documents of a space its server tells about.
//!
//! The rule: every document in the replica is watched. Documents are asked for in
//! pages, because a server answers with the documents themselves: however large
//! the space is, one page of them is in memory. Which are watched is not kept in
//! memory either; the replica knows the order in which its documents came.
//!
//! Owns how far that order is watched in this session. Stores nothing: what the
//! server answers is handed to the caller, who takes it in and says so.

use std::collections::BTreeSet;
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
    /// Everything up to here is watched.
    upto: Mark,
}

impl Watching {
    /// The server may have forgotten what is watched, or not have told something.
    pub(super) fn forget(&mut self) {
        self.upto = Mark::default();
    }

    /// Watches the next page of what the replica holds. Nothing when all of it is
    /// watched.
    ///
    /// # Errors
    /// Those of the line and of the store.
    pub(super) async fn page(
        &self,
        store: &Arc<Store>,
        space: &str,
        line: &dyn Line,
    ) -> Result<Option<Page>, Halt> {
        let after = self.upto;
        let page = blocking(store, space, move |store, space| {
            store.replica_page(space, after, PAGE, PAGE_BYTES)
        })
        .await?;
        if page.ids.is_empty() {
            return Ok(None);
        }
        let mut news = line.watch(&page.ids).await.map_err(Halt::Line)?;
        ask_rest(line, page.ids, &mut news).await?;
        let reach = Reach::Upto(page.last);
        Ok(Some(Page { news, reach }))
    }

    /// Reads documents, and watches those that were never heard of.
    ///
    /// # Errors
    /// Those of the line and of the store.
    pub(super) async fn get(
        &self,
        store: &Arc<Store>,
        space: &str,
        line: &dyn Line,
        ids: Vec<String>,
    ) -> Result<Page, Halt> {
        let (after, asked) = (self.upto, ids.clone());
        let (new, whole) = blocking(store, space, move |store, space| {
            let whole = store.replica_page(space, after, 1, 0)?.ids.is_empty();
            Ok((store.unheard_of(space, asked)?, whole))
        })
        .await?;
        let mut news = Vec::new();
        if !new.is_empty() {
            news = line.watch(&new).await.map_err(Halt::Line)?;
        }
        ask_rest(line, ids, &mut news).await?;
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
            Reach::Upto(mark) => self.upto = mark,
            // Nobody else puts documents of this space there.
            Reach::Whole => {
                self.upto = blocking(store, space, |store, _| store.replica_mark()).await?;
            }
        }
        Ok(())
    }
}

/// Asks for what a line did not tell because it had told it before: to a program
/// that was killed, or over a connection that was lost.
async fn ask_rest(
    line: &dyn Line,
    ids: Vec<String>,
    news: &mut Vec<ReplicaDocument>,
) -> Result<(), Halt> {
    let told: BTreeSet<&String> = news.iter().map(|found| &found.id).collect();
    let rest: Vec<String> = ids.into_iter().filter(|id| !told.contains(id)).collect();
    if !rest.is_empty() {
        news.extend(line.query(&rest).await.map_err(Halt::Line)?);
    }
    Ok(())
}
