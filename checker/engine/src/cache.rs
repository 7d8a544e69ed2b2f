//! What was learned of images and layers, kept in files so that nothing is exported or read twice.
//!
//! A cache may be shared by any number of processes: files appear whole or not at all, and one that is damaged, of
//! another version, or gone is simply a miss. Failing to write is no failure either, only slower the next time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mslab_core::image::cache::{
    CacheError, decode_image, decode_layer, encode_image, encode_layer, image_name, layer_name,
};
use mslab_core::image::{Image, LayerCache, LayerFacts};

/// Facts about images and layers in a folder of their own.
#[derive(Debug, Clone)]
pub struct FactsCache {
    folder: PathBuf,
    most_bytes: u64,
}

/// Facts of some hundred images.
const MOST_BYTES: u64 = 512 * 1024 * 1024;

/// Files with this in front are being written.
const UNFINISHED: &str = ".unfinished-";

/// What is still unfinished after this time was left by a process that died.
const ABANDONED: Duration = Duration::from_secs(3600);

impl FactsCache {
    /// A cache in this folder, which is made when first needed. Nothing else may be kept in it.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            most_bytes: MOST_BYTES,
        }
    }

    /// Keeps at most this many bytes, instead of 512 MiB. What was not used for longest goes first.
    #[must_use]
    pub fn with_most_bytes(mut self, most_bytes: u64) -> Self {
        self.most_bytes = most_bytes;
        self
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The image that the engine calls `id`, if it was read before with needles of this key.
    #[must_use]
    pub fn image(&self, id: &str, needles_key: &str) -> Option<Image> {
        self.get(&image_name(id, needles_key), |bytes| {
            decode_image(bytes, id, needles_key)
        })
    }

    /// Keeps an image under the id that the engine gives it.
    ///
    /// # Errors
    ///
    /// What kept it from being written; the cache is as it was.
    pub fn keep_image(&self, image: &Image, id: &str, needles_key: &str) -> io::Result<()> {
        self.keep(
            &image_name(id, needles_key),
            &encode_image(image, id, needles_key),
        )
    }

    /// Removes every file of the cache, and the folder if nothing else is in it. Says how many bytes that were.
    ///
    /// # Errors
    ///
    /// The first file that could not be removed.
    pub fn clear(&self) -> io::Result<u64> {
        let mut freed = 0;
        for file in self.files()? {
            gone_is_fine(fs::remove_file(&file.path))?;
            freed += file.bytes;
        }
        // Not empty, or never made: both are as they should be.
        let _ = fs::remove_dir(&self.folder);
        Ok(freed)
    }

    fn get<T>(&self, name: &str, decode: impl FnOnce(&[u8]) -> Result<T, CacheError>) -> Option<T> {
        let path = self.folder.join(name);
        let bytes = fs::read(&path).ok()?;
        if let Ok(value) = decode(&bytes) {
            // So that what is used stays; where the time cannot be set, it goes sooner.
            if let Ok(file) = File::options().write(true).open(&path) {
                let _ = file.set_modified(SystemTime::now());
            }
            Some(value)
        } else {
            // Good for nothing, and made again by whoever asked.
            let _ = fs::remove_file(&path);
            None
        }
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() as u64 > self.most_bytes / 2 {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        self.make_room(bytes.len() as u64)?;
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(self.folder.join(name)).map_err(|e| e.error)?;
        Ok(())
    }

    /// Removes what was not used for longest until `coming` more bytes fit.
    fn make_room(&self, coming: u64) -> io::Result<()> {
        let mut files = self.files()?;
        let mut total: u64 = files.iter().map(|f| f.bytes).sum();
        files.sort_by_key(|f| f.used);
        for file in files {
            let unfinished = file.is_unfinished();
            let age = file.used.elapsed().unwrap_or_default();
            let remove = if unfinished {
                age > ABANDONED
            } else {
                total + coming > self.most_bytes
            };
            if remove {
                gone_is_fine(fs::remove_file(&file.path))?;
                total -= file.bytes;
            }
        }
        Ok(())
    }

    /// The cache's files; whatever else may be in the folder is not touched.
    fn files(&self) -> io::Result<Vec<KeptFile>> {
        let listing = match fs::read_dir(&self.folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut out = Vec::new();
        for entry in listing {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let own = ["image-", "layer-", UNFINISHED]
                .iter()
                .any(|p| name.starts_with(p));
            // Another process may remove a file between the listing and here.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if own && metadata.is_file() {
                out.push(KeptFile {
                    path: entry.path(),
                    bytes: metadata.len(),
                    used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                });
            }
        }
        Ok(out)
    }
}

impl LayerCache for FactsCache {
    fn get(&mut self, digest: &str, needles_key: &str) -> Option<LayerFacts> {
        FactsCache::get(self, &layer_name(digest, needles_key), |bytes| {
            decode_layer(bytes, digest, needles_key)
        })
    }

    fn put(&mut self, facts: &LayerFacts) {
        let name = layer_name(&facts.digest, &facts.needles_key);
        let _ = self.keep(&name, &encode_layer(facts));
    }
}

struct KeptFile {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl KeptFile {
    fn is_unfinished(&self) -> bool {
        self.path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with(UNFINISHED))
    }
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mslab_core::image::fixture::{self, ArchiveFormat, Fixture, LayerCompression};
    use mslab_core::image::{ReadOptions, read_archive};

    fn image(text: &str) -> Image {
        fixture::image(&format!("layer x\nfile /etc/passwd 0644 text {text}")).unwrap()
    }

    fn only_file(cache: &FactsCache) -> PathBuf {
        let files = cache.files().unwrap();
        assert_eq!(files.len(), 1);
        files[0].path.clone()
    }

    #[test]
    fn a_damaged_file_is_noticed_removed_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FactsCache::new(folder.path().join("facts"));
        assert!(cache.image("i", "k").is_none());
        cache.keep_image(&image("x"), "i", "k").unwrap();
        assert_eq!(cache.image("i", "k").unwrap().tree, image("x").tree);

        let path = only_file(&cache);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() - 5;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(cache.image("i", "k").is_none());
        assert!(!path.exists());

        fs::write(&path, &bytes[..10]).unwrap();
        assert!(cache.image("i", "k").is_none());
        cache.keep_image(&image("x"), "i", "k").unwrap();
        assert!(cache.image("i", "k").is_some());
    }

    #[test]
    fn layers_are_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = FactsCache::new(folder.path());
        let fixture = Fixture::parse("layer x\nfile /a 0755 dash\nlayer y\nwhiteout /a").unwrap();
        let bytes = fixture
            .archive(ArchiveFormat::DockerOci, LayerCompression::Gzip)
            .unwrap();
        let options = ReadOptions::default();
        let first = read_archive(&bytes[..], &options, &mut cache).unwrap();
        let kept = cache.files().unwrap().len();
        assert_eq!(kept, 2);
        let again = read_archive(&bytes[..], &options, &mut cache).unwrap();
        assert_eq!(again.layers, first.layers);
        let digest = &first.layers[0].diff_id;
        assert!(LayerCache::get(&mut cache, digest, "no such needles").is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FactsCache::new(folder.path());
        cache.keep_image(&image("x"), "0", "k").unwrap();
        let one = fs::metadata(only_file(&cache)).unwrap().len();
        let cache = cache.with_most_bytes(one * 3 + one / 2);
        for (i, id) in ["0", "1", "2"].into_iter().enumerate() {
            cache.keep_image(&image("x"), id, "k").unwrap();
            let path = folder.path().join(image_name(id, "k"));
            let long_ago = SystemTime::now() - Duration::from_secs(1000 - i as u64);
            File::options()
                .write(true)
                .open(path)
                .and_then(|f| f.set_modified(long_ago))
                .unwrap();
        }
        assert!(cache.image("0", "k").is_some(), "and is now the newest");
        cache.keep_image(&image("x"), "3", "k").unwrap();
        assert!(cache.image("1", "k").is_none());
        for id in ["0", "2", "3"] {
            assert!(cache.image(id, "k").is_some(), "{id}");
        }
        cache
            .keep_image(&image(&"x".repeat(90_000)), "big", "k")
            .unwrap();
        assert!(
            cache.image("big", "k").is_none(),
            "larger than half of it all"
        );
        assert!(cache.image("3", "k").is_some());
    }

    #[test]
    fn clearing_removes_its_own_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FactsCache::new(folder.path());
        cache.keep_image(&image("x"), "i", "k").unwrap();
        fs::write(folder.path().join("notes"), "mine").unwrap();
        assert!(cache.clear().unwrap() > 0);
        assert!(folder.path().join("notes").exists());
        assert_eq!(cache.clear().unwrap(), 0);
        let nowhere = FactsCache::new(folder.path().join("nowhere"));
        assert_eq!(nowhere.clear().unwrap(), 0);
    }

    #[test]
    fn many_at_once_do_not_harm_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FactsCache::new(folder.path()).with_most_bytes(6_000);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let cache = &cache;
                scope.spawn(move || {
                    for i in 0..40 {
                        let id = format!("{}", (thread + i) % 7);
                        let text = format!("content of {id}");
                        cache.keep_image(&image(&text), &id, "k").unwrap();
                        if let Some(found) = cache.image(&id, "k") {
                            assert_eq!(found.tree, image(&text).tree);
                        }
                    }
                });
            }
        });
        assert!(cache.files().unwrap().iter().all(|f| !f.is_unfinished()));
    }
}
