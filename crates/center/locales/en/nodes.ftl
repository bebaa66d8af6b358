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
drain-hint = No new runs; those there end in their time.
resume = Resume
resume-node = Put the node back in
labels = Labels
labels-set = Set the labels
labels-hint = With spaces or commas between. Jobs choose nodes by label with --constraint.
maintenance = Maintenance
maintenance-from = From
maintenance-until = Until
maintenance-hint = No run starts here that could still be there then. The node is drained for the time, and put back in after it.
maintenance-set = Plan maintenance
maintenance-cancel = Call it off
