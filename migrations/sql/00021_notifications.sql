-- What staff are told: in the product, by mail, and to the channels of an
-- organisation. No row holds personal data of a citizen or anybody's words.

-- +goose Up
CREATE TABLE notifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What was delivered, and to whom: a message that comes twice is told once.
    key         text NOT NULL,
    user_id     bigint NOT NULL REFERENCES users (id),
    kind        text NOT NULL,
    case_number text NOT NULL REFERENCES cases (number),
    -- The event that is told; NULL: none of the case's own.
    seq         integer,
    -- How many days are left, of a warning.
    days        integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    read_at     timestamptz,
    -- When a daily mail took it up.
    digested_at timestamptz,
    CONSTRAINT notification_is_made_once_for_a_person UNIQUE (key, user_id)
);
CREATE INDEX notifications_of_a_person ON notifications (user_id, id DESC);
CREATE INDEX notifications_unread ON notifications (user_id, id DESC) WHERE read_at IS NULL;
CREATE INDEX notifications_of_a_case ON notifications (user_id, case_number) WHERE read_at IS NULL;
GRANT SELECT, INSERT, DELETE ON notifications TO guiling_app;
GRANT UPDATE (read_at, digested_at) ON notifications TO guiling_app;

-- How a person wants to be told. Who has no row has no mail.
CREATE TABLE notification_settings (
    user_id    bigint PRIMARY KEY REFERENCES users (id),
    email      text NOT NULL DEFAULT '',
    -- NULL: the address has not answered yet, and gets nothing but the code.
    confirmed_at timestamptz,
    code       text NOT NULL DEFAULT '',
    code_at    timestamptz,
    code_tries integer NOT NULL DEFAULT 0,
    language   text NOT NULL DEFAULT 'zh-CN',
    -- now, digest or off for each group; a group that is missing has its default.
    choices    jsonb NOT NULL DEFAULT '{}',
    -- A break without mails, in minutes after midnight in China; equal: none.
    quiet_from integer NOT NULL DEFAULT 0,
    quiet_to   integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT settings_have_a_known_language CHECK (language IN ('zh-CN', 'en')),
    CONSTRAINT quiet_time_is_of_a_day CHECK (quiet_from BETWEEN 0 AND 1439 AND quiet_to BETWEEN quiet_from AND 1439),
    CONSTRAINT no_address_is_not_confirmed CHECK (email <> '' OR confirmed_at IS NULL),
    CONSTRAINT choices_are_an_object CHECK (jsonb_typeof(choices) = 'object')
);
GRANT SELECT, INSERT, UPDATE ON notification_settings TO guiling_app;

-- What must leave the house, by mail or to a channel; made in the transaction of
-- the notification, sent at least once, and given up after many failures.
CREATE TABLE deliveries (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel         text NOT NULL,
    kind            text NOT NULL,
    key             text NOT NULL,
    -- Whose mail it is; NULL: a channel of the organisation.
    user_id         bigint REFERENCES users (id),
    case_number     text REFERENCES cases (number),
    days            integer NOT NULL DEFAULT 0,
    attempts        integer NOT NULL DEFAULT 0,
    -- What was not tried yet goes before what failed.
    next_attempt_at timestamptz NOT NULL DEFAULT '-infinity',
    last_error      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    done_at         timestamptz,
    dead_at         timestamptz,
    CONSTRAINT delivery_is_made_once UNIQUE (channel, key),
    CONSTRAINT delivery_channel_is_known CHECK (channel IN ('mail', 'generic', 'wecom', 'dingtalk')),
    CONSTRAINT mail_is_for_a_person CHECK ((channel = 'mail') = (user_id IS NOT NULL)),
    CONSTRAINT delivery_that_was_made_is_not_dead CHECK (done_at IS NULL OR dead_at IS NULL)
);
CREATE INDEX deliveries_waiting ON deliveries (channel, next_attempt_at, id) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX deliveries_dead ON deliveries (dead_at) WHERE dead_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries TO guiling_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO guiling_app;

-- +goose Down
DROP TABLE deliveries;
DROP TABLE notification_settings;
DROP TABLE notifications;
