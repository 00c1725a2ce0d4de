//! What cells hold.

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use serde_json::Value;

use crate::api::ApiError;
use crate::cells::Reader;
use crate::keeper::Keeper;
use crate::registry;

/// Names listed when a path leads nowhere.
const MAX_NAMES: usize = 30;

/// The value at `path` below a charm's outputs, links followed.
pub(crate) async fn cells(
    keeper: &Keeper,
    which: &str,
    path: Vec<String>,
) -> Result<Value, ApiError> {
    let charm = registry::find(&keeper.core, which).await?;
    let doc = DocRef {
        space: charm.space,
        id: charm.piece,
    };
    let (wanted, handle) = (path.join("/"), charm.handle);
    let found = keeper
        .core
        .store(move |store| {
            let mut reader = Reader::new(store);
            match reader.missing(&doc, &path)? {
                Some(there) => Ok(Err(there)),
                None => Ok(Ok(reader.show(&doc, &path)?)),
            }
        })
        .await?;
    found.map_err(|there| {
        let message = format!("There is nothing at \"{wanted}\" in the cells of {handle}.");
        ApiError::new(ErrorKind::Usage, message).with_hint(there.sentence(MAX_NAMES))
    })
}
