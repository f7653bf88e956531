//! Weighted choices, drawn or read off a finished piece.

use super::random::SplitMix64;

/// Options with whole weights; the probability of an option is its weight over the sum of the weights.
#[derive(Debug, Clone)]
pub(super) struct Choices<T> {
    options: Vec<(T, u64)>,
    total: u64,
}

impl<T: Copy + PartialEq> Choices<T> {
    /// The options whose weight isn't 0. Each option is given once.
    pub(super) fn new(options: impl IntoIterator<Item = (T, u64)>) -> Self {
        let options: Vec<_> = options.into_iter().filter(|(_, weight)| *weight > 0).collect();
        let total = options.iter().map(|(_, weight)| weight).sum();
        Self { options, total }
    }

    /// The options by their costs: each unit makes an option less likely by a sixth, and what costs more than `margin`
    /// above the cheapest option has no probability.
    pub(super) fn by_cost(options: &[(T, u32)], margin: u32) -> Self {
        let least = options.iter().map(|(_, cost)| *cost).min().unwrap_or(0);
        let near = options.iter().filter(|(_, cost)| cost - least <= margin);
        Self::new(near.map(|(option, cost)| (*option, weight_of_cost(cost - least))))
    }

    fn draw(&self, random: &mut SplitMix64) -> Option<T> {
        let mut left = random.below(self.total);
        for (option, weight) in &self.options {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return Some(*option),
            }
        }
        None
    }

    /// The natural logarithm of the probability of an option; `None` if it has none.
    fn log_probability(&self, option: T) -> Option<f64> {
        let (_, weight) = self.options.iter().find(|(other, _)| *other == option)?;
        Some((*weight as f64 / self.total as f64).ln())
    }

    #[cfg(test)]
    pub(super) fn options(&self) -> &[(T, u64)] {
        &self.options
    }

    /// The entropy in nats.
    #[cfg(test)]
    pub(super) fn entropy(&self) -> f64 {
        let share = |weight: u64| weight as f64 / self.total as f64;
        self.options.iter().map(|(_, weight)| -share(*weight) * share(*weight).ln()).sum()
    }
}

/// 2^32 × (5/6)^cost.
fn weight_of_cost(cost: u32) -> u64 {
    (0..cost).fold(1 << 32, |weight, _| weight * 5 / 6)
}

/// Who makes the choices of a composition.
pub(super) trait Chooser {
    /// Takes one of the options. `written` is the one in the finished piece, where there is such a piece. `None` if
    /// there is nothing to take.
    fn choose<T: Copy + PartialEq>(&mut self, choices: &Choices<T>, written: Option<T>) -> Option<T>;
}

/// Chance chooses.
impl Chooser for SplitMix64 {
    fn choose<T: Copy + PartialEq>(&mut self, choices: &Choices<T>, _: Option<T>) -> Option<T> {
        choices.draw(self)
    }
}

/// Follows a finished piece and adds up the logarithms of its probabilities.
#[derive(Debug, Default)]
pub(super) struct Score {
    /// The sum so far, in nats.
    pub(super) log_probability: f64,
}

impl Chooser for Score {
    fn choose<T: Copy + PartialEq>(&mut self, choices: &Choices<T>, written: Option<T>) -> Option<T> {
        let written = written?;
        self.log_probability += choices.log_probability(written)?;
        Some(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_drawn_as_often_as_they_weigh() {
        let choices = Choices::new([('a', 1), ('b', 0), ('c', 3)]);
        let mut random = SplitMix64::of_stream(0, 0);
        let often = (0..40_000).filter(|_| choices.draw(&mut random) == Some('c')).count();
        // Five standard deviations.
        assert!(often.abs_diff(30_000) < 434, "{often}");
        assert_eq!(choices.log_probability('c'), Some(0.75_f64.ln()));
        assert_eq!(choices.log_probability('b'), None);
        assert_eq!(Choices::<char>::new([]).draw(&mut random), None);
    }

    #[test]
    fn dear_options_are_cut_off() {
        let choices = Choices::by_cost(&[('a', 7), ('b', 5), ('c', 9), ('d', 6)], 3);
        assert_eq!(choices.options.iter().map(|(option, _)| *option).collect::<String>(), "abd");
        let ratio = |cheap, dear| choices.log_probability(dear).unwrap() - choices.log_probability(cheap).unwrap();
        assert!(
            (ratio('b', 'd') - (5.0_f64 / 6.0).ln()).abs() < 1e-9
                && (ratio('d', 'a') - (5.0_f64 / 6.0).ln()).abs() < 1e-9
        );
    }

    #[test]
    fn a_score_follows_the_piece() {
        let choices = Choices::new([(1, 1), (2, 3)]);
        let mut score = Score::default();
        assert_eq!(score.choose(&choices, Some(1)), Some(1));
        assert_eq!(score.choose(&choices, Some(2)), Some(2));
        assert!((score.log_probability - (3.0_f64 / 16.0).ln()).abs() < 1e-12);
        assert_eq!(score.choose(&choices, Some(3)), None);
        assert_eq!(score.choose(&choices, None), None);
    }
}
