# Nodes and cards.

in-use = In use
rings = Rings
ring-n = Ring { $n }
free-cards = Free cards
card-free = free
card-of-others = in use by others
card-takes-none = takes no new runs
drain = Drain
drain-node = Drain the node
drain-hint = It takes no new runs; those on it may finish.
resume = Resume
resume-node = Put the node back in
labels = Labels
labels-set = Set the labels
labels-hint = With spaces or commas between. Jobs choose nodes by label with --constraint.
maintenance = Maintenance
maintenance-from = From
maintenance-until = Until
maintenance-hint = No run that could overlap with the maintenance starts here. The node is drained while it lasts and put back in afterwards.
maintenance-set = Plan maintenance
maintenance-cancel = Call it off
