//! Every layer and network against PyTorch's numbers, against finite differences and against itself, on each device that is
//! compiled in: `cargo test --workspace --no-default-features --features flex,ndarray,wgpu`.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

mod devices;
mod finite_difference;
mod golden;
mod golden_networks;
mod learning;
mod parameters;
mod property;
mod property_networks;

/// The suite for one device: each check once.
macro_rules! suite {
    ($name:ident) => {
        mod $name {
            use crate::{devices, golden, golden_networks, learning, property, property_networks};

            #[test]
            fn agrees_with_pytorch() {
                golden::check_all(&devices::$name());
            }

            #[test]
            fn step_by_step_equals_forward() {
                property::step_equals_forward(&devices::$name());
            }

            #[test]
            fn chunks_with_the_state_carried_equal_the_whole() {
                property::chunks_equal_whole(&devices::$name());
            }

            #[test]
            fn padding_never_changes_a_result() {
                property::padding_is_never_seen(&devices::$name());
            }

            #[test]
            fn a_reversed_reversed_input_gives_the_reversed_output() {
                property::reversed_twice(&devices::$name());
            }

            #[test]
            fn networks_agree_with_pytorch() {
                golden_networks::check_all(&devices::$name());
            }

            #[test]
            fn a_network_that_steps_says_what_it_says_at_once() {
                property_networks::step_equals_whole(&devices::$name());
            }

            #[test]
            fn padding_never_changes_what_a_network_says() {
                property_networks::padding_is_never_seen(&devices::$name());
            }

            #[test]
            fn attention_is_a_distribution_over_the_real_steps() {
                property_networks::weights_are_a_distribution(&devices::$name());
            }

            #[test]
            fn chosen_rows_go_on_as_they_would_have() {
                property_networks::rows_can_be_chosen(&devices::$name());
            }

            #[test]
            fn a_frozen_classifier_has_gradients_of_its_embeddings_alone() {
                property_networks::gradients_of_embeddings(&devices::$name());
            }

            #[test]
            fn learns_to_recall_the_first_element() {
                learning::recalls_the_first_element(&devices::$name());
            }

            #[test]
            fn learns_to_reverse_a_sequence() {
                learning::reverses_a_sequence(&devices::$name());
            }
        }
    };
}

// Finite differences need many runs and exact functions, which GPUs do not have; PyTorch's gradients hold on every
// device.
#[test]
fn gradients_agree_with_finite_differences_on_flex() {
    finite_difference::check_all(&devices::flex());
}

#[cfg(feature = "ndarray")]
#[test]
fn gradients_agree_with_finite_differences_on_ndarray() {
    finite_difference::check_all(&devices::ndarray());
}

suite!(flex);
#[cfg(feature = "ndarray")]
suite!(ndarray);
#[cfg(feature = "wgpu")]
suite!(wgpu);
#[cfg(feature = "cuda")]
suite!(cuda);
