//! Gmail's preview of a message: one line of text with HTML entities.

/// Characters of a preview before it is cut at a word.
const LENGTH: usize = 190;

/// The preview of a plain text.
pub(crate) fn of_text(text: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let n = word.chars().count();
        if length > 0 && length + n + 1 > LENGTH {
            break;
        }
        if length > 0 {
            out.push(' ');
        }
        out.extend(word.chars().take(LENGTH));
        length += n + 1;
    }
    escape(&out)
}

/// The five characters that Gmail writes as entities.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// The readable text of HTML, roughly: without tags, styles and scripts.
pub(crate) fn strip_html(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((text, tail)) = rest.split_once('<') {
        out.push_str(text);
        let hidden = ["style", "script", "title"].into_iter().find(|t| {
            tail.get(..t.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(t))
        });
        let end = hidden.map_or(0, |t| tail.find(&format!("</{t}")).unwrap_or(0));
        out.push(' ');
        rest = tail[end..].split_once('>').map_or("", |(_, after)| after);
        if end > 0 {
            // What was found is `</tag`, so that its own `>` is behind us now.
            continue;
        }
    }
    out.push_str(rest);
    out.replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_one_escaped_line_cut_at_a_word() {
        assert_eq!(
            of_text("a\r\n\r\n  b <c> & \"d\" 'e'"),
            "a b &lt;c&gt; &amp; &quot;d&quot; &#39;e&#39;"
        );
        let long = of_text(&"word ".repeat(100));
        assert!(long.ends_with("word") && long.len() <= LENGTH, "{long}");
        assert_eq!(of_text(&"字".repeat(500)).chars().count(), LENGTH);
    }

    #[test]
    fn html_loses_tags_and_styles_and_keeps_its_text() {
        let html = "<style>p{color:red}</style><p>1 &lt; 2 &amp; <b>so</b></p>unclosed <b";
        let text: Vec<_> = strip_html(html)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(text, ["1", "<", "2", "&", "so", "unclosed"]);
    }
}
