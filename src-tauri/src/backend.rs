//! Who answers requests: the keeper of this process, or one that already serves
//! this home.
//!
//! Owns the choice and its changes. The home's lock decides: whoever holds it
//! is the keeper. When the other one ends, this process takes its place.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use charmkeeper_base::ErrorKind;
use charmkeeper_keeper::Keeper;
use charmkeeper_keeper::api::{ApiError, Event, Request};
use charmkeeper_keeper::control::Service;
use charmkeeper_keeper::home::HomeError;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};

use crate::remote::Remote;
use crate::setup::Plan;

/// Events that a slow listener may fall behind by.
const EVENT_BUFFER: usize = 256;
/// How long a request waits for a keeper that is just starting.
const START_PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait before looking again at a lock that a short command holds.
const LOCK_PACE: Duration = Duration::from_millis(150);

/// Who answers now.
#[derive(Clone)]
pub enum Side {
    /// Nobody yet.
    Starting,
    /// The keeper of this process, or another one's.
    Ready(Arc<dyn Service>),
    /// There is no keeper, and this is why.
    Failed(ApiError),
}

impl std::fmt::Debug for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Starting => "Starting",
            Self::Ready(_) => "Ready",
            Self::Failed(_) => "Failed",
        })
    }
}

/// See the module.
#[derive(Debug)]
pub struct Backend {
    side: watch::Sender<Side>,
    events: broadcast::Sender<Event>,
    own: watch::Sender<Option<Arc<Keeper>>>,
}

impl Default for Backend {
    fn default() -> Self {
        Self::new(Side::Starting)
    }
}

impl Backend {
    /// A backend with this side.
    #[must_use]
    pub fn new(side: Side) -> Self {
        Self {
            side: watch::Sender::new(side),
            events: broadcast::Sender::new(EVENT_BUFFER),
            own: watch::Sender::new(None),
        }
    }

    /// Everything that happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Who answers, and when that changes.
    #[must_use]
    pub fn side(&self) -> watch::Receiver<Side> {
        self.side.subscribe()
    }

    /// Does what is asked; events of this request go to `events`.
    ///
    /// # Errors
    /// The keeper's, or why there is none.
    pub async fn call(
        &self,
        request: Request,
        events: mpsc::Sender<Event>,
    ) -> Result<Value, ApiError> {
        let service = self.service().await?;
        service.call(request, events).await
    }

    /// A request whose own events nobody listens to, and its typed answer.
    ///
    /// # Errors
    /// As [`call`](Self::call), and when the answer has another shape.
    pub async fn ask<T: DeserializeOwned>(&self, request: Request) -> Result<T, ApiError> {
        let (events, mut unheard) = mpsc::channel(16);
        let drained = async move { while unheard.recv().await.is_some() {} };
        let (answer, ()) = tokio::join!(self.call(request, events), drained);
        serde_json::from_value(answer?).map_err(|e| {
            ApiError::new(
                ErrorKind::Local,
                format!("The keeper's answer is not understood: {e}."),
            )
        })
    }

    async fn service(&self) -> Result<Arc<dyn Service>, ApiError> {
        let mut side = self.side.subscribe();
        let known = side.wait_for(|side| !matches!(side, Side::Starting));
        match tokio::time::timeout(START_PATIENCE, known).await {
            Ok(Ok(side)) => match &*side {
                Side::Ready(service) => Ok(Arc::clone(service)),
                Side::Failed(error) => Err(error.clone()),
                Side::Starting => Err(starting()),
            },
            _ => Err(starting()),
        }
    }

    /// Finds or becomes the keeper, and goes on doing so until
    /// [`shutdown`](Self::shutdown) or a failure that waiting does not mend.
    pub async fn keep(&self, plan: &Plan) {
        loop {
            let own = match self.find(plan).await {
                Ok(Found::Own(keeper)) => {
                    self.own.send_replace(Some(Arc::clone(&keeper)));
                    self.serve(Arc::new(Own(keeper))).await;
                    true
                }
                Ok(Found::Other(remote)) => {
                    self.serve(Arc::new(remote)).await;
                    false
                }
                Err(error) => {
                    tracing::error!("{error}");
                    self.side.send_replace(Side::Failed(error));
                    return;
                }
            };
            if own {
                return;
            }
            tracing::info!("the other keeper ended; this one takes its place");
            self.side.send_replace(Side::Starting);
        }
    }

