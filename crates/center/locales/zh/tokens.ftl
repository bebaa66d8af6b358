# A member's own account: password and tokens.

tokens-text = 程序和命令行用令牌代表您；权限与您相同
tokens = 令牌
password-old = 现在的密码
password-new = 新密码
password-again = 再输入一次
password-change = 更改密码
password-changed = 密码已更改。其他浏览器已退出，旧令牌已吊销。
password-ends = 更改后其他浏览器退出，所有令牌吊销。
tokens-none = 还没有令牌
tokens-none-text = 用命令行登录时会自动创建，也可以在此创建。
token-new = 新令牌
token-make = 创建令牌
token-made = 令牌已创建
token-once = 现在就复制：之后不再显示，中心只保存它的指纹。
token-use = 命令行：
token-name-hint = 用在哪里，如 笔记本电脑
token-days = 有效 { $n } 天。
made-at = 创建
last-used = 最近使用
expires = 到期
revoke = 吊销
revoke-sure = 吊销这个令牌？使用它的程序会立即失效。
