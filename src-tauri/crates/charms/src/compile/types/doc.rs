//! Documentation comments: tags and description.
//!
//! A tag is `#` and what follows it of letters, marks, digits and underscores;
//! anything else, a hyphen included, ends it. The reference finds tags in the
//! same way, anywhere in the comment, and compares them in lower case
//! (<https://github.com/commontoolsinc/labs>, packages/utils/src/hashtags.ts).

use oxc_syntax::identifier::is_identifier_part_unicode;
use serde::{Deserialize, Serialize};

/// What a documentation comment says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::compile) struct Doc {
    /// Tags without `#`, as written, in order, none twice (case aside).
    pub(in crate::compile) tags: Vec<String>,
    /// The first sentence, without tags at its end.
    pub(in crate::compile) description: Option<String>,
}

impl Doc {
    /// Reads the inside of a comment, without its delimiters.
    pub(in crate::compile) fn parse(content: &str) -> Self {
        let text = content
            .lines()
            .map(|line| {
                let line = line.trim();
                line.strip_prefix('*').unwrap_or(line).trim()
            })
            .collect::<Vec<_>>()
            .join("\n");
        Self {
            tags: tags(&text),
            description: description(&text),
        }
    }

    pub(in crate::compile) fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.description.is_none()
    }
}

fn tags(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split('#').skip(1) {
        let tag: String = piece.chars().take_while(|c| in_tag(*c)).collect();
        let seen = found
            .iter()
            .any(|known| known.to_lowercase() == tag.to_lowercase());
        if !tag.is_empty() && !seen {
            found.push(tag);
        }
    }
    found
}

/// Letters, marks, numbers and the underscore. Rust's `char` knows letters and
/// numbers; combining marks are what may continue an identifier besides those,
/// less the connecting and middle dots that Unicode also allows there.
fn in_tag(c: char) -> bool {
    if c.is_ascii() {
        return c == '_' || c.is_ascii_alphanumeric();
    }
    let connects = matches!(
        c,
        '\u{b7}'
            | '\u{387}'
            | '\u{200c}'
            | '\u{200d}'
            | '\u{203f}'
            | '\u{2040}'
            | '\u{2054}'
            | '\u{30fb}'
            | '\u{fe33}'
            | '\u{fe34}'
            | '\u{fe4d}'..='\u{fe4f}' | '\u{ff3f}' | '\u{ff65}'
    );
    // Circled letters count as alphabetic but are symbols.
    let symbol = matches!(c, '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}');
    let enclosing = matches!(c, '\u{488}' | '\u{489}' | '\u{1abe}' | '\u{20dd}'..='\u{20e0}'
        | '\u{20e2}'..='\u{20e4}' | '\u{a670}'..='\u{a672}');
    !connects && !symbol && (enclosing || c.is_alphanumeric() || is_identifier_part_unicode(c))
}

fn description(text: &str) -> Option<String> {
    let paragraph: Vec<&str> = text
        .lines()
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty() && !line.starts_with('@'))
        .collect();
    let paragraph = paragraph.join(" ");
    let end = paragraph
        .char_indices()
        .find(|(i, c)| {
            let after = paragraph[i + c.len_utf8()..].chars().next();
            matches!(c, '.' | '!' | '?') && after.is_none_or(char::is_whitespace)
        })
        .map_or(paragraph.len(), |(i, c)| i + c.len_utf8());
    let mut sentence = paragraph[..end].trim();
    // Tags at the end are labels, not words of the sentence.
    while let Some((before, last)) = sentence.rsplit_once(char::is_whitespace) {
        if !last.starts_with('#') {
            break;
        }
        sentence = before.trim_end();
    }
    let only_tag = sentence.starts_with('#') && !sentence.contains(char::is_whitespace);
    (!sentence.is_empty() && !only_tag).then(|| sentence.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(content: &str) -> (Vec<String>, Option<String>) {
        let d = Doc::parse(content);
        (d.tags, d.description)
    }

    #[test]
    fn a_tag_is_kept_as_written_and_ends_at_a_hyphen() {
        let (tags, text) = doc("* Google sign-in. #googleAuth ");
        assert_eq!(tags, ["googleAuth"]);
        assert_eq!(text.as_deref(), Some("Google sign-in."));
        assert_eq!(doc("* #googleAuth-personal").0, ["googleAuth"]);
        assert_eq!(doc("* #a #A #b_2, #c.").0, ["a", "b_2", "c"]);
    }

    #[test]
    fn tags_of_other_scripts_and_marks_are_whole() {
        assert_eq!(
            doc("* #caf\u{e9} #cafe\u{301}x #\u{65e5}\u{672c} #\u{43f}_1").0,
            ["caf\u{e9}", "cafe\u{301}x", "\u{65e5}\u{672c}", "\u{43f}_1"]
        );
        assert_eq!(
            doc("* #a\u{203f}b #x\u{200d}y #q\u{24b6}").0,
            ["a", "x", "q"]
        );
        assert_eq!(doc("* # #- ##x").0, ["x"]);
    }

    #[test]
    fn the_description_is_the_first_sentence_of_the_first_paragraph() {
        let (tags, text) = doc(
            "*\n * Reads v1.2 mail\n * and sorts it. Then more.\n *\n * Rest #mail\n * @since 1\n ",
        );
        assert_eq!(text.as_deref(), Some("Reads v1.2 mail and sorts it."));
        assert_eq!(tags, ["mail"]);
        assert_eq!(
            doc("* An importer #gmail #mail ").1.as_deref(),
            Some("An importer")
        );
        assert_eq!(doc("* #gmail ").1, None);
        assert_eq!(doc("* @deprecated").1, None);
        assert_eq!(doc("").1, None);
    }
}
