//! Why a file can't be added to an application, in both languages.

use domain::Lang;

use crate::approval::attachment::{AttachmentFault, MOST, MOST_MIB, MOST_OF_ALL_MIB};

/// The fault, and the advice on it.
pub(super) fn words(why: AttachmentFault, name: &str, lang: Lang) -> (String, String) {
    match lang {
        Lang::Zh => zh(why, name),
        Lang::En => en(why, name),
    }
}

fn zh(why: AttachmentFault, name: &str) -> (String, String) {
    let (fault, hint) = match why {
        AttachmentFault::Empty => (format!("文件「{name}」是空的"), "请选择有内容的文件"),
        AttachmentFault::Form => (
            format!("文件「{name}」的格式不受理"),
            "请上传 PDF、OFD、PNG 或 JPEG 文件；文字处理文件请先另存为 PDF",
        ),
        AttachmentFault::TooLarge => {
            (format!("文件「{name}」超过 {MOST_MIB} MiB"), "请压缩，或分成几个文件上传")
        }
        AttachmentFault::TooMany => {
            (format!("一份申请最多 {MOST} 个附件，「{name}」未添加"), "请先移除不需要的附件")
        }
        AttachmentFault::TooLargeTogether => (
            format!("一份申请的附件合计最多 {MOST_OF_ALL_MIB} MiB，「{name}」未添加"),
            "请先移除不需要的附件",
        ),
        AttachmentFault::NoRoom => {
            (format!("中心目前没有空间存放更多草稿的附件，「{name}」未添加"), "请稍后再试，或先不带附件提交")
        }
    };
    (fault, hint.to_owned())
}

fn en(why: AttachmentFault, name: &str) -> (String, String) {
    let (fault, hint) = match why {
        AttachmentFault::Empty => {
            (format!("the file `{name}` is empty"), "choose a file that has something in it")
        }
        AttachmentFault::Form => (
            format!("the file `{name}` is in a form that is not taken"),
            "give it as PDF, OFD, PNG or JPEG; save a text document as PDF first",
        ),
        AttachmentFault::TooLarge => {
            (format!("the file `{name}` is above {MOST_MIB} MiB"), "make it smaller, or give it in parts")
        }
        AttachmentFault::TooMany => (
            format!("an application has at most {MOST} attachments, so `{name}` was not added"),
            "remove one that is not needed",
        ),
        AttachmentFault::TooLargeTogether => (
            format!(
                "the attachments of an application have at most {MOST_OF_ALL_MIB} MiB together, so `{name}` was not added"
            ),
            "remove one that is not needed",
        ),
        AttachmentFault::NoRoom => (
            format!("the center has no room for more attachments to drafts now, so `{name}` was not added"),
            "try again later, or hand the application in without it",
        ),
    };
    (fault, hint.to_owned())
}
