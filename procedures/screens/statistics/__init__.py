"""The statistics of the filtered cases: what is said, drawn, put into tables and sent as CSV.

page.py       the selection, who may see what of it, the tiles
sections.py   one section for each question: a sentence, its plots, its table
tables.py     tables, and the same as CSV
words.py      groups, stretches and numbers in words
"""

from .page import SPLIT as PLOTS
from .page import StatisticsScreen, build

__all__ = ["PLOTS", "StatisticsScreen", "build"]
