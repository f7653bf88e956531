//! Every layer and network against PyTorch, against finite differences and against itself, on every device that is compiled
//! in: `cargo test --workspace --no-default-features --features flex,ndarray,wgpu`.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]

mod devices;
mod empty_batch;
mod finite_difference;
mod golden;
mod golden_networks;
mod initialization;
mod learning;
mod parameters;
mod property;
mod property_networks;

/// The suite of one device.
macro_rules! suite {
    ($name:ident) => {
        mod $name {
            use crate::{devices, empty_batch, golden, golden_networks, learning, property, property_networks};

            #[test]
            fn agrees_with_pytorch() {
                golden::check_all(&devices::$name());
            }

            #[test]
            fn steps_equal_forward() {
                property::step_equals_forward(&devices::$name());
            }

            #[test]
            fn chunks_with_carried_state_equal_the_whole() {
                property::chunks_equal_whole(&devices::$name());
            }

            #[test]
            fn padding_never_changes_a_result() {
                property::padding_is_never_read(&devices::$name());
            }

            #[test]
            fn reversed_input_has_the_reversed_output() {
                property::reversed_twice(&devices::$name());
            }

            #[test]
            fn networks_agree_with_pytorch() {
                golden_networks::check_all(&devices::$name());
            }

            #[test]
            fn network_steps_equal_forward() {
                property_networks::step_equals_whole(&devices::$name());
            }

            #[test]
            fn log_probs_of_targets_are_those_of_the_logits() {
                property_networks::target_log_probs(&devices::$name());
            }

            #[test]
            fn copying_networks_return_a_distribution() {
                property_networks::copying_is_a_distribution(&devices::$name());
            }

            #[test]
            fn padding_never_changes_a_network() {
                property_networks::padding_is_never_read(&devices::$name());
            }

            #[test]
            fn padding_never_changes_a_networks_steps() {
                property_networks::padding_is_never_read_at_any_step(&devices::$name());
            }

            #[test]
            fn empty_batch_is_accepted_by_layers() {
                empty_batch::layers(&devices::$name());
            }

            #[test]
            fn empty_batch_is_accepted_by_networks() {
                empty_batch::networks(&devices::$name());
            }

            #[test]
            fn rows_of_length_zero_are_accepted() {
                empty_batch::rows_of_length_zero(&devices::$name());
            }

            #[test]
            fn attention_weights_are_a_distribution_over_valid_steps() {
                property_networks::weights_are_a_distribution(&devices::$name());
            }

            #[test]
            fn selected_rows_continue_unchanged() {
                property_networks::rows_are_selected(&devices::$name());
            }

            #[test]
            fn frozen_classifier_has_only_embedding_gradients() {
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

// Finite differences need many runs and exact functions, which GPUs lack; PyTorch's gradients are checked on every device.
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
