# 欠款

nav-debts = 欠款
debt-title = 账龄分析
debt-none = 没有欠款。
debt-text = 欠款自所属月份结账后若干天到期。付款先抵最早的欠款。未结账月份的欠款未到期。
debt-of = { $tenant }合计
debt-fee = 合同费用
debt-balance = 欠费
debt-not-due = 未到期
debt-1-30 = 逾期 1–30 天
debt-31-60 = 逾期 31–60 天
debt-61-90 = 逾期 61–90 天
debt-over-90 = 逾期 90 天以上
