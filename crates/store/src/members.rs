//! Members that stand in one column: failures, the payer's next action, a payment's details and personal data, what an adjustment
//! corrects, the lines of a refund's acceptance. Tags are never used again for something else.

use crate::code::{Reader, Writer};
use domain::adjustment::{Corrected, Reason};
use domain::api_key::Certificate;
use domain::channel::{Action, Failure, SandboxOutcome};
use domain::id::{Id, KeyId, PaymentId, RefundId, Uid};
use domain::payment::{Details, Personal};
use ledger::{Account, AccountKey, Category, Line};
use money::Currency;

pub(crate) fn failure(failure: &Failure) -> Vec<u8> {
    let mut writer = Writer::with_capacity(64);
    writer
        .text(1, &failure.code)
        .text(2, &failure.message)
        .opt_text(3, failure.channel_code.as_deref())
        .opt_text(4, failure.channel_message.as_deref());
    if failure.retryable {
        writer.bytes(5, &[]);
    }
    writer.finish()
}

pub(crate) fn read_failure(bytes: &[u8]) -> Option<Failure> {
    let mut failure = Failure {
        code: String::new(),
        message: String::new(),
        channel_code: None,
        channel_message: None,
        retryable: false,
    };
    Reader::new(bytes)?.each(|field| {
        match field.tag {
            1 => failure.code = field.string()?,
            2 => failure.message = field.string()?,
            3 => failure.channel_code = Some(field.string()?),
            4 => failure.channel_message = Some(field.string()?),
            5 => failure.retryable = true,
            _ => return None,
        }
        Some(())
    })?;
    Some(failure)
}

pub(crate) fn action(action: &Action) -> Vec<u8> {
    let mut writer = Writer::with_capacity(64);
    match action {
        Action::QrCode { text } => writer.text(1, text),
        Action::Redirect { url } => writer.text(2, url),
        Action::Invoke { target, parameters } => writer.text(3, target).text(4, parameters),
        Action::PayerConfirm { poll_after_ms } => writer.int(5, *poll_after_ms),
    }
    .finish()
}

pub(crate) fn read_action(bytes: &[u8]) -> Option<Action> {
    let (mut action, mut parameters) = (None, None);
    Reader::new(bytes)?.each(|field| {
        match field.tag {
            1 => action = Some(Action::QrCode { text: field.string()? }),
            2 => action = Some(Action::Redirect { url: field.string()? }),
            3 => action = Some(Action::Invoke { target: field.string()?, parameters: String::new() }),
            4 => parameters = Some(field.string()?),
            5 => action = Some(Action::PayerConfirm { poll_after_ms: field.int()? }),
            _ => return None,
        }
        Some(())
    })?;
    match (action?, parameters) {
        (Action::Invoke { target, .. }, Some(parameters)) => Some(Action::Invoke { target, parameters }),
        (Action::Invoke { .. }, None) | (_, Some(_)) => None,
        (action, None) => Some(action),
    }
}

/// Which kind of object an adjustment corrects, and why.
pub(crate) fn correction(corrects: Corrected, reason: &Reason) -> Vec<u8> {
    let noun = match corrects {
        Corrected::Payment(_) => 1,
        Corrected::Refund(_) => 2,
    };
    Writer::with_capacity(64).bytes(noun, &[]).text(3, reason.as_str()).finish()
}

/// With the object's id, which stands beside it.
pub(crate) fn read_correction(bytes: &[u8], id: Uid) -> Option<(Corrected, Reason)> {
    let (mut corrects, mut reason) = (None, None);
    Reader::new(bytes)?.each(|field| {
        match field.tag {
            1 => corrects = Some(Corrected::Payment(PaymentId(id))),
            2 => corrects = Some(Corrected::Refund(RefundId(id))),
            3 => reason = Some(Reason::parse(field.text()?)?),
            _ => return None,
        }
        Some(())
    })?;
    corrects.zip(reason)
}

/// A payment's fixed part without personal data.
pub(crate) fn details(details: &Details) -> Vec<u8> {
    let mut writer = Writer::with_capacity(160);
    writer
        .text(1, &details.subject)
        .opt_text(2, details.description.as_deref())
        .opt_text(3, details.goods.as_deref())
        .opt_text(4, details.metadata.as_deref())
        .opt_text(5, details.store.as_deref())
        .opt_text(6, details.terminal.as_deref())
        .opt_text(7, details.notify_url.as_deref())
        .opt_text(8, details.return_url.as_deref())
        .opt_text(9, details.sandbox_outcome.map(SandboxOutcome::as_str));
    if let Some(key) = details.created_by {
        writer.bytes(10, &key.uid().0);
    }
    writer.finish()
}

