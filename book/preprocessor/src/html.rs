//! HTML that survives Markdown: escaped, and without an empty line, which would end it.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Text as HTML content or as an attribute's value. What cannot be seen is shown.
pub(crate) fn text(text: &str) -> String {
    let text = mslab_core::text::escape::block(text);
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// One line of prose in which words between backticks are code.
pub(crate) fn prose(line: &str) -> String {
    if line.matches('`').count() % 2 == 1 {
        return text(line);
    }
    let mut out = String::new();
    for (n, part) in line.split('`').enumerate() {
        if n % 2 == 1 {
            out.push_str(&format!("<code>{}</code>", text(part)));
        } else {
            out.push_str(&text(part));
        }
    }
    out
}

/// Markdown as HTML. Its headings are moved so that its highest is of level `heading`, and have no anchors.
pub(crate) fn markdown(source: &str, heading: usize) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut events: Vec<Event<'_>> = Parser::new_ext(source, options).collect();
    let highest = events.iter().filter_map(|e| match e {
        Event::Start(Tag::Heading { level, .. }) => Some(*level as usize),
        _ => None,
    });
    let shift = heading as isize - highest.min().unwrap_or(1) as isize;
    let moved = |level: HeadingLevel| level_of((level as isize + shift).clamp(1, 6) as usize);
    for event in &mut events {
        match event {
            Event::Start(Tag::Heading { level, .. }) | Event::End(TagEnd::Heading(level)) => {
                *level = moved(*level);
            }
            // The author's text is text: no tags of their own.
            Event::Html(raw) | Event::InlineHtml(raw) => *event = Event::Text(raw.clone()),
            Event::SoftBreak => *event = Event::Text(CowStr::Borrowed(" ")),
            _ => {}
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, events.into_iter());
    whole(&out)
}

/// Markdown of one paragraph, without the paragraph.
pub(crate) fn inline(source: &str) -> String {
    let shown = markdown(source, 1);
    let shown = shown.trim();
    match shown
        .strip_prefix("<p>")
        .and_then(|s| s.strip_suffix("</p>"))
    {
        Some(inner) if !inner.contains("<p>") => inner.to_owned(),
        _ => shown.to_owned(),
    }
}

fn level_of(level: usize) -> HeadingLevel {
    HeadingLevel::try_from(level).unwrap_or(HeadingLevel::H6)
}

/// HTML without an empty line: Markdown would take one for the end of it. In `<pre>` a line end stands for each.
pub(crate) fn whole(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('\n') {
        out.push_str(&rest[..at]);
        let blank = rest[at + 1..]
            .split('\n')
            .next()
            .is_some_and(|l| l.trim().is_empty());
        let last = rest[at + 1..].trim().is_empty();
        out.push_str(if blank && !last { "&#10;" } else { "\n" });
        rest = &rest[at + 1..];
        if last {
            break;
        }
    }
    if !rest.trim().is_empty() {
        out.push_str(rest);
    }
    out
}

/// `1 point`, `2 points`
pub(crate) fn plural(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_empty_line_is_left() {
        assert_eq!(
            whole("<pre>a\n\n\nb</pre>\n\n"),
            "<pre>a&#10;&#10;\nb</pre>\n"
        );
        assert_eq!(
            markdown("# T\n\n```sh\na\n\nb\n```\n", 4),
            "<h4>T</h4>\n<pre><code class=\"language-sh\">a&#10;\nb\n</code></pre>\n"
        );
    }

    #[test]
    fn tags_in_a_task_are_text() {
        assert_eq!(
            inline("a <b>c</b> `d`"),
            "a &lt;b&gt;c&lt;/b&gt; <code>d</code>"
        );
        assert_eq!(prose("x `<y>` z"), "x <code>&lt;y&gt;</code> z");
    }
}
