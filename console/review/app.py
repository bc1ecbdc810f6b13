"""The review page as an ASGI application. No address names a record: forms do."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from console.decisions.decision import FIELDS, DecisionError, plain
from console.decisions.file import DecisionsFileError
from console.export import FORMATS, TABLES, ExportError, read, to_file
from console.pages import SHARED, environment
from console.published import PublishedError
from console.reasons import Reasons
from console.review import alike
from console.review.alike import ALIKE, Alike
from console.review.deciding import Answer, Meanwhile
from console.review.gate import (
    COOKIE,
    LANGUAGE_COOKIE,
    MAX_BODY,
    Gate,
    Session,
    Sessions,
    has_csrf,
    is_password,
    is_same_origin,
)
from console.review.lists import ROWS, STATES, Filter, Lists, State
from console.review.questions import ORDERS, SIDES, pair_of
from console.texts import LANGUAGES, SOURCE, Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from console.decisions.decision import Decision, Kind
    from console.decisions.standing import Standing
    from console.review.deciding import Deciding
    from console.review.questions import Beside, Question, Questions
    from console.review.runs import Runs

DOMAIN = "review"
AUDIT = "audit"
TABS = ("companies", "persons", "duplicates", AUDIT)
LAST = 200
"""How many decisions the list shows."""

#: Whose id stands in a field of a decision.
_NAMED = {
    (kind, name): {
        "kananas_contact_duplicate": "contact_id",
        "kizen_contact_duplicate": "kizen_contact_id",
        "company_duplicate": "company_id",
    }.get(kind, name)
    for kind, names in FIELDS.items()
    for name in names
}

_HERE = Path(__file__).resolve().parent
_STATIC = {
    "page.css": SHARED / "page.css",
    "review.css": _HERE / "static" / "review.css",
    "review.js": _HERE / "static" / "review.js",
}


@dataclass(frozen=True)
class Settings:
    """How the page is reached and who may use it."""

    hosts: tuple[str, ...]
    password: str = ""
    user_header: str = ""
    proxies: tuple[str, ...] = ()
    is_secure: bool = False


@dataclass
class Form:
    """What a form sent: the first value of each name, and all values of one."""

    values: Mapping[str, list[str]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """Return the value of a name, empty where it was not sent."""
        return self.values.get(name, [""])[0]

    def id(self, name: str) -> str:
        """Return an id, which forms hold with its signs as %XX: browsers change some."""
        return unquote(self[name])

    def ids(self, name: str) -> list[str]:
        """Return all ids of a name."""
        return [unquote(value) for value in self.values.get(name, [])]


@cache
def in_language(language: str) -> tuple[Texts, Environment]:
    """Return the texts and the templates of the page in a language."""
    texts = Texts(DOMAIN, language)
    made = environment(texts, _HERE / "templates")
    made.filters["id"] = partial(quote, safe="")
    made.filters["said"] = Reasons(language)
    return texts, made


def language_of(request: Request, session: Session | None) -> str:
    """Return the language that was chosen, else the first known one that the browser asks for.

    What was chosen is remembered longer than a session, for the page that says that it has ended.
    """
    if session is not None and session.language:
        return session.language
    if request.cookies.get(LANGUAGE_COOKIE) in LANGUAGES:
        return request.cookies[LANGUAGE_COOKIE]
    wanted = []
    for part in request.headers.get("accept-language", "").split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), name.partition("-")[0].lower()))
        except ValueError:
            continue
    known = [name for weight, name in sorted(wanted, key=lambda each: each[0]) if weight < 0]
    return next((name for name in known if name in LANGUAGES), SOURCE)


@dataclass
class Visit:
    """A request of somebody who may use the page."""

    request: Request
    session: Session
    form: Form
    texts: Texts
    templates: Environment


class Review:
    """The page over one published copy and one decisions file."""

    def __init__(
        self,
        questions: Questions,
        deciding: Deciding,
        sessions: Sessions,
        runs: Runs,
        settings: Settings,
    ) -> None:
        """Take what the page shows, and where decisions go."""
        self.questions = questions
        self.lists = Lists(questions)
        self.alike = Alike(questions)
        self.deciding = deciding
        self.sessions = sessions
        self.runs = runs
        self.settings = settings

    def app(self) -> ASGIApp:
        """Return the application."""
        routes = [
            Route("/open/{token}", self.open_once),
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/static/{name}", self.static),
            Route("/favicon.ico", _no_icon),
            Route("/", self._guarded(self.home)),
            Route("/decided", self._guarded(self.decided)),
            Route("/run", self._guarded(self.run_state)),
            Route("/export/{name}.{form}", self._guarded(self.export)),
            *(
                Route(f"/{name}", self._guarded(handler), methods=["POST"])
                for name, handler in (
                    ("alike", self.show_alike),
                    ("author", self.author),
                    ("decide", self.decide),
                    ("go", self.go),
                    ("judge", self.judge),
                    ("keys", self.keys),
                    ("language", self.language),
                    ("list", self.filter_list),
                    ("logout", self.logout),
                    ("narrow", self.narrow),
                    ("order", self.order),
                    ("pair", self.pair),
                    ("run", self.run),
                    ("search", self.search),
                    ("undo", self.undo),
                )
            ),
            *(
                Route(f"/list/{tab}", self._guarded(partial(self.show_list, tab=tab)))
                for tab in STATES
            ),
            *(Route(f"/{tab}", self._guarded(partial(self.tab, tab=tab))) for tab in TABS),
        ]
        # What no page answers, and methods that it has not.
        handlers = {404: _no_page, 405: _no_page}
        return Gate(
            Starlette(routes=routes, exception_handlers=handlers), self.settings.hosts, _refusal
        )

    def _guarded(self, handler: Callable[..., Response]) -> Callable[[Request], Any]:
        """Return an endpoint that only sessions reach, and forms of their own pages."""

        async def endpoint(request: Request) -> Response:
            session = self._session(request)
            if session is None:
                return self._closed(request)
            form = Form()
            if request.method == "POST":
                body = await _body(request)
                form = Form(parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True))
                if not is_same_origin(request) or not has_csrf(session, form["csrf"]):
                    return _refusal(request, 403, session)
            texts, templates = in_language(language_of(request, session))
            visit = Visit(request, session, form, texts, templates)
            try:
                response = await run_in_threadpool(self._answer, handler, visit)
            except PublishedError as error:
                response = self._page(
                    visit, "nothing.html", 503, error=error, path=self.questions.published.path
                )
            except DecisionsFileError as error:
                response = self._page(
                    visit,
                    "unreadable.html",
                    503,
                    why=_why(error, texts),
                    path=self.deciding.file.path,
                )
            except Exception as error:  # noqa: BLE001 - its text may be that of a record
                place = extract_tb(error.__traceback__)[-1]
                sys.stderr.write(
                    f"review: {type(error).__name__} in {place.filename}, line {place.lineno}\n"
                )
                response = _refusal(request, 500, session)
            if request.cookies.get(COOKIE) != session.id:
                self._give_cookie(response, session)
            return response

        return endpoint

    def _answer(self, handler: Callable[..., Response], visit: Visit) -> Response:
        """Answer from the newest copy."""
        self.questions.published.refresh()
        response = handler(visit)
        if not self.questions.is_prepared and response.background is None:
            # While somebody reads the first page of a new copy, the first search is made ready.
            response.background = BackgroundTask(self._prepare)
        return response

    def _prepare(self) -> None:
        # Of a copy that cannot be read the next page says so.
        with suppress(PublishedError):
            self.questions.prepare()

    def _session(self, request: Request) -> Session | None:
        session = self.sessions.find(request.cookies.get(COOKIE))
        if not self.settings.user_header:
            return session
        # The proxy says with each request who it is.
        peer = request.client.host if request.client else ""
        user = plain(request.headers.get(self.settings.user_header))
        if peer not in self.settings.proxies or not user:
            return None
        if session is None or session.author != user:
            session = self.sessions.open(user)
        return session

    def _closed(self, request: Request) -> Response:
        if self.settings.password and request.method == "GET":
            return RedirectResponse("/login", 303)
        return self._closed_page(request)

    def _closed_page(self, request: Request, status: int = 403) -> Response:
        """Return the page that says how to open the page again."""
        _, templates = in_language(language_of(request, None))
        how = "proxy" if self.settings.user_header else "address"
        text = templates.get_template("closed.html").render(
            how="password" if self.settings.password else how,
            is_lost=request.method == "POST" and status != 200,  # noqa: PLR2004 - it was closed
        )
        return HTMLResponse(text, status)

    def _give_cookie(self, response: Response, session: Session) -> None:
        response.set_cookie(
            COOKIE, session.id, httponly=True, samesite="strict", secure=self.settings.is_secure
        )

    async def open_once(self, request: Request) -> Response:
        """Open a session for the one-time address."""
        session = self.sessions.exchange(request.path_params["token"])
        if session is None:
            return self._closed(request)
        response = RedirectResponse("/", 303)
        self._give_cookie(response, session)
        return response

    async def login(self, request: Request) -> Response:
        """Open a session for a password."""
        if not self.settings.password:
            return self._closed(request)
        wrong = False
        if request.method == "POST":
            form = Form(parse_qs((await _body(request)).decode("utf-8", "replace")))
            if not is_same_origin(request):
                return _refusal(request, 403)
            if not self.sessions.may_try():
                return _refusal(request, 429)
            name = plain(form["author"])
            if name and is_password(form["password"], self.settings.password):
                response = RedirectResponse("/", 303)
                self._give_cookie(response, self.sessions.open(name[:LAST]))
                return response
            self.sessions.failed()
            wrong = True
        _, templates = in_language(language_of(request, None))
        page = templates.get_template("login.html").render(wrong=wrong)
        return HTMLResponse(page, 403 if wrong else 200)

    async def static(self, request: Request) -> Response:
        """Return a style sheet or the script."""
        path = _STATIC.get(request.path_params["name"])
        return FileResponse(path) if path else _refusal(request, 404)

    def _page(self, visit: Visit, template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
        message, visit.session.message = visit.session.message, None
        text = visit.templates.get_template(template).render(
            session=visit.session,
            message=message,
            runs=self.runs,
            tab=values.pop("tab", ""),
            **values,
        )
        return HTMLResponse(text, status)

    def home(self, _: Visit) -> Response:
        """Lead to the first tab."""
        return RedirectResponse("/companies", 303)

    def tab(self, visit: Visit, tab: str) -> Response:
        """Show the next question of a tab, or the one that was searched for."""
        if tab != AUDIT and not self.questions.has(tab):
            return self._page(visit, "absent.html", tab=tab)
        standing = self.deciding.standing()
        shared: dict[str, Any] = {
            "tab": tab,
            "tabs": self._counts(standing),
            "seen": len(standing.decisions),
            "unreadable": len(self.deciding.unreadable()),
        }
        if tab == AUDIT:
            return self._blind(visit, standing, shared)
        waiting, total = self._asked(visit, tab, standing)
        shared["narrowed"] = visit.session.narrowed.get(tab)
        if tab == "duplicates":
            return self._duplicate(visit, standing, shared, waiting, total)
        chosen = visit.session.current.get(tab)
        contact_id = chosen or next(iter(waiting), None)
        if contact_id is None:
            return self._page(visit, "done.html", total=total, **shared)
        question = self.questions.question(tab, contact_id, standing)
        if question is None:
            # It was in the copy before this one.
            visit.session.current.pop(tab, None)
            visit.session.message = (False, visit.texts("This contact is no more there."))
            return (
                RedirectResponse(f"/{tab}", 303)
                if chosen
                else self._page(visit, "done.html", total=total, **shared)
            )
        kind = SIDES[tab].kind
        return self._page(
            visit,
            "question.html",
            question=question,
            note=visit.session.notes.get(contact_id, ""),
            shown=_shown(question),
            place=total - len(waiting) + 1 if [contact_id] == waiting[:1] else None,
            total=total,
            postponed=standing.later.get((kind, (contact_id, None))),
            decided=standing.answers.get((kind, contact_id)),
            bars=_bars(question),
            alike_count=len(self.alike.of(tab, contact_id, standing)),
            **shared,
        )

    def _asked(self, visit: Visit, tab: str, standing: Standing) -> tuple[list[str], int]:
        """Return what is asked of a tab, and how many there were: its queue, or of a list."""
        order, wanted = visit.session.order, visit.session.narrowed.get(tab)
        if wanted is not None:
            return self.lists.one_by_one(tab, wanted, standing, order)
        return self.questions.open(tab, standing, order), self.questions.total(tab)

    def _duplicate(
        self,
        visit: Visit,
        standing: Standing,
        shared: dict[str, Any],
        waiting: list[str],
        total: int,
    ) -> Response:
        session = visit.session
        chosen = session.current.get("duplicates")
        key = chosen or next(iter(waiting), None)
        pair = self.questions.pair(key) if key else None
        if pair is None and chosen:
            # It was in the copy before this one.
            session.current.pop("duplicates", None)
            session.message = (False, visit.texts("This pair is no more there."))
            return RedirectResponse("/duplicates", 303)
        if pair is None:
            return self._page(visit, "done.html", total=total, **shared)
        about = (pair.kind, (min(pair.left_id, pair.right_id), max(pair.left_id, pair.right_id)))
        return self._page(
            visit,
            "pair.html",
            pair=pair,
            note=session.notes.get(pair.key, ""),
            place=total - len(waiting) + 1 if [pair.key] == waiting[:1] else None,
            total=total,
            postponed=standing.later.get(about),
            decided=standing.pairs.get(about),
            alike_count=len(self.alike.of("duplicates", pair.key, standing)),
            **shared,
        )

    def _blind(self, visit: Visit, standing: Standing, shared: dict[str, Any]) -> Response:
        """Show the next contact of the sample, or the one that was judged last and taken back."""
        drawn = self.deciding.sample()
        open_ = [each for each in drawn if each.contact_id not in standing.judged]
        chosen = visit.session.current.get(AUDIT)
        asked = sorted(open_, key=lambda each: each.contact_id != chosen)
        # Who is gone cannot be judged, and is never asked about.
        shown = ((each, self.questions.blind(each)) for each in asked)
        one, blind = next(((each, found) for each, found in shown if found), (None, None))
        if one is None:
            return self._page(visit, "audited.html", total=len(drawn), **shared)
        return self._page(
            visit,
            "audit.html",
            question=blind,
            sample=one.id,
            note=visit.session.notes.get(one.contact_id, ""),
            place=len(drawn) - len(open_) + 1,
            total=len(drawn),
            **shared,
        )

    def judge(self, visit: Visit) -> Response:
        """Save what was judged of a contact of the sample."""
        form, kind, contact = visit.form, SIDES["companies"].kind, visit.form.id("contact")
        drawn = next((each for each in self.deciding.sample() if each.contact_id == contact), None)
        if drawn is None:
            return _refusal(visit.request, 400, visit.session)
        if form["do"] == "note":
            return self._keep_note(visit, AUDIT, contact)
        answers: list[Answer] = []
        if form["pick"]:
            answers = [Answer(kind, "force", contact, form.id("pick"))]
        elif form["do"] == "unsure":
            answers = [Answer(kind, "unsure", contact, None)]
        elif form["do"] == "none":
            standing = self.deciding.standing()
            forced = standing.forced.get((kind, contact))
            ids = [*form.ids("shown"), *([forced.company_id] if forced else [])]
            answers = [
                Answer(kind, "none", contact, None),
                *(
                    Answer(kind, "forbid", contact, each)
                    for each in dict.fromkeys(ids)
                    if not _is_ruled_out(standing, kind, contact, each)
                ),
            ]
        return self._save(visit, AUDIT, contact, answers, drawn.id)

    def _counts(self, standing: Standing) -> list[tuple[str, int]]:
        """Return the tabs that there are, and how many questions each still has."""
        counts = [
            (tab, len(self.questions.open(tab, standing)))
            for tab in SIDES
            if self.questions.has(tab)
        ]
        if self.questions.has("duplicates"):
            counts.append(("duplicates", len(self.questions.open("duplicates", standing))))
        drawn = self.deciding.sample()
        counts.append((AUDIT, sum(each.contact_id not in standing.judged for each in drawn)))
        return counts

    def decide(self, visit: Visit) -> Response:
        """Save what was decided about a contact."""
        form, tab = visit.form, visit.form["tab"]
        if tab not in SIDES:
            return _refusal(visit.request, 400, visit.session)
        kind, contact = SIDES[tab].kind, form.id("contact")
        if not contact:
            return _refusal(visit.request, 400, visit.session)
        if form["do"] == "note":
            return self._keep_note(visit, tab, contact)
        answers: list[Answer]
        if form["pick"]:
            answers = [Answer(kind, "force", contact, form.id("pick"))]
        elif form["do"] == "yes" and form["proposal"]:
            answers = [Answer(kind, "force", contact, form.id("proposal"))]
        elif form["do"] == "none":
            # Where none is there to rule out, the answer is about the contact alone.
            answers = [Answer(kind, "forbid", contact, each) for each in form.ids("shown")] or [
                Answer(kind, "none", contact, None)
            ]
        elif form["do"] == "later":
            answers = [Answer(kind, "later", contact, None)]
        elif form["do"] == "all":
            pairs = self._shown_alike(visit, tab)
            if pairs is None:
                return RedirectResponse(f"/{tab}", 303)
            answers = [Answer(kind, "force", key, other) for key, other in pairs.items()]
        else:
            answers = []
        return self._save(visit, tab, contact, answers)

    def pair(self, visit: Visit) -> Response:
        """Save what was decided about two records that may be one."""
        form = visit.form
        key, verdict = form["pair"], form["do"]
        of, left, right = pair_of(key)
        kind = f"{of}_duplicate"
        decision = {"same": "force", "two": "forbid", "later": "later"}.get(verdict)
        if kind not in FIELDS or (decision is None and verdict != "note"):
            return _refusal(visit.request, 400, visit.session)
        if decision is None:
            return self._keep_note(visit, "duplicates", key)
        if form["alike"]:
            pairs = self._shown_alike(visit, "duplicates")
            if pairs is None:
                return RedirectResponse("/duplicates", 303)
            known = [pair_of(each) for each in pairs]
            answers = [Answer(kind, decision, one, other) for _, one, other in known]  # type: ignore[arg-type] # both are looked up
            return self._save(visit, "duplicates", key, answers)
        answer = Answer(kind, decision, left, right)  # type: ignore[arg-type] # both are looked up
        return self._save(visit, "duplicates", key, [answer])

    def _keep_note(self, visit: Visit, tab: str, about: str) -> Response:
        note = plain(visit.form["reason"])
        if note:
            visit.session.notes[about] = note
        else:
            visit.session.notes.pop(about, None)
        visit.session.current[tab] = about
        return RedirectResponse(f"/{tab}", 303)

    def _save(
        self, visit: Visit, tab: str, about: str, answers: list[Answer], sample: str | None = None
    ) -> Response:
        session, texts = visit.session, visit.texts
        reason = plain(visit.form["reason"]) or session.notes.get(about)
        seen = visit.form["seen"]
        if not answers:
            session.message = (False, texts("There is nothing to decide here."))
            return RedirectResponse(f"/{tab}", 303)
        try:
            self.deciding.decide(
                answers, session.author, reason, int(seen) if seen.isdecimal() else 0, sample
            )
        except Meanwhile as faster:
            session.message = (
                False,
                texts(
                    "Not saved: %(author)s decided this at %(moment)s, while you looked at it.",
                    author=faster.decision.author or "?",
                    moment=texts.moment(faster.decision.decided_at),
                ),
            )
            if tab != AUDIT:
                session.current[tab] = about
        except (DecisionError, DecisionsFileError) as error:
            # It stays, with its note, until it can be saved.
            session.message = (False, _not_saved(error, texts))
            if reason:
                session.notes[about] = reason
            if tab != AUDIT:
                session.current[tab] = about
        else:
            session.notes.pop(about, None)
            session.current.pop(tab, None)
            session.message = (
                True,
                texts.count("One saved.", "%(count)s saved.", len(answers))
                if visit.form["alike"]
                else texts("Saved."),
            )
        return RedirectResponse(f"/{tab}", 303)

    def show_alike(self, visit: Visit) -> Response:
        """Show the questions that are alike, before they are decided at once."""
        form, tab = visit.form, visit.form["tab"]
        key = form["pair"] if tab == "duplicates" else form.id("contact")
        if tab not in STATES or not self.questions.has(tab):
            return _refusal(visit.request, 400, visit.session)
        standing = self.deciding.standing()
        found = self.alike.of(tab, key, standing)
        shown = dict(list(found.items())[:ALIKE])
        pairs: Sequence[Beside]
        if tab == "duplicates":
            pairs = twins = self.questions.pairs(shown)
            values = [alike.written(each.key, "") for each in twins]
            reasons = twins[0].reasons if twins else None
        else:
            pairs = self.questions.compared(tab, shown)
            values = [alike.written(each.left_id, each.right_id) for each in pairs]
            question = self.questions.question(tab, key, standing)
            reasons = question.contact["reasons"] if question else None
        if len(pairs) < 2:  # noqa: PLR2004 - nothing is like itself
            return RedirectResponse(f"/{tab}", 303)
        return self._page(
            visit,
            "alike.html",
            tab=tab,
            tabs=self._counts(standing),
            about=key,
            pairs=pairs,
            values=values,
            reasons=reasons,
            count_all=len(found),
            note=plain(form["reason"]) or visit.session.notes.get(key, ""),
            seen=len(standing.decisions),
        )

    def _shown_alike(self, visit: Visit, tab: str) -> dict[str, str] | None:
        """Return what was shown as alike, or None where it is alike no more.

        What somebody else has decided meanwhile is told when it is saved.
        """
        standing = self.deciding.standing()
        shown = dict(alike.read(each) for each in visit.form.values.get("alike", [])[:ALIKE])
        groups = (self.alike.of(tab, key, standing) for key in shown)
        found: Mapping[str, str] = next((group for group in groups if group), {})
        waiting = set(self.questions.open(tab, standing))
        if any(found.get(key) != other for key, other in shown.items() if key in waiting):
            visit.session.message = (
                False, visit.texts("Not saved: these are not alike any more. Look at them again.")
            )  # fmt: skip
            return None
        return shown

    def search(self, visit: Visit) -> Response:
        """Show what a search finds: companies or persons for a contact, or contacts."""
        form, tab = visit.form, visit.form["tab"]
        side = "companies" if tab == AUDIT else tab
        if side not in SIDES or not self.questions.has(side):
            return _refusal(visit.request, 400, visit.session)
        standing = self.deciding.standing()
        words, contact = form["words"].strip()[:LAST], form.id("contact")
        is_contacts = form["what"] == "contacts" or not contact
        return self._page(
            visit,
            "found.html",
            tab=tab,
            tabs=self._counts(standing),
            words=words,
            contact=contact,
            is_contacts=is_contacts,
            contacts=self.questions.search_contacts(words) if is_contacts else [],
            found=[] if is_contacts else self.questions.search(side, words),
            seen=len(standing.decisions),
            note=visit.session.notes.get(contact, ""),
        )

    def go(self, visit: Visit) -> Response:
        """Show a contact or a pair that was searched for, or the queue."""
        form, tab = visit.form, visit.form["tab"]
        if tab not in TABS:
            return _refusal(visit.request, 400, visit.session)
        if chosen := form["pair"] if tab == "duplicates" else form.id("contact"):
            visit.session.current[tab] = chosen
        else:
            visit.session.current.pop(tab, None)
        return RedirectResponse(f"/{tab}", 303)

    def show_list(self, visit: Visit, tab: str) -> Response:
        """Show what a tab holds, as its filter says."""
        if not self.questions.has(tab):
            return self._page(visit, "absent.html", tab=tab)
        standing, session = self.deciding.standing(), visit.session
        wanted = session.lists.get(tab, Filter())
        keys = self.lists.keys(tab, wanted, standing, session.order)
        # Decisions make it shorter.
        first = min(session.first_row.get(tab, 0), max(len(keys) - 1, 0) // ROWS * ROWS)
        return self._page(
            visit,
            "list.html",
            tab=tab,
            tabs=self._counts(standing),
            wanted=wanted,
            states=STATES[tab],
            ways=self.lists.ways(tab),
            rows=self.lists.rows(tab, keys[first : first + ROWS], standing),
            first=first,
            total=len(keys),
            step=ROWS,
        )

    def filter_list(self, visit: Visit) -> Response:
        """Change what a list shows, or from which row."""
        form, tab = visit.form, visit.form["tab"]
        if tab not in STATES:
            return _refusal(visit.request, 400, visit.session)
        if form["first"].isdecimal():
            visit.session.first_row[tab] = int(form["first"][:9])
            return RedirectResponse(f"/list/{tab}", 303)
        state: State = next((each for each in STATES[tab] if each == form["state"]), "waiting")
        how = form["how"] if form["how"] in self.lists.ways(tab) else ""
        words = " ".join(form["words"].split())[:LAST]
        visit.session.lists[tab] = Filter(state, how, words)
        visit.session.first_row.pop(tab, None)
        return RedirectResponse(f"/list/{tab}", 303)

    def narrow(self, visit: Visit) -> Response:
        """Ask what the list shows, one by one; or the whole queue again."""
        session, tab = visit.session, visit.form["tab"]
        if tab not in STATES:
            return _refusal(visit.request, 400, visit.session)
        session.current.pop(tab, None)
        wanted = session.lists.get(tab, Filter())
        if visit.form["do"] == "list" and not wanted.is_all_that_waits:
            session.narrowed[tab] = wanted
        else:
            session.narrowed.pop(tab, None)
        return RedirectResponse(f"/{tab}", 303)

    def undo(self, visit: Visit) -> Response:
        """Take back an action, by default the last one of this person, and show it again."""
        action, session, texts = visit.form["action"], visit.session, visit.texts
        decisions = (
            self.deciding.of_action(action) if action else self.deciding.last_action(session.author)
        )
        back = visit.form["tab"] if visit.form["tab"] in {*TABS, "decided"} else "companies"
        if not decisions:
            session.message = (False, texts("There is nothing to take back."))
            return RedirectResponse(f"/{back}", 303)
        try:
            self.deciding.take_back(decisions, session.author)
        except DecisionsFileError as error:
            session.message = (False, _not_saved(error, texts))
            return RedirectResponse(f"/{back}", 303)
        session.message = (True, texts("Taken back."))
        tab = AUDIT if decisions[0].sample else _tab_of(decisions[0].kind)
        if decisions[0].contact_id and tab in {*SIDES, AUDIT}:
            session.current[tab] = decisions[0].contact_id
        elif tab == "duplicates":
            about = (decisions[0].kind, decisions[0].pair)
            for key, known in self.questions.duplicates().items():
                if known == about:
                    session.current[tab] = key
        return RedirectResponse(f"/{back if action else tab}", 303)

    def language(self, visit: Visit) -> Response:
        """Change the language."""
        response = RedirectResponse(_back(visit), 303)
        if visit.form["language"] in LANGUAGES:
            visit.session.language = visit.form["language"]
            response.set_cookie(
                LANGUAGE_COOKIE,
                visit.session.language,
                httponly=True,
                samesite="strict",
                secure=self.settings.is_secure,
            )
        return response

    def order(self, visit: Visit) -> Response:
        """Change the order of the companies' queue."""
        if visit.form["order"] in ORDERS:
            visit.session.order = visit.form["order"]
        return RedirectResponse("/companies", 303)

    def keys(self, visit: Visit) -> Response:
        """Turn the keys off, or on again."""
        visit.session.has_keys = visit.form["keys"] == "on"
        return RedirectResponse(_back(visit), 303)

    def author(self, visit: Visit) -> Response:
        """Change who decides; a proxy says so itself."""
        name = plain(visit.form["author"])
        if name and not self.settings.user_header:
            visit.session.author = name[:LAST]
        return RedirectResponse(_back(visit), 303)

    def logout(self, visit: Visit) -> Response:
        """End the session."""
        self.sessions.close(visit.session)
        return self._closed_page(visit.request, 200)

    def run(self, visit: Visit) -> Response:
        """Start the run that brings decisions into the tables."""
        if not self.runs.start():
            visit.session.message = (False, visit.texts("A run is going on already."))
        return RedirectResponse(_back(visit), 303)

    def run_state(self, _: Visit) -> Response:
        """Return whether a run is going on."""
        return JSONResponse({"running": self.runs.is_running})

    def export(self, visit: Visit) -> Response:
        """Return a table for a spreadsheet."""
        name, form = visit.request.path_params["name"], visit.request.path_params["form"]
        if name not in TABLES or form not in FORMATS:
            return _refusal(visit.request, 404, visit.session)
        try:
            table = read(self.questions.published, self.deciding.standing().decisions, name)
            path = to_file(table, name, form)
        except ExportError:
            return _refusal(visit.request, 404, visit.session)
        except OSError:
            return _refusal(visit.request, 507, visit.session)
        return FileResponse(
            path,
            media_type=FORMATS[form],
            filename=f"{name}.{form}",
            background=BackgroundTask(path.unlink),
        )

    def decided(self, visit: Visit) -> Response:
        """List what was decided last, and what became of it."""
        standing = self.deciding.standing()
        shown = [
            each
            for each in sorted(standing.decisions, key=lambda one: one.decided_at, reverse=True)
            if each.decision != "undo"
        ][:LAST]
        ids: dict[str, set[str]] = {what: set() for what in set(_NAMED.values())}
        # One sentence of what one key said of one contact.
        said: dict[tuple[str | None, ...], tuple[Decision, str, list[str | None]]] = {}
        for decision in shown:
            one, other = FIELDS[decision.kind]
            for what in (one, other):
                if (value := getattr(decision, what)) is not None:
                    ids[_NAMED[decision.kind, what]].add(value)
            effect = standing.effect(decision)
            key = (decision.action or decision.id, decision.kind, decision.decision)
            sentence = said.setdefault(
                (*key, getattr(decision, one), effect), (decision, effect, [])
            )
            sentence[2].append(getattr(decision, other))
        return self._page(
            visit,
            "decided.html",
            tab="decided",
            tabs=self._counts(standing),
            decisions=list(said.values()),
            named=_NAMED,
            names=self.questions.names(ids),
            fields=FIELDS,
            count_all=sum(1 for each in standing.decisions if each.decision != "undo"),
            unreadable=self.deciding.unreadable(),
            exports=[
                (name, list(FORMATS))
                for name, table in TABLES.items()
                if table is None or self.questions.published.has(table)
            ],
        )


