//! Which notices are news: never two for one cause, and "works again" only
//! after something did not.
//!
//! Pure. A cause stands from its first notice until the good one. While it
//! stands, a notice of another kind about the same cause is told only when it
//! asks the person for something else.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::NoticeView;

/// The causes that stand, each with the kind that was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    stands: BTreeMap<String, String>,
}

impl Told {
    /// Whether the person does not know this yet; remembers that they do now.
    pub(crate) fn is_news(&mut self, notice: &NoticeView) -> bool {
        if notice.good {
            return self.stands.remove(&notice.cause).is_some();
        }
        let told = self
            .stands
            .insert(notice.cause.clone(), notice.kind.clone());
        told.as_ref() != Some(&notice.kind)
    }

    /// Forgets causes that are over without anybody having said so, such as an
    /// account that was connected while no keeper ran.
    pub(crate) fn keep(&mut self, stands: impl Fn(&str, &str) -> bool) {
        self.stands.retain(|cause, kind| stands(cause, kind));
    }

    /// Whether trouble of this kind with this cause was told and stands.
    pub(crate) fn stands_as(&self, cause: &str, kind: &str) -> bool {
        self.stands.get(cause).is_some_and(|told| told == kind)
    }

    /// Whether trouble with this cause was told and stands.
    pub(crate) fn stands(&self, cause: &str) -> bool {
        self.stands.contains_key(cause)
    }

    /// For the store.
    pub(crate) fn to_json(&self) -> Value {
        let of = |(cause, kind): (&String, &String)| (cause.clone(), Value::from(kind.clone()));
        Value::Object(self.stands.iter().map(of).collect())
    }

    /// From the store; what cannot be read was not told.
    pub(crate) fn from_json(value: &Value) -> Self {
        let all = value.as_object().into_iter().flatten();
        let stands = all
            .filter_map(|(cause, kind)| Some((cause.clone(), kind.as_str()?.to_owned())))
            .collect();
        Self { stands }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(cause: &str, kind: &str) -> NoticeView {
        NoticeView {
            kind: kind.into(),
            message: "m".into(),
            cause: cause.into(),
            page: "/accounts".into(),
            good: kind == "working-again",
        }
    }

    #[test]
    fn one_cause_is_told_once_until_it_works_again() {
        let mut told = Told::default();
        let (bad, good) = (
            notice("account/a", "sign-in"),
            notice("account/a", "working-again"),
        );
        assert!(!told.is_news(&good), "nothing was wrong");
        assert!(told.is_news(&bad));
        for _ in 0..3 {
            assert!(!told.is_news(&bad));
        }
        assert!(told.is_news(&notice("account/b", "sign-in")));
        assert!(told.is_news(&good));
        assert!(!told.is_news(&good));
        assert!(told.is_news(&bad), "it broke again");
    }

    #[test]
    fn another_kind_of_trouble_with_the_same_cause_is_news() {
        let mut told = Told::default();
        assert!(told.is_news(&notice("account/a", "scope")));
        assert!(told.is_news(&notice("account/a", "sign-in")));
        assert!(told.is_news(&notice("account/a", "working-again")));
        assert!(!told.is_news(&notice("account/a", "working-again")));
    }

    #[test]
    fn it_is_remembered_and_what_is_over_is_dropped() {
        let mut told = Told::default();
        told.is_news(&notice("account/a", "sign-in"));
        told.is_news(&notice("charm/c", "charm"));
        let mut again = Told::from_json(&told.to_json());
        assert_eq!(again, told);
        again.keep(|cause, _| cause.starts_with("charm/"));
        assert!(again.stands("charm/c") && !again.stands("account/a"));
        assert!(!again.is_news(&notice("charm/c", "charm")));
        assert!(again.is_news(&notice("account/a", "sign-in")));
        assert_eq!(Told::from_json(&serde_json::json!(7)), Told::default());
    }
}
