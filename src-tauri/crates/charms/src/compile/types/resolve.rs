//! Following names to what they stand for: aliases, interfaces, generics by
//! substitution, and the framework's names.
//!
//! Work is bounded by [`Solver`]'s fuel; what is not settled by then, or cannot
//! be settled from the charm's own files, is unresolved and never guessed.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use super::model::{Body, Declarations, Declared, Keyword, Mapped, Member, Name, Type};
use crate::compile::names::{Key, Names, Origin};

/// Steps for all questions about one program. A large charm needs some 20,000;
/// a generic that doubles itself is cut off within a fraction of a second.
const FUEL: u32 = 1_000_000;
/// Aliases followed and properties entered, one below the other.
pub(super) const MAX_DEPTH: u32 = 32;

/// Types of the framework that label another type and change nothing else.
const TRANSPARENT: [&str; 17] = [
    "AddIntegrity",
    "AuthoredByCurrentUser",
    "Cfc",
    "Confidential",
    "ExactCopy",
    "Integrity",
    "MaxConfidentiality",
    "PerAny",
    "PerSession",
    "PerSpace",
    "PerUser",
    "Reactive",
    "RepresentsCurrentUser",
    "RequireDefaults",
    "RequiresIntegrity",
    "Secret",
    "WriteAuthorizedBy",
];

/// A type with its outermost names followed.
#[derive(Clone, Debug)]
pub(in crate::compile) enum Head {
    Keyword(Keyword),
    Literal(Value),
    Array(Type),
    Tuple(Rc<[Type]>),
    Object(Rc<[Member]>),
    Interface {
        extends: Vec<Type>,
        members: Vec<Member>,
    },
    Union(Rc<[Type]>),
    Intersection(Rc<[Type]>),
    Mapped(Rc<Mapped>),
    Enum,
    Class,
    Function,
    /// A type of the framework: `Cell`, `Stream`, `Default` ...
    Framework(String, Rc<[Type]>),
    /// A global type: `Record`, `Partial`, `Date` ...
    Global(String, Rc<[Type]>),
    Unresolved,
}

/// Answers questions about the types of one program.
pub(in crate::compile) struct Solver<'p> {
    declarations: &'p Declarations,
    names: &'p Names,
    fuel: Cell<u32>,
}

pub(super) type Bindings = HashMap<Key, Type>;

impl<'p> Solver<'p> {
    pub(in crate::compile) fn new(declarations: &'p Declarations, names: &'p Names) -> Self {
        Self {
            declarations,
            names,
            fuel: Cell::new(FUEL),
        }
    }

    /// Takes one step's worth of fuel; false when it is used up.
    fn step(&self) -> bool {
        let left = self.fuel.get();
        self.fuel.set(left.saturating_sub(1));
        left > 0
    }

    /// The declaration that a name leads to, without following aliases.
    pub(in crate::compile) fn declaration(&self, ty: &Type) -> Option<(Key, &'p Declared)> {
        let Type::Name(name) = ty else { return None };
        let Origin::Declared(key) = self.origin(name).0 else {
            return None;
        };
        Some((key, self.declarations.types.get(&key)?))
    }

