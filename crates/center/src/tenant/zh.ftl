# 租户

nav-tenants = 租户
action-read_tenant = 查看租户
action-manage_tenant = 管理租户
tenants-all = 全部租户
tenants-none = 还没有租户
tenants-none-text = 登记一个租户，再为它起草合同、发布价目、添加成员和项目。
tenant-domain = 领域
tenant-since = 登记日期
tenant-jobs = 未结束作业
tenant-sign-up = 登记租户
tenant-slug = 短名
tenant-name-zh = 中文名称
tenant-name-en = 英文名称
tenant-alliance = 所属联盟
tenant-alliance-hint = 联盟的短名；不在联盟中则留空
tenant-payer = 账单抬头
tenant-legal-name = 单位全称
tenant-legal-name-hint = 账单的付款单位。已出具的账单不变。
tenant-tax-number = 统一社会信用代码
tenant-tax-number-hint = 18 位，末位为校验码
tenant-other-tax-number = 其他税号
tenant-other-tax-number-hint = 仅用于没有统一社会信用代码的单位，如境外单位
tenant-payer-save = 保存
tenant-not-said = 未填写
