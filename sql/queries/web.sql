-- What luukku-web asks beside surveys.

-- name: web_ready
-- Is the database there, with our schema and our rights? Called by luukku-web for /readyz.
SELECT 1 AS one;
