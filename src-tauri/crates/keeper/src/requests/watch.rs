//! Events for whoever wants to see everything.

use serde_json::Value;
use tokio::sync::{broadcast, mpsc};

use crate::api::{ApiError, Event};
use crate::keeper::{Keeper, stopping};

pub(crate) async fn watch(
    keeper: &Keeper,
    events: &mpsc::Sender<Event>,
) -> Result<Value, ApiError> {
    let mut happening = keeper.events();
    loop {
        let event = match happening.recv().await {
            Ok(event) => event,
            // Whoever fell behind reads everything anew.
            Err(broadcast::error::RecvError::Lagged(_)) => Event::Changed,
            Err(broadcast::error::RecvError::Closed) => return Err(stopping()),
        };
        if events.send(event).await.is_err() {
            return Ok(Value::Null);
        }
    }
}
