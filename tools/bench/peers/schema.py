"""Validates a CSV file with pandas and pandera, by the rules of schema.json. Usage: schema.py FILE"""

import sys

import pandas
import pandera.pandas as pandera

FLAG = pandera.Check.isin(["true", "false"])
COLUMNS = {
    "email": pandera.Column(str, pandera.Check.str_matches(r"[^@\s]+@[^@\s]+\.[^@\s]+$")),
    "email_verified": pandera.Column(str, FLAG),
    "birthdate": pandera.Column(str, pandera.Check.str_matches(r"[01][0-9]/[0-3][0-9]/[0-9]{4}$"), nullable=True),
    "phone_number": pandera.Column(str, pandera.Check.str_matches(r"\+[0-9]{7,15}$"), nullable=True),
    "phone_number_verified": pandera.Column(str, FLAG, nullable=True),
    "updated_at": pandera.Column(str, pandera.Check.str_matches(r"[0-9]+$"), nullable=True),
    "cognito:mfa_enabled": pandera.Column(str, FLAG, nullable=True),
    "cognito:username": pandera.Column(str, pandera.Check.str_length(1, 128), unique=True),
}

rows = pandas.read_csv(sys.argv[1], dtype=str)
pandera.DataFrameSchema(COLUMNS).validate(rows, lazy=True)
print(len(rows), "rows")
