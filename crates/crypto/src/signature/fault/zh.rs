//! The sentences in Chinese.

use super::{DigestFault, EcdsaShapeFault, NONCE_CHARS, Problem, TIME_TOLERANCE_S, names};

impl Problem {
    /// The problem in a Chinese sentence.
    #[must_use]
    pub fn detail_zh(&self) -> String {
        let (min, max) = (NONCE_CHARS.start(), NONCE_CHARS.end());
        match self {
            Self::AuthorizationToo => "Authorization 与签名只能二选一".to_owned(),
            Self::FieldAbsent { field } => {
                format!("缺少 {field}：签名需要 Signature-Input 与 Signature 两个请求头")
            }
            Self::FieldMalformed { field } => format!(
                "{field} 不是合法的结构化字段：组件名、keyid、nonce、alg 须加双引号，签名值须写在两个冒号之间"
            ),
            Self::FieldTooLong { field } => format!("{field} 过长"),
            Self::Labels { field, count } => format!("{field} 含 {count} 个标签：只能有一个签名"),
            Self::LabelsDiffer => "Signature-Input 与 Signature 的标签不一致".to_owned(),
            Self::NotComponents => "Signature-Input 须为圆括号内的组件列表".to_owned(),
            Self::NotBytes => "Signature 须为两个冒号之间的 base64，如 sig1=:…:".to_owned(),
            Self::ComponentUnquoted => "每个组件名须加双引号".to_owned(),
            Self::ComponentName { name } => format!("组件 {name:?} 不是小写的请求头名称"),
            Self::ComponentUnknown { name } => format!("请求中没有组件 {name:?}"),
            Self::ComponentRepeated { name } => format!("组件 {name:?} 重复"),
            Self::ComponentParameter { name, parameter } => {
                format!("组件 {name:?} 的参数 {parameter:?} 不受支持")
            }
            Self::ComponentsTooMany => "组件过多".to_owned(),
            Self::ParameterAbsent { name: "nonce" } => {
                format!("缺少参数 nonce：POST、PATCH、DELETE 需要 {min} 至 {max} 个字符")
            }
            Self::ParameterAbsent { name } => format!("缺少参数 {name}"),
            Self::ParameterUnquoted { name } => format!("参数 {name} 须为加双引号的文本，如 {name}=\"…\""),
            Self::ParameterNotInteger { name } => format!("参数 {name} 须为不加引号的整数，单位为秒"),
            Self::NonceLength { chars } => format!("nonce 有 {chars} 个字符：应为 {min} 至 {max} 个"),
            Self::EcdsaShape(EcdsaShapeFault::Der) => {
                "ECDSA 签名为 DER 编码：请发送 64 字节的 r‖s（IEEE P1363），各 32 字节".to_owned()
            }
            Self::EcdsaShape(EcdsaShapeFault::Length { bytes }) => {
                format!("ECDSA 签名有 {bytes} 字节：请发送 64 字节的 r‖s，各 32 字节")
            }
            Self::ValueNotAscii { name } => format!("被签名的请求头 {name} 含非 ASCII 字节"),
            Self::AlgorithmMismatch { alg, key } => format!(
                "alg {alg:?} 与密钥不符，密钥为 {key}：请使用 {}",
                names(key.algorithms().iter().map(|alg| alg.name()))
            ),
            Self::CreatedMilliseconds => "created 的单位是毫秒：请改用秒".to_owned(),
            Self::CreatedOutside { created_s, now_s } => format!(
                "created 与服务器时间 {now_s} 相差 {} 秒：最多允许 {TIME_TOLERANCE_S} 秒",
                created_s.abs_diff(*now_s)
            ),
            Self::Expired { expires_s } => format!("签名已于 {expires_s} 过期"),
            Self::NotSigned { missing } => {
                format!("以下组件必须签名：{}", names(missing.iter().map(String::as_str)))
            }
            Self::DigestAbsent => "有请求体时须带 Content-Digest 并对其签名".to_owned(),
            Self::ComponentAbsent { name } => format!("请求中没有被签名的组件 {name:?}"),
            Self::Digest { fault: DigestFault::Mismatch, computed } => format!(
                "Content-Digest 与收到的字节不符，后者为 {computed}：请对实际发送的字节计算，不要对重新序列化的 JSON 计算"
            ),
            Self::Digest { fault: DigestFault::Malformed, .. } => {
                "Content-Digest 的格式须为 sha-256=:base64:".to_owned()
            }
            Self::Digest { fault: DigestFault::Unsupported, .. } => {
                "Content-Digest 中没有受支持的算法：请使用 sha-256".to_owned()
            }
            Self::Invalid { host: None } => "签名不匹配：请将您的待签名串与服务器的逐字节比较".to_owned(),
            Self::Invalid { host: Some((sent, public)) } => {
                format!("签名不匹配；请求的主机名是 {sent}，而 @target-uri 按公开地址的 {public} 生成")
            }
        }
    }
}
