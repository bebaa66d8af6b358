# Secrets.

nav-secrets = Secrets
action-read_secret = Read the names of secrets
action-keep_own_secret = Keep own secrets
action-keep_secret = Keep secrets of the tenant
action-rotate_secret_key = Renew the key of secrets
detail-scope = for
detail-is-removed = removed
detail-secrets = secrets
secret-scope-tenant = All jobs of the tenant
secret-scope-project = Jobs of the project
secret-scope-person = My own jobs
secrets-title = Secrets that jobs may name
secrets-none = There are no secrets yet.
secrets-text = A job that names a secret gets its value as a variable of that name, in its runs alone. Nobody is shown the value again. A job can print what it gets: its log then has it.
secret-for = For
secret-set-by = Set by
secret-set-at = Set
secret-remove = Remove
secret-remove-sure = Remove this secret? Jobs that name it and have not started will fail.
secret-set = Set a secret
secret-name-hint = Letters, digits and _, such as HF_TOKEN. One of the same name is replaced.
secret-project-hint = For secrets of a project.
secret-no-project = No project
secret-value = Value
secret-value-hint = It is kept encrypted and not shown again.
