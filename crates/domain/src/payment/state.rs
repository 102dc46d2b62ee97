//! The closed sets of words about a payment.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }
        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            /// The name on the wire and in rows.
            pub fn as_str(self) -> &'static str { match self { $($name::$variant => $text,)* } }
            /// Reads the name.
            pub fn parse(text: &str) -> Option<$name> { match text { $($text => Some($name::$variant),)* _ => None } }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}
pub(crate) use words;

words! {
    /// DESIGN section 5. `succeeded` is the only paid end; `failed` ends one-shot scenes only.
    Status {
        /// Recorded; nothing was asked of a payer yet.
        Created = "created",
        /// The payer must act, or may try again.
        RequiresAction = "requires_action",
        /// A channel works on it, or its outcome is not known, or a person must resolve it.
        Processing = "processing",
        /// Held at the channel, to be captured.
        Authorized = "authorized",
        /// Paid.
        Succeeded = "succeeded",
        /// Refused; one-shot scenes only.
        Failed = "failed",
        /// Ended unpaid.
        Closed = "closed",
    }
}

words! {
    /// Why a payment has its status.
    StatusReason {
        /// Unpaid past its time.
        Expired = "expired",
        /// The merchant closed it.
        MerchantClosed = "merchant_closed",
        /// The merchant gave up the authorization.
        Voided = "voided",
        /// The channel's window for captures ended.
        AuthorizationExpired = "authorization_expired",
        /// The one try was declined.
        Declined = "declined",
        /// Money came that it may not keep; it is sent back.
        PaidAfterClose = "paid_after_close",
        /// The channel reports another amount or currency; a person resolves it.
        AmountMismatch = "amount_mismatch",
    }
}

words! {
    /// Where and how the payer pays. Data, not code paths: see [`Scene::one_shot`] and [`Scene::needs_auth_code`].
    Scene {
        /// The payer scans a code.
        QrCode = "qr_code",
        /// The merchant scans the payer's code.
        BarCode = "bar_code",
        /// In a wallet's mini-program.
        MiniProgram = "mini_program",
        /// In the merchant's app.
        App = "app",
        /// In a mobile browser.
        H5 = "h5",
        /// In a desktop browser.
        Web = "web",
        /// Card present or on file.
        Card = "card",
        /// At a terminal.
        Pos = "pos",
    }
}

/// The rules of a scene, one row each.
struct SceneRules {
    one_shot: bool,
    synchronous: bool,
    needs_auth_code: bool,
}

impl Scene {
    fn rules(self) -> SceneRules {
        let rules =
            |one_shot, synchronous, needs_auth_code| SceneRules { one_shot, synchronous, needs_auth_code };
        match self {
            Scene::QrCode | Scene::MiniProgram | Scene::App | Scene::H5 | Scene::Web => {
                rules(false, false, false)
            }
            Scene::BarCode => rules(true, true, true),
            Scene::Card | Scene::Pos => rules(false, true, false),
        }
    }

    /// A declined try ends the payment.
    pub fn one_shot(self) -> bool {
        self.rules().one_shot
    }

    /// The first answer of the channel is (usually) the end: no `payment.created` event.
    pub fn synchronous(self) -> bool {
        self.rules().synchronous
    }

    /// `auth_code` is required.
    pub fn needs_auth_code(self) -> bool {
        self.rules().needs_auth_code
    }
}

words! {
    /// Whether capturing is a step of its own.
    CaptureMode {
        /// Captured as soon as it is paid.
        Automatic = "automatic",
        /// Authorized first.
        Manual = "manual",
    }
}

impl Status {
    /// True for the ends, which no fact, deadline or command changes any more.
    pub fn is_final(self) -> bool {
        match self {
            Status::Succeeded | Status::Failed | Status::Closed => true,
            Status::Created | Status::RequiresAction | Status::Processing | Status::Authorized => false,
        }
    }
}
