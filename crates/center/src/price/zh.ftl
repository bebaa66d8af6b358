# 价目

nav-prices = 价目
action-read_price = 查看价目
action-manage_price = 发布价目
price-book = 价目
price-versions = 全部版本
price-none = 还没有价目
price-none-text = 没有价格的资源池、等级和领域不接受按量计费的作业。
price-new = 发布新价目
price-new-text = 一经发布不再更改；已计量的费用不受影响。留空的格子表示没有价格。
price-name = 名称
price-from = 生效时间
price-from-hint = 留空为立即生效；不能早于现在
price-in-force = 生效中
price-count = 价格条数
price-a-card-hour = 每卡时价格（元）
price-pool = 资源池
price-class = 服务等级
price-domain = 领域
price-publish = 发布
