//! What a handler's event has to be, from its type: the part of a JSON schema that
//! the runtime holds each event against.
//!
//! Only what is plain: members that must be there, and whether a value is text, a
//! number, a boolean, a list or an object. Whatever cannot be told is not checked.

use serde_json::{Map, Value, json};

use super::kinds::Kind;
use super::model::{Keyword, Type};
use super::resolve::{Head, Solver};

/// How deep members are looked at.
const MAX_DEPTH: usize = 3;

impl Solver<'_> {
    /// The schema for an event of this type; `None` when there is nothing to check.
    pub(in crate::compile) fn fit(&self, ty: &Type) -> Option<Value> {
        if self.may_be_missing(ty) {
            return None;
        }
        self.shape(ty, 0)
    }

    /// True when a value of this type may be left out.
    fn may_be_missing(&self, ty: &Type) -> bool {
        self.alternatives(ty)
            .iter()
            .any(|part| match self.head(part) {
                Head::Keyword(Keyword::Undefined | Keyword::Anything) | Head::Unresolved => true,
                Head::Framework(name, _) => name == "Default" || name == "DeepDefault",
                _ => false,
            })
    }

    fn shape(&self, ty: &Type, depth: usize) -> Option<Value> {
        let parts = self.alternatives(ty);
        let mut types: Vec<&str> = Vec::new();
        let mut members = None;
        for part in &parts {
            let (name, inner) = self.part(part, depth)?;
            if name == "object" && types.contains(&name) {
                // One of several: which one is not told apart.
                members = None;
            } else if let Some(inner) = inner {
                members = Some(inner);
            }
            if !types.contains(&name) {
                types.push(name);
            }
        }
        let mut schema = match types.as_slice() {
            [] => return None,
            [one] => json!({ "type": one }),
            several => json!({ "type": several }),
        };
        if let (Some(object), Some(members)) = (schema.as_object_mut(), members) {
            object.extend(members);
        }
        Some(schema)
    }

    /// The name of a part's JSON type and, for an object, what is asked of its
    /// members.
    fn part(&self, ty: &Type, depth: usize) -> Option<(&'static str, Option<Map<String, Value>>)> {
        let name = match self.head(ty) {
            Head::Keyword(Keyword::String) | Head::Literal(Value::String(_)) => "string",
            Head::Keyword(Keyword::Number) | Head::Literal(Value::Number(_)) => "number",
            Head::Keyword(Keyword::Boolean) | Head::Literal(Value::Bool(_)) => "boolean",
            Head::Keyword(Keyword::Null) => "null",
            // Left out by whoever may leave it out.
            Head::Keyword(Keyword::Undefined) => "undefined",
            Head::Array(_) | Head::Tuple(_) => "array",
            Head::Global(name, _) if name == "Array" || name == "ReadonlyArray" => "array",
            Head::Object(_) | Head::Interface { .. } if self.kind(ty) == Some(Kind::Plain) => {
                return Some(("object", self.members(ty, depth)));
            }
            _ => return None,
        };
        Some((name, None))
    }

    fn members(&self, ty: &Type, depth: usize) -> Option<Map<String, Value>> {
        let all = self.properties(ty).filter(|_| depth < MAX_DEPTH)?;
        let mut required: Vec<Value> = Vec::new();
        let mut properties = Map::new();
        for member in &all.list {
            if !member.optional && !self.may_be_missing(&member.ty) {
                required.push(member.name.clone().into());
            }
            if let Some(schema) = self.shape(&member.ty, depth + 1) {
                properties.insert(member.name.clone(), schema);
            }
        }
        let mut found = Map::new();
        found.insert("required".to_owned(), required.into());
        found.insert("properties".to_owned(), properties.into());
        Some(found)
    }
}
