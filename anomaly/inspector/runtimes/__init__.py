"""Runtimes that run an exported network without Keras: one file each, `load(folder, threads)`."""
