"""Downloads public data sets."""
