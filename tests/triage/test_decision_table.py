"""The table that explains the decisions names each row that the code has, and no other."""

import re
from pathlib import Path

from iwx_agent.triage import decision

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "deciding.md"


def test_the_page_has_the_rows_of_the_code() -> None:
    code = Path(decision.__file__).read_text(encoding="utf-8")
    called = re.findall(r'(?:self\._say\(\s*Action\.\w+,|self\._update\(|yield)\s*"([a-z ]+)",', code)
    listed = re.findall(r"^\| ([a-z ]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    in_a_variable = {"draft", "first time"}
    assert set(listed) - {"row"} == set(called) | in_a_variable
    assert len(listed) == len(set(listed))
