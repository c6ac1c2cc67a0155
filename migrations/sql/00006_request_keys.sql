-- What the API was asked to do once, under which key, and what it answered: the
-- same request gets the same answer for 24 hours, from every process. A row is
-- in flight while it has a lease; answered when it has an answer; and otherwise
-- waits for the same request to be sent again.

-- +goose Up
CREATE TABLE request_keys (
    user_id       bigint NOT NULL REFERENCES users (id),
    -- As the client chose it. It must not hold personal data, and the API says so.
    key           text NOT NULL,
    -- Names the request through all its attempts. A key that comes back after its
    -- 24 hours is another request.
    request_id    uuid NOT NULL DEFAULT gen_random_uuid(),
    -- SHA-256 over method, path, If-Match and body, keyed: what was sent may hold
    -- words of citizens, and nobody may try here which.
    request_hash  bytea NOT NULL,
    -- Until when an attempt is taken to be under way. Whoever died leaves a lease
    -- that runs out, and the same request may be taken up again.
    lease_until   timestamptz,
    -- Status, ETag and body, encrypted by the application and bound to this row.
    answer_sealed bytea,
    created_at    timestamptz NOT NULL,
    CONSTRAINT one_request_for_each_key_of_a_user PRIMARY KEY (user_id, key),
    CONSTRAINT request_key_fits_200 CHECK (octet_length(key) BETWEEN 1 AND 200),
    CONSTRAINT request_hash_has_256_bits CHECK (octet_length(request_hash) = 32),
    CONSTRAINT answered_request_is_not_in_flight CHECK (answer_sealed IS NULL OR lease_until IS NULL)
);
CREATE INDEX request_keys_by_age ON request_keys (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON request_keys TO guiling_app;

-- An answer that shows a reviewer is never kept, so the look is repeated with the
-- request; it is still one look. Another person or another case is always a look
-- of its own, whatever a request is named.
ALTER TABLE reveals ADD COLUMN request_id uuid;
ALTER TABLE reveals ADD CONSTRAINT repeated_request_is_one_look UNIQUE (request_id, user_id, case_number);

-- +goose Down
ALTER TABLE reveals DROP CONSTRAINT repeated_request_is_one_look;
ALTER TABLE reveals DROP COLUMN request_id;
DROP TABLE request_keys;
