"""What each screen shows: typed read models, built here and only drawn by the templates. Templates never query.

today.py → today.html          Today: the unit's cards
case.py → case.html            Case: the procedure, the level grid, the step in hand
manage.py → manage.html        everything about a case that is not a step: team, patient, levels, ending
new.py → new_case.html         New case, and changing a scheduled one
record/ → record.html          Record: a case in a minute, and every entry and event behind it
"""
