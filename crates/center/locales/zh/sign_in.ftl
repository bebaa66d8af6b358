# Signing in.

gate-title = 算力如潮，每一卡时都有去处
gate-text = 面向企业、高校与政府部门的公共人工智能算力服务：提交作业，看得见排队原因，按卡时结算。
gate-forgot = 忘记密码
gate-account = 使用中心或租户管理员为您开通的账号。
gate-welcome = 中心介绍、价格与申请入驻
api-and-cli = 接口与命令行
sign-in-wrong = 用户名或密码不正确。
