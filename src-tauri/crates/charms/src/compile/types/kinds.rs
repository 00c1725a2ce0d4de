//! How a property reaches a handler: as a cell, as a stream or as plain data.
//!
//! Only what follows from the type; `None` leaves the choice to the runtime,
//! which then offers both views.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::model::{Keyword, Type};
use super::resolve::{Head, Solver};

/// How a value is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A handle that can be read and written: `Cell`, `Writable`.
    Cell,
    /// Something to send events to: `Stream`.
    Stream,
    /// The value itself.
    Plain,
}

impl Kind {
    /// The word used in the text handed to the runtime.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Stream => "stream",
            Self::Plain => "plain",
        }
    }
}

/// Handles of the framework, by the names of both dialects.
pub(super) const CELLS: [&str; 8] = [
    "AnyCell",
    "Cell",
    "ComparableCell",
    "ICell",
    "OpaqueCell",
    "ReadonlyCell",
    "Writable",
    "WriteonlyCell",
];
pub(super) const STREAMS: [&str; 3] = ["AnyStream", "IStreamable", "Stream"];
/// Types of the framework that are data.
const PLAIN: [&str; 7] = [
    "JSONObject",
    "JSONSchema",
    "JSONValue",
    "Props",
    "RenderNode",
    "UIRenderable",
    "VNode",
];
/// Global types that are data.
const PLAIN_GLOBALS: [&str; 19] = [
    "Array",
    "ArrayBuffer",
    "Boolean",
    "Date",
    "Error",
    "Function",
    "JSX.Element",
    "Map",
    "Number",
    "Object",
    "Promise",
    "ReadonlyArray",
    "Record",
    "RegExp",
    "Set",
    "String",
    "URL",
    "Uint8Array",
    "WeakMap",
];
/// How deep [`inside`] looks.
const MAX_DEPTH: usize = 6;
/// How many places [`inside`] names for one property.
const MAX_PLACES: usize = 64;

