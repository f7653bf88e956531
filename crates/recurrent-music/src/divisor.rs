//! The greatest common divisor.

use std::ops::Rem;

/// The largest number that divides both; 0 is divided by everything.
pub(crate) fn greatest_common_divisor<T: Copy + Default + PartialEq + Rem<Output = T>>(mut a: T, mut b: T) -> T {
    while b != T::default() {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_divided_by_everything() {
        assert_eq!([greatest_common_divisor(12_u32, 18), greatest_common_divisor(0, 5)], [6, 5]);
    }
}
