//! The fused operation against the plain path, on each backend that has it and is compiled in:
//! `cargo test --workspace --no-default-features --features flex,ndarray,wgpu --test fused`.

// The macros of Burn's GPU backends nest deeper than the compiler's default.
#![recursion_limit = "256"]
#![cfg(feature = "flex")]

mod case;
mod devices;
mod doors;
#[cfg(feature = "gpu")]
mod gpu;
mod kept;
mod ways;

/// The suite for one device: each check that all have in common, once, and those of its own.
macro_rules! suite {
    ($name:ident { $($own:ident: $run:path),+ $(,)? }) => {
        suite!(@ $name {
            fused_equals_plain: crate::ways::fused_equals_plain,
            without_autodiff_the_numbers_are_the_same: crate::ways::untracked,
            checkpointing_changes_no_gradient: crate::ways::checkpointed,
            time_first_equals_batch_first: crate::ways::time_first,
            weights_may_lie_in_any_order: crate::ways::transposed_weights,
            what_is_no_number_passes_as_on_the_plain_path: crate::ways::not_numbers,
            only_what_is_tracked_has_a_gradient: crate::ways::partly_tracked,
            two_scans_may_share_their_weights: crate::ways::shared_weights,
            what_does_not_fit_is_refused_at_the_door: crate::doors::refuse,
            $($own: $run),+
        });
    };
    (@ $name:ident { $($check:ident: $run:path),+ }) => {
        mod $name {
            $(
                #[test]
                fn $check() {
                    $run(&crate::devices::$name());
                }
            )+
        }
    };
}

/// A CPU's, which has double precision.
macro_rules! cpu_suite {
    ($name:ident) => {
        suite!($name { double_precision_is_plain: crate::ways::double_precision });
    };
}

/// A GPU's, where there are two schedules, and no double precision on all of them.
#[cfg(feature = "gpu")]
macro_rules! gpu_suite {
    ($name:ident) => {
        suite!($name {
            resident_equals_plain: crate::gpu::resident_equals_plain,
            stepwise_equals_plain: crate::gpu::stepwise_equals_plain,
            fused_equals_plain_on_the_same_device: crate::gpu::own_plain_path,
            cuts_change_nothing: crate::gpu::cuts_change_nothing,
            what_no_buffer_holds_is_refused: crate::gpu::too_large,
            half_precision_has_a_single_state: crate::gpu::half_precision,
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
