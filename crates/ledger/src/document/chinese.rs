//! The words of the page of the books in Chinese, by their English.

pub(super) const HEAD: &str = "# 科目与分录

会计科目表，以及每一种分录所动用的科目：款项到账、到期、退回时分别如何记账。

本页由 `ledger` 模块的测试生成，请勿在此修改；`UPDATE_DOCS=1 cargo test -p ledger` 会重新写出。

## 科目

账户由科目编号、维度、（按日的科目还有）日期和币种确定。分录金额以最小货币单位表示，借方为正，贷方为负。*方向*是余额增加的一侧，*下限*是
余额最低可到多少，*存放*是余额保存在哪里：`chained` 账户会被读入，逐条编号并记录其后的余额；`delta` 账户只接受变动，从不读入；`object`
账户是维度所指对象的一列。*余额部分*是商户看到的余额组成。

| 编号 | 科目 | 英文名 | 维度 | 方向 | 下限 | 存放 | 余额部分 | 归属 | 含义 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

pub(super) const MIDDLE: &str = "
## 分录

每一行是单一币种的一笔平衡分录。“取自”表示按所列账户的顺序扣取，每个扣到其下限为止，其余从最后一个扣取。“A / B”为两种情形，各列顺序
一致。方括号中的账户仅在有金额可记时才有分录。

| 事件 | 借方 | 贷方 | 类型 | 函数 |
| --- | --- | --- | --- | --- |
";

pub(super) const TAIL: &str = "
## 规则

* 各行按计算余额的先后排列：模板中的任何一行都不会使账户低于下限，哪怕只在这笔分录的过程中。
* 手续费可能超过交易金额：先取自收款的 2010，再取自 2020，不足部分成为欠款（1210）。之后的交易在扣除其手续费后，余下的部分用于偿还欠款。
* 不应保留的款项（关单后付款、重复付款），其渠道成本在款项到达时即计提，使 2120 与账单一致；暂存后获准保留的款项，入账时不再计成本。
* 退款中由 1210 承担的部分会单独报告，以便按商户的欠款额度裁定。
* 退款失败时，将受理时的分录逐行倒序冲回，类别不变。取自某个 2010、而该 2010 此后已到期的，退回 2020。由 1210 承担的部分退回 1210，
  以当前欠款为限；此间已偿还的部分退到 2020。
* 退款返还的手续费按累计计算：`round(手续费 × Σ 有效退款 ÷ 已收金额) − Σ 已返还`，因此任意次部分退款的合计与一次全额退款相同。
* 1120 以批次区分，2030 以保证金冻结区分（参加保证金计划的商户），2050 以案件区分；批次、冻结和案件各自只属于一个渠道账户或商户。
";

/// The Chinese of a cell; `None` is what a test looks for.
pub(super) fn of(english: &str) -> Option<&'static str> {
    CELLS.iter().find(|(known, _)| *known == english).map(|(_, chinese)| *chinese)
}

