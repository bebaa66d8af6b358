# Backups.

nav-backups = Backups
action-read_backup = Read backups
action-restore = Restore a backup
detail-taken-at = taken at
detail-runs = runs
detail-jobs = jobs
backup = Backup
backup-how = How backups are made
backup-folder = Folder
backup-at = Made
backup-daily-at = each day at { $time }
backup-never = by hand only
backup-next = Next one
backup-keeps = Kept
backup-kept-of = the newest of { $a } days and of { $b } weeks; those made by hand stay
backup-text = A backup is a copy of the database, verified before it gets its name. Settings, keys, certificates, logs and work folders are not in it. The operators' guide tells what to copy with it and how to restore.
backup-make = Back up now
backup-all = All backups
backup-none = There is no backup yet.
backup-made-at = Made at
backup-size = MiB
backup-kept = Kept as
backup-kept-daily = newest of its day
backup-kept-weekly = newest of its week
backup-kept-by_hand = made by hand
backup-fails = The last backup failed: { $error }