    /// Answers with `service` until its events end.
    async fn serve(&self, service: Arc<dyn Service>) {
        self.side.send_replace(Side::Ready(Arc::clone(&service)));
        let (sender, mut happening) = mpsc::channel(EVENT_BUFFER);
        let watching = service.call(Request::Watch, sender);
        let passing = async {
            while let Some(event) = happening.recv().await {
                // Nobody listening is fine.
                let _ = self.events.send(event);
            }
        };
        let (ended, ()) = tokio::join!(watching, passing);
        if let Err(e) = ended {
            tracing::debug!("the keeper's events ended: {e}");
        }
    }

    async fn find(&self, plan: &Plan) -> Result<Found, ApiError> {
        loop {
            match plan.home.lock() {
                Ok(lock) => {
                    let opened = Keeper::open(plan.keeper(lock));
                    return Box::pin(opened).await.map(Found::Own);
                }
                Err(HomeError::Taken { .. }) => match plan.home.presence() {
                    Some(other) if other.serving => {
                        return Ok(Found::Other(Remote::new(other.socket)));
                    }
                    // A command that does one thing: it will be gone in a moment.
                    _ => tokio::time::sleep(LOCK_PACE).await,
                },
                Err(e) => return Err(ApiError::of(&e)),
            }
        }
    }

    /// Lets runs that are going on end (five seconds) when the keeper is ours.
    pub async fn shutdown(&self) {
        let own = self.own.send_replace(None);
        if let Some(keeper) = own {
            keeper.shutdown().await;
        }
    }
}

enum Found {
    Own(Arc<Keeper>),
    Other(Remote),
}

/// The keeper of this process.
struct Own(Arc<Keeper>);

#[async_trait]
impl Service for Own {
    async fn call(&self, request: Request, events: mpsc::Sender<Event>) -> Result<Value, ApiError> {
        self.0.call(request, events).await
    }
}

fn starting() -> ApiError {
    ApiError::new(ErrorKind::Local, "Charmkeeper is still starting.")
        .with_hint("Try again in a moment.")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    #[async_trait]
    impl Service for Fixed {
        async fn call(
            &self,
            request: Request,
            events: mpsc::Sender<Event>,
        ) -> Result<Value, ApiError> {
            if matches!(request, Request::Watch) {
                let _ = events.send(Event::Changed).await;
                return Ok(Value::Null);
            }
            Ok(Value::from(7))
        }
    }

    #[tokio::test]
    async fn a_request_waits_for_the_keeper_that_is_starting() {
        let backend = Arc::new(Backend::default());
        let asking = tokio::spawn({
            let backend = Arc::clone(&backend);
            async move { backend.ask::<u32>(Request::Status).await }
        });
        tokio::task::yield_now().await;
        backend.side.send_replace(Side::Ready(Arc::new(Fixed)));
        assert_eq!(asking.await.unwrap().unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_keeper_that_never_comes_is_an_error_with_a_hint() {
        let error = Backend::default()
            .ask::<u32>(Request::Status)
            .await
            .unwrap_err();
        assert!(error.hint.is_some(), "{error}");
    }

    #[tokio::test]
    async fn why_there_is_no_keeper_is_the_answer_to_everything() {
        let why = ApiError::new(ErrorKind::Local, "The disk is full.");
        let backend = Backend::new(Side::Failed(why));
        let error = backend.ask::<u32>(Request::Status).await.unwrap_err();
        assert_eq!(error.message, "The disk is full.");
    }

    #[tokio::test]
    async fn the_keepers_events_reach_every_listener() {
        let backend = Backend::default();
        let (mut one, mut two) = (backend.events(), backend.events());
        backend.serve(Arc::new(Fixed)).await;
        assert!(matches!(one.recv().await, Ok(Event::Changed)));
        assert!(matches!(two.recv().await, Ok(Event::Changed)));
    }
}
