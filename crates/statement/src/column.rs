//! The columns of each kind: their names, and what they hold in each type of line. `docs/statements.md` is printed from here.

use crate::words::LineType;
use domain::statement::Kind;

/// A column. New ones come at the end, with the schema that brought them; none is renamed, moved or taken away.
#[derive(Debug)]
pub struct Column {
    /// The member in JSON Lines and the header of English files.
    pub name: &'static str,
    /// The header of Chinese files.
    pub zh: &'static str,
    /// The first schema that has it.
    pub since: u16,
    /// What it holds: types of lines, in English, in Chinese. In a type that is not named the cell is empty.
    pub meanings: &'static [Meaning],
}

/// What a column holds in some types of lines.
#[derive(Debug)]
pub struct Meaning {
    /// In these types.
    pub types: &'static [LineType],
    /// English.
    pub en: &'static str,
    /// 中文
    pub zh: &'static str,
}

/// The types of lines of a kind.
pub const fn types(kind: Kind) -> &'static [LineType] {
    match kind {
        Kind::Trade => ALL_TRADE,
        Kind::FundFlow => ALL_FLOW,
    }
}

/// The columns of a kind in a schema, in order.
pub fn columns(kind: Kind, schema: u16) -> impl Iterator<Item = &'static Column> {
    let all = match kind {
        Kind::Trade => TRADE,
        Kind::FundFlow => FUND_FLOW,
    };
    all.iter().filter(move |column| column.since <= schema)
}

const ALL_TRADE: &[LineType] =
    &[LineType::Payment, LineType::Refund, LineType::RefundFailed, LineType::Correction];
const OF_PAYMENTS: &[LineType] = &[LineType::Payment];
const OF_REFUNDS: &[LineType] = &[LineType::Refund, LineType::RefundFailed];
const CORRECTED: &[LineType] = &[LineType::Correction];
const OF_ORDERS: &[LineType] = &[LineType::Payment, LineType::Refund, LineType::RefundFailed];
const ALL_FLOW: &[LineType] = &[LineType::Opening, LineType::Movement, LineType::Closing];
const MOVED: &[LineType] = &[LineType::Movement];

macro_rules! column_list {
    ($name:ident = $($column:literal $zh_name:literal { $($types:ident: $en:literal, $zh:literal;)+ })+) => {
        static $name: &[Column] = &[$(
            Column {
                name: $column,
                zh: $zh_name,
                since: 1,
                meanings: &[$(Meaning { types: $types, en: $en, zh: $zh },)+],
            },
        )+];
    };
}

column_list! { TRADE =
    "type" "类型" { ALL_TRADE: "what the line is", "本行是什么"; }
    "posted_at" "入账时间" { ALL_TRADE: "when it was booked, local time with offset", "入账时间，当地时间带时差"; }
    "merchant_order_no" "商户订单号" { OF_ORDERS: "the payment's number at the merchant", "该支付的商户订单号"; }
    "merchant_refund_no" "商户退款单号" { OF_REFUNDS: "the refund's number at the merchant", "该退款的商户退款单号"; }
    "payment" "支付编号" { OF_ORDERS: "the payment's id", "支付编号"; }
    "refund" "退款编号" { OF_REFUNDS: "the refund's id", "退款编号"; }
    "currency" "币种" { ALL_TRADE: "currency of all amounts of the line", "本行所有金额的币种"; }
    "gross" "交易金额" {
        OF_PAYMENTS: "what was taken now: the payment, or one capture of it", "本次收到的金额：整笔支付或其中一次请款";
        CORRECTED: "what is corrected of it, if anything", "更正的金额（如有）";
    }
    "fee" "手续费" {
        OF_PAYMENTS: "fee charged for it, below zero", "为此收取的手续费，负数";
        CORRECTED: "what is corrected of it, if anything", "更正的金额（如有）";
    }
    "refund_amount" "退款金额" {
        OF_REFUNDS: "refund: below zero; failed: the same above zero", "退款为负数；退款失败为同额正数";
        CORRECTED: "what is corrected of it, if anything", "更正的金额（如有）";
    }
    "fee_refund" "手续费退还" {
        OF_REFUNDS: "fee given back with it; failed: taken again, below zero", "随退款退还的手续费；退款失败时重新收取，为负数";
        CORRECTED: "what is corrected of it, if anything", "更正的金额（如有）";
    }
    "refund_fee" "退款手续费" {
        OF_REFUNDS: "fee for refunding, below zero; failed: given back", "退款手续费，负数；退款失败时退回";
        CORRECTED: "what is corrected of it, if anything", "更正的金额（如有）";
    }
    "net" "净额" { ALL_TRADE: "the sum of the amounts before it: what the merchant gains", "前面各项金额之和，即商户净得"; }
    "order_amount" "订单金额" { OF_ORDERS: "what the payment asked for", "支付的订单金额"; }
    "method" "支付方式" { OF_ORDERS: "method of the payment", "支付方式"; }
    "scene" "支付场景" { OF_ORDERS: "where and how the payer paid", "支付场景"; }
    "subject" "商品描述" { OF_ORDERS: "subject of the payment", "支付的商品描述"; }
    "reason" "退款原因" { OF_REFUNDS: "the merchant's reason", "商户填写的退款原因"; }
    "store" "门店" { OF_ORDERS: "store of the payment", "支付所属门店"; }
    "terminal" "终端" { OF_ORDERS: "terminal of the payment", "支付所用终端"; }
    "created_at" "创建时间" {
        OF_PAYMENTS: "when the payment was made, local time with offset", "支付创建时间，当地时间带时差";
        OF_REFUNDS: "when the refund was made, local time with offset", "退款创建时间，当地时间带时差";
    }
    "transaction" "记账编号" {
        ALL_TRADE: "the posting: its lines in the fund flow carry the same", "记账编号，资金流水中的对应行与之相同";
    }
}

