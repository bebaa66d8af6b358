//! Fields of requests, each with its name in both languages.

/// A field of a request. In English a field goes by its name in JSON, which people write themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub code: &'static str,
    pub zh: &'static str,
}

macro_rules! fields {
    ($($name:ident = $code:literal, $zh:literal;)*) => {
        $(pub const $name: Field = Field { code: $code, zh: $zh };)*

        /// All fields above.
        #[cfg(test)]
        pub(super) const ALL: &[Field] = &[$($name),*];
    };
}

fields! {
    ACTION = "action", "操作";
    AFTER = "after", "依赖";
    ALERTS = "alerts", "提醒比例";
    AMOUNT = "amount_micro_cny", "金额";
    ANNEX = "annex", "附表";
    ARGS = "args", "参数";
    ARRAY = "array", "数组";
    BANK = "bank", "银行";
    BATCH_CPUS_PER_TASK = "batch.cpus_per_task", "每任务处理器数";
    BATCH_ERROR = "batch.error", "标准错误文件";
    BATCH_EXPORT = "batch.export", "导出的环境变量";
    BATCH_OUTPUT = "batch.output", "标准输出文件";
    BATCH_SUBMIT_DIR = "batch.submit_dir", "提交目录";
    BATCH_TASKS = "batch.tasks", "任务数";
    BATCH_TASKS_PER_NODE = "batch.tasks_per_node", "每节点任务数";
    BATCH_WARNING = "batch.warning", "时限前的信号";
    BATCH_WORK_DIR = "batch.work_dir", "工作目录";
    BUDGET = "amount", "预算额";
    CHANGES = "changes", "更改";
    CHANNEL = "channel", "渠道";
    DAILY_AT = "daily_at", "每日发送时间";
    EVENTS = "events", "事件";
    LANG = "lang", "语言";
    QUIET_FROM = "quiet_from", "免打扰开始";
    QUIET_UNTIL = "quiet_until", "免打扰结束";
    TOPIC = "topic", "事项";
    URL = "url", "地址";
    CARD_MODEL = "card_model", "加速卡型号";
    CARD_TIME = "card_ms", "卡时";
    CARDS = "cards", "加速卡总数";
    CARDS_PER_NODE = "cards_per_node", "每节点加速卡";
    CODE = "code", "验证码";
    COMMANDS = "commands", "命令";
    COMMENT = "comment", "备注";
    CONTRACT = "contract", "合同";
    CORRECTS = "corrects", "更正对象";
    CONFIRMATION = "confirmation", "红字信息确认单编号";
    CURSOR = "cursor", "翻页位置";
    DOMAIN = "domain", "领域";
    EFFECTIVE_FROM = "effective_from", "生效时间";
    EFFECTIVE = "effective", "生效时间";
    EMAIL = "email", "邮箱";
    ENCODING = "encoding", "编码";
    ENDS_AT = "ends_at", "结束日期";
    ENV = "env", "环境变量";
    FILE = "file", "任务文件";
    FORMAT = "format", "格式";
    FROM = "from", "起始时间";
    GROUP_BY = "group_by", "分组方式";
    ID = "id", "编号";
    IDEMPOTENCY_KEY = "Idempotency-Key", "幂等键";
    INVOICE_NUMBER = "invoice_number", "发票号码";
    ISSUED_ON = "issued_on", "开票日期";
    JOBS = "jobs", "作业";
    KIND = "kind", "类型";
    LABELS = "labels", "标签";
    SCOPE = "scope", "适用范围";
    SECRETS = "secrets", "密文变量";
    LAUNCH = "launch", "启动方式";
    LEGAL_NAME = "legal_name", "单位全称";
    LIMIT = "limit", "每页条数";
    LOGIN = "login", "用户名";
    MAX_DURATION = "max_duration", "时间上限";
    MAX_NODES = "max_nodes", "最多节点数";
    MEMBER = "member", "提交人";
    MINE = "mine", "只看自己的";
    MONTH = "month", "月份";
    NAME = "name", "名称";
    NAME_IN_EN = "name.en", "英文名称";
    NAME_IN_ZH = "name.zh", "中文名称";
    NAME_EN = "name_en", "英文名称";
    NAME_ZH = "name_zh", "中文名称";
    NODES = "nodes", "节点数";
    NUMBER = "number", "合同编号";
    OFFSET = "offset", "起始位置";
    ORDER = "order", "次序";
    OTHER_TAX_NUMBER = "other_tax_number", "其他税号";
    PAID_ON = "paid_on", "付款日期";
    OLD_PASSWORD = "old_password", "现在的密码";
    PASSWORD = "password", "密码";
    PATH = "path", "路径";
    PAYER = "payer", "付款方";
    POOL = "pool", "资源池";
    POOLS = "pools", "资源池";
    PRICES = "prices", "价格";
    PROJECT = "project", "项目";
    QUEUE = "queue", "队列";
    Q = "q", "查找内容";
    RATE = "rate_micro_cny_per_card_hour", "每卡时单价";
    NOTE = "note", "意见";
    RATE_BP = "rate_bp", "税率";
    REASON = "reason", "原因";
    RED_NUMBER = "red_number", "红字发票号码";
    REFERENCE = "reference", "凭证号";
    RESOURCES = "resources", "资源";
    REVERSED_ON = "reversed_on", "红冲日期";
    ROLE = "role", "角色";
    SCORE = "score", "评分";
    SCRIPT = "script", "脚本";
    SERVICE_CLASS = "service_class", "服务等级";
    SINCE = "since", "起始时间";
    SLUG = "slug", "短名";
    SORT = "sort", "排序";
    SPAN = "span", "周期";
    STARTS_AT = "starts_at", "开始日期";
    STATE = "state", "状态";
    STATEMENTS = "statements", "账单";
    STREAM = "stream", "日志流";
    TABLE = "table", "表格";
    TAIL = "tail", "末尾行数";
    TASK = "task", "任务";
    TAX_NUMBER = "tax_number", "纳税人识别号";
    TENANT = "tenant", "租户";
    TERMS = "terms", "合同条款";
    TIME_LIMIT = "time_limit_ms", "时间上限";
    TITLE = "title", "发票抬头";
    TO = "to", "结束时间";
    TO_CONTRACT = "to_contract", "转入合同";
    TYPE = "type", "类型";
    UNIT = "unit", "计量单位";
    UNTIL = "until", "结束时间";
    USER_CODE = "user_code", "设备代码";
    WAIVERS = "waivers", "减免比例";
    WHICH = "which", "筛选条件";
    WHOSE = "whose", "预算对象";
    VALUE = "value", "值";
    VERDICT = "verdict", "评审意见";
}
