"""The day, by whose number the usual run takes its turn at what it does not ask whole each time.

One number for all processes of a run, also past midnight; `DEALWRIGHT_TEST_DAY=739948` repeats the run of a day.
"""

from __future__ import annotations

import os
from datetime import date

_NAME = "DEALWRIGHT_TEST_DAY"
DAY = int(os.environ.setdefault(_NAME, str(date.today().toordinal())))
AGAIN = f"{_NAME}={DAY}"
"""How to ask for the same again."""
