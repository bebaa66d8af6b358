//! The contract that came of the quote: both sides sign its text, each by a code of their second factor.

use testkit::{Device, Person};

use super::{front_door::Applied, opening::Staff};

/// The contract, by its id and number.
pub struct Contract {
    pub id: String,
    pub number: String,
}

pub fn play(staff: &mut Staff, applied: &Applied) -> Contract {
    let admin = &applied.admin;
    admin.open("/tokens");
    admin.follow("/second-factor");
    let mut device = admin.enrol();

    admin.open("/quotes");
    admin.follow(&format!("/quotes/{}", applied.quote));
    admin.follow("/contracts/con_");
    let path = admin.path();
    let id = path.strip_prefix("/contracts/").expect("a contract").to_owned();
    let number = applied.quote.replacen('Q', "C", 1);
    admin.reads(&[&number]);
    admin.follow("/act/submit");
    admin.send("/act", "", &[]);

    let operator = &mut staff.operator;
    operator.person.open("/contracts");
    operator.person.follow(&path);
    operator.person.follow("/act/approve");
    operator.person.send("/act", "", &[]);

    sign(admin, &mut device, &path, &["算力服务合同", "钱湾智能科技有限公司", &number]);
    admin.reads(&["两步验证码"]);
    sign(&operator.person, &mut operator.device, &path, &["Computing service agreement", &number]);
    operator.person.reads(&["qianwan-ai-admin", "operator"]);
    admin.open(&path);
    admin.reads(&["生效"]);
    Contract { id, number }
}

/// Reads the text and signs it by a code.
fn sign(person: &Person, device: &mut Device, contract: &str, words: &[&str]) {
    person.open(contract);
    person.follow(&format!("{contract}/text"));
    person.reads(words);
    person.send("/sign", "", &[("code", &device.code())]);
}
