//! docs/threats.md: a row for each threat, and each test, file and value that it names exists.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// Whether a test of that path exists: `module::name`, in a file of `tests/` or `tests/cluster/`.
fn is_test(path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").unwrap();
    let file = module.replace("::", "/");
    let files = [
        format!("tests/{file}.rs"),
        format!("tests/cluster/{file}.rs"),
    ];
    let found = files
        .iter()
        .find(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists());
    found.is_some_and(|file| read(file).contains(&format!("fn {name}()")))
}

#[test]
fn the_table_is_complete_and_names_what_there_is() {
    let page = read("docs/threats.md");
    let values: Value = serde_saphyr::from_str(&read("deploy/chart/values.yaml")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let numbers: Vec<usize> = rows.iter().filter_map(|row| row[1].parse().ok()).collect();
    assert_eq!(numbers, (1..=18).collect::<Vec<_>>());
    for row in rows.iter().filter(|row| row[1].parse::<usize>().is_ok()) {
        let named: Vec<_> = row[4].split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{row:?}");
        for name in named {
            let exists = if name.contains("::") {
                is_test(name)
            } else if name.contains('/') {
                Path::new(env!("CARGO_MANIFEST_DIR")).join(name).exists()
            } else {
                values
                    .pointer(&format!("/{}", name.replace('.', "/")))
                    .is_some()
            };
            assert!(exists, "row {}: {name}", row[1]);
        }
    }
}
