"""What is asked for every position of a request."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)  # not frozen: that would cost a microsecond a look-up
class Question:
    """The question beside the position, never changed; `root` is the path the application is mounted under."""

    scheme_id: int
    moment: datetime
    answered_at: datetime
    locale: str
    contacts: bool
    level: str | None = None
    root: str = ""
