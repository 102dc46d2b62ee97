//! The mistakes in words: what was done, and what to do.

use super::Mistake;

impl Mistake {
    /// What was done and what to do, in English.
    #[must_use]
    pub fn detail(&self) -> String {
        self.words().0
    }

    /// The same in Chinese.
    #[must_use]
    pub fn detail_zh(&self) -> String {
        self.words().1
    }

    fn words(&self) -> (String, String) {
        let (en, zh) = match self {
            Self::LineMissing(name) => {
                return (
                    format!(
                        "there is no line for {name:?}, which Signature-Input lists: sign one line for each component listed"
                    ),
                    format!(
                        "缺少组件 {name:?} 的一行，而 Signature-Input 列出了它：列出的每个组件都要有一行"
                    ),
                );
            }
            Self::ParamsWithout(name) => {
                return (
                    format!(
                        "the parameter {name} was sent, but is not in the last line: sign the parameters exactly as sent"
                    ),
                    format!("参数 {name} 已发送，却不在最后一行里：发送的参数须原样签名"),
                );
            }
            Self::Algorithm(alg) => {
                return (
                    format!(
                        "the signature was made with {alg}: name that algorithm in alg, or sign with the one named"
                    ),
                    format!("签名实际使用的算法是 {alg}：请在 alg 中写明，或改用 alg 所写的算法"),
                );
            }
            Self::Value(name) => {
                return (
                    format!("the value of {name:?} is another: sign what is sent, and send what was signed"),
                    format!("组件 {name:?} 的值不同：签的与发的必须一致"),
                );
            }
            known => known.fixed_words(),
        };
        (en.to_owned(), zh.to_owned())
    }

    fn fixed_words(&self) -> (&'static str, &'static str) {
        match self {
            Self::TrailingLineEnd => (
                "the text that was signed ends with a line end: the last line has none (printf, not echo)",
                "待签名串末尾多了换行：最后一行之后没有换行（用 printf，不要用 echo）",
            ),
            Self::CarriageReturns => (
                "the lines are joined by \\r\\n: join them by one line feed, \\n, on every system",
                "各行之间用了 \\r\\n：任何系统上都只用一个 \\n",
            ),
            Self::EscapedLineEnds => (
                "a backslash and an n stand between the lines: put a real line feed there (byte 0x0A)",
                "各行之间是反斜杠加字母 n：应为真正的换行符（字节 0x0A）",
            ),
            Self::LinesJoined => (
                "the lines are not joined by a line feed: join them by one \\n",
                "各行之间不是换行：应以一个 \\n 连接",
            ),
            Self::NamesUnquoted => (
                "the component names are not in quotes: every line begins with the name in double quotes",
                "组件名未加引号：每行以双引号内的组件名开头",
            ),
            Self::NamesCase => {
                ("component names have capitals: write them in lower case", "组件名含大写字母：应全部小写")
            }
            Self::Colon => (
                "name and value are not separated by a colon and one space",
                "组件名与值之间应为一个冒号加一个空格",
            ),
            Self::UriScheme
            | Self::UriHost
            | Self::UriPort
            | Self::UriWithoutHost
            | Self::UriQueryMissing
            | Self::UriQueryOrder
            | Self::UriEncoding
            | Self::UriSlash => self.address_words(),
            Self::ParamsMissing
            | Self::ParamsLabel
            | Self::ParamsSpaces
            | Self::ParamsOrder
            | Self::ParamsUnquoted
            | Self::CreatedTwice => self.params_words(),
            _ => self.value_words(),
        }
    }

