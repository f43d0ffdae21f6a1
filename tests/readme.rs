//! The README shows what softstop says; this keeps it true.

use std::path::Path;
use std::process::Command;

/// The block that begins with this command is its output; `UPDATE_EXPECT=1` writes it anew.
const COMMAND: &str = "$ softstop check --diff examples/celery-worker.yaml";

#[test]
fn the_readme_shows_what_check_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_softstop"))
        .args(COMMAND.trim_start_matches("$ softstop ").split(' '))
        .current_dir(root)
        .output()
        .expect("softstop runs");
    let said = String::from_utf8(output.stdout).expect("text");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let (before, rest) = readme
        .split_once(COMMAND)
        .expect("the command is in the README");
    let (_, after) = rest.split_once("\n```").expect("its block ends");
    let expected = format!("{before}{COMMAND}\n{}\n```{after}", said.trim_end());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(root.join("README.md"), expected).expect("a README that can be written");
    } else {
        assert_eq!(
            readme, expected,
            "out of date: UPDATE_EXPECT=1 cargo test readme"
        );
    }
}

/// The first screen's table is the measured one.
#[test]
fn the_effect_is_the_one_that_was_measured() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name| std::fs::read_to_string(root.join(name)).expect("a page");
    let page = read("docs/effect.md");
    let table = page.lines().skip_while(|line| !line.starts_with('|'));
    let table: Vec<_> = table.take_while(|line| line.starts_with('|')).collect();
    assert!(
        read("README.md").contains(&table.join("\n")),
        "`cargo xtask effect` writes both"
    );
}
