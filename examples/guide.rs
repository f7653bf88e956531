//! The code of the README and of the guide in `docs/`, compiled as doc tests: `cargo test -p recurrent-examples --doc`.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/src/your-project.md")]
struct YourProject;

#[cfg(doctest)]
#[doc = include_str!("../docs/src/pytorch.md")]
struct Pytorch;

#[cfg(doctest)]
#[doc = include_str!("../docs/src/zoo.md")]
struct Zoo;
