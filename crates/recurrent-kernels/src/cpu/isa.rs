//! The instruction sets, and which of them the machine has.

use std::sync::OnceLock;

use super::simd::{self, Simd};

/// An instruction set that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// 16 lanes, 32 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 8 lanes, 16 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 4 lanes, 32 registers.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Arrays of 4, vectorized by the compiler.
    Portable,
}

impl Isa {
    /// All instruction sets of this build, the best first.
    const ALL: &[Self] = &[
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
        Self::Portable,
    ];

    /// The name that `RECURRENT_ISA` takes.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// The number of `f32` in a vector.
    pub fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => simd::Avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => simd::Avx2::LANES,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => simd::Neon::LANES,
            Self::Portable => simd::Portable::LANES,
        }
    }

    fn is_supported(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512dq")
                    && Self::Avx2.is_supported()
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            Self::Portable => true,
        }
    }

    /// The instruction sets of this machine, the best first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|isa| isa.is_supported())
    }

    /// The best instruction set of this machine, or the one that the environment variable `RECURRENT_ISA` names.
    ///
    /// # Panics
    /// If `RECURRENT_ISA` names none of this machine's.
    pub fn selected() -> Self {
        static SELECTED: OnceLock<Isa> = OnceLock::new();
        *SELECTED.get_or_init(|| match std::env::var("RECURRENT_ISA") {
            Ok(name) => Self::available().find(|isa| isa.name() == name).unwrap_or_else(|| {
                let names: Vec<_> = Self::available().map(Self::name).collect();
                panic!("RECURRENT_ISA must be one of {}, got {name:?}", names.join(", "))
            }),
            Err(_) => Self::available().next().unwrap_or(Self::Portable),
        })
    }
}

/// Compiles a function that is generic over `Simd` for each instruction set, and calls the one that `isa` selects.
macro_rules! for_each_isa {
    ($(#[$doc:meta])* $name:ident => $generic:ident($($argument:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub unsafe fn $name(isa: $crate::cpu::isa::Isa, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            unsafe fn avx512($($argument: $type),*) {
                // SAFETY: this function has the instruction set; the caller guarantees the rest.
                unsafe { $generic::<$crate::cpu::simd::Avx512>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($argument: $type),*) {
                // SAFETY: as above.
                unsafe { $generic::<$crate::cpu::simd::Avx2>($($argument),*) }
            }
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            unsafe fn neon($($argument: $type),*) {
                // SAFETY: as above.
                unsafe { $generic::<$crate::cpu::simd::Neon>($($argument),*) }
            }
            // SAFETY: an `Isa` is one of the machine's; the caller guarantees the rest.
            unsafe {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    $crate::cpu::isa::Isa::Avx512 => avx512($($argument),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::cpu::isa::Isa::Avx2 => avx2($($argument),*),
                    #[cfg(target_arch = "aarch64")]
                    $crate::cpu::isa::Isa::Neon => neon($($argument),*),
                    $crate::cpu::isa::Isa::Portable => $generic::<$crate::cpu::simd::Portable>($($argument),*),
                }
            }
        }
    };
}

pub(super) use for_each_isa;
