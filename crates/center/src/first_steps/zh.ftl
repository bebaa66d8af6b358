# 开通步骤

first-steps = 开通步骤
first-steps-text = 全部完成后，租户即可提交作业
first-step-done = 已完成
first-step-open = 待办
first-step-go = 去办理
first-step-node = 节点
first-step-text-node = 在设置的 [[pools]] 中列出节点，然后重启中心。
first-step-person = 第二个人
first-step-text-person = 职责分离：起草合同的人不能审批。请添加一名“合同管理”或“运营”角色的人员，或在设置中令 books.separate_duties = false。
first-step-tenant = 租户
first-step-text-tenant = 登记要使用中心的企业、高校或部门。
first-step-contract = 合同
first-step-text-contract = 约定租户可用的资源池、卡数、计费方式和期限；起草后依次提交、审批、生效。
first-step-price = 价目
first-step-text-price = 发布各资源池每卡时的价格（元）；按量计费的合同需要价目。
first-step-member = 成员
first-step-text-member = 为租户添加可以提交作业的成员，并设首个密码。
first-step-project = 项目
first-step-text-project = 为租户建立项目，并指定付费的合同。
