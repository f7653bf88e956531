//! Data sets come over the network or from a file, whole or not at all.

#![cfg(feature = "fetch")]

mod place;
mod prepared;
mod server;
mod web;
