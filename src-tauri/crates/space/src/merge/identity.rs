//! What makes an array element the same element in two versions of an array.

use std::collections::HashMap;

use charmkeeper_base::cell::hash;
use charmkeeper_base::cell::link::Link;
use serde_json::Value;

use super::Identity;

/// The identity of each element, unique within the array: the second of two
/// equal elements is another one than the first.
pub(super) fn of_all(items: &[Value]) -> Vec<Identity> {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(items.len());
    items
        .iter()
        .map(|item| {
            let name = of(item);
            let count = seen.entry(name.clone()).or_insert(0);
            *count += 1;
            match *count {
                1 => Identity(name),
                nth => Identity(format!("{name}#{nth}")),
            }
        })
        .collect()
}

fn of(item: &Value) -> String {
    if let Some(link) = Link::from_value(item) {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        return format!(
            "link:{}:{}:{}",
            part(&link.space),
            part(&link.id),
            link.path.join("/")
        );
    }
    match item.get("id") {
        Some(Value::String(id)) => format!("id:{id}"),
        Some(Value::Number(id)) => format!("id:{id}"),
        _ => format!("value:{}", hash::fid(item)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn links_objects_with_an_id_and_plain_values_are_told_apart() {
        let link = |id: &str| Link::to(id).to_value();
        let items = [
            link("of:a"),
            link("of:b"),
            link("of:a"),
            json!({"id": "m1", "subject": "x"}),
            json!({"id": "m1", "subject": "y"}),
            json!({"id": 1}),
            json!("a"),
            json!("a"),
            json!({"n": 1}),
        ];
        let all = of_all(&items);
        let unique: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(unique.len(), items.len(), "{all:?}");
        // The content of an object with an id is not part of what it is.
        let other = of_all(&[json!({"subject": "z", "id": "m1"})]);
        assert_eq!(other[0], all[3]);
    }
}
