# Statements.

statement-of = { $month } 账单
print = 打印
period = 账期
issued = 出账
not-final = 本月未结束，数字还会变化
currency = 币种
cny = 人民币
charged-in-period = 本期费用
opening = 期初
paid-in = 收到款项与套餐
fees = 合同费用
charged = 用量费用
closing = 期末
statement-foot = 由账本生成，随时可重现；账期按 UTC 月份。因中心故障或被中心中止的运行不计费。
other-months = 其他账期
other-contracts = 其他合同
