//! The file of image facts. Its format: [`super::facts`].

use std::collections::BTreeSet;

use softstop_core::{Image, ImageFacts};
use softstop_programs::signal::Signal;

use super::Reader;
use crate::manifest::{Broken, Content, Entry, File, Node};

const VERSION: &str = "softstop.dev/v1alpha1";

pub(super) fn read(file: &File) -> Result<ImageFacts, Broken> {
    let reader = Reader(file);
    let mut facts = ImageFacts::default();
    let mut seen = BTreeSet::new();
    for document in reader.documents()? {
        for entry in images(reader, &document.root)? {
            if !seen.insert(entry.key.clone()) {
                let message = format!("the image \"{}\" is described twice", entry.key);
                return Err(file.broken(entry.key_span.start, message));
            }
            facts.insert(&entry.key, image(reader, &entry.value)?);
        }
    }
    Ok(facts)
}

fn images<'n>(reader: Reader<'_>, root: &'n Node) -> Result<&'n [Entry], Broken> {
    if !Reader::is_kind(root, VERSION, "ImageFacts") {
        return Err(reader.wrong(
            root,
            format!("these are no image facts: apiVersion must be {VERSION} and kind ImageFacts"),
        ));
    }
    let mut images = &[][..];
    for entry in reader.entries(root)? {
        match entry.key.as_str() {
            "apiVersion" | "kind" | "metadata" => {}
            "images" => images = reader.entries(&entry.value)?,
            _ => return Err(reader.unknown(entry, &["apiVersion", "kind", "metadata", "images"])),
        }
    }
    Ok(images)
}

fn image(reader: Reader<'_>, node: &Node) -> Result<Image, Broken> {
    let mut image = Image::default();
    for entry in reader.entries(node)? {
        match entry.key.as_str() {
            "entrypoint" => image.entrypoint = reader.words(&entry.value)?,
            "cmd" => image.cmd = reader.words(&entry.value)?,
            "stopSignal" => image.stop_signal = Some(signal(reader, &entry.value)?),
            "user" => image.user = Some(text_or_number(reader, &entry.value)?),
            _ => return Err(reader.unknown(entry, &["entrypoint", "cmd", "stopSignal", "user"])),
        }
    }
    Ok(image)
}

fn signal(reader: Reader<'_>, node: &Node) -> Result<Signal, Broken> {
    let text = text_or_number(reader, node)?;
    Signal::parse(&text).ok_or_else(|| {
        reader.wrong(
            node,
            format!("\"{text}\" is no signal; write it like SIGQUIT"),
        )
    })
}

/// Image configurations have text here, but a UID or a signal number is easily written without quotes.
fn text_or_number(reader: Reader<'_>, node: &Node) -> Result<String, Broken> {
    match &node.content {
        Content::Number(number) => Ok(number.to_string()),
        _ => reader.text(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: softstop.dev/v1alpha1\nkind: ImageFacts\nimages:\n";

    fn read_text(body: &str) -> Result<ImageFacts, Broken> {
        read(&File::new("facts.yaml", format!("{HEAD}{body}")))
    }

    #[test]
    fn every_field_is_read() {
        let facts = read_text(
            "  nginx@sha256:aa:\n    entrypoint: [/docker-entrypoint.sh]\n    cmd: [nginx, -g, daemon off;]\n    \
             stopSignal: SIGQUIT\n    user: 101\n  busybox: {}\n",
        )
        .expect("valid");
        let (image, _) = facts
            .get("docker.io/library/nginx@sha256:aa")
            .expect("known");
        assert_eq!(image.entrypoint, ["/docker-entrypoint.sh"]);
        assert_eq!(image.cmd, ["nginx", "-g", "daemon off;"]);
        assert_eq!(image.stop_signal, Some(Signal::QUIT));
        assert_eq!(image.user.as_deref(), Some("101"));
        assert_eq!(
            facts.get("busybox:latest").map(|(image, _)| image),
            Some(&Image::default())
        );
    }

    #[test]
    fn the_documented_example_is_read() {
        let page = include_str!("../../docs/check.md");
        let example = page
            .split("```yaml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        let facts = read(&File::new("check.md", example.expect("an example"))).expect("valid");
        assert!(!facts.is_empty());
    }

    #[test]
    fn errors_say_where() {
        for (body, place, words) in [
            (
                "  a:\n    entrypont: [x]\n",
                "5:5",
                "\"entrypont\" is not known here; known: entrypoint, cmd",
            ),
            ("  a:\n    entrypoint: x\n", "5:17", "a list of strings"),
            ("  a:\n    cmd: [sleep, 5]\n", "5:18", "put it in quotes"),
            (
                "  a:\n    stopSignal: SIGFOO\n",
                "5:17",
                "\"SIGFOO\" is no signal",
            ),
            ("  a: {}\n  a: {}\n", "5:3", "a second time"),
            (
                "  a: {}\n---\nkind: ImageFacts\n",
                "6:1",
                "apiVersion must be softstop.dev/v1alpha1",
            ),
            ("  a: [\n", "4:6", "unclosed bracket"),
        ] {
            let error = read_text(body).expect_err(body).to_string();
            assert!(
                error.starts_with(&format!("facts.yaml:{place}: ")) && error.contains(words),
                "{body:?}: {error}"
            );
        }
        assert!(
            read(&File::new("f", "# nothing\n"))
                .expect_err("empty")
                .to_string()
                .contains("empty")
        );
    }
}
