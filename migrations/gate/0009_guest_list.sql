-- Half of each sealed ticket of the event that is served, where its organiser has gates find a seat by its order's code: no ticket can be made of one,
-- and no name be read without the event's secret.
CREATE TABLE guest (
    slot       INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    -- What the order's code comes to by the secret that sealed the name.
    tag        BLOB    NOT NULL CHECK (length(tag) = 16),
    half       BLOB    NOT NULL,
    PRIMARY KEY (slot, generation)
) STRICT;

CREATE INDEX guest_tags ON guest (tag);

-- Whose guests they are, and how far the list goes. Guests without it are on their way out.
CREATE TABLE guest_list (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    event  INTEGER NOT NULL,
    -- When the newest ticket on it was issued, in milliseconds.
    newest INTEGER,
    held   INTEGER NOT NULL CHECK (held >= 0),
    -- Whether there were more than a gate keeps.
    is_cut INTEGER NOT NULL CHECK (is_cut IN (0, 1))
) STRICT;

-- Codes by which nobody was found, and when the last one was typed, in milliseconds.
CREATE TABLE missed_codes (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    wrong INTEGER NOT NULL CHECK (wrong >= 0),
    last  INTEGER NOT NULL
) STRICT;
