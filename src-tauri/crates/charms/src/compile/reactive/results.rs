//! Who is called and what the call gives.

use oxc_ast::ast::{
    Argument, CallExpression, MemberExpression, NewExpression, TaggedTemplateExpression,
};

use super::analysis::{Analysis, method};
use super::building::own_function;
use super::class::{CELL_METHODS, Call, Callee, Class, LINK_METHODS, class_of, dependencies};
use crate::compile::maker::Maker;

impl<'a> Analysis<'_, '_, 'a, '_> {
    /// What a call gives.
    pub(super) fn call_info(&self, call: &CallExpression<'a>) -> Call {
        if let Some(maker) = self.calls.maker(self.file, &call.callee) {
            let callee = if maker == Maker::Pure {
                Callee::Pure
            } else {
                Callee::Builder
            };
            let result = match maker {
                Maker::Computed | Maker::Derived | Maker::Instance | Maker::Lifted => Class::Value,
                Maker::Cell => Class::Cell,
                Maker::Action | Maker::Bound => Class::Stream,
                Maker::Pure => self.of_arguments(&call.arguments),
                Maker::Pattern | Maker::Handler | Maker::Lift | Maker::Other => Class::Static,
            };
            return Call { callee, result };
        }
        if let Some(member) = method(&call.callee) {
            return Call {
                callee: Callee::Plain,
                result: self.method_result(call, member),
            };
        }
        if let Some(own) = own_function(self.calls, self.file, &call.callee) {
            return if self.building.builds(own) {
                Call {
                    callee: Callee::Building,
                    result: Class::Maybe,
                }
            } else {
                Call {
                    callee: Callee::Plain,
                    result: self.of_arguments(&call.arguments),
                }
            };
        }
        let callee = class_of(&call.callee, self).join(dependencies(&call.callee, self).class());
        Call {
            callee: Callee::Plain,
            result: self.of_arguments(&call.arguments).join(callee),
        }
    }

    fn method_result(&self, call: &CallExpression<'a>, member: &MemberExpression<'a>) -> Class {
        if self.is_derived_test(call) {
            return Class::Value;
        }
        let object = class_of(member.object(), self);
        let name = member.static_property_name();
        let name = name.unwrap_or_default();
        match object {
            Class::Cell | Class::CellInput if CELL_METHODS.contains(&name) => Class::Cell,
            Class::Value if CELL_METHODS.contains(&name) => Class::Cell,
            Class::Maybe if LINK_METHODS.contains(&name) => Class::Maybe,
            Class::Static | Class::Stream => {
                let callee = dependencies(member.object(), self).class();
                self.of_arguments(&call.arguments).join(callee)
            }
            other => other.join(Class::Static),
        }
    }

    fn of_arguments(&self, arguments: &[Argument<'a>]) -> Class {
        arguments
            .iter()
            .map(|argument| match argument {
                Argument::SpreadElement(s) => dependencies(&s.argument, self).class(),
                other => other
                    .as_expression()
                    .map_or(Class::Static, |e| dependencies(e, self).class()),
            })
            .fold(Class::Static, Class::join)
    }

    /// What `new` gives.
    pub(super) fn new_info(&self, new: &NewExpression<'a>) -> Call {
        match self.calls.maker(self.file, &new.callee) {
            Some(Maker::Cell) => Call {
                callee: Callee::Builder,
                result: Class::Cell,
            },
            Some(_) => Call {
                callee: Callee::Builder,
                result: Class::Static,
            },
            None => Call {
                callee: Callee::Plain,
                result: self.of_arguments(&new.arguments),
            },
        }
    }

    /// What a tagged template gives: with `str` of the framework a derived text.
    pub(super) fn template_info(&self, template: &TaggedTemplateExpression<'a>) -> Call {
        if self.calls.maker(self.file, &template.tag).is_some() {
            return Call {
                callee: Callee::Builder,
                result: Class::Value,
            };
        }
        let inner = template.quasi.expressions.iter();
        Call {
            callee: Callee::Plain,
            result: inner
                .map(|e| dependencies(e, self).class())
                .fold(Class::Static, Class::join),
        }
    }
}
