"""What was chosen for a list becomes the options of a batch: the page and the API do it alike."""

from __future__ import annotations

from datetime import datetime, tzinfo

from webapp.batches.columns import Columns, Field
from webapp.batches.options import BatchOptions
from webapp.batches.reading import ListFile
from webapp.batches.returned import Shape
from webapp.batches.uploads import Choices


def batch_options(
    choices: Choices, listing: ListFile, columns: Columns, *, now: datetime, zone: tzinfo, can_mail: bool
) -> BatchOptions:
    """The options of the batch that is made of this list."""
    shape = Shape.of(listing, columns)
    return BatchOptions(
        expires_at=choices.expires_at(now, zone),
        language=choices.language,
        parts=choices.parts,
        layout=choices.layout,
        company=choices.company or None,
        help=choices.help or None,
        check=choices.check and columns.has(Field.PASSWORD),
        check_rate=choices.check_rate,
        mail=choices.mail and can_mail,
        encoding=shape.codec,
        delimiter=shape.delimiter,
        headings=shape.headings,
        fields=columns.fields,
    )
