//! What a call of the framework makes, and what a call of something that the
//! framework made gives.

use oxc_ast::ast::Expression;

use super::calls::Calls;
use super::entry::{MAX_HOPS, Made};
use super::names::Origin;
use super::unit::peel;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// `pattern`, `recipe`, and `patternTool`, whose function is a pattern too.
    Pattern,
    /// `handler`.
    Handler,
    /// `lift`.
    Lift,
    /// `computed` and `derive`.
    Computed,
    /// `action`.
    Action,
    /// `new Writable(..)`, `cell(..)`, `Cell.of(..)`.
    Cell,
    /// `wish`, `str`, `ifElse`, language models and reactive fetches: what they
    /// give is to be read like a computed value.
    Derived,
    /// Gives a plain result at once: `equals`.
    Pure,
    /// Any other name of the framework.
    Other,
    /// What `pattern` made: gives the outputs.
    Instance,
    /// What `handler` made: gives a stream.
    Bound,
    /// What `lift` made: gives a computed value.
    Lifted,
}

const CELLS: [&str; 8] = [
    "Cell",
    "ComparableCell",
    "OpaqueCell",
    "ReadonlyCell",
    "Writable",
    "WriteonlyCell",
    "cell",
    "opaqueRef",
];
const DERIVED: [&str; 21] = [
    "cellFromUrl",
    "compileAndRun",
    "fetchBinary",
    "fetchData",
    "fetchJson",
    "fetchJsonUnchecked",
    "fetchProgram",
    "fetchText",
    "generateImage",
    "generateObject",
    "generateText",
    "ifElse",
    "llm",
    "llmDialog",
    "navigateTo",
    "sqliteQuery",
    "str",
    "streamData",
    "unless",
    "when",
    "wish",
];
const PURE: [&str; 7] = [
    "entityRefToString",
    "equals",
    "getEntityId",
    "toCompactDebugString",
    "toIndentedDebugString",
    "toSchema",
    "valueEqual",
];

impl Maker {
    /// True when it makes a cell, a stream, an instance or a derived value.
    pub(super) fn makes(self) -> bool {
        self.derives()
            || matches!(
                self,
                Self::Action | Self::Cell | Self::Instance | Self::Bound
            )
    }

    /// True when it makes a derived value.
    pub(super) fn derives(self) -> bool {
        matches!(self, Self::Computed | Self::Derived | Self::Lifted)
    }

    fn of_name(name: &str) -> Self {
        match name {
            "pattern" | "recipe" | "patternTool" => Self::Pattern,
            "handler" => Self::Handler,
            "lift" => Self::Lift,
            "computed" | "derive" => Self::Computed,
            "action" => Self::Action,
            n if CELLS.contains(&n) => Self::Cell,
            n if DERIVED.contains(&n) => Self::Derived,
            n if PURE.contains(&n) => Self::Pure,
            _ => Self::Other,
        }
    }

    /// What the result of a call of this is when it is called itself.
    fn called(self) -> Option<Self> {
        match self {
            Self::Pattern => Some(Self::Instance),
            Self::Handler => Some(Self::Bound),
            Self::Lift => Some(Self::Lifted),
            _ => None,
        }
    }
}

impl<'a> Calls<'_, 'a, '_> {
    /// What the called expression is; `None` for anything that is not the
    /// framework's.
    pub(super) fn maker(&self, file: usize, callee: &Expression<'a>) -> Option<Maker> {
        self.maker_at(file, callee, MAX_HOPS)
    }

    fn maker_at(&self, file: usize, callee: &Expression<'a>, hops: usize) -> Option<Maker> {
        let callee = peel(callee);
        match self.names.origin_of_expression(self.units, file, callee) {
            (Origin::Framework(name), None) => return Some(Maker::of_name(&name)),
            (Origin::Framework(name), Some(member)) if CELLS.contains(&name.as_str()) => {
                return Some(if matches!(member, "equals" | "equalLinks") {
                    Maker::Pure
                } else {
                    Maker::Cell
                });
            }
            (Origin::Framework(_), Some(_)) => return Some(Maker::Other),
            _ => {}
        }
        let hops = hops.checked_sub(1)?;
        match callee {
            Expression::CallExpression(call) => self
                .maker_at(file, &call.callee, hops)
                .and_then(Maker::called),
            Expression::StaticMemberExpression(member) => {
                let object = self.maker_at(file, &member.object, hops)?;
                let same = match object {
                    // `Writable.perUser.of(..)`.
                    Maker::Cell => {
                        matches!(member.property.name.as_str(), "of" | "for" | "perSpace")
                            || member.property.name.starts_with("per")
                    }
                    // `factory.with(..)`, `factory.inSpace()`.
                    Maker::Instance | Maker::Bound => {
                        matches!(
                            member.property.name.as_str(),
                            "with" | "inSpace" | "asScope"
                        )
                    }
                    _ => false,
                };
                same.then_some(object)
            }
            name @ Expression::Identifier(_) => match self.made_by_name(file, name)? {
                Made::Expression(at, Expression::CallExpression(call)) => self
                    .maker_at(at, &call.callee, hops)
                    .and_then(Maker::called),
                _ => None,
            },
            _ => None,
        }
    }

    /// The expression behind the name of a constant.
    fn made_by_name(&self, file: usize, name: &Expression<'a>) -> Option<Made<'a>> {
        let (origin, None) = self.names.origin_of_expression(self.units, file, name) else {
            return None;
        };
        self.made(&origin)
    }
}
