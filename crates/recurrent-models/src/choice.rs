//! Enums that users select by name.

/// Gives an enum its `ALL`, and each variant the name by which it is written and parsed.
macro_rules! impl_choice {
    ($kind:ident, $what:literal: $($variant:ident = $name:literal),+) => {
        impl $kind {
            /// All variants.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $name),+
                })
            }
        }

        impl std::str::FromStr for $kind {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($crate::choice::unknown($what, name, &[$($name),+])),
                }
            }
        }
    };
}

pub(crate) use impl_choice;

/// ``unknown cell `x`: expected rnn, lstm or gru``.
pub(crate) fn unknown(what: &str, name: &str, names: &[&str]) -> String {
    let expected = match names {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        names => names.concat(),
    };
    format!("unknown {what} `{name}`: expected {expected}")
}

#[cfg(test)]
mod tests {
    use crate::networks::Pooling;
    use crate::{AttentionKind, CellKind};

    #[test]
    fn every_variant_is_parsed_as_it_is_written() {
        for kind in CellKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        for kind in AttentionKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        for pooling in Pooling::ALL {
            assert_eq!(pooling.to_string().parse(), Ok(pooling));
        }
    }

    #[test]
    fn unknown_name_is_refused_with_the_known_ones() {
        assert_eq!("mgu".parse::<CellKind>(), Err("unknown cell `mgu`: expected rnn, lstm or gru".into()));
    }
}
