"""The club's web service."""

from datetime import date
from importlib.resources import files

from bottle import Bottle, HTTPResponse, request
from markdown_it import MarkdownIt

from .moon import moon_on

app = Bottle()


@app.get("/")
def club():
    return {"club": "The Comet Club", "tonight": moon_on(date.today())}


@app.get("/moon")
def moon():
    text = request.query.get("day") or date.today().isoformat()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return HTTPResponse({"error": "which day? send ?day=2026-03-05"}, status=400)
    return moon_on(day)


@app.get("/notebook")
def notebook():
    text = files(__package__).joinpath("notebook.md").read_text(encoding="utf-8")
    return MarkdownIt().render(text)


@app.get("/healthz")
def healthz():
    return {"status": "ok"}
