-- Surveys: what was asked, what came back.

GRANT SELECT ON schema_migration, setting TO luukku_web;
