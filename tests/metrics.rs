//! What the chart draws and alarms on is documented; that what is served is documented, `server::logs` sees to.

use std::collections::BTreeSet;
use std::fs;

/// Every `softstop_...` word of a file, without what a histogram adds to its name.
fn named(file: &str) -> BTreeSet<String> {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with("softstop_"));
    names
        .map(|name| name.trim_end_matches("_bucket").to_owned())
        .collect()
}

#[test]
fn alerts_and_dashboard_name_documented_metrics() {
    let documented = named("docs/webhook.md");
    for file in [
        "deploy/chart/files/alerts.yaml",
        "deploy/chart/files/dashboard.json",
    ] {
        let unknown: Vec<_> = named(file).difference(&documented).cloned().collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
        assert!(!named(file).is_empty());
    }
}