impl Solver<'_> {
    /// The kind of a value of this type.
    pub(in crate::compile) fn kind(&self, ty: &Type) -> Option<Kind> {
        self.kind_at(ty, 0)
    }

    fn kind_at(&self, ty: &Type, depth: usize) -> Option<Kind> {
        if depth > 16 {
            return None;
        }
        match self.head(ty) {
            Head::Framework(name, args) => match name.as_str() {
                n if CELLS.contains(&n) => Some(Kind::Cell),
                n if STREAMS.contains(&n) => Some(Kind::Stream),
                n if PLAIN.contains(&n) => Some(Kind::Plain),
                "Default" | "DeepDefault" => self.kind_at(args.first()?, depth + 1),
                _ => None,
            },
            Head::Union(_) => {
                let all: Vec<Type> = self
                    .alternatives(ty)
                    .into_iter()
                    .filter(|t| !self.is_nullish(t))
                    .collect();
                let marked = all.iter().filter(|t| self.marks_default(t)).count();
                let count = all.len();
                // `Default<V>` beside another type says nothing about the kind.
                let mut kinds = all
                    .iter()
                    .filter(|t| marked == count || !self.marks_default(t))
                    .map(|t| self.kind_at(t, depth + 1));
                let first = kinds.next().unwrap_or(Some(Kind::Plain))?;
                kinds.all(|k| k == Some(first)).then_some(first)
            }
            Head::Intersection(parts) => {
                let kinds: Vec<_> = parts.iter().map(|t| self.kind_at(t, depth + 1)).collect();
                strongest(&kinds)
            }
            Head::Interface { extends, .. } => {
                let mut kinds: Vec<_> =
                    extends.iter().map(|t| self.kind_at(t, depth + 1)).collect();
                kinds.push(Some(Kind::Plain));
                strongest(&kinds)
            }
            Head::Global(name, args) => match name.as_str() {
                "NonNullable" => self.kind_at(args.first()?, depth + 1),
                "Partial" | "Required" | "Readonly" | "Pick" | "Omit" => {
                    let of = self.kind_at(args.first()?, depth + 1)?;
                    (of == Kind::Plain).then_some(of)
                }
                n => PLAIN_GLOBALS.contains(&n).then_some(Kind::Plain),
            },
            Head::Mapped(_) => {
                // Over `keyof` of a handle it would be a handle-like thing.
                self.properties(ty).map(|_| Kind::Plain)
            }
            Head::Keyword(Keyword::Anything) | Head::Unresolved => None,
            Head::Keyword(_)
            | Head::Literal(_)
            | Head::Array(_)
            | Head::Tuple(_)
            | Head::Object(_)
            | Head::Enum
            | Head::Class
            | Head::Function => Some(Kind::Plain),
        }
    }

    /// The kinds of an object type's properties, by name; those that cannot be
    /// told are left out. `None` when the type has no properties to tell of.
    pub(in crate::compile) fn kinds(&self, ty: &Type) -> Option<Map<String, Value>> {
        let all = self.properties(ty)?;
        let mut out = Map::new();
        for member in &all.list {
            match self.kind(&member.ty) {
                // The part that is not known might make a handle of it.
                None => {}
                Some(Kind::Plain) if all.open => {}
                Some(kind) => {
                    out.insert(member.name.clone(), kind.as_str().into());
                }
            }
        }
        Some(out)
    }

    /// The properties of an object type that are a cell or nothing: `Cell<T> | null`.
    pub(in crate::compile) fn nullable_cells(&self, ty: &Type) -> Vec<String> {
        let all = self.properties(ty).map(|p| p.list).unwrap_or_default();
        all.into_iter()
            .filter(|member| {
                let mut either = self.alternatives(&member.ty).into_iter();
                self.kind(&member.ty) == Some(Kind::Cell) && either.any(|t| self.is_nullish(&t))
            })
            .map(|member| member.name)
            .collect()
    }

    /// Where cells and streams lie inside the properties of an object type:
    /// for each property a list of `{"path": [...], "kind": ...}`, with `"*"`
    /// for every element of an array. Properties without any are left out.
    pub(in crate::compile) fn inside(&self, ty: &Type) -> Map<String, Value> {
        let mut out = Map::new();
        for member in self.properties(ty).map(|p| p.list).unwrap_or_default() {
            let mut places = Vec::new();
            let content = self.content(&member.ty);
            self.search(
                content.as_ref().unwrap_or(&member.ty),
                &mut Vec::new(),
                &mut places,
            );
            if !places.is_empty() {
                out.insert(member.name, Value::Array(places));
            }
        }
        out
    }

    /// Where cells and streams lie inside an object type, as [`Solver::inside`] tells
    /// it for each of its properties.
    pub(in crate::compile) fn cells_in(&self, ty: &Type) -> Vec<Value> {
        let mut places = Vec::new();
        self.search(ty, &mut Vec::new(), &mut places);
        places
    }

    /// What a cell holds; `None` when the type is no cell.
    fn content(&self, ty: &Type) -> Option<Type> {
        self.parts(ty)
            .into_iter()
            .find_map(|part| match self.head(&part) {
                Head::Framework(n, args) if CELLS.contains(&n.as_str()) => args.first().cloned(),
                _ => None,
            })
    }

    /// The parts of unions and intersections that carry data.
    fn parts(&self, ty: &Type) -> Vec<Type> {
        self.alternatives(ty)
            .into_iter()
            .filter(|t| !self.is_nullish(t) && !self.marks_default(t))
            .flat_map(|t| match self.head(&t) {
                Head::Intersection(list) => list.to_vec(),
                Head::Framework(n, args) if n == "Default" => {
                    args.first().cloned().into_iter().collect()
                }
                _ => vec![t],
            })
            .collect()
    }

    fn search(&self, ty: &Type, path: &mut Vec<String>, places: &mut Vec<Value>) {
        if path.len() >= MAX_DEPTH || places.len() >= MAX_PLACES {
            return;
        }
        if !path.is_empty()
            && let Some(kind @ (Kind::Cell | Kind::Stream)) = self.kind(ty)
        {
            places.push(json!({ "path": path, "kind": kind.as_str() }));
            return;
        }
        for part in self.parts(ty) {
            let element = match self.head(&part) {
                Head::Array(inner) => Some(inner),
                Head::Global(n, args) if n == "Array" || n == "ReadonlyArray" => {
                    args.first().cloned()
                }
                _ => None,
            };
            if let Some(element) = element {
                path.push("*".to_owned());
                self.search(&element, path, places);
                path.pop();
                continue;
            }
            for member in self.properties(&part).map(|p| p.list).unwrap_or_default() {
                path.push(member.name);
                self.search(&member.ty, path, places);
                path.pop();
            }
        }
    }
}

/// The kind of something that is all of several types at once: a handle if one
/// of them is; plain only if all are known to be.
fn strongest(kinds: &[Option<Kind>]) -> Option<Kind> {
    let has = |kind| kinds.contains(&Some(kind));
    match (has(Kind::Cell), has(Kind::Stream)) {
        (true, true) => None,
        (true, false) => Some(Kind::Cell),
        (false, true) => Some(Kind::Stream),
        (false, false) => kinds.iter().all(Option::is_some).then_some(Kind::Plain),
    }
}
