# Disks.

nav-disk = Disks
action-read_disk = Read disks
disk-is-full = A disk of the center is full. Nothing starts and no job is taken on until there is room; runs that write are ended.
disk-free-title = What is free
disk-size = Size
disk-free = Free
disk-floor = Must stay free
disk-has-room = Has room
disk-free-text = While a disk has less free than it must, nothing starts, submissions are refused, and the runs that write most are ended. The center itself goes on.
disk-name-database = Database
disk-name-runs = Records and logs of runs
disk-name-work = Work folders
disk-name-tmp = Temporary folders
disk-used-title = What tenants take
disk-nobody = There is no tenant yet.
disk-used = Used
disk-allowed = Allowed
disk-files = Files
disk-files-allowed = Files allowed
disk-not-counted = not counted yet
disk-used-text = Work folders and temporary folders, as they were counted last. Where a tenant takes more than it may, its runs that write more are ended.
disk-run-text = One run may take { $bytes } with the folder of its job.
