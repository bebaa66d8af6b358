# 中心的邮件，供运营人员查看。

nav-mails = 邮件
mails = 邮件
mails-none = 还没有发送过邮件。
mails-counts = { $a } 封等待，{ $b } 封失败
mails-off = 中心不发送邮件：设置的 [mail] 中没有邮件服务器。
mails-relay-bad = 邮件服务器不接收邮件
mails-test = 测试
mails-send-test = 发送测试邮件
mail-to = 收件人
mail-purpose = 用途
mail-due = 下次尝试
mail-attempts = 尝试次数
mail-answer = 最近的答复
mail-retry = 重新发送
mail-state-waiting = 等待
mail-state-sent = 已发送
mail-state-failed = 失败
mail-for-notices = 通知
mail-for-reset = 新密码
mail-for-invitation = 邀请
mail-for-application = 申请
mail-for-job-began = 作业开始
mail-for-job-again = 作业重试
mail-for-job-ended = 作业结束
mail-for-quote = 报价单
mail-for-test = 测试
