"""One file for each format of a report; `report/catalogue.py` finds them."""
