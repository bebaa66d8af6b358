# Members and projects.

add-member = 添加成员
add-project = 添加项目
add = 添加
change = 更改
enable = 启用
disable = 停用
disabled = 已停用
disable-sure = 停用这个成员？
full-name = 姓名
first-password = 初始密码
password-hint = { $least } 个字符以上
login-hint = 1 至 64 个字母、数字或 @ . _ - +
role-hint = 开发者提交作业；财务只看费用。
short-name = 短名
project-name = 名称
projects-none = 还没有项目
projects-none-text = 作业归在项目下，由项目的合同付费。
