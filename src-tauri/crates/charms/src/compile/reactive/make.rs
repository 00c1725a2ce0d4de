//! The pieces of code that the rewriting puts in.

use oxc_allocator::{Allocator, ArenaBox, ArenaVec, GetAllocator};
use oxc_ast::ast::{
    Argument, ArrayExpressionElement, ArrowFunctionBody, BindingIdentifier, Expression,
    FormalParameterKind, FormalParameters, IdentifierName, ImportDeclarationSpecifier,
    ImportOrExportKind, Statement, StringLiteral,
};
use oxc_ast::builder::AstBuilder;
use oxc_span::{SPAN, Span};

/// Makes nodes in the arena of one file.
pub(in crate::compile) struct Make<'a> {
    pub(in crate::compile) builder: AstBuilder<'a>,
    /// The local name of the helpers' module.
    name: &'a str,
}

impl<'a> Make<'a> {
    pub(in crate::compile) fn new(allocator: &'a Allocator, name: &str) -> Self {
        Self {
            builder: AstBuilder::new(allocator),
            name: allocator.alloc_str(name),
        }
    }

    fn text(&self, text: &str) -> &'a str {
        self.builder.allocator().alloc_str(text)
    }

    pub(in crate::compile) fn string(&self, text: &str, span: Span) -> Expression<'a> {
        Expression::new_string_literal(span, self.text(text), None, &self.builder)
    }

    pub(in crate::compile) fn null(&self) -> Expression<'a> {
        Expression::new_null_literal(SPAN, &self.builder)
    }

    pub(in crate::compile) fn name(&self, name: &str) -> Expression<'a> {
        Expression::new_identifier(SPAN, self.text(name), &self.builder)
    }

    /// `helpers.function(arguments)`, said to stand at `span`.
    pub(in crate::compile) fn helper(
        &self,
        span: Span,
        function: &'static str,
        arguments: impl IntoIterator<Item = Expression<'a>>,
    ) -> Expression<'a> {
        let object = Expression::new_identifier(span, self.name, &self.builder);
        let property = IdentifierName::new(SPAN, function, &self.builder);
        let callee =
            Expression::new_static_member_expression(SPAN, object, property, false, &self.builder);
        let list = arguments.into_iter().map(Argument::from);
        let list = ArenaVec::from_iter_in(list, &self.builder);
        Expression::new_call_expression(span, callee, None, list, false, &self.builder)
    }

    pub(in crate::compile) fn array(
        &self,
        elements: impl IntoIterator<Item = Expression<'a>>,
    ) -> Expression<'a> {
        let list = elements.into_iter().map(ArrayExpressionElement::from);
        let list = ArenaVec::from_iter_in(list, &self.builder);
        Expression::new_array_expression(SPAN, list, &self.builder)
    }

    /// `() => result`.
    pub(in crate::compile) fn thunk(&self, result: Expression<'a>) -> Expression<'a> {
        let parameters = FormalParameters::boxed(
            SPAN,
            FormalParameterKind::ArrowFormalParameters,
            ArenaVec::new_in(&self.builder),
            None::<ArenaBox<'a, _>>,
            &self.builder,
        );
        Expression::new_arrow_function_expression(
            SPAN,
            false,
            None,
            parameters,
            None,
            ArrowFunctionBody::from(result),
            &self.builder,
        )
    }

    /// `import * as name from "module"`.
    pub(in crate::compile) fn import(&self, module: &'static str) -> Statement<'a> {
        let local = BindingIdentifier::new(SPAN, self.name, &self.builder);
        let specifier =
            ImportDeclarationSpecifier::new_import_namespace_specifier(SPAN, local, &self.builder);
        let list = ArenaVec::from_iter_in([specifier], &self.builder);
        let source = StringLiteral::new(SPAN, module, None, &self.builder);
        Statement::new_import_declaration(
            SPAN,
            Some(list),
            source,
            None,
            None,
            ImportOrExportKind::Value,
            &self.builder,
        )
    }
}
