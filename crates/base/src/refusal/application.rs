//! Why something can't be done with an application, in both languages.

use domain::Role;

use super::code::Refused;
use crate::approval::application::State;

pub(super) fn en(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::ApplicationState { number, state } => (
            format!("the application {number} {}", en_state(*state)),
            "look at its history to see where it stands".to_owned(),
        ),
        Refused::AlreadyReviewed => {
            two("you have given your verdict on this application", "leave the next step to somebody else")
        }
        Refused::ConflictDeclared => {
            two("you declared an interest of your own in this application", "leave it to somebody else")
        }
        Refused::NotYourStep { role } => (
            format!("it is the turn of the role {}", role.code()),
            "wait for that step, or let one of them give the verdict".to_owned(),
        ),
        Refused::OwnApplication => two(
            "you ask for this yourself",
            "let somebody else review it: nobody decides on their own behalf",
        ),
        Refused::PasswordWasSet => two(
            "the password of this account was set before",
            "sign in with it, or ask the center for a new one",
        ),
        Refused::TooManyDrafts { most } => (
            format!("{most} drafts from your address wait to be sent"),
            "go on with one of them by its link, or withdraw it".to_owned(),
        ),
        _ => <(String, String)>::default(),
    }
}

fn en_state(state: State) -> &'static str {
    match state {
        State::Draft => "is a draft",
        State::Submitted => "waits for its review",
        State::InReview => "is being reviewed",
        State::Returned => "is back with its applicant",
        State::Decided => "has been decided",
        State::Effected => "has been approved, and has taken effect",
        State::Withdrawn => "was withdrawn",
        State::Expired => "has expired",
    }
}

pub(super) fn zh(refused: &Refused) -> (String, String) {
    let two = |fault: &str, hint: &str| (fault.to_owned(), hint.to_owned());
    match refused {
        Refused::ApplicationState { number, state } => {
            (format!("申请 {number} {}", zh_state(*state)), "请查看申请的经过，了解它的现状".to_owned())
        }
        Refused::AlreadyReviewed => two("您已就此申请给出评审意见", "下一步请由其他人评审"),
        Refused::ConflictDeclared => two("您已声明与此申请有利益关系", "请由其他人评审"),
        Refused::NotYourStep { role } => {
            (format!("现在轮到{}评审", reviewer(*role)), "请等到您的步骤，或由该角色的人员评审".to_owned())
        }
        Refused::OwnApplication => two("这是您自己的申请", "请由其他人评审：不得为自己审批"),
        Refused::PasswordWasSet => two("此账号的密码已经设定", "请用它登录，或请中心另设新密码"),
        Refused::TooManyDrafts { most } => {
            (format!("您的地址已有 {most} 份草稿尚未提交"), "请从其链接继续填写，或撤回其中一份".to_owned())
        }
        _ => <(String, String)>::default(),
    }
}

fn zh_state(state: State) -> &'static str {
    match state {
        State::Draft => "还是草稿",
        State::Submitted => "正在等候评审",
        State::InReview => "正在评审",
        State::Returned => "已退回申请人",
        State::Decided => "已有决定",
        State::Effected => "已批准并生效",
        State::Withdrawn => "已撤回",
        State::Expired => "已过期",
    }
}

fn reviewer(role: Role) -> &'static str {
    match role {
        Role::Operator => "运营人员",
        Role::Contracts => "合同人员",
        _ => "其他角色",
    }
}
