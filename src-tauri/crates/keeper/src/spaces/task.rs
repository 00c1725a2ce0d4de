//! The task that keeps one space in sync.
//!
//! In: what the server says, and that something waits in the outbox. Out: the
//! replica taken in, the outbox told, one change at a time. While a change waits
//! for its answer, news from the server wait too, so that an echo of our own
//! change never looks like somebody else's.
//!
//! Owns the space's session. Ends when it is told to.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use charmkeeper_space::client::{Opened, Session};
use charmkeeper_space::messages::Sync;
use charmkeeper_space::pieces::lease_id;
use charmkeeper_store::ReplicaDocument;
use tokio::sync::{mpsc, oneshot};

use super::desk::{Desk, Live};
use super::drain::{self, Halt, Step, blocking};
use super::lease::{Answer, Want, settle};
use super::line::{Trouble, news};
use super::outgoing::SEEN;
use super::resume;
use super::watching::{PAGE, Page, Watching};
use crate::api::{ApiError, Event};
use crate::core::{Core, of_store};
use crate::{memory, views};

/// What a task is told.
pub(super) enum Message {
    /// The session is open.
    Opened(Box<Opened>),
    /// Watched documents changed.
    Synced(Box<Sync>),
    /// The connection is lost for now.
    Down(String),
    /// The session is over.
    Shut(String),
    /// Something waits in the outbox.
    Wake,
    /// Read these documents from the server.
    Get {
        ids: BTreeSet<String>,
        reply: oneshot::Sender<Result<(), ApiError>>,
    },
    /// Claim or give back the lease of a piece.
    Lease {
        piece: DocRef,
        want: Want,
        reply: oneshot::Sender<Result<Answer, ApiError>>,
    },
    /// Tell when the session is open: the space's last number.
    Await(oneshot::Sender<Result<u64, ApiError>>),
    /// End.
    Stop,
}

struct Task {
    core: Arc<Core>,
    desk: Desk,
    session: Session,
    /// The space's last number when the session was opened.
    open: Option<u64>,
    /// Why it is closed for good.
    shut: Option<String>,
    /// Something may wait in the outbox.
    wake: bool,
    watching: Watching,
    /// Something large came in, and its memory is not given back yet.
    large: bool,
    waiting: Vec<oneshot::Sender<Result<u64, ApiError>>>,
}

/// Keeps a space in sync until it is told to stop.
pub(super) async fn run(
    core: Arc<Core>,
    desk: Desk,
    session: Session,
    mut inbox: mpsc::UnboundedReceiver<Message>,
) {
    let mut task = Task {
        core,
        desk,
        session,
        open: None,
        shut: None,
        wake: false,
        watching: Watching::default(),
        large: false,
        waiting: Vec::new(),
    };
    let mut held: VecDeque<Message> = VecDeque::new();
    loop {
        while let Ok(message) = inbox.try_recv() {
            held.push_back(message);
        }
        if held.is_empty() && !(task.wake && task.open.is_some()) {
            if std::mem::take(&mut task.large) {
                memory::give_back(&task.core.store);
            }
            match inbox.recv().await {
                Some(message) => held.push_back(message),
                None => return,
            }
        }
        while let Some(message) = held.pop_front() {
            if matches!(message, Message::Stop) {
                return;
            }
            task.take(message).await;
        }
        if task.wake && task.open.is_some() {
            task.tell_one().await;
        }
    }
}

impl Task {
    fn space(&self) -> &str {
        self.session.space()
    }

