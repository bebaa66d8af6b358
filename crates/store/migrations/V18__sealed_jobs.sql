-- What of a job decides its charge and who answers for it is sealed some seconds after its submission. None of it ever
-- changes.
CREATE TRIGGER jobs_are_unsealed AFTER INSERT ON jobs
BEGIN INSERT INTO unsealed (kind, key) VALUES ('jobs', NEW.id); END;
INSERT INTO unsealed (kind, key) SELECT 'jobs', id FROM jobs ORDER BY id;
-- Alliances say who lends to whom, and are sealed as they change.
CREATE TRIGGER alliances_added AFTER INSERT ON alliances
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('alliances', NEW.id, 0); END;
CREATE TRIGGER alliances_changed AFTER UPDATE ON alliances
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('alliances', OLD.id, 0); INSERT OR IGNORE INTO unsealed_changes VALUES ('alliances', NEW.id, 0); END;
CREATE TRIGGER alliances_removed AFTER DELETE ON alliances
BEGIN INSERT OR IGNORE INTO unsealed_changes VALUES ('alliances', OLD.id, 0); END;
INSERT INTO unsealed_changes SELECT 'alliances', id, 0 FROM alliances;
