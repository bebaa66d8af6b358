# 经浏览器登录的程序。

action-answer_device = 在浏览器中授权或拒绝程序登录
detail-machine = 机器
detail-from-address = 来自
detail-is-allowed = 授权
device = 授权程序登录
device-type = 程序的代码
device-text = 经浏览器登录的程序会显示一个代码。在此输入，即可看到是谁在请求。
device-code = 代码
device-code-hint = 程序显示的八个字母。
device-look = 查看请求
device-asks = 这个程序请求以您的身份登录
device-program = 程序
device-client-qiantang = 钱塘命令行
device-machine = 自称位于
device-asked = 请求时间
device-beware = 只有在您刚刚亲自启动了这个程序，并且它显示相同的代码时，才可继续。别人发给您的代码会让对方进入您的账号。
device-as = 登录身份
device-as-hint = 令牌具有这个成员的权限。
device-allow = 授权
device-deny = 拒绝
device-allowed = 已授权，可以关闭本页。
device-tokens = 它的令牌列在您的令牌中，可随时吊销。
device-denied = 已拒绝这个程序。
