//! Methods of cells and of lists, by what the rewriting has to know of them.

/// Methods of cells that give or take a link; on a reactive name they are meant
/// for the cell, not for its value.
pub(super) const LINK_METHODS: [&str; 26] = [
    "addUnique",
    "asSchema",
    "elementById",
    "equalLinks",
    "equals",
    "filterWithPattern",
    "flatMapWithPattern",
    "for",
    "get",
    "getAsNormalizedFullLink",
    "increment",
    "key",
    "mapWithPattern",
    "push",
    "remove",
    "removeAll",
    "removeByValue",
    "resolveAsCell",
    "sample",
    "send",
    "set",
    "sink",
    "sync",
    "toJSON",
    "update",
    "withTx",
];

/// Those among them that read: their result is a plain value.
pub(super) const READ_METHODS: [&str; 5] = [
    "equalLinks",
    "equals",
    "get",
    "getAsNormalizedFullLink",
    "sample",
];

/// Those that give a cell.
pub(super) const CELL_METHODS: [&str; 6] = [
    "asSchema",
    "elementById",
    "for",
    "key",
    "resolveAsCell",
    "withTx",
];

/// Methods of lists whose callback builds one thing per element.
pub(super) const LIST_METHODS: [&str; 2] = ["flatMap", "map"];

/// Methods of lists whose callback is asked about each element.
pub(super) const TEST_METHODS: [&str; 7] = [
    "every",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "some",
];
