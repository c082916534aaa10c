-- What validation was started with before every service remembered it.
INSERT INTO newest_trust_bundle (version, hash)
SELECT version, hash FROM trust_bundles ORDER BY version DESC LIMIT 1
ON CONFLICT DO NOTHING;
