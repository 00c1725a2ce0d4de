//! Reading types out of the syntax tree.
//!
//! One-way: [`Type`] keeps nothing of the tree. Names are bound to their
//! symbols here, so shadowing is settled once and for all.

use std::rc::Rc;

use oxc_ast::AstKind;
use oxc_ast::ast::{
    TSMappedTypeModifierOperator, TSSignature, TSTupleElement, TSType, TSTypeName,
    TSTypeOperatorOperator, TSTypeParameterDeclaration, TSTypeParameterInstantiation,
    TSTypeQueryExprName,
};
use oxc_span::{GetSpan, Span};
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;
use serde_json::Value;

use super::doc::Doc;
use super::literal::{enum_values, literal, value_of};
use super::model::{Body, Declarations, Declared, Keyword, Mapped, Member, Name, Parameter, Type};
use crate::compile::unit::Unit;

/// Reads every type declaration and every plain constant of all files.
pub(in crate::compile) fn declarations(units: &[Unit<'_, '_>]) -> Declarations {
    let mut all = Declarations::default();
    for (file, unit) in units.iter().enumerate() {
        Lower::new(unit, file).declarations(&mut all);
    }
    all
}

/// Deepest nesting of a type that is read. It bounds how deep types can grow by
/// substitution, and with it the recursion over them.
const MAX_DEPTH: u32 = 64;

/// Reads types that stand in one file.
#[derive(Clone, Copy)]
pub(in crate::compile) struct Lower<'u, 'a, 's> {
    unit: &'u Unit<'a, 's>,
    file: usize,
    depth: u32,
}

impl<'u, 'a, 's> Lower<'u, 'a, 's> {
    pub(in crate::compile) fn new(unit: &'u Unit<'a, 's>, file: usize) -> Self {
        Self {
            unit,
            file,
            depth: 0,
        }
    }
}

