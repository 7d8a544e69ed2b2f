//! What a terminal shows, as HTML: colours by the words that the escape sequences stand for.

use crate::html;

/// Text with ANSI colours as one `<span>` a line. Sequences that are no colours are left out.
pub(crate) fn html(text: &str) -> String {
    let mut out = String::new();
    let mut tones: Vec<&str> = Vec::new();
    for line in text.lines() {
        out.push_str("<span class=\"mslab-line\">");
        let mut rest = line;
        while let Some(at) = rest.find('\u{1b}') {
            piece(&mut out, &tones, &rest[..at]);
            let code = &rest[at + 1..];
            let end = code
                .find(|c: char| c.is_ascii_alphabetic())
                .unwrap_or(code.len());
            let numbers = code[..end].trim_start_matches('[');
            if code[end..].starts_with('m') {
                for number in numbers.split(';') {
                    match tone(number) {
                        Some(tone) => tones.push(tone),
                        None => tones.clear(),
                    }
                }
            }
            rest = code.get(end + 1..).unwrap_or_default();
        }
        piece(&mut out, &tones, rest);
        out.push_str("</span>\n");
    }
    out
}

/// The class that a sequence stands for; none for the end of all.
fn tone(number: &str) -> Option<&'static str> {
    match number {
        "1" => Some("t-strong"),
        "2" => Some("t-quiet"),
        "31" => Some("t-red"),
        "32" => Some("t-green"),
        "33" => Some("t-yellow"),
        "36" => Some("t-cyan"),
        _ => None,
    }
}

fn piece(out: &mut String, tones: &[&str], text: &str) {
    if text.is_empty() {
        return;
    }
    let shown = html::text(text);
    if tones.is_empty() {
        out.push_str(&shown);
    } else {
        out.push_str(&format!(
            "<span class=\"{}\">{shown}</span>",
            tones.join(" ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn colours_become_classes() {
        assert_eq!(
            html("\u{1b}[1m\u{1b}[31m✗ a\u{1b}[0m <b>\n\n"),
            "<span class=\"mslab-line\"><span class=\"t-strong t-red\">✗ a</span> &lt;b&gt;</span>\n\
             <span class=\"mslab-line\"></span>\n"
        );
    }
}
