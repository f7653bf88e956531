//! The fused operation against the plain path, on each backend that has it and is compiled in:
//! `cargo test --workspace --no-default-features --features flex,ndarray --test fused`.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]
#![cfg(any(feature = "flex", feature = "ndarray"))]

mod case;
mod doors;
mod kept;
mod ways;

/// The suite for one device: each check once.
macro_rules! suite {
    ($name:ident) => {
        mod $name {
            use burn::tensor::Device;

            use crate::{doors, ways};

            #[allow(deprecated, reason = "NdArray is, in favour of Flex; it is supported for as long as Burn ships it")]
            fn device() -> Device {
                Device::$name()
            }

            #[test]
            fn fused_equals_plain() {
                ways::fused_equals_plain(&device());
            }

            #[test]
            fn without_autodiff_the_numbers_are_the_same() {
                ways::untracked(&device());
            }

            #[test]
            fn checkpointing_changes_no_gradient() {
                ways::checkpointed(&device());
            }

            #[test]
            fn time_first_equals_batch_first() {
                ways::time_first(&device());
            }

            #[test]
            fn weights_may_lie_in_any_order() {
                ways::transposed_weights(&device());
            }

            #[test]
            fn what_is_no_number_passes_as_on_the_plain_path() {
                ways::not_numbers(&device());
            }

            #[test]
            fn only_what_is_tracked_has_a_gradient() {
                ways::partly_tracked(&device());
            }

            #[test]
            fn two_scans_may_share_their_weights() {
                ways::shared_weights(&device());
            }

            #[test]
            fn double_precision_is_plain() {
                ways::double_precision(&device());
            }

            #[test]
            fn what_does_not_fit_is_refused_at_the_door() {
                doors::refuse(&device());
            }
        }
    };
}

#[cfg(feature = "flex")]
suite!(flex);
#[cfg(feature = "ndarray")]
suite!(ndarray);
