//! placeholder of the founder: overwrite
