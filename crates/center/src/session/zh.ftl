# 登录：一个人登录着的浏览器。

action-end_session = 结束自己的登录
sessions = 已登录的浏览器
sessions-text = 如有不是您本人的登录，请让它退出并修改密码。
session-program = 程序
session-from = 来自
session-since = 登录时间
session-own = 当前
session-end = 退出
session-end-sure = 要让这个浏览器退出登录吗？
session-unknown = 未知
