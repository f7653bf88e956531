//! The fused implementation compared with the reference implementation, on each backend that has it and is compiled in:
//! `cargo test --workspace --no-default-features --features flex,ndarray,wgpu --test fused`.

// The macros of Burn's GPU backends exceed the compiler's default recursion limit.
#![recursion_limit = "256"]
#![cfg(feature = "flex")]

mod case;
mod devices;
mod edge_cases;
mod embedding_bag;
#[cfg(feature = "gpu")]
mod gpu;
mod implementations;
mod log_probs;
mod saved;
mod validation;

/// The tests of one device: those that all devices share, and its own.
macro_rules! suite {
    ($name:ident { $($own:ident: $run:path),+ $(,)? }) => {
        suite!(@ $name {
            fused_equals_reference: crate::implementations::fused_equals_reference,
            results_do_not_depend_on_autodiff: crate::implementations::untracked,
            checkpointing_does_not_change_gradients: crate::implementations::checkpointed,
            time_first_equals_batch_first: crate::implementations::time_first,
            weights_may_be_strided: crate::implementations::transposed_weights,
            non_finite_values_propagate_as_in_the_reference: crate::implementations::non_finite,
            only_tracked_inputs_have_gradients: crate::implementations::partly_tracked,
            scans_may_share_weights: crate::implementations::shared_weights,
            invalid_arguments_are_rejected: crate::validation::rejects_invalid_arguments,
            empty_batch_forward_and_backward: crate::edge_cases::empty_batch,
            empty_batch_step: crate::edge_cases::empty_batch_step,
            sequence_without_steps_is_rejected: crate::edge_cases::no_steps,
            length_zero_returns_the_initial_state: crate::edge_cases::length_zero,
            token_log_probs_equal_the_reference: crate::log_probs::equal_reference,
            token_log_probs_of_no_rows: crate::log_probs::no_rows,
            embedding_bags_equal_the_reference: crate::embedding_bag::equal_reference,
            embedding_bags_are_exact: crate::embedding_bag::exact,
            no_embedding_bags: crate::embedding_bag::no_bags,
            $($own: $run),+
        });
    };
    (@ $name:ident { $($test:ident: $run:path),+ }) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    $run(&crate::devices::$name());
                }
            )+
        }
    };
}

/// The tests of a CPU, which also has double precision.
macro_rules! cpu_suite {
    ($name:ident) => {
        suite!($name {
            double_precision_uses_the_reference: crate::implementations::double_precision,
            token_log_probs_are_exact: crate::log_probs::exact,
            foreign_tokens_are_rejected: crate::log_probs::foreign_token,
            foreign_rows_are_rejected: crate::embedding_bag::foreign_row,
        });
    };
}

/// The tests of a GPU, which has two schedules, and not always double precision.
#[cfg(feature = "gpu")]
macro_rules! gpu_suite {
    ($name:ident) => {
        suite!($name {
            persistent_equals_reference: crate::gpu::persistent_equals_reference,
            stepwise_equals_reference: crate::gpu::stepwise_equals_reference,
            fused_equals_reference_on_the_same_device: crate::gpu::same_device,
            several_launches_equal_one: crate::gpu::several_launches,
            batch_too_large_for_a_buffer_is_rejected: crate::gpu::too_large,
            half_precision_accumulates_in_single: crate::gpu::half_precision,
        });
    };
}

cpu_suite!(flex);
#[cfg(feature = "ndarray")]
cpu_suite!(ndarray);
#[cfg(feature = "wgpu")]
gpu_suite!(wgpu);
#[cfg(feature = "vulkan")]
gpu_suite!(vulkan);
#[cfg(feature = "metal")]
gpu_suite!(metal);
#[cfg(feature = "cuda")]
gpu_suite!(cuda);
