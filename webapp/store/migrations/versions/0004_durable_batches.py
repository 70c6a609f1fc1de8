"""Durable batches: rows with states, uploads, sealed passwords; how far each invited person has come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and columns."""
    op.add_column("checks", sa.Column("invitation_id", sa.LargeBinary(length=16), nullable=True))
    op.create_index(op.f("ix_checks_invitation_id"), "checks", ["invitation_id"], unique=False)
    op.add_column("batches", sa.Column("actor", sa.String(length=254), server_default="", nullable=False))
    op.add_column("batches", sa.Column("options", sa.Text(), server_default="", nullable=False))
    op.add_column("batches", sa.Column("touched_at", sa.Float(), nullable=True))
    _batch_rows()
    _servers()
    _uploads()
    _invitations()


def _batch_rows() -> None:
    op.create_table(
        "batch_rows",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("batch_id", BIG, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("lease", sa.LargeBinary(length=16), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("claims", sa.Integer(), server_default="0", nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("full_name", sa.String(length=255), nullable=False),
        sa.Column("department", sa.String(length=255), nullable=False),
        sa.Column("employee_number", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=True),
        sa.Column("notify", sa.String(length=320), nullable=True),
        sa.Column("has_password", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("problems", sa.Text(), nullable=True),
        sa.Column("tried", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("invitation_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("done_at", sa.Float(), nullable=True),
        sa.Column("mail_state", sa.String(length=12), nullable=True),
        sa.Column("mail_kind", sa.String(length=12), nullable=True),
        sa.Column("mail_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mail_after", sa.Float(), nullable=True),
        sa.Column("mail_lease", sa.LargeBinary(length=16), nullable=True),
        sa.Column("mail_lease_until", sa.Float(), nullable=True),
        sa.Column("mail_problems", sa.Text(), nullable=True),
        sa.Column("mailed_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_rows_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_rows")),
    )
    op.create_index("ix_batch_rows_batch_id_row", "batch_rows", ["batch_id", "row"], unique=True)
    op.create_index("ix_batch_rows_batch_id_state", "batch_rows", ["batch_id", "state"], unique=False)
    op.create_index("ix_batch_rows_batch_id_mail_state", "batch_rows", ["batch_id", "mail_state"], unique=False)
    op.create_index(op.f("ix_batch_rows_invitation_id"), "batch_rows", ["invitation_id"], unique=False)


def _servers() -> None:
    op.create_table(
        "batch_servers",
        sa.Column("batch_id", BIG, nullable=False),
        sa.Column("server", sa.String(length=300), nullable=False),
        sa.Column("stopped_at", sa.Float(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_servers_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_id", "server", name=op.f("pk_batch_servers")),
    )
    op.create_table(
        "server_turns",
        sa.Column("server", sa.String(length=300), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("server", name=op.f("pk_server_turns")),
    )


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("survey", sa.LargeBinary(), nullable=True),
        sa.Column("batch_id", BIG, nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_uploads_batch_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_expires_at"), "uploads", ["expires_at"], unique=False)
    op.create_table(
        "upload_pieces",
        sa.Column("upload_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_hash"], ["uploads.token_hash"], name=op.f("fk_upload_pieces_upload_hash"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_hash", "number", name=op.f("pk_upload_pieces")),
    )


def _invitations() -> None:
    for column in (
        sa.Column("mode", sa.String(length=20), server_default="invitations", nullable=False),
        sa.Column("notify", sa.String(length=320), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("pin_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tried", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("lost_at", sa.Float(), nullable=True),
        sa.Column("mailed_at", sa.Float(), nullable=True),
        sa.Column("reminded_at", sa.Float(), nullable=True),
    ):
        op.add_column("invitations", column)
    op.create_table(
        "set_ups",
        sa.Column("id", BIG, nullable=False),
        sa.Column("invitation_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("check_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("device", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("lost_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_set_ups_invitation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_ups")),
    )
    op.create_index("ix_set_ups_check_hash_kind", "set_ups", ["check_hash", "kind"], unique=False)
    op.create_index(op.f("ix_set_ups_invitation_id"), "set_ups", ["invitation_id"], unique=False)
