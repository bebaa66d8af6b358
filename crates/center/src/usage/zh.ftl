# 用量

nav-usage = 用量
usage-of = { $month } 用量
usage-used = 用量
usage-by = 按{ $what }
usage-csv = CSV（按{ $what }）
usage-none = 本月没有用量。
usage-text = 用量按日计入，包括尚在运行的作业。结束的运行每次只计一次。CSV 中为精确的卡毫秒和百万分之一元。
usage-choose = 按什么统计
usage-part = 占比
usage-share = { $a }：{ $b }