column_list! { FUND_FLOW =
    "type" "类型" { ALL_FLOW: "what the line is", "本行是什么"; }
    "posted_at" "入账时间" { MOVED: "when it was booked, local time with offset", "入账时间，当地时间带时差"; }
    "account" "账户" { ALL_FLOW: "the part of the balance", "余额的组成部分"; }
    "available_on" "可提现日" {
        ALL_FLOW: "of account pending: the business day on which it matures", "仅待结算账户：到期转为可提现的营业日";
    }
    "currency" "币种" { ALL_FLOW: "currency of the account", "账户的币种"; }
    "category" "业务类型" { MOVED: "why it moved", "资金变动的原因"; }
    "amount" "发生额" { MOVED: "what the merchant gains; below zero: what it loses", "商户增加的金额；负数为减少"; }
    "balance" "余额" {
        MOVED: "of the account after the line; debt is below zero", "本行之后该账户的余额；欠款为负数";
        OPENED: "of the account before its first movement of the day", "该账户当日第一笔变动之前的余额";
        CLOSED: "of the account after its last movement of the day", "该账户当日最后一笔变动之后的余额";
    }
    "merchant_order_no" "商户订单号" { MOVED: "of the payment concerned, if any", "相关支付的商户订单号（如有）"; }
    "merchant_refund_no" "商户退款单号" { MOVED: "of the refund concerned, if any", "相关退款的商户退款单号（如有）"; }
    "source" "业务编号" {
        MOVED: "the payment for gross and fee, the refund for a refund's lines, the adjustment for an adjustment's",
            "交易金额与手续费对应支付编号，退款各行对应退款编号，调账对应调账编号";
    }
    "transaction" "记账编号" { MOVED: "the posting that the line is part of", "本行所属的记账编号"; }
    "id" "流水编号" { MOVED: "the balance transaction; a proof is asked for by it", "余额流水编号，可凭此索取包含证明"; }
}

const OPENED: &[LineType] = &[LineType::Opening];
const CLOSED: &[LineType] = &[LineType::Closing];

#[cfg(test)]
mod tests {
    use super::*;
    use domain::statement::SCHEMA;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_new_columns_stand_at_the_end() {
        for kind in Kind::ALL {
            let all: Vec<&Column> = columns(*kind, u16::MAX).collect();
            assert_eq!(all.len(), all.iter().map(|c| c.name).collect::<HashSet<_>>().len());
            assert_eq!(all.len(), all.iter().map(|c| c.zh).collect::<HashSet<_>>().len());
            assert!(all.windows(2).all(|pair| pair[0].since <= pair[1].since), "{kind}");
            assert_eq!(all.len(), columns(*kind, SCHEMA).count(), "a schema that is not in force yet");
        }
    }

    /// What schema 1 has is fixed: files of it are made again for as long as there are merchants.
    #[test]
    fn schema_1_is_as_it_was_released() {
        let names = |kind| columns(kind, 1).map(|column| column.name).collect::<Vec<_>>().join(",");
        assert_eq!(
            names(Kind::Trade),
            "type,posted_at,merchant_order_no,merchant_refund_no,payment,refund,currency,gross,fee,refund_amount,\
             fee_refund,refund_fee,net,order_amount,method,scene,subject,reason,store,terminal,created_at,transaction"
        );
        assert_eq!(
            names(Kind::FundFlow),
            "type,posted_at,account,available_on,currency,category,amount,balance,merchant_order_no,\
             merchant_refund_no,source,transaction,id"
        );
    }

    #[test]
    fn a_column_means_one_thing_in_a_type() {
        for kind in Kind::ALL {
            for column in columns(*kind, SCHEMA) {
                for line_type in types(*kind) {
                    let found = column.meanings.iter().filter(|m| m.types.contains(line_type)).count();
                    assert!(found <= 1, "{kind}.{} in {line_type:?}", column.name);
                }
            }
        }
    }
}
