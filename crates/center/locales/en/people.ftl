# Members and projects.

add-member = Add a member
add-project = Add a project
add = Add
change = Change
enable = Enable
disable = Disable
disabled = Disabled
disable-sure = Disable this member?
full-name = Name
first-password = First password
password-hint = { $least } characters or more
login-hint = 1 to 64 letters, digits and @ . _ - +
role-hint = Developers submit work; finance sees money only.
short-name = Short name
project-name = Name
projects-none = No projects yet
projects-none-text = Jobs belong to a project, whose contract pays for them.
