"""Log lines for a person, for the journal of systemd, or for a program. Messages never hold what was said or seen."""

from __future__ import annotations

import json
import logging
import os
from datetime import datetime, timezone
from enum import Enum

from rich.console import Console
from rich.logging import RichHandler


class LogFormat(str, Enum):
    """text: coloured, for a terminal; journal: a priority that journald understands, no time; json: one object a line."""

    auto = "auto"
    text = "text"
    journal = "journal"
    json = "json"


PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""syslog(3) priorities; journald reads them from a leading "<N>", sd-daemon(3)."""


class JournalFormatter(logging.Formatter):
    """Every line of a record with its priority in front."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter.format."""
        mark = f"<{PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(mark + line for line in super().format(record).splitlines())


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC, ISO 8601), level, logger, message, and where there is one, the exception's traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter.format."""
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        fields = {"time": moment, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def start_logging(level: int, wanted: LogFormat) -> None:
    """Set up the log on stderr. auto: the journal's format where stderr goes to journald, text elsewhere."""
    if wanted is LogFormat.auto:
        wanted = LogFormat.journal if "JOURNAL_STREAM" in os.environ else LogFormat.text
    handler: logging.Handler
    if wanted is LogFormat.text:
        handler = RichHandler(console=Console(stderr=True), show_path=False)
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(JsonFormatter() if wanted is LogFormat.json else JournalFormatter("%(name)s: %(message)s"))
    logging.basicConfig(level=level, format="%(message)s", handlers=[handler])
