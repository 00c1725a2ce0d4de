//! Applying patches as the real server does, and where a patch meets a read.
//!
//! Written apart from the client's own patches on purpose, so that the two check
//! each other: here `add` makes missing objects on its way, `replace` sets a
//! missing key, and `remove-by-value` of nothing is nothing.

use charmkeeper_base::cell::Patch;
use charmkeeper_base::cell::document::same;
use charmkeeper_base::cell::pointer::{index, join, split};
use charmkeeper_space::codec;
use serde_json::{Map, Number, Value};

/// Why a patch does not apply, in the real server's words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApplyError(pub(crate) String);

type Done = Result<(), ApplyError>;

fn fail<T>(words: &str, path: &[String]) -> Result<T, ApplyError> {
    Err(ApplyError(format!("{words} {}", join(path))))
}

fn steps(path: &str) -> Result<Vec<String>, ApplyError> {
    split(path).ok_or_else(|| ApplyError(format!("invalid JSON pointer: {path}")))
}

/// Applies patches in order.
pub(crate) fn apply(doc: &mut Value, patches: &[Patch]) -> Done {
    patches.iter().try_for_each(|patch| one(doc, patch))?;
    if doc.is_object() && codec::special(doc).is_none() {
        Ok(())
    } else {
        Err(ApplyError("patched root is not an entity document".into()))
    }
}

fn one(doc: &mut Value, patch: &Patch) -> Done {
    let path = steps(patch.path())?;
    match patch {
        Patch::Replace { value, .. } => replace(doc, &path, value),
        Patch::Add { value, .. } => add(doc, &path, value.clone()),
        Patch::Remove { .. } => remove(doc, &path).map(|_| ()),
        Patch::Move { from, .. } => {
            let from = steps(from)?;
            if from.is_empty() {
                return Err(ApplyError("cannot move the root value".into()));
            }
            if from.len() < path.len() && path.starts_with(&from) {
                let words = "cannot move a value into its own descendant";
                return Err(ApplyError(words.into()));
            }
            let moved = match remove(doc, &from) {
                Err(_) => return fail("missing path", &from),
                Ok(moved) => moved,
            };
            add(doc, &path, moved)
        }
        Patch::Splice {
            index, remove, add, ..
        } => {
            let items = existing_array(doc, &path, "splice")?;
            if *index > items.len() {
                return fail("invalid splice at", &path);
            }
            let end = index.saturating_add(*remove).min(items.len());
            items.splice(*index..end, add.iter().cloned());
            Ok(())
        }
        Patch::Append { values, .. } => {
            array_made(doc, &path, "append")?.extend(values.iter().cloned());
            Ok(())
        }
        Patch::AddUnique { values, .. } => {
            let items = array_made(doc, &path, "add-unique")?;
            for value in values {
                if !items.iter().any(|item| same(item, value)) {
                    items.push(value.clone());
                }
            }
            Ok(())
        }
        Patch::RemoveByValue { value, .. } => {
            if let Some(Value::Array(items)) = walk(doc, &path) {
                items.retain(|item| !same(item, value));
            }
            Ok(())
        }
        Patch::Increment { by, .. } => increment(doc, &path, by),
    }
}

fn walk<'d>(doc: &'d mut Value, path: &[String]) -> Option<&'d mut Value> {
    let mut here = doc;
    for step in path {
        here = match here {
            Value::Array(items) => items.get_mut(index(step)?)?,
            Value::Object(members) => members.get_mut(step)?,
            _ => return None,
        };
    }
    Some(here)
}

fn is_container(value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(_) => codec::special(value).is_none(),
        _ => false,
    }
}

/// The container above the last step.
fn parent<'d, 'p>(
    doc: &'d mut Value,
    path: &'p [String],
) -> Result<(&'d mut Value, &'p str), ApplyError> {
    let Some((last, above)) = path.split_last() else {
        return Err(ApplyError("the root has no parent".into()));
    };
    match walk(doc, above) {
        None => fail("missing path", path),
        Some(found) if !is_container(found) => fail("path is not traversable at", path),
        Some(found) => Ok((found, last)),
    }
}

fn replace(doc: &mut Value, path: &[String], value: &Value) -> Done {
    if path.is_empty() {
        *doc = value.clone();
        return Ok(());
    }
    match parent(doc, path)? {
        (Value::Array(items), step) => {
            match index(step).and_then(|n| items.get_mut(n)) {
                Some(item) => *item = value.clone(),
                None => return fail("missing path", path),
            }
            Ok(())
        }
        (Value::Object(members), step) => {
            members.insert(step.to_owned(), value.clone());
            Ok(())
        }
        _ => fail("path is not traversable at", path),
    }
}

