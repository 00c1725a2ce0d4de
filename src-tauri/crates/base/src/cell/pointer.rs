//! JSON pointers (RFC 6901), the paths in patches.
//!
//! Owns splitting, joining and looking up. Never changes a value.

use serde_json::Value;

/// The steps of a pointer; `None` when it is not one. `""` is the whole value.
#[must_use]
pub fn split(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let steps = pointer.strip_prefix('/')?;
    steps.split('/').map(unescape).collect()
}

/// The pointer made of `steps`.
#[must_use]
pub fn join<S: AsRef<str>>(steps: impl IntoIterator<Item = S>) -> String {
    let mut pointer = String::new();
    for step in steps {
        push(&mut pointer, step.as_ref());
    }
    pointer
}

/// Appends one step to a pointer.
pub fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    for c in step.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// The part of `value` that `steps` lead to; `None` when it is not there.
#[must_use]
pub fn get<S: AsRef<str>>(value: &Value, steps: impl IntoIterator<Item = S>) -> Option<&Value> {
    let mut here = value;
    for step in steps {
        here = match here {
            Value::Object(members) => members.get(step.as_ref())?,
            Value::Array(items) => items.get(index(step.as_ref())?)?,
            _ => return None,
        };
    }
    Some(here)
}

/// A position in an array: decimal digits without leading zeros.
#[must_use]
pub fn index(step: &str) -> Option<usize> {
    let canonical = step == "0" || !step.starts_with(['0', '+']);
    step.parse().ok().filter(|_| canonical)
}

fn unescape(step: &str) -> Option<String> {
    if !step.contains('~') {
        return Some(step.to_owned());
    }
    let mut text = String::with_capacity(step.len());
    let mut chars = step.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_with_slashes_and_tildes_survive() {
        let steps = ["value", "a/b", "~1", "", "0"];
        let pointer = join(steps);
        assert_eq!(pointer, "/value/a~1b/~01//0");
        assert_eq!(split(&pointer).unwrap(), steps);
        assert_eq!(split("").unwrap(), Vec::<String>::new());
        for bad in ["value", "/a~", "/a~2"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    #[test]
    fn lookup_takes_only_canonical_positions() {
        let doc = json!({ "value": [10, { "": 20 }] });
        assert_eq!(get(&doc, ["value", "1", ""]), Some(&json!(20)));
        for step in ["01", "+1", "-1", "2", "1.0", "", " 1"] {
            assert_eq!(get(&doc, ["value", step]), None, "{step}");
        }
        assert_eq!(get(&doc, ["value", "0", "x"]), None);
    }
}
