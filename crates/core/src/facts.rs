//! Image facts: what an image says of its own entrypoint. They are given to the engine, never fetched.

use std::collections::BTreeMap;

use softstop_programs::signal::Signal;

/// ENTRYPOINT, CMD, STOPSIGNAL and USER of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// `ENTRYPOINT`, in exec form (a shell form is `["/bin/sh", "-c", text]`); empty: none.
    pub entrypoint: Vec<String>,
    /// `CMD`, likewise.
    pub cmd: Vec<String>,
    /// `STOPSIGNAL`; `None`: the runtime's default, SIGTERM.
    pub stop_signal: Option<Signal>,
    /// `USER` as written; `None`: root.
    pub user: Option<String>,
}

/// Facts of many images, by reference.
#[derive(Clone, Debug, Default)]
pub struct ImageFacts {
    images: BTreeMap<String, Image>,
}

/// How far facts can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Keyed by digest: they prove the argv.
    Digest,
    /// Keyed by a tag, which may have moved: good for detection and findings only.
    Tag,
}

impl ImageFacts {
    /// Adds the facts of the image of that reference (`registry/name@sha256:...` or `registry/name:tag`).
    pub fn insert(&mut self, reference: &str, image: Image) {
        self.images.insert(normal(reference), image);
    }

    /// The facts of the image that a pod names, and how far they can be trusted.
    /// A reference with a digest is looked up by the digest (any repository may hold the same bytes).
    pub fn get(&self, reference: &str) -> Option<(&Image, Trust)> {
        let reference = normal(reference);
        if let Some(image) = self.images.get(&reference) {
            let trust = if reference.contains('@') {
                Trust::Digest
            } else {
                Trust::Tag
            };
            return Some((image, trust));
        }
        let (_, digest) = reference.split_once('@')?;
        self.images
            .iter()
            .find(|(key, _)| key.split_once('@').is_some_and(|(_, d)| d == digest))
            .map(|(_, image)| (image, Trust::Digest))
    }

    /// Whether nothing is known of any image.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }
}

/// The reference as Kubernetes reads it: Docker Hub's default host, `library/` and `:latest` written out,
/// a tag beside a digest dropped (the digest decides).
fn normal(reference: &str) -> String {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("docker.io", name),
    };
    let (path, tag) = match path.rsplit_once(':') {
        Some((path, tag)) => (path, tag),
        None => (path, "latest"),
    };
    let library = if host == "docker.io" && !path.contains('/') {
        "library/"
    } else {
        ""
    };
    match digest {
        Some(digest) => format!("{host}/{library}{path}@{digest}"),
        None => format!("{host}/{library}{path}:{tag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_meet_in_their_normal_form() {
        let mut facts = ImageFacts::default();
        facts.insert("nginx", Image::default());
        facts.insert("quay.io/a/b:1@sha256:aa", Image::default());
        for (reference, trust) in [
            ("nginx:latest", Some(Trust::Tag)),
            ("docker.io/library/nginx", Some(Trust::Tag)),
            ("nginx:1.27", None),
            ("quay.io/a/b@sha256:aa", Some(Trust::Digest)),
            ("mirror.local:5000/x@sha256:aa", Some(Trust::Digest)),
            ("quay.io/a/b:1", None),
            ("", None),
        ] {
            assert_eq!(facts.get(reference).map(|(_, t)| t), trust, "{reference}");
        }
    }
}
