"""A visit to the portal: pages opened, login, the form found over its steps. Nothing here sends a ticket."""

import html
from typing import Literal, NoReturn
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

from msgspec import Struct, json

from iwx_agent.host.contract import Host
from iwx_agent.model.portal_form import PortalForm
from iwx_agent.transports.contract import Credentials, Undelivered
from iwx_agent.transports.portal import addresses, endings
from iwx_agent.transports.portal.exchange import Answer, Exchange, NoAnswer
from iwx_agent.transports.portal.filling import CannotFill, choose, untouched
from iwx_agent.transports.portal.mapping import Mapping, captcha_in, map_login, map_ticket
from iwx_agent.transports.portal.markup import MAX_BYTES, Unreadable
from iwx_agent.transports.portal.page import Form, Page, read_page
from iwx_agent.transports.portal.settings import Place, fault_of_address, join, origin_of
from iwx_agent.transports.portal.words import Vocabulary

PAGE_KEPT_BYTES = 256 * 1024
_REDIRECTS_COUNT = 5
_STEPS_COUNT = 3
_Kind = Literal["permanent", "later", "uncertain", "person"]
_KINDS: dict[endings.What, _Kind] = {
    "permanent": "permanent",
    "later": "later",
    "uncertain": "uncertain",
    "person": "person",
    "session": "permanent",
    "attachment": "permanent",
    "accepted": "uncertain",
    "follow": "uncertain",
}


class Opened(Struct, frozen=True, kw_only=True):
    """A page, where it is, and what came over the wire."""

    page: Page
    url: str
    answer: Answer


