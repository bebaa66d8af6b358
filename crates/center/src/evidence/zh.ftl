# 运行凭证

evidence = 运行凭证
evidence-planned = 排定
evidence-ended = 结束
evidence-until = 计费截止
evidence-at-most = 计费上限
evidence-rate-price_book = 单价取自排定运行时生效的价目。
evidence-rate-package = 单价为套餐费用除以套餐卡时。
evidence-rate-contract = 合同费用或资助已包含全部用量，卡时不另计费。
evidence-book = 价目 { $a }，自 { $b } 起生效：
evidence-no-price = 无单价
evidence-step = 步骤
evidence-sum = 算式
evidence-result = 结果
evidence-use = 卡数 × 时间
evidence-hours = 折合卡时
evidence-charge = 单价 × 卡时（舍去尾数）
evidence-waived = 减免（尾数进位）
evidence-due = 应计
evidence-posted = 已入账
evidence-differs = 分录合计与应计不符，请核对账本。
evidence-entries = 分录（按日）
evidence-count = 笔数
evidence-link = 该运行及其分录由链节 { $a } 封存（{ $b }）：
evidence-root = 根 { $a }（{ $b }）包含该链节：
evidence-not-sealed = 该运行及其分录尚未封存。
evidence-foot = 卡时按单卡的时、分、秒、毫秒列示。金额为精确值。
