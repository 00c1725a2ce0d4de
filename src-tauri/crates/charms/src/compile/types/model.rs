//! Types as plain data, apart from the syntax tree they were read from.
//!
//! Owns: [`Type`] and what a declaration says. Only what the analyses ask for
//! is represented; everything else is [`Type::Unresolved`], never a guess.

use std::collections::HashMap;
use std::rc::Rc;

use oxc_syntax::symbol::SymbolId;
use serde_json::Value;

use super::doc::Doc;
use crate::compile::names::Key;

/// The built-in types without structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compile) enum Keyword {
    /// `any` and `unknown`: says nothing.
    Anything,
    Never,
    Null,
    /// `undefined` and `void`.
    Undefined,
    String,
    Number,
    Boolean,
    /// `bigint`, `symbol`, `object`, and text of a certain form.
    Plain,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::compile) enum Type {
    Keyword(Keyword),
    /// A literal type; `null` and `undefined` are keywords.
    Literal(Value),
    Array(Rc<Type>),
    Tuple(Rc<[Type]>),
    Object(Rc<[Member]>),
    Union(Rc<[Type]>),
    Intersection(Rc<[Type]>),
    Name(Rc<Name>),
    /// `T["key"]`.
    Indexed(Rc<(Type, Type)>),
    /// `keyof T`.
    KeyOf(Rc<Type>),
    /// `typeof value`.
    ValueOf(Key),
    Mapped(Rc<Mapped>),
    /// A function or constructor type.
    Function,
    /// Conditional types, `this`, `import()`: not followed.
    Unresolved,
}

/// A reference to a named type.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::compile) struct Name {
    /// File in which the reference stands.
    pub(in crate::compile) file: usize,
    /// What the first part refers to; `None` for globals such as `Array`.
    pub(in crate::compile) symbol: Option<SymbolId>,
    /// The dotted parts: `["cf", "Cell"]`. Never empty.
    pub(in crate::compile) path: Rc<[String]>,
    pub(in crate::compile) args: Rc<[Type]>,
}

/// A property of an object type.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::compile) struct Member {
    pub(in crate::compile) name: String,
    pub(in crate::compile) ty: Type,
    pub(in crate::compile) optional: bool,
}

/// `{ [K in Keys]: Value }`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::compile) struct Mapped {
    pub(in crate::compile) parameter: Key,
    pub(in crate::compile) keys: Type,
    pub(in crate::compile) value: Type,
    pub(in crate::compile) optional: bool,
}

/// A type parameter with its default.
#[derive(Clone, Debug)]
pub(in crate::compile) struct Parameter {
    pub(in crate::compile) symbol: SymbolId,
    pub(in crate::compile) default: Option<Type>,
}

/// What a declared type name stands for.
#[derive(Clone, Debug)]
pub(in crate::compile) enum Body {
    Alias(Type),
    /// One or more interface declarations of the same name.
    Interface {
        extends: Vec<Type>,
        members: Vec<Member>,
    },
    /// Members whose value is known.
    Enum(HashMap<String, Value>),
    Class,
}

/// A type declaration of a file.
#[derive(Clone, Debug)]
pub(in crate::compile) struct Declared {
    pub(in crate::compile) parameters: Vec<Parameter>,
    pub(in crate::compile) body: Body,
    pub(in crate::compile) doc: Option<Doc>,
}

/// All type declarations of a program, and the constants whose value is known.
#[derive(Default)]
pub(in crate::compile) struct Declarations {
    pub(in crate::compile) types: HashMap<Key, Declared>,
    pub(in crate::compile) constants: HashMap<Key, Value>,
}

impl Type {
    pub(in crate::compile) const ANYTHING: Self = Self::Keyword(Keyword::Anything);
}
