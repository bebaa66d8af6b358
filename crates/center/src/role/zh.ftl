# 角色

roles-may = 各角色的权限
roles-may-text = 取自权限策略
right = 权限
right-submit = 提交作业
right-stop = 停止作业
right-see_work = 查看有哪些作业、状态和费用
right-see_content = 打开脚本、运行环境和日志
right-see_account = 查看成员、项目、合同和用量
right-see_money = 查看账单、账目和欠费
right-ask_invoices = 申请发票
right-draw_up = 起草合同、申请变更
right-administer = 管理成员和项目
right-see_audit = 查看审计日志
right-see_center = 查看整个中心
right-keep_contracts = 审批合同和变更
right-keep_budgets = 设置预算
right-keep_money = 登记收款、更正和结账
right-run_center = 管理节点、租户、价目和联盟
right-see_vouchers = 查看算力券、兑付申请及其依据
right-claim_vouchers = 申请算力券、申请兑付
right-audit_claims = 审核兑付申请
right-pay_claims = 支付兑付申请
