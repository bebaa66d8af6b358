# 通知：收件箱，以及希望收到哪些通知。

action-read_notice = 阅读通知
action-set_notice_wishes = 设置接收哪些通知
action-unsubscribe = 通过链接退订邮件
detail-notices = 通知
detail-topic = 事项
detail-channel = 渠道
detail-is-wanted = 接收
detail-manners = 邮件的时间与语言
nav-notices = 通知
topic-application_moved = 我的申请有进展
topic-application_to_review = 申请待评审
notice = 通知
notice-application-moved = 您的申请 { $number } 现状：{ $state }
notice-application-to-review = { $again ->
    [yes] 申请 { $number } 已重新提交，待您评审
   *[no] 申请 { $number } 待您评审
  }
notices-title = 收件箱
notices-unread = { $n } 条未读
notices-all = 全部
notices-only-unread = 只看未读
notices-read-all = 全部标为已读
notices-older = 更早
notices-none = 没有通知
notices-none-text = 与您有关的事项发生后会显示在这里。
notice-read = 标为已读
notice-open = 打开
notice-is-read = 已读
notice-is-unread = 未读
wishes = 接收哪些通知
wishes-save = 保存
wishes-topics = 事项
wishes-topic = 事项
wishes-mail = 邮件
wishes-no-mail = 中心不发送邮件。
wishes-no-address = 您没有填写邮箱，收不到邮件。
wishes-address = 我的账户
channel-inbox = 收件箱
channel-mail = 邮件
wish-lang = 邮件语言
wish-lang-both = 两种语言
wish-lang-zh = 中文
wish-lang-en = 英文
wish-daily = 发送时间
wish-daily-hint = 每天一次，按中心的时间，合并为一封。
wish-at-once = 随时
wish-quiet-from = 免打扰开始
wish-quiet-until = 免打扰结束
wish-quiet-hint = 其间发生的事项在结束时通过邮件发送。
wish-never = 不设
unsubscribe = 退订
unsubscribe-title = 退订邮件
unsubscribe-all = 所有通知邮件
unsubscribe-text = 退订后不再收到此类邮件，门户中的收件箱不受影响。
unsubscribe-done = 已退订，此类邮件不再发送。登录后可重新接收。
