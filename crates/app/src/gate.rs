//! Where calls leave the installation. Channels are reached through here and nowhere else, so that an installation which is held
//! (it was restored from a backup and does not know what was done since) can keep every call back in one place. What came in
//! from a channel is read, and its questions are asked by `resume`, while it is held too.

use crate::Refusal;
use crate::config::Config;
use arc_swap::ArcSwap;
use channels::sandbox::SandboxChannel;
use channels::{CallbackAnswer, CallbackFault, CaptureRef, Channel, Effects, Notice, RefundRef, TradeRef};
use domain::channel::{AttemptFact, CaptureFact, RefundFact};
use domain::id::ChannelAccountId;
use std::collections::HashMap;
use std::sync::Arc;

/// The channels that this node speaks, by account.
#[derive(Clone, Default)]
pub struct Channels {
    /// Every channel.
    pub by_account: HashMap<ChannelAccountId, Arc<dyn Channel>>,
    /// Those that are the sandbox's.
    pub sandbox: HashMap<ChannelAccountId, Arc<SandboxChannel>>,
}

/// The channels, and whether they may be called.
pub(crate) struct Gate {
    channels: Channels,
    config: Arc<ArcSwap<Config>>,
}

impl Gate {
    pub(crate) fn new(channels: Channels, config: Arc<ArcSwap<Config>>) -> Gate {
        Gate { channels, config }
    }

    /// Whether nothing may leave.
    pub(crate) fn is_held(&self) -> bool {
        self.config.load().held_since_us.is_some()
    }

    /// [`Refusal::Held`] while nothing may leave.
    pub(crate) fn open(&self) -> Result<(), Refusal> {
        if self.is_held() { Err(Refusal::Held) } else { Ok(()) }
    }

    /// A channel, to be called; `None` when this node does not speak it.
    pub(crate) fn channel(&self, account: ChannelAccountId) -> Result<Option<Arc<dyn Channel>>, Refusal> {
        self.open()?;
        Ok(self.channels.by_account.get(&account).cloned())
    }

    /// The sandbox channel, for what a payer does there.
    pub(crate) fn sandbox(&self, account: ChannelAccountId) -> Result<Option<Arc<SandboxChannel>>, Refusal> {
        self.open()?;
        Ok(self.channels.sandbox.get(&account).cloned())
    }

    /// A channel's questions alone: nothing is moved by asking them.
    pub(crate) fn questions(&self, account: ChannelAccountId) -> Option<Questions> {
        self.channels.by_account.get(&account).cloned().map(Questions)
    }

    /// The accounts that this node speaks for.
    pub(crate) fn accounts(&self) -> Vec<ChannelAccountId> {
        let mut accounts: Vec<_> = self.channels.by_account.keys().copied().collect();
        accounts.sort_unstable();
        accounts
    }

    /// The side on which a channel comes in.
    pub(crate) fn door(&self, account: ChannelAccountId) -> Option<Door> {
        self.channels.by_account.get(&account).cloned().map(Door)
    }
}

/// What may be asked of a channel while the installation is held.
pub(crate) struct Questions(Arc<dyn Channel>);

impl Questions {
    pub(crate) async fn attempt(&self, trade: &TradeRef) -> AttemptFact {
        self.0.query(trade).await
    }

    pub(crate) async fn capture(&self, capture: &CaptureRef) -> CaptureFact {
        self.0.query_capture(capture).await
    }

    pub(crate) async fn refund(&self, refund: &RefundRef) -> RefundFact {
        self.0.query_refund(refund).await
    }

    pub(crate) async fn effects(&self) -> Effects {
        self.0.effects().await
    }
}

/// Reads what a channel sends and says what it is answered.
pub(crate) struct Door(Arc<dyn Channel>);

impl Door {
    pub(crate) fn read(&self, headers: &[(String, String)], body: &[u8]) -> Result<Notice, CallbackFault> {
        self.0.parse_callback(headers, body)
    }

    pub(crate) fn answer(&self, accepted: bool) -> CallbackAnswer {
        self.0.callback_answer(accepted)
    }
}
