from lighthouse.app import app
from lighthouse.lights import rhythm


def test_one_flash_is_not_called_flashes():
    assert rhythm("long-sand") == "1 flash every 5 seconds"


def test_the_service_knows_its_lights():
    answer = app.test_client().get("/lights/gull-rock")
    assert answer.json["rhythm"] == "2 flashes every 10 seconds"
