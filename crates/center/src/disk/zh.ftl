# 磁盘

nav-disk = 磁盘
action-read_disk = 查看磁盘
disk-is-full = 中心磁盘空间不足。腾出空间之前，不启动作业，也不接收新作业；正在写入的运行会被终止。
disk-free-title = 剩余空间
disk-size = 容量
disk-free = 剩余
disk-floor = 最低保留
disk-has-room = 正常
disk-free-text = 剩余空间低于最低保留时，不启动作业，拒绝提交，并终止写入最多的运行。中心自身照常工作。
disk-name-database = 数据库
disk-name-runs = 运行记录和日志
disk-name-work = 工作目录
disk-name-tmp = 临时目录
disk-used-title = 各租户占用
disk-nobody = 还没有租户。
disk-used = 已用
disk-allowed = 配额
disk-files = 文件数
disk-files-allowed = 文件数配额
disk-not-counted = 尚未统计
disk-used-text = 工作目录和临时目录的占用，以最近一次统计为准。超出配额的租户，继续写入的运行会被终止。
disk-run-text = 单个运行连同其作业目录最多占用 { $bytes }。