const CELLS: &[(&str, &str)] = &[
    ("debit", "借"),
    ("credit", "贷"),
    ("none", "无"),
    ("zero", "零"),
    ("minus the credit line", "负的授信额度"),
    ("none, alarm below zero", "无，低于零告警"),
    ("merchant", "商户"),
    ("platform", "平台"),
    ("bank account", "银行账户"),
    ("channel account, bill date", "渠道账户、账单日"),
    ("batch", "批次"),
    ("dispute", "争议"),
    ("conversion", "换汇"),
    ("case", "案件"),
    ("other shard", "另一分片"),
    ("merchant, available on", "商户、可用日"),
    ("hold", "冻结"),
    ("payment", "支付"),
    ("payout", "付款"),
    ("refund", "退款"),
    ("method", "支付方式"),
    ("kind", "种类"),
    ("jurisdiction", "税务辖区"),
    (
        "clients' money at the custody bank; equals the bank statement at each cut-off",
        "存管银行中的客户资金；每个截点都等于银行对账单",
    ),
    ("the operator's own money, kept apart", "运营方自有资金，单独存放"),
    (
        "taken by the channel, not yet on a matched bill; zero when each of its rows stands on a matched bill",
        "渠道已收、尚未出现在已核对的账单上；全部核对后归零",
    ),
    (
        "on the bill, cash not seen yet; zero when the bank line is matched",
        "账单已有、尚未见到到账；与银行流水核对后归零",
    ),
    ("the channel took the money, case open; zero when the case ends", "渠道已扣款、争议未结；结案后归零"),
    ("what a merchant owes", "商户的欠款"),
    (
        "both legs of a conversion; zero when squared and its result booked",
        "换汇的两边；平仓并记录损益后归零",
    ),
    (
        "money missing or paid out unknown, found by reconciliation; zero when the case closes",
        "对账发现的短款或不明付出；结案后归零",
    ),
    (
        "one movement's two halves; summed over all shards zero but for what is in flight",
        "同一笔变动的两半；除在途外，所有分片合计为零",
    ),
    ("earned, not matured; zero after its day", "已赚得、未到期；到期后归零"),
    (
        "may be paid out; the credit line serves refunds and fees and is never paid out",
        "可以付出；授信额度仅用于退款和手续费，绝不付出",
    ),
    ("rolling or fixed reserve of a merchant under a plan", "商户按计划留存的滚动或固定保证金"),
    ("held until delivery; zero when released or refunded", "确认收货前担保；释放或退款后归零"),
    ("risk or legal freeze of a merchant's money", "因风控或司法要求冻结的商户资金"),
    ("zero on bank debit or refusal", "银行扣款或拒绝后归零"),
    ("waits for split instructions; zero when split or unfrozen", "等待分账指令；分账或解冻后归零"),
    ("zero when the bill confirms the fee", "账单确认手续费后归零"),
    (
        "accepted, the channel has not taken it yet; zero when taken or failed",
        "已受理、渠道尚未执行；执行或失败后归零",
    ),
    ("taken from the merchant while the case is open", "争议期间从商户处冻结的金额"),
    ("tax in what merchants are charged, until it is paid", "向商户收费中所含的税款，缴纳前留存"),
    (
        "money found by reconciliation or held at the door; zero when the case closes",
        "对账发现的长款或入口处暂存的款项；结案后归零",
    ),
    ("the rest of closed merchants, payouts that came back", "已销户商户的余款、退回的付款"),
    ("what the operator put into 1020 and took out", "运营方投入和取出 1020 的资金"),
    ("merchants' fees without tax", "商户手续费（不含税）"),
    ("monthly and other fees, commissions", "月费及其他收费、佣金"),
    ("the operator's margin on conversions", "运营方的换汇差价"),
    ("what channels and banks take", "渠道与银行收取的费用"),
    ("debts and missing money written off", "核销的欠款与短款"),
    ("gain or loss when a position is squared", "平仓时的损益"),
    (
        "authorized amount; zero when captured, voided or expired; never in the general ledger",
        "预授权金额；请款、撤销或过期后归零；不进入总账",
    ),
    ("the other side of 9010", "9010 的对方科目"),
    ("an amount was authorized (memo)", "完成一笔预授权（备忘）"),
    ("it was captured, voided or expired (memo)", "预授权被请款、撤销或过期（备忘）"),
    (
        "a payment or capture succeeded: gross; [fee with its tax]; [channel cost]; [debt recovered]",
        "支付或请款成功：总额；[含税手续费]；[渠道成本]；[偿还欠款]",
    ),
    (
        "1110, or 2910 if it was held; [fee drawn from that 2010, 2020, 1210]; [5010]; [that 2010]",
        "1110，若曾暂存则为 2910；[手续费取自该 2010、2020、1210]；[5010]；[该 2010]",
    ),
    (
        "money that a payment may not keep (paid after close, paid twice), sent back by a refund; [channel cost]",
        "不应保留的款项（关单后付款、重复付款），以退款退回；[渠道成本]",
    ),
    (
        "another amount or currency, held for a person; [channel cost]",
        "金额或币种不符，暂存待人工处理；[渠道成本]",
    ),
    (
        "sending such money back failed / after the channel had taken it; [cost given back turned round]",
        "退回此类款项失败 / 渠道执行之后失败；[冲回已退的成本]",
    ),
    ("2130 / 1110 of the day it was learnt; [5010]", "2130 / 得知当日的 1110；[5010]"),
    ("held money is sent back by a refund", "以退款退回暂存的款项"),
    ("a date of availability came", "到达可用日"),
    (
        "a refund was accepted: [fee given back]; amount; [refund fee]",
        "受理退款：[返还手续费]；金额；[退款手续费]",
    ),
    (
        "[4010, 2210]; drawn from [2040, 2070,] 2010 of the payment, 2020, other 2010 (latest date first), [2030,] 1210; [drawn from 2010 of the payment, 2020, 1210]",
        "[4010、2210]；取自 [2040、2070、] 该支付的 2010、2020、其他 2010（日期晚的在前）、[2030、] 1210；[取自该支付的 2010、2020、1210]",
    ),
    ("[the account that took the gross]; 2130; [4010, 2210]", "[收取总额的账户]；2130；[4010、2210]"),
    ("the channel took the refund's money; [cost given back]", "渠道已执行退款；[返还成本]"),
    ("1110 of the refund's bill date; [5010]", "退款账单日的 1110；[5010]"),
    ("a refund failed before the channel took it", "渠道执行之前退款失败"),
    (
        "[4010, 2210]; 2130; [the account that took the gross, 2020, 1210]",
        "[4010、2210]；2130；[收取总额的账户、2020、1210]",
    ),
    (
        "the accounts it came from, or 2020, or 2990 for a closed merchant; [4010, 2210]",
        "款项来自的账户，或 2020，已销户商户为 2990；[4010、2210]",
    ),
    (
        "a refund failed after the channel took it; [cost given back turned round]",
        "渠道执行之后退款失败；[冲回已退的成本]",
    ),
    (
        "as above, with 1110 of the day it was learnt in place of 2130; [5010]",
        "同上，但以得知当日的 1110 代替 2130；[5010]",
    ),
    ("as above; [2120]", "同上；[2120]"),
    ("debt recovered from a credit that is not a sale", "从非交易的入账中偿还欠款"),
    ("2010 or 2020", "2010 或 2020"),
    ("an adjustment, which names what it corrects", "调账，须注明所更正的内容"),
    ("an adjustment between two merchants, the giver's half", "两商户间的调账，付出方一半"),
    ("1920 of the receiver's shard", "收入方分片的 1920"),
    ("the receiver's half; [debt recovered]", "收入方一半；[偿还欠款]"),
    ("1920 of the giver's shard; [2020]", "付出方分片的 1920；[2020]"),
    ("2020; [1210]", "2020；[1210]"),
    ("its debits", "其借方"),
    ("its credits", "其贷方"),
    ("another posting turned round", "冲回另一笔分录"),
];