class Visit:
    """One delivery's way through the portal; over within its limit. Every trouble is an ``Undelivered``."""

    def __init__(self, host: Host, place: Place, form: PortalForm, limit_s: float) -> None:
        self.place = place
        self.words = Vocabulary(form)
        self.exchange = Exchange(host, place, limit_s)
        self.logged_in = False
        self.where = f"portal {addresses.without_query(place.address)}"

    def begin_anew(self) -> None:
        """Forget the session, which the portal does not know any more."""
        self.logged_in = False
        self.exchange.forget()

    def fail(
        self,
        kind: _Kind,
        why: str,
        answer: Answer | None = None,
        *,
        retry_after_s: float = 0.0,
        next_step: str = "",
    ) -> NoReturn:
        """Raise how the delivery ends."""
        page = self.kept(answer.body) if answer is not None else b""
        raise Undelivered(
            kind, self.where, self.bare(why), retry_after_s=retry_after_s, next_step=next_step, page=page
        ) from None

    def kept(self, body: bytes) -> bytes:
        """Return a page as it may be kept: bounded, without user and password, however they are written."""
        for secret in _spellings(self.place.account) if self.place.account is not None else ():
            body = body.replace(secret, b"[hidden]")
        return body[:PAGE_KEPT_BYTES]

    def bare(self, text: str) -> str:
        """Return a text of the portal without user and password."""
        return self.kept(text.encode("utf-8", "replace")).decode("utf-8", "replace")

    # Pages

    def open(self, url: str, referer: str = "") -> Opened:
        """Return a page; redirects are followed on the portal's own origin only."""
        seen: set[str] = set()
        while True:
            seen.add(url)
            answer = self.get(url, referer)
            target = endings.target_of(answer)
            page = None if target else self.read(answer)
            if self.exchange.deadline.left_s <= 0:
                self.fail("later", f"took longer than {self.exchange.deadline.limit_s:.1f} s", answer)
            if not target and page is not None and page.refresh and not page.forms:
                target = join(url, page.refresh)
            if not target:
                break
            if origin_of(target) != origin_of(self.place.address):
                here, there = addresses.without_query(url), addresses.without_query(target)
                why = f"{here} leads to {there}, which is another place: nothing is sent there"
                self.fail("person", why, answer)
            if target in seen or len(seen) > _REDIRECTS_COUNT:
                self.fail("later", f"redirects without end, from {addresses.without_query(url)}", answer)
            referer, url = url, target
        if trouble := endings.judge_opened(answer, page):
            self.end(trouble, answer)
        if page is None:
            cut_off = bool(answer.torn) and len(answer.body) < MAX_BYTES
            why = answer.torn or self._unreadable(answer)
            self.fail("later" if cut_off else "person", f"the page cannot be read: {why}", answer)
        return Opened(page=page, url=url, answer=answer)

    def get(self, url: str, referer: str = "") -> Answer:
        """Return the answer to a GET; when there is none, nothing is lost."""
        try:
            return self.exchange.get(url, referer)
        except NoAnswer as error:
            self.fail("later", error.why)

    def end(self, ending: endings.Ending, answer: Answer) -> NoReturn:
        """Raise the ending of a delivery: what may yet have been accepted is never said to be refused."""
        place = "" if answer.url == self.place.address else f"{addresses.without_query(answer.url)}: "
        kind = _KINDS[ending.what]
        self.fail(kind, f"{place}{ending.why}", answer, retry_after_s=ending.retry_after_s)

    def read(self, answer: Answer) -> Page | None:
        """Return an answer's body as a page; None when it is none, or not whole."""
        if answer.torn or not answer.body.strip():
            return None
        if is_json(answer):
            return Page()
        try:
            return read_page(answer.body, answer.headers.get("content-type", ""))
        except Unreadable:
            return None

    def _unreadable(self, answer: Answer) -> str:
        try:
            read_page(answer.body, answer.headers.get("content-type", ""))
        except Unreadable as error:
            return error.why
        return "no page"

    # Forms

    def action_of(self, opened: Opened, form: Form, action: str = "") -> str:
        """Return where a form is sent to: on the portal's own origin, or not at all."""
        base = join(opened.url, opened.page.base) if opened.page.base else opened.url
        target = join(base, action or form.action) if action or form.action else opened.url
        if fault_of_address(target, plain=True) or origin_of(target) != origin_of(self.place.address):
            self.fail(
                "person",
                f"the form would be sent to another place: {addresses.without_query(target)}",
                opened.answer,
            )
        return target

    def ticket_form(self, category: str) -> tuple[Opened, Mapping]:
        """Return the form for a new ticket, over its steps, understood or not."""
        opened = self.portal_page(self.place.address)
        for _ in range(_STEPS_COUNT):
            mapping = map_ticket(opened.page, self.words)
            if mapping.form is not None and not mapping.missing:
                break
            following = self._next_step(opened, mapping, category)
            if following is None:
                break
            opened = following
        return opened, map_ticket(opened.page, self.words)

    def portal_page(self, url: str) -> Opened:
        """Return a page as the account sees it, or a guest; logs in where that is needed."""
        account = self.place.account
        if account is not None and not self.logged_in:
            self._log_in(account)
        opened = self.open(url)
        if self._asks_to_log_in(opened.page):
            if account is None:
                self.fail("person", "the portal asks to log in, and no account is set", opened.answer)
            if self.logged_in:
                self.fail(
                    "permanent",
                    "the portal asks to log in again, although the login went well",
                    opened.answer,
                )
        return opened

    def _asks_to_log_in(self, page: Page) -> bool:
        return map_ticket(page, self.words).form is None and endings.asks_password(page)

    def _next_step(self, opened: Opened, mapping: Mapping, category: str) -> Opened | None:
        """Return the page that choosing the category leads to; never by sending what could be a ticket."""
        if any(captcha_in(opened.page, self.words)):
            return None
        if mapping.form is not None:
            return self._reloaded(opened, mapping, category)
        for form in opened.page.forms:
            if form.passwords_count == 0 and (step := self._step_form(opened, form, category)) is not None:
                return step
        wanted = {*self.words.means(f"category.{category}"), *_plain(category)}
        links = {
            join(opened.url, link.href)
            for link in opened.page.links
            if _plain(link.text) & wanted and origin_of(join(opened.url, link.href)) == origin_of(opened.url)
        } - {opened.url}
        return self.open(links.pop(), opened.url) if len(links) == 1 else None

    def _step_form(self, opened: Opened, form: Form, category: str) -> Opened | None:
        """Send a form that asks for the category and for nothing else that is written into."""
        asked = [control for control in form.controls if control.kind not in ("hidden", "other")]
        chosen = [
            one
            for one in asked
            if one.labels and any(self.words.is_one(text, "category") for text in one.labels[0].texts)
        ]
        if len(asked) != 1 or len(chosen) != 1 or chosen[0].kind not in ("select", "radio"):
            return None
        try:
            option = choose("category", chosen[0].options, category, self.words)
        except CannotFill:
            return None
        fields = [
            pair for control in form.controls if control is not chosen[0] for pair in untouched(control)
        ]
        fields.append((chosen[0].name, option.value))
        button = form.buttons[0] if len(form.buttons) == 1 else None
        if button is not None and button.name:
            fields.append((button.name, button.value))
        target = self.action_of(opened, form, button.action if button is not None else "")
        if form.method == "get":
            return self.open(_with_query(target, fields), opened.url)
        return self._posted(opened, form, target, tuple(fields))

    def _posted(self, opened: Opened, form: Form, target: str, fields: tuple[tuple[str, str], ...]) -> Opened:
        try:
            answer = self.exchange.post(
                target,
                fields,
                multipart=form.multipart,
                charset=opened.page.charset,
                referer=opened.url,
                headers=opened.page.tokens,
            )
        except NoAnswer as error:
            self.fail("later", error.why)
        if following := endings.target_of(answer):
            return (
                self.open(following, opened.url) if origin_of(following) == origin_of(opened.url) else opened
            )
        page = self.read(answer)
        if trouble := endings.judge_opened(answer, page):
            self.end(trouble, answer)
        return Opened(page=page, url=target, answer=answer) if page is not None else opened

    def _reloaded(self, opened: Opened, mapping: Mapping, category: str) -> Opened | None:
        """Ask for the page anew with the category in its address, as its list does; a GET sends no ticket."""
        chosen = mapping.field("category")
        offers = chosen is not None and (
            chosen.control.reloads
            or any(self.words.is_one(button.text, "button.next") for button in mapping.form.buttons)  # type: ignore[union-attr]
        )
        if chosen is None or not offers or chosen.control.kind != "select":
            return None
        try:
            option = choose("category", chosen.control.options, category, self.words)
        except CannotFill:
            return None
        url = _with_query(opened.url, [(chosen.control.name, option.value)])
        return None if url == opened.url else self.open(url, opened.url)

    # Login

    def _log_in(self, account: Credentials) -> None:
        opened = self._login_page()
        mapping = map_login(opened.page, self.words)
        if any(captcha_in(opened.page, self.words)):
            self.fail("person", "the login has a captcha, which only a person can answer", opened.answer)
        form = mapping.form
        if not mapping.understood or form is None:
            self.fail(
                "person", f"the login form is not understood: {'; '.join(mapping.problems)}", opened.answer
            )
        if ((mapping.button.method if mapping.button is not None else "") or form.method) != "post":
            self.fail("person", "the login form would send the password in an address", opened.answer)
        answer = self._send_login(opened, mapping, form, account)
        target = endings.target_of(answer)
        if answer.status in (401, 403):
            self.fail("permanent", f"the login was refused: status {answer.status}", answer)
        if target:
            self._led_on(opened, target)
            self.logged_in = True
            return
        page = self.read(answer)
        if trouble := endings.judge_opened(answer, page):
            self.end(trouble, answer)
        if page is None or endings.asks_password(page):
            said = "; ".join(page.errors[:3]) if page is not None else ""
            self.fail("permanent", f"the login was refused: {said or 'the login form came back'}", answer)
        self.logged_in = True

    def _led_on(self, opened: Opened, target: str) -> None:
        """Look where a login leads to, when that may be a login again: then it was refused."""
        same = target.partition("?")[0] == opened.url.partition("?")[0]
        if origin_of(target) != origin_of(opened.url) or not (same or addresses.is_login(target, opened.url)):
            return
        landed = self.open(target, opened.url)
        # By its last part only: /login/done need be none
        again = addresses.is_login(landed.url, landed.url) and not addresses.ticket_after(landed.url)
        if again or self._asks_to_log_in(landed.page):
            said = "; ".join(landed.page.errors[:3])
            why = f"it leads back to the login form{f': {said}' if said else ''}"
            self.fail("permanent", f"the login was refused: {why}", landed.answer)

    def _login_page(self) -> Opened:
        opened = self.open(self.place.login_address or self.place.address)
        if endings.asks_password(opened.page):
            return opened
        links = {
            join(opened.url, link.href)
            for link in opened.page.links
            if self.words.is_one(link.text, "link.login")
        }
        own = sorted(link for link in links if origin_of(link) == origin_of(opened.url))
        if own:
            opened = self.open(own[0], opened.url)
        if not endings.asks_password(opened.page):
            self.fail("person", "no login form was found, and an account is set", opened.answer)
        return opened

    def _send_login(self, opened: Opened, mapping: Mapping, form: Form, account: Credentials) -> Answer:
        values = {"user": account.user, "password": account.secret}
        known = {id(one.control): values[one.meaning] for one in mapping.assigned}
        fields: list[tuple[str, str]] = []
        for control in form.controls:
            if id(control) in known:
                fields.append((control.name, known[id(control)]))
            else:
                fields.extend(untouched(control))
        if mapping.button is not None and mapping.button.name:
            fields.append((mapping.button.name, mapping.button.value))
        target = self.action_of(opened, form, mapping.button.action if mapping.button is not None else "")
        try:
            return self.exchange.post(
                target,
                tuple(fields),
                multipart=form.multipart,
                charset=opened.page.charset,
                referer=opened.url,
                headers=opened.page.tokens,
            )
        except NoAnswer as error:
            self.fail("later", f"login: {error.why}")


def is_json(answer: Answer) -> bool:
    """Return whether an answer says that it is JSON."""
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def whole_word(text: str) -> str:
    """Return a link's text to compare, signs such as an arrow, too."""
    return " ".join(text.casefold().split()).strip(" .:")


def _plain(text: str) -> set[str]:
    from iwx_agent.transports.portal.words import forms_of

    return set(forms_of(text)[:2])


def _with_query(url: str, fields: list[tuple[str, str]]) -> str:
    parts = urlsplit(url)
    names = {name for name, _ in fields}
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in names]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode([*kept, *fields]), ""))


def _spellings(account: Credentials) -> list[bytes]:
    """Return user and password as a page may write them; the longest first, so that none is left in part."""
    found: set[bytes] = set()
    for secret, least_characters in ((account.user, 4), (account.secret, 1)):
        if len(secret) >= least_characters:
            escaped = json.encode(secret).decode()[1:-1]
            for text in (secret, html.escape(secret), quote(secret), quote_plus(secret), escaped):
                found |= {text.encode("utf-8", "replace"), text.encode("cp1252", "replace")}
    return sorted(found, key=len, reverse=True)
