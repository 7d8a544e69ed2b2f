//! The chapter that is being made, as a directive sees it.

use crate::site::Site;

/// What renders the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renderer {
    /// mdBook's own HTML.
    Html,
    /// Anything else: it gets Markdown without HTML.
    Markdown,
}

/// A chapter.
pub(crate) struct Page<'a> {
    pub(crate) site: &'a Site,
    pub(crate) renderer: Renderer,
    /// The chapter's file, from the folder of the chapters.
    path: &'a str,
    /// The level of the heading under which the directive stands; 0 before the first.
    pub(crate) heading: usize,
    ids: usize,
}

impl<'a> Page<'a> {
    pub(crate) fn new(site: &'a Site, renderer: Renderer, path: Option<&'a str>) -> Self {
        Self {
            site,
            renderer,
            path: path.unwrap_or_default(),
            heading: 0,
            ids: 0,
        }
    }

    pub(crate) fn is_html(&self) -> bool {
        self.renderer == Renderer::Html
    }

    /// The level of a heading of the directive's own.
    pub(crate) fn next_heading(&self) -> usize {
        (self.heading + 1).clamp(2, 6)
    }

    /// A name for a part of the page that no other part has, not even where all chapters are on one page.
    pub(crate) fn id(&mut self, what: &str) -> String {
        self.ids += 1;
        let chapter: String = self
            .path
            .trim_end_matches(".md")
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        format!("{what}-{chapter}-{}", self.ids)
    }

    /// The way from here to an anchor of another chapter: to its page, or to its file where there is no HTML.
    pub(crate) fn link(&self, chapter: &str, anchor: &str) -> String {
        let up = "../".repeat(self.path.matches('/').count());
        if chapter == self.path {
            return format!("#{anchor}");
        }
        if !self.is_html() {
            return format!("{up}{chapter}#{anchor}");
        }
        let page = chapter.trim_end_matches(".md");
        let page = match page.strip_suffix("README") {
            Some(folder) => format!("{folder}index"),
            None => page.to_owned(),
        };
        format!("{up}{page}.html#{anchor}")
    }

    /// The way from here to a check's page in the book, if a chapter has it.
    pub(crate) fn check_link(&self, id: &str) -> Option<String> {
        let chapter = self.site.check_chapter(id)?;
        Some(self.link(chapter, id))
    }

    /// A check's id as a link to its page, as HTML.
    pub(crate) fn check_name(&self, id: &str) -> String {
        match self.check_link(id) {
            Some(link) => format!("<a href=\"{link}\"><code>{id}</code></a>"),
            None => format!("<code>{id}</code>"),
        }
    }

    /// A check's id as a link to its page, as Markdown.
    pub(crate) fn check_word(&self, id: &str) -> String {
        match self.check_link(id) {
            Some(link) => format!("[`{id}`]({link})"),
            None => format!("`{id}`"),
        }
    }
}
