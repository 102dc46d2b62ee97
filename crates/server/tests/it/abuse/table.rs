//! The attacks, each with its bound and what becomes of it: the rows of `docs/abuse.md`.

/// A text in English and in Chinese.
pub type Words = [&'static str; 2];

/// One attack.
pub struct Attack {
    /// Its name in the tests.
    pub name: &'static str,
    /// What is done.
    pub attack: Words,
    /// What bounds it. Settings are named as in the settings file.
    pub bound: Words,
    /// What happens.
    pub result: Words,
    /// So much resident memory may be added, MiB; a debug build's. `None`: nothing is held open.
    pub growth_max_mib: Option<u64>,
}

/// The row of this name.
pub fn row(name: &str) -> &'static Attack {
    ATTACKS.iter().find(|attack| attack.name == name).unwrap_or_else(|| panic!("no row for {name}"))
}

/// All of them, in the order of the page.
pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "slow_heads",
        attack: [
            "400 connections send a request's head byte by byte (slowloris)",
            "400 个连接逐字节发送请求头（slowloris）",
        ],
        bound: [
            "`limits.head_timeout_ms`, counted from the first byte or the last answer, not from the last byte",
            "`limits.head_timeout_ms`，自首字节或上次应答起算，而非自上一字节",
        ],
        result: ["each is closed in time", "逐一按时断开"],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "slow_bodies",
        attack: [
            "300 bodies arrive byte by byte, with a length or in chunks",
            "300 个请求体逐字节到达（定长或分块）",
        ],
        bound: ["`limits.body_timeout_ms` for the whole body", "整个请求体受 `limits.body_timeout_ms` 限制"],
        result: ["each is answered 408 `body_timeout` and closed", "逐一应答 408 `body_timeout` 并断开"],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "held_bodies",
        attack: [
            "1,000 connections send 240 kB of a body of 250 kB and stop",
            "1,000 个连接发送 250 kB 请求体中的 240 kB 后停住",
        ],
        bound: [
            "64 MiB for all bodies together, the first 16 KiB of each not counted",
            "所有请求体合计 64 MiB，每个的前 16 KiB 不计入",
        ],
        result: [
            "large bodies beyond the bound are answered 503 `overloaded`, payments of the usual size go on",
            "超限的大请求体应答 503 `overloaded`，通常大小的付款照常处理",
        ],
        growth_max_mib: Some(224),
    },
    Attack {
        name: "oversized_bodies",
        attack: [
            "a body of 10 GB, announced or in chunks; endless chunk extensions and trailers",
            "10 GB 请求体（声明长度或分块）；无尽的块扩展与尾部字段",
        ],
        bound: [
            "`limits.body_max_bytes`, then at most 1 MiB read and thrown away",
            "`limits.body_max_bytes`，之后最多再读弃 1 MiB",
        ],
        result: [
            "413 `body_too_large` before the body where the client asks first; else after the bound; the connection is closed",
            "客户端先询问时在收体之前应答 413 `body_too_large`，否则到限即答；随后断开",
        ],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "compressed_bodies",
        attack: [
            "decompression bombs: gzip, deflate, br, zstd, codings hidden in a list or a second field, compressed transfer codings",
            "解压炸弹：gzip、deflate、br、zstd，藏在列表或第二个字段中的编码，压缩的传输编码",
        ],
        bound: ["nothing is ever unpacked", "从不解压任何内容"],
        result: [
            "415 `media_type`; 4xx and the end of the connection for transfer codings",
            "415 `media_type`；传输编码则应答 4xx 并断开",
        ],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "dense_bodies",
        attack: [
            "bodies of 250 kB of small names, nested lists, escapes, digits",
            "250 kB 请求体，由大量短字段名、嵌套列表、转义或数字构成",
        ],
        bound: [
            "depth 16, 20 faults reported, work that grows with the bytes only",
            "深度 16，至多报告 20 处错误，开销只随字节数增长",
        ],
        result: [
            "4xx within the time of any other body, answers below 64 KiB",
            "与普通请求体同样迅速地应答 4xx，应答小于 64 KiB",
        ],
        growth_max_mib: Some(48),
    },
    Attack {
        name: "head_floods",
        attack: [
            "a hundred fields; fields, paths and methods of 40 kB; 100 connections that send one field without end",
            "上百个字段；40 kB 的字段、路径与方法；100 个连接发送无尽的单个字段",
        ],
        bound: [
            "`limits.headers_max`, `limits.head_max_bytes`",
            "`limits.headers_max`、`limits.head_max_bytes`",
        ],
        result: ["431, 414 or 400, and the end of the connection", "应答 431、414 或 400 并断开"],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "not_http",
        attack: [
            "HTTP/0.9, HTTP/2 without TLS, a TLS handshake, CONNECT, foreign hosts, control bytes, noise",
            "HTTP/0.9、无 TLS 的 HTTP/2、TLS 握手、CONNECT、他站地址、控制字节、随机噪声",
        ],
        bound: [
            "HTTP/1.1 and nothing else; `public_url` is what is signed, whatever the request line says",
            "只接受 HTTP/1.1；验签以 `public_url` 为准，与请求行所写无关",
        ],
        result: ["4xx or silence, and the end of the connection", "应答 4xx 或不应答，随后断开"],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "ambiguous_framing",
        attack: [
            "30 messages whose end a proxy may see elsewhere (request smuggling): length and coding together, two lengths, odd codings and chunk sizes",
            "30 种代理可能看错结尾的报文（请求走私）：长度与编码并存、两个长度、异常编码与块大小",
        ],
        bound: [
            "a message that is not clear is the last of its connection, and so is each one in chunks",
            "含义不清的报文即该连接的最后一个，分块报文亦然",
        ],
        result: ["what stands behind it is never answered", "其后的内容从不被应答"],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "pipelining",
        attack: [
            "1,000 requests in one write; 50 connections that ask for the largest page again and again and never read",
            "一次写入 1,000 个请求；50 个连接反复请求最大的页面而从不读取",
        ],
        bound: [
            "one request of a connection at a time; `limits.idle_max_ms` without a byte taken",
            "每个连接同时只处理一个请求；`limits.idle_max_ms` 内一个字节都未取走",
        ],
        result: [
            "answered one by one, in order; who does not read is not listened to, and closed",
            "按序逐个应答；不读者不再受理并被断开",
        ],
        growth_max_mib: Some(64),
    },
    Attack {
        name: "idle_connections",
        attack: [
            "4,000 connections that say nothing, half of them after a request",
            "4,000 个沉默的连接，其中一半曾发过请求",
        ],
        bound: [
            "`limits.head_timeout_ms`, `limits.idle_max_ms` (an eighth of it while three quarters of `limits.connections_max` are taken)",
            "`limits.head_timeout_ms`、`limits.idle_max_ms`（`limits.connections_max` 用去四分之三时取其八分之一）",
        ],
        result: ["each is closed in time", "逐一按时断开"],
        growth_max_mib: Some(64),
    },
    Attack {
        name: "tls_handshakes",
        attack: ["400 TLS handshakes that begin and never end", "400 次有始无终的 TLS 握手"],
        bound: [
            "`tls.handshake_timeout_ms`; `tls.handshakes_max` computed at once; a client whose hello is not whole takes no turn, and none is held while it is waited for",
            "`tls.handshake_timeout_ms`；同时计算至多 `tls.handshakes_max` 次；hello 未发完的客户端不占名额，等待客户端时也不占",
        ],
        result: ["each is closed in time, others shake hands meanwhile", "逐一按时断开，其间他人照常握手"],
        growth_max_mib: Some(48),
    },
    Attack {
        name: "guessing_keys",
        attack: ["600 guesses of a bearer key from one address", "同一地址连续猜测 bearer 密钥 600 次"],
        bound: [
            "`rate_limits.failed_access` per address (IPv6: per /64)",
            "按地址计的 `rate_limits.failed_access`（IPv6 按 /64）",
        ],
        result: [
            "429 with `Retry-After`; a good key at the same address is not held up",
            "应答 429 并带 `Retry-After`；同一地址上的正确密钥不受影响",
        ],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "many_strangers",
        attack: ["10,000 addresses, each with a wrong key", "10,000 个地址各用一个错误密钥"],
        bound: [
            "100,000 addresses are remembered; beyond them whoever fails waits",
            "至多记住 100,000 个地址；超出后失败者一律等待",
        ],
        result: ["401, or 429 when the table is full", "应答 401，表满时应答 429"],
        growth_max_mib: Some(32),
    },
    Attack {
        name: "waiting_room",
        attack: ["296 requests wait for events", "296 个请求等待事件"],
        bound: ["256 places on a node", "每节点 256 个席位"],
        result: [
            "40 are answered at once, as if they had not asked to wait; the others when there is an event",
            "其中 40 个立即应答，如同未要求等待；其余在有事件时应答",
        ],
        growth_max_mib: Some(64),
    },
    Attack {
        name: "log_injection",
        attack: [
            "line ends, false entries and commands of a terminal in every path, query, header, field, name and webhook address",
            "在一切路径、查询、请求头、字段、名称与 webhook 地址中夹带换行、伪造条目与终端控制序列",
        ],
        bound: [
            "a line per entry, control characters escaped, in both formats and at every level",
            "每条日志一行，控制字符一律转义，两种格式、所有级别皆然",
        ],
        result: ["every line is an entry of the program's own", "每一行都是程序自己的条目"],
        growth_max_mib: Some(48),
    },
    Attack {
        name: "timing",
        attack: [
            "wrong bearer keys, webhook signatures, callback signatures and backup seals that differ early or late",
            "自前部或后部起才不同的错误 bearer 密钥、webhook 签名、回调签名与备份签章",
        ],
        bound: ["compared in constant time, or looked up by hash", "以恒定时间比较，或按散列查找"],
        result: [
            "a sign test over thousands of pairs sees no difference; the same test sees a comparison that stops early",
            "对数千对样本做符号检验看不出差别；同一检验能识破提前结束的比较",
        ],
        growth_max_mib: None,
    },
    Attack {
        name: "ssrf_notation",
        attack: [
            "webhook addresses inside the network in 52 notations: decimal, octal, hexadecimal, full-width, IPv4 in IPv6, 6to4, NAT64, user names, ports",
            "以 52 种写法填写内网 webhook 地址：十进制、八进制、十六进制、全角、IPv6 内嵌 IPv4、6to4、NAT64、用户名、端口",
        ],
        bound: [
            "judged by value after parsing as a client parses, when given and again before each try",
            "按客户端的方式解析后以数值判断，登记时与每次发送前各判一次",
        ],
        result: ["422 `url_not_allowed`", "应答 422 `url_not_allowed`"],
        growth_max_mib: None,
    },
    Attack {
        name: "ssrf_rebinding",
        attack: [
            "a name that resolves to an allowed address first and to a forbidden one later, or to both at once",
            "域名先解析到允许的地址、随后解析到禁止的地址，或同时解析到两者",
        ],
        bound: [
            "the connection is made to the very addresses that were judged; each new connection is judged anew",
            "只连接经过判断的那些地址；每个新连接重新判断",
        ],
        result: ["forbidden addresses are never connected to", "从不连接禁止的地址"],
        growth_max_mib: None,
    },
    Attack {
        name: "ssrf_redirect",
        attack: ["a receiver that redirects to an address inside", "接收端重定向到内网地址"],
        bound: ["redirects are not followed", "不跟随重定向"],
        result: [
            "the try has failed; it is tried again at the address given",
            "本次尝试失败，之后仍按登记的地址重试",
        ],
        growth_max_mib: None,
    },
];