    async fn take(&mut self, message: Message) {
        match message {
            Message::Opened(opened) => self.opened(*opened).await,
            Message::Synced(sync) => self.synced(*sync).await,
            Message::Down(words) => self.closed(&words, false),
            Message::Shut(words) => {
                let reason = words.clone();
                let stored = blocking(&self.core.store, self.space(), move |store, space| {
                    store.set_space_refused(space, Some(&reason))
                });
                if let Err(e) = stored.await {
                    tracing::warn!("a refused space could not be remembered: {e}");
                }
                self.closed(&words, true);
            }
            Message::Wake => self.wake = true,
            Message::Get { ids, reply } => {
                let got = self.get(ids).await;
                // Whoever asked may be gone.
                let _ = reply.send(got);
            }
            Message::Lease { piece, want, reply } => {
                let answer = self.lease(&piece, want).await;
                let _ = reply.send(answer);
            }
            Message::Await(reply) => match (self.open, &self.shut) {
                (Some(seq), _) => {
                    let _ = reply.send(Ok(seq));
                }
                (None, Some(words)) => {
                    let _ = reply.send(Err(ApiError::new(ErrorKind::Space, words.clone())));
                }
                (None, None) => self.waiting.push(reply),
            },
            Message::Stop => {}
        }
    }

    async fn opened(&mut self, opened: Opened) {
        let kept = resume::keep(&self.core.store, self.space(), opened.which.clone());
        if let Err(e) = kept.await {
            tracing::warn!("a session cannot be gone on with after a restart: {e}");
        }
        let first = self.open.is_none();
        self.open = Some(opened.server_seq);
        self.shut = None;
        self.wake = true;
        if let Some(sync) = opened.sync {
            self.take_in(news(sync)).await;
        }
        if !opened.resumed || opened.gap {
            self.watching.forget();
        }
        self.watch_on().await;
        let live = Live {
            open: true,
            trouble: None,
        };
        self.desk.set_live(self.session.space(), live);
        for reply in self.waiting.drain(..) {
            let _ = reply.send(Ok(opened.server_seq));
        }
        self.core.leases.opened(self.session.space());
        self.core.stars.opened();
        if first {
            self.core.tell(Event::Changed);
        }
    }

    fn closed(&mut self, words: &str, for_good: bool) {
        let was_open = self.open.take().is_some();
        let live = Live {
            open: false,
            trouble: Some(words.to_owned()),
        };
        self.desk.set_live(self.session.space(), live);
        if for_good {
            self.shut = Some(words.to_owned());
        }
        // A connection that is lost for now is made again: who waits goes on waiting,
        // as long as it likes.
        if for_good {
            for reply in self.waiting.drain(..) {
                let _ = reply.send(Err(ApiError::new(ErrorKind::Space, words)));
            }
        }
        if was_open || for_good {
            self.core.tell(Event::Changed);
        }
    }

    async fn synced(&mut self, sync: Sync) {
        let seen = sync.to_seq;
        self.take_in(news(sync)).await;
        // The next resume tells it anyway.
        let _ = self.session.ack(seen).await;
    }

    async fn take_in(&mut self, news: Vec<ReplicaDocument>) -> bool {
        let mut documents = news.iter().filter_map(|found| found.doc.as_ref());
        self.large = self.large || memory::is_large(&mut documents);
        let taken = blocking(&self.core.store, self.space(), move |store, space| {
            store.integrate(space, &news, SEEN)
        });
        match taken.await {
            Ok(changed) => {
                if !changed.is_empty() {
                    self.core.leases.news(self.space(), &changed);
                    self.core.stars.news(self.space());
                    self.core.tell(Event::Changed);
                }
                true
            }
            Err(e) => {
                tracing::error!("news of a space could not be stored: {e}");
                false
            }
        }
    }

    /// Watches what the replica holds and is not watched yet, one page after
    /// another: after the session began anew, after a connection was lost on the
    /// way, and what came in with our own changes.
    async fn watch_on(&mut self) {
        let store = Arc::clone(&self.core.store);
        loop {
            let page = self
                .watching
                .page(&store, self.session.space(), &self.session)
                .await;
            let taken = match page {
                Ok(None) => return,
                Ok(Some(page)) => self.take_page(page).await,
                Err(halt) => Err(of_halt(halt)),
            };
            if let Err(error) = taken {
                tracing::warn!("a space is not watched as a whole: {error}");
                return;
            }
        }
    }

