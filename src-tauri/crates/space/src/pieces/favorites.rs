//! The list of favorites in a home space, and the list of pieces of any space.

use charmkeeper_base::cell::DocRef;
use charmkeeper_base::cell::id::by_cause;
use charmkeeper_base::cell::link::Link;
use serde_json::{Value, json};

use super::walk::{Found, Shelf, Walk, Walker, target};

/// One entry of the list of favorites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Favorite {
    /// The piece's result document.
    pub piece: DocRef,
    /// Tags that were found when it was starred, and those of the person.
    pub tags: Vec<String>,
    /// Name of the piece's space, where the entry has one.
    pub space_name: Option<String>,
}

/// The cell that a space's root hangs from: of a home space, whose DID is the
/// person's own, as of any other.
#[must_use]
pub fn home_cell(space: &str) -> DocRef {
    DocRef {
        space: space.to_owned(),
        id: by_cause(&json!(space)).0,
    }
}

/// What the person starred. An empty list and a space without a root are the
/// same; entries that lead nowhere are left out.
#[must_use]
pub fn favorites(shelf: &Shelf, home: &str) -> Walk<Vec<Favorite>> {
    match read(shelf, home) {
        Walk::Done((favorites, _)) => Walk::Done(favorites),
        Walk::Needs(needs) => Walk::Needs(needs),
    }
}

/// The same for who draws conclusions from what is *not* named: nothing when there
/// is no list, or an entry of it that says in no way we know what was starred.
#[must_use]
pub fn starred(shelf: &Shelf, home: &str) -> Walk<Option<Vec<Favorite>>> {
    match read(shelf, home) {
        Walk::Done((favorites, whole)) => Walk::Done(whole.then_some(favorites)),
        Walk::Needs(needs) => Walk::Needs(needs),
    }
}

/// The favorites, and whether every entry could be understood.
fn read(shelf: &Shelf, home: &str) -> Walk<(Vec<Favorite>, bool)> {
    let mut walker = Walker::new(shelf);
    let mut all = Vec::new();
    let mut whole = false;
    let list = walker.follow(&home_cell(home), &["defaultPattern", "favorites"]);
    if let Found::Value(place, Value::Array(entries)) = list {
        whole = true;
        for entry in entries {
            if let Found::Value(at, entry) = walker.resolve(entry, &place.doc) {
                whole &= entry.get("cell").and_then(Link::from_value).is_some();
                all.extend(favorite(&mut walker, entry, &at.doc));
            }
        }
    }
    let mut unique: Vec<Favorite> = Vec::with_capacity(all.len());
    for favorite in all {
        if !unique.iter().any(|known| known.piece == favorite.piece) {
            unique.push(favorite);
        }
    }
    walker.end((unique, whole))
}

/// Where the list of favorites stands; nothing when the home space has no root or
/// its root keeps no list.
#[must_use]
pub fn favorites_list(shelf: &Shelf, home: &str) -> Walk<Option<super::Place>> {
    let mut walker = Walker::new(shelf);
    let list = walker.follow(&home_cell(home), &["defaultPattern", "favorites"]);
    let place = match list {
        Found::Value(place, Value::Array(_)) => Some(place),
        _ => None,
    };
    walker.end(place)
}

fn favorite(walker: &mut Walker<'_>, entry: &Value, home: &DocRef) -> Option<Favorite> {
    let link = Link::from_value(entry.get("cell")?)?;
    let at = target(&link, home);
    // A star on a part of a piece is not a piece.
    if !at.path.is_empty() {
        return None;
    }
    let mut tags = Vec::new();
    for key in ["userTags", "tags", "tag"] {
        let words = match entry.get(key) {
            Some(Value::Array(words)) => words.clone(),
            Some(word @ Value::String(_)) => vec![word.clone()],
            _ => continue,
        };
        for word in words.iter().filter_map(Value::as_str) {
            let word = word.trim_start_matches('#').to_owned();
            if !word.is_empty() && !tags.contains(&word) {
                tags.push(word);
            }
        }
    }
    // The walk needs the piece itself next; asking now saves a round.
    walker.document(&at.doc);
    let space_name = entry.get("spaceName").and_then(Value::as_str);
    Some(Favorite {
        piece: at.doc,
        tags,
        space_name: space_name.map(str::to_owned),
    })
}

/// The list of pieces of a space: where it stands, and the pieces in it. Nothing
/// when the space has no root or its root keeps no list.
#[must_use]
pub fn space_pieces(shelf: &Shelf, space: &str) -> Walk<Option<(super::Place, Vec<DocRef>)>> {
    let mut walker = Walker::new(shelf);
    // Older roots call it `allPieces`.
    let mut found = None;
    for key in ["pieceRegistry", "allPieces"] {
        match walker.follow(&home_cell(space), &["defaultPattern", key]) {
            Found::Value(place, Value::Array(items)) => {
                let links = items.iter().filter_map(Link::from_value);
                let pieces = links.map(|link| target(&link, &place.doc).doc).collect();
                found = Some((place, pieces));
                break;
            }
            Found::Unknown => break,
            _ => {}
        }
    }
    walker.end(found)
}
