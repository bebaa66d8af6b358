# 人员：谁登录，以哪个成员身份。

action-read_person = 查看全部人员
action-manage_person = 修改人员
action-change_own_person = 修改自己的资料
detail-new-name = 新姓名
detail-new-email = 新邮箱
place = 成员身份
place-go = 切换
email = 邮箱
email-hint = 中心和您所在租户的人员通过它联系您。
email-save = 保存
email-changed = 邮箱已保存。
person = 人员
person-text = 一人一个用户名和密码，用于全部成员身份。在这里停用后，此人在任何地方都不能登录，所有登录和令牌随即失效。
person-let-in = 恢复
person-keep-out = 停用
person-keep-out-sure = 要停用此人吗？其所有登录和令牌随即失效。
person-is-out = 中心已停用此人。
member-known = 添加已有用户名的人员
member-known-hint = 一个人可以用同一个用户名在多个租户和本中心担任成员。
member-persons-own = 此人自行管理账号：姓名和密码由本人在自己的账号页修改。
