//! The properties of object types: of literals, interfaces with what they
//! extend, intersections, mapped types and the basic utility types.

use serde_json::Value;

use super::model::{Mapped, Member, Type};
use super::resolve::{Bindings, Head, MAX_DEPTH, Solver};

/// The properties of an object type.
#[derive(Debug, Default)]
pub(in crate::compile) struct Properties {
    pub(in crate::compile) list: Vec<Member>,
    /// True when a part of the type could not be resolved, so that a property
    /// may be more than it says here.
    pub(in crate::compile) open: bool,
}

impl Solver<'_> {
    /// The properties of an object type; `None` when it is none, or none that
    /// can be told.
    pub(in crate::compile) fn properties(&self, ty: &Type) -> Option<Properties> {
        self.properties_at(ty, 0)
    }

    fn properties_at(&self, ty: &Type, depth: u32) -> Option<Properties> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.head_at(ty, depth) {
            Head::Object(list) => Some(Properties {
                list: list.to_vec(),
                open: false,
            }),
            Head::Interface { extends, members } => {
                let mut all = Properties::default();
                for base in &extends {
                    all.add_part(self.properties_at(base, depth + 1), false);
                }
                all.add_part(
                    Some(Properties {
                        list: members,
                        open: false,
                    }),
                    false,
                );
                Some(all)
            }
            Head::Intersection(parts) => {
                let mut all = Properties::default();
                for part in parts.iter() {
                    all.add_part(self.properties_at(part, depth + 1), true);
                }
                (!all.list.is_empty()).then_some(all)
            }
            Head::Union(_) => {
                let mut object = None;
                for part in self.alternatives(ty) {
                    if self.is_nullish(&part) || self.marks_default(&part) {
                        continue;
                    }
                    if object.replace(part).is_some() {
                        return None;
                    }
                }
                self.properties_at(&object?, depth + 1)
            }
            Head::Mapped(mapped) => self.mapped(&mapped, depth),
            Head::Framework(n, args) if n == "Default" || n == "DeepDefault" => {
                self.properties_at(args.first()?, depth + 1)
            }
            Head::Global(n, args) => self.utility(&n, &args, depth),
            _ => None,
        }
    }

    fn mapped(&self, mapped: &Mapped, depth: u32) -> Option<Properties> {
        let list = self
            .keys(&mapped.keys, depth + 1)?
            .into_iter()
            .map(|name| {
                let key = Type::Literal(Value::from(name.as_str()));
                let bindings = Bindings::from([(mapped.parameter, key)]);
                let ty = self.substitute(&mapped.value, &bindings);
                Member {
                    name,
                    ty,
                    optional: mapped.optional,
                }
            })
            .collect();
        Some(Properties { list, open: false })
    }

    fn utility(&self, name: &str, args: &[Type], depth: u32) -> Option<Properties> {
        let of = |i: usize| self.properties_at(args.get(i)?, depth + 1);
        match name {
            "Partial" | "Required" | "Readonly" => {
                let mut all = of(0)?;
                for member in &mut all.list {
                    member.optional = match name {
                        "Partial" => true,
                        "Required" => false,
                        _ => member.optional,
                    };
                }
                Some(all)
            }
            "NonNullable" => of(0),
            "Pick" | "Omit" => {
                let keys = self.keys(args.get(1)?, depth + 1)?;
                let mut all = of(0)?;
                all.list
                    .retain(|m| keys.contains(&m.name) == (name == "Pick"));
                Some(all)
            }
            "Record" => {
                let value = args.get(1)?;
                let keys = self.keys(args.first()?, depth + 1)?;
                let member = |name| Member {
                    name,
                    ty: value.clone(),
                    optional: false,
                };
                Some(Properties {
                    list: keys.into_iter().map(member).collect(),
                    open: false,
                })
            }
            _ => None,
        }
    }

    /// The keys that a type of literals, or `keyof`, names.
    fn keys(&self, ty: &Type, depth: u32) -> Option<Vec<String>> {
        if let Type::KeyOf(of) = ty {
            let all = self.properties_at(of, depth + 1)?;
            return (!all.open).then(|| all.list.into_iter().map(|m| m.name).collect());
        }
        self.alternatives(ty)
            .iter()
            .map(|t| match self.head_at(t, depth) {
                Head::Literal(Value::String(s)) => Some(s),
                Head::Literal(Value::Number(n)) => Some(n.to_string()),
                _ => None,
            })
            .collect()
    }

    /// The type of `object[index]`.
    pub(super) fn element(&self, object: &Type, index: &Type, depth: u32) -> Option<Type> {
        if let Head::Array(inner) = self.head_at(object, depth + 1) {
            return Some(inner);
        }
        let keys = self.keys(index, depth + 1)?;
        let [key] = keys.as_slice() else { return None };
        let all = self.properties_at(object, depth + 1)?;
        (!all.open).then_some(())?;
        all.list.into_iter().find(|m| m.name == *key).map(|m| m.ty)
    }
}

impl Properties {
    /// Adds the properties of a base or of a part of an intersection. The same
    /// property in two parts is both types at once; in an interface the later
    /// declaration stands.
    fn add_part(&mut self, part: Option<Self>, intersect: bool) {
        let Some(part) = part else {
            self.open = true;
            return;
        };
        self.open |= part.open;
        for new in part.list {
            match self.list.iter_mut().find(|m| m.name == new.name) {
                Some(old) if intersect => {
                    old.optional &= new.optional;
                    old.ty = Type::Intersection([old.ty.clone(), new.ty].into());
                }
                Some(old) => *old = new,
                None => self.list.push(new),
            }
        }
    }
}
