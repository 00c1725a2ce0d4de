//! Short, typeable names of charms, made from where they came from.

use std::path::Path;

/// `Gmail Importer` and `/x/gmail-importer.tsx` to `gmail-importer`.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 40 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "charm".to_owned()
    } else {
        slug.to_owned()
    }
}

/// A handle from the place a charm came from.
pub(crate) fn handle_of(source: &str) -> String {
    let path = Path::new(source);
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or(source);
    let name = match stem {
        "main" | "index" => path
            .parent()
            .and_then(Path::file_name)
            .and_then(|s| s.to_str()),
        other => Some(other),
    };
    slug(name.unwrap_or(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_come_from_names_and_places() {
        assert_eq!(slug("Gmail Importer!"), "gmail-importer");
        assert_eq!(slug("日本"), "charm");
        assert_eq!(handle_of("/x/weather/main.tsx"), "weather");
        assert_eq!(handle_of("/x/My Charm.tsx"), "my-charm");
        assert!(slug(&"ab ".repeat(100)).len() <= 41);
    }
}
