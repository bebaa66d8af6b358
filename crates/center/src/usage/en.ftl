# Use.

nav-usage = Use
usage-of = Use in { $month }
usage-used = Used
usage-by = By { $what }
usage-csv = CSV by { $what }
usage-none = Nothing was used in this month.
usage-text = Use counts on the day of its posting, that of jobs that still run too. A run that ended counts once. The CSV tells exact card-milliseconds and millionths of a yuan.
usage-choose = Add up by
usage-part = Part
usage-share = { $a }: { $b }
