"""The theatre's web service."""

from bitarray import bitarray
from flask import Flask, abort, jsonify

ROWS, SEATS = 8, 12

app = Flask(__name__)
# One bit for each seat.
taken = bitarray(ROWS * SEATS)
taken.setall(False)


def place(row: int, seat: int) -> int:
    if not (1 <= row <= ROWS and 1 <= seat <= SEATS):
        abort(404, "the theatre is not that big")
    return (row - 1) * SEATS + seat - 1


@app.get("/")
def house():
    return jsonify(theatre="The Small House", free=taken.count(False))


@app.post("/rows/<int:row>/seats/<int:seat>")
def sell(row: int, seat: int):
    here = place(row, seat)
    if taken[here]:
        abort(409, "somebody sits there")
    taken[here] = True
    return jsonify(row=row, seat=seat), 201
