//! The wishes that name a place instead of a tag: `#favorites`, `#profile`, `/a/b`.
//!
//! Pure. In the reference system they are paths below the root of the asker's space
//! or of the person's home space. A charm of a remote space gets those paths. A space
//! of this computer has no root: there the lists are those of the charms on this
//! computer, the lists that charms add to are the asker's own (nothing found, and no
//! error), and of the rest nothing is found, with a reason.

use charmkeeper_charms::runner::{Candidate, WishAnswer, WishQuery};
use charmkeeper_space::pieces::home_cell;
use charmkeeper_store::Charm;

/// Where a well-known wish leads.
enum Leads {
    /// Below the root of the space.
    Space(&'static [&'static str]),
    /// Below the root of the home space.
    Home(&'static [&'static str]),
}

/// What a well-known wish finds in a local space.
enum Here {
    /// The other charms.
    Charms,
    /// A list of the asker's own, which its worker keeps.
    Own,
    /// Nothing, with the reason.
    Nothing(&'static str),
}

const NO_PROFILE: Here = Here::Nothing("No profile exists yet");
const NO_ROOT: Here = Here::Nothing("A space of this computer has no default pattern");

/// What is known of a key; `None` for tags.
fn known(key: &str) -> Option<(Leads, Here)> {
    use Here::{Charms, Own};
    use Leads::{Home, Space};
    Some(match key {
        "/" => (Space(&[]), NO_ROOT),
        "#default" => (Space(&["defaultPattern"]), NO_ROOT),
        "#mentionable" => (
            Space(&["defaultPattern", "backlinksIndex", "mentionable"]),
            Charms,
        ),
        "#allpieces" | "#allcharms" => (Space(&["defaultPattern", "allPieces"]), Charms),
        "#pieceregistry" => (Space(&["defaultPattern", "pieceRegistry"]), Own),
        "#recent" => (Space(&["defaultPattern", "recentPieces"]), Own),
        "#summaryindex" => (Space(&["defaultPattern", "summaryIndex"]), NO_ROOT),
        "#knowledgegraph" => (Space(&["defaultPattern", "knowledgeGraph"]), NO_ROOT),
        "#suggestions" => (Space(&["defaultPattern", "suggestionHistory"]), NO_ROOT),
        "#favorites" => (Home(&["defaultPattern", "favorites"]), Charms),
        "#journal" => (Home(&["defaultPattern", "journal"]), NO_ROOT),
        "#learned" => (Home(&["defaultPattern", "learned"]), NO_ROOT),
        "#learnedsummary" => (Home(&["defaultPattern", "learned", "summary"]), NO_ROOT),
        "#profile" => (Home(&["defaultPattern", "defaultProfile"]), NO_PROFILE),
        "#profilename" => (
            Home(&["defaultPattern", "defaultProfile", "initialNameApplied"]),
            NO_PROFILE,
        ),
        "#profileavatar" => (
            Home(&["defaultPattern", "defaultProfile", "avatar"]),
            NO_PROFILE,
        ),
        "#profilebio" => (
            Home(&["defaultPattern", "defaultProfile", "bio"]),
            NO_PROFILE,
        ),
        "#profilespace" => (Home(&[]), NO_PROFILE),
        _ => return None,
    })
}

/// The answer to a wish that names a place; `None` when it names a tag. `home` is
/// the person's home space, `remote` says which spaces are not of this computer.
pub(crate) fn answer(
    query: &WishQuery,
    asker: &Charm,
    charms: &[Charm],
    home: Option<&str>,
    remote: &dyn Fn(&str) -> bool,
) -> Option<WishAnswer> {
    let key = query.query.trim().to_lowercase();
    let (leads, here) = known(&key)?;
    let (spaces, path) = match leads {
        Leads::Home(path) => (home.into_iter().collect(), path),
        Leads::Space(path) => (spaces(query, asker, home), path),
    };
    let of_root = |space: &str| Candidate {
        space: space.to_owned(),
        id: home_cell(space).id,
        path: path.iter().map(|step| (*step).to_owned()).collect(),
        name: None,
        tags: Vec::new(),
    };
    // A charm of this computer is asked for what is on this computer.
    if remote(&asker.space) {
        let roots: Vec<Candidate> = spaces
            .into_iter()
            .filter(|s| remote(s))
            .map(of_root)
            .collect();
        let error = roots
            .is_empty()
            .then(|| format!("No space to look in for \"{}\"", query.query));
        return Some(WishAnswer {
            candidates: roots,
            error,
        });
    }
    Some(match here {
        Here::Own => WishAnswer::default(),
        Here::Nothing(why) => WishAnswer {
            candidates: Vec::new(),
            error: Some(why.to_owned()),
        },
        Here::Charms => WishAnswer {
            candidates: others(asker, charms),
            error: None,
        },
    })
}

/// Where a wish for a place of a space looks: in the asker's, unless it says.
fn spaces<'a>(query: &'a WishQuery, asker: &'a Charm, home: Option<&'a str>) -> Vec<&'a str> {
    let Some(scope) = query.scope.as_deref().filter(|s| !s.is_empty()) else {
        return vec![&asker.space];
    };
    scope
        .iter()
        .filter_map(|place| match place.as_str() {
            "." => Some(asker.space.as_str()),
            "~" => home,
            did if did.starts_with("did:") => Some(did),
            _ => None,
        })
        .collect()
}

