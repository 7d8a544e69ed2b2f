//! How stand-ins are made: the recipes in the binary.

use mslab_core::lab::{Folder, FolderFile, digest};
use serde::Deserialize;

use crate::carried;
use crate::failure::{Failure, Result};

/// `stand-ins.toml`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Recipes {
    #[serde(rename = "schema")]
    _schema: u32,
    /// What local names begin with.
    pub(crate) prefix: String,
    /// Where it all begins.
    pub(crate) bootstrap: Bootstrap,
    /// The stand-ins, in an order in which what one needs stands before it.
    #[serde(rename = "image")]
    pub(crate) images: Vec<Recipe>,
    /// All their files.
    #[serde(skip)]
    pub(super) files: Folder,
}

/// The first image's filesystem, made on this machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bootstrap {
    /// The program that writes it, in the recipes' folder.
    pub(crate) script: String,
    /// What it is imported as.
    pub(crate) image: String,
}

/// One stand-in.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Recipe {
    /// The references it answers to; the first is what other recipes name.
    pub(crate) of: Vec<String>,
    /// Its build context.
    pub(crate) folder: String,
    /// The stage to build, where the folder makes several.
    #[serde(default)]
    pub(crate) target: Option<String>,
    /// What must have been built before, by first reference.
    pub(crate) needs: Vec<String>,
    /// `labs`, or `self` for what is built only when asked for.
    pub(crate) group: String,
    /// What it consists of, for the label and for people.
    pub(crate) made_of: String,
}

impl Recipes {
    /// The recipes in the binary.
    pub(crate) fn carried() -> Result<Self> {
        let files = carried::stand_ins();
        let broken = || Failure::usage("the stand-ins' recipes are broken");
        let file = files.get("stand-ins.toml").ok_or_else(broken)?;
        let text = String::from_utf8_lossy(&file.bytes);
        let mut recipes: Self = toml::from_str(&text).map_err(|e| broken().because(&e))?;
        recipes.files = files;
        Ok(recipes)
    }

    /// What tells a recipe from what it was before: of its files and of those of all that it needs.
    pub(super) fn digest(&self, recipe: &Recipe) -> String {
        let all = self.in_order(&[recipe]);
        let is_of = |path: &str| all.iter().any(|r| within(path, &r.folder).is_some());
        let files = self.files.iter().filter(|(path, _)| is_of(path));
        let target = recipe.target.as_deref().unwrap_or_default();
        format!("{target}@{}", digest(files))
    }

    /// The same of the script that everything begins with.
    pub(super) fn bootstrap_digest(&self) -> String {
        digest(self.files.get_key_value(&self.bootstrap.script))
    }

    /// The files of a recipe's folder.
    pub(super) fn context(&self, recipe: &Recipe) -> Folder {
        let inside = |(path, file): (&String, &FolderFile)| {
            Some((within(path, &recipe.folder)?.to_owned(), file.clone()))
        };
        self.files.iter().filter_map(inside).collect()
    }

    /// The recipe for a reference.
    pub(crate) fn find(&self, reference: &str) -> Option<&Recipe> {
        self.images
            .iter()
            .find(|r| r.of.iter().any(|of| of == reference))
    }

    /// `wanted`, and before each what it needs.
    pub(crate) fn in_order<'a>(&'a self, wanted: &[&'a Recipe]) -> Vec<&'a Recipe> {
        let mut names: Vec<&str> = wanted
            .iter()
            .flat_map(|r| r.of.iter().map(String::as_str))
            .collect();
        // What is needed stands before in the file: one pass from the end finds it all.
        for recipe in self.images.iter().rev() {
            if recipe.of.iter().any(|of| names.contains(&of.as_str())) {
                names.extend(recipe.needs.iter().map(String::as_str));
            }
        }
        self.images
            .iter()
            .filter(|r| r.of.iter().any(|of| names.contains(&of.as_str())))
            .collect()
    }
}

/// A path as seen from `folder`, if it is in there.
fn within<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recipe_needs_is_built_before_it() {
        let recipes = Recipes::carried().unwrap();
        let wanted = recipes.find("node:24-alpine").unwrap();
        let order: Vec<&str> = recipes
            .in_order(&[wanted])
            .iter()
            .map(|r| r.of[0].as_str())
            .collect();
        assert_eq!(order.last(), Some(&"node:24-alpine"));
        for recipe in &recipes.images {
            let at = |name: &str| recipes.images.iter().position(|r| r.of[0] == name);
            for need in &recipe.needs {
                assert!(
                    at(need) < at(&recipe.of[0]),
                    "{} needs {need}",
                    recipe.of[0]
                );
            }
            assert!(!recipes.context(recipe).is_empty(), "{}", recipe.folder);
        }
    }
}
