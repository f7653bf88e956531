//! Which instructions the machine has.

use std::sync::OnceLock;

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
    /// What the compiler makes of arrays of four.
    Portable,
}

impl Isa {
    /// All that this build has kernels for, the best first.
    const KNOWN: &[Self] = &[
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

    fn is_here(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512dq")
                    && Self::Avx2.is_here()
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            Self::Portable => true,
        }
    }

    /// All that this machine has, the best first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::KNOWN.iter().copied().filter(|isa| isa.is_here())
    }

    /// The best that this machine has, or the one that the environment variable `RECURRENT_ISA` names.
    ///
    /// # Panics
    /// If `RECURRENT_ISA` names none that this machine has.
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Isa> = OnceLock::new();
        *CHOSEN.get_or_init(|| match std::env::var("RECURRENT_ISA") {
            Ok(name) => Self::available().find(|isa| isa.name() == name).unwrap_or_else(|| {
                let names: Vec<_> = Self::available().map(Self::name).collect();
                panic!("RECURRENT_ISA is one of {}, got {name:?}", names.join(", "))
            }),
            Err(_) => Self::available().next().unwrap_or(Self::Portable),
        })
    }
}
