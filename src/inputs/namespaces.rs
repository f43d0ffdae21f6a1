//! The file of namespaces.

use std::collections::BTreeMap;

use softstop_core::Namespace;

use super::{Reader, bare_namespace};
use crate::manifest::{Broken, Content, File, Node};

pub(super) fn read(file: &File) -> Result<BTreeMap<String, Namespace>, Broken> {
    let reader = Reader(file);
    let mut namespaces = BTreeMap::new();
    for document in reader.documents()? {
        add(reader, &document.root, &mut namespaces)?;
    }
    Ok(namespaces)
}

fn add(
    reader: Reader<'_>,
    node: &Node,
    namespaces: &mut BTreeMap<String, Namespace>,
) -> Result<(), Broken> {
    if let Some(Content::Sequence(items)) = node.entry("items").map(|entry| &entry.value.content) {
        return items
            .iter()
            .try_for_each(|item| add(reader, item, namespaces));
    }
    if !Reader::is_kind(node, "v1", "Namespace") {
        return Err(reader.wrong(
            node,
            "this is no Namespace (apiVersion: v1, kind: Namespace)",
        ));
    }
    let Some(metadata) = node.entry("metadata") else {
        return Err(reader.wrong(node, "the namespace has no metadata.name"));
    };
    let field = |name: &str| {
        metadata
            .value
            .entry(name)
            .filter(|entry| !matches!(entry.value.content, Content::Null))
    };
    let texts = |name: &str| {
        field(name).map_or_else(|| Ok(BTreeMap::new()), |entry| reader.texts(&entry.value))
    };
    let Some(name) = field("name") else {
        return Err(reader.wrong(&metadata.value, "the namespace has no metadata.name"));
    };
    let name = reader.text(&name.value)?;
    let mut namespace = bare_namespace(&name);
    let named = std::mem::replace(&mut namespace.labels, texts("labels")?);
    namespace.labels.extend(named);
    namespace.annotations = texts("annotations")?;
    if namespaces.insert(name, namespace).is_some() {
        return Err(reader.wrong(node, "this namespace is described twice"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: {softstop.dev/mode: enforce}\n  \
                        annotations:\n    softstop.dev/drain-delay: \"3\"\n";

    #[test]
    fn documents_and_lists() {
        let list = "---\napiVersion: v1\nkind: NamespaceList\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: b, labels: }}\n";
        let found = read(&File::new("ns.yaml", format!("{SHOP}{list}"))).expect("valid");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["b", "shop"]);
        assert_eq!(found["shop"].labels["softstop.dev/mode"], "enforce");
        assert_eq!(found["shop"].annotations["softstop.dev/drain-delay"], "3");
        assert_eq!(found["b"], bare_namespace("b"));
    }

    #[test]
    fn errors_say_where() {
        for (text, expected) in [
            (
                "apiVersion: v1\nkind: Pod\n".to_owned(),
                "ns.yaml:1:1: this is no Namespace",
            ),
            (
                SHOP.replace("\"3\"", "3"),
                "ns.yaml:7:31: a string is expected here; put it in quotes",
            ),
            (
                SHOP.replace("name: shop", "nam: shop"),
                "ns.yaml:4:3: the namespace has no metadata.name",
            ),
            (
                format!("{SHOP}---\n{SHOP}"),
                "ns.yaml:9:1: this namespace is described twice",
            ),
        ] {
            let error = read(&File::new("ns.yaml", text))
                .expect_err(expected)
                .to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
