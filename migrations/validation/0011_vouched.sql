-- Rows of `journal` that a gate alone vouches for: staff found the seat by its order's code and no ticket was shown, and what followed on that.
-- No other gate is told of them, and settling knows that somebody passed.
CREATE TABLE vouched (
    gate bigint NOT NULL,
    sequence bigint NOT NULL,
    event bigint NOT NULL,
    slot bigint NOT NULL,
    PRIMARY KEY (gate, sequence),
    FOREIGN KEY (gate, sequence) REFERENCES journal
);

CREATE INDEX vouched_of_seat ON vouched (event, slot);
