"""First tables: domains, attempts, checks, links."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table('attempts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject', sa.LargeBinary(length=32), nullable=False),
    sa.Column('ticket', sa.LargeBinary(length=16), nullable=False),
    sa.Column('at', sa.Float(), nullable=False),
    sa.Column('pending', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attempts'))
    )
    op.create_index(op.f('ix_attempts_at'), 'attempts', ['at'], unique=False)
    op.create_index('ix_attempts_subject_at', 'attempts', ['subject', 'at'], unique=False)
    op.create_index(op.f('ix_attempts_ticket'), 'attempts', ['ticket'], unique=False)
    op.create_table('checks',
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('options', sa.Text(), nullable=False),
    sa.Column('started_at', sa.Float(), nullable=False),
    sa.Column('heartbeat_at', sa.Float(), nullable=False),
    sa.Column('finished_at', sa.Float(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('unchecked', sa.Boolean(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_checks'))
    )
    op.create_index(op.f('ix_checks_expires_at'), 'checks', ['expires_at'], unique=False)
    op.create_table('counters',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('value', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_counters'))
    )
    op.create_table('deliveries',
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('filename', sa.String(length=255), nullable=False),
    sa.Column('group_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('fetches', sa.Integer(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=False),
    sa.Column('revoked', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('token_hash', 'filename', name=op.f('pk_deliveries'))
    )
    op.create_index(op.f('ix_deliveries_expires_at'), 'deliveries', ['expires_at'], unique=False)
    op.create_index(op.f('ix_deliveries_group_hash'), 'deliveries', ['group_hash'], unique=False)
    op.create_table('domain_entries',
    sa.Column('id', sa.String(length=255), nullable=False),
    sa.Column('toml', sa.Text(), nullable=True),
    sa.Column('changed', sa.BigInteger(), nullable=False),
    sa.Column('changed_at', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_domain_entries'))
    )
    op.create_index(op.f('ix_domain_entries_changed'), 'domain_entries', ['changed'], unique=False)
    op.create_table('handovers',
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('group_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('claimed_at', sa.Float(), nullable=True),
    sa.Column('expires_at', sa.Float(), nullable=False),
    sa.Column('revoked', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_handovers'))
    )
    op.create_index(op.f('ix_handovers_expires_at'), 'handovers', ['expires_at'], unique=False)
    op.create_index(op.f('ix_handovers_group_hash'), 'handovers', ['group_hash'], unique=False)
    op.create_table('check_stages',
    sa.Column('check_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['check_hash'], ['checks.token_hash'], name=op.f('fk_check_stages_check_hash'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('check_hash', 'number', name=op.f('pk_check_stages'))
    )
    op.create_table('domain_names',
    sa.Column('domain', sa.String(length=255), nullable=False),
    sa.Column('entry_id', sa.String(length=255), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['domain_entries.id'], name=op.f('fk_domain_names_entry_id')),
    sa.PrimaryKeyConstraint('domain', name=op.f('pk_domain_names'))
    )
    op.create_index(op.f('ix_domain_names_entry_id'), 'domain_names', ['entry_id'], unique=False)
    op.execute("INSERT INTO counters (name, value) VALUES ('domains', 0)")
