//! Why a sign-in is refused, and what has to do with issuers, in both languages.

use super::code::{IssuerFault, Refused};

/// In English.
pub fn en_of_issuers(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::IssuerFailed { en, why, .. } => of_issuer_en(en, *why),
        Refused::IdentityTaken => two(
            "another account is bound to this identity",
            "sign out, and sign in by it: or have it loosed from that account first",
        ),
        Refused::TooManyIdentities { most } => (
            format!("your account is bound to {most} identities already"),
            "loose one that you don't use".to_owned(),
        ),
        Refused::TooManyScimTokens { most } => (
            format!("{most} directories' tokens are there already"),
            "revoke one that is not used".to_owned(),
        ),
        Refused::LastWayIn => two(
            "you could not sign in any more: this is the only way that you have",
            "bind another identity first, or have an operator set a password",
        ),
        Refused::NoPassword { en, .. } => {
            ("this account has no password".to_owned(), format!("sign in by {en}"))
        }
        Refused::SignInAgain { minutes } => (
            format!("you signed in more than {minutes} minutes ago"),
            "sign out and in again: a browser that was left open must not give others a way in".to_owned(),
        ),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// In Chinese.
pub fn zh_of_issuers(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::IssuerFailed { zh, why, .. } => of_issuer_zh(zh, *why),
        Refused::IdentityTaken => {
            two("该身份已绑定到另一个账号", "请退出后用它登录，或先在那个账号上解除绑定")
        }
        Refused::TooManyIdentities { most } => {
            (format!("您的账号已绑定 {most} 个身份"), "请先解除一个不用的".to_owned())
        }
        Refused::TooManyScimTokens { most } => {
            (format!("已有 {most} 个目录同步令牌"), "请先吊销一个不用的".to_owned())
        }
        Refused::LastWayIn => {
            two("这是您唯一的登录方式，解除后将无法登录", "请先绑定另一个身份，或请运营人员设置密码")
        }
        Refused::NoPassword { zh, .. } => ("该账号没有密码".to_owned(), format!("请通过{zh}登录")),
        Refused::SignInAgain { minutes } => (
            format!("您登录已超过 {minutes} 分钟"),
            "请退出后重新登录：以免他人借用未锁的浏览器添加登录方式".to_owned(),
        ),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Why a sign-in by an issuer came to nothing.
fn of_issuer_en(issuer: &str, why: IssuerFault) -> (String, String) {
    let (fault, hint) = match why {
        IssuerFault::Unreachable => {
            ("does not answer as it should", "try again later, or sign in another way")
        }
        IssuerFault::Denied => ("did not sign you in", "begin again, or ask those who run it"),
        IssuerFault::Stale => {
            ("was answered too late, twice, or in another browser", "begin again on the page for signing in")
        }
        IssuerFault::WrongIssuer => ("sent what another issuer made", OPERATORS),
        IssuerFault::WrongAudience => ("sent what is meant for another program", OPERATORS),
        IssuerFault::WrongNonce => ("sent what belongs to another sign-in", "begin again"),
        IssuerFault::Expired => {
            ("sent what is out of date", "begin again; its clock or the center's may be wrong")
        }
        IssuerFault::UnknownKey => ("signed by a key that it does not publish", OPERATORS),
        IssuerFault::BadSignature => ("sent what it did not sign, or not in a way that is taken", OPERATORS),
        IssuerFault::Malformed => ("sent what can't be read", OPERATORS),
    };
    (format!("{issuer} {fault}"), hint.to_owned())
}

/// Whom to ask where nobody who signs in can mend it.
const OPERATORS: &str = "tell the center's operators: their log says more";

/// Why a sign-in by an issuer came to nothing.
fn of_issuer_zh(issuer: &str, why: IssuerFault) -> (String, String) {
    let (fault, hint) = match why {
        IssuerFault::Unreachable => ("没有正常应答", "请稍后再试，或换一种方式登录"),
        IssuerFault::Denied => ("没有让您登录", "请重新登录，或询问其管理人员"),
        IssuerFault::Stale => ("的应答已过时、重复，或不是在这个浏览器里发起的", "请在登录页重新开始"),
        IssuerFault::WrongIssuer => ("发来的凭证由别的签发方签发", OPERATORS_ZH),
        IssuerFault::WrongAudience => ("发来的凭证是给别的程序的", OPERATORS_ZH),
        IssuerFault::WrongNonce => ("发来的凭证属于另一次登录", "请重新登录"),
        IssuerFault::Expired => ("发来的凭证不在有效时间内", "请重新登录；可能是对方或本中心的时钟不准"),
        IssuerFault::UnknownKey => ("所用的签名密钥没有公布", OPERATORS_ZH),
        IssuerFault::BadSignature => ("发来的凭证没有有效签名，或签名方式不被接受", OPERATORS_ZH),
        IssuerFault::Malformed => ("发来的内容无法读取", OPERATORS_ZH),
    };
    (format!("{issuer}{fault}"), hint.to_owned())
}

/// Whom to ask where nobody who signs in can mend it.
const OPERATORS_ZH: &str = "请告知中心的运营人员，日志中有详情";

/// Refusals of second factors, and of programs that sign in by a browser.
pub fn en(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::SecondFactorNeeded => two(
            "this center asks you for a second factor, and you have none yet",
            "sign in with a browser and set it up; nothing else is possible before",
        ),
        Refused::CodeNeeded => two(
            "you have a second factor, and no code of it came",
            "give the code that your device shows, or a recovery code",
        ),
        Refused::NoSecondFactor => two(
            "there is no second factor here",
            "one is set up on the page of one's own account, and the first code confirms it",
        ),
        Refused::HasSecondFactor => {
            two("there is a second factor already", "remove it first, with your password and a code")
        }
        Refused::TooManyDevices => {
            two("too many programs wait to be let in", "try again in some minutes, or sign in by a password")
        }
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}

/// Refusals of second factors, and of programs that sign in by a browser.
pub fn zh(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::SecondFactorNeeded => {
            two("本中心要求您启用两步验证，而您尚未启用", "请用浏览器登录并启用；在此之前不能进行其他操作")
        }
        Refused::CodeNeeded => {
            two("您启用了两步验证，但没有提供验证码", "请提供设备上显示的验证码，或一个恢复码")
        }
        Refused::NoSecondFactor => two("没有启用两步验证", "请在自己的账号页启用，第一个验证码通过后生效"),
        Refused::HasSecondFactor => two("已经启用了两步验证", "请先用密码和验证码停用"),
        Refused::TooManyDevices => two("等待授权的程序太多", "请几分钟后重试，或用密码登录"),
        // Of these alone it is asked.
        _ => <(String, String)>::default(),
    }
}
