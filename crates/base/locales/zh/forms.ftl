# What is asked of the fields of forms, said where it was not met.

rule-old-password = 现在的密码不对
rule-again = 两次输入的不一样
rule-amount = 写成 1234.50 的样子
rule-amount-micro-cny = 金额要大于 0
rule-tenant = 没有指定租户
rule-contract = 没有这个合同：请选择自己的一个合同
rule-kind = 请选择一种合同
rule-pool = 没有这个资源池
rule-pools = 至少选择一个资源池
rule-queue = 不能少于保障的加速卡
rule-hours = 写成大于 0 的卡时，如 1000 或 12.5
rule-day = 写成 2026-05-20 的样子
rule-ends-at = 要晚于开始的那一天
rule-instant = 写成 2026-05-20T08:00 的样子
rule-reason-needed = 请写明原因：租户会看到
rule-reason-long = 最多 500 个字符
rule-number-from-to = 写成 { $a } 至 { $b } 的整数
rule-confirm_prices = 请核对取消、翻倍或免费的价格后确认
rule-booked_before = 这笔付款此前已经入账，未作任何更改
slug-hint = 1 至 { $most } 个小写字母、数字或中间的连字符
