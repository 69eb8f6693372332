"""Where Hydra looks for plugins: the names that conf/hydra/sweeper chooses."""

from anomaly.sweep import grid, search


class Grid(grid.Grid):
    """Every combination; see `anomaly.sweep.grid`."""


class Search(search.Search):
    """The most promising ones; see `anomaly.sweep.search`."""
