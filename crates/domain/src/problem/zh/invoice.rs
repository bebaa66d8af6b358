//! How faults of invoices read in Chinese.

use crate::problem::{
    invoice::InvoiceFault,
    shown::{Words, shown},
};

pub fn words(fault: &InvoiceFault) -> Words {
    match fault {
        InvoiceFault::NoStatements => ("一张也没有选".into(), "请至少选择一张已结账月份的账单".into()),
        InvoiceFault::NothingToInvoice { billed } => {
            (format!("合计 {billed} 元，不足以开具发票（至少一分）"), "请加上其他月份的账单".into())
        }
        InvoiceFault::Rate { given, allowed } => {
            let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
            (format!("为 {given}（万分之一）"), format!("可用的税率：{}", allowed.join("、")))
        }
        InvoiceFault::OfAnotherTenant { statement } => {
            (format!("中的 {statement} 属于另一租户"), "请为每个租户分别申请".into())
        }
        InvoiceFault::NeedsTaxNumber => {
            ("没有填写，而专用发票必须写明".into(), "请填写统一社会信用代码，或改为申请普通发票".into())
        }
        InvoiceFault::NotAnInvoiceNumber { given } => {
            (format!("是“{}”", shown(given)), "请填写税务系统的 20 位数字".into())
        }
        InvoiceFault::NumberUsed { number, request } => {
            (format!("的发票号码 {number} 已是 {request} 的号码"), "请在税务系统中核对号码".into())
        }
        InvoiceFault::NotTheTable => {
            ("没有以表头开始".into(), "请写出 request、number、issued_on、amount 四列，以逗号分隔".into())
        }
        InvoiceFault::Cells { given, wanted } => {
            (format!("有 {given} 个单元格"), format!("请写出表头的 {wanted} 个单元格"))
        }
        InvoiceFault::OtherAmount { given, amount } => {
            (format!("的金额为“{}”，而申请的金额为 {amount} 元", shown(given)), "发票金额须与申请一致".into())
        }
        InvoiceFault::OtherNumber { given, number } => (
            format!("的发票号码为“{}”，而该发票已按 {number} 开具", shown(given)),
            "开错的发票请用红字发票冲红".into(),
        ),
        InvoiceFault::OtherDay { given, day } => {
            (format!("的日期为“{}”，而该发票开具于 {day}", shown(given)), "开错的发票请用红字发票冲红".into())
        }
        InvoiceFault::NotRequested { request, state } => {
            (format!("中的 {request} 处于状态 {state}"), "请删去这一行：只有待开具的申请可以开具".into())
        }
        InvoiceFault::OwnRequest { request } => {
            (format!("中的 {request} 由您本人申请，而本中心实行职责分离"), "请由其他人开具".into())
        }
    }
}
