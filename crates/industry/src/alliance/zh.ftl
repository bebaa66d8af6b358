# 产业联盟

nav-alliances = 产业联盟
action-read_alliance = 查看联盟
action-manage_alliance = 管理联盟
alliance = 联盟
alliances-all = 全部联盟
alliances-none = 还没有联盟
alliances-none-text = 同一联盟的租户共享资产，并互相借用空闲的保障卡。
alliance-found = 成立联盟
alliance-slug = 短名
alliance-name-zh = 中文名称
alliance-name-en = 英文名称
alliance-names = 名称
alliance-tenants = 成员租户
alliance-tenants-none = 还没有租户加入；登记租户时可选定联盟，也可在租户页面更改。
alliance-lends = 向外借出
alliance-lends-all = 全部空闲卡
alliance-lends-hint = 最多向联盟外借出的空闲保障卡数；留空为全部
alliance-set = 保存
detail-lending-limit = 出借上限
