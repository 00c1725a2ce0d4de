//! Who may do what in a space.
//!
//! The list is the document `of:<space>`. Owns its rules (mode `enforce`). Never
//! reads the database itself.

use charmkeeper_space::messages::{Commit, Operation, WireError, error_name};
use serde_json::{Map, Value};

use crate::store::Head;

/// What a key may do, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Read,
    Write,
    Owner,
}

impl Right {
    fn parse(word: &Value) -> Option<Self> {
        match word.as_str()? {
            "READ" => Some(Self::Read),
            "WRITE" => Some(Self::Write),
            "OWNER" => Some(Self::Owner),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Owner => "OWNER",
        }
    }
}

/// The document of a space's list.
pub(crate) fn list_id(space: &str) -> String {
    format!("of:{space}")
}

/// The access list of a space, at one moment.
pub(crate) struct Access<'s> {
    space: &'s str,
    services: &'s [String],
    list: List,
    fresh: bool,
}

enum List {
    Missing,
    Invalid,
    Valid(Map<String, Value>),
}

fn valid(acl: &Value) -> Option<&Map<String, Value>> {
    let acl = acl.as_object()?;
    let named = |key: &str| key == "*" || (key.starts_with("did:") && key.len() >= 7);
    let right = |word| Right::parse(word).is_some();
    let well_formed = acl.iter().all(|(key, word)| named(key) && right(word));
    let owned = acl
        .iter()
        .any(|(key, word)| key != "*" && Right::parse(word) == Some(Right::Owner));
    (well_formed && owned).then_some(acl)
}

impl<'s> Access<'s> {
    /// The access that the list's document `head` gives in a space whose last
    /// number is `seq`.
    pub(crate) fn new(space: &'s str, services: &'s [String], head: &Head, seq: u64) -> Self {
        let list = match (&head.document, head.seq) {
            (None, 0) => List::Missing,
            // A list that was deleted opens nothing.
            (None, _) => List::Invalid,
            (Some(doc), _) => match doc.get("value").and_then(valid) {
                Some(acl) => List::Valid(acl.clone()),
                None => List::Invalid,
            },
        };
        let fresh = seq == 0;
        Self {
            space,
            services,
            list,
            fresh,
        }
    }

    fn owns(&self, principal: &str) -> bool {
        principal == self.space || self.services.iter().any(|service| service == principal)
    }

    fn right(&self, principal: &str) -> Option<Right> {
        if self.owns(principal) {
            return Some(Right::Owner);
        }
        match &self.list {
            List::Valid(acl) => acl
                .get(principal)
                .or_else(|| acl.get("*"))
                .and_then(Right::parse),
            List::Missing => Some(if self.fresh {
                Right::Read
            } else {
                Right::Write
            }),
            List::Invalid => None,
        }
    }

    /// Fails when `principal` has less than `need`.
    pub(crate) fn require(&self, principal: &str, need: Right) -> Result<(), WireError> {
        if self.right(principal).is_some_and(|right| right >= need) {
            return Ok(());
        }
        let space = self.space;
        let words = match &self.list {
            List::Invalid => {
                format!("Space {space} has a malformed, ownerless, or retracted ACL")
            }
            _ => format!(
                "Principal {principal} lacks {} on space {space}",
                need.name()
            ),
        };
        Err(WireError::new(error_name::AUTHORIZATION, words))
    }

    /// Fails when `principal` may not make the commit.
    pub(crate) fn check(&self, principal: &str, commit: &Commit) -> Result<(), WireError> {
        let touched = self.shape(principal, commit)?;
        self.require(principal, if touched { Right::Owner } else { Right::Write })
    }

    /// The rules on the list itself; true when the commit changes it.
    fn shape(&self, principal: &str, commit: &Commit) -> Result<bool, WireError> {
        let space = self.space;
        let id = list_id(space);
        let missing = matches!(self.list, List::Missing);
        let protocol = |words: &str| Err(WireError::new(error_name::PROTOCOL, words));
        if !commit
            .operations
            .iter()
            .any(|operation| operation.id() == id)
        {
            if missing && self.fresh {
                let words =
                    format!("Space {space} requires an ACL genesis commit before ordinary writes");
                return Err(WireError::new(error_name::AUTHORIZATION, words));
            }
            return Ok(false);
        }
        let [operation] = commit.operations.as_slice() else {
            return protocol("ACL mutations must be an ACL-only commit");
        };
        let document = match operation {
            Operation::Set {
                document,
                scope: None,
                ..
            } => document,
            Operation::Set {
                document,
                scope: Some(scope),
                ..
            } if scope == "space" => document,
            _ => return protocol("ACL mutations must replace the space-scoped ACL document"),
        };
        if document.get("value").and_then(valid).is_none() {
            return protocol("ACL must be valid and retain at least one concrete OWNER");
        }
        if missing && !self.owns(principal) {
            let words = format!("Only the space identity or a service DID may initialize {space}");
            return Err(WireError::new(error_name::AUTHORIZATION, words));
        }
        Ok(true)
    }
}
