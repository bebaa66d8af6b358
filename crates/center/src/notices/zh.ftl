# 通知：告诉人们的事项，以及中心发出的邮件。

action-read_mail = 查看中心的邮件
action-test_mail = 发送测试邮件
action-retry_mail = 重新发送邮件
detail-address = 地址
detail-mail-purpose = 用途
event-balance-low = 余额不足
event-contract-expiring = 即将到期
event-statement-issued = 账单已出
event-endpoint-disabled = 已停用
endpoint-why-gone = 对方表示不再接收
endpoint-why-failing = 连续数日未能送达
topic-job_failed = 我的作业失败
topic-job_succeeded = 我的作业成功
topic-contract_submitted = 合同待审批
topic-contract_changed = 合同有变化
topic-contract_signed = 合同文本有一方签署
topic-quote_moved = 收到报价单，或报价单撤回、过期
topic-quote_accepted = 报价单被接受
topic-node_failed = 节点故障
topic-period_closed = 账期已关闭
topic-member_joined = 有人成为成员
topic-balance_low = 合同余额不足
topic-contract_expiring = 合同即将到期
topic-statement_issued = 账单已出
topic-budget_alert = 预算用到一定比例
topic-voucher_changed = 算力券有变化
topic-claim_changed = 本单位的兑付申请有进展
topic-claim_to_verify = 有兑付申请待核验
topic-claim_to_audit = 有兑付申请待审核
topic-claim_to_pay = 有兑付申请待支付
topic-endpoint_disabled = Webhook 被停用
topic-center_endpoint_disabled = 任一 Webhook 被停用
notice-job-failed = 作业 { $name } 已结束：{ $outcome }
notice-job-succeeded = 作业 { $name } 已成功
notice-contract-submitted = 合同 { $number } 待审批
notice-contract-changed = 合同 { $number } 有变化，现为“{ $state }”
notice-contract-signed = 合同 { $number } 的文本有一方签署
notice-quote-moved = 报价单 { $number } { $state }
notice-quote-accepted = 报价单 { $number } 已被接受
notice-node-failed = 节点 { $node } 故障：{ $reason }
notice-period-closed = { $month } 账期已关闭
notice-member-joined = { $login } 已成为成员，角色为{ $role }
notice-balance-low = 合同 { $number } 的余额已不足 { $percent } %
notice-contract-expiring = 合同 { $number } 将于 { $date } 到期，剩余不超过 { $days } 天
notice-statement-issued = 合同 { $number } 的 { $month } 账单 { $statement } 已出
notice-budget-alert = { $name } 的预算已用 { $share } %
notice-voucher-changed = 算力券 { $number } 有变化，现为{ $state }
notice-claim-changed = 兑付申请 { $number } 有进展，现为{ $state }
notice-claim-to-verify = 兑付申请 { $number } 待核验
notice-claim-to-audit = 兑付申请 { $number } 待审核
notice-claim-to-pay = 兑付申请 { $number } 待支付
notice-endpoint-disabled = 接收端 { $name } 已停用：{ $why }
notice-center-endpoint-disabled = 接收端 { $name }（{ $address }）已停用：{ $why }
mail-test-subject = 测试
mail-test-text = 邮件可以送达：您已收到这一封。
mail-invitation-subject = 邀请您加入
mail-invitation-text =
    邀请您加入{ $place }，角色为{ $role }。
    打开以下链接即可成为成员。链接只能由一个人使用一次，有效期至 { $date }：
mail-application-subject = 申请 { $number }：{ $application }
mail-application-text =
    您的申请 { $number } 现状：{ $application }。{ $has-reason ->
        [yes] 中心说明：{ $reason }
       *[no] { "" }
    }
    请在这里查看并继续办理；持有此链接的人都可以这样做：
mail-quote-subject = 报价单 { $number }
mail-quote-text =
    { $quote ->
        [withdrawn] 中心已撤回为您的申请 { $of } 出具的报价单 { $number }。
       *[sent] 中心已为您的申请 { $of } 发出报价单 { $number }，请查看；认可的，请予以接受。
    }
    持有此链接的人都可以这样做：
mail-job-began-subject = 作业 { $name } 已开始
mail-job-began-text =
    { $found ->
        [no] 作业 { $name } 已开始。提交时指定的收件人 { $to } 不是本单位任何人的用户名或邮箱，因此发给提交人。
       *[yes] 作业 { $name } 已开始。本邮件是提交作业时要求发送的。
    }
mail-job-again-subject = 作业 { $name } 正在重试
mail-job-again-text =
    { $found ->
        [no] 作业 { $name } 的一次运行丢失，中心正在重试。提交时指定的收件人 { $to } 不是本单位任何人的用户名或邮箱，因此发给提交人。
       *[yes] 作业 { $name } 的一次运行丢失，中心正在重试。本邮件是提交作业时要求发送的。
    }
mail-job-ended-subject = 作业 { $name } 已结束：{ $outcome }
mail-job-ended-text =
    { $found ->
        [no] 作业 { $name } 已结束：{ $outcome }。提交时指定的收件人 { $to } 不是本单位任何人的用户名或邮箱，因此发给提交人。
       *[yes] 作业 { $name } 已结束：{ $outcome }。本邮件是提交作业时要求发送的。
    }
mail-reset-subject = 为 { $login } 设置新密码
mail-reset-text =
    有人请求为 { $login } 设置新密码。如果不是您本人，无需处理。
    打开以下链接即可设置。链接在一小时内有效，只能使用一次，设置后所有浏览器都会退出登录：
