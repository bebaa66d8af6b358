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
paid-in = 到账款项与卡时
fees = 合同费用
charged = 用量费用
closing = 期末
statement-foot = 由账本生成，随时可以重新生成；账期按中心所在时区的自然月划分。因中心故障丢失或被抢占的运行不计费。
other-months = 其他账期
other-contracts = 其他合同
