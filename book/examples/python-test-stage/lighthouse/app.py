"""Says what a lighthouse looks like from the sea."""

from flask import Flask, jsonify

from lighthouse.lights import LIGHTS, rhythm

app = Flask(__name__)


@app.get("/lights/<name>")
def light(name):
    if name not in LIGHTS:
        return jsonify(error="no such light"), 404
    return jsonify(name=name, rhythm=rhythm(name))