/// Makes the objects that are missing above the last step. An array is never
/// made longer on the way.
fn make_above(doc: &mut Value, path: &[String], last_is_array: bool) -> Done {
    let above = path.split_last().map_or(&[][..], |(_, above)| above);
    let mut here = doc;
    let mut made = false;
    for (at, step) in above.iter().enumerate() {
        if made && (index(step).is_some() || step == "-") {
            return fail("missing path", path);
        }
        here = match here {
            Value::Array(items) => match index(step).and_then(|n| items.get_mut(n)) {
                Some(item) => item,
                None => return fail("missing path", path),
            },
            Value::Object(members) if !is_special(members) => {
                made = made || !members.contains_key(step);
                let next = path.get(at + 1);
                let wants_array = next.is_some_and(|next| index(next).is_some() || next == "-")
                    && at + 1 == above.len()
                    && !last_is_array;
                members.entry(step.clone()).or_insert_with(|| {
                    if wants_array {
                        Value::Array(Vec::new())
                    } else {
                        Value::Object(Map::new())
                    }
                })
            }
            _ => return fail("path is not traversable at", path),
        };
    }
    Ok(())
}

fn is_special(members: &Map<String, Value>) -> bool {
    members.len() == 1
        && members.keys().all(|key| key.starts_with('/'))
        && codec::special(&Value::Object(members.clone())).is_some()
}

fn add(doc: &mut Value, path: &[String], value: Value) -> Done {
    if path.is_empty() {
        *doc = value;
        return Ok(());
    }
    make_above(doc, path, false)?;
    match parent(doc, path)? {
        (Value::Array(items), "-") => items.push(value),
        (Value::Array(items), step) => match index(step) {
            None => return Err(ApplyError(format!("invalid array index: {step}"))),
            Some(n) if n > items.len() => {
                return Err(ApplyError(format!("array index out of bounds: {step}")));
            }
            Some(n) => items.insert(n, value),
        },
        (Value::Object(members), step) => {
            members.insert(step.to_owned(), value);
        }
        _ => return fail("path is not traversable at", path),
    }
    Ok(())
}

fn remove(doc: &mut Value, path: &[String]) -> Result<Value, ApplyError> {
    if path.is_empty() {
        let words = "root remove must be represented as a delete operation";
        return Err(ApplyError(words.into()));
    }
    match parent(doc, path)? {
        (Value::Array(items), step) => match index(step).filter(|n| *n < items.len()) {
            Some(n) => Ok(items.remove(n)),
            None => fail("missing path", path),
        },
        (Value::Object(members), step) => match members.shift_remove(step) {
            Some(gone) => Ok(gone),
            None => fail("missing object key at", path),
        },
        _ => fail("path is not traversable at", path),
    }
}

fn existing_array<'d>(
    doc: &'d mut Value,
    path: &[String],
    op: &str,
) -> Result<&'d mut Vec<Value>, ApplyError> {
    match walk(doc, path) {
        None => fail("missing path", path),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => fail(&format!("{op} target is not an array at"), path),
    }
}

fn array_made<'d>(
    doc: &'d mut Value,
    path: &[String],
    op: &str,
) -> Result<&'d mut Vec<Value>, ApplyError> {
    if walk(doc, path).is_none() {
        make_above(doc, path, true)?;
        add(doc, path, Value::Array(Vec::new()))?;
    }
    existing_array(doc, path, op)
}

fn increment(doc: &mut Value, path: &[String], by: &Number) -> Done {
    if path.is_empty() {
        return Err(ApplyError("increment requires a non-root path".into()));
    }
    let by = by.as_f64().filter(|by| by.is_finite() && *by != 0.0);
    let Some(by) = by else {
        return fail("increment requires a finite non-zero amount at", path);
    };
    let now = match walk(doc, path) {
        None => 0.0,
        Some(Value::Number(now)) => now.as_f64().unwrap_or(0.0),
        Some(_) => return fail("increment target is not a number at", path),
    };
    let Some(sum) = number(now + by) else {
        return fail("increment result is not finite at", path);
    };
    if walk(doc, path).is_some() {
        replace(doc, path, &sum)
    } else {
        add(doc, path, sum)
    }
}

