# Directories, which keep people by SCIM.

action-read_scim_token = See directories' tokens
action-manage_scim_token = Make or revoke a directory's token
action-keep_person_by_directory = Person kept by a directory
detail-directory = directory
scim = Directories
scim-tokens = Directories' tokens
scim-text = An identity provider keeps people by SCIM 2.0 with one of these.
scim-address = Address:
scim-none = No directory keeps people here
scim-none-text = Make a token, and enter it with the address at your identity provider.
scim-made = The token is made
scim-once = Enter it at your identity provider now: it is not shown again.
scim-role = Role without a group
scim-role-hint = Whoever is in no group of the map gets this role; without one they have no place.
scim-name-hint = Such as the identity provider's name.
scim-new = New token
scim-revoke-sure = Revoke this token? The directory keeps nobody any more; those who are here stay as they are.
