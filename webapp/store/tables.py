"""The tables. Times are seconds since the epoch (UTC); tokens stand here as hashes only, passwords not at all."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

domain_entries = Table(
    "domain_entries",
    metadata,
    Column("id", String(255), primary_key=True),
    # Absent once removed: the row stays so that every process learns of the removal from `changed`.
    Column("toml", Text),
    Column("changed", BigInteger, nullable=False, index=True),
    Column("changed_at", Float, nullable=False),
)

domain_names = Table(
    "domain_names",
    metadata,
    # One owner per domain, whatever two admins do at once.
    Column("domain", String(255), primary_key=True),
    Column("entry_id", ForeignKey("domain_entries.id"), nullable=False, index=True),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # What is counted: an account, a client network or a domain, as a keyed hash.
    Column("subject", LargeBinary(32), nullable=False),
    Column("ticket", LargeBinary(16), nullable=False, index=True),
    Column("at", Float, nullable=False, index=True),
    # Its outcome is not known yet.
    Column("pending", Boolean, nullable=False),
    Index("ix_attempts_subject_at", "subject", "at"),
)

checks = Table(
    "checks",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("state", String(20), nullable=False),
    # The address in lower case, by which the help desk finds the check.
    Column("address_key", String(320), nullable=False, server_default="", index=True),
    Column("account", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("heartbeat_at", Float, nullable=False),
    Column("finished_at", Float),
    # Problems and findings, once finished.
    Column("outcome", Text),
    # How often its links were made: 0 none, 1 after success, more after "a new stamp".
    Column("generation", Integer, nullable=False),
    Column("unchecked", Boolean, nullable=False),
    # Whose invitation led here; absent for who came by themselves.
    Column("invitation_id", LargeBinary(16), index=True),
    Column("expires_at", Float, nullable=False, index=True),
)

check_stages = Table(
    "check_stages",
    metadata,
    Column("check_hash", ForeignKey("checks.token_hash", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("stage", Text, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("filename", String(255), primary_key=True),
    # Whose it is (a check, later an invitation): revoking ends everything of one group.
    Column("group_hash", LargeBinary(32), nullable=False, index=True),
    # Empty once it cannot be fetched any more.
    Column("sealed", LargeBinary, nullable=False),
    Column("fetches", Integer, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("revoked", Boolean, nullable=False),
)

handovers = Table(
    "handovers",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("group_hash", LargeBinary(32), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("claimed_at", Float),
    Column("expires_at", Float, nullable=False, index=True),
    Column("revoked", Boolean, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # The list as the admin knows it.
    Column("name", String(255), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    # Who made it: an admin, a token, the command line.
    Column("actor", String(254), nullable=False, server_default=""),
    # BatchOptions as text (webapp.store.values); empty for a batch that the command line made in one go.
    Column("options", Text, nullable=False, server_default=""),
    Column("created_at", Float, nullable=False, index=True),
    # The last sign of life of whoever works on it.
    Column("touched_at", Float),
    Column("finished_at", Float),
    # Rows of the list, and how many of them something was made of.
    Column("total", Integer, nullable=False),
    Column("made", Integer, nullable=False),
)

batch_rows = Table(
    "batch_rows",
    metadata,
    # Random. With the link key and the generation 0 it gives the key of `sealed`.
    Column("id", LargeBinary(16), primary_key=True),
    Column("batch_id", ForeignKey("batches.id", ondelete="CASCADE"), nullable=False),
    # The row of the list, as a spreadsheet numbers it.
    Column("row", Integer, nullable=False),
    # waiting, working, made, failed, bad (the list's own fault), cancelled
    Column("state", String(12), nullable=False),
    # Until then it belongs to the worker that claimed it; afterwards to whoever comes.
    Column("lease", LargeBinary(16)),
    Column("lease_until", Float),
    # How often it was claimed: a row that kills its worker is given up.
    Column("claims", Integer, nullable=False, server_default="0"),
    Column("address_key", String(320), nullable=False),
    Column("address", String(320), nullable=False),
    Column("full_name", String(255), nullable=False),
    Column("department", String(255), nullable=False),
    Column("employee_number", String(64), nullable=False),
    Column("username", String(255)),
    # Where the invitation mail goes, instead of the address itself.
    Column("notify", String(320)),
    Column("has_password", Boolean, nullable=False),
    # Secrets of the list (password, PIN; of a bad row its cells), sealed; emptied once they are needed no more.
    Column("sealed", LargeBinary),
    # Problems and notes, as text (webapp.store.values).
    Column("problems", Text),
    # The live check accepted the password.
    Column("tried", Boolean, nullable=False, server_default=false()),
    # Made from this row, or found: whoever was invited before keeps the link.
    Column("invitation_id", LargeBinary(16), index=True),
    Column("done_at", Float),
    # The invitation mail: absent where none is wanted; waiting, sending, sent, failed, unsure
    Column("mail_state", String(12)),
    # invitation, reminder
    Column("mail_kind", String(12)),
    # How often it was put off, and how long it waits for the next time.
    Column("mail_tries", Integer, nullable=False, server_default="0"),
    Column("mail_after", Float),
    # Who sends it at this moment, and until when that is believed.
    Column("mail_lease", LargeBinary(16)),
    Column("mail_lease_until", Float),
    Column("mail_problems", Text),
    Column("mailed_at", Float),
    Index("ix_batch_rows_batch_id_row", "batch_id", "row", unique=True),
    Index("ix_batch_rows_batch_id_state", "batch_id", "state"),
    Index("ix_batch_rows_batch_id_mail_state", "batch_id", "mail_state"),
)

batch_servers = Table(
    "batch_servers",
    metadata,
    # A mail server that said "too many" during the live check of a batch, and is left alone for the rest of it.
    Column("batch_id", ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    Column("server", String(300), primary_key=True),
    Column("stopped_at", Float, nullable=False),
    Column("code", String(60), nullable=False),
)

server_turns = Table(
    "server_turns",
    metadata,
    # When the next log-in of any batch may begin at this server, whichever worker it is.
    Column("server", String(300), primary_key=True),
    Column("next_at", Float, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    # A list between its upload and "make": sealed, for it may hold passwords; its key is only in the link.
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("actor", String(254), nullable=False),
    Column("name", String(255), nullable=False),
    Column("size", Integer, nullable=False),
    # What was chosen so far, as text (webapp.store.values).
    Column("choices", Text, nullable=False),
    # What was found out about it, sealed like its pieces, so that no page has to read a long list again.
    Column("survey", LargeBinary),
    # The batch that is being, or was, made of it.
    Column("batch_id", ForeignKey("batches.id", ondelete="SET NULL")),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload_hash", ForeignKey("uploads.token_hash", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)

invitations = Table(
    "invitations",
    metadata,
    # Random, so that no backup that is put back gives two people the same link.
    Column("id", LargeBinary(16), primary_key=True),
    Column("batch_id", ForeignKey("batches.id", ondelete="CASCADE"), nullable=False, index=True),
    # The row of the list.
    Column("row", Integer, nullable=False),
    # invitations: the password is typed; ready-made: a PIN opens the sealed one.
    Column("mode", String(20), nullable=False, server_default="invitations"),
    # What is printed on the card; it opens nothing.
    Column("number", BigInteger, nullable=False, unique=True),
    Column("address_key", String(320), nullable=False, index=True),
    Column("address", String(320), nullable=False),
    Column("full_name", String(255), nullable=False),
    Column("department", String(255), nullable=False),
    Column("username", String(255)),
    # Where mails about it go, instead of the address itself.
    Column("notify", String(320)),
    # Password and PIN, sealed with a key that the link gives; empty once the link has ended.
    Column("sealed", LargeBinary),
    # PINs typed since the last right one; five lock the link.
    Column("pin_attempts", Integer, nullable=False, server_default="0"),
    # The live check accepted the sealed password.
    Column("tried", Boolean, nullable=False, server_default=false()),
    # Raised by a re-issue, which ends the older link; a reprint leaves it.
    Column("generation", Integer, nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("revoked", Boolean, nullable=False),
    # How far the employee has come.
    Column("opened_at", Float),
    Column("validated_at", Float),
    Column("issued_at", Float),
    Column("fetched_at", Float),
    Column("confirmed_at", Float),
    # The employee reported a lost phone.
    Column("lost_at", Float),
    Column("mailed_at", Float),
    Column("reminded_at", Float),
)

set_ups = Table(
    "set_ups",
    metadata,
    # What an invited person fetched, for "my set-up": kept as long as the invitation.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("invitation_id", ForeignKey("invitations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("check_hash", LargeBinary(32), nullable=False),
    Column("address", String(320), nullable=False),
    # Family of the device that fetched it (webapp.setup.devices.Device).
    Column("device", String(20), nullable=False),
    # mobileconfig, k9s, txt
    Column("kind", String(20), nullable=False),
    Column("at", Float, nullable=False),
    Column("lost_at", Float),
    Index("ix_set_ups_check_hash_kind", "check_hash", "kind"),
)

admins = Table(
    "admins",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # The address or name that is typed to log in, in lower case.
    Column("name", String(254), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    # Absent until the set-up link is used.
    Column("password_hash", Text),
    # The secret of the second factor, sealed with a key that stands outside the database.
    Column("totp_sealed", LargeBinary),
    # The last time step whose code was taken: a code works once.
    Column("totp_step", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float),
    Column("disabled_at", Float),
)

admin_setups = Table(
    "admin_setups",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    # Absent for the first owner, who chooses the name.
    Column("admin_id", ForeignKey("admins.id", ondelete="CASCADE"), index=True),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("claimed_at", Float),
)

admin_recovery_codes = Table(
    "admin_recovery_codes",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("admin_id", ForeignKey("admins.id", ondelete="CASCADE"), nullable=False, index=True),
)

admin_sessions = Table(
    "admin_sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("admin_id", ForeignKey("admins.id", ondelete="CASCADE"), nullable=False, index=True),
    # Both factors were given; before that the session opens nothing but the second step.
    Column("complete", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    # When password and code were last given.
    Column("proved_at", Float, nullable=False),
    Column("network", String(64), nullable=False),
    Column("browser", String(120), nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("name", String(120), nullable=False, unique=True),
    # Whose token it is: it ends with the admin. Absent for one made on the command line.
    Column("admin_id", ForeignKey("admins.id", ondelete="CASCADE"), index=True),
    Column("scopes", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("used_at", Float),
)

audit_rows = Table(
    "audit_rows",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", String(254), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(320), nullable=False),
    Column("details", Text, nullable=False),
    # Covers this row and, by the digest before it, every earlier one.
    Column("digest", LargeBinary(32), nullable=False),
)
