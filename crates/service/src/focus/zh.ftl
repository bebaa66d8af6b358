# FOCUS

action-read_focus = 按 FOCUS 导出费用
