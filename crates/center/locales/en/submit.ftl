# Submitting a job.

submit-reads = an #SBATCH script or a YAML task file, told apart by itself; the dry run tells price, forecast start and the binding limit
load-file = Load a file
examples = Examples:
settings = Settings
script-wins = #SBATCH lines in the script go before these settings.
submit-job = Submit the job
dry-run = Dry run
working = working
dry-run-empty = Once there is a script, its price, forecast start and binding limit show here.
cost-at-most = Cost at most
cards-free-now = its cards are free now
no-limit = No limit makes it wait.
hours-times-rate = { $a } card-hours × ¥ { $b }
tasks = Tasks
would-refuse = The center would refuse this job
note-line = (line { $line }){" "}
note-ignored = is ignored:{" "}
note-mapped = is taken as:{" "}
