//! What data is used for, as types.

use std::fmt;

mod sealed {
    pub trait Sealed {}
}

/// What a subset of a data set is used for. Roles are types, so that the compiler keeps training, validation and test
/// data apart.
pub trait Role: sealed::Sealed + Copy + fmt::Debug + Send + Sync + 'static {
    /// The name of the role in error messages.
    const NAME: &'static str;
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $role;

        impl sealed::Sealed for $role {}

        impl Role for $role {
            const NAME: &'static str = $name;
        }
    )+};
}

roles! {
    /// Training data: scalers, tokenizers and networks are fitted on it alone.
    Train = "train";
    /// Validation data: early stopping and model selection use it.
    Valid = "valid";
    /// Test data: evaluated once, at the end.
    Test = "test";
    /// Data that was not split: the input of a trained model.
    Whole = "whole";
}
