//! "Did you mean" suggestions for misspelled names.

/// `; did you mean ..?` with the closest of the known names, or nothing if none is close.
pub(crate) fn did_you_mean(name: &str, known: &[String]) -> String {
    match closest(name, known) {
        Some(close) => format!("; did you mean `{close}`?"),
        None => String::new(),
    }
}

/// The candidate with the smallest edit distance, if that is at most a third of the name's length.
fn closest<'a>(name: &str, candidates: &'a [String]) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let length = wanted.chars().count();
    let limit = (length / 3).max(1).min(length.saturating_sub(1));
    candidates
        .iter()
        .map(|candidate| (edit_distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.as_str())
}

/// The Levenshtein distance, computed one row of its table at a time.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance_counts_single_character_edits() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("wind", "wind"), 0);
    }

    #[test]
    fn only_close_names_are_suggested() {
        let columns = ["temp_max", "temp_min", "wind"].map(String::from);
        assert_eq!(closest("tempmax", &columns), Some("temp_max"));
        assert_eq!(closest("WIND", &columns), Some("wind"));
        assert_eq!(closest("humidity", &columns), None);
    }
}
