"""The office's web service."""

from flask import Flask, abort, jsonify, request

from .tickets import ticket_for

app = Flask(__name__)

FOUND_THIS_WEEK = ["Blue umbrella", "Left glove", "Trombone"]
shelf = {ticket_for(thing): thing for thing in FOUND_THIS_WEEK}


def wanted_thing() -> str:
    thing = request.values.get("thing", "").strip()
    if not thing:
        abort(400, "which thing? send ?thing=...")
    return thing


@app.get("/")
def office():
    return jsonify(office="Lost and Found", things=len(shelf))


@app.get("/healthz")
def healthz():
    return jsonify(status="ok")


@app.get("/ticket")
def ticket():
    thing = wanted_thing()
    return jsonify(thing=thing, ticket=ticket_for(thing))


@app.post("/things")
def hand_in():
    thing = wanted_thing()
    number = ticket_for(thing)
    shelf[number] = thing
    return jsonify(thing=thing, ticket=number), 201


@app.get("/things/<number>")
def collect(number: str):
    thing = shelf.get(number.upper())
    if thing is None:
        abort(404, "nobody has handed that in")
    return jsonify(thing=thing, ticket=number.upper())
