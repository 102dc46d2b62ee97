//! The closed sets of words in files: the code, which programs read, and what it is called in Chinese.

use domain::payment::Scene;
use ledger::{Bucket, Category};

/// A word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// As in JSON Lines and in English files.
    pub code: &'static str,
    /// As in Chinese files.
    pub zh: &'static str,
}

const fn word(code: &'static str, zh: &'static str) -> Word {
    Word { code, zh }
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineType {
    /// A payment, or one capture of it, succeeded.
    Payment,
    /// A refund was accepted.
    Refund,
    /// A refund failed; its lines are turned round.
    RefundFailed,
    /// A correction of lines of an earlier day.
    Correction,
    /// What an account held before its first movement of the day.
    Opening,
    /// A movement.
    Movement,
    /// What an account held after its last movement of the day.
    Closing,
}

impl LineType {
    /// Its word.
    pub const fn word(self) -> Word {
        match self {
            LineType::Payment => word("payment", "支付"),
            LineType::Refund => word("refund", "退款"),
            LineType::RefundFailed => word("refund_failed", "退款失败"),
            LineType::Correction => word("correction", "更正"),
            LineType::Opening => word("opening", "期初"),
            LineType::Movement => word("movement", "发生"),
            LineType::Closing => word("closing", "期末"),
        }
    }
}

/// A part of the merchant's balance.
pub const fn bucket(bucket: Bucket) -> Word {
    let zh = match bucket {
        Bucket::Pending => "待结算",
        Bucket::Available => "可提现",
        Bucket::Reserved => "保证金",
        Bucket::Escrow => "担保交易",
        Bucket::SplitHold => "待分账",
        Bucket::Blocked => "冻结",
        Bucket::InTransit => "打款在途",
        Bucket::Owed => "欠款",
    };
    word(bucket.as_str(), zh)
}

/// Why a line exists.
pub const fn category(category: Category) -> Word {
    let zh = match category {
        Category::Payment => "支付",
        Category::Fee => "手续费",
        Category::Refund => "退款",
        Category::FeeRefund => "手续费退还",
        Category::RefundFee => "退款手续费",
        Category::Maturity => "到期转可提现",
        Category::DebtRecovery => "欠款扣回",
        Category::Reserve => "保证金",
        Category::Split => "分账",
        Category::EscrowRelease => "担保放款",
        Category::SplitUnfreeze => "分账解冻",
        Category::Block => "冻结",
        Category::Payout => "打款",
        Category::Dispute => "争议",
        Category::Adjustment => "调账",
        Category::Cost => "渠道成本",
        Category::Authorization => "预授权",
        Category::Held => "挂账",
    };
    word(category.as_str(), zh)
}

/// Where and how the payer pays.
pub fn scene(scene: Scene) -> Word {
    let zh = match scene {
        Scene::QrCode => "二维码",
        Scene::BarCode => "付款码",
        Scene::MiniProgram => "小程序",
        Scene::App => "App",
        Scene::H5 => "H5",
        Scene::Web => "网页",
        Scene::Card => "银行卡",
        Scene::Pos => "POS 机",
    };
    word(scene.as_str(), zh)
}
