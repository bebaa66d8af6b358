# FOCUS

action-read_focus = Export charges as FOCUS
