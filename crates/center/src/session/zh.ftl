# 登录：一个人登录着的浏览器。

action-end_session = 结束自己的登录
sessions = 已登录的浏览器
sessions-text = 如有不是您本人的登录，请让它退出并修改密码。
session-program = 程序
session-way = 方式
way-password = 密码
way-password_code = 密码和验证码
way-password_recovery = 密码和恢复码
way-issuer = 单位账号
way-issuer_factor = 单位账号（含其两步验证）
way-issuer_code = 单位账号和验证码
way-issuer_recovery = 单位账号和恢复码
session-from = 来自
session-since = 登录时间
session-own = 当前
session-end = 退出
session-end-sure = 要让这个浏览器退出登录吗？
session-unknown = 未知