impl Lower<'_, '_, '_> {
    fn declarations(self, all: &mut Declarations) {
        for node in self.unit.semantic.nodes() {
            let (symbol, parameters, body, start) = match node.kind() {
                AstKind::TSTypeAliasDeclaration(d) => {
                    let body = Body::Alias(self.ty(&d.type_annotation));
                    (
                        d.id.symbol_id.get(),
                        d.type_parameters.as_deref(),
                        body,
                        d.span.start,
                    )
                }
                AstKind::TSInterfaceDeclaration(d) => {
                    let extends = d
                        .extends
                        .iter()
                        .map(|h| self.name(&h.type_name, h.type_arguments.as_deref()))
                        .collect();
                    let body = Body::Interface {
                        extends,
                        members: self.members(&d.body.body),
                    };
                    (
                        d.id.symbol_id.get(),
                        d.type_parameters.as_deref(),
                        body,
                        d.span.start,
                    )
                }
                AstKind::TSEnumDeclaration(d) => (
                    d.id.symbol_id.get(),
                    None,
                    Body::Enum(enum_values(d)),
                    d.span.start,
                ),
                AstKind::Class(c) => {
                    let symbol = c.id.as_ref().and_then(|id| id.symbol_id.get());
                    (symbol, None, Body::Class, c.span.start)
                }
                AstKind::VariableDeclarator(d) => {
                    if let (Some(id), Some(init)) = (d.id.get_binding_identifier(), &d.init)
                        && let Some(symbol) = id.symbol_id.get()
                        && self.unit.is_constant(symbol)
                        && let Some(value) = value_of(init)
                    {
                        all.constants.insert((self.file, symbol), value);
                    }
                    continue;
                }
                _ => continue,
            };
            let Some(symbol) = symbol else { continue };
            let doc = self.doc_of(node.id(), start);
            let declared = Declared {
                parameters: self.parameters(parameters),
                body,
                doc,
            };
            self.insert(all, symbol, declared);
        }
    }

    /// Interfaces of the same name are one; the first one's parameters count.
    fn insert(self, all: &mut Declarations, symbol: SymbolId, new: Declared) {
        match all.types.get_mut(&(self.file, symbol)) {
            Some(old) => {
                if let Body::Interface { extends, members } = &mut old.body
                    && let Body::Interface {
                        extends: more_extends,
                        members: more,
                    } = new.body
                {
                    extends.extend(more_extends);
                    members.extend(more);
                    old.doc = old.doc.take().or(new.doc);
                }
            }
            None => {
                all.types.insert((self.file, symbol), new);
            }
        }
    }

    fn parameters(self, list: Option<&TSTypeParameterDeclaration<'_>>) -> Vec<Parameter> {
        list.iter()
            .flat_map(|l| l.params.iter())
            .filter_map(|p| {
                Some(Parameter {
                    symbol: p.name.symbol_id.get()?,
                    default: p.default.as_ref().map(|t| self.ty(t)),
                })
            })
            .collect()
    }

    /// The documentation of a declaration, whose comment may stand before
    /// `export`.
    fn doc_of(self, node: NodeId, start: u32) -> Option<Doc> {
        let parent = self.unit.semantic.nodes().parent_kind(node);
        let start = match parent {
            AstKind::ExportDeclaration(e) => e.span.start,
            AstKind::ExportDefaultDeclaration(e) => e.span.start,
            _ => start,
        };
        self.doc_at(start)
    }

    /// The last documentation comment before the token at `start`.
    pub(in crate::compile) fn doc_at(self, start: u32) -> Option<Doc> {
        let comment = self
            .unit
            .semantic
            .comments_range(..start)
            .rev()
            .take_while(|c| c.attached_to == start)
            .find(|c| c.is_jsdoc())?;
        let content: Span = comment.content_span();
        let doc = Doc::parse(content.source_text(self.unit.source.text));
        (!doc.is_empty()).then_some(doc)
    }

    /// Reads one type.
    pub(in crate::compile) fn ty(self, ty: &TSType<'_>) -> Type {
        if self.depth >= MAX_DEPTH {
            return Type::Unresolved;
        }
        Self {
            depth: self.depth + 1,
            ..self
        }
        .inner(ty)
    }

    fn inner(self, ty: &TSType<'_>) -> Type {
        match ty {
            TSType::TSAnyKeyword(_) | TSType::TSUnknownKeyword(_) => Type::ANYTHING,
            TSType::TSNeverKeyword(_) => Type::Keyword(Keyword::Never),
            TSType::TSNullKeyword(_) => Type::Keyword(Keyword::Null),
            TSType::TSUndefinedKeyword(_) | TSType::TSVoidKeyword(_) => {
                Type::Keyword(Keyword::Undefined)
            }
            TSType::TSStringKeyword(_) => Type::Keyword(Keyword::String),
            TSType::TSNumberKeyword(_) => Type::Keyword(Keyword::Number),
            TSType::TSBooleanKeyword(_) => Type::Keyword(Keyword::Boolean),
            TSType::TSBigIntKeyword(_)
            | TSType::TSObjectKeyword(_)
            | TSType::TSSymbolKeyword(_) => Type::Keyword(Keyword::Plain),
            TSType::TSArrayType(t) => Type::Array(Rc::new(self.ty(&t.element_type))),
            TSType::TSTupleType(t) => {
                Type::Tuple(t.element_types.iter().map(|e| self.element(e)).collect())
            }
            TSType::TSTypeLiteral(t) => Type::Object(self.members(&t.members).into()),
            TSType::TSUnionType(t) => Type::Union(t.types.iter().map(|t| self.ty(t)).collect()),
            TSType::TSIntersectionType(t) => {
                Type::Intersection(t.types.iter().map(|t| self.ty(t)).collect())
            }
            TSType::TSParenthesizedType(t) => self.ty(&t.type_annotation),
            TSType::TSLiteralType(t) => literal(&t.literal),
            TSType::TSTemplateLiteralType(t) => match t.quasis.first() {
                Some(only) if t.types.is_empty() => {
                    only.value.cooked.map_or(Type::Unresolved, |text| {
                        Type::Literal(Value::from(text.as_str()))
                    })
                }
                _ => Type::Keyword(Keyword::Plain),
            },
            TSType::TSTypeReference(t) => self.name(&t.type_name, t.type_arguments.as_deref()),
            TSType::TSTypeOperatorType(t) => match t.operator {
                TSTypeOperatorOperator::Readonly => self.ty(&t.type_annotation),
                TSTypeOperatorOperator::Keyof => Type::KeyOf(Rc::new(self.ty(&t.type_annotation))),
                TSTypeOperatorOperator::Unique => Type::Keyword(Keyword::Plain),
            },
            TSType::TSIndexedAccessType(t) => {
                Type::Indexed(Rc::new((self.ty(&t.object_type), self.ty(&t.index_type))))
            }
            TSType::TSTypeQuery(t) => match &t.expr_name {
                TSTypeQueryExprName::IdentifierReference(name) => self
                    .unit
                    .symbol_of(name)
                    .map_or(Type::Unresolved, |symbol| {
                        Type::ValueOf((self.file, symbol))
                    }),
                _ => Type::Unresolved,
            },
            TSType::TSMappedType(t) => match (t.key.symbol_id.get(), &t.type_annotation) {
                (Some(symbol), Some(value)) if t.name_type.is_none() => {
                    Type::Mapped(Rc::new(Mapped {
                        parameter: (self.file, symbol),
                        keys: self.ty(&t.constraint),
                        value: self.ty(value),
                        optional: matches!(
                            t.optional,
                            Some(
                                TSMappedTypeModifierOperator::True
                                    | TSMappedTypeModifierOperator::Plus
                            )
                        ),
                    }))
                }
                _ => Type::Unresolved,
            },
            TSType::TSNamedTupleMember(t) => self.element(&t.element_type),
            TSType::TSFunctionType(_) | TSType::TSConstructorType(_) => Type::Function,
            _ => Type::Unresolved,
        }
    }

    /// Reads a list of type arguments.
    pub(in crate::compile) fn args(
        self,
        args: Option<&TSTypeParameterInstantiation<'_>>,
    ) -> Vec<Type> {
        args.iter()
            .flat_map(|a| a.params.iter())
            .map(|t| self.ty(t))
            .collect()
    }

    fn element(self, element: &TSTupleElement<'_>) -> Type {
        // A tuple with optional or rest elements has no one length; it can
        // still be told to be a tuple, but not read as a value.
        element
            .as_ts_type()
            .map_or(Type::Unresolved, |t| self.ty(t))
    }

    fn name(self, name: &TSTypeName<'_>, args: Option<&TSTypeParameterInstantiation<'_>>) -> Type {
        let mut path = Vec::new();
        let mut at = name;
        let symbol = loop {
            match at {
                TSTypeName::IdentifierReference(first) => {
                    path.push(first.name.to_string());
                    break self.unit.symbol_of(first);
                }
                TSTypeName::QualifiedName(q) => {
                    path.push(q.right.name.to_string());
                    at = &q.left;
                }
                TSTypeName::ThisExpression(_) => return Type::Unresolved,
            }
        };
        path.reverse();
        let args = self.args(args).into();
        Type::Name(Rc::new(Name {
            file: self.file,
            symbol,
            path: path.into(),
            args,
        }))
    }

    fn members(self, list: &[TSSignature<'_>]) -> Vec<Member> {
        list.iter()
            .filter_map(|signature| {
                let (key, optional, ty) = match signature {
                    TSSignature::TSPropertySignature(p) => {
                        let ty = p.type_annotation.as_ref();
                        let ty = ty.map_or(Type::ANYTHING, |t| self.ty(&t.type_annotation));
                        (&p.key, p.optional, ty)
                    }
                    TSSignature::TSMethodSignature(m) => (&m.key, m.optional, Type::Function),
                    _ => return None,
                };
                Some(Member {
                    name: key.static_name()?.into_owned(),
                    ty,
                    optional,
                })
            })
            .collect()
    }
}

/// Where a type argument begins, for the comment before it.
pub(in crate::compile) fn start_of(ty: &TSType<'_>) -> u32 {
    ty.span().start
}
