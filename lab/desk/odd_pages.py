"""The pages of the odd desk: the support guide's form and what stands around it; what is sent back."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

HIDDEN = {"campaign": "summer <&> 1", "department_id": "7"}
_SELECTS = {
    "category": ("", "Billing", "Support"),
    "assistance": ("", "Yes", "No"),
    "priority": ("Information", "Low", "Medium", "High", "Urgent"),
}
LABELS = {
    "category": "Category",
    "place": "IP Address or Hostname",
    "assistance": "Remote Assistance Enabled?",
    "subject": "Subject",
    "message": "Message",
    "priority": "Priority",
    "mail": "Your E-Mail Address",
    "file": "Attachment",
}


@dataclass
class Request:
    """One request, as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    fields: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        """Return the fields by name."""
        return dict(self.fields)


def read_form(request: Request, charset: str) -> None:
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        whole = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
        for part in whole.iter_parts() if whole.is_multipart() else ():
            _read_part(request, part, charset)
    elif request.body:
        text = request.body.decode("ascii")
        request.fields = parse_qsl(text, keep_blank_values=True, encoding=charset)


def _read_part(request: Request, part: Message, charset: str) -> None:
    name = str(part.get_param("name", header="content-disposition"))
    data = part.get_payload(decode=True)
    content = data if isinstance(data, bytes) else b""
    if part.get_filename() is None:
        request.fields.append((name, content.decode(charset)))
    else:
        request.files[name] = (str(part.get_filename()), content)


def _control(name: str) -> str:
    if name in _SELECTS:
        options = "".join(f"<option value='{one}'>{one or '---'}</option>" for one in _SELECTS[name])
        return f"<select name='{name}' id='i_{name}' required>{options}</select>"
    if name == "message":
        return "<textarea name='message' id='i_message' required></textarea>"
    kind = {"file": "file", "mail": "email"}.get(name, "text")
    return f"<input type='{kind}' name='{name}' id='i_{name}'>"


def row(name: str) -> str:
    return f"<p><label for='i_{name}'>{LABELS[name]}</label> {_control(name)}</p>"


def form_page(
    *extra: str, names: tuple[str, ...] = tuple(LABELS), action: str = "", token: str = "t0k"
) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in ({"csrf": token} | HIDDEN).items()
    )
    rows = "".join(map(row, names)) + "".join(extra)
    button = "<button name='do' value='create'>Create Ticket</button>"
    where = f" action='{action}'" if action else ""
    return f"<form method='post'{where} enctype='multipart/form-data'>{hidden}{rows}{button}</form>"


LOGIN = """<form method='post' action='/login'><label>Username <input name='user'></label>
<label>Password <input type='password' name='pass'></label><button>Login</button></form>"""


def ticket_page(said: list[str], number: str) -> str:
    replies = "".join(f"<p>{html.escape(one)}</p>" for one in said)
    return f"""<h1>Ticket {html.escape(number)}</h1>{replies}<form method='post' action='/reply'>
<input type='hidden' name='ticket' value='{html.escape(number)}'>
<label>Reply <textarea name='text'></textarea></label><button>Send reply</button></form>"""


def list_page(tickets: list[dict[str, str]]) -> str:
    rows = "".join(
        f"<tr><td><a href='/ticket?ticket=T-{at}'>{html.escape(one['subject'])}</a></td><td>Open</td></tr>"
        for at, one in enumerate(tickets, 1)
    )
    shown = rows or "<tr><td colspan='2'>No tickets</td></tr>"
    return f"<table><tr><th>Subject</th><th>Status</th></tr>{shown}</table>"
