# 备份。

nav-backups = 备份
action-read_backup = 查看备份
action-restore = 恢复备份
detail-taken-at = 备份时间
detail-runs = 运行
detail-jobs = 作业
backup = 备份
backup-how = 备份方式
backup-folder = 目录
backup-at = 时间
backup-daily-at = 每天 { $time }
backup-never = 仅手动
backup-next = 下一次
backup-keeps = 保留
backup-kept-of = 最近 { $a } 天、{ $b } 周各保留最新一份；手动备份不会被清理
backup-text = 备份是数据库的副本，校验通过后才会命名。设置、密钥、证书、日志和工作目录不在其中；需要一并复制的内容和恢复步骤见运维手册。
backup-make = 立即备份
backup-all = 全部备份
backup-none = 还没有备份。
backup-made-at = 备份时间
backup-size = MiB
backup-kept = 保留原因
backup-kept-daily = 当天最新
backup-kept-weekly = 当周最新
backup-kept-by_hand = 手动备份
backup-fails = 最近一次备份失败：{ $error }
