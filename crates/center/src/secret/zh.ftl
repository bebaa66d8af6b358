# 密文变量

nav-secrets = 密文变量
action-read_secret = 查看密文变量名称
action-keep_own_secret = 管理本人密文变量
action-keep_secret = 管理租户密文变量
action-rotate_secret_key = 更换密文变量密钥
detail-scope = 适用范围
detail-is-removed = 已删除
detail-secrets = 密文变量数
secret-scope-tenant = 租户的所有作业
secret-scope-project = 项目的作业
secret-scope-person = 本人的作业
secrets-title = 作业可用的密文变量
secrets-none = 还没有密文变量。
secrets-text = 作业写明密文变量的名称，其运行就会得到同名的环境变量；其他任何地方都不再显示它的值。作业可以把得到的值打印出来，那样日志里就会有。
secret-for = 适用范围
secret-set-by = 设置人
secret-set-at = 设置时间
secret-remove = 删除
secret-remove-sure = 删除这个密文变量？写明了它而尚未启动的作业将启动失败。
secret-set = 设置密文变量
secret-name-hint = 字母、数字和下划线，如 HF_TOKEN。同名的会被替换。
secret-project-hint = 仅用于项目的密文变量。
secret-no-project = 不指定项目
secret-value = 值
secret-value-hint = 加密保存，不再显示。
