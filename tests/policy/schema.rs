//! The custom resource and the reader know the same fields.

use super::*;

/// The schema and the reader are two descriptions of one thing: what one knows, the other knows too.
#[test]
fn the_schema_has_the_fields_that_are_read() {
    let crd = crd();
    assert_eq!(crd["spec"]["scope"], "Cluster");
    assert_eq!(crd["spec"]["names"]["plural"], "shutdownpolicies");
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    assert_eq!(schema["required"], json!(["mode"]));
    let known = |pointer: &str| {
        let names = schema
            .pointer(&format!("{pointer}/properties"))
            .and_then(Value::as_object)
            .expect(pointer);
        names.keys().cloned().collect::<BTreeSet<_>>()
    };
    // A field that does not exist makes the reader list those that do.
    for (pointer, text) in [
        ("", "{mode: audit, nope: 1}"),
        ("/properties/bounds", "{mode: audit, bounds: {nope: 1}}"),
        (
            "/properties/bounds/properties/gracePeriod",
            "{mode: audit, bounds: {gracePeriod: {nope: 1}}}",
        ),
        (
            "/properties/bounds/properties/drainDelay",
            "{mode: audit, bounds: {drainDelay: {nope: 1}}}",
        ),
        ("/properties/preStop", "{mode: audit, preStop: {nope: 1}}"),
        (
            "/properties/preStop/properties/exec",
            "{mode: audit, preStop: {exec: {nope: 1}}}",
        ),
        (
            "/properties/preStop/properties/httpGet",
            "{mode: audit, preStop: {httpGet: {nope: 1}}}",
        ),
        (
            "/properties/podSelector",
            "{mode: audit, podSelector: {nope: 1}}",
        ),
        (
            "/properties/namespaceSelector",
            "{mode: audit, namespaceSelector: {nope: 1}}",
        ),
    ] {
        let error = parse(&LEAST.replace("{mode: audit}", text), "p")
            .expect_err(text)
            .to_string();
        let (_, fields) = error.split_once("known here: ").expect(&error);
        assert_eq!(
            fields
                .split(", ")
                .map(str::to_owned)
                .collect::<BTreeSet<_>>(),
            known(pointer),
            "{pointer}"
        );
    }
    // Every setting that can be locked is a field, and the reader accepts just the names of the schema.
    let lockable = schema
        .pointer("/properties/locked/items/enum")
        .expect("an enumeration");
    assert_eq!(lockable.as_array().map(Vec::len), Some(Setting::ALL.len()));
    assert!(
        lockable
            .as_array()
            .into_iter()
            .flatten()
            .all(|name| known("").contains(name.as_str().unwrap()))
    );
    let policy = one(&LEAST.replace(
        "{mode: audit}",
        &format!("{{mode: audit, locked: {lockable}}}"),
    ));
    assert_eq!(policy.locked, Setting::ALL.into());
}

/// A file that `kubectl apply` takes is one that `--policy-file` takes.
#[test]
fn the_custom_resource_reads_the_same_file() {
    let object: ShutdownPolicy = serde_saphyr::from_str(EVERYTHING).expect("the custom resource");
    let again = one(&serde_json::to_string(&object).unwrap());
    assert_eq!(again, one(EVERYTHING));
}

/// `deploy/chart/files/crd.yaml` is what `softstop crd` prints. To write it anew: `UPDATE_EXPECT=1 cargo test crd`.
#[test]
fn the_crd_is_the_one_that_is_deployed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/chart/files/crd.yaml");
    let expected = crd_yaml().unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let deployed = std::fs::read_to_string(path).expect(path);
    assert!(
        deployed == expected,
        "{path} is out of date: UPDATE_EXPECT=1 cargo test crd"
    );
}
