# The list of jobs.

jobs-times = today's times; other days with their date
jobs-filter = Filter jobs
name-has = Name has
filter = Filter
filter-clear = Clear the filter
active-jobs = Active
nodes-cards = Nodes × cards
why-forecast = Why it waits, forecast start
forecast = forecast
ahead-n = { $n } ahead
submitted = Submitted
started = Started
duration = Time
charge = Charge
jobs-pager = 50 a page, newest first
newest = Newest
older = Older
jobs-none-match = No job matches
jobs-none-match-text = Try another name or project, or clear the filter.
jobs-none = No jobs yet
jobs-none-text = Paste a training script on the submit page: a dry run tells price and forecast start before anything is submitted.
jobs-first = Submit the first job