def _refusal(request: Request, status: int, session: Session | None = None) -> Response:
    """Return the page that says what went wrong, and what to do."""
    _, templates = in_language(language_of(request, session))
    text = templates.get_template("refused.html").render(status=status)
    return HTMLResponse(text, status)


async def _no_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    response = _refusal(request, status)
    if isinstance(error, HTTPException):
        # Of a method that is not allowed, those that are.
        response.headers.update(error.headers or {})
    return response


async def _no_icon(_: Request) -> Response:
    return Response(status_code=204)


async def _body(request: Request) -> bytes:
    """Return the body of a request, of which `Gate` has seen the length."""
    body = await request.body()
    return body[:MAX_BODY]


def _back(visit: Visit) -> str:
    tab = visit.form["tab"]
    return f"/{tab}" if tab in {*TABS, "decided"} else "/"


def _tab_of(kind: Kind) -> str:
    other = "duplicates" if kind.endswith("_duplicate") else "companies"
    return next((tab for tab, side in SIDES.items() if side.kind == kind), other)


def _not_saved(error: Exception, texts: Texts) -> Markup:
    """Return that something is not saved, and why."""
    return texts("Not saved. %(error)s", error=_why(error, texts))


def _why(error: Exception, texts: Texts) -> Markup:
    """Return why the file cannot be read or written, or what is wrong with a decision."""
    cause = error.cause if isinstance(error, DecisionsFileError) else "other"
    if cause == "full":
        return texts("The disk of the decisions file is full. Make room, and decide again.")
    if cause == "read-only":
        return texts("The disk of the decisions file is read-only.")
    if cause == "denied":
        return texts("The account of this page may not use the decisions file.")
    if cause == "held":
        return texts("Another program holds the decisions file. Decide again in a moment.")
    # It says so in its own words, which have no translation.
    detail = Markup('<span lang="en">{}</span>').format(str(error).removeprefix("not saved: "))
    return texts("What the program says: %(detail)s", detail=detail)


def _shown(question: Question) -> list[str]:
    """Return all that "none of these" rules out: what is shown, and the link there is."""
    candidates = [question.proposal, *question.others]
    ids = [*(each.id for each in candidates if each), question.contact["linked_id"]]
    return [each for each in dict.fromkeys(ids) if each]


def _is_ruled_out(standing: Standing, kind: Kind, contact: str, other: str | None) -> bool:
    """Return whether a pair is ruled out already, so that it need not be said again.

    What a decision of the queue ruled out was no proposal of the rules when the sample was drawn.
    """
    decided = standing.pairs.get((kind, (contact, other)))
    return decided is not None and decided.decision == "forbid"


def _bars(question: Question) -> list[tuple[float, float]]:
    """Return where the bar of each step begins and how wide it is, of 100."""
    ends = [0, *(step.end for step in question.steps), *(step.start for step in question.steps)]
    low, width = min(ends), (max(ends) - min(ends)) or 1
    return [
        (100 * (min(step.start, step.end) - low) / width, 100 * abs(step.weight) / width)
        for step in question.steps
    ]
