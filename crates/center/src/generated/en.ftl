# A generated past.

generated-past = This center is a demo. Its jobs, charges, statements and events from { $a } up to { $b } are generated: they never happened.
