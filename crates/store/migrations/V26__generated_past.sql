-- The past that was generated for a demo: whatever was asked for or posted before `until_at` never happened.
CREATE TABLE generated_past (
    from_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    seed INTEGER NOT NULL -- of the dice that it was thrown with
) STRICT;
