//! Text of a submission as HTML: escaped, and nothing in it hidden.

use crate::text::escape;

/// One line of text.
pub(super) fn content(text: &str) -> String {
    let text = text.replace("\r\n", " ").replace(['\n', '\t'], " ");
    escape::xml(&escape::line(&text))
}

/// One line of prose in which words between backticks are code.
pub(super) fn prose(text: &str) -> String {
    let text = content(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, after)) = after.split_once('`') else {
            break;
        };
        out.push_str(before);
        if code.is_empty() {
            out.push_str("``");
        } else {
            out.push_str(&format!("<code>{code}</code>"));
        }
        rest = after;
    }
    out + rest
}

/// Several lines, as they are.
pub(super) fn block(text: &str) -> String {
    escape::xml(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_between_backticks_are_code() {
        assert_eq!(prose("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
        assert_eq!(prose("`a` `b"), "<code>a</code> `b");
        assert_eq!(prose("``\nx"), "`` x");
    }
}
