//! Use cases over the real store and the real sandbox channel, without HTTP.

mod budget;
mod clocks;
mod life;
mod world;
