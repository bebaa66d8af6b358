# 邮件的用语，与内容无关。

mail-notices-subject = { $n ->
   *[other] { $n } 条通知
}
mail-footer = 本邮件由{ $center }自动发送，请勿回复。
mail-unsubscribe = 不再接收此类邮件：
event-endpoint-test = 测试
