//! Errors of the operating system, by their numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Lang;

/// What the operating system said to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemError {
    /// `None` where it was no call that failed.
    pub errno: Option<i32>,
    /// The same in English, for numbers that have no words here.
    pub said: String,
}

impl SystemError {
    pub fn new(errno: Option<i32>, said: impl fmt::Display) -> Self {
        Self { errno, said: said.to_string() }
    }

    /// By its number alone.
    pub fn of_number(errno: i32) -> Self {
        let said = words(errno).map_or_else(|| format!("error {errno}"), |(en, _)| en.to_owned());
        Self { errno: Some(errno), said }
    }

    pub fn text(&self, lang: Lang) -> String {
        let words = self.errno.and_then(words);
        match (words, lang) {
            (Some((en, _)), Lang::En) => en.to_owned(),
            (Some((_, zh)), Lang::Zh) => zh.to_owned(),
            (None, _) => self.said.clone(),
        }
    }
}

/// The numbers are Linux's, which are the same on all machines that accelerators are in.
fn words(errno: i32) -> Option<(&'static str, &'static str)> {
    Some(match errno {
        1 => ("not permitted", "不允许此操作"),
        2 => ("no such file", "文件不存在"),
        5 => ("input or output failed", "读写出错"),
        7 => ("the list of arguments is too long", "参数过长"),
        8 => ("not in a format that can be executed", "不是可执行的格式"),
        11 => ("no resources are left for it now", "资源暂时不足"),
        12 => ("no memory is left", "内存不足"),
        13 => ("permission denied", "没有权限"),
        17 => ("it is there already", "已经存在"),
        20 => ("a part of the path is no folder", "路径中有一段不是目录"),
        21 => ("it is a folder", "这是一个目录"),
        22 => ("an argument that is not valid", "参数无效"),
        23 => ("too many files are open on the machine", "本机打开的文件过多"),
        24 => ("too many files are open", "打开的文件过多"),
        26 => ("the file is being written", "文件正在被写入"),
        27 => ("the file is too large", "文件过大"),
        28 => ("no space is left on the disk", "磁盘空间不足"),
        30 => ("the file system can't be written to", "文件系统只读"),
        36 => ("the name is too long", "名称过长"),
        38 => ("the kernel does not know this call", "内核不支持此调用"),
        40 => ("too many symbolic links", "符号链接层数过多"),
        116 => ("the file has gone from its server", "文件在服务器上已失效"),
        122 => ("the disk quota is used up", "磁盘配额已用完"),
        _ => return None,
    })
}
