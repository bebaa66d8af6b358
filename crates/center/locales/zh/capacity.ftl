# The capacity balance and the ledger.

balance-rule = 容量 = { $parts }，精确到卡毫秒
interval = 区间
work-out = 计算
where-it-went = 去向

roots = 账本根
root-signed = 账本根第 { $number } 号已签名。
root-unsigned = 账本根第 { $number } 号未签名：配置中没有签名密钥。
root-none = 尚未生成账本根。
