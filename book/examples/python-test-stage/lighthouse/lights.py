"""The lights, with their flashes and the seconds from one group to the next."""

LIGHTS = {"gull-rock": (2, 10), "long-sand": (1, 5)}


def rhythm(name):
    flashes, period = LIGHTS[name]
    return f"{flashes} flash{'es' if flashes > 1 else ''} every {period} seconds"
