//! How faults read in Chinese that are neither a place in the request nor a refusal, which have words of their own.

use domain::Lang;

use crate::{
    error::{AppError, Unreadable},
    page::texts,
};

/// The fault, and the advice on it; nothing for what only those meet who write programs.
pub fn words(error: &AppError) -> Option<(String, String)> {
    let two = |fault: &str, hint: &str| Some((fault.to_owned(), hint.to_owned()));
    match error {
        AppError::WrongPassword => two("用户名或密码有误", "请检查两者；运营人员或您的管理员可以设置新密码"),
        AppError::Forbidden { action } => {
            let hint = "请联系您租户的管理员，或联系中心".to_owned();
            Some((format!("您的角色没有这项权限：{}", action_in(Lang::Zh, action)), hint))
        }
        AppError::ForeignForm => two("这个表单不是从本页发出的", "请重新载入页面，再提交其中的表单"),
        AppError::NotFound { noun, id } => {
            let noun = noun_of(noun);
            let hint = format!("请列出您可以查看的{noun}，从中取得编号");
            Some((format!("没有{noun} `{id}`"), hint))
        }
        AppError::Unreadable { part: Unreadable::TooLarge, .. } => two("请求过大", "请减少一次发送的内容"),
        AppError::TooMany { retry_after_s } => {
            Some((format!("请求过于频繁：请在 {retry_after_s} 秒后重试"), "请稍候再试".to_owned()))
        }
        AppError::Stopping => two("中心正在停止", "请稍候再重新发送请求"),
        AppError::Internal(_) => two("中心没有完成这一操作", "请重试；若仍然出现，请告知运营人员"),
        AppError::Unauthenticated(_)
        | AppError::NoSuchRoute { .. }
        | AppError::MethodNotAllowed { .. }
        | AppError::Unreadable { .. }
        | AppError::Invalid(_)
        | AppError::Refused(_) => None,
    }
}

/// An action as people read it, with its code, by which roles are described.
pub fn action_in(lang: Lang, action: &str) -> String {
    let key = format!("action-{action}");
    match (texts::find(lang, &key, &[]), lang) {
        (Some(words), Lang::Zh) => format!("{words}（{action}）"),
        (Some(words), Lang::En) => format!("{words} ({action})"),
        (None, _) => action.to_owned(),
    }
}

/// The things that may not be there, by their English words, which are their codes too, and in Chinese.
const NOUNS: &[(&str, &str)] = &[
    ("alliance", "联盟"),
    ("amendment", "补充协议"),
    ("application", "申请"),
    ("attachment", "附件"),
    ("budget", "预算"),
    ("claim", "兑付申请"),
    ("contract", "合同"),
    ("contract text", "合同文本"),
    ("correction", "更正"),
    ("delivery", "发送记录"),
    ("funding", "注资"),
    ("group", "组"),
    ("identity", "身份"),
    ("invitation", "邀请"),
    ("invoice", "发票"),
    ("issuer", "身份提供方"),
    ("job", "作业"),
    ("link", "链接"),
    ("log", "日志"),
    ("mail", "邮件"),
    ("member", "成员"),
    ("node", "节点"),
    ("notice", "通知"),
    ("page", "页面"),
    ("period", "账期"),
    ("person", "人员"),
    ("pool", "资源池"),
    ("price book", "价目"),
    ("programme", "券种"),
    ("project", "项目"),
    ("quote", "报价单"),
    ("resource", "资源"),
    ("retired node", "已退役节点"),
    ("run", "运行"),
    ("secret", "密文变量"),
    ("session", "登录会话"),
    ("task", "任务"),
    ("tenant", "租户"),
    ("token", "令牌"),
    ("trial", "试算"),
    ("user", "用户"),
    ("voucher", "算力券"),
    ("webhook", "接收端"),
];

/// The word for a thing that is not there.
fn noun_of(noun: &str) -> &'static str {
    NOUNS.iter().find(|(en, _)| *en == noun).map_or("此项内容", |(_, zh)| *zh)
}
