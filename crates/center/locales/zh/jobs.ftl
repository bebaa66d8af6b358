# The list of jobs.

jobs-times = 今日只写时间，其他日期写月日
jobs-filter = 筛选作业
name-has = 名称含
filter = 筛选
filter-clear = 清除筛选
active-jobs = 未结束
nodes-cards = 节点 × 加速卡
why-forecast = 等待原因，预计开始
forecast = 预计开始
ahead-n = 前面 { $n } 个
submitted = 提交
started = 开始
duration = 时长
charge = 费用
jobs-pager = 每页 50 个，最新在前
newest = 最新
older = 更早
jobs-none-match = 没有符合条件的作业
jobs-none-match-text = 换一个名称或项目，或清除筛选。
jobs-none = 还没有作业
jobs-none-text = 把训练脚本贴到提交页，先试运行看价格与预计开始时间，再提交。
jobs-first = 提交第一个作业
