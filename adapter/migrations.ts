/**
 * One step: SQL, and tables that are then filled from the events on record. The step that lets messages be emptied is the
 * last that may fill any: what old messages said could not be read into them again.
 */
export interface Migration {
  sql: string;
  fills?: readonly string[];
}

/**
 * The record's tables, one step per version of the file (`PRAGMA user_version`). A step that was released never changes.
 *
 * `gateways` to `statuses`, `readings` to `transaction_stops`, and `transaction_events` and `command_answers`, are the record: what gateways told and what follows from it. `parked` holds batches that
 * cannot be judged yet; `approvals` what this operator approved; `evidence` and `convictions` what was refused and what proves a gateway false.
 * A connection that lasts over a break in its gateway's record has a row for each chapter. Times are Unix ms. `at_ms` of
 * an event is when it counts from: when it was received, or for a batch that came after a silence its watermark.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    sql: `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE gateways (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('unheard', 'following', 'seeking')),
    chapter INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    watermark_ms INTEGER NOT NULL,
    booted_at_ms INTEGER NOT NULL,
    is_missed INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE gateway_keys (
    gateway TEXT NOT NULL,
    signing_key TEXT NOT NULL,
    replaced_at_ms INTEGER,
    PRIMARY KEY (gateway, signing_key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE chapters (
    id INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateways (id),
    generation INTEGER NOT NULL,
    first_number INTEGER NOT NULL,
    begins_at_ms INTEGER NOT NULL,
    is_missed INTEGER NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  CREATE INDEX chapters_by_gateway ON chapters (gateway, id);

  CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    gateway INTEGER NOT NULL REFERENCES gateways (id),
    chapter INTEGER NOT NULL REFERENCES chapters (id),
    generation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL,
    booted_at_ms INTEGER NOT NULL,
    watermark_ms INTEGER NOT NULL,
    is_late INTEGER NOT NULL,
    public_key TEXT NOT NULL,
    signature TEXT NOT NULL,
    event_count INTEGER NOT NULL,
    is_void INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE UNIQUE INDEX batches_by_number ON batches (gateway, generation, number) WHERE is_void = 0;
  CREATE INDEX batches_by_watermark ON batches (gateway, watermark_ms, id) WHERE is_void = 0;
  CREATE INDEX batches_by_boot ON batches (gateway, booted_at_ms, watermark_ms) WHERE is_void = 0;

  CREATE TABLE chargers (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    device_id TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE connections (
    id INTEGER PRIMARY KEY,
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    gateway INTEGER NOT NULL REFERENCES gateways (id),
    chapter INTEGER NOT NULL REFERENCES chapters (id),
    booted_at_ms INTEGER NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    closed_at_ms INTEGER,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_hash BLOB NOT NULL,
    UNIQUE (charger, epoch, gateway, chapter)
  ) STRICT;

  CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    connection INTEGER NOT NULL REFERENCES connections (id),
    seq INTEGER NOT NULL,
    batch INTEGER NOT NULL REFERENCES batches (id),
    received_at_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    frame TEXT NOT NULL,
    reply TEXT NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (connection, seq)
  ) STRICT;
  CREATE INDEX events_by_batch ON events (batch);

  CREATE TABLE statuses (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    connector INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    error_class INTEGER NOT NULL,
    PRIMARY KEY (charger, connector, epoch, connection, at_ms, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE parked (
    gateway TEXT NOT NULL,
    generation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text_hash TEXT NOT NULL,
    parked_at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('gap', 'key')),
    text TEXT NOT NULL,
    PRIMARY KEY (gateway, generation, number, text_hash)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    gateway TEXT NOT NULL,
    reason TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;

  CREATE TABLE convictions (
    gateway TEXT NOT NULL,
    signing_key TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kept TEXT NOT NULL,
    contradicting TEXT NOT NULL,
    PRIMARY KEY (gateway, signing_key)
  ) STRICT, WITHOUT ROWID;
  `,
  },
  {
    sql: `
  CREATE INDEX batches_late ON batches (gateway, watermark_ms) WHERE is_late = 1 AND is_void = 0;

  CREATE TABLE readings (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    register_wh INTEGER NOT NULL,
    power_w INTEGER NOT NULL,
    observed_at_sec INTEGER NOT NULL,
    is_signed INTEGER NOT NULL,
    connector INTEGER NOT NULL,
    PRIMARY KEY (charger, connector, epoch, connection, at_ms, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE transaction_starts (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    register_wh INTEGER NOT NULL,
    power_w INTEGER NOT NULL,
    observed_at_sec INTEGER NOT NULL,
    is_signed INTEGER NOT NULL,
    transaction_id INTEGER NOT NULL,
    connector INTEGER NOT NULL,
    outcome TEXT,
    PRIMARY KEY (charger, transaction_id, epoch, at_ms, connection, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transaction_starts_in_order ON transaction_starts (charger, epoch, at_ms, seq);

  CREATE TABLE transaction_stops (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    register_wh INTEGER NOT NULL,
    power_w INTEGER NOT NULL,
    observed_at_sec INTEGER NOT NULL,
    is_signed INTEGER NOT NULL,
    transaction_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (charger, epoch, at_ms, connection, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transaction_stops_by_id ON transaction_stops (charger, transaction_id);
  `,
    fills: ['readings', 'transaction_starts', 'transaction_stops'],
  },
  {
    sql: `
  CREATE TABLE transaction_events (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    transaction_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('start', 'stop')),
    session_id TEXT,
    tag_hash TEXT,
    PRIMARY KEY (charger, transaction_id, epoch, at_ms, connection, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transaction_events_by_session ON transaction_events (session_id) WHERE session_id IS NOT NULL;
  CREATE INDEX transaction_events_by_tag ON transaction_events (charger, tag_hash) WHERE tag_hash IS NOT NULL;

  CREATE TABLE command_answers (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    message_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (charger, message_id, at_ms, epoch, connection, seq)
  ) STRICT, WITHOUT ROWID;
  `,
    fills: ['transaction_events', 'command_answers'],
  },
  {
    // OCPP 2.x: transactions named by text, that may lack connector or register; connectors within an EVSE.
    sql: `
  ALTER TABLE connections ADD COLUMN subprotocol TEXT;
  UPDATE connections SET subprotocol = 'ocpp1.6';

  DROP TABLE statuses;
  CREATE TABLE statuses (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    connector INTEGER NOT NULL,
    part INTEGER NOT NULL,
    status INTEGER NOT NULL,
    error_class INTEGER NOT NULL,
    PRIMARY KEY (charger, connector, part, epoch, connection, at_ms, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE boots (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (charger, epoch, connection, at_ms, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE faults (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    connector INTEGER NOT NULL,
    error_class INTEGER NOT NULL,
    PRIMARY KEY (charger, connector, epoch, connection, at_ms, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE transaction_messages (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    transaction_id ANY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('started', 'updated', 'stopped')),
    connector INTEGER,
    seq_no INTEGER,
    state INTEGER,
    register_wh INTEGER,
    power_w INTEGER NOT NULL,
    observed_at_sec INTEGER NOT NULL,
    is_signed INTEGER NOT NULL,
    PRIMARY KEY (charger, transaction_id, epoch, connection, at_ms, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transaction_messages_placed ON transaction_messages (charger, connector, epoch, connection, at_ms, seq)
    WHERE connector IS NOT NULL;
  CREATE INDEX transaction_messages_unplaced ON transaction_messages (charger, epoch, at_ms, seq)
    WHERE connector IS NULL AND register_wh IS NOT NULL;

  DROP TABLE transaction_starts;
  CREATE TABLE transaction_starts (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    register_wh INTEGER,
    power_w INTEGER NOT NULL,
    observed_at_sec INTEGER NOT NULL,
    is_signed INTEGER NOT NULL,
    transaction_id ANY NOT NULL,
    connector INTEGER,
    outcome TEXT,
    PRIMARY KEY (charger, transaction_id, epoch, at_ms, connection, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transaction_starts_in_order ON transaction_starts (charger, epoch, at_ms, seq);

  DROP TABLE transaction_stops;
  CREATE TABLE transaction_stops (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    register_wh INTEGER,
    power_w INTEGER NOT NULL,
    observed_at_sec INTEGER NOT NULL,
    is_signed INTEGER NOT NULL,
    transaction_id ANY NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (charger, epoch, at_ms, connection, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transaction_stops_by_id ON transaction_stops (charger, transaction_id);
  `,
    fills: ['boots', 'faults', 'statuses', 'transaction_messages', 'transaction_starts', 'transaction_stops'],
  },
  {
    // Messages in which a meter signed something, with or without a value beside it.
    sql: `
  CREATE TABLE signed_values (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    connector INTEGER NOT NULL,
    PRIMARY KEY (charger, connector, epoch, connection, at_ms, seq)
  ) STRICT, WITHOUT ROWID;
  `,
    fills: ['signed_values'],
  },
  {
    sql: `
  CREATE TABLE approvals (
    request_id TEXT PRIMARY KEY,
    asked TEXT NOT NULL,
    is_queued INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  },
  {
    // OCPP 2.x: an idToken may be shown in any message of a transaction.
    sql: `
  DROP TABLE transaction_events;
  CREATE TABLE transaction_events (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    transaction_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('start', 'shown', 'stop')),
    session_id TEXT,
    tag_hash TEXT,
    PRIMARY KEY (charger, transaction_id, epoch, at_ms, connection, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX transaction_events_by_session ON transaction_events (session_id) WHERE session_id IS NOT NULL;
  CREATE INDEX transaction_events_by_tag ON transaction_events (charger, tag_hash) WHERE tag_hash IS NOT NULL;
  `,
    fills: ['transaction_events'],
  },
  {
    // Sessions that are over are found by when they ended, and those that contracts opened by the tag they began with.
    sql: `
  CREATE INDEX transaction_events_by_time ON transaction_events (kind, at_ms);
  ALTER TABLE approvals ADD COLUMN asked_at_sec INTEGER;
  ALTER TABLE approvals ADD COLUMN tag_hash TEXT;
  UPDATE approvals SET asked_at_sec = json_extract(asked, '$.asOfSec');
  CREATE INDEX approvals_by_tag ON approvals (tag_hash) WHERE tag_hash IS NOT NULL;
  CREATE INDEX approvals_of_starts ON approvals (asked_at_sec) WHERE tag_hash IS NOT NULL;
  `,
  },
  {
    // What chargers tell of themselves, reservations, and the cards that transactions began with.
    sql: `
  CREATE TABLE station_facts (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    kind TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    received_at_ms INTEGER NOT NULL,
    PRIMARY KEY (charger, kind, epoch, at_ms, seq, connection)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE variables (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    key TEXT NOT NULL,
    attribute TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    received_at_ms INTEGER NOT NULL,
    value TEXT,
    mutability TEXT,
    is_secret INTEGER NOT NULL,
    PRIMARY KEY (charger, key, attribute, epoch, at_ms, seq, connection)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE reservation_messages (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    reservation_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    received_at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('reserved', 'used', 'ended')),
    connector INTEGER,
    until_sec INTEGER,
    reason TEXT,
    transaction_id ANY,
    PRIMARY KEY (charger, reservation_id, epoch, at_ms, seq, connection)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE card_tags (
    tag_hash TEXT PRIMARY KEY,
    connection INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    commitment TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX card_tags_by_commitment ON card_tags (commitment);
  CREATE INDEX transaction_events_of_card ON transaction_events (tag_hash, epoch, at_ms, seq) WHERE tag_hash IS NOT NULL;
  CREATE INDEX transaction_events_in_order ON transaction_events (charger, epoch, at_ms, seq);
  `,
    fills: ['station_facts', 'variables', 'reservation_messages', 'card_tags'],
  },
  {
    // Questions that are answered by a call to where their asker said.
    sql: `
  CREATE TABLE later_answers (
    response_url TEXT PRIMARY KEY,
    job_run_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    data TEXT NOT NULL,
    asked_at_ms INTEGER NOT NULL,
    outcome TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX approvals_unsent ON approvals (asked_at_sec) WHERE is_queued = 0;
  `,
  },
  {
    // Old messages whose text is deleted, up to where, and those among them whose text still matters.
    sql: `
  ALTER TABLE events ADD COLUMN is_emptied INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE emptied (
    gateway INTEGER PRIMARY KEY REFERENCES gateways (id),
    booted_at_ms INTEGER NOT NULL,
    reached_ms INTEGER NOT NULL,
    reached_batch INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE kept_messages (event INTEGER PRIMARY KEY REFERENCES events (id)) STRICT;
  `,
  },
  {
    // Readings that name a transaction and no connector, by the connectors that its other messages name, whichever came first.
    // It only points at messages: one that is void is not there any more.
    sql: `
  CREATE TABLE transaction_connectors (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    transaction_id ANY NOT NULL,
    connector INTEGER NOT NULL,
    PRIMARY KEY (charger, transaction_id, connector)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE connector_ends (
    charger INTEGER NOT NULL REFERENCES chargers (id),
    connector INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    connection INTEGER NOT NULL REFERENCES connections (id),
    seq INTEGER NOT NULL,
    transaction_id ANY NOT NULL,
    PRIMARY KEY (charger, connector, epoch, at_ms, connection, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER transaction_placed AFTER INSERT ON transaction_messages WHEN NEW.connector IS NOT NULL BEGIN
    INSERT OR IGNORE INTO transaction_connectors VALUES (NEW.charger, NEW.transaction_id, NEW.connector);
  END;
  CREATE TRIGGER transaction_connector_told AFTER INSERT ON transaction_connectors BEGIN
    INSERT OR IGNORE INTO connector_ends
      SELECT m.charger, NEW.connector, m.epoch, m.at_ms, m.connection, m.seq, m.transaction_id FROM transaction_messages m
      WHERE m.charger = NEW.charger AND m.transaction_id = NEW.transaction_id AND m.connector IS NULL
        AND m.register_wh IS NOT NULL;
  END;
  CREATE TRIGGER transaction_end_told AFTER INSERT ON transaction_messages
    WHEN NEW.connector IS NULL AND NEW.register_wh IS NOT NULL BEGIN
    INSERT OR IGNORE INTO connector_ends
      SELECT NEW.charger, c.connector, NEW.epoch, NEW.at_ms, NEW.connection, NEW.seq, NEW.transaction_id
      FROM transaction_connectors c WHERE c.charger = NEW.charger AND c.transaction_id = NEW.transaction_id;
  END;

  INSERT INTO transaction_connectors
    SELECT DISTINCT charger, transaction_id, connector FROM transaction_messages WHERE connector IS NOT NULL;
  `,
  },
];

/** How many steps there are once messages can be emptied. */
export const EMPTYING_VERSION = 11;
