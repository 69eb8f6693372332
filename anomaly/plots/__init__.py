"""Pictures that people look at: each module draws one kind and returns a figure."""

import logging

# matplotlib logs at INFO that it lists the fonts, in the middle of the messages of a run.
logging.getLogger("matplotlib").setLevel(logging.WARNING)