/// Whole numbers without a fraction, as JavaScript writes them.
fn number(value: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        #[allow(clippy::cast_possible_truncation)] // checked above
        return Some(Value::from(value as i64));
    }
    Number::from_f64(value).map(Value::Number)
}

/// Whether a patch changed what a read of `read` saw. A read that is not
/// `recursive` saw only which keys there are.
pub(crate) fn meets(patch: &Patch, read: &[String], recursive: bool) -> bool {
    let mut touched: Vec<Vec<String>> = split(patch.path()).into_iter().collect();
    if let Patch::Move { from, .. } = patch {
        touched.extend(split(from));
    }
    if recursive {
        return touched
            .iter()
            .any(|path| path.starts_with(read) || read.starts_with(path));
    }
    let structural = matches!(
        patch,
        Patch::Add { .. } | Patch::Remove { .. } | Patch::Move { .. }
    );
    touched.iter().any(|path| {
        let above = path.split_last().map_or(&[][..], |(_, above)| above);
        read.starts_with(path) || (structural && read.starts_with(above))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(doc: Value, wire: Value) -> Result<Value, String> {
        let patch: Patch = serde_json::from_value(wire).unwrap();
        let mut doc = doc;
        apply(&mut doc, &[patch]).map(|()| doc).map_err(|e| e.0)
    }

    #[test]
    fn patches_do_what_the_real_server_does() {
        let doc = || json!({"value": {"n": 1, "list": [1, 2, 1]}});
        let cases = [
            (
                json!({"op":"replace","path":"/value/new","value":2}),
                Ok(json!({"value":{"n":1,"list":[1,2,1],"new":2}})),
            ),
            (
                json!({"op":"add","path":"/value/a/b","value":2}),
                Ok(json!({"value":{"n":1,"list":[1,2,1],"a":{"b":2}}})),
            ),
            (
                json!({"op":"append","path":"/value/a/b","values":[2]}),
                Ok(json!({"value":{"n":1,"list":[1,2,1],"a":{"b":[2]}}})),
            ),
            (
                json!({"op":"increment","path":"/value/m","by":2}),
                Ok(json!({"value":{"n":1,"list":[1,2,1],"m":2}})),
            ),
            (
                json!({"op":"remove-by-value","path":"/value/list","value":1.0}),
                Ok(json!({"value":{"n":1,"list":[2]}})),
            ),
            (
                json!({"op":"remove-by-value","path":"/value/nope","value":1}),
                Ok(doc()),
            ),
            (
                json!({"op":"splice","path":"/value/list","index":1,"remove":9,"add":[]}),
                Ok(json!({"value":{"n":1,"list":[1]}})),
            ),
            (
                json!({"op":"remove","path":"/value/nope"}),
                Err("missing object key at /value/nope"),
            ),
            (
                json!({"op":"remove","path":"/value/nope/x"}),
                Err("missing path /value/nope/x"),
            ),
            (
                json!({"op":"add","path":"/value/list/9","value":0}),
                Err("array index out of bounds: 9"),
            ),
            (
                json!({"op":"append","path":"/value/n","values":[0]}),
                Err("append target is not an array at /value/n"),
            ),
            (
                json!({"op":"increment","path":"/value/list","by":1}),
                Err("increment target is not a number at /value/list"),
            ),
            (
                json!({"op":"replace","path":"","value":5}),
                Err("patched root is not an entity document"),
            ),
        ];
        for (wire, expected) in cases {
            let expected = expected.map_err(str::to_owned);
            assert_eq!(run(doc(), wire.clone()), expected, "{wire}");
        }
    }

    #[test]
    fn a_patch_meets_reads_above_and_below_it_only() {
        let path = |steps: &[&str]| steps.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let patch = |wire: Value| serde_json::from_value::<Patch>(wire).unwrap();
        let add = patch(json!({"op":"add","path":"/value/a/b","value":1}));
        assert!(meets(&add, &path(&["value"]), true));
        assert!(meets(&add, &path(&["value", "a", "b", "c"]), true));
        assert!(!meets(&add, &path(&["value", "a", "c"]), true));
        assert!(meets(&add, &path(&["value", "a"]), false), "a key came");
        let set = patch(json!({"op":"replace","path":"/value/a/b","value":1}));
        assert!(
            !meets(&set, &path(&["value", "a"]), false),
            "the keys stayed"
        );
    }
}
