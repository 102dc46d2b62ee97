//! The words of the reference that are not in the OpenAPI document.

use crate::text::Lang;

pub(super) struct Words {
    pub routes: &'static str,
    pub routes_about: &'static str,
    pub routes_head: &'static str,
    pub fields_head: &'static str,
    pub parameters_head: &'static str,
    pub answers_head: &'static str,
    pub body: &'static str,
    pub required: &'static str,
    pub kind: &'static str,
    pub or: &'static str,
    pub list_of: &'static str,
    pub every_route: &'static str,
    types: [(&'static str, &'static str); 6],
    places: [(&'static str, &'static str); 3],
}

impl Words {
    /// A type of JSON.
    pub(super) fn type_name(&self, name: &str) -> &'static str {
        self.types.iter().find(|(known, _)| *known == name).map_or("", |(_, shown)| shown)
    }

    /// Where a parameter stands.
    pub(super) fn place(&self, name: &str) -> &'static str {
        self.places.iter().find(|(known, _)| *known == name).map_or("", |(_, shown)| shown)
    }
}

pub(super) fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::En => &ENGLISH,
        Lang::Zh => &CHINESE,
    }
}

static ENGLISH: Words = Words {
    routes: "All routes",
    routes_about: "Written from [openapi.json](/openapi.json), which generators of clients read. To send these requests from an editor, \
                   take [feiqian.http](/docs/feiqian.http).",
    routes_head: "| route | what it does |\n| --- | --- |\n",
    fields_head: "| field | type | meaning |\n| --- | --- | --- |\n",
    parameters_head: "| parameter | in | meaning |\n| --- | --- | --- |\n",
    answers_head: "| status | answer |\n| --- | --- |\n",
    body: "The body:",
    required: " (required)",
    kind: "Type",
    or: " or ",
    list_of: "list of {}",
    every_route: "[Codes that every route may answer](/docs/{}/api#codes-that-every-route-may-answer).",
    types: [
        ("string", "string"),
        ("integer", "integer"),
        ("number", "number"),
        ("boolean", "boolean"),
        ("object", "object"),
        ("null", "null"),
    ],
    places: [("query", "query"), ("path", "path"), ("header", "header")],
};

static CHINESE: Words = Words {
    routes: "全部接口",
    routes_about: "由 [openapi.json](/openapi.json) 生成，代码生成器也读取同一份文档。想在编辑器中直接发送这些请求，请使用 \
                   [feiqian.http](/docs/feiqian.http)。",
    routes_head: "| 接口 | 作用 |\n| --- | --- |\n",
    fields_head: "| 字段 | 类型 | 含义 |\n| --- | --- | --- |\n",
    parameters_head: "| 参数 | 位置 | 含义 |\n| --- | --- | --- |\n",
    answers_head: "| 状态码 | 应答 |\n| --- | --- |\n",
    body: "请求体：",
    required: "（必填）",
    kind: "类型",
    or: " 或 ",
    list_of: "{} 列表",
    every_route: "[每个接口都可能返回的错误码](/docs/{}/api#每个接口都可能返回的错误码)。",
    types: [
        ("string", "字符串"),
        ("integer", "整数"),
        ("number", "数字"),
        ("boolean", "布尔"),
        ("object", "对象"),
        ("null", "null"),
    ],
    places: [("query", "查询参数"), ("path", "路径"), ("header", "请求头")],
};
