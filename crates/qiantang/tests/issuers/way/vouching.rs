//! The city's vouchers: a programme with its pot, an application that two people of the center approve, and a voucher that pays its
//! share of what is computed from then on.

use testkit::Person;

use super::{joining::People, opening::Staff, signing::Contract};

const PROGRAMME: &str = "hangzhou";

pub fn play(staff: &Staff, people: &People, contract: &Contract) -> String {
    let (operator, cashier) = (&staff.operator.person, &staff.cashier.person);
    found(operator);
    cashier.open("/vouchers");
    cashier.follow(&format!("/vouchers/programmes/{PROGRAMME}"));
    cashier.send("/fund", "", &[("amount", "1,000"), ("reference", "杭数资〔2026〕12 号")]);
    operator.open(&format!("/vouchers/programmes/{PROGRAMME}"));
    operator.send("/decide", "book", &[]);

    let mei = &people.mei;
    mei.open("/vouchers");
    mei.follow("/vouchers/apply");
    let asked = [
        ("programme", PROGRAMME),
        ("contract", &*contract.number),
        ("usage", "training"),
        ("tenant_size", "large"),
        ("amount_yuan", "1,000"),
    ];
    mei.send("/vouchers/apply", "look", &asked);
    mei.reads(&["30 %", "¥ 300.00"]);
    mei.send("/vouchers/apply", "apply", &[]);
    for (reviewer, words) in [(&staff.clerk.person, ["训练", "大型企业"]), (operator, ["Training", "Large"])]
    {
        reviewer.open("/applications");
        reviewer.follow("-000002");
        reviewer.reads(&words);
        assert!(!reviewer.source().contains("/quotes/new"), "nobody makes an offer for a voucher");
        reviewer.send("/verdict", "approve", &[]);
    }
    mei.open("/vouchers");
    mei.follow("/vouchers/V-");
    mei.reads(&["30 %", &contract.number]);
    mei.path().strip_prefix("/vouchers/").expect("a voucher").to_owned()
}

/// The operator founds the programme by the rules that the city has published.
fn found(operator: &Person) {
    operator.open("/vouchers");
    operator.follow("/vouchers/found");
    let programme = [
        ("slug", PROGRAMME),
        ("authority", "杭州市数据资源管理局"),
        ("name_zh", "杭州市算力券"),
        ("name_en", "Hangzhou vouchers"),
        ("level", "city"),
        ("mode", "deduct"),
        ("starts", "2020-01-01"),
        ("ends", "2098-01-01"),
        ("pot", "250,000,000"),
        ("cap", "8,000,000"),
        ("domains", "enterprise"),
        ("facility-1", "domestic"),
        ("rate-1", "30"),
        ("rate-2", "20"),
    ];
    operator.send("/vouchers/found", "", &programme);
    operator.reads(&["Hangzhou vouchers", "Domestic cards", "30 %", "20 %"]);
}
