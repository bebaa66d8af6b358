# Statements.

statement-of = { $month } 账单
print = 打印
period = 账期
issued = 出账
not-final = 尚未结账，数字还会变化
not-final-short = 尚未结账
currency = 币种
cny = 人民币
charged-in-period = 本期用量费用
statement-by-job = 作业明细
statement-line = 摘要
statement-cause = 分类合计
statement-corrects = { $a }（更正 { $b }）
ended-runs = 结束的运行
opening = 期初余额
closing = 期末余额
statement-foot = 期初余额加各行等于期末余额。每次运行按卡时和单价计费，只在合计时舍去不足百万分之一元的部分。卡时显示四位小数，其后舍去；JSON 和 CSV 中为精确的卡毫秒。
statement-sha256 = 账单 JSON 的 SHA-256：
other-months = 其他账期
other-contracts = 其他合同
