//! Faults of new passwords, and of what is given to sign in.

use super::shown::Words;

/// A fault of a password or a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInFault {
    PasswordLength {
        chars: usize,
        least: usize,
        most: usize,
    },
    /// The password is the person's login, name or e-mail address.
    PasswordIsName,
    /// The password is one of the commonest, or little more than one.
    PasswordIsEasy,
    /// It is not the person's present password.
    NotThePassword,
    /// It is no code of the person's second factor, or one that was used.
    NotTheCode,
    /// No program waits with that code.
    NotAUserCode,
}

pub(super) fn en(fault: &SignInFault) -> Words {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match fault {
        SignInFault::PasswordLength { chars, least, most } => {
            (format!("has {chars} characters"), format!("use {least} to {most} characters"))
        }
        SignInFault::PasswordIsName => {
            two("is the login, the name or the e-mail address", "use something that nobody knows of you")
        }
        SignInFault::PasswordIsEasy => two(
            "is among the first that guessers try",
            "use several words that have nothing to do with each other",
        ),
        SignInFault::NotThePassword => {
            two("is not the present password", "type the password that is in force")
        }
        SignInFault::NotTheCode => two(
            "is wrong, or was used before",
            "wait for the next code of your device, or use a recovery code; each is good once",
        ),
        SignInFault::NotAUserCode => {
            two("is not the code of a program that waits", "look at the program, or have it begin anew")
        }
    }
}

pub(super) fn zh(fault: &SignInFault) -> Words {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match fault {
        SignInFault::PasswordLength { chars, least, most } => {
            (format!("有 {chars} 个字符"), format!("请使用 {least} 至 {most} 个字符"))
        }
        SignInFault::PasswordIsName => two("与用户名、姓名或邮箱相同", "请使用别人无从知道的内容"),
        SignInFault::PasswordIsEasy => two("太容易被猜到", "请使用几个互不相关的词"),
        SignInFault::NotThePassword => two("不是现在的密码", "请输入当前有效的密码"),
        SignInFault::NotTheCode => {
            two("不正确或已用过", "请等待设备上的下一个验证码，或使用恢复码；每个只能用一次")
        }
        SignInFault::NotAUserCode => two("没有程序在等待这个代码", "请核对程序显示的代码，或让程序重新开始"),
    }
}