fn others(asker: &Charm, charms: &[Charm]) -> Vec<Candidate> {
    let other = |charm: &&Charm| charm.id != asker.id;
    charms
        .iter()
        .filter(other)
        .map(|charm| Candidate {
            space: charm.space.clone(),
            id: charm.piece.clone(),
            path: Vec::new(),
            name: Some(charm.name.clone()),
            tags: charm.tags.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wish::tests::charm;

    const HOME: &str = "did:key:home";

    fn ask(query: &str, space: &str, scope: Option<&[&str]>) -> Option<WishAnswer> {
        let mut asker = charm("asker", "", "x", None);
        asker.space = space.to_owned();
        let charms = [charm("one", "notes", "x", None), asker.clone()];
        let query = WishQuery {
            query: query.to_owned(),
            scope: scope.map(|s| s.iter().map(|p| (*p).to_owned()).collect()),
            path: None,
        };
        answer(&query, &asker, &charms, Some(HOME), &|s| s != "did:key:z")
    }

    #[test]
    fn a_tag_is_no_place() {
        assert_eq!(ask("#googleAuth", "did:key:z", None), None);
    }

    #[test]
    fn on_this_computer_lists_are_of_its_charms_and_the_rest_has_a_reason() {
        for list in ["#favorites", "#mentionable", "#allCharms"] {
            let found = ask(list, "did:key:z", None).unwrap().candidates;
            let ids: Vec<_> = found.iter().map(|c| c.id.as_str()).collect();
            assert_eq!(ids, ["of:one"], "{list}");
            assert!(found[0].path.is_empty());
        }
        assert_eq!(
            ask("#pieceRegistry", "did:key:z", None),
            Some(WishAnswer::default())
        );
        for nothing in ["#profile", "#profileName", "/", "#default", "#journal"] {
            let answer = ask(nothing, "did:key:z", None).unwrap();
            assert!(
                answer.candidates.is_empty() && answer.error.is_some(),
                "{nothing}"
            );
        }
    }

    #[test]
    fn in_a_remote_space_they_are_paths_below_its_root() {
        let found = |query: &str, scope: Option<&[&str]>| {
            let answer = ask(query, "did:key:far", scope).unwrap();
            let places = answer.candidates.into_iter();
            places
                .map(|c| {
                    (
                        c.space.clone(),
                        c.id == home_cell(&c.space).id,
                        c.path.join("/"),
                    )
                })
                .collect::<Vec<_>>()
        };
        let at = |space: &str, path: &str| (space.to_owned(), true, path.to_owned());
        assert_eq!(found("/", None), [at("did:key:far", "")]);
        assert_eq!(
            found("#pieceRegistry", None),
            [at("did:key:far", "defaultPattern/pieceRegistry")]
        );
        assert_eq!(
            found("#default", Some(&[".", "~"])),
            [
                at("did:key:far", "defaultPattern"),
                at(HOME, "defaultPattern")
            ]
        );
        assert_eq!(
            found("#favorites", None),
            [at(HOME, "defaultPattern/favorites")]
        );
        assert!(found("#default", Some(&["did:key:z"])).is_empty());
    }
}
