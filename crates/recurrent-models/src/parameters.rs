//! The number of parameters of a network that is not made yet, so that its size can be checked before memory is allocated.

/// The sum of products of sizes, or `usize::MAX` if it is larger.
pub(crate) fn sum_of_products<const N: usize>(products: [&[usize]; N]) -> usize {
    let product = |factors: &[usize]| factors.iter().fold(1, |product: usize, factor| product.saturating_mul(*factor));
    products.into_iter().map(product).fold(0, usize::saturating_add)
}

/// The parameters of a linear layer.
pub(crate) fn linear(inputs: usize, outputs: usize, bias: bool) -> usize {
    sum_of_products([&[inputs, outputs], &[outputs, usize::from(bias)]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_overflow() {
        assert_eq!(sum_of_products([&[2, 3, 4], &[5], &[]]), 30);
        assert_eq!(sum_of_products([&[usize::MAX, 2], &[usize::MAX]]), usize::MAX);
        assert_eq!(linear(3, 4, true), 16);
        assert_eq!(linear(1 << 40, 1 << 40, true), usize::MAX);
    }
}
