//! Links between cells, in the wire's form `{"/": {"link@1": {...}}}`.
//!
//! Owns reading and writing that form. Never follows a link: that needs
//! documents, which this crate does not hold.

use serde_json::{Map, Value, json};

use super::document::DocRef;

/// A reference to a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The document; absent means the document that contains the link.
    pub id: Option<String>,
    /// The space; absent means the space of the containing document.
    pub space: Option<String>,
    /// Keys below the document's `value`; array positions in decimal.
    pub path: Vec<String>,
    /// `space`, `user` or `session`; absent means `space`.
    pub scope: Option<String>,
    /// A JSON schema, or a `$ref` to a schema document.
    pub schema: Option<Value>,
    /// `redirect` when a write to this place goes to the target instead.
    pub overwrite: Option<String>,
}

impl Link {
    /// A link to the whole value of document `id` in the same space.
    #[must_use]
    pub fn to(id: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            ..Self::default()
        }
    }

    /// The same link with this path.
    #[must_use]
    pub fn at<S: Into<String>>(mut self, path: impl IntoIterator<Item = S>) -> Self {
        self.path = path.into_iter().map(Into::into).collect();
        self
    }

    /// The same link into `space`.
    #[must_use]
    pub fn within(mut self, space: impl Into<String>) -> Self {
        self.space = Some(space.into());
        self
    }

    /// The same link with `overwrite: "redirect"`: writes go to its target.
    #[must_use]
    pub fn redirect(mut self) -> Self {
        self.overwrite = Some("redirect".to_owned());
        self
    }

    /// True when a write to the place of this link goes to its target.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        self.overwrite.as_deref() == Some("redirect")
    }

    /// The document that the link means when it stands in document `home`.
    #[must_use]
    pub fn target(&self, home: &DocRef) -> DocRef {
        DocRef {
            space: self.space.clone().unwrap_or_else(|| home.space.clone()),
            id: self.id.clone().unwrap_or_else(|| home.id.clone()),
        }
    }

    /// The wire form. Absent members are left out; `path` is always there.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut body = Map::new();
        let mut put = |name: &str, text: &Option<String>| {
            if let Some(text) = text {
                body.insert(name.to_owned(), json!(text));
            }
        };
        put("id", &self.id);
        put("space", &self.space);
        put("scope", &self.scope);
        put("overwrite", &self.overwrite);
        body.insert("path".to_owned(), json!(self.path));
        if let Some(schema) = &self.schema {
            body.insert("schema".to_owned(), schema.clone());
        }
        json!({ "/": { "link@1": body } })
    }

    /// Reads the wire form; `None` when `value` is not a link. Members of an
    /// unexpected type count as absent. Array positions in a path may be numbers.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        let body = body(value)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let path = body
            .get("path")
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |steps| {
                steps
                    .iter()
                    .map(|step| {
                        step.as_str()
                            .map_or_else(|| step.to_string(), str::to_owned)
                    })
                    .collect()
            });
        Some(Self {
            id: text("id"),
            space: text("space"),
            path,
            scope: text("scope"),
            schema: body.get("schema").cloned(),
            overwrite: text("overwrite"),
        })
    }
}

/// True for a link and for what a space writes in a form of its own, such as
/// `{"/Bytes@1": "..."}`: an object that is one value, so that nothing leads
/// inside.
#[must_use]
pub fn is_leaf(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|members| members.len() == 1 && members.keys().all(|key| key.starts_with('/')))
}

/// True when `value` is a link in the wire's form.
#[must_use]
pub fn is_link(value: &Value) -> bool {
    body(value).is_some()
}

/// The documents that links anywhere in `value` lead to, which stands in document
/// `home`; one for each link. Uses no recursion.
#[must_use]
pub fn targets(value: &Value, home: &DocRef) -> Vec<DocRef> {
    let mut found = Vec::new();
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        if let Some(link) = Link::from_value(value) {
            found.push(link.target(home));
            continue;
        }
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => rest.extend(members.values()),
            _ => {}
        }
    }
    found
}

fn body(value: &Value) -> Option<&Map<String, Value>> {
    let outer = value.as_object().filter(|members| members.len() == 1)?;
    let inner = outer
        .get("/")?
        .as_object()
        .filter(|members| members.len() == 1)?;
    inner.get("link@1")?.as_object()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_all_that_links_lead_to_and_nothing_inside_a_link_counts() {
        let home = DocRef {
            space: "did:key:home".to_owned(),
            id: "of:home".to_owned(),
        };
        let schema = json!({ "default": Link::to("of:inside").to_value() });
        let deep = Link {
            schema: Some(schema),
            ..Link::to("of:b").within("did:key:far")
        };
        let value = json!({
            "list": [1, { "a": Link::to("of:a").to_value() }, "of:text"],
            "far": deep.to_value(),
            "own": Link::default().at(["x"]).to_value(),
        });
        let mut found: Vec<String> = targets(&value, &home)
            .into_iter()
            .map(|doc| format!("{} {}", doc.space, doc.id))
            .collect();
        found.sort();
        let wanted = [
            "did:key:far of:b",
            "did:key:home of:a",
            "did:key:home of:home",
        ];
        assert_eq!(found, wanted);
        assert_eq!(targets(&json!("of:a"), &home), []);
    }

    #[test]
    fn a_link_survives_the_wire() {
        let link = Link {
            schema: Some(json!({ "$ref": "cid:fid1:x#/$defs/A" })),
            scope: Some("space".into()),
            ..Link::to("of:fid1:abc")
                .at(["items", "0"])
                .within("did:key:z6Mk")
                .redirect()
        };
        let wire = link.to_value();
        assert_eq!(
            wire,
            json!({ "/": { "link@1": {
                "id": "of:fid1:abc", "space": "did:key:z6Mk", "scope": "space",
                "overwrite": "redirect", "path": ["items", "0"],
                "schema": { "$ref": "cid:fid1:x#/$defs/A" },
            } } })
        );
        assert_eq!(Link::from_value(&wire), Some(link.clone()));
        assert!(link.is_redirect() && is_link(&wire));
        assert_eq!(
            Link::to("of:x").to_value(),
            json!({"/":{"link@1":{"id":"of:x","path":[]}}})
        );
    }

    #[test]
    fn what_only_looks_like_a_link_is_data() {
        for value in [
            json!({ "/": "fid1:abc" }),
            json!({ "/": { "link@1": "of:x" } }),
            json!({ "/": { "link@1": {} }, "more": 1 }),
            json!({ "/": { "link@1": {}, "link@2": {} } }),
            json!([{ "/": { "link@1": {} } }]),
            json!(null),
        ] {
            assert_eq!(Link::from_value(&value), None, "{value}");
        }
    }

    #[test]
    fn absent_members_mean_the_place_of_the_link() {
        let home = DocRef {
            space: "did:key:a".into(),
            id: "of:home".into(),
        };
        let here = Link::from_value(&json!({"/":{"link@1":{"path":["list",2]}}})).unwrap();
        assert_eq!(here.target(&home), home);
        assert_eq!(here.path, ["list", "2"]);
        let away = Link::to("of:other").within("did:key:b");
        assert_eq!(
            away.target(&home),
            DocRef {
                space: "did:key:b".into(),
                id: "of:other".into()
            }
        );
    }
}
