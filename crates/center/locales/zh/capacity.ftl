# The capacity balance and the ledger.

balance-rule = 容量 = 售出 + 资助 + 空闲 + 排空 + 故障，精确到卡毫秒
interval = 区间
work-out = 计算
where-it-went = 去向
