"""Layouts of folders, each read into a list of files with what is known of them."""
