//! placeholder of the founder while this module is being written: overwrite
use crate::{clock::Clock, config::Config};
use arc_swap::ArcSwap;
use std::sync::Arc;
use store::Store;
pub mod guard {
    pub struct UrlRules {
        pub allow_private: bool,
    }
    pub fn check_url(url: &str, _: domain::World, _: &UrlRules) -> Result<url::Url, url::ParseError> {
        url.parse()
    }
    pub fn host_is_registered<'a>(_: &str, _: impl Iterator<Item = &'a str>) -> bool {
        true
    }
}
pub struct DelivererConfig {
    pub store: Arc<dyn Store>,
    pub config: Arc<ArcSwap<Config>>,
    pub clock: Clock,
    pub rules: guard::UrlRules,
}
impl DelivererConfig {
    pub fn defaults(store: Arc<dyn Store>, config: Arc<ArcSwap<Config>>, clock: Clock) -> Self {
        Self { store, config, clock, rules: guard::UrlRules { allow_private: false } }
    }
}
pub struct Deliverer;
impl Deliverer {
    pub fn start(_: DelivererConfig) -> DelivererHandle {
        DelivererHandle
    }
}
pub struct DelivererHandle;
impl DelivererHandle {
    pub fn hint(&self, _: &[domain::event::Event]) {}
    pub fn wake(&self) {}
    pub async fn stop(&self) {}
}
