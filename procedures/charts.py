"""Charts as SVG. Imports none of ours."""
