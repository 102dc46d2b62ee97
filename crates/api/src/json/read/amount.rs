//! Money of commands.

use super::text;
use crate::json::fields::missing;
use crate::json::{Fault, Value};
use crate::problem::Code;
use money::{Amount, Currency, MAX_WIRE};

/// Money of a command: `{"value": digits, "currency": code}`, above zero.
pub fn amount(value: &Value<'_>) -> Result<Amount, Fault> {
    let Value::Object(members) = value else {
        return Err(Fault::invalid(
            "An object is expected, such as {\"value\": 1250, \"currency\": \"CNY\"} for CNY 12.50.",
            "此处应为对象，如 {\"value\": 1250, \"currency\": \"CNY\"}，表示人民币 12.50 元。",
        ));
    };
    if let Some((name, _)) = members.iter().find(|(name, _)| name != "value" && name != "currency") {
        let fault = Fault::of(Code::UnknownField, "This field is not known.", "不认识的字段。");
        return Err(fault.allowing(["value", "currency"]).below(name));
    }
    let member = |wanted: &str| {
        let found = members.iter().find(|(name, value)| name == wanted && *value != Value::Null);
        found.map(|(_, value)| value).ok_or_else(|| missing().below(wanted))
    };
    let (minor, code) = (member("value")?, member("currency")?);
    let currency = currency(code);
    let shown_in = currency.as_ref().copied().unwrap_or(Currency::CNY);
    let minor = minor_units(minor).ok_or_else(|| amount_fault(shown_in).below("value"))?;
    currency.map(|currency| Amount::new(minor, currency)).map_err(|fault| fault.below("currency"))
}

fn minor_units(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Number(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|minor| (1..=MAX_WIRE).contains(minor))
        }
        Value::Number(_)
        | Value::Null
        | Value::Bool(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

fn currency(value: &Value<'_>) -> Result<Currency, Fault> {
    Currency::parse(text(value)?).map_err(|_| {
        Fault::of(
            Code::CurrencyUnknown,
            "An active ISO 4217 code in upper case is expected, such as CNY.",
            "此处应为有效的 ISO 4217 大写代码，如 CNY。",
        )
    })
}

/// The hint names the unit.
pub(super) fn amount_fault(currency: Currency) -> Fault {
    let example = Amount::new(1_250, currency);
    let (code, major) = (currency.code(), example.to_major_string());
    Fault::of(
        Code::AmountInvalid,
        format!(
            "An integer number of minor units from 1 to {MAX_WIRE} is expected, digits only: {code} {major} is 1250."
        ),
        format!("此处应为最小货币单位的整数（1 至 {MAX_WIRE}），只写数字：{code} {major} 写作 1250。"),
    )
}
