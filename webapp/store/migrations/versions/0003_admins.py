"""Admins, their sessions and tokens, the audit log; whose check a row is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    """Make the tables."""
    op.create_table('admins',
    sa.Column('id', BIG, nullable=False),
    sa.Column('name', sa.String(length=254), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=True),
    sa.Column('totp_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('totp_step', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('seen_at', sa.Float(), nullable=True),
    sa.Column('disabled_at', sa.Float(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_admins')),
    sa.UniqueConstraint('name', name=op.f('uq_admins_name'))
    )
    op.create_table('admin_setups',
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('admin_id', BIG, nullable=True),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=False),
    sa.Column('claimed_at', sa.Float(), nullable=True),
    sa.ForeignKeyConstraint(['admin_id'], ['admins.id'], name=op.f('fk_admin_setups_admin_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_admin_setups'))
    )
    op.create_index(op.f('ix_admin_setups_admin_id'), 'admin_setups', ['admin_id'], unique=False)
    op.create_table('admin_recovery_codes',
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('admin_id', BIG, nullable=False),
    sa.ForeignKeyConstraint(['admin_id'], ['admins.id'], name=op.f('fk_admin_recovery_codes_admin_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_admin_recovery_codes'))
    )
    op.create_index(op.f('ix_admin_recovery_codes_admin_id'), 'admin_recovery_codes', ['admin_id'], unique=False)
    op.create_table('admin_sessions',
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('admin_id', BIG, nullable=False),
    sa.Column('complete', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('seen_at', sa.Float(), nullable=False),
    sa.Column('proved_at', sa.Float(), nullable=False),
    sa.Column('network', sa.String(length=64), nullable=False),
    sa.Column('browser', sa.String(length=120), nullable=False),
    sa.ForeignKeyConstraint(['admin_id'], ['admins.id'], name=op.f('fk_admin_sessions_admin_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_admin_sessions'))
    )
    op.create_index(op.f('ix_admin_sessions_admin_id'), 'admin_sessions', ['admin_id'], unique=False)
    op.create_table('api_tokens',
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('admin_id', BIG, nullable=True),
    sa.Column('scopes', sa.Text(), nullable=False),
    sa.Column('created_at', sa.Float(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=True),
    sa.Column('used_at', sa.Float(), nullable=True),
    sa.ForeignKeyConstraint(['admin_id'], ['admins.id'], name=op.f('fk_api_tokens_admin_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_api_tokens')),
    sa.UniqueConstraint('name', name=op.f('uq_api_tokens_name'))
    )
    op.create_index(op.f('ix_api_tokens_admin_id'), 'api_tokens', ['admin_id'], unique=False)
    op.create_table('audit_rows',
    sa.Column('number', BIG, autoincrement=False, nullable=False),
    sa.Column('at', sa.Float(), nullable=False),
    sa.Column('actor', sa.String(length=254), nullable=False),
    sa.Column('action', sa.String(length=60), nullable=False),
    sa.Column('subject', sa.String(length=320), nullable=False),
    sa.Column('details', sa.Text(), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_audit_rows'))
    )
    op.add_column('checks', sa.Column('address_key', sa.String(length=320), server_default='', nullable=False))
    op.create_index(op.f('ix_checks_address_key'), 'checks', ['address_key'], unique=False)
    op.execute("INSERT INTO counters (name, value) VALUES ('audit', 0)")
