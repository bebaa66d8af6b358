//! Refusals: why something that was understood can't be done as things stand.

domain::codes! {
    /// Why something can't be done. Each has its words in both languages among the portal's texts, behind
    /// `refused-`.
    pub enum Refusal {
        AboveLimit = "above_limit",
        AlreadyThere = "already_there",
        AlreadyDecided = "already_decided",
        BackupFailed = "backup_failed",
        ContractNotActive = "contract_not_active",
        ContractState = "contract_state",
        /// The one refusal that is not the caller's to mend: its status is 507.
        DiskFull = "disk_full",
        IdempotencyAnswerLost = "idempotency_answer_lost",
        IdempotencyKeyReused = "idempotency_key_reused",
        NoContract = "no_contract",
        NoHistory = "no_history",
        NoPrice = "no_price",
        NoProject = "no_project",
        NoSecretKey = "no_secret_key",
        NoSlurm = "no_slurm",
        NodeHasWorked = "node_has_worked",
        NodeLeaving = "node_leaving",
        NotWaiting = "not_waiting",
        OwnAccount = "own_account",
        PeriodClosed = "period_closed",
        PeriodGoesOn = "period_goes_on",
        PeriodIncomplete = "period_incomplete",
        PeriodNotNext = "period_not_next",
        PoolRetired = "pool_retired",
        PriceChange = "price_change",
        SamePerson = "same_person",
        SlurmFailed = "slurm_failed",
        TooManyJobs = "too_many_jobs",
        TooManySecrets = "too_many_secrets",
        TooMuchWaiting = "too_much_waiting",
        TwinIsBusy = "twin_is_busy",
    }
}
