-- What a person was told once, on their first visit to a page, and has put away.
-- It is kept with the person and not in the browser, so that it stays away on the
-- next computer as well.

-- +goose Up
CREATE TABLE seen_hints (
    user_id bigint NOT NULL REFERENCES users (id),
    hint    text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hint_is_put_away_once PRIMARY KEY (user_id, hint),
    CONSTRAINT hint_is_known CHECK (hint IN ('inbox', 'case', 'board', 'events'))
);
-- Put away is put away: no UPDATE, no DELETE.
GRANT SELECT, INSERT ON seen_hints TO guiling_app;

-- +goose Down
DROP TABLE seen_hints;
