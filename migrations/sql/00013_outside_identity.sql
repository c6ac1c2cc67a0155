-- Who somebody is elsewhere: at an OpenID provider by issuer and subject, in a
-- directory by its address and the entry's own identifier. An administrator links
-- them; nobody is ever found by a name or an e-mail address.

-- +goose Up
CREATE TABLE user_identities (
    issuer    text NOT NULL,
    subject   text NOT NULL,
    user_id   bigint NOT NULL REFERENCES users (id),
    linked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT identity_belongs_to_one_person PRIMARY KEY (issuer, subject),
    CONSTRAINT one_identity_of_a_person_at_each_issuer UNIQUE (user_id, issuer),
    CONSTRAINT identity_is_not_blank CHECK (btrim(issuer) <> '' AND btrim(subject) <> '')
);
GRANT SELECT, INSERT, DELETE ON user_identities TO guiling_app;

-- +goose Down
DROP TABLE user_identities;