    fn value_words(&self) -> (&'static str, &'static str) {
        match self {
            Self::MethodCase => (
                "the method is not in capitals: sign it as it is sent, POST",
                "方法名未用大写：按实际发送的写，如 POST",
            ),
            Self::DigestBare => (
                "the digest was signed without its frame: sign the whole value of the header, sha-256=:…:",
                "只签了摘要本身：应签整个请求头的值 sha-256=:…:",
            ),
            Self::DigestHex => (
                "the digest is hexadecimal text: encode the 32 bytes of the hash in base64",
                "摘要用了十六进制文本：应对 32 字节的哈希值做 base64",
            ),
            Self::OtherBody(_) => (
                "the digest is that of another text than the body: hash the very bytes that are sent",
                "摘要不是按请求体算的：请对实际发送的字节计算",
            ),
            Self::KeyQuotes => (
                "Idempotency-Key was signed with quotes and sent without, or the other way: sign the header's value as it is sent",
                "Idempotency-Key 签名时与发送时的引号不一致：按实际发送的值签名",
            ),
            Self::LineOrder => (
                "the lines are in another order than the components in Signature-Input: use one list for both",
                "各行顺序与 Signature-Input 中的组件顺序不同：两处请用同一个列表",
            ),
            Self::Wrapped => (
                "a hash or an encoding of the base was signed: hand the base itself to the signing function, which hashes by itself",
                "签的是原文的哈希或编码：请把原文直接交给签名函数，它自己会做哈希",
            ),
            Self::SignatureTwice => (
                "the signature was encoded twice: put the base64 of its raw bytes between the colons",
                "签名被编码了两次：两个冒号之间应为签名原始字节的 base64",
            ),
            Self::Text => (
                "the text differs in a way that has no name: compare it with the server's line by line",
                "待签名串不同，但不属于已知的错误：请与服务器的逐行比较",
            ),
            Self::NotThisBase => (
                "the signature was not made over the base shown: the program signs another text, or with another private key",
                "签名不是对所给原文做的：程序签的是别的文本，或者用了别的私钥",
            ),
            _ => (
                "no known mistake makes this signature: most likely another private key was used than the registered one",
                "已知的错误都得不出这个签名：很可能所用私钥与登记的公钥不是一对",
            ),
        }
    }

    fn address_words(&self) -> (&'static str, &'static str) {
        match self {
            Self::UriScheme => (
                "@target-uri has another scheme than the server's public_url: behind a proxy that ends TLS it is https",
                "@target-uri 的协议与服务器 public_url 不同：TLS 在反向代理终止时，仍应为 https",
            ),
            Self::UriHost => (
                "@target-uri has another host than the server's public_url: sign the address that merchants call, and let the operator \
                 check public_url",
                "@target-uri 的主机名与服务器 public_url 不同：请按商户访问的地址签名，并请运营方核对 public_url",
            ),
            Self::UriPort => (
                "@target-uri has another port than the server's public_url: write it as public_url does",
                "@target-uri 的端口与服务器 public_url 不同：按 public_url 的写法",
            ),
            Self::UriWithoutHost => (
                "@target-uri is the path alone: sign the whole URL, with scheme, host and query",
                "@target-uri 只有路径：应为完整 URL，含协议、主机名和查询串",
            ),
            Self::UriQueryMissing => (
                "@target-uri lacks the query: sign the whole URL as it is sent",
                "@target-uri 少了查询串：应为实际发送的完整 URL",
            ),
            Self::UriQueryOrder => (
                "the query's parameters are signed in another order than sent: sign the URL as it is sent, sort nothing",
                "查询参数的签名顺序与发送顺序不同：按实际发送的 URL 签名，不要排序",
            ),
            Self::UriEncoding => (
                "escapes (%…) in @target-uri are not those sent: take the URL from the request that goes out, after your client \
                 encoded it",
                "@target-uri 中的百分号编码与发送的不同：请取 HTTP 客户端编码之后、实际发出的 URL",
            ),
            _ => (
                "@target-uri has a slash too many or too few: the base URL ends without one",
                "@target-uri 多了或少了一个斜杠：基础 URL 末尾不带斜杠",
            ),
        }
    }

    fn params_words(&self) -> (&'static str, &'static str) {
        match self {
            Self::ParamsMissing => (
                "the last line, \"@signature-params\", is missing: it is signed too",
                "缺少最后一行 \"@signature-params\"：它也要签名",
            ),
            Self::ParamsLabel => (
                "the label (sig1=) is in the last line: it begins with the parenthesis",
                "最后一行带了标签（sig1=）：应从圆括号开始",
            ),
            Self::ParamsSpaces => (
                "the last line has spaces that its canonical form has not: no space after a semicolon, one between components",
                "最后一行含规范形式没有的空格：分号后无空格，组件之间一个空格",
            ),
            Self::ParamsOrder => (
                "the parameters in the last line are in another order than sent: use one text for both",
                "最后一行的参数顺序与发送的不同：两处请用同一段文本",
            ),
            Self::ParamsUnquoted => (
                "text parameters in the last line are not in quotes: keyid, nonce and alg are, as in Signature-Input",
                "最后一行的文本参数未加引号：keyid、nonce、alg 与 Signature-Input 中一样须加双引号",
            ),
            _ => (
                "created was read from the clock twice: the one signed is not the one sent; read it once",
                "created 取了两次时间：签名用的与发送的不同；请只取一次",
            ),
        }
    }
}
