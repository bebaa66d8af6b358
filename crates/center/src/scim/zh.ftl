# 目录同步：身份提供方通过 SCIM 维护人员。

action-read_scim_token = 查看目录同步令牌
action-manage_scim_token = 生成或吊销目录同步令牌
action-keep_person_by_directory = 目录同步维护人员
detail-directory = 目录
scim = 目录同步
scim-tokens = 目录同步令牌
scim-text = 身份提供方凭令牌通过 SCIM 2.0 维护人员。
scim-address = 地址：
scim-none = 还没有目录在这里维护人员
scim-none-text = 请生成令牌，连同地址一起填入身份提供方。
scim-made = 令牌已生成
scim-once = 请现在就填入身份提供方：它不会再次显示。
scim-role = 无用户组时的角色
scim-role-hint = 不在任何对应用户组中的人得到这个角色；不设则没有位置。
scim-name-hint = 例如身份提供方的名称。
scim-new = 新建令牌
scim-revoke-sure = 吊销这个令牌？目录不再维护人员，已有的人员保持不变。
