//! The pages a person sees in the browser when the sign-in comes back.
//!
//! Owns: their words and their look, in one self-contained document for dark
//! and light. Never contains anything that is not escaped, and no script.

/// One page: what happened, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    heading: String,
    text: Vec<String>,
}

impl Page {
    /// A page with a heading and one paragraph per text, all plain text.
    pub fn new(heading: impl Into<String>, text: impl IntoIterator<Item = String>) -> Self {
        Self {
            heading: heading.into(),
            text: text.into_iter().collect(),
        }
    }

    pub(super) fn waiting() -> Self {
        Self::of(
            "Waiting for the sign-in",
            "Finish signing in on Google’s page in this browser.",
        )
    }

    pub(super) fn already_received() -> Self {
        Self::of(
            "This sign-in has already arrived",
            "You can close this tab and go back to Charmkeeper.",
        )
    }

    pub(super) fn not_ours() -> Self {
        Self::of(
            "This page does not belong to the current sign-in",
            "Close this tab. If you meant to connect an account, start again in Charmkeeper.",
        )
    }

    pub(super) fn nothing_here() -> Self {
        Self::of(
            "Nothing here",
            "This address only receives a sign-in for Charmkeeper.",
        )
    }

    fn of(heading: &str, text: &str) -> Self {
        Self::new(heading, [text.to_owned()])
    }

    pub(super) fn html(&self) -> String {
        let heading = escape(&self.heading);
        let text: String = self
            .text
            .iter()
            .map(|t| format!("<p>{}</p>\n", escape(t)))
            .collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <link rel=\"icon\" href=\"data:,\">\n\
             <title>{heading} – Charmkeeper</title>\n<style>{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{heading}</h1>\n{text}</main>\n</body>\n</html>\n"
        )
    }
}

/// System colours follow the person's light, dark and high-contrast settings.
const STYLE: &str = ":root{color-scheme:light dark;font:1.125rem/1.5 system-ui,sans-serif}\
    body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;\
    color:CanvasText}main{max-width:34rem;padding:2rem}h1{font-size:1.5rem;line-height:1.25;\
    margin:0 0 1rem}p{margin:0 0 .75rem}";

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let page = Page::new("<script>", ["\"><img onerror='x'>&\u{0}".to_owned()]);
        let html = page.html();
        assert!(
            !html.contains("<script") && !html.contains("<img"),
            "{html}"
        );
        assert!(html.contains("&lt;script&gt;"));
        assert!(html.contains("&quot;&gt;&lt;img onerror=&#39;x&#39;&gt;&amp; "));
    }

    #[test]
    fn a_page_has_a_language_a_title_one_heading_and_no_script() {
        let html = Page::waiting().html();
        for part in [
            "<html lang=\"en\">",
            "<title>Waiting",
            "<main>",
            "light dark",
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert_eq!(html.matches("<h1>").count(), 1);
        assert!(!html.contains("<script"));
    }
}
