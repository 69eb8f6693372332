import logging

# matplotlib reports at INFO that it listed the fonts, in the midst of our own words.
logging.getLogger("matplotlib").setLevel(logging.WARNING)
