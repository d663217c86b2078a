"""What a check of the form shows: each field, by what it is known, what would be chosen; in plain text."""

from iwx_agent.transports.portal.checking import FormReading, FormRow, render

READING = FormReading(
    url="https://portal.example.com/submit?key=secret",
    title="Create a ticket",
    logged_in=True,
    rows=(
        FormRow(asked="Category", label="Queue", how="label for", kind="select", name="q", required=True,
                choices=("Support", "Sales"), chosen=(("Support", "Support"),)),
        FormRow(asked="IP Address or Hostname", label="Server", how="label for", kind="select", name="s",
                choices=("192.0.2.7",)),
        FormRow(asked="Subject", label="Title\x1b[2J", how="placeholder", kind="text", name="t\n",
                max_characters=80),
        FormRow(asked="Priority"),
    ),
    others=("Phone",),
    button="Send",
    problems=(),
    can_look=True,
    looking="all 3 read",
    page=b"",
)  # fmt: skip


def test_a_reading_is_shown_line_by_line() -> None:
    assert (
        render(READING)
        == """Form: Create a ticket
Page: https://portal.example.com/submit
As:   the account

Category
    'Queue' (known by: label for; select 'q', required)
    Support -> 'Support'
IP Address or Hostname
    'Server' (known by: label for; select 's')
    options: '192.0.2.7'
Subject
    'Title [2J' (known by: placeholder; text 't', at most 80 characters)
Priority
    not on the form
Left as they are: Phone
Sent by the button: Send

A ticket whose answer is lost can be looked up (all 3 read).
The form is understood. Nothing was sent.
"""
    )


def test_a_form_that_is_not_understood_says_why() -> None:
    import msgspec

    reading = msgspec.structs.replace(
        READING,
        title="",
        logged_in=False,
        others=(),
        button="",
        problems=("it has a captcha", "no Priority"),
        can_look=False,
        looking="as a guest",
    )
    assert not reading.understood
    text = render(reading)
    assert text.startswith("Form: without a title\n")
    assert "As:   a guest\n" in text
    assert text.endswith(
        "\nA ticket whose answer is lost cannot be looked up: as a guest\n"
        "It would be sent a second time after a while, marked as a possible duplicate.\n"
        "The form is not understood; a ticket would be handed to a person. Nothing was sent.\n"
        "- it has a captcha\n- no Priority\n"
    )
