# 通过邮件设置新密码。

action-reset_password = 通过邮件设置新密码
forgot-title = 忘记密码
forgot-text = 请填写账户的邮箱，设置新密码的链接将发送到那里。
forgot-no-mail = 中心不发送邮件，请由管理员或中心的运营人员设置新密码。
forgot-send = 发送链接
forgot-sent = 如果有账户使用该邮箱，链接正在发送。
forgot-sent-text = 链接在一小时内有效，只能使用一次。
reset-title = 设置新密码
reset-hint = 设置后，该账户的所有浏览器和令牌都会退出登录。
reset-again = 再次输入密码
reset-differ = 两次输入不一致
reset-save = 设置密码