    /// Where a name comes from, and the parts of its path that are left over.
    fn origin<'n>(&self, name: &'n Name) -> (Origin, &'n [String]) {
        let Some(symbol) = name.symbol else {
            return (Origin::Unknown, &name.path);
        };
        let mut origin = self.names.origin((name.file, symbol));
        let mut rest = name.path.get(1..).unwrap_or(&[]);
        while let (Origin::FrameworkModule | Origin::FileModule(_), [first, more @ ..]) =
            (&origin, rest)
        {
            origin = self.names.member(&origin, first);
            rest = more;
        }
        (origin, rest)
    }

    /// Follows the outermost names of a type.
    pub(in crate::compile) fn head(&self, ty: &Type) -> Head {
        self.head_at(ty, 0)
    }

    pub(super) fn head_at(&self, ty: &Type, depth: u32) -> Head {
        if depth > MAX_DEPTH || !self.step() {
            return Head::Unresolved;
        }
        match ty {
            Type::Keyword(k) => Head::Keyword(*k),
            Type::Literal(v) => Head::Literal(v.clone()),
            Type::Array(t) => Head::Array((**t).clone()),
            Type::Tuple(list) => Head::Tuple(list.clone()),
            Type::Object(list) => Head::Object(list.clone()),
            Type::Union(list) => Head::Union(list.clone()),
            Type::Intersection(list) => Head::Intersection(list.clone()),
            Type::Mapped(m) => Head::Mapped(m.clone()),
            Type::Function => Head::Function,
            Type::KeyOf(_) => Head::Keyword(Keyword::Plain),
            Type::ValueOf(key) => match self.names.origin(*key) {
                Origin::Declared(key) => self
                    .declarations
                    .constants
                    .get(&key)
                    .map_or(Head::Unresolved, |v| Head::Literal(v.clone())),
                _ => Head::Unresolved,
            },
            Type::Indexed(pair) => match self.element(&pair.0, &pair.1, depth) {
                Some(t) => self.head_at(&t, depth + 1),
                None => Head::Unresolved,
            },
            Type::Name(name) => self.named(name, depth),
            Type::Unresolved => Head::Unresolved,
        }
    }

    fn named(&self, name: &Name, depth: u32) -> Head {
        if name.symbol.is_none() {
            return Head::Global(name.path.join("."), name.args.clone());
        }
        match self.origin(name) {
            (Origin::Framework(n), []) => match name.args.first() {
                Some(inner) if TRANSPARENT.contains(&n.as_str()) => self.head_at(inner, depth + 1),
                _ => Head::Framework(n, name.args.clone()),
            },
            (Origin::Declared(key), rest) => match (self.declarations.types.get(&key), rest) {
                (Some(declared), []) => self.unfold(key, declared, &name.args, depth),
                (
                    Some(Declared {
                        body: Body::Enum(members),
                        ..
                    }),
                    [member],
                ) => members
                    .get(member)
                    .map_or(Head::Enum, |v| Head::Literal(v.clone())),
                _ => Head::Unresolved,
            },
            _ => Head::Unresolved,
        }
    }

    fn unfold(&self, key: Key, declared: &Declared, args: &[Type], depth: u32) -> Head {
        let bindings = self.bind(key.0, declared, args);
        match &declared.body {
            Body::Alias(ty) => self.head_at(&self.substitute(ty, &bindings), depth + 1),
            Body::Interface { extends, members } => Head::Interface {
                extends: extends
                    .iter()
                    .map(|t| self.substitute(t, &bindings))
                    .collect(),
                members: self.substitute_members(members, &bindings),
            },
            Body::Enum(_) => Head::Enum,
            Body::Class => Head::Class,
        }
    }

    fn bind(&self, file: usize, declared: &Declared, args: &[Type]) -> Bindings {
        let mut bindings = Bindings::new();
        for (i, parameter) in declared.parameters.iter().enumerate() {
            let given = args.get(i).cloned();
            let value = given
                .or_else(|| {
                    parameter
                        .default
                        .as_ref()
                        .map(|d| self.substitute(d, &bindings))
                })
                .unwrap_or(Type::Unresolved);
            bindings.insert((file, parameter.symbol), value);
        }
        bindings
    }

    /// Puts the values of type parameters in their places.
    pub(super) fn substitute(&self, ty: &Type, bindings: &Bindings) -> Type {
        if bindings.is_empty() {
            return ty.clone();
        }
        if !self.step() {
            return Type::Unresolved;
        }
        let all = |list: &[Type]| list.iter().map(|t| self.substitute(t, bindings)).collect();
        match ty {
            Type::Array(t) => Type::Array(Rc::new(self.substitute(t, bindings))),
            Type::Tuple(list) => Type::Tuple(all(list)),
            Type::Union(list) => Type::Union(all(list)),
            Type::Intersection(list) => Type::Intersection(all(list)),
            Type::Object(list) => Type::Object(self.substitute_members(list, bindings).into()),
            Type::KeyOf(t) => Type::KeyOf(Rc::new(self.substitute(t, bindings))),
            Type::Indexed(pair) => Type::Indexed(Rc::new((
                self.substitute(&pair.0, bindings),
                self.substitute(&pair.1, bindings),
            ))),
            Type::Mapped(m) => Type::Mapped(Rc::new(Mapped {
                parameter: m.parameter,
                keys: self.substitute(&m.keys, bindings),
                value: self.substitute(&m.value, bindings),
                optional: m.optional,
            })),
            Type::Name(name) => {
                if let Some(symbol) = name.symbol
                    && let Some(value) = bindings.get(&(name.file, symbol))
                {
                    return value.clone();
                }
                if name.args.is_empty() {
                    return ty.clone();
                }
                Type::Name(Rc::new(Name {
                    args: all(&name.args),
                    ..(**name).clone()
                }))
            }
            Type::Keyword(_)
            | Type::Literal(_)
            | Type::ValueOf(_)
            | Type::Function
            | Type::Unresolved => ty.clone(),
        }
    }

    fn substitute_members(&self, list: &[Member], bindings: &Bindings) -> Vec<Member> {
        list.iter()
            .map(|m| Member {
                name: m.name.clone(),
                ty: self.substitute(&m.ty, bindings),
                optional: m.optional,
            })
            .collect()
    }

    /// The members of a union, nested ones included; a type that is no union is
    /// its own only member.
    pub(in crate::compile) fn alternatives(&self, ty: &Type) -> Vec<Type> {
        let mut out = Vec::new();
        let mut open = vec![(ty.clone(), 0)];
        while let Some((ty, depth)) = open.pop() {
            match self.head_at(&ty, depth) {
                Head::Union(list) if depth < MAX_DEPTH => {
                    open.extend(list.iter().rev().map(|t| (t.clone(), depth + 1)));
                }
                _ => out.push(ty),
            }
        }
        out
    }

    /// True for `null`, `undefined`, `void` and `never`.
    pub(in crate::compile) fn is_nullish(&self, ty: &Type) -> bool {
        matches!(
            self.head(ty),
            Head::Keyword(Keyword::Null | Keyword::Undefined | Keyword::Never)
        )
    }

    /// True for `Default<V>` and `DeepDefault<V>`, which mark the default of the
    /// union they stand in.
    pub(in crate::compile) fn marks_default(&self, ty: &Type) -> bool {
        matches!(self.head(ty), Head::Framework(n, args)
            if n == "DeepDefault" || (n == "Default" && args.len() == 1))
    }
}
