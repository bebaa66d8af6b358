# Submitting a job.

submit-reads = #SBATCH 脚本或 YAML 任务文件，自动识别；先试运行看价格、预计开始与限制
load-file = 从文件载入
examples = 示例：
settings = 设置
script-wins = 脚本中的 #SBATCH 行优先于这里的设置。
submit-job = 提交作业
dry-run = 试运行
working = 计算中
dry-run-empty = 写入脚本后，这里显示价格、预计开始与限制。
cost-at-most = 最多费用
cards-free-now = 加速卡现在空闲
no-limit = 没有限制使它等待。
hours-times-rate = { $a } 卡时 × ¥ { $b }
tasks = 任务数
would-refuse = 中心会拒绝这个作业
note-line = （第 { $line } 行）
note-ignored = 已忽略：
note-mapped = 按以下方式处理：
