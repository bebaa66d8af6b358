# Nodes and cards.

in-use = 在用
rings = 环
ring-n = 环 { $n }
free-cards = 空闲加速卡
card-free = 可用
card-of-others = 其他租户使用中
card-takes-none = 不接受新运行
drain = 排空
drain-node = 排空节点
drain-hint = 不再接受新运行；正在运行的可以运行到结束。
resume = 恢复
resume-node = 恢复节点
labels = 标签
labels-set = 设置标签
labels-hint = 以空格或逗号分隔；作业用 --constraint 选择带有标签的节点。
maintenance = 停机维护
maintenance-from = 开始
maintenance-until = 结束
maintenance-hint = 到时仍未结束的作业不会在此启动；维护期间节点自动排空，结束后自动恢复。
maintenance-set = 安排维护
maintenance-cancel = 取消维护
