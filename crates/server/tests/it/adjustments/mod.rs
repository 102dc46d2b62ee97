//! Money that was booked for the wrong merchant goes to the right one, when two people say so. On engines with several shards the two
//! are of different ones.

pub mod desk;
mod killed;
mod moved;
mod refused;
