//! What holds for any text.

use proptest::prelude::*;

use super::strategy::{mutated, program};
use super::*;

/// Everything that may be relied on, whatever the text is.
fn sound(text: &str, dialect: Dialect) -> Result<(), TestCaseError> {
    // Most is taken where sourced files are trusted.
    let read = |text: &str| read_with(text, dialect, SourcedFiles::Harmless);
    let reading = read(text);
    for command in &reading.commands {
        prop_assert!(text.is_char_boundary(command.at) && command.at <= text.len());
        prop_assert!(!command.words.is_empty());
    }
    match reading.outcome {
        Outcome::Refused(Refusal { at, .. }) => {
            prop_assert!(
                at.start <= at.end && text.get(at.clone()).is_some(),
                "{:?} in {:?}",
                at,
                text
            );
        }
        Outcome::Exec(offsets) => {
            prop_assert!(!offsets.is_empty() && offsets.is_sorted_by(|a, b| a < b));
            let tails: Vec<usize> = reading
                .commands
                .iter()
                .filter(|c| c.tail)
                .map(|c| c.at)
                .collect();
            prop_assert!(offsets.iter().all(|offset| tails.contains(offset)));
            let rewritten = insert(text, &offsets);
            let mut removed = rewritten.clone();
            for offset in offsets.iter().rev() {
                // Later insertions are gone already, so each stands where it was made, behind the earlier ones.
                let earlier =
                    offsets.iter().filter(|other| *other < offset).count() * "exec ".len();
                let at = offset + earlier;
                prop_assert_eq!(&removed[at..at + 5], "exec ");
                removed.replace_range(at..at + 5, "");
            }
            prop_assert_eq!(removed, text);
            prop_assert_eq!(
                read(&rewritten).outcome,
                Outcome::AlreadyExec,
                "{}",
                rewritten
            );
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text(text in "\\PC*") {
        BOTH.iter().try_for_each(|dialect| sound(&text, *dialect))?;
    }

    #[test]
    fn any_shell_characters(text in "[ a\n\\\\'\"`$(){}\\[\\];&|<>!#=~*é0-9]{0,40}") {
        BOTH.iter().try_for_each(|dialect| sound(&text, *dialect))?;
    }

    #[test]
    fn programs(text in program()) {
        BOTH.iter().try_for_each(|dialect| sound(&text, *dialect))?;
    }

    #[test]
    fn mutated_programs(text in mutated()) {
        BOTH.iter().try_for_each(|dialect| sound(&text, *dialect))?;
    }
}
