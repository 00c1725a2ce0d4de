//! Default values that a type states: `Default<T, V>` of the older dialect and
//! `T | Default<V>` of the newer, as JSON.
//!
//! A default for a whole object is completed by the defaults of its properties.
//! What is not a literal is left out, never guessed.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::kinds::CELLS;
use super::model::{Keyword, Type};
use super::resolve::{Head, Solver};
use crate::compile::names::Key;

/// Properties entered one below the other.
const MAX_DEPTH: usize = 16;

/// How deep, and how many, unreadable defaults are looked for.
const MAX_UNCLEAR_DEPTH: usize = 4;
const MAX_UNCLEAR: usize = 8;

/// Declarations that are being entered, with their type arguments.
type Active = Vec<(Key, Rc<[Type]>)>;

impl Solver<'_> {
    /// The default of a value of this type.
    pub(in crate::compile) fn default_of(&self, ty: &Type) -> Option<Value> {
        self.default_at(ty, &mut Vec::new(), 0)
    }

    /// `active` holds the types that are being entered, so that one that
    /// contains itself ends there.
    fn default_at(&self, ty: &Type, active: &mut Active, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        let entered = self.entered(ty);
        if let Some(entered) = &entered {
            if active.contains(entered) {
                return None;
            }
            active.push(entered.clone());
        }
        let found = match self.head(ty) {
            Head::Framework(name, args) => match (name.as_str(), &*args) {
                ("Default" | "DeepDefault", [value]) => self.literal(value),
                ("Default", [of, value, ..]) => {
                    let inner = self.default_at(of, active, depth + 1);
                    self.literal(value).map(|v| complete(v, inner))
                }
                (n, [of, ..]) if CELLS.contains(&n) => self.default_at(of, active, depth + 1),
                _ => None,
            },
            Head::Union(_) => self.default_of_union(ty, active, depth),
            Head::Intersection(parts) => parts
                .iter()
                .filter_map(|part| self.default_at(part, active, depth + 1))
                .reduce(|all, more| complete(all, Some(more))),
            _ => self.default_of_properties(ty, active, depth),
        };
        if entered.is_some() {
            active.pop();
        }
        found
    }

    fn entered(&self, ty: &Type) -> Option<(Key, Rc<[Type]>)> {
        let (key, _) = self.declaration(ty)?;
        let Type::Name(name) = ty else { return None };
        Some((key, name.args.clone()))
    }

    fn default_of_union(&self, ty: &Type, active: &mut Active, depth: usize) -> Option<Value> {
        let (marks, others): (Vec<_>, Vec<_>) = self
            .alternatives(ty)
            .into_iter()
            .filter(|t| !self.is_nullish(t))
            .partition(|t| self.marks_default(t));
        let mut inner: Vec<Value> = others
            .iter()
            .filter_map(|t| self.default_at(t, active, depth + 1))
            .collect();
        // Alternatives that disagree state no default.
        inner.dedup();
        let inner = if inner.len() == 1 { inner.pop() } else { None };
        match marks.as_slice() {
            [] => inner,
            [mark] => self
                .default_at(mark, active, depth + 1)
                .map(|value| complete(value, inner)),
            _ => None,
        }
    }

    fn default_of_properties(&self, ty: &Type, active: &mut Active, depth: usize) -> Option<Value> {
        let mut object = Map::new();
        for member in self.properties(ty)?.list {
            if let Some(value) = self.default_at(&member.ty, active, depth + 1) {
                object.insert(member.name, value);
            }
        }
        (!object.is_empty()).then_some(Value::Object(object))
    }

    /// The properties, as dotted paths, whose type states a default that cannot
    /// be read: it is no literal, or its declaration is not in the charm.
    pub(in crate::compile) fn unclear_defaults(&self, ty: &Type) -> Vec<String> {
        let mut found = Vec::new();
        self.search_unclear(ty, &mut Vec::new(), &mut found);
        found
    }

    fn search_unclear(&self, ty: &Type, path: &mut Vec<String>, found: &mut Vec<String>) {
        if path.len() > MAX_UNCLEAR_DEPTH || found.len() >= MAX_UNCLEAR {
            return;
        }
        for part in self.alternatives(ty) {
            match self.head(&part) {
                Head::Framework(name, args) => match (name.as_str(), &*args) {
                    ("Default" | "DeepDefault", [value]) | ("Default", [_, value, ..])
                        if self.literal(value).is_none() =>
                    {
                        found.push(path.join("."));
                    }
                    (n, [of, ..]) if n == "Default" || CELLS.contains(&n) => {
                        self.search_unclear(of, path, found);
                    }
                    _ => {}
                },
                Head::Object(_) | Head::Interface { .. } | Head::Intersection(_) => {
                    for member in self.properties(&part).map(|p| p.list).unwrap_or_default() {
                        path.push(member.name);
                        self.search_unclear(&member.ty, path, found);
                        path.pop();
                    }
                }
                _ => {}
            }
        }
    }

    /// The one JSON value that a type of literals admits.
    fn literal(&self, ty: &Type) -> Option<Value> {
        self.literal_at(ty, 0)
    }

    fn literal_at(&self, ty: &Type, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.head(ty) {
            Head::Literal(value) => Some(value),
            Head::Keyword(Keyword::Null) => Some(Value::Null),
            Head::Tuple(list) => list
                .iter()
                .map(|t| self.literal_at(t, depth + 1))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            Head::Array(of) => {
                let empty = matches!(self.head(&of), Head::Keyword(Keyword::Never));
                empty.then(|| Value::Array(Vec::new()))
            }
            Head::Global(name, args) if name == "Record" => {
                let empty = matches!(self.head(args.get(1)?), Head::Keyword(Keyword::Never));
                if empty {
                    Some(Value::Object(Map::new()))
                } else {
                    self.literal_object(ty, depth)
                }
            }
            Head::Object(_)
            | Head::Interface { .. }
            | Head::Intersection(_)
            | Head::Mapped(_)
            | Head::Global(..) => self.literal_object(ty, depth),
            _ => None,
        }
    }

    fn literal_object(&self, ty: &Type, depth: usize) -> Option<Value> {
        let all = self.properties(ty)?;
        (!all.open).then_some(())?;
        all.list
            .into_iter()
            .filter(|m| !m.optional)
            .map(|m| Some((m.name, self.literal_at(&m.ty, depth + 1)?)))
            .collect::<Option<Map<_, _>>>()
            .map(Value::Object)
    }
}

/// Fills what `value` lacks from `inner`, object by object.
fn complete(mut value: Value, inner: Option<Value>) -> Value {
    if let (Value::Object(have), Some(Value::Object(more))) = (&mut value, inner) {
        for (key, from) in more {
            match have.get_mut(&key) {
                Some(slot) => *slot = complete(slot.take(), Some(from)),
                None => {
                    have.insert(key, from);
                }
            }
        }
    }
    value
}
