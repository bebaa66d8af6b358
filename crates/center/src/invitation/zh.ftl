# 邀请：通过链接成为成员。

action-read_invitation = 查看邀请
action-invite_member = 邀请成员
action-join_by_invitation = 通过邀请成为成员
event-member-joined = 成为成员
detail-invitation = 邀请
invitation = 邀请
invitations = 邀请
invitations-none = 还没有邀请
invitations-none-text = 受邀人用已有的用户名登录，或新建用户名，随即成为成员。
invitation-made = 邀请已生成
invitation-once = 请现在就把链接发给对方：它不会再次显示。链接只能由一个人使用一次。
invitation-take-back = 撤回
invited-by = 邀请人
invite = 邀请成员
invite-make = 生成链接
invite-email-hint = 受邀人的邮箱。
invite-send = 把链接发送到该邮箱
invite-days = 链接有效 { $n } 天。
join-as = 邀请您担任{ $role }。
join-own = 以 { $login } 加入
join-otherwise = 或以其他身份加入：
join-new = 新建用户名
join-make = 新建并加入
join-known = 我在这里已有用户名
join-sign-in = 登录并加入
