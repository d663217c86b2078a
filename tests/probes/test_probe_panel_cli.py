"""The panel's command line: an answer is rows; everything else is an error, also with exit code 0."""

import pytest
from fakes import NOW_AT, FakeHost, command, context, run

from iwx_agent.host import CommandAnswer, HostError
from iwx_agent.probes.panel_cli import ask_panel, panel_answer, read_actions_of

BANNERS = ("nodeworx", "-u", "-n", "-c", "Notice", "-a", "listBannerNotices")
AS_JSON = (*BANNERS, "-o", "json")


def test_rows_come_with_the_command_and_its_exit_code() -> None:
    answer = panel_answer(
        context({run(*AS_JSON): command(AS_JSON, '[{"message": "hello"}]')}), "command.banners"
    )
    assert [row.get("message") for row in answer.rows] == ["hello"]
    assert answer.named
    assert answer.source == "nodeworx -u -n -c Notice -a listBannerNotices -o json (exit 0)"
    assert answer.seen_at == NOW_AT
    assert answer.evidence(answer.rows[0]).text == "hello"


@pytest.mark.parametrize("said", ["Unknown option: o", "json is not supported", "Usage: nodeworx -u"])
def test_plain_columns_are_asked_for_where_json_is_refused(said: str) -> None:
    asked = context(
        {
            run(*AS_JSON): command(AS_JSON, exit_code=1, stderr=said),
            run(*BANNERS): command(BANNERS, "7\thello\n"),
        }
    )
    answer = panel_answer(asked, "command.banners")
    assert (answer.rows[0].get("2"), answer.named) == ("hello", False)


def test_a_query_is_asked_for_its_names_where_json_is_refused() -> None:
    query = ("nodeworx", "-u", "-n", "-c", "Help", "-a", "querySsh")
    refused = command((*query, "-o", "json"), exit_code=1, stderr="json is not supported")
    named = command((*query, "-v"), "mode: 1\nduration: 72 hours\n")
    asked = context({run(*query, "-o", "json"): refused, run(*query, "-v"): named})
    answer = panel_answer(asked, "command.remote_assistance")
    assert (answer.rows[0].get("mode"), answer.named, answer.plain) == ("1", True, True)


def test_another_failure_is_not_asked_again() -> None:
    said = "Unable to connect to the InterWorx database"
    asked = context({run(*AS_JSON): command(AS_JSON, exit_code=1, stderr=said)})
    with pytest.raises(HostError, match="Unable to connect"):
        panel_answer(asked, "command.banners")
    host = asked.resample
    assert isinstance(host, FakeHost)
    assert len(host.asked) == 1


def test_a_failure_without_words_tells_its_exit_code() -> None:
    with pytest.raises(HostError, match="exit 7"):
        panel_answer(context({run(*AS_JSON): command(AS_JSON, exit_code=7)}), "command.banners")


def test_an_error_text_with_exit_code_0_is_no_answer() -> None:
    asked = context({run(*AS_JSON): command(AS_JSON, "PHP Fatal error: out of memory")})
    with pytest.raises(HostError, match="said with exit code 0"):
        panel_answer(asked, "command.banners")


def test_a_second_sample_is_asked_of_the_machine_again() -> None:
    asked = context({run(*AS_JSON): [command(AS_JSON, "[]"), command(AS_JSON, '[{"message": "new"}]')]})
    assert ask_panel(asked, BANNERS).rows == ()
    assert ask_panel(asked, BANNERS).rows == ()
    assert ask_panel(asked, BANNERS, host=asked.resample).rows[0].get("message") == "new"


def test_words_on_standard_error_alone_are_no_empty_answer() -> None:
    asked = context({run(*AS_JSON): command(AS_JSON, stderr="PHP Fatal error: out of memory")})
    with pytest.raises(HostError, match="standard error alone: PHP Fatal error"):
        panel_answer(asked, "command.banners")


def test_warnings_beside_an_answer_are_passed_over() -> None:
    asked = context({run(*AS_JSON): command(AS_JSON, "[]", stderr="PHP Deprecated: something")})
    assert panel_answer(asked, "command.banners").rows == ()


def test_one_that_does_not_end_is_an_error_with_its_limit() -> None:
    hung = CommandAnswer(
        argv=AS_JSON, exit_code=None, stdout=b"[", stderr=b"", duration_s=10.0, timed_out=True
    )
    with pytest.raises(HostError, match="no answer within 10 s"):
        panel_answer(context({run(*AS_JSON): hung}), "command.banners")


def test_one_that_says_too_much_is_an_error() -> None:
    cut = CommandAnswer(argv=AS_JSON, exit_code=0, stdout=b"[1", stderr=b"", duration_s=1.0, truncated=True)
    with pytest.raises(HostError, match="too much"):
        panel_answer(context({run(*AS_JSON): cut}), "command.banners")


@pytest.mark.parametrize("action", ["clear", "dismissBanner", "querySsh; rm", "", "listing-off"])
def test_only_read_actions_are_ever_asked(action: str) -> None:
    with pytest.raises(HostError, match="never asked"):
        ask_panel(context({}), ("nodeworx", "-u", "-n", "-c", "Notice", "-a", action))
    with pytest.raises(HostError, match="never asked"):
        ask_panel(context({}), ("nodeworx", "-u", "-n", "-c", "Notice"))


QUEUE = ("nodeworx", "-u", "-n", "-c", "CommandQueue")


def test_the_actions_of_a_controller_are_read_from_what_it_says_without_one() -> None:
    said = command(QUEUE, exit_code=11, stderr="Usage: -c CommandQueue -a [clear|list]")
    assert read_actions_of(context({run(*QUEUE): said}), QUEUE) == ("list",)


@pytest.mark.parametrize("argv", [(*QUEUE, "-a", "list"), ("nodeworx", "-u", "-c", "CommandQueue")])
def test_actions_are_looked_up_without_an_action_and_without_prompts(argv: tuple[str, ...]) -> None:
    with pytest.raises(HostError, match="without action, and without prompts"):
        read_actions_of(context({}), argv)
