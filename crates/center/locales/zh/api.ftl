# 接口页。

api-rule = 每个操作都可以在这里试用：请求会发往本中心并真正生效。
api-token = 令牌
api-token-hint = 请求使用此令牌，不使用您的登录会话。可在“账户与令牌”中新建。
api-send = 发送
api-no-answer = 没有答复
api-topic-jobs = 作业
api-topic-center = 中心：节点、加速卡、容量与健康
api-topic-accounts = 账户：租户、成员、项目与登录
api-topic-money = 费用：合同、价目、用量、账单与账本
