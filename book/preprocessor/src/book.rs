//! mdBook's JSON, as 0.4 and 0.5 send it.
//!
//! The two differ in one word: a book's chapters are its `sections` in 0.4 and its `items` in 0.5. mdBook's own crate
//! reads the one that it was released with, so that this reads the JSON itself. What it does not know, it hands back as
//! it came.

use serde_json::Value;

use crate::fault::Error;

/// A chapter as far as a preprocessor looks at it.
pub(crate) struct Chapter<'a> {
    pub(crate) name: &'a str,
    /// Its file, from the folder of the chapters; a draft has none.
    pub(crate) path: Option<&'a str>,
    pub(crate) content: &'a str,
}

/// Context and book.
pub(crate) fn read(input: &str) -> Result<(Value, Value), Error> {
    let value: Value = serde_json::from_str(input).map_err(|e| Error::Input(e.to_string()))?;
    let Value::Array(pair) = value else {
        return Err(Error::Input("it is no pair of context and book".into()));
    };
    match <[Value; 2]>::try_from(pair) {
        Ok([context, book]) if context.is_object() && book.is_object() => Ok((context, book)),
        _ => Err(Error::Input("it is no pair of context and book".into())),
    }
}

fn key(book: &Value) -> Result<&'static str, Error> {
    let known = ["items", "sections"];
    let key = known
        .into_iter()
        .find(|k| book.get(k).is_some_and(Value::is_array));
    key.ok_or_else(|| Error::Input("the book has neither `items` nor `sections`".into()))
}

/// Every chapter, in the book's order.
pub(crate) fn chapters(book: &Value) -> Result<Vec<Chapter<'_>>, Error> {
    fn collect<'a>(items: &'a Value, out: &mut Vec<Chapter<'a>>) {
        for item in items.as_array().into_iter().flatten() {
            let Some(fields) = item.get("Chapter") else {
                continue;
            };
            out.push(chapter(fields));
            collect(&fields["sub_items"], out);
        }
    }
    let mut out = Vec::new();
    collect(&book[key(book)?], &mut out);
    Ok(out)
}

/// Gives every chapter, in the order of [`chapters`], its new content.
pub(crate) fn renew(
    book: &mut Value,
    contents: impl IntoIterator<Item = String>,
) -> Result<(), Error> {
    fn walk(items: &mut Value, contents: &mut dyn Iterator<Item = String>) {
        for item in items.as_array_mut().into_iter().flatten() {
            let Some(fields) = item.get_mut("Chapter") else {
                continue;
            };
            let content = contents.next();
            if let (Some(old @ Value::String(_)), Some(new)) = (fields.get_mut("content"), content)
            {
                *old = Value::String(new);
            }
            if let Some(inner) = fields.get_mut("sub_items") {
                walk(inner, contents);
            }
        }
    }
    let key = key(book)?;
    walk(&mut book[key], &mut contents.into_iter());
    Ok(())
}

fn chapter(fields: &Value) -> Chapter<'_> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    Chapter {
        name: text("name").unwrap_or_default(),
        // 0.4's `index` preprocessor changes `path`, and leaves `source_path`.
        path: text("source_path").or_else(|| text("path")),
        content: text("content").unwrap_or_default(),
    }
}
