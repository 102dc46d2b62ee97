//! Why the sandbox refuses, in the platform's words and in its own.

use domain::channel::Failure;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $byte:literal, $code:literal, $channel_code:literal, $retryable:literal, $message:literal;)*) => {
        /// A refusal. The number is its byte in the book and never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason.
            pub(crate) const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// Its byte in the book; zero is no reason.
            pub(crate) fn byte(self) -> u8 {
                match self { $(Reason::$name => $byte,)* }
            }

            /// The channel's own code.
            pub(crate) fn channel_code(self) -> &'static str {
                match self { $(Reason::$name => $channel_code,)* }
            }

            /// The channel's words.
            pub(crate) fn message(self) -> &'static str {
                match self { $(Reason::$name => $message,)* }
            }

            fn code_and_retryable(self) -> (&'static str, bool) {
                match self { $(Reason::$name => ($code, $retryable),)* }
            }
        }
    };
}

reasons! {
    /// The payer or the wallet said no.
    PayerDeclined = 1, "payer_declined", "PAYER_DECLINED", true, "The payer's wallet declined the payment.";
    /// The card's bank said no.
    CardDeclined = 2, "card_declined", "CARD_DECLINED", true, "The bank that issued the card declined the payment.";
    /// The scene needs a code and there was none.
    AuthCodeMissing = 3, "auth_code_invalid", "AUTH_CODE_INVALID", true, "The payer's code is missing.";
    /// A field of the request is out of its range.
    RequestInvalid = 4, "channel_request_invalid", "PARAM_ERROR", false, "The request cannot be read.";
    /// The number stands for another amount.
    NumberReused = 5, "channel_number_reused", "NUMBER_REUSED", false, "The number was used with other parameters.";
    /// More than what is still authorized.
    ExceedsAuthorized = 6, "capture_exceeds_authorized", "AMOUNT_EXCEEDS_AUTHORIZED", false, "The amount is more than what is still authorized.";
    /// Nothing is authorized.
    NotCapturable = 7, "not_capturable", "TRADE_NOT_AUTHORIZED", false, "Nothing is authorized on this trade.";
    /// The window for captures is over.
    AuthorizationExpired = 8, "authorization_expired", "AUTHORIZATION_EXPIRED", false, "The authorization has expired.";
    /// More than what can still be sent back.
    ExceedsCaptured = 9, "refund_exceeds_captured", "AMOUNT_EXCEEDS_CAPTURED", false, "The amount is more than what can still be refunded.";
    /// Nothing was taken.
    NotRefundable = 10, "not_refundable", "TRADE_NOT_PAID", false, "Nothing was taken on this trade.";
    /// Another currency than the trade's.
    CurrencyDiffers = 11, "currency_differs", "CURRENCY_DIFFERS", false, "The currency is not the trade's.";
    /// The payer's account cannot take money.
    AccountAbnormal = 12, "payer_account_abnormal", "ACCOUNT_ABNORMAL", true, "The payer's account cannot receive the refund.";
    /// No such trade.
    TradeUnknown = 13, "channel_trade_unknown", "TRADE_NOT_EXIST", false, "There is no such trade.";
    /// The order had ended when the request came.
    OrderExpired = 14, "order_expired", "ORDER_EXPIRED", false, "The order has expired.";
    /// Closed before the request was seen.
    ClosedUnseen = 15, "order_closed", "ORDER_CLOSED", false, "The order was closed before it arrived.";
    /// What was authorized and not captured was given up.
    Released = 16, "authorization_released", "AUTHORIZATION_RELEASED", false, "The authorization was given up.";
    /// The wallet takes nothing of what it holds; asked for by the amount.
    CaptureRefused = 17, "capture_refused", "CAPTURE_REFUSED", false, "The wallet refused the capture.";
}

impl Reason {
    /// Reads a byte of the book: zero is none, an unknown byte an error.
    pub(crate) fn from_byte(byte: u8) -> Result<Option<Reason>, UnknownByte> {
        if byte == 0 {
            return Ok(None);
        }
        Reason::ALL.iter().copied().find(|reason| reason.byte() == byte).map(Some).ok_or(UnknownByte)
    }

    /// Finds a reason by the channel's code.
    pub(crate) fn from_channel_code(code: &str) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|reason| reason.channel_code() == code)
    }

    /// As the platform is told.
    pub(crate) fn failure(self) -> Failure {
        let (code, retryable) = self.code_and_retryable();
        Failure {
            code: code.to_owned(),
            message: self.message().to_owned(),
            channel_code: Some(self.channel_code().to_owned()),
            channel_message: Some(self.message().to_owned()),
            retryable,
        }
    }
}

/// A byte that no version of the book wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownByte;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_codes_are_distinct() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(Reason::from_byte(reason.byte()), Ok(Some(*reason)));
            assert_eq!(Reason::from_channel_code(reason.channel_code()), Some(*reason));
            assert_eq!(usize::from(reason.byte()), index + 1);
        }
        assert_eq!(Reason::from_byte(0), Ok(None));
        assert_eq!(Reason::from_byte(200), Err(UnknownByte));
    }
}
