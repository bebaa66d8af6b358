# A generated past.

generated-past = This center is a demo. Its jobs, charges, statements, invoices and events from { $a } up to { $b } are generated: they never happened. Its clock was moved for them, so that a month could be closed.