    async fn take_page(&mut self, page: Page) -> Result<(), ApiError> {
        if !self.take_in(page.news).await {
            return Err(ApiError::new(
                ErrorKind::Local,
                "What the space holds could not be stored.",
            ));
        }
        let taken = self
            .watching
            .taken(&self.core.store, self.session.space(), page.reach);
        taken.await.map_err(|e| of_store(&e))
    }

    /// Reads documents and watches them from now on.
    async fn get(&mut self, ids: BTreeSet<String>) -> Result<(), ApiError> {
        if self.open.is_none() {
            let words = self
                .shut
                .clone()
                .unwrap_or_else(|| "The space is not connected at the moment.".to_owned());
            return Err(ApiError::new(ErrorKind::Offline, words));
        }
        let store = Arc::clone(&self.core.store);
        let ids: Vec<String> = ids.into_iter().collect();
        for page in ids.chunks(PAGE) {
            let space = self.session.space();
            let got = self
                .watching
                .get(&store, space, &self.session, page.to_vec());
            let page = got.await.map_err(of_halt)?;
            self.take_page(page).await?;
        }
        self.watch_on().await;
        Ok(())
    }

    /// Claims or gives back the lease of a piece, and watches it from then on.
    async fn lease(&mut self, piece: &DocRef, want: Want) -> Result<Answer, ApiError> {
        let id = lease_id(piece).id;
        let asked = vec![id.clone()];
        let unheard = blocking(&self.core.store, self.space(), move |store, space| {
            store.unheard_of(space, asked)
        });
        let unheard = unheard.await.map_err(|e| of_store(&e))?;
        if self.open.is_none() || !unheard.is_empty() {
            self.get(BTreeSet::from([id])).await?;
        }
        let core = &self.core;
        let clock = Arc::clone(&core.clock);
        let now = move || clock.now();
        let me = core.leases.me();
        let settled = settle(&core.store, &self.session, me, piece, want, now);
        settled.await.map_err(of_halt)
    }

    /// Tells the server the change whose turn it is.
    async fn tell_one(&mut self) {
        let clock = Arc::clone(&self.core.clock);
        let step = drain::step(&self.core.store, self.space(), &self.session, move || {
            clock.now()
        });
        match step.await {
            Ok(Step::Idle) => {
                self.wake = false;
                // Documents that our changes made are others' to change from now on.
                self.watch_on().await;
                self.core.tell(Event::Changed);
            }
            Ok(Step::Moved(run)) => self.tell_of(run).await,
            // The connection says when it is back; then this goes on.
            Err(Halt::Line(Trouble::NoAnswer(words))) => {
                tracing::info!("a change waits for the space: {words}");
                self.closed(&words, false);
            }
            Err(Halt::Line(Trouble::Shut(words) | Trouble::Refused(words))) => {
                self.closed(&words, true);
            }
            Err(Halt::Line(Trouble::Conflict)) => {}
            Err(Halt::Store(e)) => {
                self.wake = false;
                tracing::error!("the outbox could not be read or written: {}", of_store(&e));
            }
        }
    }

    /// How far the changes of a run got.
    async fn tell_of(&self, run: Option<String>) {
        let Some(run) = run else { return };
        let row = self.core.store(move |store| store.run_row(&run));
        match row.await {
            Ok(Some(row)) => self.core.tell(Event::RunSynced {
                run: views::run(&row),
            }),
            // Forgotten meanwhile.
            Ok(None) => {}
            Err(e) => tracing::debug!("a run cannot be told of: {e}"),
        }
    }
}

fn of_halt(halt: Halt) -> ApiError {
    match halt {
        Halt::Store(e) => of_store(&e),
        Halt::Line(Trouble::NoAnswer(words)) => ApiError::new(ErrorKind::Offline, words),
        Halt::Line(Trouble::Refused(words) | Trouble::Shut(words)) => {
            ApiError::new(ErrorKind::Space, words)
        }
        Halt::Line(Trouble::Conflict) => {
            ApiError::new(ErrorKind::Space, "The space changed meanwhile.")
        }
    }
}
