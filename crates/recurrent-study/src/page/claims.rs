//! The sections on the lecture's claims.

use super::block::{Block, Section};
use super::format;
use super::labels::{cell_name, index_of, table_by_cell};
use super::table::Table;
use super::words::{Heading, TestWords, Words, fill};
use crate::claim::{CellTest, Claim, ClaimResult, Verdict};

pub fn tables(claims: &[ClaimResult], words: &Words) -> Vec<(String, Table)> {
    vec![
        (words.differences.title.into(), claim_table(claims, Claim::is_about_differences, words)),
        (words.problems.title.into(), claim_table(claims, |claim| !claim.is_about_differences(), words)),
    ]
}

pub fn sections(claims: &[ClaimResult], words: &Words) -> Vec<Section> {
    let section = |heading: &Heading, table: Table| Section {
        title: heading.title.into(),
        lead: heading.lead.into(),
        blocks: vec![Block::Table(table)],
    };
    vec![
        section(&words.differences, claim_table(claims, Claim::is_about_differences, words)),
        section(&words.problems, claim_table(claims, |claim| !claim.is_about_differences(), words)),
        section(&words.rules, rule_table(words)),
    ]
}

/// The claims with their evidence. A cell has the claim and the measured value.
fn claim_table(claims: &[ClaimResult], filter: impl Fn(Claim) -> bool, words: &Words) -> Table {
    let columns = &words.columns;
    let mut table = table_by_cell(&[columns.property], &[columns.verdict, columns.evidence]);
    for result in claims.iter().filter(|result| filter(result.claim)) {
        let of_claim = &words.claims[index_of(&Claim::ALL, &result.claim)];
        let mut row = vec![of_claim.name.to_string()];
        row.extend(of_claim.claimed.iter().zip(&result.values).map(|(claimed, value)| match value {
            Some(value) => format!("{claimed}: {}", format::mean_std(value)),
            None => format!("{claimed}: {}", words.not_measured),
        }));
        row.push(verdict(result.verdict, words).to_string());
        row.push(evidence(result, &words.tests));
        table.rows.push(row);
    }
    table
}

/// The quantity and the decision rule of each claim.
fn rule_table(words: &Words) -> Table {
    let mut table = Table::new(&[words.columns.property, words.columns.quantity, words.columns.rule]);
    table.rows =
        words.claims.iter().map(|claim| [claim.name, claim.quantity, claim.rule].map(String::from).to_vec()).collect();
    table
}

fn verdict(verdict: Verdict, words: &Words) -> &'static str {
    let order = [Verdict::Confirmed, Verdict::Refuted, Verdict::Inconclusive, Verdict::NotMeasured];
    words.verdicts[index_of(&order, &verdict)]
}

fn evidence(result: &ClaimResult, words: &TestWords) -> String {
    if result.verdict == Verdict::NotMeasured {
        return String::new();
    }
    match result.claim {
        Claim::Gates | Claim::Complexity => return words.counted.to_string(),
        Claim::Vanishing | Claim::Exploding => return words.rule.to_string(),
        _ => {}
    }
    let tests: Vec<String> = result.tests.iter().map(|test| test_text(test, words)).collect();
    if tests.is_empty() { words.few_seeds.to_string() } else { tests.join("; ") }
}

fn test_text(test: &CellTest, words: &TestWords) -> String {
    let CellTest { first, second, welch } = test;
    let text = match first == second {
        true if welch.is_greater() => words.loses,
        true if welch.is_less() => words.gains,
        true => words.no_loss,
        false if welch.is_greater() => words.greater,
        false if welch.is_less() => words.less,
        false => words.no_difference,
    };
    let p = format::p_value(welch.p_value);
    fill(text, &[("first", cell_name(*first)), ("second", cell_name(*second)), ("p", &p)])
}
