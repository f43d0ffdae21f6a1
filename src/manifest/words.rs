//! Values that must be strings, and that YAML easily makes something else.
//!
//! `softstop.dev/mode: off` is a boolean, `command: [sleep, 5]` has a number: the API server refuses both. Judging such
//! a pod would mean to guess what its author wanted.

use super::tree::{Content, Entry, Node};

/// The first such value of a pod or a pod template: its byte in the file, and what to do.
pub(super) fn check(pod: &Node) -> Result<(), (usize, String)> {
    let spec = field(pod, "spec");
    field(pod, "metadata")
        .and_then(|metadata| field(metadata, "annotations"))
        .map_or(Ok(()), |annotations| {
            entries(annotations)
                .iter()
                .try_for_each(|entry| string(&entry.value, &format!("annotation {}", entry.key)))
        })?;
    for list in ["initContainers", "containers"] {
        let containers = spec
            .and_then(|spec| field(spec, list))
            .map_or(&[][..], items);
        containers.iter().try_for_each(container)?;
    }
    Ok(())
}

fn container(container: &Node) -> Result<(), (usize, String)> {
    for list in ["command", "args"] {
        field(container, list)
            .map_or(&[][..], items)
            .iter()
            .try_for_each(|word| string(word, list))?;
    }
    for variable in field(container, "env").map_or(&[][..], items) {
        field(variable, "value")
            .map_or(Ok(()), |value| string(value, "the value of a variable"))?;
    }
    Ok(())
}

fn string(node: &Node, what: &str) -> Result<(), (usize, String)> {
    let kind = match &node.content {
        Content::String(..) | Content::Null => return Ok(()),
        Content::Bool(value) => format!("the boolean {value}"),
        Content::Number(number) => format!("the number {number}"),
        Content::Sequence(_) | Content::Mapping(_) => "no string".to_owned(),
    };
    Err((
        node.span.start,
        format!("{what}: YAML reads {kind} here, the API server wants a string; put it in quotes"),
    ))
}

fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.entry(name).map(|entry| &entry.value)
}

fn entries(node: &Node) -> &[Entry] {
    match &node.content {
        Content::Mapping(entries) => entries,
        _ => &[],
    }
}

fn items(node: &Node) -> &[Node] {
    match &node.content {
        Content::Sequence(items) => items,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn traps_of_yaml() {
        for (pod, trap) in [
            ("metadata: {annotations: {softstop.dev/mode: off}}", "off"),
            (
                "metadata: {annotations: {softstop.dev/drain-delay: 5}}",
                "5",
            ),
            ("spec: {containers: [{command: [sleep, 30]}]}", "30"),
            ("spec: {initContainers: [{args: [yes]}]}", "yes"),
            (
                "spec: {containers: [{}, {env: [{name: A, value: 0o17}]}]}",
                "0o17",
            ),
            ("spec: {containers: [{args: [[a]]}]}", "[a]"),
        ] {
            let (offset, message) = check(&tree::parse(pod, 0).expect(pod)).expect_err(pod);
            assert!(pod[offset..].starts_with(trap), "{pod}: {message}");
        }
        let sound = "metadata: {annotations: {a: \"off\", b: }}\nspec: {containers: [{command: [sleep, \"5\"]}, x], volumes: 3}";
        assert_eq!(check(&tree::parse(sound, 0).expect("valid")), Ok(()));
        assert_eq!(check(&tree::parse("[1]", 0).expect("valid")), Ok(()));
    }
}
