-- Jobs that ended lately, of all and of a tenant.
CREATE INDEX jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_by_tenant_end ON jobs (tenant, ended_at) WHERE ended_at IS NOT NULL;