/// A payment's fixed part; `personal` are the opened bytes of [`personal`].
pub(crate) fn read_details(bytes: &[u8], personal: Option<&[u8]>) -> Option<Details> {
    let mut details = Details::default();
    Reader::new(bytes)?.each(|field| {
        match field.tag {
            1 => details.subject = field.string()?,
            2 => details.description = Some(field.string()?),
            3 => details.goods = Some(field.string()?),
            4 => details.metadata = Some(field.string()?),
            5 => details.store = Some(field.string()?),
            6 => details.terminal = Some(field.string()?),
            7 => details.notify_url = Some(field.string()?),
            8 => details.return_url = Some(field.string()?),
            9 => details.sandbox_outcome = Some(SandboxOutcome::parse(field.text()?)?),
            10 => details.created_by = Some(KeyId(field.uid()?)),
            _ => return None,
        }
        Some(())
    })?;
    if let Some(personal) = personal {
        Reader::new(personal)?.each(|field| {
            let text = Some(Personal(field.string()?));
            match field.tag {
                1 => details.payer = text,
                2 => details.client_ip = text,
                3 => details.device = text,
                _ => return None,
            }
            Some(())
        })?;
    }
    Some(details)
}

/// The personal part, to be sealed; `None` when there is none.
pub(crate) fn personal(details: &Details) -> Option<Vec<u8>> {
    let members = [&details.payer, &details.client_ip, &details.device];
    if members.iter().all(|member| member.is_none()) {
        return None;
    }
    let mut writer = Writer::with_capacity(96);
    for (tag, member) in (1..).zip(members) {
        writer.opt_text(tag, member.as_ref().map(|personal| personal.0.as_str()));
    }
    Some(writer.finish())
}

/// What is kept of a key's certificate.
pub(crate) fn certificate(certificate: &Certificate) -> Vec<u8> {
    let mut writer = Writer::with_capacity(128);
    writer
        .text(1, &certificate.serial)
        .text(2, &certificate.fingerprint)
        .int(3, certificate.begins_at_us)
        .int(4, certificate.ends_at_us)
        .finish()
}

pub(crate) fn read_certificate(bytes: &[u8]) -> Option<Certificate> {
    let (mut serial, mut fingerprint, mut begins_at_us, mut ends_at_us) = (None, None, None, None);
    Reader::new(bytes)?.each(|field| {
        match field.tag {
            1 => serial = Some(field.string()?),
            2 => fingerprint = Some(field.string()?),
            3 => begins_at_us = Some(field.int()?),
            4 => ends_at_us = Some(field.int()?),
            _ => return None,
        }
        Some(())
    })?;
    Some(Certificate {
        serial: serial?,
        fingerprint: fingerprint?,
        begins_at_us: begins_at_us?,
        ends_at_us: ends_at_us?,
    })
}

/// Fixed part of an encoded line: code, dimension, day, amount, flag and id of the merchant.
const LINE_BYTES: usize = 2 + 16 + 4 + 8 + 1 + 16;

/// Lines of one currency, which stands in the row.
pub(crate) fn lines(lines: &[Line], currency: Currency) -> Vec<u8> {
    let mut writer = Writer::with_capacity(lines.len() * (LINE_BYTES + 12));
    for line in lines {
        let key = line.account.key(currency);
        let mut bytes = Vec::with_capacity(LINE_BYTES + 10);
        bytes.extend_from_slice(&key.code.to_be_bytes());
        bytes.extend_from_slice(&key.dim);
        bytes.extend_from_slice(&key.day.to_be_bytes());
        bytes.extend_from_slice(&line.amount_minor.to_be_bytes());
        bytes.push(u8::from(line.merchant.is_some()));
        bytes.extend_from_slice(&line.merchant.unwrap_or([0; 16]));
        bytes.extend_from_slice(line.category.as_str().as_bytes());
        writer.bytes(1, &bytes);
    }
    writer.finish()
}

pub(crate) fn read_lines(bytes: &[u8], currency: Currency) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    Reader::new(bytes)?.each(|field| {
        match field.tag {
            1 => lines.push(read_line(field.bytes, currency)?),
            _ => return None,
        }
        Some(())
    })?;
    Some(lines)
}

fn read_line(bytes: &[u8], currency: Currency) -> Option<Line> {
    let (code, rest) = bytes.split_first_chunk::<2>()?;
    let (dim, rest) = rest.split_first_chunk::<16>()?;
    let (day, rest) = rest.split_first_chunk::<4>()?;
    let (amount, rest) = rest.split_first_chunk::<8>()?;
    let (has_merchant, rest) = rest.split_first()?;
    let (merchant, category) = rest.split_first_chunk::<16>()?;
    let key =
        AccountKey { code: u16::from_be_bytes(*code), dim: *dim, day: i32::from_be_bytes(*day), currency };
    Some(Line {
        account: Account::from_key(&key)?,
        amount_minor: i64::from_be_bytes(*amount),
        category: Category::parse(std::str::from_utf8(category).ok()?)?,
        merchant: (*has_merchant == 1).then_some(*merchant),
    })
}
